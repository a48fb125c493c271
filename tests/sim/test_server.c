/* The server tier on runs that can be worked out on paper. */
#include "tests/sim/sim_world.h"

static const struct ts_cell *cell_of(const struct ts_result *result, uint32_t tier)
{
    return &result->tiers[tier].cells[0];
}

static void assert_only(const struct ts_hist *hist, int64_t value)
{
    assert_int_equal(hist->min, value);
    assert_int_equal(hist->max, value);
}

/* 10 ms a step + 1 ms a sequence + 0.1 ms a prompt token. */
static struct ts_tier_model priced_server(struct ts_pool_model *pool)
{
    const struct ts_tier_model tier = world_server(pool, 10e-3);
    pool->replica.steps.u.linear.b_s_per_seq = 1e-3;
    pool->replica.steps.u.linear.d_s_per_prefill_tok = 0.1e-3;
    return tier;
}

/* Prompt 100: 10 + 1 + 10 = 21 ms; then three tokens at 11 ms: first at 21, last at 54 ms. */
static void test_server__one_request_takes_the_sum_of_its_steps(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = priced_server(&pool);
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request request = world_request(0, S, 100, 4);
    struct ts_result result = world_run(&model, &request, 1);
    const struct ts_cell *cell = cell_of(&result, 0);
    assert_int_equal(cell->done, 1);
    assert_int_equal(cell->prompt_tok, 100);
    assert_int_equal(cell->output_tok, 4);
    assert_only(&cell->latency_ns[TS_TTFT], 21 * MS);
    assert_only(&cell->latency_ns[TS_E2E], 54 * MS);
    assert_only(&cell->latency_ns[TS_TPOT], 11 * MS);
    assert_only(&cell->latency_ns[TS_ITL], 11 * MS);
    assert_only(&cell->latency_ns[TS_WAIT], 0);
    assert_int_equal(cell->latency_ns[TS_ITL].count, 3);
    assert_int_equal(result.tiers[0].n_steps, 4);
    assert_true(result.window_s == 1.0);
    world_assert_near(result.simulated_s, 1.054, 1e-12);
    world_assert_near(result.tiers[0].busy_frac, 0.054 / 1.054, 1e-12);
    world_assert_near(result.tiers[0].mean_in_tier, 0.054 / 1.054, 1e-12);
    ts_result_deinit(&result);
}

/* The same run: 21 ms of prefill at 600 W, 33 ms of decode at 400 W, 1.054 s of idle at 100 W: 500*0.021 + 300*0.033
 * = 20.4 J above idle. */
static void test_server__energy_of_a_run_in_closed_form(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = priced_server(&pool);
    pool.replica.power =
        (struct ts_power_model){.idle_w = 100.0, .prefill_w = 600.0, .decode_w = 400.0, .host_frac = 0.43, .pue = 1.2};
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request request = world_request(0, S, 100, 4);
    struct ts_result result = world_run(&model, &request, 1);
    const struct ts_tier_result *out = &result.tiers[0];
    world_assert_near(out->idle_j, 105.4, 1e-12);
    world_assert_near(out->active_j, 20.4, 1e-12);
    world_assert_near(out->host_j, 0.43 * 125.8, 1e-12);
    world_assert_near(out->overhead_j, 0.2 * 1.43 * 125.8, 1e-12);
    world_assert_near(ts_tier_energy_j(out), 1.2 * 1.43 * 125.8, 1e-12);
    assert_int_equal(result.n_bins, 2);
    world_assert_near(out->power_w[0], 100.0 * 1.43 * 1.2, 1e-12);
    world_assert_near(out->power_w[1], (100.0 + 20.4 / 0.054) * 1.43 * 1.2, 1e-9);
    world_assert_near(out->power_w[0] * 1.0 + out->power_w[1] * 0.054, ts_tier_energy_j(out), 1e-9);
    assert_true(out->in_tier[0] == 0.0);
    world_assert_near(out->in_tier[1], 1.0, 1e-9);
    assert_true(out->busy[0] == 0.0 && out->kv_used[0] == 0.0);
    world_assert_near(out->busy[1], 1.0, 1e-9);
    world_assert_near(out->busy[1] * 0.054, out->busy_frac * 1.054, 1e-9);
    world_assert_near(out->kv_used[1] * 0.054, out->kv_mean_frac * 1.054, 1e-9);
    assert_int_equal(result.arrivals[0], 0);
    assert_int_equal(result.arrivals[1], 1);
    ts_result_deinit(&result);
}

