/* Hides that tiers are in order of ability, so that a draw of abilities may change their order. */
#include "study/uncertain_points.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "econ/use_curve.h"
#include "study/in_order.h"
#include "study/replicate.h"

/* place[i]: which tier of the base the model's tier i is; nowhere stays the last. */
static void find_places(uint32_t *place, const struct ts_model *model, const struct ts_model *base)
{
    TS_CHECK(model->n_tiers == base->n_tiers);
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        for (uint32_t j = 0; j < base->n_tiers; j++) {
            if (ts_str_equal(model->tiers[i].name, base->tiers[j].name)) {
                place[i] = j;
            }
        }
    }
    place[model->n_tiers] = base->n_tiers;
}

/* ---- one point ---- */

static enum ts_status load_point(struct ts_scenario *out, const struct ts_uncertain_point *point,
                                 const struct ts_uncertain_simulation *how, struct ts_diags *diags)
{
    const char *sets[TS_SOBOL_MAX_INPUTS];
    struct ts_arena arena;
    ts_arena_init(&arena);
    enum ts_status status = ts_uncertain_inputs_sets(sets, how->inputs, point->at, &arena);
    if (status == TS_OK) {
        status = ts_trial_load(out, how->base, sets, how->inputs->n, diags);
    }
    ts_arena_deinit(&arena);
    if (status == TS_OK) {
        out->model.month_scale = how->base->scenario->model.month_scale;
    }
    return status;
}

enum ts_status ts_uncertain_services(double out[TS_N_SERVICES], const struct ts_model *model,
                                     const struct ts_result *result, const struct ts_econ *econ)
{
    static const enum ts_doubt doubts[TS_N_SERVICES] = {TS_DOUBT_ATTAINMENT, TS_DOUBT_TTFT, TS_DOUBT_QUALITY,
                                                        TS_DOUBT_POWER};
    struct ts_metric_view view;
    const enum ts_status status = ts_metric_view_init(&view, model, result, econ, ts_all_tiers(model), TS_ALL_CLASSES);
    for (size_t i = 0; status == TS_OK && i < TS_N_SERVICES; i++) {
        const struct ts_metric *metric = ts_metric_find(ts_doubts[doubts[i]].name, ts_doubts[doubts[i]].stat);
        out[i] = metric->get(&view, metric);
    }
    if (status == TS_OK) {
        ts_metric_view_deinit(&view);
    }
    return status;
}

/* What the model uses, in the order of its own tiers, from that in the base's order, or the other way round. */
static void reorder(struct ts_econ_use *out, const struct ts_econ_use *use, const uint32_t *place, uint32_t n_tiers,
                    bool to_base)
{
    *out = *use;
    for (uint32_t i = 0; i <= n_tiers; i++) {
        out->tiers[to_base ? place[i] : i] = use->tiers[to_base ? i : place[i]];
    }
}

static enum ts_status simulate(struct ts_uncertain_point *point, const struct ts_scenario *scenario,
                               const uint32_t *place, const struct ts_uncertain_simulation *how, struct ts_diags *diags)
{
    struct ts_replications runs;
    struct ts_econ_use use;
    const struct ts_replicate_options options = {
        .n_replications = scenario->replications, .n_threads = 1, .progress = *how->progress};
    enum ts_status status = ts_replicate(&runs, scenario, &options, diags);
    if (status == TS_OK) {
        status = ts_econ_use_of(&use, &scenario->model, &runs.merged, diags);
    }
    if (status == TS_OK) {
        status = ts_uncertain_services(point->service, &scenario->model, &runs.merged, NULL);
    }
    if (status == TS_OK) {
        reorder(&point->use, &use, place, scenario->model.n_tiers, true);
    }
    ts_replications_deinit(&runs);
    return status;
}

/* Do servers work as long as at the medians? */
static bool works_otherwise(const struct ts_uncertain_point *point, const struct ts_uncertain_simulation *how)
{
    bool other = false;
    for (uint32_t i = 0; i < how->base->scenario->model.n_tiers; i++) {
        other = other || point->use.tiers[i].full_frac != how->medians->use.tiers[i].full_frac;
    }
    return other;
}

