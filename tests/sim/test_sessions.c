/* Sessions against closed forms: chains with tools, users who think (the machine repairman), contexts that grow under a
 * cache without bounds; and what becomes of sessions whose calls have no reply. */
#include "tests/sim/sim_world.h"

/* One chain of calls after another, all from time 0 on: exponential or constant delays, constant or exponential
 * prompts. */
struct chains {
    struct ts_request_stream base;
    struct ts_rng rng;
    uint32_t n_sessions, n_calls; /* of each */
    uint32_t session, call;       /* the next one */
    uint32_t prompt_tok, output_tok, new_tok;
    double delay_s;
    bool draws;    /* delays and prompts are exponential, of that mean */
    bool by_key;   /* they wait by key, not by place */
    bool is_whole; /* the stream says which is the last */
    uint64_t waits[1];
    struct ts_turn turn;
};

static enum ts_status next_call(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                struct ts_diags *diags)
{
    struct chains *chains = (struct chains *)stream;
    (void)diags;
    *got = chains->session < chains->n_sessions;
    if (!*got) {
        return TS_OK;
    }
    const uint64_t id = (uint64_t)chains->session * chains->n_calls + chains->call;
    const double drawn = chains->draws ? ts_rng_exponential(&chains->rng) : 1.0;
    const double delay_s = chains->delay_s * (chains->draws ? ts_rng_exponential(&chains->rng) : 1.0);
    const uint32_t prompt_tok =
        (uint32_t)fmax(1.0, chains->prompt_tok * drawn + 0.5) + chains->call * (chains->new_tok + chains->output_tok);
    *out = world_request(id, 0, prompt_tok, chains->output_tok);
    chains->waits[0] = id; /* the key of the one before */
    chains->turn = (struct ts_turn){.session = chains->session + 1,
                                    .key = chains->by_key ? id + 1 : 0,
                                    .waits = chains->waits,
                                    .n_waits = chains->by_key && chains->call > 0,
                                    .follows = !chains->by_key && chains->call > 0,
                                    .is_tool = true,
                                    .is_last = chains->is_whole && chains->call + 1 == chains->n_calls,
                                    .delay_ns = chains->call > 0 || chains->draws ? ts_ns_from_s(delay_s) : 0,
                                    .context = {.own_key = chains->session << 10,
                                                .known_tok = chains->new_tok > 0 ? prompt_tok + out->output_tok : 0}};
    out->turn = &chains->turn;
    chains->call++;
    if (chains->call == chains->n_calls) {
        chains->call = 0;
        chains->session++;
    }
    return TS_OK;
}

static void forget(struct ts_request_stream *stream)
{
    (void)stream;
}

static const struct ts_request_stream_ops chain_ops = {.next = next_call, .destroy = forget};

static struct chains chains_of(uint32_t n_sessions, uint32_t n_calls, double delay_s)
{
    return (struct chains){.base = {.ops = &chain_ops},
                           .n_sessions = n_sessions,
                           .n_calls = n_calls,
                           .prompt_tok = 1,
                           .output_tok = 1,
                           .delay_s = delay_s,
                           .is_whole = true};
}

static struct ts_result run_with(const struct ts_model *model, struct chains chains,
                                 const struct ts_sim_options *options)
{
    struct ts_result result;
    ts_rng_init(&chains.rng, 5, options ? options->replication : 0, 0, 0);
    assert_int_equal(ts_sim_run(&result, model, &chains.base, options, NULL), TS_OK);
    return result;
}

/* ---- chains ---- */

/* Three calls that take no time, and tools of 2.5 s: 5 s, however they say what they wait for. */
static void test_sessions__a_chain_without_service_takes_the_sum_of_its_tools(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.0, 1e12);
    struct ts_model model = world_model(&tier, 1);
    for (int i = 0; i < 4; i++) {
        struct chains chains = chains_of(7, 3, 2.5);
        chains.by_key = i % 2 == 1;
        chains.is_whole = i / 2 == 1;
        struct ts_result result = run_with(&model, chains, NULL);
        const struct ts_cell *cell = &result.tiers[0].cells[0];
        assert_int_equal(cell->done, 21);
        assert_int_equal(cell->sessions, 7);
        assert_int_equal(cell->sessions_met, 7);
        world_assert_near(ts_hist_mean(&cell->latency_ns[TS_SESSION]), 5e9, 1e-6);
        world_assert_near(cell->session_s, 35.0, 1e-6);
        world_assert_near(result.window_s, 5.0, 1e-6);
        ts_result_deinit(&result);
    }
}

