/* A mix of processes: steps, times on and off, holidays, a trend and a tick change when requests come as they say, and
 * the mean stays; lengths go together; prompts begin as asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include <math.h>

#include "base/units.h"
#include "tests/traces/traces_test.h"
#include "traces/reuse.h"

enum { MAX_COUNTS = 512 };

struct counted {
    double n[MAX_COUNTS]; /* by step */
    double of_class[4], total, prompt_tok, shared_tok;
    double sum_in, sum_out, sum_in2, sum_out2, sum_both;
};

static void count(struct counted *out, const struct ts_workload *workload, uint64_t seed, double step_s)
{
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    int got = 1;
    *out = (struct counted){.total = 0.0};
    assert_int_equal(ts_workload_open(&stream, workload, seed, 0, NULL, NULL), TS_OK);
    int64_t last_ns = 0;
    while (ts_request_next(stream, &request, &got, NULL) == TS_OK && got) {
        const size_t at = (size_t)((double)request.arrival_ns * 1e-9 / step_s);
        assert_true(request.arrival_ns >= last_ns && at < MAX_COUNTS);
        last_ns = request.arrival_ns;
        out->n[at] += 1.0;
        out->of_class[request.class_id] += 1.0;
        out->total += 1.0;
        const double in = request.prompt_tok, told = request.output_tok;
        out->sum_in += in;
        out->sum_out += told;
        out->sum_in2 += in * in;
        out->sum_out2 += told * told;
        out->sum_both += in * told;
    }
    ts_request_stream_destroy(stream);
}

static void test_mix__steps_have_their_weights_over_and_over(void **state)
{
    (void)state;
    static const double weights[] = {1.0, 4.0, 0.0, 3.0};
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    struct counted counted;
    workload.calls_per_s = 20.0;
    workload.window.duration_s = 8000.0;
    workload.process.rates = weights;
    workload.process.n_rates = 4;
    workload.process.rate_step_s = 1000.0;
    assert_near(ts_workload_expected_calls(&workload), 160000.0, 1e-6);
    count(&counted, &workload, 1, 1000.0);
    for (size_t i = 0; i < 8; i++) {
        const double expected = 10000.0 * weights[i % 4];
        assert_near(counted.n[i], expected, 5.0 * sqrt(expected) + 1e-9);
    }
}

/* Steps and hours multiply: 90 minutes on weights 1 and 2 of half an hour each. */
static void test_mix__steps_and_hours_multiply(void **state)
{
    (void)state;
    static const double weights[] = {1.0, 2.0};
    double week[TS_WEEK_HOURS];
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    struct counted counted;
    for (size_t i = 0; i < TS_WEEK_HOURS; i++) {
        week[i] = i % 2 == 0 ? 0.5 : 1.5;
    }
    workload.calls_per_s = 20.0;
    workload.window.duration_s = 7200.0;
    workload.window.start_hour = 9.5;
    workload.process.week_curve = week;
    workload.process.rates = weights;
    workload.process.n_rates = 2;
    workload.process.rate_step_s = 1800.0;
    static const double expected[] = {1.5, 0.5 * 2.0, 0.5, 1.5 * 2.0}; /* of hours 9, 10, 10, 11, by the steps */
    count(&counted, &workload, 1, 1800.0);
    double sum = 0.0;
    for (size_t i = 0; i < 4; i++) {
        const double mean = 20.0 * 1800.0 * expected[i] / 1.5;
        assert_near(counted.n[i], mean, 5.0 * sqrt(mean));
        sum += mean;
    }
    assert_near(ts_workload_expected_calls(&workload), sum, 1e-6);
}

/* On 20 s, off 60 s: a quarter of the seconds have four times the rate; by seconds variance/mean is 1 + 3 x 4 x ... */
static void test_mix__times_on_and_off_keep_the_mean(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    workload.calls_per_s = 10.0;
    workload.window.duration_s = 500.0;
    workload.process.has_bursts = true;
    workload.process.on_s = ts_dist_exponential(20.0);
    workload.process.off_s = ts_dist_exponential(60.0);
    double sum = 0.0, n_empty = 0.0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct counted counted;
        count(&counted, &workload, seed, 1.0);
        sum += counted.total;
        for (size_t i = 0; i < 500; i++) {
            n_empty += counted.n[i] == 0.0;
        }
    }
    assert_near(sum / 400.0, 5000.0, 200.0);
    assert_near(n_empty / (400.0 * 500.0), 0.75 - 1.0 / 80.0, 0.02);
}

static void test_mix__holidays_are_like_sundays(void **state)
{
    (void)state;
    static const double days[] = {2.0};
    double week[TS_WEEK_HOURS];
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    struct counted counted;
    for (size_t i = 0; i < TS_WEEK_HOURS; i++) {
        week[i] = i >= 144 ? 1.0 : 4.0;
    }
    workload.calls_per_s = 0.5;
    workload.window.duration_s = 3.0 * 86400.0;
    workload.window.holidays = days;
    workload.window.n_holidays = 1;
    workload.process.week_curve = week;
    count(&counted, &workload, 1, 86400.0);
    assert_near(counted.n[1] / counted.n[0], 0.25, 0.01);
    assert_near(counted.n[2] / counted.n[0], 1.0, 0.03);
    assert_near(counted.total, ts_workload_expected_calls(&workload), 5.0 * sqrt(counted.total));
}

