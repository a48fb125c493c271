/* Hides which points are simulated and what is drawn.
 *
 *   replicate 2 of the Sobol sequence: the points that are fitted, then those that are checked, all inputs moved
 *   replicate 0: the draws;  replicate 1: the pairs of points after Sobol's indices
 *   beside them, for every input that acts on the simulation, its p10 and p90 with all others at their medians: the
 *   tornado's, which the fit gets too
 *
 * A quadratic in d inputs has (d + 1)(d + 2)/2 coefficients; 24 to 64 points are fitted, twice as many as it has where
 * that is between. */
#include "study/uncertainty.h"

#include <math.h>

#include <stdlib.h>
#include <string.h>

#include "study/quality_ahead.h"
#include "study/sobol.h"
#include "study/uncertain_draws.h"
#include "study/uncertain_sums.h"

enum { MIN_FITTED = 24, MAX_FITTED = 64, N_CHECKED = 12, N_LOADED = 4, N_PAIRS = 1024 };
enum { REPLICATE_DRAWS, REPLICATE_PAIRS, REPLICATE_POINTS };

static const double cost_bound = 0.01, ttft_bound = 0.10;

struct study {
    const struct ts_trial_base *base;
    const struct ts_uncertainty_options *options;
    struct ts_arena *arena;
    struct ts_diags *diags;
    struct ts_uncertain_inputs inputs;
    struct ts_money_effects effects;
    struct ts_doubt_base medians;
    struct ts_drawing drawing;
    struct ts_uncertain_simulation simulation;
    struct ts_uncertain_point *points; /* [n_star] p10 and p90 of each, [n_fitted], [n_checked] */
    uint32_t n_star, n_fitted, n_checked;
    struct ts_response *response;
    struct ts_uncertainty *out;
};

static uint32_t n_months(const struct study *study)
{
    return study->base->scenario->model.money.horizon_months;
}

/* ---- what is uncertain ---- */

static enum ts_status find_inputs(struct study *study)
{
    const struct ts_scenario *scenario = study->base->scenario;
    enum ts_status status = ts_uncertain_inputs_find(&study->inputs, scenario, study->arena, study->diags);
    if (status == TS_OK && study->inputs.n == 0) {
        status = ts_fail(study->diags, TS_ERANGE, ts_span_none(), "write an input as {uncertain: {p10: .., p90: ..}}",
                         "nothing of the scenario is uncertain");
    }
    for (uint32_t i = 0; status == TS_OK && i < study->inputs.n; i++) {
        const char *key = study->inputs.items[i].key;
        if (ts_str_equal(key, "money.horizon")) {
            status = ts_fail(study->diags, TS_ERANGE, ts_span_none(), "write a number",
                             "money.horizon is a choice: it has no distribution");
        } else if (ts_quality_is_later(key)) {
            status = ts_fail(study->diags, TS_ERANGE, ts_span_none(), "write a number",
                             "%s affects later months' quality, which is not drawn", key);
        } else if (!ts_uncertain_is_money(key)) {
            study->drawing.simulated[study->drawing.n_simulated++] = i;
        }
    }
    return status;
}

static enum ts_status find_medians(struct study *study, const struct ts_result *merged)
{
    const struct ts_model *model = &study->base->scenario->model;
    study->medians.capacity = *study->options->capacity;
    study->medians.n_inputs = study->inputs.n;
    const enum ts_status status = ts_econ_use_of(&study->medians.use, model, merged, study->diags);
    return status == TS_OK ? ts_uncertain_services(study->medians.service, model, merged, NULL) : status;
}

/* What acts on the simulation is not drawn beyond its p01 and p99: nothing is fitted there. */
static void tame(const struct study *study, double *points, size_t n, size_t width)
{
    for (size_t k = 0; k < n; k++) {
        for (size_t column = 0; column < width; column += study->inputs.n) {
            for (uint32_t i = 0; i < study->drawing.n_simulated; i++) {
                double *p = &points[k * width + column + study->drawing.simulated[i]];
                *p = fmin(fmax(*p, 0.01), 0.99);
            }
        }
    }
}

