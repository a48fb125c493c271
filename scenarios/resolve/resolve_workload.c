/* Hides how `workload` or `trace`, and --trace, become one struct ts_workload. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "scenarios/language/loader.h"
#include "scenarios/resolve/workload_parts.h"
#include "traces/trace.h"

static const double share_tolerance = 1e-6;

/* ---- whom labels matter to ---- */

static bool rules_look_at_sensitivity(struct ts_loader *loader)
{
    struct ts_value *rules = ts_value_at(loader->root, "routing.rules");
    bool any = false;
    for (size_t i = 0; rules && i < rules->n_children; i++) {
        any = any || ts_value_is_written(&rules->children[i], "when.sensitivity");
    }
    return any;
}

static bool servers_look_at_priority(struct ts_loader *loader)
{
    struct ts_value *tiers = ts_value_at(loader->root, "tiers");
    bool any = false;
    for (size_t i = 0; i < tiers->n_children; i++) {
        struct ts_value *tier = &tiers->children[i];
        const struct ts_value *kind = tier->n_children > 0 ? ts_value_at(tier, "kind") : NULL;
        const struct ts_value *order =
            kind && kind->text && ts_str_equal(kind->text, "server") ? ts_value_at(tier, "scheduler.order") : NULL;
        any = any || (order && order->text && ts_str_equal(order->text, "priority"));
    }
    return any;
}

/* ---- classes ---- */

/* Not those of a workload that a trace replaces. */
static bool has_where(struct ts_value *item)
{
    return ts_str_has_prefix(item->path, "trace.") && ts_value_is_written(item, "where");
}

static void class_of(struct ts_loader *loader, struct ts_value *item, struct ts_class_spec *out, bool generated)
{
    memset(out, 0, sizeof *out);
    out->name = ts_value_text(item, "name");
    out->share = has_where(item) ? 0.0 : ts_value_number(item, "share");
    out->sensitivity = (uint8_t)ts_value_choice(item, "sensitivity");
    out->priority = (uint8_t)ts_value_count(item, "priority");
    out->difficulty = ts_value_dist(item, "difficulty");
    out->prompt_tok = out->output_tok = ts_dist_constant(1.0);
    out->says_lengths = ts_value_is_written(item, "prompt") && ts_value_is_written(item, "output");
    if (generated) {
        ts_resolve_lengths(loader, item, out);
        ts_resolve_own_process(loader, item, out);
    } else if (out->says_lengths) {
        out->prompt_tok = ts_value_dist(item, "prompt");
        out->output_tok = ts_value_dist(item, "output");
    }
    if (generated) {
        ts_resolve_session(loader, item, &out->session);
    }
}

static void check_share(struct ts_loader *loader, struct ts_value *item)
{
    if (!ts_value_is_written(item, "share") && !item->broken) {
        ts_loader_error(loader, item, "write share: 100 %, or where: {COLUMN: TEXT} to select its rows",
                        "the class '%s' has no share", item->name);
    }
}

static void check_classes(struct ts_loader *loader, struct ts_value *list)
{
    double sum = 0.0;
    bool any = false;
    for (size_t i = 0; i < list->n_children; i++) {
        if (has_where(&list->children[i])) {
            ts_value_counts_if(&list->children[i], "share", false, "`where` says which rows are of the class");
        } else {
            check_share(loader, &list->children[i]);
            sum += ts_value_number(&list->children[i], "share");
            any = true;
        }
        if (ts_str_equal(list->children[i].name, "all")) {
            ts_loader_error(loader, ts_value_at(&list->children[i], "name"), "choose another name",
                            "'all' is reserved in the reports");
        }
        for (size_t j = 0; j < i; j++) {
            if (ts_str_equal(list->children[i].name, list->children[j].name)) {
                ts_loader_error(loader, ts_value_at(&list->children[i], "name"), NULL, "two classes are named '%s'",
                                list->children[i].name);
            }
        }
    }
    if (any && fabs(sum - 1.0) > share_tolerance) {
        ts_loader_error(loader, list, NULL, "the shares of the classes sum to %.6g %%, not to 100 %%", sum * 100.0);
    }
}