/* The same run: 103 tokens at 2 GFLOP, 100*101/2 pairs of the prompt and 101 + 102 + 103 entries read at 1 kFLOP each;
 * four steps read the weights of 1 GB and the entries 100 kB each. In 54 ms the hardware does 5.4 TFLOP and 54 GB. */
static void test_server__utilisation_of_the_peaks_in_closed_form(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = priced_server(&pool);
    pool.replica.ideal = (struct ts_steps_roofline){.flop_per_tok = 2e9,
                                                    .flop_per_s = 100e12,
                                                    .shared_bytes = 1e9,
                                                    .bytes_per_s = 1e12,
                                                    .kv_bytes_per_tok = 1e5,
                                                    .attention_flop_per_pair = 1e3};
    const struct ts_request request = world_request(0, S, 100, 4);
    struct ts_model model = world_model(&tier, 1);
    struct ts_result result = world_run(&model, &request, 1);
    world_assert_near(result.tiers[0].flop, 103.0 * 2e9 + (5050.0 + 306.0) * 1e3, 1e-12);
    world_assert_near(result.tiers[0].bytes, 4e9 + 306.0 * 1e5, 1e-12);
    world_assert_near(result.tiers[0].peak_flop, 5.4e12, 1e-12);
    world_assert_near(result.tiers[0].peak_bytes, 54e9, 1e-12);
    ts_result_deinit(&result);
    /* Two of eight experts: 1 - (6/8)^tokens of 4 GB of experts, for 100 tokens and three times for one. */
    pool.replica.ideal.expert_bytes = 4e9;
    pool.replica.ideal.experts = 8.0;
    pool.replica.ideal.top_k = 2.0;
    result = world_run(&model, &request, 1);
    world_assert_near(result.tiers[0].bytes, 4e9 + 306.0 * 1e5 + 4e9 * (1.0 - pow(0.75, 100.0)) + 3.0 * 1e9, 1e-12);
    ts_result_deinit(&result);
    pool.replica.ideal.flop_per_s = pool.replica.ideal.bytes_per_s = 0.0; /* unknown */
    result = world_run(&model, &request, 1);
    assert_true(result.tiers[0].flop == 0.0 && result.tiers[0].peak_flop == 0.0);
    ts_result_deinit(&result);
}

/* 1.2069 J a token at 350 tokens, x 1.72: 0.2018 Wh a reply. 350 decode steps of 1 s would be a long reply; the
 * watt-hours are the same. */
static void test_server__energy_of_a_reply_in_watt_hours(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 1.0);
    pool.replica.power =
        (struct ts_power_model){.idle_w = 0.0, .prefill_w = 1.2069, .decode_w = 1.2069, .host_frac = 0.72, .pue = 1.0};
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request request = world_request(0, 0, 10, 350);
    struct ts_result result = world_run(&model, &request, 1);
    assert_true(fabs(ts_tier_energy_j(&result.tiers[0]) / 3600.0 - 0.2018) < 0.00005);
    ts_result_deinit(&result);
}

/* 40 W and n/(n + 1) of 80 W. Alone: two steps of 11 ms at 80 W. Of two that overlap the
 * last step decodes both: 12 ms at 93.3 W. */
static void test_server__power_rises_with_the_sequences_of_a_step(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = priced_server(&pool);
    pool.replica.power = (struct ts_power_model){
        .prefill_w = 0.0, .decode_w = 40.0, .decode_rise_w = 80.0, .half_seqs = 1.0, .pue = 1.0};
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request alone = world_request(0, 0, 100, 3);
    struct ts_result result = world_run(&model, &alone, 1);
    world_assert_near(ts_tier_energy_j(&result.tiers[0]), 2 * 11e-3 * 80.0, 1e-9);
    ts_result_deinit(&result);
    const struct ts_request both[] = {world_request(0, 0, 100, 3), world_request(1, 0, 100, 2)};
    result = world_run(&model, both, 2);
    world_assert_near(ts_tier_energy_j(&result.tiers[0]), 12e-3 * (40.0 + 80.0 * 2.0 / 3.0), 1e-9);
    ts_result_deinit(&result);
}