static enum ts_status sobol(const struct study *study, double *points, uint32_t n, uint32_t width, uint32_t replicate)
{
    const enum ts_status status = ts_sobol_points(points, n, width, study->base->scenario->model.seed, replicate);
    if (status == TS_OK) {
        tame(study, points, n, width);
    }
    return status;
}

/* ---- the points that are simulated ---- */

static void place_star(struct study *study)
{
    for (uint32_t i = 0; i < study->drawing.n_simulated; i++) {
        study->points[2 * i].at[study->drawing.simulated[i]] = 0.1;
        study->points[2 * i + 1].at[study->drawing.simulated[i]] = 0.9;
        study->points[2 * i].finds_capacity = study->points[2 * i + 1].finds_capacity = true;
    }
}

static enum ts_status place_points(struct study *study)
{
    const uint32_t d = study->drawing.n_simulated, n_inputs = study->inputs.n;
    const uint32_t wanted = 2 * ts_response_n_quadratic(d);
    study->n_star = 2 * d;
    study->n_fitted = d == 0 ? 0 : wanted < MIN_FITTED ? MIN_FITTED : wanted > MAX_FITTED ? MAX_FITTED : wanted;
    study->n_checked = study->options->n_checked ? study->options->n_checked : d == 0 ? N_LOADED : N_CHECKED;
    const uint32_t n_drawn = study->n_fitted + study->n_checked, n = study->n_star + n_drawn;
    study->points = ts_arena_array(study->arena, n, sizeof *study->points);
    double *at = ts_arena_array(study->arena, (size_t)n_drawn * n_inputs, sizeof *at);
    if (!study->points || !at) {
        return TS_ENOMEM;
    }
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t i = 0; i < n_inputs; i++) {
            study->points[k].at[i] = 0.5;
        }
        study->points[k].ahead = ts_arena_array(study->arena, n_months(study) + 1, sizeof(double));
        if (!study->points[k].ahead) {
            return TS_ENOMEM;
        }
    }
    place_star(study);
    const enum ts_status status = sobol(study, at, n_drawn, n_inputs, REPLICATE_POINTS);
    for (uint32_t k = 0; status == TS_OK && k < n_drawn; k++) {
        memcpy(study->points[study->n_star + k].at, at + (size_t)k * n_inputs, n_inputs * sizeof *at);
    }
    return status;
}

/* ---- the fit ---- */

static enum ts_status fit(struct study *study)
{
    const uint32_t d = study->drawing.n_simulated, n = study->n_star + study->n_fitted;
    const uint32_t n_tiers = study->base->scenario->model.n_tiers, width = ts_drawing_width(n_tiers);
    if (d == 0) {
        return TS_OK;
    }
    double *z = ts_arena_array(study->arena, (size_t)(n + 1) * d, sizeof *z);
    double *services = ts_arena_array(study->arena, (size_t)(n + 1) * TS_N_SERVICES, sizeof *services);
    double *y = calloc((size_t)(n + 1) * width, sizeof *y);
    enum ts_status status = z && y && services ? TS_OK : TS_ENOMEM;
    for (uint32_t k = 0; status == TS_OK && k < n; k++) {
        const struct ts_uncertain_point *point = &study->points[k];
        ts_drawing_scores(z + (size_t)k * d, &study->drawing, point->at);
        ts_drawing_pack(y + (size_t)k * width, &point->use, point->service, n_tiers);
        memcpy(services + (size_t)k * TS_N_SERVICES, point->service, sizeof point->service);
    }
    if (status == TS_OK) { /* the medians have been simulated, too: all scores are 0 */
        ts_drawing_pack(y + (size_t)n * width, &study->medians.use, study->medians.service, n_tiers);
        memcpy(services + (size_t)n * TS_N_SERVICES, study->medians.service, sizeof study->medians.service);
        status = ts_response_create(&study->response, z, y, n + 1, d, width);
    }
    free(y);
    study->drawing.response = study->response;
    study->drawing.known_scores = z;
    study->drawing.known_services = services;
    study->drawing.n_known = n + 1;
    return status;
}

static double off(double fitted, double simulated)
{
    return fitted == simulated ? 0.0 : fabs(fitted / simulated - 1.0);
}

