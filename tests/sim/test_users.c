/* A closed loop against what is known of closed loops: the response time law, the machine repairman, batches of a fixed
 * size; and that it ends. */
#include "tests/sim/sim_world.h"

/* Requests without arrivals: prompts and replies of given or exponential lengths, `n` of them. */
struct lengths {
    struct ts_request_stream base;
    struct ts_rng rng;
    uint32_t prompt_tok, output_tok;
    bool draws_prompts; /* exponential, of that mean */
    uint64_t n, next;
    enum ts_status at_end;
};

static enum ts_status next_length(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                  struct ts_diags *diags)
{
    struct lengths *lengths = (struct lengths *)stream;
    (void)diags;
    *got = lengths->next < lengths->n;
    if (!*got) {
        return lengths->at_end;
    }
    const double drawn = lengths->draws_prompts ? lengths->prompt_tok * ts_rng_exponential(&lengths->rng) : 0.0;
    const uint32_t prompt_tok = lengths->draws_prompts ? (uint32_t)fmax(1.0, drawn + 0.5) : lengths->prompt_tok;
    *out = world_request(lengths->next++, 0, prompt_tok, lengths->output_tok);
    return TS_OK;
}

static void forget(struct ts_request_stream *stream)
{
    (void)stream;
}

static const struct ts_request_stream_ops length_ops = {.next = next_length, .destroy = forget};

static struct lengths requests_of(uint32_t prompt_tok, uint32_t output_tok, uint64_t n)
{
    return (struct lengths){.base = {.ops = &length_ops}, .prompt_tok = prompt_tok, .output_tok = output_tok, .n = n};
}

static struct ts_result run_with(const struct ts_model *model, struct lengths lengths,
                                 const struct ts_sim_options *options)
{
    struct ts_result result;
    ts_rng_init(&lengths.rng, 5, options ? options->replication : 0, 0, 0);
    assert_int_equal(ts_sim_run(&result, model, &lengths.base, options, NULL), TS_OK);
    return result;
}

static struct ts_result run(const struct ts_model *model, struct lengths lengths)
{
    return run_with(model, lengths, NULL);
}

static struct ts_users_model users(uint32_t n, double think_s, double until_s)
{
    return (struct ts_users_model){.n = n, .think_s = ts_dist_constant(think_s), .until_s = until_s};
}

static double per_s(const struct ts_result *result)
{
    return (double)result->tiers[0].cells[0].done / result->window_s;
}

/* ---- one user ---- */

/* Service 200 ms, think 300 ms: sent at 0.3, 0.8 ... 9.8 s. */
static void test_users__one_user_sends_as_often_as_service_and_thinking_let_him(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.2);
    struct ts_model model = world_model(&tier, 1);
    model.users = users(1, 0.3, 10.0);
    struct ts_result result = run(&model, requests_of(1, 1, UINT64_MAX));
    assert_int_equal(result.tiers[0].cells[0].done, 20);
    assert_true(result.window_s == 10.0);
    assert_true(result.simulated_s == 10.0);
    world_assert_near(per_s(&result), 1.0 / (0.2 + 0.3), 1e-12);
    world_assert_near(result.tiers[0].busy_frac, 0.4, 1e-12);
    ts_result_deinit(&result);
}

/* The window of a number of requests ends with the last of them. */
static void test_users__a_number_of_requests_is_counted_until_its_last_reply(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.2);
    struct ts_model model = world_model(&tier, 1);
    model.users = users(1, 0.3, 0.0);
    struct ts_result result = run(&model, requests_of(1, 1, 10));
    assert_int_equal(result.tiers[0].cells[0].done, 10);
    world_assert_near(result.window_s, 5.0, 1e-12);
    ts_result_deinit(&result);
    model.users = users(1, 0.3, 4.0); /* the time is up first */
    result = run(&model, requests_of(1, 1, 10));
    assert_int_equal(result.tiers[0].cells[0].done, 8);
    assert_true(result.window_s == 4.0);
    ts_result_deinit(&result);
}