static enum ts_status find_capacity(struct ts_uncertain_point *point, const struct ts_scenario *scenario,
                                    const uint32_t *place, const struct ts_uncertain_simulation *how,
                                    struct ts_diags *diags)
{
    struct ts_econ_capacity found;
    point->capacity = ts_doubt_capacity(how->medians, point->at);
    if (!point->finds_capacity || !point->capacity.is_simulated || !works_otherwise(point, how)) {
        return TS_OK;
    }
    const enum ts_status status = ts_capacity_find(&found, scenario, how->effort, how->progress, diags);
    for (uint32_t i = 0; status == TS_OK && i < scenario->model.n_tiers; i++) {
        point->capacity.volume[place[i]] = found.volume[i];
        point->capacity.is_reached[place[i]] = found.is_reached[i];
        point->capacity.bound[place[i]] = found.bound[i];
    }
    return status;
}

/* The line of other volumes, in the order of the model's own tiers. */
static void reorder_curve(struct ts_use_curve *out, const struct ts_use_curve *curve, const uint32_t *place,
                          uint32_t n_tiers)
{
    *out = *curve;
    for (uint32_t v = 0; v < curve->n; v++) {
        reorder(&out->use[v], &curve->use[v], place, n_tiers, false);
        reorder(&out->slope[v], &curve->slope[v], place, n_tiers, false);
    }
}

static enum ts_status value(struct ts_uncertain_point *point, const struct ts_scenario *scenario, const uint32_t *place)
{
    struct ts_econ_capacity capacity = point->capacity;
    struct ts_econ_use use;
    struct ts_use_curve curve;
    reorder(&use, &point->use, place, scenario->model.n_tiers, false);
    if (capacity.curve) {
        reorder_curve(&curve, capacity.curve, place, scenario->model.n_tiers);
        capacity.curve = &curve;
    }
    for (uint32_t i = 0; i < scenario->model.n_tiers; i++) {
        capacity.volume[i] = point->capacity.volume[place[i]];
        capacity.is_reached[i] = point->capacity.is_reached[place[i]];
        capacity.bound[i] = point->capacity.bound[place[i]];
    }
    return ts_doubt_value(point->figures, point->ahead, &scenario->model, &use, point->service, &capacity);
}

static enum ts_status run_point(struct ts_uncertain_point *point, const struct ts_uncertain_simulation *how,
                                struct ts_diags *diags)
{
    uint32_t place[TS_MAX_TIERS + 1] = {0};
    struct ts_scenario scenario;
    enum ts_status status = load_point(&scenario, point, how, diags);
    if (status != TS_OK) {
        return status;
    }
    find_places(place, &scenario.model, &how->base->scenario->model);
    if (how->simulates) {
        status = simulate(point, &scenario, place, how, diags);
    } else {
        point->use = how->medians->use;
        memcpy(point->service, how->medians->service, sizeof point->service);
    }
    if (status == TS_OK) {
        status = find_capacity(point, &scenario, place, how, diags);
    }
    if (status == TS_OK) {
        status = value(point, &scenario, place);
    }
    ts_scenario_deinit(&scenario);
    return status;
}

/* ---- all of them ---- */

struct points_job {
    struct ts_uncertain_point *points;
    const struct ts_uncertain_simulation *how;
    struct ts_diags *each; /* [window] */
    struct ts_diags *diags;
};

static enum ts_status work(void *user, uint64_t index, uint32_t slot)
{
    const struct points_job *job = user;
    ts_diags_init(&job->each[slot]);
    return run_point(&job->points[index], job->how, &job->each[slot]);
}

/* Warnings are those of the run itself. */
static enum ts_status take(void *user, uint64_t index, uint32_t slot, enum ts_status worked)
{
    const struct points_job *job = user;
    if (worked != TS_OK && worked != TS_EINTERRUPTED) {
        ts_diags_move(job->diags, &job->each[slot]);
        ts_diags_add(job->diags, TS_NOTE, ts_span_none(), NULL, "this was draw %u of the uncertain inputs",
                     (unsigned)index);
    }
    ts_diags_deinit(&job->each[slot]);
    return worked;
}

enum ts_status ts_uncertain_points_run(struct ts_uncertain_point *points, uint32_t n,
                                       const struct ts_uncertain_simulation *how, struct ts_diags *diags)
{
    const uint32_t window = 2 * how->n_threads;
    struct points_job job = {.points = points, .how = how, .each = calloc(window, sizeof *job.each), .diags = diags};
    if (!job.each) {
        return TS_ENOMEM;
    }
    const struct ts_in_order order = {
        .n = n, .n_threads = how->n_threads, .window = window, .user = &job, .work = work, .take = take};
    const enum ts_status status = ts_in_order_run(&order);
    free(job.each);
    return status;
}
