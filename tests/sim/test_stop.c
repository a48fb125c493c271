/* The caller is asked whether to go on by how much work was done, not by how many requests came or events fired: a
 * simulation ends soon after it was told to, wherever it is. */
#include <stdlib.h>

#include "tests/sim/sim_world.h"

enum { MANY = 20000 };

struct patience {
    long n_asked, n; /* n: goes on so many times */
};

static bool asked(void *user, const struct ts_progress_state *state)
{
    struct patience *patience = user;
    (void)state;
    return ++patience->n_asked <= patience->n;
}

static struct ts_request *requests_every(int64_t gap_ns, uint64_t n, uint32_t output_tok)
{
    struct ts_request *requests = calloc(n, sizeof *requests);
    assert_non_null(requests);
    for (uint64_t i = 0; i < n; i++) {
        requests[i] = world_request(i, (int64_t)i * gap_ns, 10, output_tok);
    }
    return requests;
}

/* The status of a run that goes on so many times. */
static enum ts_status run_with(struct patience *patience, const struct ts_model *model,
                               const struct ts_request *requests, uint64_t n)
{
    const struct ts_sim_options options = {.progress = {.go_on = asked, .user = patience}};
    struct ts_request_stream *stream = NULL;
    struct ts_result result;
    assert_int_equal(ts_request_stream_from_array(&stream, requests, n), TS_OK);
    const enum ts_status status = ts_sim_run(&result, model, stream, &options, NULL);
    if (status == TS_OK) {
        ts_result_deinit(&result);
    }
    ts_request_stream_destroy(stream);
    return status;
}

/* How often a whole run asks. */
static long n_asks(const struct ts_model *model, const struct ts_request *requests, uint64_t n)
{
    struct patience patience = {.n = 1L << 40};
    assert_int_equal(run_with(&patience, model, requests, n), TS_OK);
    return patience.n_asked;
}

/* Stops at the first, at some in the middle and at the last. */
static void expect_stops(const struct ts_model *model, const struct ts_request *requests, uint64_t n)
{
    const long n_all = n_asks(model, requests, n);
    for (long k = 0; k < 8; k++) {
        struct patience patience = {.n = k * (n_all - 1) / 7};
        assert_int_equal(run_with(&patience, model, requests, n), TS_EINTERRUPTED);
        assert_int_equal(patience.n_asked, patience.n + 1); /* at once */
    }
}

/* Ten requests in a year: nearly all events are the fleet's own. */
static void test_stop__between_arrivals(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    tier.u.server.restart_every_s = 60.0;
    tier.u.server.cold_start_s = 1.0;
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = requests_every(3000000 * S, 10, 5);
    assert_in_range(n_asks(&model, requests, 10), 50, 100000);
    expect_stops(&model, requests, 10);
    free(requests);
}

/* 2,000 replicas are looked at for each request. */
static void give_many_replicas(struct ts_pool_model *pool)
{
    pool->n_replicas = 2000;
    pool->replica.max_seqs = 4;
    pool->replica.kv_blocks = 100;
}

static void test_stop__amid_the_choice_of_a_replica(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    give_many_replicas(&pool);
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = requests_every(MS, MANY, 2);
    assert_in_range(n_asks(&model, requests, MANY), (long)MANY * 2000 >> 19, 10000);
    expect_stops(&model, requests, MANY);
    free(requests);
}

/* All are held until the first replica is up, and then let go within one event. */
static void test_stop__amid_one_event_that_lets_many_go(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    give_many_replicas(&pool);
    tier.u.server.cold_start_s = 100.0;
    tier.u.server.autoscale = (struct ts_autoscale_model){
        .on = true, .min_replicas = 0, .target_outstanding = 1e9, .interval_s = 1000.0, .cooldown_s = 1000.0};
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = requests_every(1, MANY, 2);
    const long n_making = 2000L * 8192 >> 19, n_letting_go = MANY * 2000L >> 19;
    struct patience patience = {.n = n_making + n_letting_go / 2};
    assert_in_range(n_asks(&model, requests, MANY), n_making + n_letting_go, 10000);
    assert_int_equal(run_with(&patience, &model, requests, MANY), TS_EINTERRUPTED);
    assert_int_equal(patience.n_asked, patience.n + 1);
    free(requests);
}

static void test_stop__amid_the_making_of_replicas(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    give_many_replicas(&pool);
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request request = world_request(0, 0, 1, 1);
    struct patience patience = {.n = 5};
    assert_in_range(n_asks(&model, &request, 1), 20, 1000);
    assert_int_equal(run_with(&patience, &model, &request, 1), TS_EINTERRUPTED);
    assert_int_equal(patience.n_asked, 6);
}

/* A reply of two million tokens is one event. */
static void test_stop__between_long_replies(void **state)
{
    (void)state;
    const struct ts_tier_model tier = world_device(1e-3);
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = requests_every(3000 * S, 50, 2000000);
    assert_in_range(n_asks(&model, requests, 50), 50, 1000);
    expect_stops(&model, requests, 50);
    free(requests);
}

/* The time is up with all of them under way. */
static void test_stop__amid_the_close(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(1e6, 1.0);
    struct ts_model model = world_model(&tier, 1);
    model.drain_s = 1e-3;
    struct ts_request *requests = requests_every(1, 10 * MANY, 2);
    const long n_all = n_asks(&model, requests, 10 * MANY);
    struct patience patience = {.n = n_all - 1};
    assert_in_range(n_all, 2 * (10L * MANY * 64 >> 19) - 2, 1000); /* as many at the end as at the arrivals */
    assert_int_equal(run_with(&patience, &model, requests, 10 * MANY), TS_EINTERRUPTED);
    free(requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop__between_arrivals),
        cmocka_unit_test(test_stop__amid_the_choice_of_a_replica),
        cmocka_unit_test(test_stop__amid_one_event_that_lets_many_go),
        cmocka_unit_test(test_stop__amid_the_making_of_replicas),
        cmocka_unit_test(test_stop__between_long_replies),
        cmocka_unit_test(test_stop__amid_the_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