/* A from 0 ms, B from 5 ms. [0, 21] A's prompt; [21, 38] A decodes, B's prompt of 50: 10 + 2 + 5; [38, 50] both
 * decode: 12. */
static void test_server__two_requests_share_the_steps(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = priced_server(&pool);
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 100, 3), world_request(1, 5 * MS, 50, 2)};
    struct ts_result result = world_run(&model, requests, 2);
    const struct ts_cell *cell = cell_of(&result, 0);
    assert_int_equal(cell->latency_ns[TS_TTFT].min, 21 * MS);
    assert_int_equal(cell->latency_ns[TS_TTFT].max, 33 * MS);
    assert_int_equal(cell->latency_ns[TS_E2E].min, 45 * MS);
    assert_int_equal(cell->latency_ns[TS_E2E].max, 50 * MS);
    assert_int_equal(cell->latency_ns[TS_WAIT].max, 16 * MS);
    assert_int_equal(cell->latency_ns[TS_ITL].count, 3);
    assert_int_equal(cell->latency_ns[TS_ITL].max, 17 * MS);
    assert_true(ts_hist_sum(&cell->latency_ns[TS_ITL]) == (17 + 12 + 12) * (double)MS);
    world_assert_near(result.tiers[0].mean_batch, 5.0 / 3.0, 1e-12);
    ts_result_deinit(&result);
}

/* 100 tokens at 10 ms; the second request comes at 55 ms, inside a run of decode steps, and enters at the next step's
 * start, 60 ms. */
static void test_server__an_arrival_enters_at_the_next_step(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = world_server(&pool, 10e-3);
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 1, 100), world_request(1, 55 * MS, 1, 1)};
    struct ts_result result = world_run(&model, requests, 2);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_WAIT].max, 5 * MS);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_TTFT].max, 15 * MS);
    assert_int_equal(result.tiers[0].n_steps, 100);
    ts_result_deinit(&result);
}

/* 4 blocks of 4. A (7 + 4 tokens) from 0, B (7 + 3) from 5 ms; 10 ms a step. B gives its first token at 20, is
 * preempted there, is recomputed in [40, 50] and gives its second token at 50: a gap of 30 ms. */
static void test_server__a_preemption_shows_as_one_long_gap(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.block_tok = 4;
    pool.replica.kv_blocks = 4;
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 7, 4), world_request(1, 5 * MS, 7, 3)};
    struct ts_result result = world_run(&model, requests, 2);
    const struct ts_cell *cell = cell_of(&result, 0);
    assert_int_equal(result.tiers[0].n_preemptions, 1);
    assert_int_equal(cell->latency_ns[TS_TTFT].min, 10 * MS);
    assert_int_equal(cell->latency_ns[TS_TTFT].max, 15 * MS);
    assert_int_equal(cell->latency_ns[TS_ITL].count, 5);
    assert_int_equal(cell->latency_ns[TS_ITL].max, 30 * MS);
    assert_true(ts_hist_sum(&cell->latency_ns[TS_ITL]) == 70.0 * MS);
    assert_int_equal(cell->latency_ns[TS_E2E].max, 55 * MS);
    assert_true(result.tiers[0].kv_peak_frac == 1.0);
    /* blocks by step: 2, 4, 3, 3, 2, 3 of 4 */
    world_assert_near(result.tiers[0].kv_mean_frac, 17.0 / 24.0, 1e-12);
    ts_result_deinit(&result);
}

static void test_server__a_full_queue_turns_requests_away(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.max_seqs = 1;
    tier.u.server.max_queue = 1;
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 1, 10), world_request(1, MS, 1, 10),
                                          world_request(2, 2 * MS, 1, 10)};
    struct ts_result result = world_run(&model, requests, 3);
    assert_int_equal(cell_of(&result, 0)->done, 2);
    assert_int_equal(cell_of(&result, 1)->rejected, 1);
    assert_int_equal(cell_of(&result, 1)->fell_back, 1);
    ts_result_deinit(&result);
}

static void test_server__requests_that_never_fit_are_refused(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.kv_blocks = 10; /* 160 tokens */
    tier.context_tok = 150;
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 100, 50), world_request(1, 0, 100, 51),
                                          world_request(2, 0, 161, 1)};
    struct ts_result result = world_run(&model, requests, 3);
    assert_int_equal(cell_of(&result, 0)->done, 1);
    assert_int_equal(cell_of(&result, 1)->rejected, 2);
    ts_result_deinit(&result);
}

