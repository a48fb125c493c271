/* Metrics, limits, and the terminal's summary. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report_fixture.h"
#include "reports/html.h"
#include "reports/metric.h"

static void expect_format(double value, const char *unit, const char *want)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_metric_format(&text, value, unit);
    assert_string_equal(text.data, want);
    ts_text_deinit(&text);
}

static void test_metric_format__says_what_a_reader_would(void **state)
{
    (void)state;
    expect_format(0.0423, "s", "42.3 ms");
    expect_format(0.9731, "frac", "97.31 %");
    expect_format(0.5, "frac", "50 %");
    expect_format(0.12, "frac/year", "12 %/year");
    expect_format(1234567.89, "USD", "1,234,568 USD");
    expect_format(12.344, "USD/month", "12.34 USD/month");
    expect_format(0.00451, "USD", "0.00451 USD");
    expect_format(0.0, "USD", "0 USD");
    expect_format(7.41, "months", "7.41 months");
    expect_format(INFINITY, "months", "never");
    expect_format(INFINITY, "1", "unlimited");
    expect_format(NAN, "s", "-");
    expect_format(41241.0, "1", "41,241");
}

static void test_metrics__each_has_a_unit_and_stands_once(void **state)
{
    (void)state;
    for (const struct ts_metric *metric = ts_metrics; metric->name != NULL; metric++) {
        assert_true(metric->unit[0] != '\0' && metric->stat[0] != '\0');
        assert_ptr_equal(ts_metric_find(metric->name, metric->stat), metric);
        bool seen = false;
        for (const struct ts_metric *before = ts_metrics; before < metric - 1; before++) {
            seen = seen || strcmp(before->name, metric->name) == 0;
        }
        if (metric > ts_metrics && strcmp((metric - 1)->name, metric->name) != 0) {
            assert_false(seen); /* metrics of one name follow one another */
        }
    }
    assert_null(ts_metric_find("ttft", "p42"));
}

static void test_metric_view__all_is_the_sum_of_the_tiers(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_metric_view all, part;
    double sum[3] = {0.0, 0.0, 0.0};
    report_fixture_day(&fixture);
    assert_int_equal(ts_metric_view_init(&all, &fixture.model, &fixture.result, &fixture.econ,
                                         ts_all_tiers(&fixture.model), TS_ALL_CLASSES),
                     TS_OK);
    for (uint32_t tier = 0; tier <= fixture.model.n_tiers; tier++) {
        assert_int_equal(
            ts_metric_view_init(&part, &fixture.model, &fixture.result, &fixture.econ, tier, TS_ALL_CLASSES), TS_OK);
        sum[0] += ts_metric_value(&part, "arrived", "sum");
        sum[1] += ts_metric_value(&part, "cost", "total");
        sum[2] += ts_metric_value(&part, "energy_use", "total");
        ts_metric_view_deinit(&part);
    }
    assert_true(sum[0] == ts_metric_value(&all, "arrived", "sum"));
    assert_true(fabs(sum[1] - fixture.econ.total_usd_per_month) < 1e-6);
    assert_true(fabs(sum[1] - ts_metric_value(&all, "cost", "total")) < 1e-6);
    assert_true(fabs(sum[2] - ts_metric_value(&all, "energy_use", "total")) < 1e-6);
    ts_metric_view_deinit(&all);
    report_fixture_deinit(&fixture);
}

static void test_metric_view__a_single_replication_has_no_money(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_metric_view view;
    report_fixture_tiny(&fixture);
    assert_int_equal(ts_metric_view_init(&view, &fixture.model, &fixture.result, NULL, 1, 0), TS_OK);
    assert_true(isnan(ts_metric_value(&view, "cost", "total")));
    assert_true(isnan(ts_metric_value(&view, "payback", "value")));
    assert_true(ts_metric_value(&view, "arrived", "sum") == 1.0);
    ts_metric_view_deinit(&view);
    report_fixture_deinit(&fixture);
}

static void test_limits__only_missed_ones_are_named(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text;
    ts_text_init(&text);
    report_fixture_tiny(&fixture);
    assert_int_equal(ts_report_limits(&text, &fixture.input), 0);
    assert_string_equal(text.data, "");
    fixture.model.slo.attainment_frac = 0.99; /* a promise, not a limit */
    fixture.model.limits = (struct ts_limits_model){0.7, 600.0, 1.0, 24.0};
    assert_int_equal(ts_report_limits(&text, &fixture.input), 3);
    assert_string_equal(text.data, "requests that met every promise: 60 %, at least 70 % wanted (limits.attainment)\n"
                                   "time to the first token (p95): 2 s, at most 1 s wanted (limits.ttft_p95)\n"
                                   "payback: never, at most 24 months wanted (limits.payback)\n");
    ts_text_deinit(&text);
    report_fixture_deinit(&fixture);
}

