/* Hides how what a generated workload says of arrivals, lengths that go together and prompts that begin alike becomes
 * processes and tables of traces/. */
#include <math.h>

#include "scenarios/language/loader.h"
#include "scenarios/resolve/workload_parts.h"

static const double share_tolerance = 1e-3; /* of tables with rounded shares */

static const double *numbers_of(struct ts_value *section, const char *path, size_t *n)
{
    struct ts_value *value = ts_value_at(section, path);
    if (!value || value->state != TS_VALUE_WRITTEN) {
        *n = 0;
        return NULL;
    }
    value->used = true;
    *n = value->n_numbers;
    return value->curve;
}

static bool is_there(struct ts_value *section, const char *path)
{
    return ts_value_is_written(section, path);
}

static void check_some(struct ts_loader *loader, struct ts_value *section, const char *path, const double *numbers,
                       size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += numbers[i];
    }
    if (n > 0 && sum <= 0.0) {
        ts_loader_error(loader, ts_value_at(section, path), NULL, "rates: all weights are 0");
    }
}

/* curve, gaps, rates and bursts of a section. */
void ts_resolve_process(struct ts_loader *loader, struct ts_value *section, struct ts_process *out)
{
    struct ts_value *curve = ts_value_at(section, "curve");
    curve->used = true;
    out->week_curve = curve->curve;
    out->gap = ts_value_dist(section, "gaps");
    if (is_there(section, "rates")) {
        out->rate_step_s = ts_value_number(section, "rates.every");
        out->rates = numbers_of(section, "rates.weights", &out->n_rates);
        check_some(loader, section, "rates.weights", out->rates, out->n_rates);
        ts_value_counts_if(section, "rates.counted", !is_there(section, "bursts"), "calls come and go in bursts");
        out->counts_steps = ts_value_flag(section, "rates.counted") && !is_there(section, "bursts");
    }
    if (is_there(section, "bursts")) {
        out->has_bursts = true;
        out->on_s = ts_value_dist(section, "bursts.on");
        out->off_s = ts_value_dist(section, "bursts.off");
        if (!(ts_dist_mean(&out->on_s) > 0.0 && ts_dist_mean(&out->off_s) > 0.0)) {
            ts_loader_error(loader, ts_value_at(section, "bursts"), NULL,
                            "bursts: on and off periods must be longer than 0");
        }
    }
}

/* Parts that are off by default need no line in the manifest. */
static double written_number(struct ts_value *section, const char *path)
{
    return ts_value_is_written(section, path) ? ts_value_number(section, path) : 0.0;
}

/* What all processes share. */
void ts_resolve_window(struct ts_value *section, struct ts_workload *workload, bool any_curve)
{
    workload->window.trend_frac_per_month = written_number(section, "trend");
    workload->window.holidays = numbers_of(section, "holidays", &workload->window.n_holidays);
    ts_value_counts_if(section, "holidays", any_curve, "the rate is the same on all days: write a curve");
    workload->tick_s = written_number(section, "tick");
}

static void missing(struct ts_loader *loader, struct ts_value *item, const char *key)
{
    if (!ts_value_is_written(item, key)) {
        ts_loader_error(loader, item, "write prompt and output, or lengths: a list of {share, prompt, output}",
                        "'%s' is missing in %s", key, item->path);
    }
}