/* B waits after A's ten tokens of 10 ms and gives up 50 ms after it came; C, later, is served. */
static void test_server__a_waiting_request_loses_patience(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.max_seqs = 1;
    struct ts_model model = world_model(&tier, 1);
    model.patience_s = 0.050;
    const struct ts_request requests[] = {world_request(0, 0, 1, 10), world_request(1, 5 * MS, 1, 1),
                                          world_request(2, 70 * MS, 1, 1)};
    struct ts_result result = world_run(&model, requests, 3);
    assert_int_equal(cell_of(&result, 0)->done, 2);
    assert_int_equal(cell_of(&result, 0)->timed_out, 1);
    world_assert_near(result.simulated_s, 0.110, 1e-12);
    /* stays: A 100 ms, B 50 ms, C 40 ms */
    world_assert_near(result.tiers[0].mean_in_tier, 0.190 / 0.110, 1e-12);
    ts_result_deinit(&result);
}

/* The prompt's step takes 100 ms, the patience is 30 ms; the step goes on to its end, the request is gone. */
static void test_server__patience_can_end_inside_the_prompt(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = world_server(&pool, 100e-3);
    struct ts_model model = world_model(&tier, 1);
    model.patience_s = 0.030;
    const struct ts_request requests[] = {world_request(0, 0, 10, 10), world_request(1, 90 * MS, 10, 1)};
    struct ts_result result = world_run(&model, requests, 2);
    assert_int_equal(cell_of(&result, 0)->timed_out, 2);
    assert_int_equal(result.tiers[0].n_steps, 2);
    ts_result_deinit(&result);
}

/* 30 ms of patience and a first token after 20: it stays although the rest takes a second. */
static void test_server__patience_ends_with_the_first_token(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = world_server(&pool, 20e-3);
    struct ts_model model = world_model(&tier, 1);
    model.patience_s = 0.030;
    const struct ts_request request = world_request(0, 0, 10, 50);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(cell_of(&result, 0)->done, 1);
    world_assert_near(result.simulated_s, 1.0, 1e-12);
    ts_result_deinit(&result);
}

/* Cut off 50 ms after the last arrival, in the middle of the fifth step of 12 ms: 50 ms of busy time count, 4 whole
 * steps do. */
static void test_server__the_drain_time_cuts_the_run_off(void **state)
{
    (void)state;
    for (int single = 0; single < 2; single++) {
        struct ts_pool_model pool;
        struct ts_tier_model tier = world_server(&pool, 12e-3);
        pool.replica.power.decode_w = pool.replica.power.prefill_w = 100.0;
        struct ts_model model = world_model(&tier, 1);
        model.drain_s = 0.050;
        const struct ts_request request = world_request(0, 0, 1, 100);
        const struct ts_sim_options options = {.single_steps = single};
        struct ts_result result = world_run_with(&model, &request, 1, &options);
        assert_int_equal(cell_of(&result, 0)->unfinished, 1);
        assert_int_equal(result.tiers[0].n_steps, 4);
        world_assert_near(result.simulated_s, 0.050, 1e-12);
        world_assert_near(result.tiers[0].active_j, 5.0, 1e-12);
        assert_true(result.tiers[0].busy_frac == 1.0);
        ts_result_deinit(&result);
    }
}

/* Two replicas with a seat each: two start at once, the third joins the first of two equally long queues. */
static void test_server__requests_join_the_shortest_queue(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.max_seqs = 1;
    pool.n_replicas = 2;
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 1, 10), world_request(1, 0, 1, 2),
                                          world_request(2, 0, 1, 1), world_request(3, 0, 1, 1)};
    struct ts_result result = world_run(&model, requests, 4);
    const struct ts_hist *wait = &cell_of(&result, 0)->latency_ns[TS_WAIT];
    assert_true(ts_hist_sum(wait) == (100.0 + 20.0) * MS); /* 2 after 0, 3 after 1 */
    ts_result_deinit(&result);
}

