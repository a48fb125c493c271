#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scenarios/language/yaml_tree.h"

struct parsed {
    struct ts_arena arena;
    struct ts_source source;
    struct ts_diags diags;
    struct ts_node *root;
    enum ts_status status;
};

static void parse_bytes(struct parsed *p, const char *data, size_t len)
{
    memset(p, 0, sizeof *p);
    ts_arena_init(&p->arena);
    ts_diags_init(&p->diags);
    assert_int_equal(ts_source_from_text(&p->source, "t.yaml", data, len, &p->diags), TS_OK);
    p->status = ts_yaml_tree_parse(&p->root, &p->arena, &p->source, 0, &p->diags);
}

static void parse(struct parsed *p, const char *text)
{
    parse_bytes(p, text, strlen(text));
}

static void done(struct parsed *p)
{
    ts_source_deinit(&p->source);
    ts_diags_deinit(&p->diags);
    ts_arena_deinit(&p->arena);
}

static void test_yaml_tree__keeps_order_and_places(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "a: 1\nlong key: [x, 'y z']\nm:\n  b: {c: 2}\n");
    assert_int_equal(p.status, TS_OK);
    assert_int_equal(p.root->n, 3);
    const struct ts_node *list = ts_yaml_tree_find(p.root, "long key");
    assert_int_equal(list->kind, TS_NODE_LIST);
    assert_int_equal(list->key_at.line, 2);
    assert_int_equal(list->key_at.col, 1);
    assert_int_equal(list->key_at.len, 8);
    assert_string_equal(list->first->next->text, "y z");
    assert_int_equal(list->first->next->at.col, 15);
    assert_int_equal(list->first->next->at.len, 5);
    const struct ts_node *c = ts_yaml_tree_find(ts_yaml_tree_find(ts_yaml_tree_find(p.root, "m"), "b"), "c");
    assert_string_equal(c->text, "2");
    assert_int_equal(c->at.line, 4);
    assert_int_equal(c->at.col, 10);
    done(&p);
}

static void test_yaml_tree__columns_count_bytes_behind_accents_and_a_byte_order_mark(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "\xef\xbb\xbf\xc3\xa9\xc3\xa9: 1\nb: '\xe2\x82\xac', c: 2\n");
    assert_int_equal(p.status, TS_ESCENARIO);
    done(&p);
    parse(&p, "\xef\xbb\xbf\xc3\xa9\xc3\xa9: 1\nb: {d: '\xe2\x82\xac', c: 2}\n");
    assert_int_equal(p.status, TS_OK);
    assert_int_equal(p.root->first->at.col, 3 + 4 + 2 + 1);
    const struct ts_node *c = ts_yaml_tree_find(ts_yaml_tree_find(p.root, "b"), "c");
    assert_int_equal(c->key_at.line, 2);
    assert_int_equal(c->key_at.col, 15);
    done(&p);
}

static void test_yaml_tree__shows_a_value_on_one_line(void **state)
{
    (void)state;
    struct parsed p;
    struct ts_text text;
    ts_text_init(&text);
    parse(&p, "a:\n  - {x: 35 ms, y: 'q'}\n  - b\n");
    ts_yaml_tree_show(&text, p.root);
    assert_string_equal(text.data, "{a: [{x: 35 ms, y: 'q'}, b]}");
    ts_text_deinit(&text);
    done(&p);
}

/* Refused, with the place of the first complaint. */
static void refused_at(const char *text, const char *message, uint32_t line, uint32_t col)
{
    struct parsed p;
    parse(&p, text);
    assert_true(p.diags.n_errors > 0);
    assert_non_null(strstr(p.diags.items[0].message, message));
    assert_int_equal(p.diags.items[0].line, line);
    assert_int_equal(p.diags.items[0].col, col);
    done(&p);
}

static void test_yaml_tree__refuses_what_makes_a_file_mean_something_else(void **state)
{
    (void)state;
    refused_at("a: &x 1\n", "anchors", 1, 4);
    refused_at("a: *x\n", "aliases", 1, 4);
    refused_at("a: !!int 1\n", "tags", 1, 4);
    refused_at("a: {<<: {b: 1}}\n", "merge keys", 1, 5);
    refused_at("a: 1\n---\nb: 1\n", "second YAML document", 2, 1);
    refused_at("a: 1\nb: 2\na: 3\n", "second time", 3, 1);
    refused_at("a:\n\tb: 1\n", "tab", 2, 1);
    refused_at("[a, b]: 1\n", "a key must be a word", 1, 1);
    refused_at("a: \"\\0\"\n", "NUL", 1, 4);
    refused_at("a: \xff\n", "UTF-8", 1, 4);
    refused_at("a: [1, 2\n", "not YAML", 1, 9);
    refused_at("a: 'b\n", "not YAML", 1, 6);
}

