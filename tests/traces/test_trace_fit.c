/* A process is learned so that it has the burstiness it was learned from; a sample becomes a workload that says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include <math.h>

#include "tests/traces/traces_test.h"
#include "traces/fit_arrivals.h"
#include "traces/trace_compare.h"
#include "traces/trace_fit.h"

enum { MAX_TIMES = 100000 };

static size_t draw(double *times_s, const struct ts_process *process, double calls_per_s, double duration_s)
{
    const struct ts_window window = {.duration_s = duration_s};
    struct ts_arrivals *arrivals = ts_arrivals_create(process, &window, calls_per_s, (struct ts_arrivals_key){7, 0, 0});
    size_t n = 0;
    for (double at = ts_arrivals_next(arrivals); isfinite(at); at = ts_arrivals_next(arrivals)) {
        assert_true(n < MAX_TIMES);
        times_s[n++] = at;
    }
    ts_arrivals_destroy(arrivals);
    return n;
}

static struct ts_process process_of(const struct ts_fit_process *fit)
{
    return (struct ts_process){.gap = ts_gap_dist(fit->gap, fit->gap_cv),
                               .has_bursts = fit->gap == TS_GAPS_ON_OFF,
                               .on_s = ts_dist_exponential(fit->gaps.on > 0.0 ? fit->gaps.on : 1.0),
                               .off_s = ts_dist_exponential(fit->gaps.off > 0.0 ? fit->gaps.off : 1.0),
                               .rates = fit->rates,
                               .n_rates = fit->n_rates,
                               .rate_step_s = fit->rate_step_s,
                               .counts_steps = fit->n_rates > 0};
}

static void assert_learned(const struct ts_process *process, double calls_per_s, double duration_s, double tolerance)
{
    static double times_s[MAX_TIMES], again_s[MAX_TIMES];
    struct ts_fit_process fit;
    const size_t n = draw(times_s, process, calls_per_s, duration_s);
    assert_int_equal(ts_fit_process(&fit, times_s, n, duration_s, -1.0, 0.0), TS_OK);
    const struct ts_process learned = process_of(&fit);
    const size_t n_again = draw(again_s, &learned, fit.calls_per_s, duration_s);
    assert_near((double)n_again / (double)n, 1.0, 0.05);
    for (size_t i = 0; i < TS_FIT_SCALES; i++) {
        const double was = ts_dispersion(times_s, n, duration_s, ts_fit_scales_s[i]);
        assert_near(ts_dispersion(again_s, n_again, duration_s, ts_fit_scales_s[i]) / was, 1.0, tolerance);
    }
    ts_fit_process_deinit(&fit);
}

static void test_fit__has_the_burstiness_of_what_it_learned_from(void **state)
{
    (void)state;
    static const double slow[] = {1.0, 2.0, 4.0, 0.5};
    struct ts_process process = {.gap = ts_dist_exponential(1.0)};
    assert_learned(&process, 4.0, 3600.0, 0.2);
    process.rates = slow;
    process.n_rates = 4;
    process.rate_step_s = 400.0;
    process.gap = ts_dist_gamma_mean_cv(1.0, 1.5);
    assert_learned(&process, 4.0, 3600.0, 0.2);
    process.n_rates = 0;
    process.has_bursts = true;
    process.on_s = ts_dist_exponential(30.0);
    process.off_s = ts_dist_exponential(50.0);
    assert_learned(&process, 3.0, 3600.0, 0.2);
}

/* Times on and off are told as that, with their means, where there are enough of them; and a trace of what was learned
 * has the bursts. */
static void test_fit__times_on_and_off_are_learned(void **state)
{
    (void)state;
    static double times_s[MAX_TIMES], again_s[MAX_TIMES];
    const double duration_s = 20000.0;
    struct ts_process process = {.gap = ts_dist_exponential(1.0),
                                 .has_bursts = true,
                                 .on_s = ts_dist_exponential(5.0),
                                 .off_s = ts_dist_exponential(15.0)};
    struct ts_fit_process fit;
    const size_t n = draw(times_s, &process, 3.0, duration_s);
    assert_int_equal(ts_fit_process(&fit, times_s, n, duration_s, -1.0, 0.0), TS_OK);
    assert_int_equal(fit.gap, TS_GAPS_ON_OFF);
    assert_int_equal(fit.n_rates, 0);
    assert_near(fit.gaps.on / 5.0, 1.0, 0.1); /* 1,000 times: 3 standard deviations */
    assert_near(fit.gaps.off / 15.0, 1.0, 0.1);
    process.on_s = ts_dist_exponential(fit.gaps.on);
    process.off_s = ts_dist_exponential(fit.gaps.off);
    const size_t n_again = draw(again_s, &process, fit.calls_per_s, duration_s);
    for (size_t i = 0; i < TS_FIT_SCALES; i++) {
        const double was = ts_dispersion(times_s, n, duration_s, ts_fit_scales_s[i]);
        assert_near(ts_dispersion(again_s, n_again, duration_s, ts_fit_scales_s[i]) / was, 1.0, 0.2);
    }
    ts_fit_process_deinit(&fit);
}

