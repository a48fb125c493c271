/* What a workload must be, and the named curves and tables it is made from. */
#include "tests/traces/traces_test.h"

static void assert_refused(const struct ts_workload *workload, const char *expected)
{
    struct ts_request_stream *stream = NULL;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_workload_open(&stream, workload, 1, 0, NULL, &diags), TS_ESCENARIO);
    assert_null(stream);
    assert_diags(&diags, NULL, expected);
}

static void test_workload__needs_a_source_of_requests(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    workload.calls_per_s = 0.0;
    assert_refused(&workload, "error: a workload needs a trace file or a rate of calls above 0\n");
    workload.calls_per_s = NAN;
    assert_refused(&workload, "error: a workload needs a trace file or a rate of calls above 0\n");
    workload.calls_per_s = 1.0;
    workload.trace_path = "x.csv";
    assert_refused(&workload, "error: a workload is a trace file or a rate of calls, not both\n");
}

static void test_workload__closed_loop_has_no_rate(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    workload.is_closed = true;
    assert_refused(&workload, "error: the users of a closed loop set the rate of calls\n");
}

/* Requests as those of a rate, in the same order, without their times. */
static void test_workload__closed_loop_draws_what_a_rate_would(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    struct ts_workload closed = workload;
    struct ts_request_stream *open_stream, *closed_stream;
    struct ts_request a, b;
    int got_a, got_b;
    spec.prompt_tok = ts_dist_lognormal_median_p95(300.0, 2500.0);
    closed.calls_per_s = 0.0;
    closed.is_closed = true;
    closed.max_requests = 100;
    assert_int_equal(ts_workload_open(&open_stream, &workload, 1, 0, NULL, NULL), TS_OK);
    assert_int_equal(ts_workload_open(&closed_stream, &closed, 1, 0, NULL, NULL), TS_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ts_request_next(open_stream, &a, &got_a, NULL), TS_OK);
        assert_int_equal(ts_request_next(closed_stream, &b, &got_b, NULL), TS_OK);
        assert_true(got_a && got_b && b.arrival_ns == 0 && a.id == b.id && a.prompt_tok == b.prompt_tok &&
                    a.output_tok == b.output_tok && a.difficulty == b.difficulty);
    }
    assert_int_equal(ts_request_next(closed_stream, &b, &got_b, NULL), TS_OK);
    assert_int_equal(got_b, 0);
    assert_true(ts_workload_expected_calls(&closed) == 0.0 && ts_workload_expected_calls_per_month(&closed) == 0.0);
    ts_request_stream_destroy(open_stream);
    ts_request_stream_destroy(closed_stream);
}

static void test_workload__generated_needs_a_finite_duration_start_and_gap(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    workload.window.duration_s = 0.0;
    assert_refused(&workload, "error: the duration of a generated workload must be above 0 and at most 31 years\n");
    workload.window.duration_s = INFINITY;
    assert_refused(&workload, "error: the duration of a generated workload must be above 0 and at most 31 years\n");
    workload = plain_workload(&spec, 1);
    workload.window.start_hour = NAN;
    assert_refused(&workload, "error: the hour of the week at which the workload starts must be a number\n");
    workload = plain_workload(&spec, 1);
    workload.process.gap = ts_dist_constant(0.0);
    assert_refused(&workload, "error: the gaps between arrivals must have a mean above 0\n");
}

static void test_workload__curve_has_weights_of_at_least_zero_and_one_above(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    double curve[TS_WEEK_HOURS] = {0.0};
    workload.process.week_curve = curve;
    assert_refused(&workload, "error: the week curve is 0 at every hour\n");
    curve[3] = -1.0;
    assert_refused(&workload, "error: the weights of the week curve must be numbers of at least 0\n");
    curve[3] = NAN;
    assert_refused(&workload, "error: the weights of the week curve must be numbers of at least 0\n");
}

static void test_workload__shares_sum_to_one(void **state)
{
    (void)state;
    struct ts_class_spec specs[2] = {plain_class(), plain_class()};
    struct ts_workload workload = plain_workload(specs, 0);
    assert_refused(&workload, "error: a workload has 1 to 64 classes of requests\n");
    workload.n_classes = TS_MAX_CLASSES + 1;
    assert_refused(&workload, "error: a workload has 1 to 64 classes of requests\n");
    workload.n_classes = 2;
    assert_refused(&workload, "error: the shares of the classes must sum to 100 %\n");
    specs[0].share = 1.5;
    specs[1].share = -0.5;
    assert_refused(&workload, "error: the share of a class must not be negative\n");
}

