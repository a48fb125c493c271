/* Small models and runs for the simulator's tests. */
#ifndef TS_TESTS_SIM_WORLD_H
#define TS_TESTS_SIM_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/units.h"
#include "sim/sim.h"

#define MS 1000000LL
#define S 1000000000LL
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* A server of one replica with constant step times, no other cost; a large budget and cache. What its replicas are
 * stands in *pool, which the tier points to. */
struct ts_tier_model world_server(struct ts_pool_model *pool, double step_s);
/* A device fleet of one user whose steps take a_s each. */
struct ts_tier_model world_device(double step_s);
/* An API that answers after ttft_s with tok_per_s, without limits. */
struct ts_tier_model world_api(double ttft_s, double tok_per_s);
/* A model of these tiers, one class, everything routed to tier 0. */
struct ts_model world_model(const struct ts_tier_model *tiers, uint32_t n_tiers);

/* Runs requests through a model; fails the test if the run fails. deinit the result. */
struct ts_result world_run(const struct ts_model *model, const struct ts_request *requests, uint64_t n);
struct ts_result world_run_with(const struct ts_model *model, const struct ts_request *requests, uint64_t n,
                                const struct ts_sim_options *options);

/* Fails unless the two results are equal: counts and histograms exactly, integrals of doubles within the given relative
 * tolerance. */
void world_assert_equal(const struct ts_result *a, const struct ts_result *b, double tolerance);

/* Fails unless their batches are the same: sizes and numbers exactly, sums and the intervals of means within the
 * tolerance. They depend on the order in which results were merged. */
void world_assert_same_intervals(const struct ts_result *a, const struct ts_result *b, double tolerance);

static inline struct ts_request world_request(uint64_t id, int64_t arrival_ns, uint32_t prompt_tok, uint32_t output_tok)
{
    return (struct ts_request){.id = id, .arrival_ns = arrival_ns, .prompt_tok = prompt_tok, .output_tok = output_tok};
}

/* |a - b| <= tolerance * max(|a|, |b|, 1e-300) */
void world_assert_near(double a, double b, double tolerance);

#endif