/* Lengths of a trace's classes tell something only if all of them have some. */
static void moot_lengths(struct ts_value *list, size_t n, bool generated)
{
    bool all = true;
    for (size_t i = 0; i < n; i++) {
        struct ts_value *item = &list->children[i];
        const bool both = ts_value_is_written(item, "prompt") && ts_value_is_written(item, "output");
        all = all && (generated || has_where(item) || both);
    }
    for (size_t i = 0; i < n; i++) {
        ts_value_counts_if(&list->children[i], "prompt", all, "not every class with a share has prompt and output");
        ts_value_counts_if(&list->children[i], "output", all, "not every class with a share has prompt and output");
    }
}

/* Classes of a section; a trace without any gets one. */
static void resolve_classes(struct ts_loader *loader, struct ts_value *list, bool generated)
{
    struct ts_workload *workload = loader->workload;
    size_t n = list ? list->n_children : 0;
    if (n > TS_MAX_CLASSES) {
        ts_loader_error(loader, list, NULL, "more than %d classes", TS_MAX_CLASSES);
        return;
    }
    if (n == 0 && list && list->state == TS_VALUE_WRITTEN) {
        ts_loader_error(loader, list, "write at least one {name: ..., share: 100 %}", "there are no classes");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        ts_value_counts_if(&list->children[i], "sensitivity", rules_look_at_sensitivity(loader),
                           "no rule of routing has when: {sensitivity: ...}");
        ts_value_counts_if(&list->children[i], "priority", servers_look_at_priority(loader),
                           "no server has scheduler: {order: priority}");
    }
    struct ts_class_spec *classes = ts_loader_array(loader, n ? n : 1, sizeof *classes);
    const char **names = ts_loader_array(loader, n ? n : 1, sizeof *names);
    if (!classes || !names) {
        return;
    }
    if (n == 0) {
        classes[0] = (struct ts_class_spec){.name = "request",
                                            .share = 1.0,
                                            .prompt_tok = ts_dist_constant(1.0),
                                            .output_tok = ts_dist_constant(1.0),
                                            .difficulty = ts_dist_normal(0.0, 1.0),
                                            .sensitivity = TS_INTERNAL};
        ts_loader_assume(loader, "trace.classes", TS_ORIGIN_DEFAULT, "default of the scenario language",
                         "one class 'request', internal, difficulty normal(0, 1)");
    }
    moot_lengths(list, n, generated);
    for (size_t i = 0; i < n; i++) {
        class_of(loader, &list->children[i], &classes[i], generated);
    }
    if (n > 0) {
        check_classes(loader, list);
    }
    workload->classes = classes;
    workload->names_classes = n > 0;
    workload->n_classes = n ? n : 1;
    for (size_t i = 0; i < workload->n_classes; i++) {
        names[i] = classes[i].name ? classes[i].name : "";
    }
    loader->model->class_names = names;
    loader->model->n_classes = (uint32_t)workload->n_classes;
}

/* Which rows are of which class. */
static void resolve_where(struct ts_loader *loader, struct ts_value *list)
{
    struct ts_workload *workload = loader->workload;
    size_t n = 0, n_classes = 0;
    struct ts_trace_where *where = ts_loader_array(loader, TS_TRACE_MAX_WHERE, sizeof *where);
    for (size_t i = 0; where && list && i < list->n_children; i++) {
        struct ts_value *section = ts_value_at(&list->children[i], "where");
        for (size_t k = 0; section && k < section->n_children; k++) {
            struct ts_value *item = &section->children[k];
            item->used = true;
            if (n == TS_TRACE_MAX_WHERE) {
                ts_loader_error(loader, item, NULL, "more than %d conditions", TS_TRACE_MAX_WHERE);
                return;
            }
            where[n++] = (struct ts_trace_where){item->name, item->text ? item->text : "", (uint16_t)i};
        }
        n_classes += section && section->n_children > 0;
    }
    workload->where = where;
    workload->n_where = n;
    workload->drops_others = n > 0 && n_classes == list->n_children;
}

