/* Hides when a server counts as overloaded. A queue that is offered just what it can serve drifts as a random walk:
 * with n arrivals and services as irregular as a Poisson process, what waits at the end has a standard deviation of
 * sqrt(2 n). More than twice that is no chance; a stable queue is far below it once the run is long. Worked: M/M/1 with
 * 20,000 arrivals: twice sqrt(40,000) = 400 requests. At 95 % load 19 are present in the mean; at 105 % 5 % of 20,000
 * are left over, 1,000 with a standard deviation of 200. */
#include <math.h>

#include "sim/result.h"

static uint64_t n_seats(const struct ts_tier_model *tier)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < tier->u.server.n_pools; i++) {
        const struct ts_pool_model *pool = &tier->u.server.pools[i];
        n += pool->role == TS_POOL_DECODE ? 0 : (uint64_t)pool->n_replicas * pool->replica.max_seqs;
    }
    return n;
}

static void count(uint64_t *n_arrived, uint64_t *n_given_up, const struct ts_result *result, uint32_t tier)
{
    *n_arrived = *n_given_up = 0;
    for (uint32_t c = 0; c < result->n_classes; c++) {
        *n_arrived += result->tiers[tier].cells[c].arrived;
        *n_given_up += result->tiers[tier].cells[c].timed_out;
    }
}

enum ts_saturation ts_result_saturation(const struct ts_model *model, const struct ts_result *result, uint32_t tier)
{
    const double deviations = 2.0;
    const double runs = result->n_replications > 0 ? (double)result->n_replications : 1.0;
    const double window_s = result->window_s / runs;
    const uint32_t n_bins = result->bin_s > 0.0 ? (uint32_t)fmin(window_s / result->bin_s, result->n_bins) : 0;
    if (model->tiers[tier].kind != TS_TIER_SERVER || n_bins == 0) {
        return TS_SATURATION_STABLE;
    }
    const double seats = (double)n_seats(&model->tiers[tier]);
    uint64_t n_arrived, n_given_up;
    count(&n_arrived, &n_given_up, result, tier);
    const double bound = deviations * sqrt(2.0 * (double)n_arrived / runs);
    double most = 0.0;
    for (uint32_t bin = 0; bin < n_bins; bin++) {
        most = fmax(most, result->tiers[tier].in_tier[bin] - seats);
    }
    const double last = result->tiers[tier].in_tier[n_bins - 1] - seats;
    return last > bound && last > 0.5 * most ? TS_SATURATION_OVERLOADED
           : fmax(most, (double)n_given_up / runs) > bound /* they would be waiting still */
               ? TS_SATURATION_BACKLOGGED
               : TS_SATURATION_STABLE;
}
