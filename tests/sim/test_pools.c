/* Tiers whose replicas differ: who joins which, what each pool did, and two closed forms. */
#include "tests/sim/sim_world.h"

static struct ts_pool_model pool_of(const struct ts_tier_model *tier, uint32_t n_replicas, double weight)
{
    struct ts_pool_model pool = tier->u.server.pools[0];
    pool.n_replicas = n_replicas;
    pool.weight = weight;
    return pool;
}

static void take_pools(struct ts_tier_model *tier, const struct ts_pool_model *pools, uint32_t n)
{
    tier->u.server.pools = pools;
    tier->u.server.n_pools = n;
}

static struct ts_tier_model busy_server(struct ts_pool_model *pool, uint32_t n_replicas)
{
    struct ts_tier_model tier = world_server(pool, 5e-3);
    struct ts_replica_model *replica = &pool->replica;
    pool->n_replicas = n_replicas;
    replica->power =
        (struct ts_power_model){.idle_w = 50.0, .prefill_w = 300.0, .decode_w = 200.0, .host_frac = 0.3, .pue = 1.3};
    replica->steps.u.linear.b_s_per_seq = 1e-4;
    replica->kv_blocks = 60;
    replica->max_seqs = 8;
    replica->ideal =
        (struct ts_steps_roofline){.flop_per_tok = 3.0, .flop_per_s = 7.0, .shared_bytes = 11.0, .bytes_per_s = 13.0};
    tier.u.server.failures = (struct ts_failure_model){.mtbf_s = 2.0, .mttr_s = 0.3};
    return tier;
}

/* The same replicas in the same order: every count and every histogram to the bit, integrals but for the order of their
 * sums. */
static void test_pools__two_equal_ones_are_one_of_both(void **state)
{
    (void)state;
    enum { N = 2000 };
    static struct ts_request requests[N];
    struct ts_rng rng;
    double t = 0.0;
    ts_rng_init(&rng, 5, 0, 0, 0);
    for (uint64_t i = 0; i < N; i++) {
        t += 5e-3 * ts_rng_exponential(&rng);
        requests[i] = world_request(i, ts_ns_from_s(t), 1 + ts_rng_u32(&rng) % 60, 1 + ts_rng_u32(&rng) % 60);
    }
    for (int policy = 0; policy < TS_N_BALANCE_POLICIES; policy++) {
        struct ts_pool_model pool;
        struct ts_tier_model one = busy_server(&pool, 5);
        one.u.server.balance = (enum ts_balance_policy)policy;
        struct ts_tier_model two = one;
        const struct ts_pool_model pools[] = {pool_of(&one, 2, 1.0), pool_of(&one, 3, 1.0)};
        take_pools(&two, pools, 2);
        const struct ts_model models[] = {world_model(&one, 1), world_model(&two, 1)};
        struct ts_result a = world_run(&models[0], requests, N);
        struct ts_result b = world_run(&models[1], requests, N);
        assert_int_equal(a.tiers[0].cells[0].done, N);
        assert_int_equal(b.n_pools, 2);
        world_assert_equal(&a, &b, 1e-12);
        world_assert_same_intervals(&a, &b, 0.0);
        assert_int_equal(a.n_events, b.n_events);
        assert_int_equal(b.pools[0].n_steps + b.pools[1].n_steps, a.tiers[0].n_steps);
        world_assert_near(b.pools[0].mean_up + b.pools[1].mean_up, a.tiers[0].mean_up, 1e-12);
        ts_result_deinit(&a);
        ts_result_deinit(&b);
    }
}

/* ---- who joins which ---- */

/* One seat each, tokens of 10 ms, pools of weight 5, 1, 1: 70 requests of one token at once. */
static void test_pools__turns_go_by_weight(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.max_seqs = 1;
    tier.u.server.balance = TS_BALANCE_ROUND_ROBIN;
    const struct ts_pool_model pools[] = {pool_of(&tier, 1, 5.0), pool_of(&tier, 1, 1.0), pool_of(&tier, 1, 1.0)};
    take_pools(&tier, pools, 3);
    struct ts_request requests[70];
    for (uint64_t i = 0; i < COUNT(requests); i++) {
        requests[i] = world_request(i, 0, 1, 1);
    }
    const struct ts_model model = world_model(&tier, 1);
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(result.pools[0].n_steps, 50);
    assert_int_equal(result.pools[1].n_steps, 10);
    assert_int_equal(result.pools[2].n_steps, 10);
    ts_result_deinit(&result);
}

/* Weights 3 and 1, (n + 1)/w: the fast one gets the first three (1/3, 2/3, 3/3 is 1/1, of equals the first), the slow
 * one the fourth. */
