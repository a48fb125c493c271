/* Hides what a run is worth: its replications, the month they stand for, what servers keep up with, money, limits. */
#include "study/point.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

#include "reports/report.h"
#include "study/growth.h"

enum { SUBJECT_STEP = 4096 }; /* more than there are metrics */

/* One replication after the other, appraised like the whole. */
struct each {
    struct ts_scenario *scenario;
    struct ts_shared_run *const *run; /* under way */
    const struct ts_econ_capacity *capacity;
    struct ts_figure_list list;
    double *values; /* [n_wanted][list.n]; NULL: a single one, which is the whole */
    uint32_t n;
};

/* What the hours of a trace stand for is known once it has been read. */
static void scale_month(struct ts_scenario *scenario, const struct ts_replications *runs)
{
    const double scale = ts_replications_month_scale(runs, scenario);
    scenario->model.month_scale = scale > 0.0 ? scale : scenario->model.month_scale;
}

static enum ts_status appraise_one(void *user, const struct ts_result *result)
{
    struct each *each = user;
    struct ts_econ econ;
    scale_month(each->scenario, ts_shared_run_of(*each->run));
    enum ts_status status = ts_econ_compute(&econ, &each->scenario->model, result, each->capacity, NULL);
    if (status == TS_OK) {
        status = ts_figures_compute(each->values + (size_t)each->n * each->list.n, &each->list, result, &econ);
        ts_econ_deinit(&econ);
    }
    each->n++;
    return status;
}

static enum ts_status open_each(struct each *each, struct ts_scenario *scenario, struct ts_shared_run *const *run)
{
    *each = (struct each){.scenario = scenario, .run = run};
    enum ts_status status = ts_figure_list_init(&each->list, &scenario->model, TS_FIGURES_OF_POINT);
    if (status == TS_OK && scenario->replications > 1) {
        each->values = calloc((size_t)scenario->replications * each->list.n, sizeof *each->values);
        status = each->values ? TS_OK : TS_ENOMEM;
    }
    return status;
}

static void close_each(struct each *each)
{
    free(each->values);
    ts_figure_list_deinit(&each->list);
}

/* ---- rows ---- */

/* Which subject of the base it is; one that the base has not stands after its subjects. */
static uint32_t place_of(const char *name, const struct ts_figure_list *base, uint32_t own)
{
    struct ts_text text;
    uint32_t place = base->n_subjects + own;
    ts_text_init(&text);
    for (uint32_t i = 0; i < base->n_subjects; i++) {
        ts_text_clear(&text);
        ts_figure_put_subject(&text, base, i);
        if (ts_str_equal(text.data, name)) {
            place = i;
            break;
        }
    }
    ts_text_deinit(&text);
    return place;
}

static double half_of(const double *values, uint32_t n)
{
    double sum = 0.0, squares = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        sum += values[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        squares += (values[i] - sum / n) * (values[i] - sum / n);
    }
    return n < 2 ? NAN : gsl_cdf_tdist_Pinv(0.975, n - 1.0) * sqrt(squares / (n * (n - 1.0)));
}

static enum ts_status put_row(struct ts_point_outcome *out, const struct each *each, bool keeps,
                              struct ts_point_row row, uint32_t figure)
{
    const uint32_t n = each->values ? each->n : 0;
    double *values = ts_arena_array(&out->arena, n ? n : 1, sizeof *values);
    if (!values) {
        return TS_ENOMEM;
    }
    for (uint32_t r = 0; r < n; r++) {
        values[r] = each->values[(size_t)r * each->list.n + figure];
    }
    row.half = half_of(values, n);
    row.each = keeps ? values : NULL;
    out->rows[out->n_rows++] = row;
    return TS_OK;
}

static enum ts_status put_rows(struct ts_point_outcome *out, const struct ts_figure_list *list, const double *values,
                               const struct each *each, bool keeps, const struct ts_figure_list *base)
{
    struct ts_text name;
    ts_text_init(&name);
    out->rows = ts_arena_array(&out->arena, list->n, sizeof *out->rows);
    enum ts_status status = out->rows ? TS_OK : TS_ENOMEM;
    for (uint32_t s = 0; status == TS_OK && s < list->n_subjects; s++) {
        ts_text_clear(&name);
        ts_figure_put_subject(&name, list, s);
        const char *subject = ts_arena_strdup(&out->arena, name.data);
        status = subject ? TS_OK : TS_ENOMEM;
        const uint32_t place = subject ? place_of(subject, base, s) : 0;
        for (uint32_t k = list->first[s]; status == TS_OK && k < list->first[s + 1]; k++) {
            const struct ts_point_row row = {.subject = subject,
                                             .metric = list->metrics[k],
                                             .rank = place * SUBJECT_STEP + (uint32_t)(list->metrics[k] - ts_metrics),
                                             .value = values[k]};
            status = put_row(out, each, keeps, row, k);
        }
    }
    ts_text_deinit(&name);
    return status;
}

