/* Sessions of a generator are found again, within the error of so many; and those of a file whose rows say little. */
#include <math.h>

#include "tests/traces/traces_test.h"
#include "traces/fit_sessions.h"
#include "traces/trace_fit.h"

static struct ts_class_spec chat(void)
{
    static const double q[] = {0.0, 0.25, 0.2501, 0.75, 0.7501, 1.0};
    static const double turns[] = {1.0, 1.0, 3.0, 3.0, 8.0, 8.0};
    struct ts_class_spec spec = plain_class();
    spec.prompt_tok = ts_dist_lognormal_mean_cv(120.0, 1.0);
    spec.output_tok = ts_dist_lognormal_mean_cv(250.0, 0.8);
    spec.session = (struct ts_session_spec){.on = true,
                                            .turns = ts_dist_empirical(q, turns, 6),
                                            .think_s = ts_dist_lognormal_mean_cv(40.0, 1.2),
                                            .tools = ts_dist_constant(0.0),
                                            .tool_s = ts_dist_constant(0.0),
                                            .tool_tok = ts_dist_constant(0.0),
                                            .subagents = ts_dist_constant(0.0),
                                            .system_tok = 800};
    return spec;
}

static void collect(struct ts_trace_sample *out, const struct ts_class_spec *spec)
{
    struct ts_request_stream *stream = NULL;
    struct ts_workload workload = plain_workload(spec, 1);
    workload.window.duration_s = 8000.0; /* of 1 call/s, by 3.75 calls a session: 2,133 sessions */
    assert_int_equal(ts_workload_open(&stream, &workload, 5, 0, NULL, NULL), TS_OK);
    assert_int_equal(ts_trace_sample_collect(out, stream, NULL), TS_OK);
    ts_request_stream_destroy(stream);
}

static void test_sessions__of_the_generator_are_found_again(void **state)
{
    (void)state;
    const struct ts_class_spec spec = chat();
    struct ts_trace_sample sample;
    struct ts_fit_sessions found;
    collect(&sample, &spec);
    assert_true(sample.ids_are_told);
    assert_int_equal(ts_fit_sessions(&found, sample.rows, sample.n, sample.block_tok), TS_OK);
    assert_true(ts_fit_sessions_hold(&found));
    assert_true(found.waits_are_told);
    assert_int_equal(found.system_tok, 800);
    assert_int_equal(found.n_cut, 0);
    assert_near((double)found.n_calls / (double)found.n_sessions, 3.75, 0.2); /* sd of turns 2.68 / sqrt(2133) = 0.06 */
    assert_near(ts_fit_quantile(&found.turns, 0.2), 1.0, 0.0);
    assert_near(ts_fit_quantile(&found.turns, 0.5), 3.0, 0.0);
    assert_near(ts_fit_quantile(&found.turns, 0.9), 8.0, 0.0);
    for (int i = 1; i < 10; i++) {
        const double q = i / 10.0;
        assert_near(ts_fit_quantile(&found.think_s, q) / ts_dist_quantile(&spec.session.think_s, q), 1.0, 0.08);
        assert_near(ts_fit_quantile(&found.prompt_tok, q) / ts_dist_quantile(&spec.prompt_tok, q), 1.0, 0.08);
        assert_near(ts_fit_quantile(&found.output_tok, q) / ts_dist_quantile(&spec.output_tok, q), 1.0, 0.08);
    }
    ts_fit_sessions_deinit(&found);
    ts_trace_sample_deinit(&sample);
}

