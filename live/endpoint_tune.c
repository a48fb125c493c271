/* Hides the search: the best of a grid of the two factors' logarithms, then from there Nelder and Mead's simplex
 * (gsl_multimin), which needs no derivatives: medians of a simulation jump. A pull towards 1 keeps a factor that the
 * rehearsals do not decide where it was. */
#include "live/endpoint_tune.h"

#include <gsl/gsl_multimin.h>
#include <math.h>
#include <stdlib.h>

#include "base/sample.h"

enum { GRID_STEPS = 8, MAX_ROUNDS = 100, N_FACTORS = 2 };

static const double grid_step = 0.1, small_enough = 1e-3; /* in logarithms; of the simplex */
static const double pull = 0.01;
static const double worst = 1e6; /* where nothing can be compared */

void ts_rehearsal_deinit(struct ts_rehearsal *rehearsal)
{
    free(rehearsal->requests);
    ts_timings_deinit(&rehearsal->live);
    *rehearsal = (struct ts_rehearsal){0};
}

void ts_endpoint_scale(struct ts_model *out, struct ts_pool_model *pool, const struct ts_model *from,
                       const struct ts_endpoint_factors *factors)
{
    *pool = from->tiers[0].u.server.pools[0];
    *out = *from;
    out->tiers[0].u.server.pools = pool;
    struct ts_steps_linear *steps = &pool->replica.steps.u.linear;
    steps->a_s *= factors->decode;
    steps->b_s_per_seq *= factors->decode;
    steps->c_s_per_kv_tok *= factors->decode;
    steps->d_s_per_prefill_tok *= factors->prompt;
    steps->e_s_per_pair *= factors->prompt;
}

struct search {
    const struct ts_model *model;
    size_t run;
    const struct ts_rehearsal *rehearsals; /* [n] */
    size_t n;
    struct ts_diags *diags;
    enum ts_status status;
};

/* Mean and median of requests that were done in both. False: there are none. */
static bool centre_of(double out[2], const double *values, const double *others, size_t n)
{
    struct ts_sample sample;
    ts_sample_init(&sample);
    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i]) && !isnan(others[i])) {
            ts_sample_add(&sample, values[i]);
        }
    }
    out[0] = ts_sample_mean(&sample);
    out[1] = ts_sample_quantile(&sample, 0.5);
    const bool found = sample.n > 0 && !sample.failed;
    ts_sample_deinit(&sample);
    return found;
}

static void add_misfits(double *squares, double *n, const struct ts_timings *live, const struct ts_timings *simulated)
{
    for (size_t k = 0; k < TS_N_VALIDATE_LATENCIES; k++) {
        const double *a = ts_timings_values(live, k);
        const double *b = ts_timings_values(simulated, k);
        double of_live[2], of_simulated[2];
        if (!centre_of(of_live, a, b, live->n) || !centre_of(of_simulated, b, a, live->n)) {
            continue;
        }
        for (size_t i = 0; i < 2; i++) {
            const double misfit = log(of_simulated[i] / of_live[i]);
            *squares += misfit * misfit;
            *n += 1.0;
        }
    }
}

/* Mean square of the misfits over the rehearsals of that run. */
static double misfit_of(struct search *search, const struct ts_endpoint_factors *factors)
{
    struct ts_model model;
    struct ts_pool_model pool;
    double squares = 0.0;
    double n = 0.0;
    ts_endpoint_scale(&model, &pool, search->model, factors);
    for (size_t i = 0; i < search->n && search->status == TS_OK; i++) {
        const struct ts_rehearsal *rehearsal = &search->rehearsals[i];
        struct ts_timings simulated;
        if (rehearsal->run != search->run) {
            continue;
        }
        search->status = ts_timings_of_sim(&simulated, &model, rehearsal->requests, rehearsal->n, NULL, search->diags);
        if (search->status == TS_OK) {
            add_misfits(&squares, &n, &rehearsal->live, &simulated);
            ts_timings_deinit(&simulated);
        }
    }
    return n > 0.0 && search->status == TS_OK ? squares / n : worst;
}

static struct ts_endpoint_factors factors_of(const gsl_vector *x)
{
    return (struct ts_endpoint_factors){.decode = exp(gsl_vector_get(x, 0)), .prompt = exp(gsl_vector_get(x, 1))};
}

static double cost(const gsl_vector *x, void *user)
{
    const struct ts_endpoint_factors factors = factors_of(x);
    const double decode = gsl_vector_get(x, 0);
    const double prompt = gsl_vector_get(x, 1);
    return misfit_of(user, &factors) + pull * pull * (decode * decode + prompt * prompt);
}

/* The best of the grid, in x. */
static void search_grid(gsl_vector *x, gsl_vector *point, struct search *search)
{
    double least = INFINITY;
    gsl_vector_set_zero(x);
    for (int i = -GRID_STEPS; i <= GRID_STEPS && search->status == TS_OK; i++) {
        for (int k = -GRID_STEPS; k <= GRID_STEPS && search->status == TS_OK; k++) {
            gsl_vector_set(point, 0, grid_step * i);
            gsl_vector_set(point, 1, grid_step * k);
            const double left = cost(point, search);
            if (left < least) {
                least = left;
                gsl_vector_memcpy(x, point);
            }
        }
    }
}

static void minimise(struct ts_endpoint_factors *out, struct search *search, gsl_multimin_fminimizer *minimizer,
                     gsl_vector *x, gsl_vector *steps)
{
    gsl_multimin_function function = {.f = cost, .n = N_FACTORS, .params = search};
    search_grid(x, steps, search);
    gsl_vector_set_all(steps, 0.5 * grid_step);
    bool going = search->status == TS_OK && gsl_multimin_fminimizer_set(minimizer, &function, x, steps) == 0;
    for (int round = 0; going && search->status == TS_OK && round < MAX_ROUNDS; round++) {
        going =
            gsl_multimin_fminimizer_iterate(minimizer) == 0 && gsl_multimin_fminimizer_size(minimizer) > small_enough;
    }
    const size_t n = out->n;
    *out = factors_of(minimizer->x);
    out->n = n;
    out->left = sqrt(misfit_of(search, out));
}

static size_t requests_at(const struct search *search)
{
    size_t n = 0;
    for (size_t i = 0; i < search->n; i++) {
        n += search->rehearsals[i].run == search->run ? search->rehearsals[i].live.n_done : 0;
    }
    return n;
}

enum ts_status ts_endpoint_tune(struct ts_endpoint_factors *out, const struct ts_model *model, size_t run,
                                const struct ts_rehearsal *rehearsals, size_t n, struct ts_diags *diags)
{
    struct search search = {
        .model = model, .run = run, .rehearsals = rehearsals, .n = n, .diags = diags, .status = TS_OK};
    *out = (struct ts_endpoint_factors){.decode = 1.0, .prompt = 1.0, .n = requests_at(&search)};
    if (out->n == 0) {
        return TS_OK;
    }
    gsl_multimin_fminimizer *minimizer = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, N_FACTORS);
    gsl_vector *x = gsl_vector_alloc(N_FACTORS);
    gsl_vector *steps = gsl_vector_alloc(N_FACTORS);
    if (minimizer && x && steps) {
        minimise(out, &search, minimizer, x, steps);
    } else {
        search.status = TS_ENOMEM;
    }
    gsl_multimin_fminimizer_free(minimizer);
    gsl_vector_free(x);
    gsl_vector_free(steps);
    return search.status;
}