/* Service of 200 ms, tools of 300 ms: a session of ten calls takes 10 x 0.2 + 9 x 0.3 s. The way back is part of the
 * reply. */
static void test_sessions__a_call_comes_when_the_reply_is_at_the_client(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.2);
    tier.link = 0;
    struct ts_model model = world_model(&tier, 1);
    model.n_links = 1;
    model.links[0] = (struct ts_link_model){.name = "far", .rtt_s = ts_dist_constant(0.1)};
    struct ts_result result = run_with(&model, chains_of(1, 10, 0.3), NULL);
    world_assert_near(result.tiers[0].cells[0].session_s, 10 * 0.3 + 9 * 0.3, 1e-9);
    ts_result_deinit(&result);
}

/* ---- the machine repairman ---- */

/* Mean value analysis of one queue and a delay Z, as in test_users.c. */
static double mva_per_s(uint32_t n_users, double service_s, double think_s)
{
    double queue = 0.0, rate = 0.0;
    for (uint32_t n = 1; n <= n_users; n++) {
        const double response_s = service_s * (1.0 + queue);
        rate = n / (response_s + think_s);
        queue = rate * response_s;
    }
    return rate;
}

/* Agents whose tools take an exponential time of 5 s, at one seat of exponential service of 1 s: a closed network. */
static void test_sessions__agents_with_exponential_tools_are_the_machine_repairman(void **state)
{
    (void)state;
    enum { N_RUNS = 20, N_CALLS = 40000 };
    const double t_99 = 2.8609, span_s = 20000.0;
    static const uint32_t sizes[] = {1, 6, 12};
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.0);
    pool.replica.max_seqs = 1;
    pool.replica.steps.u.linear.d_s_per_prefill_tok = 1e-6;
    struct ts_model model = world_model(&tier, 1);
    model.warmup_s = 200.0;
    model.turns_until_s = model.warmup_s + span_s;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct chains chains = chains_of(sizes[i], N_CALLS / sizes[i] < 30000 ? N_CALLS / sizes[i] + 5000 : 30000, 5.0);
        chains.prompt_tok = 1000000;
        chains.draws = true;
        double sum = 0.0, squares = 0.0;
        for (uint32_t r = 0; r < N_RUNS; r++) {
            const struct ts_sim_options options = {.replication = r};
            struct ts_result result = run_with(&model, chains, &options);
            const struct ts_cell *cell = &result.tiers[0].cells[0];
            const double rate = (double)(cell->done - cell->left_out_done) / span_s;
            sum += rate;
            squares += rate * rate;
            assert_int_equal(cell->sessions + cell->sessions_broken, 0); /* all are cut when the time is up */
            ts_result_deinit(&result);
        }
        const double theory = mva_per_s(sizes[i], 1.0, 5.0), mean = sum / N_RUNS;
        const double half = t_99 * sqrt((squares / N_RUNS - mean * mean) / (N_RUNS - 1));
        print_message("%u agents: theory %.5f/s, simulated %.5f +- %.5f/s\n", (unsigned)sizes[i], theory, mean, half);
        assert_true(fabs(mean - theory) <= half && half < 0.01 * theory);
    }
}

/* ---- contexts that grow ---- */

/* Each call begins with all that was said before. With room for everything, what is computed again is what does not
 * fill a block of 16, and the last token of the reply, whose entries nobody has made. */
