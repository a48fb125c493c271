/* Hides the draws from the posterior. Known: two designs whose difference has mean d and standard error s over n
 * replications are told apart with P = F(d/s), F of Student's t with n - 1 degrees of freedom. */
#include "study/selection.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <gsl/gsl_randist.h>

#include "base/rng.h"

enum { RNG_ENTITY = 0x5e1ec7, RNG_PURPOSE = 1 };

/* A posterior of a mean: deviations[n] are those of its replications, scaled. */
struct posterior {
    double mean;
    double *deviations;
};

struct work {
    const struct ts_selection *selection;
    uint32_t n_each;         /* posteriors of a design: its cost, then its margins */
    struct posterior *means; /* [n_designs][n_each] */
    double *buffer;
    double *z; /* [n] */
};

static double mean_of(const double *values, uint32_t n)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        sum += values[i];
    }
    return sum / n;
}

static void close_work(struct work *work)
{
    free(work->means);
    free(work->buffer);
    free(work->z);
}

static enum ts_status open_work(struct work *work, const struct ts_selection *selection)
{
    const uint32_t n_each = 1 + selection->n_margins;
    const size_t n_means = (size_t)selection->n_designs * n_each;
    *work = (struct work){.selection = selection, .n_each = n_each};
    work->means = calloc(n_means ? n_means : 1, sizeof *work->means);
    work->buffer = calloc(n_means ? n_means * selection->n : 1, sizeof *work->buffer);
    work->z = calloc(selection->n, sizeof *work->z);
    if (!work->means || !work->buffer || !work->z) {
        close_work(work);
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n_means; i++) {
        work->means[i].deviations = work->buffer + i * selection->n;
    }
    return TS_OK;
}

/* ---- posteriors ---- */

static double square(double x)
{
    return x * x;
}

/* The variance between designs over that and the variance of their means. */
static double shrinkage(const struct work *work, double grand_mean, double noise)
{
    const uint32_t k = work->selection->n_designs;
    double between = 0.0;
    for (uint32_t d = 0; d < k; d++) {
        between += square(work->means[(size_t)d * work->n_each].mean - grand_mean) / (k - 1.0);
    }
    return between > noise ? (between - noise) / between : 0.0;
}

static void find_costs(struct work *work)
{
    const struct ts_selection *s = work->selection;
    const uint32_t k = s->n_designs, n = s->n;
    double grand_mean = 0.0, noise = 0.0;
    for (uint32_t d = 0; d < k; d++) {
        struct posterior *cost = &work->means[(size_t)d * work->n_each];
        cost->mean = mean_of(s->costs + (size_t)d * n, n);
        grand_mean += cost->mean / k;
    }
    for (uint32_t r = 0; r < n; r++) {
        double shift = 0.0; /* what the replication does to all of them */
        for (uint32_t d = 0; d < k; d++) {
            shift += (s->costs[(size_t)d * n + r] - grand_mean) / k;
        }
        for (uint32_t d = 0; d < k; d++) {
            struct posterior *cost = &work->means[(size_t)d * work->n_each];
            cost->deviations[r] = s->costs[(size_t)d * n + r] - shift - cost->mean;
            noise += n > 1 && k > 1 ? square(cost->deviations[r]) / ((n - 1.0) * n * (k - 1.0)) : 0.0;
        }
    }
    const double b = k > 3 && noise > 0.0 ? shrinkage(work, grand_mean, noise) : 1.0;
    for (uint32_t d = 0; d < k; d++) {
        struct posterior *cost = &work->means[(size_t)d * work->n_each];
        cost->mean = grand_mean + b * (cost->mean - grand_mean);
        for (uint32_t r = 0; r < n; r++) {
            cost->deviations[r] *= sqrt(b);
        }
    }
}

static void find_margins(struct work *work)
{
    const struct ts_selection *s = work->selection;
    for (uint32_t d = 0; d < s->n_designs; d++) {
        for (uint32_t m = 0; m < s->n_margins; m++) {
            const double *values = s->margins + ((size_t)d * s->n_margins + m) * s->n;
            struct posterior *margin = &work->means[(size_t)d * work->n_each + 1 + m];
            margin->mean = mean_of(values, s->n);
            for (uint32_t r = 0; r < s->n; r++) {
                margin->deviations[r] = values[r] - margin->mean;
            }
        }
    }
}

/* ---- draws ---- */

static void draw_z(struct work *work, struct ts_rng *rng)
{
    const uint32_t n = work->selection->n;
    const double freedom = n - 1.0;
    const double tail = n > 1 ? sqrt(freedom / gsl_ran_chisq(ts_rng_gsl(rng), freedom)) : 0.0;
    for (uint32_t r = 0; r < n; r++) {
        work->z[r] = n > 1 ? ts_rng_normal(rng) * tail / sqrt(n * freedom) : 0.0;
    }
}

static double value_of(const struct work *work, const struct posterior *posterior)
{
    double value = posterior->mean;
    for (uint32_t r = 0; r < work->selection->n; r++) {
        value += work->z[r] * posterior->deviations[r];
    }
    return value;
}

/* With z as it is; UINT32_MAX: none keeps its margins. */
static uint32_t best_of(const struct work *work)
{
    uint32_t best = UINT32_MAX;
    double least = INFINITY;
    for (uint32_t d = 0; d < work->selection->n_designs; d++) {
        const struct posterior *means = &work->means[(size_t)d * work->n_each];
        const double cost = value_of(work, &means[0]);
        bool keeps = cost < least;
        for (uint32_t m = 1; keeps && m < work->n_each; m++) {
            keeps = value_of(work, &means[m]) >= 0.0;
        }
        if (keeps) {
            best = d;
            least = cost;
        }
    }
    return best;
}

enum ts_status ts_selection_probabilities(double *best, double *none, const struct ts_selection *selection)
{
    struct work work;
    const enum ts_status status = open_work(&work, selection);
    if (status != TS_OK) {
        return status;
    }
    find_costs(&work);
    find_margins(&work);
    struct ts_rng rng;
    ts_rng_init(&rng, selection->seed, 0, RNG_ENTITY, RNG_PURPOSE);
    *none = 0.0;
    for (uint32_t d = 0; d < selection->n_designs; d++) {
        best[d] = 0.0;
    }
    for (int i = 0; i < TS_SELECTION_DRAWS; i++) {
        draw_z(&work, &rng);
        const uint32_t chosen = best_of(&work);
        *(chosen == UINT32_MAX ? none : &best[chosen]) += 1.0 / TS_SELECTION_DRAWS;
    }
    close_work(&work);
    return TS_OK;
}