/* Poisson arrivals are told as that. */
static void test_fit__a_constant_rate_has_no_steps(void **state)
{
    (void)state;
    static double times_s[MAX_TIMES];
    const struct ts_process process = {.gap = ts_dist_exponential(1.0)};
    struct ts_fit_process fit;
    const size_t n = draw(times_s, &process, 1.0, 80000.0);
    assert_int_equal(ts_fit_process(&fit, times_s, n, 80000.0, -1.0, 0.0), TS_OK);
    assert_int_equal(fit.n_rates, 0);
    assert_near(fit.gap_cv, 1.0, 0.1);
    assert_near(fit.calls_per_s, 1.0, 0.02);
    ts_fit_process_deinit(&fit);
}

static void test_fit__the_hours_of_a_week_are_learned_from_a_week(void **state)
{
    (void)state;
    static double times_s[MAX_TIMES];
    const double week_s = 168.0 * 3600.0;
    const struct ts_process process = {.gap = ts_dist_exponential(1.0), .week_curve = ts_week_curve("office-week")};
    struct ts_fit_process fit;
    const size_t n = draw(times_s, &process, 0.12, week_s);
    assert_int_equal(ts_fit_process(&fit, times_s, n, week_s, 0.0, 0.0), TS_OK);
    assert_true(fit.follows_week || fit.n_rates > 0);
    if (fit.follows_week) {
        assert_near(fit.week[15] / fit.week[3], 2.7934 / 0.3198, 2.5);
    }
    ts_fit_process_deinit(&fit);
}

static void test_fit__a_tick_is_what_all_times_are_multiples_of(void **state)
{
    (void)state;
    int64_t times_ns[30];
    for (int64_t i = 0; i < 30; i++) {
        times_ns[i] = (i * i % 17 + i * 5) * 3000000000;
    }
    assert_near(ts_fit_tick_s(times_ns, 30), 3.0, 1e-12);
    times_ns[4] += 1000000;
    assert_near(ts_fit_tick_s(times_ns, 30), 0.0, 1e-12);
    assert_near(ts_fit_tick_s(times_ns, 3), 0.0, 1e-12);
}

/* ---- a sample ---- */

/* Of two classes: a's prompts are short, b's long. */
static void fill(struct ts_trace_sample *out, size_t n, uint32_t n_classes)
{
    *out = (struct ts_trace_sample){.rows = calloc(n, sizeof *out->rows), .n = n, .reuse = ts_reuse_create()};
    for (size_t i = 0; i < n; i++) {
        out->rows[i] = (struct ts_trace_sample_row){.arrival_ns = (int64_t)i * 500000001,
                                                    .prompt_tok = (uint32_t)(i % n_classes == 0 ? 10 + i % 50 : 5000),
                                                    .output_tok = (uint32_t)(i % 7 + 1),
                                                    .class_id = (uint16_t)(i % n_classes)};
    }
}

static enum ts_status fit(struct ts_text *out, const struct ts_trace_sample *sample, const char *const *names,
                          uint32_t n_names, struct ts_diags *diags)
{
    const struct ts_fit_options how = {.label = "some.csv", .names = names, .n_names = n_names};
    ts_text_init(out);
    return ts_trace_fit(out, sample, &how, diags);
}

static void test_fit__each_class_has_arrivals_and_lengths(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "it's b"};
    struct ts_trace_sample sample;
    struct ts_text text;
    fill(&sample, 2000, 2);
    assert_int_equal(fit(&text, &sample, names, 2, NULL), TS_OK);
    assert_non_null(strstr(text.data, "# Learned from some.csv by `tiersim trace fit`: 2000 requests over 1000 s.\n"));
    assert_non_null(strstr(text.data, "  calls: 2/s\n"));
    assert_non_null(
        strstr(text.data, "    - name: 'a'\n      share: 50 %\n      arrivals:\n        gaps: {gamma: {cv: "));
    assert_non_null(strstr(text.data, "    - name: 'it''s b'\n"));
    assert_non_null(strstr(text.data, "- {share: 5 %, prompt: 5000 tok, output: {quantiles: {0: 1, "));
    ts_text_deinit(&text);
    ts_trace_sample_deinit(&sample);
}

