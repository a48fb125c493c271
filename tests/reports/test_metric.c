/* The tables that reports are made from also write their reference: docs/FIGURES.md must be what they write.
 * TS_REFRESH=1 rewrites it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "report_fixture.h"
#include "reports/metric.h"

static void test_metric__the_reference_page_is_what_the_tables_say(void **state)
{
    (void)state;
    const char *path = TS_SOURCE_DIR "/docs/FIGURES.md";
    struct ts_text text;
    char *data = NULL;
    size_t len = 0;
    ts_text_init(&text);
    ts_metric_markdown(&text);
    assert_false(text.failed);
    if (getenv("TS_REFRESH")) {
        assert_int_equal(ts_file_write(path, text.data, text.len, NULL), TS_OK);
    }
    assert_int_equal(ts_file_read(&data, &len, path, 1 << 20, NULL), TS_OK);
    assert_int_equal(len, text.len);
    assert_string_equal(data, text.data);
    free(data);
    ts_text_deinit(&text);
}

static void test_metric__every_figure_is_documented_and_found_once(void **state)
{
    (void)state;
    for (const struct ts_metric *metric = ts_metrics; metric->name; metric++) {
        assert_true(metric->doc[strlen(metric->doc) - 1] == '.');
        assert_ptr_equal(ts_metric_find(metric->name, metric->stat), metric);
        assert_true(metric->per > 0.0);
        assert_true(!metric->of_pools || metric->scope == TS_METRIC_TIER);
    }
    for (const struct ts_series *series = ts_series; series->column; series++) {
        assert_true(series->doc[strlen(series->doc) - 1] == '.');
    }
}

/* The fee is in the bill that it was always in, and by itself where the router has a price. */
static void test_metric__the_routers_price_is_in_the_api_bill_and_by_itself(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_metric_view all;
    report_fixture_tiny(&fixture);
    const struct ts_metric *router = ts_metric_find("router_bill", "sum");
    assert_false(ts_metric_concerns(router, &fixture.model));
    fixture.model.router.usd_per_call = 0.125;
    assert_true(ts_metric_concerns(router, &fixture.model));
    fixture.result.tiers[1].cells[0].router_usd = 0.125;
    fixture.result.tiers[FIXTURE_TIERS].cells[1].router_usd = 0.125;
    assert_int_equal(
        ts_metric_view_init(&all, &fixture.model, &fixture.result, NULL, ts_all_tiers(&fixture.model), TS_ALL_CLASSES),
        TS_OK);
    assert_true(ts_metric_find("api_bill", "sum")->get(&all, ts_metric_find("api_bill", "sum")) == 0.5);
    assert_true(router->get(&all, router) == 0.25);
    ts_metric_view_deinit(&all);
    report_fixture_deinit(&fixture);
}

/* What only some kinds of tiers have is not 0 elsewhere. */
static void test_metric__what_a_tier_does_not_have_is_not_a_number(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_metric_view view;
    report_fixture_tiny(&fixture);
    for (uint32_t tier = 0; tier <= ts_all_tiers(&fixture.model); tier++) {
        assert_int_equal(ts_metric_view_init(&view, &fixture.model, &fixture.result, NULL, tier, TS_ALL_CLASSES),
                         TS_OK);
        for (const struct ts_metric *metric = ts_metrics; metric->name; metric++) {
            if (metric->has != TS_HAS_ANY) {
                assert_true(isnan(metric->get(&view, metric)) == !ts_metric_has(&fixture.model, tier, metric->has));
            }
        }
        ts_metric_view_deinit(&view);
    }
    report_fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric__the_reference_page_is_what_the_tables_say),
        cmocka_unit_test(test_metric__every_figure_is_documented_and_found_once),
        cmocka_unit_test(test_metric__the_routers_price_is_in_the_api_bill_and_by_itself),
        cmocka_unit_test(test_metric__what_a_tier_does_not_have_is_not_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