static enum ts_status check_fit(struct study *study)
{
    study->out->cost_error_frac = study->out->ttft_error_frac = 0.0;
    for (uint32_t k = 0; k < study->n_checked; k++) {
        const struct ts_uncertain_point *point = &study->points[study->n_star + study->n_fitted + k];
        double figures[TS_N_DOUBTS];
        const enum ts_status status = ts_draws_run(figures, NULL, point->at, 1, &study->drawing);
        if (status != TS_OK) {
            return status;
        }
        study->out->cost_error_frac =
            fmax(study->out->cost_error_frac, off(figures[TS_DOUBT_COST], point->figures[TS_DOUBT_COST]));
        study->out->ttft_error_frac =
            fmax(study->out->ttft_error_frac, off(figures[TS_DOUBT_TTFT], point->figures[TS_DOUBT_TTFT]));
    }
    study->out->is_full = !(study->out->cost_error_frac <= cost_bound);
    study->out->serves_as_nearest = !study->out->is_full && !(study->out->ttft_error_frac <= ttft_bound);
    study->drawing.serves_as_nearest = study->out->serves_as_nearest;
    return TS_OK;
}

/* ---- capacities ---- */

/* The checked point at which some tier's capacity is moved the most. */
static const struct ts_uncertain_point *farthest(const struct study *study)
{
    const struct ts_uncertain_point *found = NULL;
    double most = 0.0;
    for (uint32_t k = 0; k < study->n_checked; k++) {
        const struct ts_uncertain_point *point = &study->points[study->n_star + study->n_fitted + k];
        for (uint32_t i = 0; i < study->base->scenario->model.n_tiers; i++) {
            const double moved = fabs(log(point->capacity.volume[i] / study->medians.capacity.volume[i]));
            if (study->medians.capacity.is_reached[i] && moved > most) {
                most = moved;
                found = point;
            }
        }
    }
    return found;
}

static enum ts_status check_capacity(struct study *study)
{
    study->out->capacity_error_frac = (double)NAN;
    const struct ts_uncertain_point *point = study->medians.capacity.is_simulated ? farthest(study) : NULL;
    if (!point) {
        return TS_OK;
    }
    struct ts_uncertain_point again = *point;
    again.finds_capacity = true;
    again.ahead = NULL;
    const enum ts_status status = ts_uncertain_points_run(&again, 1, &study->simulation, study->diags);
    for (uint32_t i = 0; status == TS_OK && i < study->base->scenario->model.n_tiers; i++) {
        if (again.capacity.is_reached[i] && point->capacity.is_reached[i]) {
            study->out->capacity_error_frac =
                fmax(study->out->capacity_error_frac, off(point->capacity.volume[i], again.capacity.volume[i]));
        }
    }
    return status;
}

/* ---- draws ---- */

static enum ts_status draw(struct study *study)
{
    const uint32_t n = study->options->n_draws, months = n_months(study) + 1;
    double *points = calloc((size_t)n * study->inputs.n, sizeof *points);
    double *figures = calloc((size_t)n * TS_N_DOUBTS, sizeof *figures),
           *ahead = calloc((size_t)n * months, sizeof *ahead);
    enum ts_status status = points && figures && ahead ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        status = sobol(study, points, n, study->inputs.n, REPLICATE_DRAWS);
    }
    if (status == TS_OK) {
        status = ts_draws_run(figures, ahead, points, n, &study->drawing);
    }
    if (status == TS_OK) {
        status = ts_uncertain_sums(study->out, figures, ahead, n, &study->base->scenario->model, study->arena);
    }
    free(points);
    free(figures);
    free(ahead);
    return status;
}

/* The points that were simulated are the draws. */
static enum ts_status draw_full(struct study *study)
{
    const uint32_t n = study->n_fitted + study->n_checked, months = n_months(study) + 1;
    double *figures = calloc((size_t)n * TS_N_DOUBTS, sizeof *figures),
           *ahead = calloc((size_t)n * months, sizeof *ahead);
    enum ts_status status = figures && ahead ? TS_OK : TS_ENOMEM;
    for (uint32_t k = 0; status == TS_OK && k < n; k++) {
        const struct ts_uncertain_point *point = &study->points[study->n_star + k];
        memcpy(figures + (size_t)k * TS_N_DOUBTS, point->figures, sizeof point->figures);
        memcpy(ahead + (size_t)k * months, point->ahead, months * sizeof *ahead);
    }
    if (status == TS_OK) {
        status = ts_uncertain_sums(study->out, figures, ahead, n, &study->base->scenario->model, study->arena);
    }
    free(figures);
    free(ahead);
    return status;
}

