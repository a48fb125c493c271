/* The n-th allocation fails, for n = 1, 2, ... until a call succeeds: each failure is reported, none gives a text with
 * a hole in it, nothing leaks (the address sanitizer watches). Allocations go through the linker's --wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "econ/econ.h"
#include "report_fixture.h"
#include "reports/chart.h"
#include "reports/table.h"
#include "tests/failing_allocator.h"

typedef enum ts_status attempt_fn(struct ts_text *out, const struct report_fixture *fixture,
                                  const struct ts_report *report);

static enum ts_status try_terminal(struct ts_text *out, const struct report_fixture *fixture,
                                   const struct ts_report *report)
{
    (void)fixture;
    return ts_report_terminal(out, report);
}

static enum ts_status try_run_json(struct ts_text *out, const struct report_fixture *fixture,
                                   const struct ts_report *report)
{
    (void)fixture;
    return ts_report_run_json(out, report);
}

static enum ts_status try_manifest(struct ts_text *out, const struct report_fixture *fixture,
                                   const struct ts_report *report)
{
    (void)fixture;
    const struct ts_names none = {.n = 0};
    return ts_report_manifest_json(out, report, &none);
}

static enum ts_status try_html(struct ts_text *out, const struct report_fixture *fixture,
                               const struct ts_report *report)
{
    (void)fixture;
    return ts_report_html(out, report, "/nonexistent");
}

static enum ts_status try_charts(struct ts_text *out, const struct report_fixture *fixture,
                                 const struct ts_report *report)
{
    (void)fixture;
    enum ts_status status = TS_OK;
    for (const struct ts_chart *chart = ts_charts; chart->id != NULL && status == TS_OK; chart++) {
        struct ts_text gp;
        ts_text_init(&gp);
        status = ts_chart_make(out, &gp, chart, report);
        ts_text_puts(out, gp.data);
        ts_text_deinit(&gp);
    }
    return status == TS_OK && out->failed ? TS_ENOMEM : status;
}

static enum ts_status try_create(struct ts_text *out, const struct report_fixture *fixture,
                                 const struct ts_report *report)
{
    struct ts_report *fresh = NULL;
    (void)report;
    enum ts_status status = ts_report_create(&fresh, &fixture->input);
    ts_report_destroy(fresh);
    ts_text_puts(out, status == TS_OK ? "made" : "");
    return status == TS_OK && out->failed ? TS_ENOMEM : status;
}

static enum ts_status try_econ(struct ts_text *out, const struct report_fixture *fixture,
                               const struct ts_report *report)
{
    struct ts_econ econ;
    (void)report;
    enum ts_status status = ts_econ_compute(&econ, &fixture->model, &fixture->result, NULL, NULL);
    if (status == TS_OK) {
        ts_text_double(out, econ.npv_usd);
        ts_econ_deinit(&econ);
    }
    return status == TS_OK && out->failed ? TS_ENOMEM : status;
}

static enum ts_status try_table(struct ts_text *out, const struct report_fixture *fixture,
                                const struct ts_report *report)
{
    (void)report;
    (void)fixture;
    struct ts_table *table = ts_table_create("title");
    enum ts_status status = TS_ENOMEM;
    if (table != NULL) {
        ts_table_column(table, "key", false);
        ts_table_column(table, "number", true);
        for (int row = 0; row < 40; row++) {
            ts_table_row(table);
            ts_table_putf(table, "row %d", row);
            ts_table_num(table, row, 3);
        }
        status = ts_table_render(table, TS_TABLE_TEXT, out);
        status = status == TS_OK ? ts_table_render(table, TS_TABLE_CSV, out) : status;
    }
    ts_table_destroy(table);
    return status;
}

/* Every attempt either says so or makes the whole text. */
static void until_success(attempt_fn *attempt, long at_least)
{
    struct report_fixture fixture;
    struct ts_text whole, text;
    long n = 0;
    report_fixture_tiny(&fixture);
    report_fixture_draw(&fixture);
    struct ts_report *report = report_fixture_report(&fixture);
    ts_text_init(&whole);
    assert_int_equal(attempt(&whole, &fixture, report), TS_OK);
    for (bool unused = false; !unused; n++) {
        ts_text_init(&text);
        countdown = n;
        enum ts_status status = attempt(&text, &fixture, report);
        unused = countdown >= 0;
        countdown = -1;
        assert_true(status == TS_OK || status == TS_ENOMEM);
        if (status == TS_OK) {
            assert_string_equal(text.data, whole.data);
        }
        ts_text_deinit(&text);
        assert_true(n < 20000);
    }
    assert_true(n > at_least);
    ts_text_deinit(&whole);
    ts_report_destroy(report);
    report_fixture_deinit(&fixture);
}

#define NO_MEMORY_TEST(what, at_least)                                                                                 \
    static void test_no_memory__##what##_is_whole_or_says_so(void **state)                                             \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        until_success(try_##what, at_least);                                                                           \
    }

NO_MEMORY_TEST(create, 20)
NO_MEMORY_TEST(terminal, 40)
NO_MEMORY_TEST(run_json, 100)
NO_MEMORY_TEST(manifest, 3)
NO_MEMORY_TEST(html, 100)
NO_MEMORY_TEST(charts, 20)
NO_MEMORY_TEST(table, 100)
NO_MEMORY_TEST(econ, 8)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory__create_is_whole_or_says_so),
        cmocka_unit_test(test_no_memory__terminal_is_whole_or_says_so),
        cmocka_unit_test(test_no_memory__run_json_is_whole_or_says_so),
        cmocka_unit_test(test_no_memory__manifest_is_whole_or_says_so),
        cmocka_unit_test(test_no_memory__html_is_whole_or_says_so),
        cmocka_unit_test(test_no_memory__charts_is_whole_or_says_so),
        cmocka_unit_test(test_no_memory__table_is_whole_or_says_so),
        cmocka_unit_test(test_no_memory__econ_is_whole_or_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