static void test_sessions__of_agents_have_their_tools(void **state)
{
    (void)state;
    struct ts_class_spec spec = chat();
    struct ts_trace_sample sample;
    struct ts_fit_sessions found;
    spec.session.turns = ts_dist_constant(2.0);
    spec.session.tools = ts_dist_constant(4.0);
    spec.session.tool_s = ts_dist_constant(6.0);
    spec.session.tool_tok = ts_dist_constant(77.0);
    spec.session.max_context_tok = 2500;
    collect(&sample, &spec);
    assert_int_equal(ts_fit_sessions(&found, sample.rows, sample.n, sample.block_tok), TS_OK);
    assert_near(ts_fit_quantile(&found.turns, 0.5), 2.0, 0.0);
    assert_near(ts_fit_quantile(&found.tools, 0.0), 4.0, 0.0);
    assert_near(ts_fit_quantile(&found.tools, 1.0), 4.0, 0.0);
    assert_near(ts_fit_quantile(&found.tool_s, 0.5), 6.0, 1e-9);
    assert_near(ts_fit_quantile(&found.tool_tok, 0.5), 77.0, 0.0);
    assert_true(found.n_cut > 0 && found.longest_tok <= 2500);
    ts_fit_sessions_deinit(&found);
    ts_trace_sample_deinit(&sample);
}

/* Rows with a session and a time each, side by side with others: three turns, 20 s and 30 s apart, of 10 tokens and
 * replies of 5, after a system prompt of 100; without a word on what prompts consist of. */
static void test_sessions__of_a_file_are_from_request_to_request(void **state)
{
    (void)state;
    static struct ts_trace_sample_row rows[90];
    static const uint32_t prompts[] = {110, 125, 140};
    static const int64_t at_s[] = {0, 20, 50};
    struct ts_fit_sessions found;
    for (size_t turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < 30; i++) {
            rows[30 * turn + i] = (struct ts_trace_sample_row){.arrival_ns = (at_s[turn] * 1000 + (int64_t)i) * 1000000,
                                                               .prompt_tok = prompts[turn],
                                                               .output_tok = 5,
                                                               .session = i + 1};
        }
    }
    assert_int_equal(ts_fit_sessions(&found, rows, 90, 0), TS_OK);
    assert_true(ts_fit_sessions_hold(&found));
    assert_false(found.waits_are_told);
    assert_int_equal(found.n_sessions, 30);
    assert_int_equal(found.system_tok, 100);
    assert_near(ts_fit_quantile(&found.think_s, 0.0), 20.0, 1e-9);
    assert_near(ts_fit_quantile(&found.think_s, 1.0), 30.0, 1e-9);
    assert_near(ts_fit_quantile(&found.prompt_tok, 0.5), 10.0, 0.0);
    ts_fit_sessions_deinit(&found);
    for (size_t i = 0; i < 90; i++) {
        rows[i].prompt_tok = 100; /* calls that do not go on with one another */
    }
    assert_int_equal(ts_fit_sessions(&found, rows, 90, 0), TS_OK);
    assert_false(ts_fit_sessions_hold(&found));
    ts_fit_sessions_deinit(&found);
}

static void test_sessions__are_written_as_the_generator_reads_them(void **state)
{
    (void)state;
    const struct ts_class_spec spec = chat();
    struct ts_trace_sample sample;
    struct ts_text text, told;
    collect(&sample, &spec);
    ts_text_init(&text);
    ts_text_init(&told);
    const struct ts_fit_options how = {.label = "some.jsonl", .told = &told};
    assert_int_equal(ts_trace_fit(&text, &sample, &how, NULL), TS_OK);
    assert_non_null(strstr(text.data, "      session:\n        turns: {quantiles: {0: 1, "));
    assert_non_null(strstr(text.data, ": 3, 7"));
    assert_non_null(strstr(text.data, "100: 8}}\n        think: {quantiles: {0: "));
    assert_non_null(strstr(text.data, "        system: 800 tok\n"));
    assert_null(strstr(text.data, "tools:"));
    assert_null(strstr(text.data, "lengths:"));
    assert_null(strstr(text.data, "prefix_block:"));
    assert_non_null(strstr(told.data, "sessions of 'request': "));
    ts_text_deinit(&told);
    ts_text_deinit(&text);
    ts_trace_sample_deinit(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions__of_the_generator_are_found_again),
        cmocka_unit_test(test_sessions__of_agents_have_their_tools),
        cmocka_unit_test(test_sessions__of_a_file_are_from_request_to_request),
        cmocka_unit_test(test_sessions__are_written_as_the_generator_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