/* A bound of 20 ms on the first token: of three requests served one after another at 15 ms, one keeps it. */
static void test_server__the_slo_is_kept_or_missed_by_request(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 15e-3);
    pool.replica.max_seqs = 1;
    struct ts_model model = world_model(&tier, 1);
    model.slo.ttft_s = 0.020;
    const struct ts_request requests[] = {world_request(0, 0, 1, 1), world_request(1, 0, 1, 1),
                                          world_request(2, 0, 1, 1)};
    struct ts_result result = world_run(&model, requests, 3);
    assert_int_equal(cell_of(&result, 0)->slo_met, 1);
    ts_result_deinit(&result);
}

static enum ts_status status_of(const struct ts_tier_model *tier)
{
    const struct ts_model model = world_model(tier, 1);
    struct ts_request_stream *stream = NULL;
    struct ts_result result;
    assert_int_equal(ts_request_stream_from_array(&stream, NULL, 0), TS_OK);
    const enum ts_status status = ts_sim_run(&result, &model, stream, NULL, NULL);
    if (status == TS_OK) {
        ts_result_deinit(&result);
    }
    ts_request_stream_destroy(stream);
    return status;
}

static void test_server__an_impossible_scheduler_is_a_range_error(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = world_server(&pool, 15e-3);
    assert_int_equal(status_of(&tier), TS_OK);
    pool.replica.kv_blocks = 0;
    assert_int_equal(status_of(&tier), TS_ERANGE);
}

static void test_server__no_pools_too_many_or_empty_ones_are_a_range_error(void **state)
{
    (void)state;
    struct ts_pool_model pools[TS_MAX_POOLS + 1];
    struct ts_tier_model tier = world_server(&pools[0], 15e-3);
    for (size_t i = 1; i < COUNT(pools); i++) {
        pools[i] = pools[0];
    }
    for (uint32_t n = 0; n <= TS_MAX_POOLS + 1; n++) {
        tier.u.server.n_pools = n;
        assert_int_equal(status_of(&tier), n >= 1 && n <= TS_MAX_POOLS ? TS_OK : TS_ERANGE);
    }
    tier.u.server.n_pools = 1;
    pools[0].n_replicas = 0;
    assert_int_equal(status_of(&tier), TS_ERANGE);
}

/* ---- speculative decoding ---- */

static struct ts_tier_model drafting_server(struct ts_pool_model *pool, uint32_t draft_tok, double acceptance_frac)
{
    const struct ts_tier_model tier = world_server(pool, 10e-3);
    pool->replica.steps.u.linear.d_s_per_prefill_tok = 0.1e-3;
    pool->replica.speculative =
        (struct ts_speculative_model){.draft_tok = draft_tok, .acceptance_frac = acceptance_frac, .draft_step_s = 1e-3};
    return tier;
}

/* Four drafts, 70 % right: 1 + 0.7 + ... + 0.7^4 = 2.7731 tokens a step of 10 ms + 4 x 0.1 ms + 4 x 1 ms = 14.4 ms,
 * 5.193 ms a token. One request at a time; every token but the first has its gap. */
static void test_server__drafts_give_tokens_by_the_formula(void **state)
{
    (void)state;
    enum { N = 100, OUTPUT_TOK = 1001 };
    struct ts_pool_model pool;
    const struct ts_tier_model tier = drafting_server(&pool, 4, 0.7);
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request requests[N];
    for (uint64_t i = 0; i < N; i++) {
        requests[i] = world_request(i, (int64_t)i * 20 * S, 10, OUTPUT_TOK);
    }
    struct ts_result result = world_run(&model, requests, N);
    const struct ts_cell *cell = cell_of(&result, 0);
    const double given = (1.0 - pow(0.7, 5)) / (1.0 - 0.7);
    assert_int_equal(cell->done, N);
    world_assert_near(ts_hist_mean(&cell->latency_ns[TS_TPOT]), 14.4 * (double)MS / given, 0.01);
    world_assert_near((double)(result.tiers[0].n_steps - N), N * (OUTPUT_TOK - 1) / given, 0.01);
    assert_int_equal(cell->latency_ns[TS_ITL].count, N * (OUTPUT_TOK - 1));
    world_assert_near(ts_hist_sum(&cell->latency_ns[TS_ITL]),
                      ts_hist_sum(&cell->latency_ns[TS_E2E]) - ts_hist_sum(&cell->latency_ns[TS_TTFT]), 1e-12);
    ts_result_deinit(&result);
}

