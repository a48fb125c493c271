/* Statistics of streams whose answers are known by hand. */
#include "traces/trace_stats.h"

#include "tests/traces/traces_test.h"

static const int64_t second = 1000000000;

static struct ts_trace_stats stats_of(const struct ts_request *requests, uint64_t n)
{
    struct ts_request_stream *stream = NULL;
    struct ts_trace_stats stats;
    assert_int_equal(ts_request_stream_from_array(&stream, requests, n), TS_OK);
    assert_int_equal(ts_trace_stats_collect(&stats, stream, NULL), TS_OK);
    ts_request_stream_destroy(stream);
    return stats;
}

/* Gaps 1, 1, 4 s: mean 2, standard deviation sqrt(2). */
static void test_trace_stats__rate_and_gaps(void **state)
{
    (void)state;
    const struct ts_request requests[] = {{.arrival_ns = 10 * second, .prompt_tok = 1, .output_tok = 5},
                                          {.arrival_ns = 11 * second, .prompt_tok = 2, .output_tok = 6},
                                          {.arrival_ns = 12 * second, .prompt_tok = 3, .output_tok = 7},
                                          {.arrival_ns = 16 * second, .prompt_tok = 6, .output_tok = 10}};
    struct ts_trace_stats stats = stats_of(requests, 4);
    assert_int_equal(stats.n_requests, 4);
    assert_near(stats.duration_s, 6.0, 1e-12);
    assert_near(stats.rate_per_s, 0.5, 1e-12);
    assert_near(stats.gap_mean_s, 2.0, 1e-12);
    assert_near(stats.gap_cv, sqrt(2.0) / 2.0, 1e-12);
    assert_near(stats.prompt_total_tok, 12.0, 0.0);
    assert_near(stats.output_total_tok, 28.0, 0.0);
    assert_near(ts_hist_mean(&stats.prompt_tok), 3.0, 0.0);
    assert_near(ts_hist_quantile(&stats.output_tok, 1.0), 10.0, 0.0);
    ts_trace_stats_deinit(&stats);
}

/* Counts per second 2, 0, 0, 1 over, and an open window: mean 3/4, mean square 5/4, variance 11/16, ratio 11/12. */
static void test_trace_stats__windows_count_the_empty_ones_and_leave_out_the_last(void **state)
{
    (void)state;
    const struct ts_request requests[] = {
        {.arrival_ns = 0}, {.arrival_ns = second / 2}, {.arrival_ns = 3 * second}, {.arrival_ns = 4 * second + 1}};
    struct ts_trace_stats stats = stats_of(requests, 4);
    assert_near(stats.scale_s[0], 1.0, 0.0);
    assert_near(stats.scale_s[1], 10.0, 0.0);
    assert_near(stats.scale_s[2], 60.0, 0.0);
    assert_near(stats.scale_s[3], 3600.0, 0.0);
    assert_near(stats.dispersion[0], 11.0 / 12.0, 1e-12);
    assert_near(stats.peak_per_s[0], 2.0, 0.0);
    assert_near(stats.empty_frac[0], 0.5, 0.0);
    assert_true(isnan(stats.dispersion[2]));
    assert_true(isnan(stats.empty_frac[2]));
    assert_near(stats.peak_per_s[2], 4.0 / 60.0, 1e-12);
    ts_trace_stats_deinit(&stats);
}

static void test_trace_stats__even_arrivals_have_no_dispersion(void **state)
{
    (void)state;
    static struct ts_request requests[7300];
    for (size_t i = 0; i < 7300; i++) {
        requests[i] = (struct ts_request){.id = i, .arrival_ns = (int64_t)i * second, .prompt_tok = 1, .output_tok = 1};
    }
    struct ts_trace_stats stats = stats_of(requests, 7300);
    for (size_t i = 0; i < TS_STATS_SCALES; i++) {
        assert_near(stats.dispersion[i], 0.0, 1e-9);
        assert_near(stats.peak_per_s[i], 1.0, 1e-12);
        assert_near(stats.empty_frac[i], 0.0, 0.0);
    }
    assert_near(stats.gap_cv, 0.0, 1e-12);
    ts_trace_stats_deinit(&stats);
}

static void test_trace_stats__without_gaps_there_is_no_rate(void **state)
{
    (void)state;
    const struct ts_request requests[] = {{.arrival_ns = 0}, {.arrival_ns = 0}};
    for (uint64_t n = 0; n <= 2; n++) {
        struct ts_trace_stats stats = stats_of(requests, n);
        assert_int_equal(stats.n_requests, n);
        assert_true(isnan(stats.rate_per_s));
        assert_true(isnan(stats.gap_cv));
        assert_true(isnan(stats.dispersion[0]));
        ts_trace_stats_deinit(&stats);
    }
}

static enum ts_status fail_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                struct ts_diags *diags)
{
    (void)stream;
    (void)out;
    *got = 0;
    return ts_fail(diags, TS_EINPUT, ts_span_none(), NULL, "a bad row");
}

static void test_trace_stats__an_error_of_the_stream_leaves_the_output(void **state)
{
    (void)state;
    const struct ts_request_stream_ops ops = {.next = fail_next};
    struct ts_request_stream stream = {.ops = &ops};
    struct ts_trace_stats stats = {.n_requests = 77};
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_trace_stats_collect(&stats, &stream, &diags), TS_EINPUT);
    assert_int_equal(stats.n_requests, 77);
    assert_diags(&diags, NULL, "error: a bad row\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_stats__rate_and_gaps),
        cmocka_unit_test(test_trace_stats__windows_count_the_empty_ones_and_leave_out_the_last),
        cmocka_unit_test(test_trace_stats__even_arrivals_have_no_dispersion),
        cmocka_unit_test(test_trace_stats__without_gaps_there_is_no_rate),
        cmocka_unit_test(test_trace_stats__an_error_of_the_stream_leaves_the_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