static void resolve_map(struct ts_loader *loader, struct ts_value *trace)
{
    struct ts_value *section = ts_value_at(trace, "map");
    struct ts_trace_map *map = ts_loader_array(loader, 1, sizeof *map);
    if (!map || !section || !ts_value_is_written(trace, "map")) {
        return;
    }
    for (size_t i = 0; i < TS_TRACE_N_READ; i++) {
        const char *word = ts_trace_map_word((enum ts_trace_field)i);
        map->columns[i] = word ? ts_value_text(section, word) : NULL;
    }
    map->time_unit = ts_value_text(section, "unit");
    const char *const *units = ts_trace_time_units();
    size_t n = 0;
    bool known = !map->time_unit;
    for (; units[n]; n++) {
        known = known || ts_str_equal(units[n], map->time_unit);
    }
    if (!known) {
        ts_loader_error(loader, ts_value_at(section, "unit"), "write s, ms, us, ns, excel, dmy or mdy",
                        "no unit of time: '%s'", map->time_unit);
    }
    loader->workload->map = map;
}

/* --map, in place of the scenario's. */
static void take_map(struct ts_loader *loader, struct ts_value *trace)
{
    const char *given = loader->options->trace_map;
    if (trace) {
        ts_value_counts_if(trace, "map", !given, "--map replaces it");
    }
    if (!given) {
        return;
    }
    struct ts_trace_map *map = ts_loader_array(loader, 1, sizeof *map);
    char *text = ts_loader_array(loader, strlen(given) + 1, 1);
    if (!map || !text) {
        return;
    }
    const enum ts_status status = ts_trace_map_parse(map, text, given, loader->diags);
    if (status != TS_OK) {
        ts_loader_fail(loader, status);
        return;
    }
    loader->workload->map = map;
    ts_loader_assume(loader, "trace.map", TS_ORIGIN_COMMAND, "command line", "%s", given);
}

static void check_format(struct ts_loader *loader, struct ts_value *trace, const char *format)
{
    const char *const *names = ts_trace_format_names();
    size_t n = 0;
    bool known = ts_str_equal(format, "auto");
    while (names[n]) {
        known = known || ts_str_equal(names[n], format);
        n++;
    }
    if (!known) {
        ts_loader_error(loader, ts_value_at(trace, "format"), ts_loader_hint(loader, format, names, n),
                        "unknown trace format '%s'", format);
    }
}

/* ---- a closed loop ---- */

static const char no_users[] = "arrivals follow the rate of calls, without users: write users";
static const char not_when_recorded[] = "requests arrive as recorded: write users for a closed loop";

/* Users, where the section has them, send until until_s (0: until the requests end). */
static bool resolve_users(struct ts_loader *loader, struct ts_value *section, double until_s, const char *why_not)
{
    const bool closed = ts_value_is_set(section, "users");
    ts_value_counts_if(section, "think", closed, why_not);
    if (closed) {
        loader->workload->is_closed = true;
        loader->model->users = (struct ts_users_model){
            .n = ts_value_count(section, "users"), .think_s = ts_value_dist(section, "think"), .until_s = until_s};
    }
    return closed;
}

/* ---- a trace ---- */

static void resolve_trace(struct ts_loader *loader, struct ts_value *trace)
{
    struct ts_workload *workload = loader->workload;
    const char *written = loader->options->trace_path ? NULL : ts_value_text(trace, "file");
    if (loader->options->trace_path) {
        ts_value_ignore(ts_value_at(trace, "file"));
        workload->trace_path = ts_loader_printf(loader, "%s", loader->options->trace_path);
        ts_loader_assume(loader, "trace.file", TS_ORIGIN_COMMAND, "command line", "%s",
                         ts_path_base(workload->trace_path));
    } else if (written) {
        workload->trace_path = ts_loader_beside(loader, written);
    } else {
        ts_loader_error(loader, trace, "write file: my.csv, or give --trace FILE", "no trace is named");
    }
    workload->trace_format = ts_value_text(trace, "format");
    check_format(loader, trace, workload->trace_format);
    loader->model->prompts_are_told = ts_trace_format_tells_prompts(workload->trace_format);
    resolve_map(loader, trace);
    take_map(loader, trace);
    workload->repeat_to_s = ts_value_number(trace, "repeat_to");
    const bool closed = resolve_users(loader, trace, workload->repeat_to_s, not_when_recorded);
    ts_value_counts_if(trace, "turns", !closed, "users send the requests in file order, whatever their sessions");
    workload->turns = (enum ts_trace_turns)ts_value_choice(trace, "turns");
    ts_value_counts_if(trace, "represents", !closed, "users set the rate of a closed loop");
    if (!closed) {
        struct ts_value *represents = ts_value_at(trace, "represents");
        represents->used = true;
        workload->represents = represents->curve;
        workload->represents_is_assumed = !ts_value_is_written(trace, "represents");
    }
    ts_value_counts_if(trace, "scale_rate", !closed, "users set the rate of a closed loop");
    workload->scale_rate = ts_value_number(trace, "scale_rate");
    resolve_classes(loader, ts_value_at(trace, "classes"), false);
    resolve_where(loader, ts_value_at(trace, "classes"));
}