static enum ts_status put_report(struct ts_point_outcome *out, const struct ts_report *report, const struct each *each,
                                 bool keeps, const struct ts_model *base)
{
    const struct ts_figure_list *list;
    const double *values = ts_report_figures(report, &list);
    struct ts_figure_list base_list;
    enum ts_status status = ts_figure_list_init(&base_list, base, TS_FIGURES_OF_POINT);
    if (status != TS_OK) {
        return status;
    }
    struct ts_text missed;
    ts_text_init(&missed);
    out->n_limits_missed = (uint32_t)ts_report_limits(&missed, report);
    out->missed = ts_arena_strdup(&out->arena, missed.data);
    out->keeps_slo = ts_report_keeps_slo(report);
    status = out->missed && !missed.failed ? put_rows(out, list, values, each, keeps, &base_list) : TS_ENOMEM;
    ts_text_deinit(&missed);
    ts_figure_list_deinit(&base_list);
    return status;
}

/* ---- the run ---- */

static enum ts_status appraise(struct ts_point_outcome *out, struct ts_scenario *scenario,
                               const struct ts_replications *runs, const struct each *each, bool keeps,
                               const struct ts_model *base, struct ts_diags *diags)
{
    struct ts_econ econ;
    scale_month(scenario, runs);
    enum ts_status status = ts_econ_compute(&econ, &scenario->model, &runs->merged, each->capacity, diags);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_report_input input = {
        .model = &scenario->model, .result = &runs->merged, .econ = &econ, .is_point = true};
    struct ts_report *report = NULL;
    status = ts_report_create(&report, &input);
    if (status == TS_OK) {
        out->n_replications = runs->merged.n_replications;
        status = put_report(out, report, each, keeps, base);
    }
    ts_report_destroy(report);
    ts_econ_deinit(&econ);
    return status;
}

static enum ts_status run_loaded(struct ts_point_outcome *out, struct ts_scenario *scenario, const char *const *sets,
                                 size_t n_sets, const struct ts_point_options *options, const struct ts_model *base,
                                 struct ts_diags *diags)
{
    struct ts_econ_capacity capacity = {.is_simulated = false};
    const struct ts_growth_options growth = {
        .effort = options->effort, .n_threads = options->n_threads, .progress = &options->progress};
    struct ts_use_curve curve;
    struct ts_shared_run *run = NULL;
    struct each each;
    enum ts_status status = open_each(&each, scenario, &run);
    if (status == TS_OK && options->effort != TS_CAPACITY_OFF && ts_capacity_applies(scenario)) {
        status = ts_growth_find(&capacity, &curve, scenario, &growth, diags);
    }
    struct ts_early_stop stop = {.key = NULL};
    if (status == TS_OK && options->stops_early) {
        status = ts_early_stop_find(&stop, scenario, options->tapes, &options->progress, diags);
    }
    if (status == TS_OK) {
        const struct ts_replicate_options how = {.n_replications = scenario->replications,
                                                 .until = options->until,
                                                 .n_threads = options->n_threads,
                                                 .progress = options->progress,
                                                 .on_result = each.values ? appraise_one : NULL,
                                                 .tapes = options->tapes,
                                                 .skips_figures = true,
                                                 .stop = &stop,
                                                 .user = &each};
        each.capacity = &capacity;
        status = ts_shared_run_get(&run, options->shared, scenario, sets, n_sets, &how, diags);
    }
    if (status == TS_OK) {
        const struct ts_replications *runs = ts_shared_run_of(run);
        out->is_exact = !options->until || runs->until_frac <= options->until->frac;
        status = appraise(out, scenario, runs, &each, options->keeps_replications, base, diags);
    }
    ts_shared_run_give(run, options->shared);
    close_each(&each);
    return status;
}

enum ts_status ts_point_run(struct ts_point_outcome *out, const struct ts_trial_base *base, const char *const *sets,
                            size_t n_sets, const struct ts_point_options *options, struct ts_diags *diags)
{
    struct ts_point_outcome outcome = {.n_rows = 0};
    struct ts_scenario scenario;
    enum ts_status status = ts_trial_load(&scenario, base, sets, n_sets, diags);
    if (status != TS_OK) {
        return status;
    }
    ts_arena_init(&outcome.arena);
    status = run_loaded(&outcome, &scenario, sets, n_sets, options, &base->scenario->model, diags);
    ts_scenario_deinit(&scenario);
    if (status == TS_OK) {
        *out = outcome;
    } else {
        ts_arena_deinit(&outcome.arena);
    }
    return status;
}

void ts_point_outcome_deinit(struct ts_point_outcome *outcome)
{
    ts_arena_deinit(&outcome->arena);
    *outcome = (struct ts_point_outcome){.n_rows = 0};
}

const struct ts_point_row *ts_point_find(const struct ts_point_outcome *outcome, const char *subject, const char *name,
                                         const char *stat)
{
    for (uint32_t i = 0; i < outcome->n_rows; i++) {
        const struct ts_point_row *row = &outcome->rows[i];
        if (ts_str_equal(row->metric->name, name) && ts_str_equal(row->metric->stat, stat) &&
            ts_str_equal(row->subject, subject)) {
            return row;
        }
    }
    return NULL;
}
