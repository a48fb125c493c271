/* Tables: what each format writes, to the byte. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reports/table.h"

static struct ts_table *example(void)
{
    struct ts_table *table = ts_table_create("Tiers & times");
    assert_non_null(table);
    ts_table_column(table, "Tier", false);
    ts_table_column(table, "TTFT p50", true);
    ts_table_column(table, "note", false);
    ts_table_row(table);
    ts_table_put(table, "edge");
    ts_table_num(table, 12345.678, 4);
    ts_table_putf(table, "%d of %d", 1, 2);
    ts_table_row(table);
    ts_table_put(table, "caf\xc3\xa9");
    ts_table_num(table, NAN, 3);
    ts_table_row(table);
    ts_table_put(table, NULL);
    ts_table_num(table, INFINITY, 3);
    ts_table_put(table, "a,\"b\" | <c>\nd");
    return table;
}

static void expect(enum ts_table_format format, const char *want)
{
    struct ts_table *table = example();
    struct ts_text text;
    ts_text_init(&text);
    assert_int_equal(ts_table_render(table, format, &text), TS_OK);
    assert_string_equal(text.data, want);
    ts_text_deinit(&text);
    ts_table_destroy(table);
}

static void test_table__text_aligns_by_characters(void **state)
{
    (void)state;
    expect(TS_TABLE_TEXT, "Tiers & times\n"
                          "Tier  TTFT p50  note\n"
                          "----  --------  -------------\n"
                          "edge    12,346  1 of 2\n"
                          "caf\xc3\xa9         -\n"
                          "         never  a,\"b\" | <c> d\n");
}

static void test_table__markdown_escapes_its_own_signs(void **state)
{
    (void)state;
    expect(TS_TABLE_MARKDOWN, "**Tiers &amp; times**\n"
                              "\n"
                              "| Tier | TTFT p50 | note |\n"
                              "|---|---:|---|\n"
                              "| edge | 12,346 | 1 of 2 |\n"
                              "| caf\xc3\xa9 | - |  |\n"
                              "|  | never | a,\"b\" \\| &lt;c> d |\n");
}

static void test_table__csv_has_exact_numbers_and_keys(void **state)
{
    (void)state;
    expect(TS_TABLE_CSV, "tier,ttft_p50,note\n"
                         "edge,12345.678,1 of 2\n"
                         "caf\xc3\xa9,,\n"
                         ",inf,\"a,\"\"b\"\" | <c>\nd\"\n");
}

static void test_table__json_has_null_for_what_is_not_there(void **state)
{
    (void)state;
    expect(TS_TABLE_JSON, "[\n"
                          "  {\n"
                          "    \"tier\": \"edge\",\n"
                          "    \"ttft_p50\": 12345.678,\n"
                          "    \"note\": \"1 of 2\"\n"
                          "  },\n"
                          "  {\n"
                          "    \"tier\": \"caf\xc3\xa9\",\n"
                          "    \"ttft_p50\": null,\n"
                          "    \"note\": null\n"
                          "  },\n"
                          "  {\n"
                          "    \"tier\": null,\n"
                          "    \"ttft_p50\": \"never\",\n"
                          "    \"note\": \"a,\\\"b\\\" | <c>\\nd\"\n"
                          "  }\n"
                          "]\n");
}

static void test_table__html_escapes_every_cell(void **state)
{
    (void)state;
    expect(TS_TABLE_HTML, "<table>\n"
                          "<caption>Tiers &amp; times</caption>\n"
                          "<thead><tr><th scope=\"col\">Tier</th><th class=\"num\" scope=\"col\">TTFT p50</th><th "
                          "scope=\"col\">note</th></tr></thead>\n"
                          "<tbody>\n"
                          "<tr><td>edge</td><td class=\"num\">12,346</td><td>1 of 2</td></tr>\n"
                          "<tr><td>caf\xc3\xa9</td><td class=\"num\">-</td><td></td></tr>\n"
                          "<tr><td></td><td class=\"num\">never</td><td>a,&quot;b&quot; | &lt;c&gt; d</td></tr>\n"
                          "</tbody>\n"
                          "</table>\n");
}

static void test_table__an_empty_one_is_its_header(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    struct ts_table *table = ts_table_create(NULL);
    ts_table_column(table, "key", false);
    assert_int_equal(ts_table_render(table, TS_TABLE_TEXT, &text), TS_OK);
    assert_string_equal(text.data, "key\n---\n");
    ts_text_clear(&text);
    assert_int_equal(ts_table_render(table, TS_TABLE_JSON, &text), TS_OK);
    assert_string_equal(text.data, "[]\n");
    ts_text_deinit(&text);
    ts_table_destroy(table);
    ts_table_destroy(NULL);
    assert_int_equal(ts_table_render(NULL, TS_TABLE_TEXT, &text), TS_ENOMEM);
}

static void test_table__a_thousand_rows_keep_their_order(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    struct ts_table *table = ts_table_create("");
    ts_table_column(table, "n", true);
    for (int i = 0; i < 1000; i++) {
        ts_table_row(table);
        ts_table_num(table, i, 15);
    }
    assert_int_equal(ts_table_render(table, TS_TABLE_CSV, &text), TS_OK);
    assert_non_null(strstr(text.data, "n\n0\n1\n2\n"));
    assert_non_null(strstr(text.data, "\n998\n999\n"));
    ts_text_deinit(&text);
    ts_table_destroy(table);
}

static void test_table_format__names_are_known(void **state)
{
    (void)state;
    enum ts_table_format format = TS_TABLE_TEXT;
    assert_true(ts_table_format_parse(&format, "md"));
    assert_int_equal(format, TS_TABLE_MARKDOWN);
    assert_true(ts_table_format_parse(&format, "html"));
    assert_int_equal(format, TS_TABLE_HTML);
    assert_false(ts_table_format_parse(&format, "xml"));
    assert_int_equal(format, TS_TABLE_HTML);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__text_aligns_by_characters),
        cmocka_unit_test(test_table__markdown_escapes_its_own_signs),
        cmocka_unit_test(test_table__csv_has_exact_numbers_and_keys),
        cmocka_unit_test(test_table__json_has_null_for_what_is_not_there),
        cmocka_unit_test(test_table__html_escapes_every_cell),
        cmocka_unit_test(test_table__an_empty_one_is_its_header),
        cmocka_unit_test(test_table__a_thousand_rows_keep_their_order),
        cmocka_unit_test(test_table_format__names_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
