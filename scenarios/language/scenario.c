/* Hides the order of loading: read, parse, apply --set, bind, order tiers, add own rows, check names, resolve; and that
 * mistakes are shown in the order of the file, whichever step found them. */
#include "scenarios/language/scenario.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/source.h"
#include "scenarios/language/loader.h"

enum { MAX_SETS = 256 };

static const char command_line[] = "command line";

struct sources {
    struct ts_source file, like, space;
    bool file_read, like_read, space_read;
    struct ts_source sets[MAX_SETS];
    size_t n_sets;
};

/* ---- diagnostics in the order of the file ---- */

/* A note belongs to the item before it: both move together. */
static size_t group_length(const struct ts_diags *diags, size_t at)
{
    size_t n = 1;
    while (at + n < diags->n_items && diags->items[at + n].severity == TS_NOTE) {
        n++;
    }
    return n;
}

static bool comes_before(const struct ts_diag *a, const struct ts_diag *b)
{
    bool same_file = a->file && b->file && ts_str_equal(a->file, b->file) && !ts_str_equal(a->file, command_line);
    return same_file && (a->line < b->line || (a->line == b->line && a->col < b->col));
}

/* Moves the group at `at` up to its place among the groups from `first` on. */
static void insert_group(struct ts_diags *diags, size_t first, size_t at, size_t n)
{
    size_t to = at;
    for (size_t i = first; i < at; i += group_length(diags, i)) {
        if (comes_before(&diags->items[at], &diags->items[i])) {
            to = i;
            break;
        }
    }
    struct ts_diag moved[TS_DIAGS_MAX];
    memcpy(moved, &diags->items[at], n * sizeof *moved);
    memmove(&diags->items[to + n], &diags->items[to], (at - to) * sizeof *moved);
    memcpy(&diags->items[to], moved, n * sizeof *moved);
}

static void sort_diags(struct ts_diags *diags, size_t first)
{
    for (size_t at = first; diags && at < diags->n_items;) {
        size_t n = group_length(diags, at);
        insert_group(diags, first, at, n);
        at += n;
    }
}

/* ---- assumptions ---- */

static size_t count_used(const struct ts_value *value)
{
    size_t n = value->used && value->shown ? 1 : 0;
    for (size_t i = 0; i < value->n_children; i++) {
        n += count_used(&value->children[i]);
    }
    return n;
}

static const char *where(struct ts_loader *loader, const struct ts_value *value)
{
    const char *file = value->at.source ? value->at.source->name : "";
    return ts_loader_printf(loader, "%s:%u:%u", ts_path_base(file), (unsigned)value->at.line, (unsigned)value->at.col);
}

static bool is_from_command(const struct ts_value *value)
{
    return value->at.source && ts_str_equal(value->at.source->name, command_line);
}

static void collect_used(struct ts_loader *loader, const struct ts_value *value, struct ts_assumption *out, size_t *n)
{
    if (value->used && value->shown) {
        bool written = value->state == TS_VALUE_WRITTEN;
        bool command = written && is_from_command(value);
        out[(*n)++] = (struct ts_assumption){
            .key = value->path,
            .value = value->shown,
            .origin = !written  ? TS_ORIGIN_DEFAULT
                      : command ? TS_ORIGIN_COMMAND
                                : TS_ORIGIN_SCENARIO,
            .source = !written  ? "default of the scenario language"
                      : command ? command_line
                                : where(loader, value),
        };
    }
    for (size_t i = 0; i < value->n_children; i++) {
        collect_used(loader, &value->children[i], out, n);
    }
}

static void hand_over_assumptions(struct ts_loader *loader)
{
    size_t n = count_used(loader->root);
    struct ts_assumption *all = ts_loader_array(loader, n + loader->n_derived, sizeof *all);
    if (!all) {
        return;
    }
    size_t at = 0;
    collect_used(loader, loader->root, all, &at);
    if (loader->n_derived > 0) {
        memcpy(all + at, loader->derived, loader->n_derived * sizeof *all);
    }
    loader->model->assumptions = all;
    loader->model->n_assumptions = at + loader->n_derived;
}

/* Inputs that nobody reads are not in doubt. */
static size_t collect_uncertain(const struct ts_value *value, struct ts_uncertain *out)
{
    size_t n = 0;
    for (const struct ts_uncertain_input *i = value->used ? value->uncertain : NULL; i; i = i->next, n++) {
        if (out) {
            out[n] = i->input;
        }
    }
    for (size_t i = 0; i < value->n_children; i++) {
        n += collect_uncertain(&value->children[i], out ? out + n : NULL);
    }
    return n;
}

static void hand_over_uncertain(struct ts_loader *loader, struct ts_scenario *scenario)
{
    const size_t n = collect_uncertain(loader->root, NULL);
    struct ts_uncertain *all = ts_loader_array(loader, n, sizeof *all);
    if (all) {
        scenario->n_uncertain = collect_uncertain(loader->root, all);
        scenario->uncertain = all;
    }
}