/* The way to the tier and back is part of the response: 100 ms each way. */
static void test_users__a_reply_is_there_when_its_last_token_is(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.1);
    tier.link = 0;
    struct ts_model model = world_model(&tier, 1);
    model.n_links = 1;
    model.links[0] = (struct ts_link_model){.name = "far", .rtt_s = ts_dist_constant(0.2)};
    model.users = users(1, 0.0, 0.0);
    struct ts_result result = run(&model, requests_of(1, 3, 4));
    world_assert_near(result.window_s, 4 * (0.2 + 3 * 0.1), 1e-12);
    ts_result_deinit(&result);
}

/* ---- batches ---- */

/* Replies of ten steps of 10 ms at four seats. Who has a seat for himself alone leaves it empty for a step: the next
 * one has begun when his request is there. With as many again who wait, none is empty. The response time law, n = X (R
 * + Z), holds in both. */
static void test_users__a_batch_of_fixed_size_answers_one_for_each_seat(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.max_seqs = 4;
    struct ts_model model = world_model(&tier, 1);
    model.warmup_s = 10.0;
    model.users = users(4, 0.0, 1010.0);
    struct ts_result result = run(&model, requests_of(1, 10, UINT64_MAX));
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    world_assert_near((double)(cell->done - cell->left_out_done) / 1000.0, 4 / 0.11, 1e-3);
    world_assert_near(1e-9 * ts_hist_mean(&cell->latency_ns[TS_E2E]), 0.11, 1e-3);
    ts_result_deinit(&result);
    model.users = users(8, 0.0, 1010.0);
    result = run(&model, requests_of(1, 10, UINT64_MAX));
    cell = &result.tiers[0].cells[0];
    world_assert_near((double)(cell->done - cell->left_out_done) / 1000.0, 4 / 0.1, 1e-3);
    world_assert_near(1e-9 * ts_hist_mean(&cell->latency_ns[TS_E2E]), 0.2, 1e-3);
    ts_result_deinit(&result);
}

/* Where prompts come first, users of like lengths fall into step: ten of them, prompts of 200 tokens, two to a step of
 * 10 + 40 ms. The first one that is there begins alone: steps end after 30, 80, 130, 180, 230 and 260 ms, on the
 * average of the prompts after 153 ms, and replies pause until 260 ms, 107 ms on the average: gaps of 240 ms at
 * most. */
static void test_users__prompts_first_makes_waves(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.steps.u.linear.d_s_per_prefill_tok = 0.1e-3;
    pool.replica.max_batched_tok = 400;
    pool.replica.prompts_first = true;
    struct ts_model model = world_model(&tier, 1);
    model.users = users(10, 0.0, 0.0);
    struct ts_result result = run(&model, requests_of(200, 100, 10 * 8));
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    world_assert_near(1e-9 * ts_hist_mean(&cell->latency_ns[TS_TTFT]), 0.153, 1e-9);
    world_assert_near(1e-9 * ts_hist_mean(&cell->latency_ns[TS_TPOT]), 10e-3 + 107e-3 / 99.0, 1e-7);
    world_assert_near(1e-9 * ts_hist_mean(&cell->latency_ns[TS_ITL]), 10e-3 + 107e-3 / 99.0, 1e-7);
    assert_int_equal(cell->latency_ns[TS_ITL].count, 10 * 8 * 99);
    assert_int_equal(cell->latency_ns[TS_ITL].max, 240000000);
    ts_result_deinit(&result);
}

/* ---- the machine repairman ---- */

/* Mean value analysis of one queue and a delay Z (Reiser and Lavenberg, JACM 27, 1980): R(n) = S (1 + Q(n-1)),
 * X(n) = n/(R(n) + Z), Q(n) = X(n) R(n). */
