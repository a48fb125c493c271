/* Prefill and decode in pools of their own: schedules worked out by hand, a saturated link against M/D/1, blocks that
 * are held until they have crossed. */
#include "tests/sim/sim_world.h"

struct rig {
    struct ts_tier_model tier;
    struct ts_pool_model pools[2];
    struct ts_link_model link;
};

/* One replica each, steps of 10 ms, blocks of 16 tokens of 100 kB each token. */
static void set_up(struct rig *rig, double bytes_per_s, double rtt_s)
{
    rig->link = (struct ts_link_model){.name = "fabric",
                                       .rtt_s = ts_dist_constant(rtt_s),
                                       .jitter_s = ts_dist_constant(0.0),
                                       .bytes_per_s = bytes_per_s};
    rig->tier = world_server(&rig->pools[0], 10e-3);
    rig->pools[0].replica.kv_blocks = 100;
    rig->pools[1] = rig->pools[0];
    rig->pools[0].role = TS_POOL_PREFILL;
    rig->pools[1].role = TS_POOL_DECODE;
    rig->tier.u.server.n_pools = 2;
    rig->tier.u.server.kv_transfer = (struct ts_kv_transfer_model){.link = 0, .bytes_per_tok = 1e5};
}

static struct ts_model model_of(struct rig *rig)
{
    struct ts_model model = world_model(&rig->tier, 1);
    model.links[0] = rig->link;
    model.n_links = 1;
    return model;
}

static struct ts_result run_rig(struct rig *rig, const struct ts_request *requests, uint64_t n)
{
    const struct ts_model model = model_of(rig);
    const struct ts_sim_options steps = {.single_steps = true};
    struct ts_result result = world_run(&model, requests, n);
    struct ts_result stepped = world_run_with(&model, requests, n, &steps);
    world_assert_equal(&result, &stepped, 1e-12);
    ts_result_deinit(&stepped);
    return result;
}

static const struct ts_hist *latency(const struct ts_result *result, enum ts_latency which)
{
    return &result->tiers[0].cells[0].latency_ns[which];
}

/* A link without latency and bound: token after token every 10 ms, as in one replica; the first token comes with the
 * KV entries, half a round trip later. */
static void test_disaggregation__a_link_that_takes_no_time_changes_nothing(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct rig rig;
        set_up(&rig, 0.0, late ? 10e-3 : 0.0);
        const struct ts_request request = world_request(0, 0, 16, 5);
        struct ts_result result = run_rig(&rig, &request, 1);
        assert_int_equal(latency(&result, TS_TTFT)->max, late ? 15 * MS : 10 * MS);
        assert_int_equal(latency(&result, TS_E2E)->max, late ? 55 * MS : 50 * MS);
        assert_int_equal(latency(&result, TS_ITL)->count, 4);
        assert_int_equal(latency(&result, TS_ITL)->max, 10 * MS);
        assert_int_equal(result.pools[0].n_steps, 1);
        assert_int_equal(result.pools[1].n_steps, 4);
        assert_int_equal(result.tiers[0].transfer_ns.count, 1);
        assert_int_equal(result.tiers[0].transfer_ns.max, late ? 5 * MS : 0);
        ts_result_deinit(&result);
    }
}

/* Two prompts of 64 tokens at two replicas, done at 10 ms; 6.4 MB each over 1 GB/s: they arrive at 16.4 and 22.8 ms.
 * The first decodes from 16.4 on, its tokens at 16.4 (the prompt's), 26.4 and 36.4; the second enters the step at 26.4:
 * 26.4, 36.4 and 46.4. */
static void test_disaggregation__transfers_follow_one_another(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, 1e9, 0.0);
    rig.pools[0].n_replicas = 2;
    const struct ts_request requests[] = {world_request(0, 0, 64, 3), world_request(1, 0, 50, 3)};
    struct ts_result result = run_rig(&rig, requests, 2);
    const struct ts_tier_result *tier = &result.tiers[0];
    assert_int_equal(latency(&result, TS_TTFT)->min, 16400000);
    assert_int_equal(latency(&result, TS_TTFT)->max, 26400000);
    assert_int_equal(latency(&result, TS_E2E)->min, 36400000);
    assert_int_equal(latency(&result, TS_E2E)->max, 46400000);
    assert_int_equal(latency(&result, TS_ITL)->count, 4);
    assert_true(ts_hist_sum(latency(&result, TS_ITL)) == 4 * 10.0 * MS);
    assert_true(ts_hist_sum(&tier->transfer_ns) == 6.4 * MS + 12.8 * MS);
    assert_true(ts_hist_sum(&tier->transfer_wait_ns) == 6.4 * MS);
    assert_true(tier->transfer_bytes == 2 * 64 * 1e5); /* 50 tokens are four blocks too */
    world_assert_near(tier->transfer_busy_frac, 12.8 / 46.4, 1e-9);
    world_assert_near(result.pools[0].busy_frac, 10.0 / 46.4, 1e-9);
    world_assert_near(result.pools[1].busy_frac, 30.0 / 46.4, 1e-9);
    ts_result_deinit(&result);
}