/* Written, correct, and read by nobody: say so. What --trace replaces needs no word, unless it was set beside it. */
static void warn_unused(struct ts_loader *loader, const struct ts_value *value)
{
    const bool unread = value->shown && value->state == TS_VALUE_WRITTEN && !value->used;
    if (unread && (!value->ignored || is_from_command(value))) {
        ts_loader_warning(loader, value, NULL, "'%s' has no effect here%s%s", value->path, value->moot ? ": " : "",
                          value->moot ? value->moot : "");
    }
    for (size_t i = 0; i < value->n_children; i++) {
        warn_unused(loader, &value->children[i]);
    }
}

/* ---- loading ---- */

static enum ts_status read_tree(struct ts_loader *loader, struct sources *sources, struct ts_node **root)
{
    const char *text = loader->options->text;
    enum ts_status status = text ? ts_source_from_text(&sources->file, loader->path, text, strlen(text), loader->diags)
                                 : ts_source_read(&sources->file, loader->path, TS_YAML_MAX_BYTES, loader->diags);
    if (status != TS_OK) {
        return status;
    }
    sources->file_read = true;
    status = ts_yaml_tree_parse(root, loader->arena, &sources->file, 0, loader->diags);
    if (status != TS_OK) {
        return status;
    }
    if (!*root || (*root)->kind != TS_NODE_MAP) {
        return ts_fail(loader->diags, TS_ESCENARIO, *root ? (*root)->at : ts_span_file(loader->path),
                       "a scenario begins with 'scenario: NAME', and has a workload and tiers",
                       *root ? "this is no scenario" : "the file is empty");
    }
    return TS_OK;
}

static enum ts_status apply_sets(struct ts_loader *loader, struct sources *sources, struct ts_node *root)
{
    const struct ts_scenario_options *options = loader->options;
    if (options->n_sets > MAX_SETS) {
        return ts_fail(loader->diags, TS_EUSAGE, ts_span_none(), NULL, "more than %d times --set", MAX_SETS);
    }
    for (size_t i = 0; i < options->n_sets; i++) {
        struct ts_source *source = &sources->sets[i];
        enum ts_status status =
            ts_source_from_text(source, command_line, options->sets[i], strlen(options->sets[i]), loader->diags);
        if (status != TS_OK) {
            return status;
        }
        sources->n_sets++;
        status = ts_scenario_set(loader, root, source);
        if (status != TS_OK && status != TS_ESCENARIO) {
            return status;
        }
    }
    return TS_OK;
}

static int by_ability_and_name(const void *a, const void *b)
{
    struct ts_value x = *(const struct ts_value *)a;
    struct ts_value y = *(const struct ts_value *)b;
    const double x_ability = ts_value_at(&x, "ability")->number;
    const double y_ability = ts_value_at(&y, "ability")->number;
    return x_ability != y_ability ? (x_ability > y_ability) - (x_ability < y_ability) : strcmp(x.name, y.name);
}

/* From weakest to strongest, however the file lists them: so its order changes no result and no row of a report. */
static void order_tiers(struct ts_loader *loader)
{
    struct ts_value *tiers = ts_value_at(loader->root, "tiers");
    if (!tiers->broken && tiers->n_children > 1) {
        qsort(tiers->children, tiers->n_children, sizeof *tiers->children, by_ability_and_name);
    }
}

static void resolve_warmup(struct ts_loader *loader)
{
    if (!ts_value_is_written(loader->root, "warmup")) {
        return;
    }
    loader->model->warmup_s = ts_value_number(loader->root, "warmup");
    struct ts_value *workload = ts_value_at(loader->root, "workload");
    bool generated = ts_value_is_written(loader->root, "workload") && !workload->broken && !loader->options->trace_path;
    double duration_s = generated ? ts_value_number(workload, "duration") : INFINITY;
    if (loader->model->warmup_s >= duration_s) {
        ts_loader_error(loader, ts_value_at(loader->root, "warmup"), "write a shorter warmup, or a longer duration",
                        "the warm-up is as long as the workload's duration");
    }
}

static void resolve(struct ts_loader *loader, struct ts_scenario *scenario)
{
    struct ts_value *root = loader->root;
    struct ts_model *model = loader->model;
    const char *name = ts_value_text(root, "scenario");
    const char *description = ts_value_text(root, "description");
    model->name = name ? name : "";
    model->description = description ? description : "";
    model->seed = (uint64_t)ts_value_number(root, "seed");
    scenario->replications = ts_value_count(root, "replications");
    resolve_warmup(loader);
    ts_resolve_workload(loader);
    ts_resolve_links(loader);
    ts_resolve_plain(loader);
    ts_resolve_recorded(loader);
    ts_resolve_tiers(loader);
    ts_resolve_quality(loader);
    ts_resolve_routing(loader);
    ts_resolve_events(loader);
    ts_resolve_sites(loader);
    ts_resolve_studies(loader, scenario);
}