static void test_mix__a_trend_grows_by_the_month(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    struct counted counted;
    workload.calls_per_s = 0.05;
    workload.window.duration_s = 2.0 * TS_S_PER_MONTH;
    workload.window.trend_frac_per_month = 0.5;
    count(&counted, &workload, 1, TS_S_PER_MONTH);
    assert_near(counted.n[1] / counted.n[0], 1.5, 0.02);
    /* the integral of 1.5^t from 0 to 2: 1.25 / ln 1.5 months */
    assert_near(ts_workload_expected_calls(&workload) / (0.05 * TS_S_PER_MONTH), 1.25 / log(1.5), 2e-3);
}

static void test_mix__a_tick_rounds_down(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    struct ts_request request;
    struct ts_request_stream *stream = NULL;
    int got = 1;
    workload.tick_s = 3.0;
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
    while (ts_request_next(stream, &request, &got, NULL) == TS_OK && got) {
        assert_int_equal(request.arrival_ns % 3000000000, 0);
    }
    ts_request_stream_destroy(stream);
}

static void test_mix__classes_of_their_own_have_their_share_and_hours(void **state)
{
    (void)state;
    static const double early[] = {1.0, 0.0};
    const struct ts_process own = {
        .gap = ts_dist_gamma_mean_cv(1.0, 2.0), .rates = early, .n_rates = 2, .rate_step_s = 5000.0};
    struct ts_class_spec specs[3] = {plain_class(), plain_class(), plain_class()};
    struct ts_workload workload = plain_workload(specs, 3);
    struct counted counted;
    specs[0].share = 0.5;
    specs[1].share = 0.2;
    specs[2].share = 0.3;
    specs[1].process = &own;
    specs[1].prompt_tok = ts_dist_constant(7.0);
    workload.calls_per_s = 10.0;
    workload.window.duration_s = 10000.0;
    count(&counted, &workload, 5, 5000.0);
    assert_near(counted.of_class[0], 50000.0, 1200.0);
    assert_near(counted.of_class[1], 20000.0, 1500.0);
    assert_near(counted.of_class[2], 30000.0, 900.0);
    assert_near(counted.n[0] - counted.n[1], counted.of_class[1], 2500.0);
    assert_near(counted.sum_in, 100.0 * (counted.of_class[0] + counted.of_class[2]) + 7.0 * counted.of_class[1], 0.1);
    assert_near(ts_workload_expected_calls(&workload), 100000.0, 1e-3);
}

static void test_mix__lengths_go_together(void **state)
{
    (void)state;
    const struct ts_length_row rows[] = {
        {.share = 0.5, .prompt_tok = ts_dist_uniform(100.0, 200.0), .output_tok = ts_dist_constant(50.0)},
        {.share = 0.5, .prompt_tok = ts_dist_uniform(1000.0, 1100.0), .output_tok = ts_dist_constant(10.0)},
    };
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    struct counted c;
    spec.lengths = rows;
    spec.n_lengths = 2;
    workload.window.duration_s = 20000.0;
    count(&c, &workload, 1, 20000.0);
    const double cov = c.sum_both / c.total - c.sum_in / c.total * (c.sum_out / c.total);
    const double sd_in = sqrt(c.sum_in2 / c.total - pow(c.sum_in / c.total, 2.0));
    const double sd_out = sqrt(c.sum_out2 / c.total - pow(c.sum_out / c.total, 2.0));
    assert_true(cov / (sd_in * sd_out) < -0.99);
    assert_near(c.sum_in / c.total, 600.0, 15.0);
}

/* A cache without bounds finds the share that was asked for; one of few prompts only what came shortly before. */
static void test_mix__prompts_begin_as_earlier_ones_did(void **state)
{
    (void)state;
    enum { N = 3000, MAX_IDS = 16 };
    static const double q[] = {0.0, 0.5, 1.0}, x[] = {0.0, 0.0, 1.0};
    static uint64_t seen[N * MAX_IDS];
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    size_t n_seen = 0, n_ids = 0, n_found = 0, n = 0;
    int got = 1;
    spec.prompt_tok = ts_dist_uniform(10.0, 160.0);
    spec.has_prefixes = true;
    spec.prefix_frac = ts_dist_empirical(q, x, 3);
    spec.prefix_lag = ts_dist_constant(5.0);
    workload.prefix_block_tok = 10;
    workload.window.duration_s = 1e6;
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
    for (; n < N && ts_request_next(stream, &request, &got, NULL) == TS_OK && got; n++) {
        assert_int_equal(request.prefix.n_ids, (request.prompt_tok + 9) / 10);
        bool found = true;
        for (size_t i = 0; i < request.prefix.n_ids; i++) {
            bool known = false;
            for (size_t k = n_seen; k > 0 && !known; k--) {
                known = seen[k - 1] == request.prefix.ids[i];
            }
            assert_true(found || !known); /* what is shared is the beginning */
            found = found && known;
            n_found += found;
        }
        for (size_t i = 0; i < request.prefix.n_ids; i++) {
            seen[n_seen++] = request.prefix.ids[i];
        }
        n_ids += request.prefix.n_ids;
    }
    assert_int_equal(n, N);
    assert_near((double)n_found / (double)n_ids, 0.25, 0.02);
    ts_request_stream_destroy(stream);
}