/* --trace beside a generated workload: its classes label the requests of the file, its users send them. */
static void replace_by_trace(struct ts_loader *loader, struct ts_value *section)
{
    struct ts_workload *workload = loader->workload;
    ts_value_ignore(section);
    ts_value_counts_if(section, "", false, "--trace replaces the workload");
    workload->trace_path = ts_loader_printf(loader, "%s", loader->options->trace_path);
    workload->trace_format = "auto";
    loader->model->prompts_are_told = ts_trace_format_tells_prompts(workload->trace_format);
    workload->scale_rate = 1.0;
    take_map(loader, NULL);
    workload->represents = ts_week_curve("office-week");
    workload->represents_is_assumed = true;
    ts_loader_assume(loader, "trace.represents", TS_ORIGIN_DEFAULT, "default", "office-week");
    ts_loader_assume(loader, "trace.file", TS_ORIGIN_COMMAND, "command line", "%s", ts_path_base(workload->trace_path));
    ts_value_counts_if(section, "users", true, NULL);
    resolve_users(loader, section, 0.0, not_when_recorded);
    ts_value_counts_if(section, "classes", true, NULL);
    resolve_classes(loader, ts_value_at(section, "classes"), false);
}

static void name_token_sources(struct ts_loader *loader, struct ts_value *list)
{
    static const char *const roles[] = {"prompt", "output"};
    for (size_t i = 0; i < list->n_children; i++) {
        for (size_t r = 0; r < 2; r++) {
            const struct ts_value *value = ts_value_at(&list->children[i], roles[r]);
            const struct ts_node *name = value ? ts_yaml_tree_find(value->node, "empirical") : NULL;
            const char *source = name ? ts_token_dist_source(name->text) : NULL;
            if (source) {
                ts_loader_assume(loader, ts_loader_printf(loader, "%s.quantiles", value->path), TS_ORIGIN_CATALOG,
                                 source, "%s", name->text);
            }
        }
    }
}

static bool is_flat(const double *week_curve)
{
    bool flat = true;
    for (size_t hour = 1; week_curve && hour < TS_WEEK_HOURS; hour++) {
        flat = flat && week_curve[hour] == week_curve[0];
    }
    return flat;
}

/* When requests come at a rate. */
static void resolve_rate(struct ts_loader *loader, struct ts_value *section)
{
    static const char *const of_process[] = {"curve", "gaps", "rates", "bursts"};
    struct ts_workload *workload = loader->workload;
    struct ts_value *curve = ts_value_at(section, "curve");
    bool any_curve = false, all_own = true;
    for (size_t i = 0; i < workload->n_classes; i++) {
        const struct ts_process *own = workload->classes[i].process;
        any_curve = any_curve || (own && !is_flat(own->week_curve));
        all_own = all_own && own;
    }
    for (size_t i = 0; all_own && i < sizeof of_process / sizeof of_process[0]; i++) {
        ts_value_counts_if(section, of_process[i], false, "every class has its own arrivals");
    }
    any_curve = any_curve || (!all_own && !is_flat(curve->curve));
    ts_value_counts_if(section, "start", any_curve || ts_resolve_has_clock(loader),
                       "the rate is the same at all hours: write a curve");
    workload->calls_per_s = ts_value_number(section, "calls");
    workload->window.start_hour = ts_value_number(section, "start");
    ts_resolve_process(loader, section, &workload->process);
    ts_resolve_window(section, workload, any_curve);
    loader->model->calls_per_month = ts_workload_expected_calls_per_month(workload);
    ts_loader_assume(loader, "workload.calls_per_month", TS_ORIGIN_MODELLED, "730 h of the mean rate", "%.0f calls",
                     loader->model->calls_per_month);
    double expected = ts_workload_expected_calls(workload);
    if (expected > 2e8) {
        ts_loader_warning(loader, ts_value_at(section, "calls"), NULL,
                          "about %.0f calls will be simulated: that takes a while", expected);
    }
}