static void test_pools__the_least_outstanding_counts_by_weight(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    const struct ts_pool_model pools[] = {pool_of(&tier, 1, 3.0), pool_of(&tier, 1, 1.0)};
    take_pools(&tier, pools, 2);
    for (uint64_t n = 3; n <= 4; n++) {
        struct ts_request requests[4];
        for (uint64_t i = 0; i < n; i++) {
            requests[i] = world_request(i, 0, 1, 100);
        }
        const struct ts_model model = world_model(&tier, 1);
        struct ts_result result = world_run(&model, requests, n);
        assert_true((result.pools[1].n_steps == 0) == (n == 3));
        ts_result_deinit(&result);
    }
}

/* What is too large for the first pool goes to the second, though that has more to do; what is too large for both is
 * turned away. */
static void test_pools__a_request_joins_a_replica_that_can_hold_it(void **state)
{
    (void)state;
    for (int policy = 0; policy < TS_N_BALANCE_POLICIES; policy++) {
        struct ts_pool_model pool;
        struct ts_tier_model tier = world_server(&pool, 10e-3);
        struct ts_pool_model pools[] = {pool_of(&tier, 1, 9.0), pool_of(&tier, 1, 1.0)};
        pools[0].replica.kv_blocks = 2;
        pools[1].replica.kv_blocks = 4;
        tier.u.server.balance = (enum ts_balance_policy)policy;
        take_pools(&tier, pools, 2);
        const struct ts_request requests[] = {world_request(0, 0, 60, 4), world_request(1, S, 60, 4),
                                              world_request(2, 2 * S, 60, 40)};
        const struct ts_model model = world_model(&tier, 1);
        struct ts_result result = world_run(&model, requests, COUNT(requests));
        assert_int_equal(result.pools[0].n_steps, 0);
        assert_int_equal(result.pools[1].n_steps, 8);
        assert_int_equal(result.tiers[0].cells[0].done, 2);
        assert_int_equal(result.tiers[1].cells[0].rejected, 1);
        ts_result_deinit(&result);
    }
}

/* ---- what each did ---- */

/* Two requests of 10 tokens in turn: one pool takes 0.1 s for its, the other 0.4 s. */
static void test_pools__each_has_its_own_power_and_shares(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    struct ts_pool_model pools[] = {pool_of(&tier, 1, 1.0), pool_of(&tier, 1, 1.0)};
    pools[0].replica.power =
        (struct ts_power_model){.idle_w = 100.0, .prefill_w = 500.0, .decode_w = 300.0, .pue = 1.0};
    pools[1].replica.power =
        (struct ts_power_model){.idle_w = 10.0, .prefill_w = 50.0, .decode_w = 30.0, .host_frac = 0.5, .pue = 2.0};
    pools[0].replica.kv_blocks = 100;
    pools[1].replica.kv_blocks = 50;
    pools[1].replica.steps.u.linear.a_s = 40e-3;
    tier.u.server.balance = TS_BALANCE_ROUND_ROBIN;
    take_pools(&tier, pools, 2);
    const struct ts_request requests[] = {world_request(0, 0, 6, 10), world_request(1, 0, 6, 10)};
    const struct ts_model model = world_model(&tier, 1);
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    const struct ts_tier_result *all = &result.tiers[0];
    world_assert_near(result.pools[0].busy_frac, 0.25, 1e-12);
    world_assert_near(result.pools[1].busy_frac, 1.0, 1e-12);
    world_assert_near(all->busy_frac, 0.625, 1e-12);
    world_assert_near(result.pools[0].idle_j, 40.0, 1e-12);
    world_assert_near(result.pools[0].active_j, 0.01 * 400.0 + 0.09 * 200.0, 1e-12);
    world_assert_near(result.pools[1].active_j, 0.04 * 40.0 + 0.36 * 20.0, 1e-12);
    world_assert_near(result.pools[1].host_j, 0.5 * (4.0 + 8.8), 1e-12);
    world_assert_near(result.pools[1].overhead_j, 1.5 * (4.0 + 8.8), 1e-12);
    world_assert_near(ts_tier_energy_j(all), 40.0 + 22.0 + 3.0 * 12.8, 1e-12);
    /* a block each, the first alone for a quarter of the time */
    world_assert_near(result.pools[0].kv_mean_frac, 0.01 * 0.25, 1e-9);
    world_assert_near(result.pools[1].kv_mean_frac, 0.02, 1e-9);
    world_assert_near(all->kv_mean_frac, (0.25 + 1.0) / 150.0, 1e-9);
    assert_true(all->kv_peak_frac == 0.02);
    double series_j = 0.0;
    for (uint32_t bin = 0; bin < result.n_bins; bin++) {
        series_j += result.tiers[0].power_w[bin] * 0.4;
    }
    world_assert_near(series_j, ts_tier_energy_j(all), 1e-9);
    world_assert_near(all->busy[0], 0.625, 1e-12);
    world_assert_near(all->kv_used[0], 1.25 / 150.0, 1e-9);
    ts_result_deinit(&result);
}