static double mva_per_s(uint32_t n_users, double service_s, double think_s, double *response_s)
{
    double queue = 0.0, rate = 0.0;
    for (uint32_t n = 1; n <= n_users; n++) {
        *response_s = service_s * (1.0 + queue);
        rate = n / (*response_s + think_s);
        queue = rate * *response_s;
    }
    return rate;
}

/* Exponential service of 1 s at one seat, exponential thinking of 5 s: 20 runs, Student's t at 99 %. */
static void test_users__exponential_users_of_one_seat_are_the_machine_repairman(void **state)
{
    (void)state;
    enum { N_RUNS = 20 };
    const double t_99 = 2.8609, span_s = 20000.0;
    static const uint32_t sizes[] = {1, 3, 6, 12};
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.0);
    pool.replica.max_seqs = 1;
    pool.replica.steps.u.linear.d_s_per_prefill_tok = 1e-6;
    struct ts_model model = world_model(&tier, 1);
    model.warmup_s = 200.0;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        model.users = (struct ts_users_model){
            .n = sizes[i], .think_s = ts_dist_exponential(5.0), .until_s = model.warmup_s + span_s};
        struct lengths lengths = requests_of(1000000, 1, UINT64_MAX);
        lengths.draws_prompts = true;
        double sum = 0.0, squares = 0.0, e2e_s = 0.0, response_s = 0.0;
        for (uint32_t r = 0; r < N_RUNS; r++) {
            const struct ts_sim_options options = {.replication = r};
            struct ts_result result = run_with(&model, lengths, &options);
            const struct ts_cell *cell = &result.tiers[0].cells[0];
            const double rate = (double)(cell->done - cell->left_out_done) / span_s;
            sum += rate;
            squares += rate * rate;
            e2e_s += 1e-9 * ts_hist_mean(&cell->latency_ns[TS_E2E]) / N_RUNS;
            ts_result_deinit(&result);
        }
        const double theory = mva_per_s(sizes[i], 1.0, 5.0, &response_s);
        const double mean = sum / N_RUNS;
        const double half = t_99 * sqrt((squares / N_RUNS - mean * mean) / (N_RUNS - 1));
        print_message("%u users: theory %.5f/s and %.4f s, simulated %.5f +- %.5f/s and %.4f s\n", (unsigned)sizes[i],
                      theory, response_s, mean, half, e2e_s);
        assert_true(fabs(mean - theory) <= half && half < 0.01 * theory);
        assert_true(fabs(e2e_s - response_s) <= 0.02 * response_s);
    }
}

/* ---- no reply ---- */

/* A prompt that no tier can hold: turned away at once, and tried again every second. */
static void test_users__who_is_turned_away_waits_for_a_second(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    tier.context_tok = 100;
    struct ts_model model = world_model(&tier, 1);
    model.users = users(2, 0.0, 10.0);
    struct ts_result result = run(&model, requests_of(1000, 1, UINT64_MAX));
    assert_int_equal(result.tiers[1].cells[0].rejected, 2 * 10);
    ts_result_deinit(&result);
}

/* Replies that take no time at all do not stop the clock. */
static void test_users__time_goes_on_although_nothing_takes_any(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.0, 1e12);
    struct ts_model model = world_model(&tier, 1);
    model.users = users(1, 0.0, 1e-3);
    struct ts_result result = run(&model, requests_of(1, 1, UINT64_MAX));
    assert_int_equal(result.tiers[0].cells[0].done, 1000);
    ts_result_deinit(&result);
}

/* Three users of a seat that takes 2 s, each of whom waits for 1 s. */
static void test_users__who_loses_patience_comes_again(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 2.0);
    pool.replica.max_seqs = 1;
    struct ts_model model = world_model(&tier, 1);
    model.patience_s = 1.0;
    model.users = users(3, 0.0, 6.0);
    struct ts_result result = run(&model, requests_of(1, 1, UINT64_MAX));
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    assert_int_equal(cell->done, 0); /* the first token takes 2 s */
    assert_int_equal(cell->timed_out, 3 * 3);
    ts_result_deinit(&result);
}

