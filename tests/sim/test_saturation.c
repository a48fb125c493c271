/* The verdict on a server's load, over 100 seeds. */
#include "tests/sim/sim_world.h"

enum { N_SEEDS = 100, N_CALLS = 20000 };

/* M/M/1 of mean 1 s at that load: exponential prompts of 1,000 tokens at 1 ms each, one at a time. */
static struct ts_result mm1(struct ts_model *model, struct ts_pool_model *pool, double load, uint32_t seed)
{
    const struct ts_tier_model tier = world_server(pool, 0.0);
    pool->replica.steps.u.linear.d_s_per_prefill_tok = 1e-3;
    pool->replica.max_seqs = 1;
    *model = world_model(&tier, 1);
    model->tiers[0].u.server.pools = pool;
    model->series_bin_s = 300.0;
    struct ts_request *requests = calloc(N_CALLS, sizeof *requests);
    assert_non_null(requests);
    struct ts_rng rng;
    ts_rng_init(&rng, 77, seed, 0, 0);
    double t = 0.0;
    for (uint64_t i = 0; i < N_CALLS; i++) {
        t += ts_rng_exponential(&rng) / load;
        requests[i] =
            world_request(i, ts_ns_from_s(t), (uint32_t)fmax(1.0, 1000.0 * ts_rng_exponential(&rng) + 0.5), 1);
    }
    struct ts_result result = world_run(model, requests, N_CALLS);
    free(requests);
    return result;
}

static void count_verdicts(uint32_t counts[3], double load)
{
    for (uint32_t seed = 0; seed < N_SEEDS; seed++) {
        struct ts_pool_model pool;
        struct ts_model model;
        struct ts_result result = mm1(&model, &pool, load, seed);
        counts[ts_result_saturation(&model, &result, 0)]++;
        ts_result_deinit(&result);
    }
}

/* At 95 % 19 are present in the mean, and more than 400 wait with probability .95^400; at 105 % 1,000 are left over
 * with a standard deviation of 200, three of which lie above 400. */
static void test_saturation__tells_a_load_of_95_from_one_of_105_percent(void **state)
{
    (void)state;
    uint32_t below[3] = {0}, above[3] = {0};
    count_verdicts(below, 0.95);
    count_verdicts(above, 1.05);
    assert_int_equal(below[TS_SATURATION_STABLE], N_SEEDS);
    assert_int_equal(above[TS_SATURATION_OVERLOADED], N_SEEDS);
}

/* 2,000 calls at once after a time of rest, then one every 5 s; one is served at a time. */
static enum ts_saturation verdict_on_burst(uint32_t n_seats, double patience_s)
{
    enum { N = 4000 };
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 1.0);
    pool.replica.max_seqs = n_seats;
    pool.replica.kv_blocks = 1;
    struct ts_model model = world_model(&tier, 1);
    model.series_bin_s = 60.0;
    model.patience_s = patience_s;
    struct ts_request *requests = calloc(N, sizeof *requests);
    assert_non_null(requests);
    for (uint64_t i = 0; i < N; i++) {
        requests[i] = world_request(i, i < 2000 ? 0 : (int64_t)(i - 1999) * 5 * S, 1, 1);
    }
    struct ts_result result = world_run(&model, requests, N);
    const enum ts_saturation verdict = ts_result_saturation(&model, &result, 0);
    ts_result_deinit(&result);
    free(requests);
    return verdict;
}

/* Worked off by the end; or given up, which no bin shows where memory for one has seats for many. */
static void test_saturation__a_burst_is_a_backlog(void **state)
{
    (void)state;
    assert_int_equal(verdict_on_burst(1, 0.0), TS_SATURATION_BACKLOGGED);
    assert_int_equal(verdict_on_burst(4000, 60.0), TS_SATURATION_BACKLOGGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saturation__tells_a_load_of_95_from_one_of_105_percent),
        cmocka_unit_test(test_saturation__a_burst_is_a_backlog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