/* Prompts of 10 ids that begin with 3 to 8 of an earlier one: the part of those which another has gone on with before.
 */
static double branches(double wanted)
{
    enum { N = 2000 };
    static const double q[] = {0.0, 0.5, 1.0}, x[] = {0.0, 0.3, 0.8};
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    struct ts_reuse *reuse = ts_reuse_create();
    struct ts_reuse_found found;
    bool gone_on[N] = {false};
    size_t n = 0, n_found = 0, n_branches = 0;
    int got = 1;
    spec.prompt_tok = ts_dist_constant(100.0);
    spec.has_prefixes = true;
    spec.prefix_frac = ts_dist_empirical(q, x, 3);
    spec.prefix_lag = ts_dist_uniform(1.0, 60.0);
    spec.has_branches = true;
    spec.branch_frac = wanted;
    workload.prefix_block_tok = 10;
    workload.window.duration_s = 1e6;
    assert_non_null(reuse);
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
    for (; n < N && ts_request_next(stream, &request, &got, NULL) == TS_OK && got; n++) {
        assert_true(ts_reuse_add(&found, reuse, 0, &request.prefix, request.prompt_tok));
        if (found.lag > 0) {
            n_found++;
            n_branches += gone_on[n - found.lag];
            gone_on[n - found.lag] = true;
        }
    }
    assert_int_equal(n, N);
    assert_true(n_found > N / 2);
    ts_request_stream_destroy(stream);
    ts_reuse_destroy(reuse);
    return (double)n_branches / (double)n_found;
}

static void test_mix__prompts_go_on_or_branch(void **state)
{
    (void)state;
    assert_near(branches(0.0), 0.0, 0.03);
    assert_near(branches(0.3), 0.3, 0.06);
}

/* Shares of 50 % each, in the first half of the window all of one row, in the second 1 : 3. */
static void test_mix__shares_of_lengths_follow_the_window(void **state)
{
    (void)state;
    static const double falls[] = {2.0, 0.5}, rises[] = {0.0, 1.5};
    const struct ts_length_row rows[] = {{.share = 0.5,
                                          .prompt_tok = ts_dist_constant(10.0),
                                          .output_tok = ts_dist_constant(1.0),
                                          .prefix_frac = ts_dist_constant(0.0),
                                          .over_time = falls,
                                          .n_over_time = 2},
                                         {.share = 0.5,
                                          .prompt_tok = ts_dist_constant(30.0),
                                          .output_tok = ts_dist_constant(1.0),
                                          .prefix_frac = ts_dist_constant(0.5),
                                          .has_lag = true,
                                          .prefix_lag = ts_dist_constant(1.0),
                                          .over_time = rises,
                                          .n_over_time = 2}};
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    size_t n[2][2] = {{0, 0}, {0, 0}};
    int got = 1;
    spec.lengths = rows;
    spec.n_lengths = 2;
    spec.has_prefixes = true;
    spec.prefix_lag = ts_dist_constant(1000.0);
    workload.prefix_block_tok = 10;
    workload.window.duration_s = 40000.0;
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
    while (ts_request_next(stream, &request, &got, NULL) == TS_OK && got) {
        n[request.arrival_ns >= INT64_C(20000) * 1000000000][request.prompt_tok == 30]++;
    }
    ts_request_stream_destroy(stream);
    assert_true(n[0][0] > 1000);
    assert_int_equal(n[0][1], 0);
    assert_near((double)n[1][1] / (double)(n[1][0] + n[1][1]), 0.75, 0.03);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mix__steps_have_their_weights_over_and_over),
        cmocka_unit_test(test_mix__steps_and_hours_multiply),
        cmocka_unit_test(test_mix__times_on_and_off_keep_the_mean),
        cmocka_unit_test(test_mix__holidays_are_like_sundays),
        cmocka_unit_test(test_mix__a_trend_grows_by_the_month),
        cmocka_unit_test(test_mix__a_tick_rounds_down),
        cmocka_unit_test(test_mix__classes_of_their_own_have_their_share_and_hours),
        cmocka_unit_test(test_mix__lengths_go_together),
        cmocka_unit_test(test_mix__prompts_begin_as_earlier_ones_did),
        cmocka_unit_test(test_mix__prompts_go_on_or_branch),
        cmocka_unit_test(test_mix__shares_of_lengths_follow_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
