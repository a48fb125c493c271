/* Hides which measured steps a fit is made from, and where a table gets its knots. */
#include "measure/model_measurement.h"

/* 17: kernels compute in tiles of 16 tokens, and there a second one begins. */
const uint32_t ts_model_knots[TS_MODEL_N_KNOTS] = {1,  2,  3,  4,   6,   8,   12,  16,  17,  24,  32,
                                                   48, 64, 96, 128, 192, 256, 384, 512, 768, 1024};

/* Steps of one kind, and where they stand among all. */
struct chosen {
    struct ts_timed_step *steps;
    size_t *index;
    size_t n;
};

static double mean_s(const struct ts_model_step *step)
{
    double sum_s = 0.0;
    for (uint32_t i = 0; i < step->n_samples; i++) {
        sum_s += step->samples[i];
    }
    return sum_s / step->n_samples;
}

static enum ts_status choose(struct chosen *out, struct ts_arena *arena, const struct ts_model_measurement *m,
                             bool held_out)
{
    *out = (struct chosen){.steps = ts_arena_array(arena, m->n_steps + 1, sizeof *out->steps),
                           .index = ts_arena_array(arena, m->n_steps + 1, sizeof *out->index)};
    if (!out->steps || !out->index) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < m->n_steps; i++) {
        if (m->steps[i].held_out == held_out) {
            const struct ts_model_step *step = &m->steps[i];
            const double seconds = m->fit_means ? mean_s(step) : step->undisturbed_s;
            out->index[out->n] = i;
            out->steps[out->n++] = (struct ts_timed_step){
                .load = ts_model_step_load(step), .seconds = seconds, .weight = m->fit_means ? step->n_samples : 0.0};
        }
    }
    return TS_OK;
}

static bool has_tokens(const struct chosen *steps, double tokens)
{
    for (size_t i = 0; i < steps->n; i++) {
        if (steps->steps[i].load.tokens == tokens) {
            return true;
        }
    }
    return false;
}

/* Knots where there are steps of exactly so many tokens. */
static size_t choose_knots(double *knots, const struct chosen *steps)
{
    size_t n = 0;
    for (size_t k = 0; k < TS_MODEL_N_KNOTS && n < TS_STEP_MAX_KNOTS; k++) {
        if (has_tokens(steps, ts_model_knots[k])) {
            knots[n++] = ts_model_knots[k];
        }
    }
    return n;
}

static enum ts_status check(struct ts_model_measurement *m, const struct chosen *held)
{
    enum ts_status status = ts_step_check_linear(&m->linear_check, &m->linear, held->steps, held->n);
    if (status == TS_OK) {
        status = ts_step_check_table(&m->table_check, &m->table, held->steps, held->n);
    }
    m->checked = status == TS_OK;
    m->linear_check.worst = held->index[m->linear_check.worst];
    m->table_check.worst = held->index[m->table_check.worst];
    return status;
}

enum ts_status ts_model_measurement_fit(struct ts_model_measurement *m, struct ts_arena *arena)
{
    struct chosen fitted, held;
    double knots[TS_STEP_MAX_KNOTS];
    enum ts_status status = choose(&fitted, arena, m, false);
    if (status == TS_OK) {
        status = choose(&held, arena, m, true);
    }
    if (status == TS_OK) {
        status = ts_step_fit_linear(&m->linear, fitted.steps, fitted.n);
    }
    if (status == TS_OK) {
        status = ts_step_fit_table(&m->table, fitted.steps, fitted.n, knots, choose_knots(knots, &fitted));
    }
    if (status != TS_OK) {
        return status == TS_ERANGE ? TS_OK : status; /* too few steps were measured: there are the samples alone */
    }
    m->fitted = true;
    m->linear.error.worst = fitted.index[m->linear.error.worst];
    m->table.error.worst = fitted.index[m->table.error.worst];
    return held.n > 0 ? check(m, &held) : TS_OK;
}