static void test_users__what_is_under_way_has_the_drain_time_to_end(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 3.0);
    pool.replica.max_seqs = 1;
    struct ts_model model = world_model(&tier, 1);
    model.drain_s = 1.0;
    model.users = users(2, 0.0, 4.0);
    struct ts_result result = run(&model, requests_of(1, 1, UINT64_MAX));
    assert_int_equal(result.tiers[0].cells[0].done, 1);
    assert_int_equal(result.tiers[0].cells[0].unfinished, 2);
    assert_true(result.simulated_s == 5.0);
    ts_result_deinit(&result);
    model.users.until_s =
        0.0; /* two are sent at once, and a third one when the first is done: then there are no more */
    result = run(&model, requests_of(1, 1, 2));
    assert_int_equal(result.tiers[0].cells[0].done, 1);
    assert_int_equal(result.tiers[0].cells[0].unfinished, 1);
    assert_true(result.simulated_s == 4.0);
    ts_result_deinit(&result);
}

/* ---- the run ---- */

/* A fleet's users are the loop's: each on a device of his own. */
static void test_users__each_has_the_device_that_is_his(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_device(0.5);
    tier.u.device.n_users = 8;
    struct ts_model model = world_model(&tier, 1);
    model.users = users(8, 0.0, 0.0);
    struct ts_result result = run(&model, requests_of(1, 1, 80));
    world_assert_near(result.window_s, 80 / 8 * 0.5, 1e-12); /* nobody waits for another's device */
    ts_result_deinit(&result);
}

static void test_users__a_fault_of_the_stream_ends_the_run(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.1);
    struct ts_model model = world_model(&tier, 1);
    struct lengths lengths = requests_of(1, 1, 3);
    struct ts_result result;
    lengths.at_end = TS_EINPUT;
    model.users = users(2, 0.0, 0.0);
    assert_int_equal(ts_sim_run(&result, &model, &lengths.base, NULL, NULL), TS_EINPUT);
}

static bool goes_on_for_a_while(void *user, const struct ts_progress_state *state)
{
    (void)state;
    return ++*(int *)user < 100;
}

static void test_users__a_loop_without_end_can_be_interrupted(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.1);
    struct ts_model model = world_model(&tier, 1);
    struct lengths lengths = requests_of(1, 1, UINT64_MAX);
    int n_asked = 0;
    const struct ts_sim_options options = {.progress = {.go_on = goes_on_for_a_while, .user = &n_asked}};
    struct ts_result result;
    model.users = users(64, 0.0, 0.0);
    assert_int_equal(ts_sim_run(&result, &model, &lengths.base, &options, NULL), TS_EINTERRUPTED);
    assert_int_equal(n_asked, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users__one_user_sends_as_often_as_service_and_thinking_let_him),
        cmocka_unit_test(test_users__a_number_of_requests_is_counted_until_its_last_reply),
        cmocka_unit_test(test_users__a_reply_is_there_when_its_last_token_is),
        cmocka_unit_test(test_users__a_batch_of_fixed_size_answers_one_for_each_seat),
        cmocka_unit_test(test_users__prompts_first_makes_waves),
        cmocka_unit_test(test_users__exponential_users_of_one_seat_are_the_machine_repairman),
        cmocka_unit_test(test_users__who_is_turned_away_waits_for_a_second),
        cmocka_unit_test(test_users__time_goes_on_although_nothing_takes_any),
        cmocka_unit_test(test_users__who_loses_patience_comes_again),
        cmocka_unit_test(test_users__what_is_under_way_has_the_drain_time_to_end),
        cmocka_unit_test(test_users__each_has_the_device_that_is_his),
        cmocka_unit_test(test_users__a_fault_of_the_stream_ends_the_run),
        cmocka_unit_test(test_users__a_loop_without_end_can_be_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
