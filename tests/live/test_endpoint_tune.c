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

/* Three users of a closed loop: each request comes 0.1 s after the reply to the one before it of its user, so that the
 * last reply is there after the longest of the users' sums, whatever the server did meanwhile. */
static void test_endpoint_users__wait_for_their_replies(void **state)
{
    (void)state;
    enum { SOME = 32, USERS = 3 };
    struct ts_pool_model pool;
    const struct ts_model model = linear_model(&pool);
    const struct ts_request_list list = {.requests = some_requests(), .n = N};
    const struct ts_dist think_s = ts_dist_constant(0.1);
    struct ts_request *requests = ts_request_list_of_users(&list, 7, SOME, USERS, &think_s, 1);
    struct ts_timings timings;
    double sums_s[USERS] = {0.0}, longest_s = 0.0;
    assert_non_null(requests);
    assert_int_equal(ts_timings_of_sim(&timings, &model, requests, SOME, NULL, NULL), TS_OK);
    assert_int_equal(timings.n_done, SOME);
    for (size_t i = 0; i < SOME; i++) {
        assert_int_equal(requests[i].prompt_tok, list.requests[(7 + i) % N].prompt_tok);
        sums_s[i % USERS] += timings.e2e_s[i] + (i >= USERS ? 0.1 : 0.0);
        longest_s = fmax(longest_s, sums_s[i % USERS]);
    }
    assert_true(fabs(timings.end_s - longest_s) < 1e-6);
    assert_true(longest_s > 10 * 0.1);
    ts_timings_deinit(&timings);
    free(requests);
    free(list.requests);
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
        cmocka_unit_test(test_endpoint_users__wait_for_their_replies),
        cmocka_unit_test(test_endpoint_tune__other_runs_and_failed_requests_say_nothing),
        cmocka_unit_test(test_endpoint_tune__unified_slots_take_the_fit_s_time_where_all_hold_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