/* ---- one input after the other ---- */

static enum ts_status tornado(struct study *study, struct ts_doubt_input *inputs)
{
    double point[TS_SOBOL_MAX_INPUTS];
    uint32_t n_simulated = 0;
    for (uint32_t i = 0; i < study->inputs.n; i++) {
        if (!inputs[i].is_money) {
            memcpy(inputs[i].at_p10, study->points[2 * n_simulated].figures, sizeof inputs[i].at_p10);
            memcpy(inputs[i].at_p90, study->points[2 * n_simulated + 1].figures, sizeof inputs[i].at_p90);
            n_simulated++;
            continue;
        }
        for (uint32_t j = 0; j < study->inputs.n; j++) {
            point[j] = 0.5;
        }
        point[i] = 0.1;
        enum ts_status status = ts_draws_run(inputs[i].at_p10, NULL, point, 1, &study->drawing);
        point[i] = 0.9;
        status = status == TS_OK ? ts_draws_run(inputs[i].at_p90, NULL, point, 1, &study->drawing) : status;
        if (status != TS_OK) {
            return status;
        }
    }
    return TS_OK;
}

/* Of one figure of all pairs: values[(d + 2) n][TS_N_DOUBTS], A, B, then A with each input of B. */
static void set_indices(struct ts_doubt_input *inputs, const double *values, double *y, uint32_t d, int figure)
{
    double first[TS_SOBOL_MAX_INPUTS], total[TS_SOBOL_MAX_INPUTS];
    for (size_t k = 0; k < (size_t)(d + 2) * N_PAIRS; k++) {
        y[k] = values[k * TS_N_DOUBTS + (size_t)figure];
    }
    ts_sobol_indices(first, total, y, y + N_PAIRS, y + 2 * (size_t)N_PAIRS, N_PAIRS, d);
    for (uint32_t i = 0; i < d; i++) {
        inputs[i].first[figure] = first[i];
        inputs[i].total[figure] = total[i];
    }
}

static void pair_up(double *points, const double *pairs, uint32_t d)
{
    for (size_t k = 0; k < N_PAIRS; k++) {
        const double *a = pairs + k * 2 * d, *b = a + d;
        memcpy(points + k * d, a, d * sizeof *a);
        memcpy(points + (N_PAIRS + k) * d, b, d * sizeof *b);
        for (uint32_t i = 0; i < d; i++) {
            double *mixed = points + ((size_t)(i + 2) * N_PAIRS + k) * d;
            memcpy(mixed, a, d * sizeof *a);
            mixed[i] = b[i];
        }
    }
}

static enum ts_status find_indices(struct study *study, struct ts_doubt_input *inputs)
{
    const uint32_t d = study->inputs.n;
    const size_t n = (size_t)(d + 2) * N_PAIRS;
    double *pairs = calloc((size_t)N_PAIRS * 2 * d, sizeof *pairs), *points = calloc(n * d, sizeof *points);
    double *values = calloc(n * TS_N_DOUBTS, sizeof *values), *y = calloc(n, sizeof *y);
    enum ts_status status = pairs && points && values && y ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        status = sobol(study, pairs, N_PAIRS, 2 * d, REPLICATE_PAIRS);
    }
    if (status == TS_OK) {
        pair_up(points, pairs, d);
        status = ts_draws_run(values, NULL, points, (uint32_t)n, &study->drawing);
    }
    for (int figure = 0; status == TS_OK && figure < TS_N_DOUBTS; figure++) {
        set_indices(inputs, values, y, d, figure);
    }
    study->out->n_index_draws = N_PAIRS;
    free(pairs);
    free(points);
    free(values);
    free(y);
    return status;
}

/* A copy, which outlives the scenario. */
static const char *keep(struct study *study, const char *text)
{
    return text ? ts_arena_strdup(study->arena, text) : NULL;
}