static void test_sessions__with_room_for_all_only_what_is_new_is_computed(void **state)
{
    (void)state;
    enum { N_SESSIONS = 5, N_CALLS = 12 };
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 1e-3);
    pool.replica.prefix_cache = true;
    pool.replica.kv_blocks = 100000;
    struct ts_model model = world_model(&tier, 1);
    struct chains chains = chains_of(N_SESSIONS, N_CALLS, 2.0);
    chains.prompt_tok = 500;
    chains.output_tok = 70;
    chains.new_tok = 33;
    uint64_t prompt_tok = 500, found_tok = 0, context_tok = 0, looked_up_tok = 500;
    for (int call = 1; call < N_CALLS; call++) {
        const uint64_t before_tok = prompt_tok + 70;
        context_tok += before_tok;
        found_tok += (before_tok - 1) / 16 * 16;
        prompt_tok = before_tok + 33;
        looked_up_tok += prompt_tok;
    }
    struct ts_result result = run_with(&model, chains, NULL);
    assert_int_equal(result.tiers[0].looked_up_tok, N_SESSIONS * looked_up_tok);
    assert_int_equal(result.tiers[0].found_tok, N_SESSIONS * found_tok);
    assert_int_equal(result.tiers[0].cells[0].tool_context_tok, N_SESSIONS * context_tok);
    assert_int_equal(result.tiers[0].cells[0].tool_kept_tok, N_SESSIONS * found_tok);
    assert_int_equal(result.tiers[0].cells[0].think_context_tok, 0);
    ts_result_deinit(&result);
    pool.replica.prefix_cache = false;
    result = run_with(&model, chains, NULL);
    assert_int_equal(result.tiers[0].cells[0].tool_context_tok, N_SESSIONS * context_tok);
    assert_int_equal(result.tiers[0].cells[0].tool_kept_tok, 0);
    ts_result_deinit(&result);
}

/* Room for one context: of several sessions that take turns, each finds its place taken. */
static void test_sessions__what_has_no_room_during_a_tool_is_lost(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 1e-3);
    pool.replica.prefix_cache = true;
    pool.replica.kv_blocks = 70; /* 1,120 tokens */
    pool.replica.max_seqs = 1;
    struct ts_model model = world_model(&tier, 1);
    struct chains chains = chains_of(6, 2, 60.0);
    chains.prompt_tok = 900;
    chains.output_tok = 50;
    chains.new_tok = 20;
    struct ts_result result = run_with(&model, chains, NULL);
    assert_int_equal(result.tiers[0].cells[0].done, 12);
    assert_true(result.tiers[0].cells[0].tool_kept_tok < result.tiers[0].cells[0].tool_context_tok / 4);
    ts_result_deinit(&result);
}

/* ---- branches ---- */

/* A call at 0, three that wait for it with 1, 2 and 3 s, one that waits for all of them and a second more. */
static void test_sessions__a_call_waits_for_the_last_of_several(void **state)
{
    (void)state;
    static const uint64_t first[] = {1}, all[] = {2, 3, 4, 99};
    struct ts_turn turns[5] = {{.session = 7, .key = 1}};
    struct ts_request requests[5];
    for (int i = 1; i <= 3; i++) {
        turns[i] = (struct ts_turn){
            .session = 7, .key = (uint64_t)i + 1, .waits = first, .n_waits = 1, .is_aside = true, .delay_ns = i * S};
    }
    turns[4] = (struct ts_turn){.session = 7, .key = 5, .waits = all, .n_waits = 4, .is_last = true, .delay_ns = 1 * S};
    for (uint64_t i = 0; i < COUNT(requests); i++) {
        requests[i] = world_request(i, 0, 1, 1);
        requests[i].turn = &turns[i];
    }
    struct ts_tier_model tier = world_api(0.5, 1e12);
    struct ts_model model = world_model(&tier, 1);
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(result.tiers[0].cells[0].sessions, 1);
    world_assert_near(result.tiers[0].cells[0].session_s, 0.5 + 3.0 + 0.5 + 1.0 + 0.5, 1e-6);
    ts_result_deinit(&result);
}

/* ---- sessions that do not end ---- */

/* The second call is too long for the tier: the third is never sent. */
static void test_sessions__a_call_without_a_reply_ends_its_session(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    tier.context_tok = 1000;
    struct ts_model model = world_model(&tier, 1);
    struct chains chains = chains_of(3, 3, 1.0);
    chains.prompt_tok = 700;
    chains.new_tok = 400;
    struct ts_result result = run_with(&model, chains, NULL);
    assert_int_equal(result.tiers[0].cells[0].done, 3);
    assert_int_equal(result.tiers[1].cells[0].rejected, 3);
    assert_int_equal(result.tiers[1].cells[0].sessions_broken, 3);
    assert_int_equal(result.tiers[0].cells[0].sessions, 0);
    ts_result_deinit(&result);
}

