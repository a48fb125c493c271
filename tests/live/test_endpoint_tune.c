/* Step times of an endpoint corrected by what it did, where what it does is known: another simulation. */
#include "live/endpoint_tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "live/validate_endpoint.h"
#include "sim/serving/steptime.h"
#include "tests/sim/sim_world.h"

enum { N = 120 };

static struct ts_model linear_model(struct ts_pool_model *pool)
{
    const struct ts_tier_model tier = world_server(pool, 0.01);
    pool->replica.steps = (struct ts_steps_model){.kind = TS_STEPS_LINEAR,
                                                  .u.linear = {.a_s = 0.004,
                                                               .b_s_per_seq = 0.0005,
                                                               .c_s_per_kv_tok = 1e-6,
                                                               .d_s_per_prefill_tok = 0.0001,
                                                               .e_s_per_pair = 1e-8}};
    return world_model(&tier, 1);
}

static struct ts_request *some_requests(void)
{
    struct ts_request *requests = calloc(N, sizeof *requests);
    assert_non_null(requests);
    for (uint32_t i = 0; i < N; i++) {
        requests[i] = world_request(i, (int64_t)i * 40 * MS + (i * 37 % 11) * MS, 16 + i * 53 % 200, 4 + i * 29 % 30);
    }
    return requests;
}

static const struct ts_endpoint_factors truth = {.decode = 1.3, .prompt = 0.8};

/* What a server does whose steps take other times. */
static struct ts_rehearsal rehearsal_of(const struct ts_model *model)
{
    struct ts_model slower;
    struct ts_pool_model pool;
    struct ts_rehearsal rehearsal = {.run = 3, .requests = some_requests(), .n = N};
    ts_endpoint_scale(&slower, &pool, model, &truth);
    assert_int_equal(ts_timings_of_sim(&rehearsal.live, &slower, rehearsal.requests, N, NULL, NULL), TS_OK);
    return rehearsal;
}

static void test_endpoint_tune__finds_how_much_slower_the_endpoint_is(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_model model = linear_model(&pool);
    struct ts_rehearsal rehearsal = rehearsal_of(&model);
    struct ts_endpoint_factors found;
    assert_int_equal(ts_endpoint_tune(&found, &model, 3, &rehearsal, 1, NULL), TS_OK);
    assert_int_equal(found.n, N);
    assert_true(fabs(found.decode - truth.decode) < 0.02);
    assert_true(fabs(found.prompt - truth.prompt) < 0.02);
    assert_true(found.left < 0.01);
    ts_rehearsal_deinit(&rehearsal);
}

static void test_endpoint_tune__other_runs_and_failed_requests_say_nothing(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_model model = linear_model(&pool);
    struct ts_rehearsal rehearsal = rehearsal_of(&model);
    struct ts_endpoint_factors found;
    assert_int_equal(ts_endpoint_tune(&found, &model, 4, &rehearsal, 1, NULL), TS_OK);
    assert_true(found.n == 0 && found.decode == 1.0 && found.prompt == 1.0);
    assert_int_equal(ts_endpoint_tune(&found, &model, 4, NULL, 0, NULL), TS_OK);
    assert_true(found.n == 0 && found.decode == 1.0 && found.prompt == 1.0);
    for (uint32_t i = 0; i < N; i++) { /* none was done */
        rehearsal.live.ttft_s[i] = rehearsal.live.tpot_s[i] = rehearsal.live.e2e_s[i] = NAN;
    }
    rehearsal.live.n_done = 0;
    assert_int_equal(ts_endpoint_tune(&found, &model, 3, &rehearsal, 1, NULL), TS_OK);
    assert_true(found.n == 0 && found.decode == 1.0 && found.prompt == 1.0);
    ts_rehearsal_deinit(&rehearsal);
}

/* Closed loops in which all slots hold alike: what one sequence's entries took by the fit is what all of them took. */
static void test_endpoint_tune__unified_slots_take_the_fit_s_time_where_all_hold_alike(void **state)
{
    (void)state;
    enum { SLOTS = 4, CTX = 300, PROMPT = 200 };
    const struct ts_model_measurement fit = {.linear = {.coef = {0.004, 0.0005, 1e-6, 1e-4, 1e-8}}};
    struct ts_replica_model own = {.max_seqs = 1}, shared = own;
    ts_validate_endpoint_describe(&own, &fit, SLOTS, false);
    ts_validate_endpoint_describe(&shared, &fit, SLOTS, true);
    assert_true(shared.kv_unified && !own.kv_unified);
    const struct ts_batch_load decode = ts_steptime_decode_load(SLOTS, SLOTS * CTX);
    const struct ts_batch_load all = ts_steptime_decode_load(SLOTS, SLOTS * (uint64_t)SLOTS * CTX);
    world_assert_near(ts_steptime_s(&shared.steps, &all), ts_steptime_s(&own.steps, &decode), 1e-12);
    struct ts_batch_load prompt = ts_steptime_prompt_load(PROMPT);
    prompt.prefill_pairs = 0.5 * PROMPT * PROMPT;
    const double own_s = ts_steptime_s(&own.steps, &prompt);
    prompt.prefill_pairs = PROMPT * ((SLOTS - 1) * PROMPT + 0.5 * PROMPT);
    world_assert_near(ts_steptime_s(&shared.steps, &prompt), own_s, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoint_tune__finds_how_much_slower_the_endpoint_is),
        cmocka_unit_test(test_endpoint_tune__other_runs_and_failed_requests_say_nothing),
        cmocka_unit_test(test_endpoint_tune__unified_slots_take_the_fit_s_time_where_all_hold_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