static void test_terminal__tiny_run_is_exact(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text;
    ts_text_init(&text);
    report_fixture_tiny(&fixture);
    assert_int_equal(ts_report_terminal(&text, &fixture.input), TS_OK);
    assert_string_equal(
        text.data,
        "hybrid\n"
        "Three tiers for a small firm\n"
        "60 min simulated, 5 requests, 3 tiers, seed 42\n"
        "\n"
        "  cost       582.5 USD/month; all calls to the API: 547.5 USD/month; costs 35 USD (6.39 %) more\n"
        "  payback    never within 36 months; discounted: never; calls that policy lets out only: never\n"
        "  promises   60 % of requests were answered; no time was promised\n"
        "  speed      first token 500 ms (p95 2 s), whole answer 1.75 s (p95 2.25 s)\n"
        "  energy     1460 kWh/month, 584 kg CO2/month; 189.4 USD/Mtok; expected right: 50 %\n"
        "  not done   1 rejected, 0 timed out, 0 unfinished\n"
        "\n"
        "tier     requests  TTFT p50     p95  TPOT p50  E2E p50     p95  in time  kWh/mo  USD/mo\n"
        "-------  --------  --------  ------  --------  -------  ------  -------  ------  ------\n"
        "phone           1    500 ms  500 ms    100 ms    1.5 s   1.5 s    100 %       0       0\n"
        "edge            2    250 ms     2 s     20 ms      2 s  2.25 s     50 %    1460     400\n"
        "cloud           1    750 ms  750 ms     10 ms   1.75 s  1.75 s    100 %       0     183\n"
        "nowhere         1         -       -         -        -       -      0 %       0       0\n"
        "all             5    500 ms     2 s     20 ms   1.75 s  2.25 s     60 %    1460     583\n"
        "\n"
        "11 assumptions: 3 scenario, 1 command line, 1 default, 3 catalog, 1 measured, 1 fitted, 1 modelled\n");
    ts_text_deinit(&text);
    report_fixture_deinit(&fixture);
}

static void check_lines(const char *text)
{
    size_t width = 0, n_lines = 0;
    for (; *text != '\0'; text++) {
        assert_true((unsigned char)*text >= 0x20 || *text == '\n');
        width = *text == '\n' ? 0 : width + (((unsigned char)*text & 0xc0) != 0x80);
        n_lines += *text == '\n';
        assert_true(width <= 100);
    }
    assert_true(n_lines <= 40);
}

static void test_terminal__fits_a_screen_whatever_the_names(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text;
    void (*const make[])(struct report_fixture *) = {report_fixture_tiny, report_fixture_day, report_fixture_hostile};
    for (size_t i = 0; i < sizeof make / sizeof *make; i++) {
        ts_text_init(&text);
        make[i](&fixture);
        assert_int_equal(ts_report_terminal(&text, &fixture.input), TS_OK);
        check_lines(text.data);
        ts_text_deinit(&text);
        report_fixture_deinit(&fixture);
    }
}

static void test_html_put__leaves_nothing_with_a_meaning(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    ts_html_put(&text, "<a href='x' on=\"`y`\">&\n\001caf\303\251");
    assert_string_equal(text.data, "&lt;a href=&#39;x&#39; on=&quot;&#96;y&#96;&quot;&gt;&amp;  caf\xc3\xa9");
    ts_text_clear(&text);
    ts_html_put(&text, NULL);
    assert_string_equal(text.data, "");
    ts_text_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric_format__says_what_a_reader_would),
        cmocka_unit_test(test_metrics__each_has_a_unit_and_stands_once),
        cmocka_unit_test(test_metric_view__all_is_the_sum_of_the_tiers),
        cmocka_unit_test(test_metric_view__a_single_replication_has_no_money),
        cmocka_unit_test(test_limits__only_missed_ones_are_named),
        cmocka_unit_test(test_terminal__tiny_run_is_exact),
        cmocka_unit_test(test_terminal__fits_a_screen_whatever_the_names),
        cmocka_unit_test(test_html_put__leaves_nothing_with_a_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