/* First prompts like none before, then longer ones that begin as those did: two tables, each with its half. */
static void test_fit__what_comes_may_change_over_time(void **state)
{
    (void)state;
    struct ts_trace_sample sample;
    struct ts_text text;
    fill(&sample, 1800, 1);
    assert_int_equal(fit(&text, &sample, NULL, 0, NULL), TS_OK);
    assert_null(strstr(text.data, "over_time"));
    ts_text_deinit(&text);
    sample.block_tok = 16;
    for (size_t i = 0; i < 900; i++) {
        sample.rows[i].n_before = (uint32_t)i;
    }
    for (size_t i = 900; i < sample.n; i++) {
        sample.rows[i].prompt_tok += 1000;
        sample.rows[i].n_before = (uint32_t)i;
        sample.rows[i].lag = i % 2 == 0 ? 700 : 701; /* two go on with each of those, the second one is a branch */
        sample.rows[i].prefix_frac = 0.5F;
    }
    assert_int_equal(fit(&text, &sample, NULL, 0, NULL), TS_OK);
    const char *fresh = strstr(text.data, ", 0, 0, 0]}");
    const char *continued = strstr(text.data, "prefix: 0.5, prefix_lag: {quantiles: {0: 700, ");
    assert_non_null(strstr(text.data, "prefix_branch: 50 %\n"));
    assert_non_null(fresh);
    assert_non_null(continued);
    assert_non_null(strstr(continued, "100: 701}}, over_time: [0, 0, 0, "));
    assert_true(fresh < continued);
    assert_null(strstr(continued, ", 0, 0, 0]}"));
    ts_text_deinit(&text);
    ts_trace_sample_deinit(&sample);
}

static void test_fit__beyond_32_classes_the_least_frequent_are_one(void **state)
{
    (void)state;
    static char words[40][8];
    const char *names[40];
    struct ts_trace_sample sample;
    struct ts_text text;
    for (size_t i = 0; i < 40; i++) {
        (void)snprintf(words[i], sizeof words[i], "c%zu", i);
        names[i] = words[i];
    }
    fill(&sample, 4000, 40);
    assert_int_equal(fit(&text, &sample, names, 40, NULL), TS_OK);
    size_t n = 0;
    for (const char *at = text.data; (at = strstr(at, "    - name: ")) != NULL; at++) {
        n++;
    }
    assert_int_equal(n, TS_FIT_MAX_CLASSES);
    assert_non_null(strstr(text.data, "    - name: 'rest'\n      share: 22.5 %\n"));
    ts_text_deinit(&text);
    ts_trace_sample_deinit(&sample);
}

static void test_fit__too_few_requests_are_told(void **state)
{
    (void)state;
    struct ts_trace_sample sample;
    struct ts_diags diags;
    struct ts_text text;
    ts_diags_init(&diags);
    fill(&sample, 5, 1);
    assert_int_equal(fit(&text, &sample, NULL, 0, &diags), TS_EINPUT);
    assert_diags(&diags, NULL, "error: too few requests to learn from: 5 of at least 20, over 2 s\n");
    ts_text_deinit(&text);
    ts_trace_sample_deinit(&sample);
}

static void test_fit__names_are_learned_from_the_file(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_trace_names names = {.n = 0};
    const struct ts_trace_options how = {.learns = &names};
    struct ts_request_stream *stream = NULL;
    struct ts_request requests[8];
    write_text(&file, "timestamp,prompt_tokens,output_tokens,class\n1,5,5,chat\n2,5,5,code\n3,5,5,\n4,5,5,chat\n");
    assert_int_equal(ts_trace_open_as(&stream, file.path, &how, NULL), TS_OK);
    assert_int_equal(read_all(stream, requests, 8), 4);
    assert_int_equal(names.n, 3);
    assert_string_equal(names.names[requests[0].class_id], "chat");
    assert_string_equal(names.names[requests[1].class_id], "code");
    assert_string_equal(names.names[requests[2].class_id], "");
    assert_int_equal(requests[3].class_id, requests[0].class_id);
    ts_request_stream_destroy(stream);
    ts_trace_names_deinit(&names);
    remove_file(&file);
}

/* ---- comparing ---- */

static void test_compare__like_with_like(void **state)
{
    (void)state;
    struct ts_trace_sample sample;
    struct ts_compared rows[TS_MAX_COMPARED];
    fill(&sample, 1000, 2);
    const size_t n = ts_trace_compare(rows, &sample, &sample);
    assert_in_range(n, 14, TS_MAX_COMPARED);
    for (size_t i = 0; i < n; i++) {
        assert_near(rows[i].values[0], rows[i].values[1], 0.0);
    }
    assert_near(rows[0].values[0], 1000.0, 0.0);
    assert_near(rows[1].values[0], 1.999999996, 1e-6);
    ts_trace_sample_deinit(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit__has_the_burstiness_of_what_it_learned_from),
        cmocka_unit_test(test_fit__times_on_and_off_are_learned),
        cmocka_unit_test(test_fit__a_constant_rate_has_no_steps),
        cmocka_unit_test(test_fit__the_hours_of_a_week_are_learned_from_a_week),
        cmocka_unit_test(test_fit__a_tick_is_what_all_times_are_multiples_of),
        cmocka_unit_test(test_fit__each_class_has_arrivals_and_lengths),
        cmocka_unit_test(test_fit__what_comes_may_change_over_time),
        cmocka_unit_test(test_fit__beyond_32_classes_the_least_frequent_are_one),
        cmocka_unit_test(test_fit__too_few_requests_are_told),
        cmocka_unit_test(test_fit__names_are_learned_from_the_file),
        cmocka_unit_test(test_compare__like_with_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