/* Four blocks at the prefill replica, four for each prompt: the second prompt waits until the first has crossed, though
 * the replica idles. Its prompt is done at 26.4 and across, with its first token, at 32.8; its second (and last) comes
 * at 42.8. */
static void test_disaggregation__blocks_are_held_until_they_have_crossed(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, 1e9, 0.0);
    rig.pools[0].replica.kv_blocks = 4;
    const struct ts_request requests[] = {world_request(0, 0, 64, 2), world_request(1, 0, 64, 2)};
    struct ts_result result = run_rig(&rig, requests, 2);
    assert_int_equal(latency(&result, TS_TTFT)->max, 32800000);
    assert_int_equal(latency(&result, TS_WAIT)->max, 16400000);
    assert_int_equal(latency(&result, TS_E2E)->max, 42800000);
    assert_true(result.pools[0].kv_peak_frac == 1.0);
    world_assert_near(result.pools[0].kv_mean_frac, 32.8 / 42.8, 1e-9);
    ts_result_deinit(&result);
}

/* One seat in decode, three requests at once: who has none yet has no token either. The prompts are done at 10, 20 and
 * 30 ms, a reply of 5 takes four steps: seats from 10, 50 and 90 ms on, tokens 10 ms apart. */
static void test_disaggregation__who_waits_for_a_seat_has_no_token(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, 0.0, 0.0);
    rig.pools[0].replica.max_seqs = rig.pools[1].replica.max_seqs = 1;
    const struct ts_request requests[] = {world_request(0, 0, 16, 5), world_request(1, 0, 16, 5),
                                          world_request(2, 0, 16, 5)};
    struct ts_result result = run_rig(&rig, requests, COUNT(requests));
    assert_true(ts_hist_sum(latency(&result, TS_TTFT)) == (10.0 + 50.0 + 90.0) * MS);
    assert_int_equal(latency(&result, TS_TTFT)->max, 90 * MS);
    assert_int_equal(latency(&result, TS_TPOT)->max, 10 * MS);
    assert_int_equal(latency(&result, TS_ITL)->max, 10 * MS);
    assert_int_equal(latency(&result, TS_E2E)->max, 130 * MS);
    ts_result_deinit(&result);
}

static void test_disaggregation__one_token_needs_no_decode(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, 1e9, 1.0);
    const struct ts_request request = world_request(0, 0, 64, 1);
    struct ts_result result = run_rig(&rig, &request, 1);
    assert_int_equal(latency(&result, TS_E2E)->max, 10 * MS);
    assert_int_equal(result.tiers[0].transfer_ns.count, 0);
    assert_int_equal(result.pools[1].n_steps, 0);
    ts_result_deinit(&result);
}

/* Blocks for one and a half of them at the decode replica: some are preempted and compute their prompts again there;
 * all get their tokens, each gap once, and no block is lost (asserted by the scheduler when it runs empty). */
static void test_disaggregation__the_preempted_recompute_in_decode(void **state)
{
    (void)state;
    enum { N = 200 };
    struct rig rig;
    set_up(&rig, 1e10, 1e-3);
    rig.pools[1].replica.kv_blocks = 9;
    struct ts_request requests[N];
    for (uint64_t i = 0; i < N; i++) {
        requests[i] = world_request(i, (int64_t)i * 100 * MS, 40, 60);
    }
    struct ts_result result = run_rig(&rig, requests, N);
    assert_int_equal(result.tiers[0].cells[0].done, N);
    assert_int_equal(latency(&result, TS_ITL)->count, N * 59);
    assert_true(result.pools[1].n_preemptions > 20);
    assert_int_equal(result.pools[0].n_preemptions, 0);
    assert_int_equal(result.tiers[0].transfer_ns.count, N);
    ts_result_deinit(&result);
}