static void test_workload__trace_has_a_scale_and_a_finite_repetition(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = trace_workload("x.csv", &spec, 1);
    workload.scale_rate = 0.0;
    assert_refused(&workload, "error: scale_rate must be from 0.000001 to 1,000,000 (1 = as recorded)\n");
    workload.scale_rate = NAN;
    assert_refused(&workload, "error: scale_rate must be from 0.000001 to 1,000,000 (1 = as recorded)\n");
    workload.scale_rate = 1000.0;
    workload.repeat_to_s = 2e6;
    assert_refused(&workload, "error: repeat_to must be at most 31 years of the trace\n");
    workload.repeat_to_s = -1.0;
    assert_refused(&workload, "error: repeat_to must be at most 31 years of the trace\n");
}

static void test_workload__a_generated_stream_has_no_rows(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    struct ts_request_stream *stream = NULL;
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
    assert_int_equal(ts_workload_trace_counts(stream).n_rows, 0);
    ts_request_stream_destroy(stream);
}

static void test_workload__expected_calls_are_the_integral_of_the_curve(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    workload.calls_per_s = 0.5;
    assert_near(ts_workload_expected_calls(&workload), 1800.0, 1e-9);
    assert_near(ts_workload_expected_calls_per_month(&workload), 0.5 * 730.0 * 3600.0, 1e-6);
    const double *curve = ts_week_curve("office-week");
    workload.process.week_curve = curve;
    workload.window.start_hour = 34.0;
    assert_near(ts_workload_expected_calls(&workload), 1800.0 * curve[34], 1e-6);
    workload.window.start_hour = 34.75;
    assert_near(ts_workload_expected_calls(&workload), 1800.0 * (0.25 * curve[34] + 0.75 * curve[35]), 1e-6);
    workload.window.start_hour = 167.5; /* across the end of the week */
    workload.window.duration_s = 7200.0;
    assert_near(ts_workload_expected_calls(&workload), 1800.0 * (0.5 * curve[167] + curve[0] + 0.5 * curve[1]), 1e-6);
    workload.window.duration_s = 168.0 * 3600.0; /* a whole week, wherever it starts */
    assert_near(ts_workload_expected_calls(&workload), 0.5 * 168.0 * 3600.0, 1e-6);
    assert_near(ts_workload_expected_calls_per_month(&workload), 0.5 * 730.0 * 3600.0, 1e-6);
}

static void test_workload__weights_need_not_have_mean_one(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    double curve[TS_WEEK_HOURS];
    for (size_t hour = 0; hour < TS_WEEK_HOURS; hour++) {
        curve[hour] = hour < 84 ? 6.0 : 2.0;
    }
    workload.process.week_curve = curve;
    assert_near(ts_workload_expected_calls(&workload), 3600.0 * 1.5, 1e-6);
}

static void test_workload__a_trace_has_no_expected_calls(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = trace_workload("x.csv", &spec, 1);
    assert_true(ts_workload_expected_calls(&workload) == 0.0);
    assert_true(ts_workload_expected_calls_per_month(&workload) == 0.0);
}

static void test_week_curve__every_name_has_mean_one(void **state)
{
    (void)state;
    size_t n = 0;
    for (const char *const *name = ts_week_curve_names(); *name != NULL; name++, n++) {
        const double *curve = ts_week_curve(*name);
        double sum = 0.0;
        assert_non_null(curve);
        for (size_t hour = 0; hour < TS_WEEK_HOURS; hour++) {
            assert_true(curve[hour] > 0.0);
            sum += curve[hour];
        }
        assert_near(sum / TS_WEEK_HOURS, 1.0, 1e-12);
    }
    assert_int_equal(n, 3);
    assert_null(ts_week_curve("office"));
}

static double mean_of_hours(const double *curve, size_t day, size_t from, size_t to)
{
    double sum = 0.0;
    for (size_t hour = from; hour < to; hour++) {
        sum += curve[24 * day + hour];
    }
    return sum / (double)(to - from);
}