/* Calls at 0, 2, 4, 6 s; nothing is sent at 5 s or later, and the run ends. */
static void test_sessions__nothing_is_sent_when_the_time_is_up(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.0, 1e12);
    struct ts_model model = world_model(&tier, 1);
    model.turns_until_s = 5.0;
    model.drain_s = 100.0;
    struct ts_result result = run_with(&model, chains_of(2, 40, 2.0), NULL);
    assert_int_equal(result.tiers[0].cells[0].done, 6);
    assert_int_equal(result.tiers[0].cells[0].sessions, 0);
    world_assert_near(result.tiers[0].cells[0].session_s, 2 * 4.0, 1e-6);
    ts_result_deinit(&result);
}

/* The drain time begins with the last call that is sent, not with the last one that is read. */
static void test_sessions__the_run_waits_for_calls_that_wait(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.1, 1e12);
    struct ts_model model = world_model(&tier, 1);
    model.drain_s = 1.0;
    struct ts_result result = run_with(&model, chains_of(1, 5, 30.0), NULL);
    assert_int_equal(result.tiers[0].cells[0].done, 5);
    assert_int_equal(result.tiers[0].cells[0].unfinished, 0);
    ts_result_deinit(&result);
}

/* ---- users of a closed loop ---- */

/* Two users, sessions of three calls of 100 ms with tools of 200 ms, and 400 ms to think in between: 1.1 s each. */
static void test_sessions__a_user_of_a_closed_loop_has_one_at_a_time(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.1);
    struct ts_model model = world_model(&tier, 1);
    model.users = (struct ts_users_model){.n = 2, .think_s = ts_dist_constant(0.4), .until_s = 11.3};
    model.turns_until_s = 11.3;
    struct ts_result result = run_with(&model, chains_of(1000, 3, 0.2), NULL);
    assert_int_equal(result.tiers[0].cells[0].sessions, 2 * 10);
    ts_result_deinit(&result);
}

/* ---- the run ---- */

static void test_sessions__single_steps_come_to_the_same(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 5e-3);
    pool.replica.prefix_cache = true;
    pool.replica.kv_blocks = 400;
    pool.replica.max_seqs = 8;
    pool.replica.max_batched_tok = 512;
    struct ts_model model = world_model(&tier, 1);
    struct chains chains = chains_of(40, 9, 0.7);
    chains.prompt_tok = 300;
    chains.output_tok = 60;
    chains.new_tok = 25;
    const struct ts_sim_options options = {.single_steps = true};
    struct ts_result fast = run_with(&model, chains, NULL);
    struct ts_result slow = run_with(&model, chains, &options);
    assert_int_equal(fast.tiers[0].cells[0].sessions, 40);
    world_assert_equal(&fast, &slow, 1e-9);
    ts_result_deinit(&fast);
    ts_result_deinit(&slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions__a_chain_without_service_takes_the_sum_of_its_tools),
        cmocka_unit_test(test_sessions__a_call_comes_when_the_reply_is_at_the_client),
        cmocka_unit_test(test_sessions__agents_with_exponential_tools_are_the_machine_repairman),
        cmocka_unit_test(test_sessions__with_room_for_all_only_what_is_new_is_computed),
        cmocka_unit_test(test_sessions__what_has_no_room_during_a_tool_is_lost),
        cmocka_unit_test(test_sessions__a_call_waits_for_the_last_of_several),
        cmocka_unit_test(test_sessions__a_call_without_a_reply_ends_its_session),
        cmocka_unit_test(test_sessions__nothing_is_sent_when_the_time_is_up),
        cmocka_unit_test(test_sessions__the_run_waits_for_calls_that_wait),
        cmocka_unit_test(test_sessions__a_user_of_a_closed_loop_has_one_at_a_time),
        cmocka_unit_test(test_sessions__single_steps_come_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
