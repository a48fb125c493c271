/* What only some tiers have to say: batteries and prompt caches. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report_fixture.h"
#include "reports/report_parts.h"

enum { PHONE, EDGE, CLOUD };

static void notes(struct ts_text *text, struct ts_text *page, const struct report_fixture *fixture)
{
    struct ts_report *report = report_fixture_report(fixture);
    ts_text_init(text);
    ts_text_init(page);
    ts_report_notes_text(text, report);
    ts_report_notes_html(page, report);
    ts_report_destroy(report);
}

/* 200 tokens at 0.28 J: 56 J of 13 Wh = 46,800 J are 0.12 % of a charge. Two users with a window of 12 h, who made one
 * call each in it: 2 x 56/46,800 over 2 x 0.5 days. */
static void a_battery(struct report_fixture *fixture)
{
    report_fixture_tiny(fixture);
    fixture->model.tiers[PHONE].u.device.battery_wh = 13.0;
    struct ts_tier_result *phone = &fixture->result.tiers[PHONE];
    for (uint32_t c = 0; c < FIXTURE_CLASSES; c++) {
        phone->cells[c].arrived = phone->cells[c].done = 1;
    }
    phone->active_j = 2 * 56.0;
    phone->host_j = 0.0;
    phone->active_users = 2.0;
    struct ts_tier_result *pool = &fixture->result.pools[ts_model_first_pool(&fixture->model, PHONE)];
    pool->active_j = phone->active_j; /* one kind: no cells of its own */
    pool->active_users = phone->active_users;
    fixture->result.window_s = 12.0 * 3600.0;
}

static void test_notes__a_reply_and_a_day_take_their_share_of_a_charge(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text, page;
    a_battery(&fixture);
    struct ts_report *report = report_fixture_report(&fixture);
    const uint32_t phone = ts_figure_tier(&report->list, PHONE), edge = ts_figure_tier(&report->list, EDGE);
    assert_float_equal(ts_report_value(report, phone, "battery_reply", "mean"), 56.0 / 46800.0, 1e-15);
    assert_float_equal(ts_report_value(report, phone, "battery_day", "mean"), 2.0 * 56.0 / 46800.0, 1e-15);
    assert_true(isnan(ts_report_value(report, edge, "battery_reply", "mean")));
    assert_true(isnan(ts_report_value(report, TS_SUBJECT_ALL, "battery_day", "mean")));
    ts_report_destroy(report);
    notes(&text, &page, &fixture);
    assert_string_equal(text.data,
                        "\nphone: a reply takes 0.12 % of a charge of 13 Wh, a day of one who uses it 0.239 %\n");
    assert_non_null(strstr(page.data, "<li>phone: a reply takes 0.12 % of a charge"));
    ts_text_deinit(&text);
    ts_text_deinit(&page);
    report_fixture_deinit(&fixture);
}

static void test_notes__a_prompt_cache_says_what_it_found(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text, page;
    report_fixture_tiny(&fixture);
    struct ts_tier_result *cloud = &fixture.result.tiers[CLOUD];
    cloud->looked_up_tok = 8000;
    cloud->found_tok = 2048;
    cloud->cells[0].cached_tok = 2048;
    fixture.model.prompts_are_told = true;
    fixture.model.tiers[CLOUD].u.api.n_offers = 1;
    fixture.model.tiers[CLOUD].u.api.offers[0].input_usd_per_mtok = 3.0;
    notes(&text, &page, &fixture);
    assert_string_equal(text.data,
                        "\ncloud: 25.6 % of the prompt tokens were in the provider's cache; billed as cached: "
                        "2048 tok\n");
    assert_non_null(strstr(page.data, "<li>cloud: 25.6 % of the prompt tokens were in the provider&#39;s cache"));
    ts_text_deinit(&text);
    ts_text_deinit(&page);
    report_fixture_deinit(&fixture);
}

/* A queue that grew to 30 min in an hour: requests come 1.5 times as fast as they are served. Without growth, or among
 * the users of a closed loop, nothing is said; and of clients who gave up, that they did. */