static void test_week_curve__office_week_peaks_on_working_days_by_daylight(void **state)
{
    (void)state;
    const double *curve = ts_week_curve("office-week");
    for (size_t day = 0; day < 5; day++) {
        assert_true(mean_of_hours(curve, day, 9, 17) > 4.0 * mean_of_hours(curve, day, 1, 6));
        assert_true(mean_of_hours(curve, day, 9, 17) > 3.0 * mean_of_hours(curve, 5, 9, 17));
        assert_true(mean_of_hours(curve, day, 9, 17) > 3.0 * mean_of_hours(curve, 6, 9, 17));
    }
}

static void test_week_curve__consumer_week_rests_at_the_weekend(void **state)
{
    (void)state;
    const double *curve = ts_week_curve("consumer-week");
    for (size_t day = 0; day < 5; day++) {
        assert_true(mean_of_hours(curve, day, 0, 24) > 1.5 * mean_of_hours(curve, 5, 0, 24));
        assert_true(mean_of_hours(curve, day, 0, 24) > 1.5 * mean_of_hours(curve, 6, 0, 24));
    }
}

/* Published: hourly peak/mean 3.0 (code) and 1.65 (conversation), peak/trough 29 and 3.5. */
static void test_week_curve__peaks_and_troughs_are_those_of_the_source(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double peak, peak_to_trough;
    } expected[] = {{"office-week", 3.0, 29.0}, {"consumer-week", 1.65, 3.5}};
    for (size_t i = 0; i < 2; i++) {
        const double *curve = ts_week_curve(expected[i].name);
        double most = curve[0];
        double least = curve[0];
        for (size_t hour = 0; hour < TS_WEEK_HOURS; hour++) {
            most = fmax(most, curve[hour]);
            least = fmin(least, curve[hour]);
        }
        assert_near(most, expected[i].peak, 0.01 * expected[i].peak);
        assert_near(most / least, expected[i].peak_to_trough, 0.015 * expected[i].peak_to_trough);
    }
}

static void test_token_dist__every_name_has_prompts_outputs_and_a_source(void **state)
{
    (void)state;
    size_t n = 0;
    for (const char *const *name = ts_token_dist_names(); *name != NULL; name++, n++) {
        struct ts_dist dist;
        for (int output = 0; output < 2; output++) {
            assert_true(ts_token_dist(&dist, *name, output != 0));
            assert_int_equal(dist.kind, TS_DIST_EMPIRICAL);
            for (size_t i = 1; i < dist.n; i++) {
                assert_true(dist.q[i] > dist.q[i - 1] && dist.x[i] >= dist.x[i - 1]);
            }
            assert_true(dist.x[0] >= 1.0);
        }
        assert_non_null(strstr(ts_token_dist_source(*name), "CC-BY-4.0"));
    }
    assert_int_equal(n, 2);
}

static void test_token_dist__an_unknown_name_leaves_the_output(void **state)
{
    (void)state;
    struct ts_dist dist = ts_dist_constant(7.0);
    assert_false(ts_token_dist(&dist, "azure", false));
    assert_true(dist.a == 7.0);
    assert_null(ts_token_dist_source("azure"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workload__needs_a_source_of_requests),
        cmocka_unit_test(test_workload__closed_loop_has_no_rate),
        cmocka_unit_test(test_workload__closed_loop_draws_what_a_rate_would),
        cmocka_unit_test(test_workload__generated_needs_a_finite_duration_start_and_gap),
        cmocka_unit_test(test_workload__curve_has_weights_of_at_least_zero_and_one_above),
        cmocka_unit_test(test_workload__shares_sum_to_one),
        cmocka_unit_test(test_workload__trace_has_a_scale_and_a_finite_repetition),
        cmocka_unit_test(test_workload__a_generated_stream_has_no_rows),
        cmocka_unit_test(test_workload__expected_calls_are_the_integral_of_the_curve),
        cmocka_unit_test(test_workload__weights_need_not_have_mean_one),
        cmocka_unit_test(test_workload__a_trace_has_no_expected_calls),
        cmocka_unit_test(test_week_curve__every_name_has_mean_one),
        cmocka_unit_test(test_week_curve__office_week_peaks_on_working_days_by_daylight),
        cmocka_unit_test(test_week_curve__consumer_week_rests_at_the_weekend),
        cmocka_unit_test(test_week_curve__peaks_and_troughs_are_those_of_the_source),
        cmocka_unit_test(test_token_dist__every_name_has_prompts_outputs_and_a_source),
        cmocka_unit_test(test_token_dist__an_unknown_name_leaves_the_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
