/* Diagnostics as the user sees them. */
#include "base/diag.h"

#include "base/source.h"
#include "tests/base/base_test.h"

static void test_diag__looks_like_gcc_with_caret_and_help(void **state)
{
    (void)state;
    static const char yaml[] = "tiers:\n  laptop:\n    replaces: egde\n";
    struct ts_source source;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_source_from_text(&source, "hybrid.yaml", yaml, strlen(yaml), &diags), TS_OK);
    struct ts_span at = {.source = &source, .line = 3, .col = 15, .len = 4};
    assert_int_equal(ts_fail(&diags, TS_ESCENARIO, at, "did you mean 'edge'?", "unknown tier '%s'", "egde"),
                     TS_ESCENARIO);
    ts_source_deinit(&source); /* everything has been copied */
    assert_diags(&diags, "hybrid.yaml:3:15: error: unknown tier 'egde'\n"
                         "    3 |     replaces: egde\n"
                         "      |               ^~~~\n"
                         "help: did you mean 'edge'?\n");
}

static void expect_caret(const char *line, uint32_t col, uint32_t len, const char *expected)
{
    struct ts_source source;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_source_from_text(&source, "f", line, strlen(line), &diags), TS_OK);
    ts_diags_add(&diags, TS_WARNING, (struct ts_span){.source = &source, .line = 1, .col = col, .len = len}, NULL, "m");
    ts_source_deinit(&source);
    assert_diags(&diags, expected);
}

static void test_diag__the_caret_minds_tabs_characters_and_ends(void **state)
{
    (void)state;
    expect_caret("\ta: b", 5, 1, "f:1:5: warning: m\n    1 | \ta: b\n      | \t   ^\n");
    expect_caret("\xc3\xa9\xc3\xa9: xy", 7, 2, "f:1:7: warning: m\n    1 | \xc3\xa9\xc3\xa9: xy\n      |     ^~\n");
    expect_caret("x: \xc3\xa9\xc3\xa9", 4, 4, "f:1:4: warning: m\n    1 | x: \xc3\xa9\xc3\xa9\n      |    ^~\n");
    expect_caret("abc", 2, 99, "f:1:2: warning: m\n    1 | abc\n      |  ^~\n");
    expect_caret("abc", 4, 1, "f:1:4: warning: m\n    1 | abc\n      |    ^\n");
    expect_caret("abc", 0, 0, "f:1: warning: m\n    1 | abc\n");
}

static void test_diag__control_characters_never_reach_the_terminal(void **state)
{
    (void)state;
    struct ts_diags diags;
    ts_diags_init(&diags);
    ts_diags_add(&diags, TS_NOTE, ts_span_file("a\x1b[2Jb"), "h\x07", "\x1b[31m%s", "red\r");
    assert_diags(&diags, "a?[2Jb: note: ?[31mred?\nhelp: h?\n");
}

static void test_diag__a_long_line_is_cut_and_a_far_column_has_no_caret(void **state)
{
    (void)state;
    char line[2001];
    memset(line, 'x', 2000);
    line[2000] = '\0';
    struct ts_source source;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_source_from_text(&source, "f", line, 2000, &diags), TS_OK);
    ts_diags_add(&diags, TS_ERROR, (struct ts_span){.source = &source, .line = 1, .col = 3}, NULL, "near");
    ts_diags_add(&diags, TS_ERROR, (struct ts_span){.source = &source, .line = 1, .col = 1500}, NULL, "far");
    assert_int_equal(strlen(diags.items[0].line_text), 400);
    assert_null(diags.items[1].line_text);
    ts_source_deinit(&source);
    ts_diags_deinit(&diags);
}

static void test_diag__places_are_as_exact_as_known(void **state)
{
    (void)state;
    struct ts_diags diags;
    ts_diags_init(&diags);
    ts_diags_add(&diags, TS_ERROR, ts_span_none(), NULL, "no place");
    ts_diags_add(&diags, TS_ERROR, ts_span_file("t.csv"), NULL, "a file");
    ts_diags_add(&diags, TS_ERROR, (struct ts_span){.file = "t.csv", .line = 7}, NULL, "a line");
    ts_diags_add(&diags, TS_NOTE, (struct ts_span){.file = "t.csv", .line = 7, .col = 3}, NULL, "a column");
    assert_diags(&diags, "error: no place\nt.csv: error: a file\nt.csv:7: error: a line\nt.csv:7:3: note: a column\n");
}

