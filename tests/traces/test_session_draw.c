/* Generated sessions: their calls, prompts and contexts, how many there are, and that they are read ahead whole. */
#include "tests/traces/traces_test.h"
#include "traces/read_ahead.h"

static struct ts_class_spec chat(double share)
{
    return (struct ts_class_spec){.name = "chat",
                                  .share = share,
                                  .prompt_tok = ts_dist_constant(100.0),
                                  .output_tok = ts_dist_constant(50.0),
                                  .difficulty = ts_dist_constant(0.0),
                                  .session = {.on = true,
                                              .turns = ts_dist_constant(2.0),
                                              .think_s = ts_dist_constant(7.0),
                                              .tools = ts_dist_constant(1.0),
                                              .tool_s = ts_dist_constant(3.0),
                                              .tool_tok = ts_dist_constant(30.0),
                                              .subagents = ts_dist_constant(2.0),
                                              .system_tok = 1000}};
}

static struct ts_workload workload_of(const struct ts_class_spec *classes, size_t n, double calls_per_s)
{
    return (struct ts_workload){.calls_per_s = calls_per_s,
                                .scale_rate = 1.0,
                                .window = {.duration_s = 40000.0},
                                .process = {.gap = ts_dist_exponential(1.0)},
                                .classes = classes,
                                .n_classes = n};
}

/* Two turns of: a call, its two subagents, the call after them. */
static void test_session_draw__prompts_hold_all_that_was_said_before(void **state)
{
    (void)state;
    static const uint32_t prompts[] = {1100, 1100, 1100, 1280, 1430, 1100, 1100, 1610};
    static const uint32_t n_waits[] = {0, 1, 1, 3, 1, 1, 1, 3};
    static const int64_t delays_s[] = {0, 0, 0, 3, 7, 0, 0, 3};
    const struct ts_class_spec spec = chat(1.0);
    const struct ts_workload workload = workload_of(&spec, 1, 8.0);
    struct ts_request_stream *stream = NULL;
    uint64_t keys[8], own_key = 0;
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
    for (size_t i = 0; i < 8; i++) {
        struct ts_request request;
        int got = 0;
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        const struct ts_turn *turn = request.turn;
        const bool is_aside = n_waits[i] == 1 && delays_s[i] == 0;
        assert_true(got && turn);
        assert_int_equal(request.prompt_tok, prompts[i]);
        assert_int_equal(request.output_tok, 50);
        assert_int_equal(turn->n_waits, n_waits[i]);
        assert_int_equal(turn->delay_ns, delays_s[i] * 1000000000);
        assert_int_equal(turn->is_tool, delays_s[i] == 3);
        assert_int_equal(turn->is_aside, is_aside);
        assert_int_equal(turn->is_last, i == 7);
        assert_int_equal(turn->context.known_tok, prompts[i] + 50);
        own_key = i == 0 ? turn->context.own_key : own_key;
        assert_true((turn->context.own_key == own_key) == !is_aside);
        keys[i] = turn->key;
        for (uint32_t w = 0; w < turn->n_waits; w++) {
            bool is_before = false;
            for (size_t k = 0; k < i; k++) {
                is_before = is_before || turn->waits[w] == keys[k];
            }
            assert_true(is_before);
        }
    }
    ts_request_stream_destroy(stream);
    assert_true(ts_session_mean_calls(&spec.session) == 8.0);
}

static void test_session_draw__a_context_that_is_too_long_begins_anew(void **state)
{
    (void)state;
    static const uint32_t prompts[] = {1100, 1250, 1400, 1100, 1250, 1400};
    struct ts_class_spec spec = chat(1.0);
    spec.session.tools = ts_dist_constant(0.0);
    spec.session.turns = ts_dist_constant(6.0);
    spec.session.max_context_tok = 1500;
    const struct ts_workload workload = workload_of(&spec, 1, 8.0);
    struct ts_request_stream *stream = NULL;
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
    for (size_t i = 0; i < 6; i++) {
        struct ts_request request;
        int got = 0;
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        assert_int_equal(request.prompt_tok, prompts[i]);
        assert_int_equal(request.turn->is_new, i == 3);
    }
    ts_request_stream_destroy(stream);
}

