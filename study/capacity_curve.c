/* Hides how one design is searched, run and appraised. */
#include "study/capacity_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/report.h"
#include "study/in_order.h"
#include "study/replicate.h"

static const double days_per_month = 730.0 / 24.0;

struct curve {
    const struct ts_capacity_curve_spec *spec;
    struct ts_capacity_point *out;
    struct ts_diags *said; /* [n] */
    struct ts_arena *arena;
    struct ts_diags *diags;
};

static enum ts_status read_figures(struct ts_capacity_point *out, const struct ts_model *model,
                                   const struct ts_result *result, const struct ts_econ *econ)
{
    const struct ts_report_input input = {.model = model, .result = result, .econ = econ, .is_point = true};
    struct ts_report *report = NULL;
    const enum ts_status status = ts_report_create(&report, &input);
    if (status == TS_OK) {
        const struct ts_figure_list *list;
        const double *figures = ts_report_figures(report, &list);
        const double arrived = ts_figure_value(list, figures, TS_SUBJECT_ALL, ts_metric_find("arrived", "sum"));
        out->attainment_frac = ts_figure_value(list, figures, TS_SUBJECT_ALL, ts_metric_find("attainment", "mean"));
        out->calls_per_day = arrived * econ->month_factor / days_per_month;
        out->usd_per_month = econ->total_usd_per_month;
        out->usd_per_mtok = econ->worth[ts_all_tiers(model)].usd_per_mtok;
        out->kwh_per_mtok = econ->kwh_per_month * out->usd_per_mtok / econ->total_usd_per_month;
    }
    ts_report_destroy(report);
    return status;
}

static enum ts_status run_at(struct ts_capacity_point *out, const struct ts_scenario *scenario,
                             const struct ts_progress *progress, struct ts_diags *diags)
{
    struct ts_scenario at_volume = ts_capacity_scaled(scenario, out->volume);
    const struct ts_replicate_options options = {.n_replications = 1, .n_threads = 1, .progress = *progress};
    struct ts_replications runs;
    struct ts_econ econ;
    enum ts_status status = ts_replicate(&runs, &at_volume, &options, diags);
    if (status == TS_OK) {
        const double scale = ts_replications_month_scale(&runs, &at_volume);
        at_volume.model.month_scale = scale > 0.0 ? scale : at_volume.model.month_scale;
        at_volume.model.money.growth_frac_per_month = 0.0;
        status = ts_econ_compute(&econ, &at_volume.model, &runs.merged, NULL, diags);
    }
    if (status == TS_OK) {
        status = read_figures(out, &at_volume.model, &runs.merged, &econ);
        ts_econ_deinit(&econ);
    }
    ts_replications_deinit(&runs);
    return status;
}

static enum ts_status find(struct ts_capacity_point *out, const struct ts_scenario *scenario, const struct curve *curve,
                           struct ts_diags *diags)
{
    struct ts_progress outer = curve->spec->progress;
    const struct ts_progress progress = {.go_on = ts_progress_ask_alone, .user = &outer};
    struct ts_capacity_limit limit;
    const enum ts_status status =
        ts_capacity_find_limit(&limit, scenario, TS_CAPACITY_SERVERS, 1.0, curve->spec->effort, &progress, diags);
    if (status != TS_OK) {
        return status;
    }
    out->volume = limit.volume;
    out->tier = limit.tier;
    out->bound = limit.bound;
    if (isnan(limit.volume)) {
        out->why_not = "no volume was found up to which its servers keep the SLO";
        return TS_OK;
    }
    return run_at(out, scenario, &progress, diags);
}

static enum ts_status work(void *user, uint64_t index, uint32_t slot)
{
    struct curve *curve = user;
    const struct ts_design *design = curve->spec->design;
    struct ts_diags *said = &curve->said[index];
    struct ts_scenario scenario;
    (void)slot;
    ts_diags_init(said);
    curve->out[index] = (struct ts_capacity_point){.volume = NAN};
    enum ts_status status = ts_trial_load(&scenario, curve->spec->base, ts_design_point(design, (uint32_t)index),
                                          design->spec->n_axes, said);
    if (status == TS_OK) {
        status = find(&curve->out[index], &scenario, curve, said);
        ts_scenario_deinit(&scenario);
    }
    if (ts_trial_is_impossible(status)) {
        curve->out[index].why_not = ""; /* take knows it */
        status = TS_OK;
    }
    return status;
}

static enum ts_status take(void *user, uint64_t index, uint32_t slot, enum ts_status worked)
{
    struct curve *curve = user;
    struct ts_capacity_point *point = &curve->out[index];
    enum ts_status status = worked;
    (void)slot;
    if (worked != TS_OK) {
        ts_diags_move(curve->diags, &curve->said[index]);
    } else if (point->why_not && !point->why_not[0]) {
        point->why_not = ts_trial_reason(&curve->said[index], curve->arena);
        status = point->why_not ? TS_OK : TS_ENOMEM;
    }
    ts_diags_deinit(&curve->said[index]);
    const struct ts_progress_state state = {
        .what = "designs", .done = (double)index + 1.0, .total = curve->spec->design->n, .left_s = NAN};
    (void)ts_progress_go_on(&curve->spec->progress, &state);
    return status;
}

enum ts_status ts_capacity_curve(struct ts_capacity_point *out, const struct ts_capacity_curve_spec *spec,
                                 struct ts_arena *arena, struct ts_diags *diags)
{
    const uint32_t n = spec->design->n, n_threads = spec->n_threads < n ? spec->n_threads : n;
    struct curve curve = {.spec = spec, .out = out, .arena = arena, .diags = diags};
    const struct ts_in_order job = {
        .n = n, .n_threads = n_threads, .window = 4 * n_threads + 1, .user = &curve, .work = work, .take = take};
    enum ts_status status = ts_capacity_check(spec->base->scenario, diags);
    if (status == TS_OK) {
        curve.said = calloc(n, sizeof *curve.said);
        status = curve.said ? ts_in_order_run(&job) : TS_ENOMEM;
        free(curve.said);
    }
    return status;
}