static bool is_written(struct ts_value *section, const char *key)
{
    const struct ts_value *value = section->n_children > 0 ? ts_value_at(section, key) : NULL;
    return value && value->state != TS_VALUE_ABSENT;
}

/* A closed loop has users and no rate. Told beside mistakes that the section may have otherwise. */
static bool check_load(struct ts_loader *loader, struct ts_value *section)
{
    const bool has_calls = is_written(section, "calls"), has_users = is_written(section, "users");
    if (has_calls && has_users) {
        ts_loader_error(loader, ts_value_at(section, "users"), "keep the one that you mean",
                        "'calls' and 'users' exclude each other: a closed loop has no rate of its own");
    } else if (!has_calls && !has_users) {
        ts_loader_error(loader, section, "write calls: 10/s, or users: 64 for a closed loop",
                        "'calls' or 'users' is missing in workload");
    }
    return has_calls != has_users;
}

static void resolve_load(struct ts_loader *loader, struct ts_value *section)
{
    static const char *const of_rates[] = {"curve", "gaps", "rates", "bursts", "trend", "holidays", "tick"};
    const bool closed = resolve_users(loader, section, ts_value_number(section, "duration"), no_users);
    ts_value_counts_if(section, "requests", closed, "it ends a closed loop: write users, or a duration");
    loader->workload->max_requests = closed ? (uint64_t)ts_value_number(section, "requests") : 0;
    for (size_t i = 0; closed && i < sizeof of_rates / sizeof of_rates[0]; i++) {
        ts_value_counts_if(section, of_rates[i], false, "users set the rate of a closed loop");
    }
    struct ts_value *classes = ts_value_at(section, "classes");
    for (size_t i = 0; closed && i < classes->n_children; i++) {
        ts_value_counts_if(&classes->children[i], "arrivals", false, "users set the rate of a closed loop");
    }
    if (!closed) {
        resolve_rate(loader, section);
        return;
    }
    ts_value_counts_if(section, "start", ts_resolve_has_clock(loader), "users set the rate of a closed loop");
    loader->workload->window.start_hour = ts_value_number(section, "start");
}

static void resolve_generated(struct ts_loader *loader, struct ts_value *section)
{
    struct ts_workload *workload = loader->workload;
    (void)ts_value_text(section, "like");
    workload->window.duration_s = ts_value_number(section, "duration");
    workload->scale_rate = 1.0;
    workload->max_prompt_tok = ts_value_count(section, "max_prompt");
    workload->max_output_tok = ts_value_count(section, "max_output");
    struct ts_value *classes = ts_value_at(section, "classes");
    resolve_classes(loader, classes, true);
    ts_value_counts_if(section, "prefix_block", workload->prefix_block_tok > 0, "no class has `prefix`");
    name_token_sources(loader, classes);
    resolve_load(loader, section);
}

void ts_resolve_workload(struct ts_loader *loader)
{
    struct ts_value *generated = ts_value_at(loader->root, "workload");
    struct ts_value *trace = ts_value_at(loader->root, "trace");
    bool has_generated = ts_value_is_written(loader->root, "workload") || generated->broken;
    bool has_trace = ts_value_is_written(loader->root, "trace") || trace->broken;
    if (has_generated && has_trace) {
        ts_loader_error(loader, trace, "keep the one that you mean", "'workload' and 'trace' exclude each other");
        return;
    }
    if (!has_generated && !has_trace && !loader->options->trace_path) {
        ts_loader_error(loader, NULL, "write 'workload:' with calls and classes, or 'trace:' with a file",
                        "there are no requests");
        return;
    }
    const bool drawn = has_generated && !loader->options->trace_path;
    if ((drawn && !check_load(loader, generated)) || generated->broken || trace->broken) {
        return;
    }
    if (has_trace || !has_generated) {
        resolve_trace(loader, trace);
    } else if (loader->options->trace_path) {
        replace_by_trace(loader, generated);
    } else {
        resolve_generated(loader, generated);
        if (loader->options->trace_map) {
            ts_loader_error(loader, NULL, "give the trace, too: --trace FILE", "--map: the scenario has no trace");
        }
    }
    ts_resolve_sessions(loader);
}