/* The rate is of calls, and so are the shares, whatever sessions they come in. */
static void test_session_draw__rate_and_shares_are_of_calls(void **state)
{
    (void)state;
    struct ts_class_spec classes[] = {chat(0.75),
                                      {.name = "memo",
                                       .share = 0.25,
                                       .prompt_tok = ts_dist_constant(10.0),
                                       .output_tok = ts_dist_constant(5.0),
                                       .difficulty = ts_dist_constant(0.0)}};
    classes[0].session.turns = ts_dist_exponential(4.0);
    classes[0].session.tools = ts_dist_uniform(0.0, 3.0);
    const struct ts_workload workload = workload_of(classes, 2, 5.0);
    struct ts_request_stream *stream = NULL;
    double n[2] = {0.0, 0.0};
    int got = 1;
    assert_int_equal(ts_workload_open(&stream, &workload, 3, 0, NULL, NULL), TS_OK);
    while (got) {
        struct ts_request request;
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        if (got) {
            n[request.class_id] += 1.0;
            assert_true((request.turn != NULL) == (request.class_id == 0));
        }
    }
    ts_request_stream_destroy(stream);
    assert_near(n[0] + n[1], 5.0 * 40000.0, 0.02 * 5.0 * 40000.0);
    assert_near(n[0] / (n[0] + n[1]), 0.75, 0.02);
}

/* The thread that reads ahead hands over the same. */
static void test_session_draw__is_the_same_when_it_is_read_ahead(void **state)
{
    (void)state;
    const struct ts_class_spec spec = chat(1.0);
    const struct ts_workload workload = workload_of(&spec, 1, 2.0);
    struct ts_request_stream *a = NULL, *inner = NULL, *b = NULL;
    int got = 1;
    assert_int_equal(ts_workload_open(&a, &workload, 1, 0, NULL, NULL), TS_OK);
    assert_int_equal(ts_workload_open(&inner, &workload, 1, 0, NULL, NULL), TS_OK);
    assert_int_equal(ts_read_ahead_open(&b, inner), TS_OK);
    while (got) {
        struct ts_request x, y;
        int got_y = 0;
        assert_int_equal(ts_request_next(a, &x, &got, NULL), TS_OK);
        assert_int_equal(ts_request_next(b, &y, &got_y, NULL), TS_OK);
        assert_int_equal(got, got_y);
        if (got) {
            assert_true(x.id == y.id && x.prompt_tok == y.prompt_tok && x.arrival_ns == y.arrival_ns);
            assert_true(x.turn->key == y.turn->key && x.turn->n_waits == y.turn->n_waits);
            assert_true(x.turn->delay_ns == y.turn->delay_ns && x.turn->is_last == y.turn->is_last);
            for (uint32_t w = 0; w < x.turn->n_waits; w++) {
                assert_true(x.turn->waits[w] == y.turn->waits[w]);
            }
            assert_true(x.turn->context.own_key == y.turn->context.own_key);
        }
    }
    ts_request_stream_destroy(a);
    ts_request_stream_destroy(b);
    ts_request_stream_destroy(inner);
}

/* Blocks of the system prompt are everybody's, the others a session's own; a longer context begins as a shorter one. */
static void test_session_draw__contexts_share_the_system_prompt_alone(void **state)
{
    (void)state;
    const struct ts_context a = {.own_key = 1, .shared_key = 9, .shared_tok = 40, .known_tok = 100};
    const struct ts_context b = {.own_key = 2, .shared_key = 9, .shared_tok = 40, .known_tok = 170};
    const struct ts_context more = {.own_key = 1, .shared_key = 9, .shared_tok = 40, .known_tok = 160};
    uint64_t ids[3][10];
    assert_int_equal(ts_context_n_ids(&a), 6);
    assert_int_equal(ts_context_n_ids(&b), 10);
    ts_context_ids(ids[0], &a);
    ts_context_ids(ids[1], &b);
    ts_context_ids(ids[2], &more);
    for (size_t i = 0; i < 6; i++) {
        assert_true((ids[0][i] == ids[1][i]) == (i < 2));
        assert_true(ids[0][i] == ids[2][i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_draw__prompts_hold_all_that_was_said_before),
        cmocka_unit_test(test_session_draw__a_context_that_is_too_long_begins_anew),
        cmocka_unit_test(test_session_draw__rate_and_shares_are_of_calls),
        cmocka_unit_test(test_session_draw__is_the_same_when_it_is_read_ahead),
        cmocka_unit_test(test_session_draw__contexts_share_the_system_prompt_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