/* Two prefill and three decode replicas share the link; what is under way at the end is unfinished, and settled. */
static void test_disaggregation__the_end_may_come_during_a_transfer(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, 1e9, 0.0);
    rig.pools[0].n_replicas = 2;
    rig.pools[1].n_replicas = 3;
    struct ts_model model = model_of(&rig);
    model.drain_s = 12e-3;
    const struct ts_request requests[] = {world_request(0, 0, 64, 3), world_request(1, 0, 64, 3)};
    struct ts_result result = world_run(&model, requests, 2);
    assert_int_equal(result.tiers[0].cells[0].unfinished, 2);
    world_assert_near(result.pools[0].kv_mean_frac, 4.0 / 100.0, 1e-9);
    ts_result_deinit(&result);
}

/* ---- a closed form ---- */

/* Prompts and decode steps that take no time, transfers of 1 s, Poisson arrivals at 0.6/s: the link is M/D/1, with
 * rho/(2 (1 - rho)) = 0.75 s of waiting in the mean. TTFT is the whole transfer. */
static void test_disaggregation__a_saturated_link_is_md1(void **state)
{
    (void)state;
    enum { N = 3000000 };
    const double rho = 0.6;
    const double wait_s = rho / (2.0 * (1.0 - rho));
    struct rig rig;
    set_up(&rig, 1.6e6, 0.0);
    for (size_t i = 0; i < 2; i++) {
        rig.pools[i].replica.steps.u.linear.a_s = 0.0;
        rig.pools[i].replica.kv_blocks = 1ULL << 40;
    }
    struct ts_model model = model_of(&rig);
    model.warmup_s = 1000.0;
    struct ts_request *requests = calloc(N, sizeof *requests);
    assert_non_null(requests);
    struct ts_rng rng;
    double t = 0.0;
    ts_rng_init(&rng, 77, 0, 0, 0);
    for (uint64_t i = 0; i < N; i++) {
        t += ts_rng_exponential(&rng) / rho;
        requests[i] = world_request(i, ts_ns_from_s(t), 16, 2);
    }
    struct ts_result result = world_run(&model, requests, N);
    const struct ts_tier_result *tier = &result.tiers[0];
    const double mean = ts_batch_means_mean(&tier->batches[TS_TTFT]) - 1.0;
    const double half = ts_batch_means_half(&tier->batches[TS_TTFT], 0.95);
    print_message("M/D/1 link, mean wait, s: theory %.5f, simulated %.5f +- %.5f\n", wait_s, mean, half);
    assert_true(fabs(mean - wait_s) <= half);
    assert_true(fabs(1e-9 * ts_hist_mean(&tier->transfer_wait_ns) / wait_s - 1.0) < 0.01);
    assert_true(fabs(tier->transfer_busy_frac / rho - 1.0) < 0.01);
    ts_result_deinit(&result);
    free(requests);
}

/* A byte a second: the third transfer would end after what an int64_t of nanoseconds holds. */
static void test_disaggregation__a_link_that_needs_centuries_serves_nobody(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, 1e-3, 0.0);
    struct ts_model model = model_of(&rig);
    model.drain_s = 60.0;
    const struct ts_request requests[] = {world_request(0, 0, 64, 3), world_request(1, 0, 64, 3),
                                          world_request(2, 0, 64, 3), world_request(3, 0, 64, 3),
                                          world_request(4, 0, 64, 3), world_request(5, 0, 64, 3)};
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(result.tiers[0].cells[0].unfinished, COUNT(requests));
    ts_result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disaggregation__a_link_that_takes_no_time_changes_nothing),
        cmocka_unit_test(test_disaggregation__transfers_follow_one_another),
        cmocka_unit_test(test_disaggregation__blocks_are_held_until_they_have_crossed),
        cmocka_unit_test(test_disaggregation__who_waits_for_a_seat_has_no_token),
        cmocka_unit_test(test_disaggregation__one_token_needs_no_decode),
        cmocka_unit_test(test_disaggregation__the_preempted_recompute_in_decode),
        cmocka_unit_test(test_disaggregation__the_end_may_come_during_a_transfer),
        cmocka_unit_test(test_disaggregation__a_link_that_needs_centuries_serves_nobody),
        cmocka_unit_test(test_disaggregation__a_saturated_link_is_md1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