/* *uses_lag: a row with a prefix has no lag of its own. */
static void resolve_rows(struct ts_loader *loader, struct ts_value *list, struct ts_class_spec *out, bool *uses_lag)
{
    double sum = 0.0;
    struct ts_length_row *rows = ts_loader_array(loader, list->n_children + 1, sizeof *rows);
    if (!rows) {
        return;
    }
    for (size_t i = 0; i < list->n_children; i++) {
        struct ts_value *item = &list->children[i];
        const bool prefixed = ts_value_is_written(item, "prefix");
        rows[i] =
            (struct ts_length_row){.share = ts_value_number(item, "share"),
                                   .prompt_tok = ts_value_dist(item, "prompt"),
                                   .output_tok = ts_value_dist(item, "output"),
                                   .prefix_frac = prefixed ? ts_value_dist(item, "prefix") : ts_dist_constant(0.0)};
        rows[i].over_time = numbers_of(item, "over_time", &rows[i].n_over_time);
        ts_value_counts_if(item, "prefix_lag", prefixed, "the row has no `prefix`");
        rows[i].has_lag = prefixed && ts_value_is_written(item, "prefix_lag");
        if (rows[i].has_lag) {
            rows[i].prefix_lag = ts_value_dist(item, "prefix_lag");
        }
        *uses_lag = *uses_lag || (prefixed && !rows[i].has_lag);
        out->has_prefixes = out->has_prefixes || prefixed;
        sum += rows[i].share;
    }
    if (fabs(sum - 1.0) > share_tolerance) {
        ts_loader_error(loader, list, NULL, "the shares of the lengths sum to %.6g %%, not to 100 %%", sum * 100.0);
    }
    for (size_t i = 0; i < list->n_children; i++) {
        rows[i].share /= sum > 0.0 ? sum : 1.0;
    }
    out->lengths = rows;
    out->n_lengths = list->n_children;
}

/* Lengths and beginnings of a generated class. */
void ts_resolve_lengths(struct ts_loader *loader, struct ts_value *item, struct ts_class_spec *out)
{
    static const char *const replaced[] = {"prompt", "output", "prefix"};
    struct ts_value *list = ts_value_at(item, "lengths");
    const bool session = ts_value_is_written(item, "session");
    const bool rows = ts_value_is_written(item, "lengths") && list->n_children > 0 && !session;
    ts_value_counts_if(item, "lengths", !session, "the calls of a session have prompt and output");
    for (size_t i = 0; i < sizeof replaced / sizeof replaced[0]; i++) {
        ts_value_counts_if(item, replaced[i], !rows, "`lengths` takes its place");
    }
    bool uses_lag = !rows;
    if (rows) {
        resolve_rows(loader, list, out, &uses_lag);
    } else {
        missing(loader, item, "prompt");
        missing(loader, item, "output");
        out->prompt_tok = ts_value_dist(item, "prompt");
        out->output_tok = ts_value_dist(item, "output");
        out->has_prefixes = ts_value_is_written(item, "prefix") && !session;
        ts_value_counts_if(item, "prefix", !session, "the calls of a session start with the one before them");
        out->prefix_frac = ts_value_dist(item, "prefix");
    }
    ts_value_counts_if(item, "prefix_lag", out->has_prefixes && uses_lag,
                       out->has_prefixes ? "all rows with a prefix have their own lag" : "the class has no `prefix`");
    ts_value_counts_if(item, "prefix_branch", out->has_prefixes, "the class has no `prefix`");
    if (out->has_prefixes) {
        out->has_branches = ts_value_is_written(item, "prefix_branch");
        out->branch_frac = out->has_branches ? ts_value_number(item, "prefix_branch") : 0.0;
        out->prefix_lag = ts_value_dist(item, "prefix_lag");
        loader->workload->prefix_block_tok =
            (uint16_t)ts_value_count(ts_value_at(loader->root, "workload"), "prefix_block");
        loader->model->prompts_are_told = true;
    }
}

/* A class that comes on its own. */
void ts_resolve_own_process(struct ts_loader *loader, struct ts_value *item, struct ts_class_spec *out)
{
    if (ts_value_is_written(item, "arrivals") && !ts_value_is_set(ts_value_at(loader->root, "workload"), "users")) {
        struct ts_process *process = ts_loader_array(loader, 1, sizeof *process);
        if (process) {
            ts_resolve_process(loader, ts_value_at(item, "arrivals"), process);
            out->process = process;
        }
    }
}