/* All right: five tokens a step of 14.4 ms, and the last step drafts no more than is left. None right: one. Prompt of
 * 10: 11 ms, then tokens 2..13: steps of 5, 5 and 2 tokens, the last with one draft to check, 14.1 ms; or 12 steps, of
 * which the last four have 3, 2, 1 and no drafts to check. */
static void test_server__drafts_that_are_all_right_or_all_wrong(void **state)
{
    (void)state;
    static const double acceptance[] = {1.0, 0.0};
    static const int64_t e2e_us[] = {11000 + 2 * 14400 + 14100, 11000 + 8 * 14400 + 14300 + 14200 + 14100 + 14000};
    for (size_t i = 0; i < COUNT(acceptance); i++) {
        struct ts_pool_model pool;
        const struct ts_tier_model tier = drafting_server(&pool, 4, acceptance[i]);
        const struct ts_model model = world_model(&tier, 1);
        const struct ts_request request = world_request(0, 0, 10, 13);
        struct ts_result result = world_run(&model, &request, 1);
        assert_only(&cell_of(&result, 0)->latency_ns[TS_E2E], e2e_us[i] * 1000);
        assert_only(&cell_of(&result, 0)->latency_ns[TS_TTFT], 11 * MS);
        assert_int_equal(result.tiers[0].n_steps, i == 0 ? 4 : 13);
        ts_result_deinit(&result);
    }
}

/* Blocks for the drafts are taken before they are checked, and kept: prompt 16 is one block, five more tokens take a
 * second one, which lasts for 16 tokens, right or wrong. Blocks for the whole reply and none more: all are served. */
static void test_server__drafts_never_need_more_than_the_reply(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        struct ts_pool_model pool;
        struct ts_tier_model tier = drafting_server(&pool, 1 + i % 8, 0.05 * i);
        pool.replica.prefix_cache = i % 2;
        pool.replica.kv_blocks = 4; /* 64 tokens: prompt 16 + 49 - 1 */
        const struct ts_model model = world_model(&tier, 1);
        const struct ts_request requests[] = {world_request(0, 0, 16, 49), world_request(1, 0, 16, 49),
                                              world_request(2, 5 * MS, 16, 49)};
        struct ts_result result = world_run(&model, requests, 3);
        assert_int_equal(cell_of(&result, 0)->done, 3);
        assert_int_equal(cell_of(&result, 0)->latency_ns[TS_ITL].count, 3 * 48);
        assert_true(result.tiers[0].n_preemptions > 0);
        assert_true(result.tiers[0].kv_peak_frac == 1.0);
        ts_result_deinit(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server__one_request_takes_the_sum_of_its_steps),
        cmocka_unit_test(test_server__energy_of_a_run_in_closed_form),
        cmocka_unit_test(test_server__utilisation_of_the_peaks_in_closed_form),
        cmocka_unit_test(test_server__energy_of_a_reply_in_watt_hours),
        cmocka_unit_test(test_server__power_rises_with_the_sequences_of_a_step),
        cmocka_unit_test(test_server__two_requests_share_the_steps),
        cmocka_unit_test(test_server__an_arrival_enters_at_the_next_step),
        cmocka_unit_test(test_server__a_preemption_shows_as_one_long_gap),
        cmocka_unit_test(test_server__a_full_queue_turns_requests_away),
        cmocka_unit_test(test_server__requests_that_never_fit_are_refused),
        cmocka_unit_test(test_server__a_waiting_request_loses_patience),
        cmocka_unit_test(test_server__patience_can_end_inside_the_prompt),
        cmocka_unit_test(test_server__patience_ends_with_the_first_token),
        cmocka_unit_test(test_server__the_drain_time_cuts_the_run_off),
        cmocka_unit_test(test_server__requests_join_the_shortest_queue),
        cmocka_unit_test(test_server__the_slo_is_kept_or_missed_by_request),
        cmocka_unit_test(test_server__an_impossible_scheduler_is_a_range_error),
        cmocka_unit_test(test_server__no_pools_too_many_or_empty_ones_are_a_range_error),
        cmocka_unit_test(test_server__drafts_give_tokens_by_the_formula),
        cmocka_unit_test(test_server__drafts_that_are_all_right_or_all_wrong),
        cmocka_unit_test(test_server__drafts_never_need_more_than_the_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