static void test_yaml_tree__a_tab_in_a_comment_is_fine(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "a: 1 # b\tc\n#\td\n");
    assert_int_equal(p.status, TS_OK);
    assert_int_equal(p.diags.n_errors, 0);
    done(&p);
}

static void test_yaml_tree__several_refusals_come_in_one_run(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "a: &x 1\nb: *x\nc: !t 1\na: 2\n");
    assert_int_equal(p.status, TS_OK);
    assert_int_equal(p.diags.n_errors, 4);
    assert_int_equal(p.root->n, 3);
    done(&p);
}

static void test_yaml_tree__an_empty_file_is_no_tree(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "");
    assert_int_equal(p.status, TS_OK);
    assert_null(p.root);
    done(&p);
    parse(&p, "\xef\xbb\xbf# nothing\n");
    assert_int_equal(p.status, TS_OK);
    assert_null(p.root);
    done(&p);
}

static void repeat_refused(const char *unit, size_t bytes, const char *message)
{
    size_t len = strlen(unit);
    size_t n = bytes / len;
    char *text = malloc(n * len + 1);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++) {
        memcpy(text + i * len, unit, len);
    }
    struct parsed p;
    parse_bytes(&p, text, n * len);
    assert_int_equal(p.status, TS_ESCENARIO);
    assert_int_equal(p.diags.n_errors, 1);
    assert_non_null(strstr(p.diags.items[0].message, message));
    done(&p);
    free(text);
}

static void test_yaml_tree__depth_is_capped_so_that_brackets_cannot_hang_it(void **state)
{
    (void)state;
    repeat_refused("[", 200 * 1024, "64 deep");
    repeat_refused("{a: ", 200 * 1024, "64 deep");
    repeat_refused("- ", 200 * 1024, "64 deep");
}

static void test_yaml_tree__members_are_capped(void **state)
{
    (void)state;
    repeat_refused("- a\n", 200 * 1024, "4,096");
}

static void test_yaml_tree__values_are_capped(void **state)
{
    (void)state;
    enum { ROWS = 60, COLUMNS = 2000 };
    char *text = malloc(ROWS * (2 * COLUMNS + 8));
    assert_non_null(text);
    size_t len = 0;
    for (size_t i = 0; i < ROWS; i++) {
        len += (size_t)snprintf(text + len, 8, "- [");
        for (size_t j = 0; j < COLUMNS; j++) {
            text[len++] = 'a';
            text[len++] = ',';
        }
        len += (size_t)snprintf(text + len, 4, "]\n");
    }
    struct parsed p;
    parse_bytes(&p, text, len);
    assert_int_equal(p.status, TS_ESCENARIO);
    assert_non_null(strstr(p.diags.items[0].message, "100,000"));
    done(&p);
    free(text);
}

static void test_yaml_tree__an_alias_bomb_is_only_refused(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c]\n");
    assert_int_equal(p.status, TS_OK);
    assert_int_equal(p.diags.n_errors, 3 + 12);
    done(&p);
}

static void test_yaml_tree__sixty_four_levels_are_fine(void **state)
{
    (void)state;
    char text[2 * TS_YAML_MAX_DEPTH + 1];
    memset(text, '[', TS_YAML_MAX_DEPTH);
    memset(text + TS_YAML_MAX_DEPTH, ']', TS_YAML_MAX_DEPTH);
    struct parsed p;
    parse_bytes(&p, text, sizeof text - 1);
    assert_int_equal(p.status, TS_OK);
    assert_int_equal(p.diags.n_errors, 0);
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_tree__keeps_order_and_places),
        cmocka_unit_test(test_yaml_tree__columns_count_bytes_behind_accents_and_a_byte_order_mark),
        cmocka_unit_test(test_yaml_tree__shows_a_value_on_one_line),
        cmocka_unit_test(test_yaml_tree__refuses_what_makes_a_file_mean_something_else),
        cmocka_unit_test(test_yaml_tree__a_tab_in_a_comment_is_fine),
        cmocka_unit_test(test_yaml_tree__several_refusals_come_in_one_run),
        cmocka_unit_test(test_yaml_tree__an_empty_file_is_no_tree),
        cmocka_unit_test(test_yaml_tree__depth_is_capped_so_that_brackets_cannot_hang_it),
        cmocka_unit_test(test_yaml_tree__members_are_capped),
        cmocka_unit_test(test_yaml_tree__values_are_capped),
        cmocka_unit_test(test_yaml_tree__an_alias_bomb_is_only_refused),
        cmocka_unit_test(test_yaml_tree__sixty_four_levels_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