static void test_notes__overload_is_told(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text, page;
    report_fixture_tiny(&fixture);
    struct ts_tier_result *edge = &fixture.result.tiers[EDGE];
    struct ts_batch_means grown = {.size = 1}, even = {.size = 1};
    for (int i = 0; i < 32; i++) {
        ts_batch_means_add(&grown, 60.0 * i);
        ts_batch_means_add(&even, 900.0);
    }
    fixture.result.n_replications = 1;
    fixture.result.window_s = 3600.0;
    ts_hist_add_n(&edge->cells[0].latency_ns[TS_WAIT], 1800000000000, 100);
    edge->batches[TS_WAIT] = grown;
    notes(&text, &page, &fixture);
    assert_non_null(strstr(text.data, "edge: OVERLOAD: requests arrive about 1.5 times as fast as they are served; "
                                      "the longest waits"));
    assert_non_null(strstr(page.data, "<li>edge: OVERLOAD"));
    ts_text_deinit(&text);
    ts_text_deinit(&page);
    fixture.model.users.n = 8;
    notes(&text, &page, &fixture);
    assert_int_equal(text.len + page.len, 0);
    ts_text_deinit(&text);
    ts_text_deinit(&page);
    fixture.model.users.n = 0;
    edge->batches[TS_WAIT] = even;
    notes(&text, &page, &fixture);
    assert_int_equal(text.len + page.len, 0);
    ts_text_deinit(&text);
    ts_text_deinit(&page);
    edge->cells[0].arrived += 50;
    edge->cells[0].timed_out += 50;
    fixture.model.patience_s = 60.0;
    notes(&text, &page, &fixture);
    assert_non_null(strstr(text.data, " of its requests were given up after 60 s without a first token"));
    ts_text_deinit(&text);
    ts_text_deinit(&page);
    report_fixture_deinit(&fixture);
}

/* Models without them have neither the figures nor the sentences. */
static void test_notes__without_batteries_and_caches_there_is_nothing_to_say(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text, page;
    report_fixture_tiny(&fixture);
    notes(&text, &page, &fixture);
    assert_int_equal(text.len + page.len, 0);
    assert_false(ts_metric_concerns(ts_metric_find("battery_day", "mean"), &fixture.model));
    assert_false(ts_metric_concerns(ts_metric_find("cached_tok", "sum"), &fixture.model));
    fixture.model.prompts_are_told = true;
    fixture.model.tiers[CLOUD].u.api.n_offers = 1;
    fixture.model.tiers[CLOUD].u.api.offers[0].input_usd_per_mtok = 3.0;
    assert_true(ts_metric_concerns(ts_metric_find("cached_tok", "sum"), &fixture.model));
    fixture.model.tiers[CLOUD].u.api.offers[0].cached_input_usd_per_mtok = 3.0;
    assert_false(ts_metric_concerns(ts_metric_find("cached_tok", "sum"), &fixture.model));
    ts_text_deinit(&text);
    ts_text_deinit(&page);
    report_fixture_deinit(&fixture);
}

/* A quarter of the edge's cost is a salary: told where nobody wrote it. */
static void test_notes__a_salary_by_default_is_told(void **state)
{
    (void)state;
    for (int written = 0; written <= 1; written++) {
        const struct ts_assumption salary = {"money.salary", "200 kUSD/year",
                                             written ? TS_ORIGIN_SCENARIO : TS_ORIGIN_DEFAULT, ""};
        struct report_fixture fixture;
        struct ts_text text, page;
        report_fixture_tiny(&fixture);
        fixture.model.assumptions = &salary;
        fixture.model.n_assumptions = 1;
        fixture.model.money.salary_usd_per_year = 200e3;
        for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
            fixture.econ.monthly_usd[EDGE][kind] = kind == TS_COST_STAFF ? 250.0 : kind == TS_COST_CAPEX ? 750.0 : 0.0;
        }
        notes(&text, &page, &fixture);
        const char *told =
            text.data ? strstr(text.data, "edge: 25 % of its cost is staff, at the default salary") : NULL;
        assert_int_equal(told != NULL, !written);
        fixture.model.assumptions = NULL;
        fixture.model.n_assumptions = 0;
        ts_text_deinit(&text);
        ts_text_deinit(&page);
        report_fixture_deinit(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes__a_reply_and_a_day_take_their_share_of_a_charge),
        cmocka_unit_test(test_notes__a_prompt_cache_says_what_it_found),
        cmocka_unit_test(test_notes__overload_is_told),
        cmocka_unit_test(test_notes__a_salary_by_default_is_told),
        cmocka_unit_test(test_notes__without_batteries_and_caches_there_is_nothing_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