static void test_diag__more_than_twenty_are_counted(void **state)
{
    (void)state;
    struct ts_diags diags;
    struct ts_text text;
    ts_diags_init(&diags);
    ts_text_init(&text);
    for (int i = 0; i < 30; i++) {
        ts_diags_add(&diags, i % 3 == 0 ? TS_WARNING : TS_ERROR, ts_span_none(), NULL, "number %d", i);
    }
    assert_int_equal(diags.n_items, TS_DIAGS_MAX);
    assert_int_equal(diags.n_errors, 20);
    assert_int_equal(diags.n_warnings, 10);
    assert_int_equal(diags.n_dropped, 10);
    ts_diags_render(&diags, &text);
    assert_true(ts_str_has_suffix(text.data, "error: number 19\nand 10 more\n"));
    ts_text_deinit(&text);
    ts_diags_deinit(&diags);
    assert_int_equal(diags.n_errors, 0);
}

/* The kinds of a mixed fleet are all resolved from the same text. */
static void test_diag__the_same_again_is_said_once(void **state)
{
    (void)state;
    static const char yaml[] = "a: 1\nb: 2\n";
    struct ts_source source;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_source_from_text(&source, "f", yaml, strlen(yaml), &diags), TS_OK);
    for (uint32_t i = 0; i < 4; i++) {
        const struct ts_span at = {.source = &source, .line = 1 + i / 2, .col = 4, .len = 1};
        ts_diags_add(&diags, TS_ERROR, at, NULL, "too small");
    }
    ts_source_deinit(&source);
    assert_int_equal(diags.n_items, 2);
    assert_int_equal(diags.n_dropped, 0);
    assert_diags(&diags, "f:1:4: error: too small\n    1 | a: 1\n      |    ^\n"
                         "f:2:4: error: too small\n    2 | b: 2\n      |    ^\n");
}

static void test_diag__no_list_is_fine(void **state)
{
    (void)state;
    ts_diags_add(NULL, TS_ERROR, ts_span_none(), NULL, "dropped");
    assert_int_equal(ts_fail(NULL, TS_EIO, ts_span_none(), NULL, "dropped"), TS_EIO);
}

static void test_diag__moved_ones_keep_their_lines_and_count_beyond_the_cap(void **state)
{
    (void)state;
    struct ts_source source;
    struct ts_diags from, to;
    struct ts_text text;
    ts_diags_init(&from);
    ts_diags_init(&to);
    ts_text_init(&text);
    assert_int_equal(ts_source_from_text(&source, "a.csv", "x,y", 3, NULL), TS_OK);
    ts_diags_add(&to, TS_WARNING, ts_span_none(), NULL, "first");
    ts_diags_add(&from, TS_ERROR, (struct ts_span){.source = &source, .line = 1, .col = 3, .len = 1}, "z", "bad y");
    ts_source_deinit(&source);
    ts_diags_move(&to, &from);
    ts_diags_render(&to, &text);
    assert_string_equal(text.data, "warning: first\na.csv:1:3: error: bad y\n    1 | x,y\n      |   ^\nhelp: z\n");
    assert_int_equal(from.n_items + from.n_errors, 0);
    for (int i = 0; i < TS_DIAGS_MAX; i++) {
        ts_diags_add(&from, TS_ERROR, ts_span_none(), NULL, "more");
    }
    ts_diags_move(&to, &from);
    assert_int_equal(to.n_items, TS_DIAGS_MAX);
    assert_int_equal(to.n_errors, TS_DIAGS_MAX + 1);
    assert_int_equal(to.n_dropped, 2);
    ts_text_deinit(&text);
    ts_diags_deinit(&to);
    ts_diags_deinit(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diag__looks_like_gcc_with_caret_and_help),
        cmocka_unit_test(test_diag__the_caret_minds_tabs_characters_and_ends),
        cmocka_unit_test(test_diag__control_characters_never_reach_the_terminal),
        cmocka_unit_test(test_diag__a_long_line_is_cut_and_a_far_column_has_no_caret),
        cmocka_unit_test(test_diag__places_are_as_exact_as_known),
        cmocka_unit_test(test_diag__more_than_twenty_are_counted),
        cmocka_unit_test(test_diag__moved_ones_keep_their_lines_and_count_beyond_the_cap),
        cmocka_unit_test(test_diag__the_same_again_is_said_once),
        cmocka_unit_test(test_diag__no_list_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