/* The built-in catalogs: those of another scenario where the options have them. */
static enum ts_status find_built_in(struct ts_loader *loader, struct ts_scenario *scenario)
{
    scenario->catalog = loader->options->catalog;
    if (!scenario->catalog) {
        struct ts_catalog *catalog = ts_arena_alloc(loader->arena, sizeof *catalog);
        const enum ts_status status = catalog ? ts_catalog_load(catalog, loader->arena, loader->diags) : TS_ENOMEM;
        if (status != TS_OK) {
            return status;
        }
        scenario->catalog = catalog;
    }
    loader->catalog = *scenario->catalog;
    return TS_OK;
}

/* The built-in catalogs, with the scenario's folder over them, as of its day. */
static enum ts_status load_catalog(struct ts_loader *loader, struct ts_scenario *scenario)
{
    const struct ts_value *as_of = ts_value_at(loader->root, "as_of");
    const char *folder = ts_value_text(loader->root, "include");
    struct ts_catalog_choice choice = {.as_of = ts_value_text(loader->root, "as_of")};
    if (choice.as_of && !ts_catalog_is_date(choice.as_of)) {
        ts_loader_error(loader, as_of, "write 2026, 2026-08 or 2026-08-31", "'%s' is no date", choice.as_of);
        choice.as_of = NULL;
    }
    if (folder) {
        choice.include = ts_loader_beside(loader, folder);
        if (!ts_dir_exists(choice.include)) {
            ts_loader_error(loader, ts_value_at(loader->root, "include"), "its path is relative to the scenario",
                            "there is no folder '%s'", choice.include);
            choice.include = NULL;
        }
    }
    if (loader->failed) {
        return TS_OK;
    }
    return choice.as_of || choice.include
               ? ts_catalog_load_chosen(&loader->catalog, &choice, loader->arena, loader->diags)
               : find_built_in(loader, scenario);
}

static enum ts_status load(struct ts_loader *loader, struct ts_scenario *scenario, struct sources *sources)
{
    size_t n_errors = loader->diags->n_errors;
    struct ts_node *root = NULL;
    enum ts_status status = read_tree(loader, sources, &root);
    if (status == TS_OK) {
        status = apply_sets(loader, sources, root);
    }
    if (status == TS_OK) {
        status = ts_workload_like(loader, root, &sources->like, &sources->like_read);
    }
    if (status == TS_OK) {
        status = ts_search_space(loader, root, &sources->space, &sources->space_read);
    }
    if (status != TS_OK) {
        return status;
    }
    ts_currencies_find(loader, root);
    ts_bind(loader, root);
    status = loader->failed ? TS_OK : load_catalog(loader, scenario);
    if (status != TS_OK) {
        return status;
    }
    if (!loader->failed) {
        ts_currencies_convert(loader);
        ts_own_rows_add(loader);
        ts_abilities_settle(loader);
        order_tiers(loader);
        ts_references_check(loader);
        resolve(loader, scenario);
    }
    bool mistakes = loader->diags->n_errors > n_errors;
    if (!mistakes && !loader->failed) {
        warn_unused(loader, loader->root);
        hand_over_assumptions(loader);
        hand_over_uncertain(loader, scenario);
    }
    if (loader->failed && (loader->status == TS_ENOMEM || !mistakes)) {
        return loader->status;
    }
    if (mistakes) {
        return loader->failed && loader->diags->n_errors == n_errors + 1 ? loader->status : TS_ESCENARIO;
    }
    return TS_OK;
}

static void free_sources(struct sources *sources)
{
    if (sources->file_read) {
        ts_source_deinit(&sources->file);
    }
    if (sources->like_read) {
        ts_source_deinit(&sources->like);
    }
    if (sources->space_read) {
        ts_source_deinit(&sources->space);
    }
    for (size_t i = 0; i < sources->n_sets; i++) {
        ts_source_deinit(&sources->sets[i]);
    }
    free(sources);
}

enum ts_status ts_scenario_load(struct ts_scenario *out, const char *path, const struct ts_scenario_options *options,
                                struct ts_diags *diags)
{
    static const struct ts_scenario_options none = {0};
    struct ts_diags own;
    ts_diags_init(&own);
    struct ts_scenario scenario;
    memset(&scenario, 0, sizeof scenario);
    ts_arena_init(&scenario.arena);
    struct sources *sources = calloc(1, sizeof *sources);
    enum ts_status status = TS_ENOMEM;
    if (sources) {
        struct ts_loader loader;
        memset(&loader, 0, sizeof loader);
        loader.arena = &scenario.arena;
        loader.diags = diags ? diags : &own;
        loader.options = options ? options : &none;
        loader.path = path;
        loader.model = &scenario.model;
        loader.workload = &scenario.workload;
        size_t first = loader.diags->n_items;
        status = load(&loader, &scenario, sources);
        scenario.measurement_path = loader.measurement_path;
        scenario.files = loader.files;
        scenario.n_files = loader.n_files;
        sort_diags(loader.diags, first);
        free_sources(sources);
    }
    ts_diags_deinit(&own);
    if (status == TS_OK) {
        *out = scenario;
    } else {
        ts_arena_deinit(&scenario.arena);
    }
    return status;
}

void ts_scenario_deinit(struct ts_scenario *scenario)
{
    ts_arena_deinit(&scenario->arena);
    memset(scenario, 0, sizeof *scenario);
}
