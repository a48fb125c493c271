/* Hides that draws come in lots, each with a model of its own to move. */
#include "study/uncertain_draws.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

#include "study/in_order.h"

enum { LOT = 128, MAX_WIDTH = (TS_MAX_TIERS + 1) * TS_N_TIER_USES + TS_N_SERVICES };

uint32_t ts_drawing_width(uint32_t n_tiers)
{
    return (n_tiers + 1) * TS_N_TIER_USES + TS_N_SERVICES;
}

/* Attainment is fitted as the share that misses, which varies by orders of magnitude where it is small. */
static const double least_missed = 1e-4;

void ts_drawing_pack(double *out, const struct ts_econ_use *use, const double *service, uint32_t n_tiers)
{
    memcpy(out, use->tiers, (n_tiers + 1) * sizeof use->tiers[0]);
    double *services = out + (size_t)(n_tiers + 1) * TS_N_TIER_USES;
    memcpy(services, service, TS_N_SERVICES * sizeof *service);
    services[TS_SERVICE_ATTAINMENT] = 1.0 - service[TS_SERVICE_ATTAINMENT] + least_missed;
}

static void unpack(struct ts_econ_use *use, double *service, const double *row, uint32_t n_tiers)
{
    memcpy(use->tiers, row, (n_tiers + 1) * sizeof use->tiers[0]);
    memcpy(service, row + (size_t)(n_tiers + 1) * TS_N_TIER_USES, TS_N_SERVICES * sizeof *service);
    service[TS_SERVICE_ATTAINMENT] = fmax(1.0 - fmax(service[TS_SERVICE_ATTAINMENT] - least_missed, 0.0), 0.0);
    service[TS_SERVICE_QUALITY] = fmin(service[TS_SERVICE_QUALITY], 1.0);
}

void ts_drawing_scores(double *out, const struct ts_drawing *drawing, const double *point)
{
    for (uint32_t i = 0; i < drawing->n_simulated; i++) {
        out[i] = gsl_cdf_ugaussian_Pinv(point[drawing->simulated[i]]);
    }
}

static const double *nearest(const struct ts_drawing *drawing, const double *scores)
{
    const double *found = drawing->known_services;
    double least = INFINITY;
    for (uint32_t k = 0; k < drawing->n_known; k++) {
        double distance = 0.0;
        for (uint32_t i = 0; i < drawing->n_simulated; i++) {
            const double apart = scores[i] - drawing->known_scores[(size_t)k * drawing->n_simulated + i];
            distance += apart * apart;
        }
        found = distance < least ? drawing->known_services + (size_t)k * TS_N_SERVICES : found;
        least = fmin(least, distance);
    }
    return found;
}

static enum ts_status value_one(double *figures, double *ahead, struct ts_model *model, const double *point,
                                const struct ts_drawing *drawing)
{
    double values[TS_SOBOL_MAX_INPUTS], scores[TS_SOBOL_MAX_INPUTS], row[MAX_WIDTH];
    struct ts_econ_use use = drawing->medians->use;
    double service[TS_N_SERVICES];
    for (uint32_t i = 0; i < drawing->inputs->n; i++) {
        values[i] = ts_uncertain_at(&drawing->inputs->items[i], point[i]);
    }
    ts_money_effects_apply(model, drawing->effects, drawing->inputs, values);
    memcpy(service, drawing->medians->service, sizeof service);
    if (drawing->response) {
        const uint32_t width = ts_drawing_width(model->n_tiers);
        ts_drawing_scores(scores, drawing, point);
        ts_response_at(row, drawing->response, scores);
        for (uint32_t k = 0; k < width; k++) {
            row[k] = row[k] < 0.0 ? 0.0 : row[k]; /* nothing that is counted is */
        }
        unpack(&use, service, row, model->n_tiers);
        const double *known = nearest(drawing, scores);
        service[TS_SERVICE_POWER] = known[TS_SERVICE_POWER];
        if (drawing->serves_as_nearest) {
            service[TS_SERVICE_ATTAINMENT] = known[TS_SERVICE_ATTAINMENT];
            service[TS_SERVICE_TTFT] = known[TS_SERVICE_TTFT];
        }
    }
    const struct ts_econ_capacity capacity = ts_doubt_capacity(drawing->medians, point);
    return ts_doubt_value(figures, ahead, model, &use, service, &capacity);
}

struct draws_job {
    double *figures, *ahead;
    const double *points;
    uint32_t n;
    const struct ts_drawing *drawing;
};

static enum ts_status work(void *user, uint64_t index, uint32_t slot)
{
    const struct draws_job *job = user;
    const struct ts_drawing *drawing = job->drawing;
    const size_t n_months = drawing->model->money.horizon_months + 1, n_inputs = drawing->inputs->n;
    const size_t first = index * LOT, last = first + LOT < job->n ? first + LOT : job->n;
    struct ts_model *model = malloc(sizeof *model);
    enum ts_status status = model ? TS_OK : TS_ENOMEM;
    (void)slot;
    if (model) {
        *model = *drawing->model;
    }
    for (size_t k = first; status == TS_OK && k < last; k++) {
        status = value_one(job->figures + k * TS_N_DOUBTS, job->ahead ? job->ahead + k * n_months : NULL, model,
                           job->points + k * n_inputs, drawing);
    }
    free(model);
    return status == TS_OK && !ts_progress_ask(drawing->progress) ? TS_EINTERRUPTED : status;
}

static enum ts_status take(void *user, uint64_t index, uint32_t slot, enum ts_status worked)
{
    (void)user;
    (void)index;
    (void)slot;
    return worked;
}

enum ts_status ts_draws_run(double *figures, double *ahead, const double *points, uint32_t n,
                            const struct ts_drawing *drawing)
{
    struct draws_job job = {.figures = figures, .ahead = ahead, .points = points, .n = n, .drawing = drawing};
    const struct ts_in_order order = {.n = (n + LOT - 1) / LOT,
                                      .n_threads = drawing->n_threads,
                                      .window = 4 * drawing->n_threads,
                                      .user = &job,
                                      .work = work,
                                      .take = take};
    return ts_in_order_run(&order);
}