/* ---- closed forms ---- */

struct split {
    enum ts_balance_policy balance;
    double fast_weight;
    uint64_t n;
    double wait_s;
};

/* Poisson arrivals, prompts of exponential length: a microsecond a token in the fast pool, two in the slow one. */
static void check_split(const char *what, const struct split *split)
{
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.0);
    pool.replica.max_seqs = 1;
    tier.u.server.balance = split->balance;
    pool.replica.steps.u.linear.d_s_per_prefill_tok = 1e-6;
    struct ts_pool_model pools[] = {pool_of(&tier, 1, split->fast_weight), pool_of(&tier, 1, 1.0)};
    pools[1].replica.steps.u.linear.d_s_per_prefill_tok = 2e-6;
    take_pools(&tier, pools, 2);
    struct ts_model model = world_model(&tier, 1);
    model.warmup_s = 1000.0;
    struct ts_request *requests = calloc(split->n, sizeof *requests);
    assert_non_null(requests);
    struct ts_rng gaps, services;
    double t = 0.0;
    ts_rng_init(&gaps, 31, 0, 1, 0);
    ts_rng_init(&services, 31, 0, 2, 0);
    for (uint64_t i = 0; i < split->n; i++) {
        t += ts_rng_exponential(&gaps) / 0.75;
        requests[i] =
            world_request(i, ts_ns_from_s(t), (uint32_t)fmax(1.0, 1e6 * ts_rng_exponential(&services) + 0.5), 1);
    }
    struct ts_result result = world_run(&model, requests, split->n);
    const struct ts_batch_means *waits = &result.tiers[0].batches[TS_WAIT];
    const double mean = ts_batch_means_mean(waits);
    const double half = ts_batch_means_half(waits, 0.95);
    print_message("%s: theory %.5f, simulated %.5f +- %.5f\n", what, split->wait_s, mean, half);
    assert_true(fabs(mean - split->wait_s) <= half);
    assert_true(fabs(mean - split->wait_s) <= 0.01 * split->wait_s);
    ts_result_deinit(&result);
    free(requests);
}

/* A Poisson stream of 0.75/s that is split at random is two: M/M/1 twice, Wq = rho/(mu - lambda) each.
 *   2:1  0.5/s at 1/s and 0.25/s at 0.5/s: 1 s and 2 s, 4/3 s in the mean
 *   9:1  0.675/s and 0.075/s: 0.675/0.325 and 0.15/0.425 s */
static void test_pools__a_split_by_lot_is_two_queues(void **state)
{
    (void)state;
    const struct split splits[] = {
        {TS_BALANCE_RANDOM, 2.0, 3000000, 4.0 / 3.0},
        {TS_BALANCE_RANDOM, 9.0, 6000000, 0.9 * 0.675 / 0.325 + 0.1 * 0.15 / 0.425},
    };
    check_split("M/M/1 twice, split 2:1, mean wait, s", &splits[0]);
    check_split("M/M/1 twice, split 9:1, mean wait, s", &splits[1]);
}

/* Gamma(2) gaps and Exp services: the wait of GI/M/1 with the root sigma of sigma = A*(mu (1 - sigma)). */
static double wait_of_every_kth(double lambda, double mu, int k)
{
    double sigma = 0.5;
    for (int i = 0; i < 10000; i++) {
        sigma = pow(lambda / (lambda + mu * (1.0 - sigma)), k);
    }
    return sigma / (mu * (1.0 - sigma));
}

/* In turn, every second request goes to each: gaps are the sum of two exponential ones (E2/M/1, Kleinrock 1975,
 * section 6.4), at half the rate. */
static void test_pools__turns_are_two_queues_with_erlang_gaps(void **state)
{
    (void)state;
    const double wait_s = (wait_of_every_kth(0.75, 1.0, 2) + wait_of_every_kth(0.75, 0.5, 2)) / 2.0;
    const struct split split = {TS_BALANCE_ROUND_ROBIN, 1.0, 3000000, wait_s};
    check_split("E2/M/1 twice, mean wait, s", &split);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools__two_equal_ones_are_one_of_both),
        cmocka_unit_test(test_pools__turns_go_by_weight),
        cmocka_unit_test(test_pools__the_least_outstanding_counts_by_weight),
        cmocka_unit_test(test_pools__a_request_joins_a_replica_that_can_hold_it),
        cmocka_unit_test(test_pools__each_has_its_own_power_and_shares),
        cmocka_unit_test(test_pools__a_split_by_lot_is_two_queues),
        cmocka_unit_test(test_pools__turns_are_two_queues_with_erlang_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
