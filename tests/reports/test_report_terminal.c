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
#include "reports/report_parts.h"

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

static void test_figures__all_is_the_sum_of_the_tiers(void **state)
{
    (void)state;
    struct report_fixture fixture;
    double sum[3] = {0.0, 0.0, 0.0};
    report_fixture_day(&fixture);
    struct ts_report *report = report_fixture_report(&fixture);
    for (uint32_t i = 0; i <= fixture.model.n_tiers; i++) {
        const uint32_t tier = ts_figure_tier(&report->list, i);
        sum[0] += ts_report_value(report, tier, "arrived", "sum");
        sum[1] += ts_report_value(report, tier, "cost", "total");
        sum[2] += ts_report_value(report, tier, "energy_use", "total");
    }
    assert_true(sum[0] == ts_report_value(report, TS_SUBJECT_ALL, "arrived", "sum"));
    assert_true(fabs(sum[1] - fixture.econ.total_usd_per_month) < 1e-6);
    assert_true(fabs(sum[1] - ts_report_value(report, TS_SUBJECT_ALL, "cost", "total")) < 1e-6);
    assert_true(fabs(sum[2] - ts_report_value(report, TS_SUBJECT_ALL, "energy_use", "total")) < 1e-6);
    ts_report_destroy(report);
    report_fixture_deinit(&fixture);
}

static void test_figures__a_single_replication_has_no_money_and_no_classes(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_figure_list list;
    report_fixture_tiny(&fixture);
    assert_int_equal(ts_figure_list_init(&list, &fixture.model, TS_FIGURES_OF_ONE), TS_OK);
    double *values = calloc(list.n, sizeof *values);
    assert_non_null(values);
    assert_int_equal(ts_figures_compute(values, &list, &fixture.result, NULL), TS_OK);
    assert_int_equal(list.n_subjects, FIXTURE_TIERS + 2);
    assert_true(isnan(ts_figure_value(&list, values, TS_SUBJECT_ALL, ts_metric_find("cost", "total"))));
    assert_true(isnan(ts_figure_value(&list, values, TS_SUBJECT_ALL, ts_metric_find("payback", "value"))));
    assert_true(ts_figure_value(&list, values, ts_figure_tier(&list, 1), ts_metric_find("arrived", "sum")) == 2.0);
    free(values);
    ts_figure_list_deinit(&list);
    report_fixture_deinit(&fixture);
}

static void expect_doubt(const struct ts_report *report, enum ts_doubt doubt, const char *want)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_report_put_doubt(&text, report, doubt);
    assert_string_equal(text.data, want);
    ts_text_deinit(&text);
}

/* No more digits than the interval knows; without one, all that there are. */
static void test_doubts__come_with_their_interval(void **state)
{
    (void)state;
    struct report_fixture fixture;
    report_fixture_tiny(&fixture);
    struct ts_report *report = report_fixture_report(&fixture);
    struct ts_text plain, drawn;
    ts_text_init(&plain);
    ts_text_init(&drawn);
    ts_report_put(&plain, report, TS_SUBJECT_ALL, "ttft", "p95");
    expect_doubt(report, TS_DOUBT_TTFT, plain.data);
    ts_report_destroy(report);
    report_fixture_draw(&fixture);
    report = report_fixture_report(&fixture);
    expect_doubt(report, TS_DOUBT_TTFT, "2 s [400 ms, 1.5 s]");
    expect_doubt(report, TS_DOUBT_PAYBACK, "never [7.2, never]");
    expect_doubt(report, TS_DOUBT_ATTAINMENT, "60 % [97.1, 99]");
    assert_true(fabs(ts_report_step(&(struct ts_interval){11913.0, 13000.0, 15310.0}) - 100.0) < 1e-9);
    assert_int_equal(ts_report_uncertainty_text(&drawn, report), TS_OK);
    assert_non_null(strstr(drawn.data, "10,000 draws of 2 uncertain inputs (1 written, 1 by default)"));
    assert_non_null(strstr(drawn.data, "pays back within 12 months 25 %, 24 months 75 %; keeps its SLO 99 %"));
    assert_true(strstr(drawn.data, "\nmoney.growth *") < strstr(drawn.data, "\ntiers.edge.owned.capex "));
    ts_text_deinit(&plain);
    ts_text_deinit(&drawn);
    ts_report_destroy(report);
    report_fixture_deinit(&fixture);
}

static void test_limits__only_missed_ones_are_named(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text;
    ts_text_init(&text);
    report_fixture_tiny(&fixture);
    struct ts_report *report = report_fixture_report(&fixture);
    assert_int_equal(ts_report_limits(&text, report), 0);
    assert_string_equal(text.data, "");
    ts_report_destroy(report);
    fixture.model.slo.attainment_frac = 0.99; /* of the SLO, not a limit */
    fixture.model.limits = (struct ts_limits_model){0.7, 600.0, 1.0, 24.0, NAN, NAN};
    report = report_fixture_report(&fixture);
    assert_int_equal(ts_report_limits(&text, report), 3);
    assert_string_equal(text.data, "requests that met the SLO: 60 %, at least 70 % wanted (limits.attainment)\n"
                                   "time to the first token (p95): 2 s, at most 1 s wanted (limits.ttft_p95)\n"
                                   "payback: never, at most 24 months wanted (limits.payback)\n");
    ts_report_destroy(report);
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
    struct ts_report *report = report_fixture_report(&fixture);
    assert_int_equal(ts_report_terminal(&text, report), TS_OK);
    ts_report_destroy(report);
    assert_string_equal(
        text.data,
        "hybrid\n"
        "Three tiers for a small firm\n"
        "60 min simulated, 5 requests, 3 tiers, seed 42\n"
        "\n"
        "  cost       582.5 USD/month; permitted at the API: 456.3 USD/month; costs 126.3 USD (27.7 %) more\n"
        "  payback    never within 36 months; discounted: never\n"
        "  policy     keeps calls from the API (91.25 USD/month there), which no comparison above includes;\n"
        "             payback against all calls there, which is not permitted: never within 36 months\n"
        "  SLO        60 % of requests were answered; the SLO bounds no time\n"
        "  load       edge stable\n"
        "  speed      first token 500 ms (p95 2 s), whole answer 1.75 s (p95 2.25 s)\n"
        "  energy     1460 kWh/month, 584 kg CO2/month; 189.4 USD/Mtok\n"
        "  quality    50 % answered right\n"
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
        "Too few calls for confidence intervals of percentiles\n"
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
        struct ts_report *report = report_fixture_report(&fixture);
        assert_int_equal(ts_report_terminal(&text, report), TS_OK);
        ts_report_destroy(report);
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
        cmocka_unit_test(test_figures__all_is_the_sum_of_the_tiers),
        cmocka_unit_test(test_figures__a_single_replication_has_no_money_and_no_classes),
        cmocka_unit_test(test_doubts__come_with_their_interval),
        cmocka_unit_test(test_limits__only_missed_ones_are_named),
        cmocka_unit_test(test_terminal__tiny_run_is_exact),
        cmocka_unit_test(test_terminal__fits_a_screen_whatever_the_names),
        cmocka_unit_test(test_html_put__leaves_nothing_with_a_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