static enum ts_status judge_inputs(struct study *study)
{
    struct ts_doubt_input *inputs = ts_arena_array(study->arena, study->inputs.n, sizeof *inputs);
    if (!inputs) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < study->inputs.n; i++) {
        const struct ts_uncertain *input = &study->inputs.items[i];
        inputs[i] = (struct ts_doubt_input){.key = keep(study, input->key),
                                            .unit = keep(study, input->unit),
                                            .source = keep(study, input->source),
                                            .p10 = ts_uncertain_at(input, 0.1),
                                            .p50 = ts_uncertain_at(input, 0.5),
                                            .p90 = ts_uncertain_at(input, 0.9),
                                            .is_written = i < study->inputs.n_written,
                                            .is_money = ts_uncertain_is_money(input->key)};
        for (int figure = 0; figure < TS_N_DOUBTS; figure++) {
            inputs[i].first[figure] = inputs[i].total[figure] = (double)NAN;
        }
    }
    study->out->inputs = inputs;
    study->out->n_inputs = study->inputs.n;
    study->out->n_written = study->inputs.n_written;
    const enum ts_status status = study->arena->failed ? TS_ENOMEM : tornado(study, inputs);
    return status == TS_OK && !study->out->is_full ? find_indices(study, inputs) : status;
}

/* ---- all of it ---- */

static enum ts_status simulate(struct study *study)
{
    const uint32_t n_drawn = study->n_fitted + study->n_checked;
    enum ts_status status = ts_uncertain_points_run(study->points, study->n_star, &study->simulation, study->diags);
    for (uint32_t i = 0; status == TS_OK && i < study->drawing.n_simulated; i++) {
        ts_doubt_capacity_fit(&study->medians, study->drawing.simulated[i], &study->points[2 * i].capacity,
                              &study->points[2 * i + 1].capacity);
    }
    if (status == TS_OK) {
        status = ts_uncertain_points_run(study->points + study->n_star, n_drawn, &study->simulation, study->diags);
    }
    study->out->n_simulated = study->drawing.n_simulated > 0 ? study->n_star + n_drawn : 0;
    study->out->n_checked = study->n_checked;
    if (status == TS_OK) {
        status = fit(study);
    }
    if (status == TS_OK) {
        status = check_fit(study);
    }
    return status == TS_OK ? check_capacity(study) : status;
}

static enum ts_status run(struct study *study, const struct ts_result *merged)
{
    enum ts_status status = find_inputs(study);
    if (status == TS_OK) {
        status = find_medians(study, merged);
    }
    if (status == TS_OK) {
        status = ts_money_effects_init(&study->effects, study->base, &study->inputs, study->diags);
    }
    study->simulation.simulates = study->drawing.n_simulated > 0;
    if (status == TS_OK) {
        status = place_points(study);
    }
    if (status == TS_OK) {
        status = simulate(study);
    }
    if (status == TS_OK) {
        status = study->out->is_full ? draw_full(study) : draw(study);
    }
    return status == TS_OK ? judge_inputs(study) : status;
}

enum ts_status ts_uncertainty_study(struct ts_uncertainty *out, const struct ts_trial_base *base,
                                    const struct ts_result *merged, const struct ts_uncertainty_options *options,
                                    struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_uncertainty made = {.n_draws = 0};
    struct study study = {.base = base, .options = options, .arena = arena, .diags = diags, .out = &made};
    study.drawing = (struct ts_drawing){.model = &base->scenario->model,
                                        .inputs = &study.inputs,
                                        .effects = &study.effects,
                                        .medians = &study.medians,
                                        .n_threads = options->n_threads,
                                        .progress = options->progress};
    study.simulation = (struct ts_uncertain_simulation){.base = base,
                                                        .inputs = &study.inputs,
                                                        .medians = &study.medians,
                                                        .effort = options->effort,
                                                        .n_threads = options->n_threads,
                                                        .progress = options->progress};
    const enum ts_status status = run(&study, merged);
    ts_money_effects_deinit(&study.effects);
    ts_response_destroy(study.response);
    if (status == TS_OK) {
        *out = made;
    }
    return status;
}
