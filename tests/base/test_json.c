/* JSON: strict reading with places, deterministic writing. */
#include "base/json.h"
#include "base/source.h"

#include "tests/base/base_test.h"

static void parse(struct ts_json_doc *doc, const char *text)
{
    assert_int_equal(ts_json_parse(doc, "x.json", text, strlen(text), NULL), TS_OK);
}

static void test_json__lookups_chain_and_types_are_strict(void **state)
{
    (void)state;
    struct ts_json_doc doc;
    parse(&doc, "{\"a\": {\"list\": [1, 2.5, \"three\", true, null, 9007199254740993]}, \"t\": \"text\"}");
    const struct ts_json *root = ts_json_root(&doc);
    const struct ts_json *list = ts_json_get(ts_json_get(root, "a"), "list");
    assert_true(ts_json_is_object(root) && !ts_json_is_array(root));
    assert_true(ts_json_is_array(list) && !ts_json_is_object(list));
    assert_int_equal(ts_json_length(list), 6);
    double d = -1.0;
    int64_t i = -1;
    bool b = false;
    assert_true(ts_json_double(ts_json_at(list, 0), &d) && d == 1.0);
    assert_true(ts_json_double(ts_json_at(list, 1), &d) && d == 2.5);
    assert_true(ts_json_int(ts_json_at(list, 0), &i) && i == 1);
    assert_true(ts_json_int(ts_json_at(list, 5), &i) && i == 9007199254740993);
    assert_false(ts_json_int(ts_json_at(list, 1), &i));
    assert_false(ts_json_double(ts_json_at(list, 2), &d));
    assert_string_equal(ts_json_string(ts_json_at(list, 2)), "three");
    assert_null(ts_json_string(ts_json_at(list, 0)));
    assert_true(ts_json_bool(ts_json_at(list, 3), &b) && b);
    assert_false(ts_json_bool(ts_json_at(list, 4), &b));
    assert_true(d == 2.5 && i == 9007199254740993 && b);
    ts_json_deinit(&doc);
    ts_json_deinit(&doc);
}

static void test_json__nothing_has_no_members(void **state)
{
    (void)state;
    double d = 0.0;
    int64_t i = 0;
    bool b = false;
    struct ts_json_doc doc;
    parse(&doc, "[1]");
    assert_null(ts_json_get(NULL, "x"));
    assert_null(ts_json_get(ts_json_root(&doc), "x"));
    assert_null(ts_json_at(ts_json_root(&doc), 1));
    assert_null(ts_json_at(NULL, 0));
    assert_int_equal(ts_json_length(NULL), 0);
    assert_int_equal(ts_json_length(ts_json_at(ts_json_root(&doc), 0)), 0);
    assert_false(ts_json_is_object(NULL) || ts_json_is_array(NULL));
    assert_false(ts_json_double(NULL, &d) || ts_json_int(NULL, &i) || ts_json_bool(NULL, &b));
    assert_null(ts_json_string(NULL));
    ts_json_deinit(&doc);
}

static void expect_error(const char *text, size_t len, const char *expected)
{
    struct ts_json_doc doc = {.root = NULL};
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_json_parse(&doc, "x.json", text, len, &diags), TS_EINPUT);
    assert_null(doc.root);
    assert_diags(&diags, expected);
}

static void test_json__errors_have_a_place_and_a_reason(void **state)
{
    (void)state;
    expect_error("{\"a\": 1,\n \"a\": 2}", 17,
                 "x.json:2:2: error: not valid JSON: duplicate object key near '\"a\"'\n"
                 "    2 |  \"a\": 2}\n"
                 "      |  ^~~\n");
    expect_error("{\"a\": 1,\n \"b\": nope}", 20,
                 "x.json:2:7: error: not valid JSON: invalid token near 'nope'\n"
                 "    2 |  \"b\": nope}\n"
                 "      |       ^~~~\n");
    expect_error("{\"a\": 1} trailing", 17,
                 "x.json:1:10: error: not valid JSON: end of file expected near 'trailing'\n"
                 "    1 | {\"a\": 1} trailing\n"
                 "      |          ^~~~~~~~\n");
    expect_error("[1, 2", 5,
                 "x.json:1:5: error: not valid JSON: ']' expected near end of file\n"
                 "    1 | [1, 2\n"
                 "      |     ^\n");
    expect_error("", 0, "x.json:1:1: error: not valid JSON: '[' or '{' expected near end of file\n");
}

static void test_json__garbage_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } rows[] = {
        {"[1,]", 4},
        {"[NaN]", 5},
        {"{a:1}", 5},
        {"['a']", 5},
        {"[01]", 4},
        {"[1e999]", 7},
        {"[\"\xff\"]", 5},
        {"[\"\\u0000\"]", 10},
        {"[1]\0", 4},
        {"{\"k\":1 \"l\":2}", 13},
        {"// c\n[1]", 8},
        {"5", 1},
        {"[99999999999999999999]", 22},
        {"\x1f\x8b\x08\0\xfe", 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ts_json_doc doc;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_equal(ts_json_parse(&doc, "x.json", rows[i].text, rows[i].len, &diags), TS_EINPUT);
        assert_int_equal(diags.n_errors, 1);
        assert_true(ts_str_has_prefix(diags.items[0].message, "not valid JSON: "));
        ts_diags_deinit(&diags);
    }
}

static void test_json__depth_is_limited(void **state)
{
    (void)state;
    enum { N = 200000 };
    char *text = malloc(N);
    assert_non_null(text);
    memset(text, '[', N);
    struct ts_json_doc doc;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_json_parse(&doc, "x.json", text, N, &diags), TS_EINPUT);
    ts_diags_deinit(&diags);
    free(text);
}

static void test_json__a_byte_order_mark_is_skipped(void **state)
{
    (void)state;
    struct ts_json_doc doc;
    int64_t i = 0;
    parse(&doc, "\xef\xbb\xbf{\"a\": 7}");
    assert_true(ts_json_int(ts_json_get(ts_json_root(&doc), "a"), &i) && i == 7);
    assert_string_equal(doc.name, "x.json");
    ts_json_deinit(&doc);
    expect_error("\xef\xbb\xbf{7}", 6,
                 "x.json:1:5: error: not valid JSON: string or '}' expected near '7'\n"
                 "    1 | \xef\xbb\xbf{7}\n"
                 "      |   ^\n");
}

static void test_json_read__reads_a_file_or_says_why_not(void **state)
{
    (void)state;
    char path[] = "/tmp/ts_json.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "[1, 2]", 6), 6);
    close(fd);
    struct ts_json_doc doc;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_json_read(&doc, path, 100, &diags), TS_OK);
    assert_int_equal(ts_json_length(ts_json_root(&doc)), 2);
    ts_json_deinit(&doc);
    assert_int_equal(ts_json_read(&doc, path, 5, &diags), TS_EIO);
    unlink(path);
    assert_int_equal(ts_json_read(&doc, path, 100, &diags), TS_EIO);
    assert_int_equal(diags.n_errors, 2);
    ts_diags_deinit(&diags);
}

static void write_sample(struct ts_json_writer *w)
{
    ts_json_begin_object(w);
    ts_json_key(w, "format_version");
    ts_json_put_int(w, INT64_MIN);
    ts_json_key(w, "list");
    ts_json_begin_array(w);
    ts_json_put_double(w, 0.1);
    ts_json_put_double(w, NAN);
    ts_json_put_double(w, INFINITY);
    ts_json_begin_object(w);
    ts_json_end_object(w);
    ts_json_put_bool(w, true);
    ts_json_put_string(w, NULL);
    ts_json_end_array(w);
    ts_json_key(w, "empty");
    ts_json_begin_array(w);
    ts_json_end_array(w);
    ts_json_key(w, "a \"b\"");
    ts_json_put_string(w, "line\n\ttab \\ \x01 \x7f \xc3\xa9");
    ts_json_end_object(w);
}

static void test_json_writer__layout_is_fixed(void **state)
{
    (void)state;
    struct ts_text out;
    struct ts_json_writer writer;
    ts_text_init(&out);
    ts_json_writer_init(&writer, &out);
    write_sample(&writer);
    assert_string_equal(out.data, "{\n"
                                  "  \"format_version\": -9223372036854775808,\n"
                                  "  \"list\": [\n"
                                  "    0.1,\n"
                                  "    null,\n"
                                  "    null,\n"
                                  "    {},\n"
                                  "    true,\n"
                                  "    null\n"
                                  "  ],\n"
                                  "  \"empty\": [],\n"
                                  "  \"a \\\"b\\\"\": \"line\\n\\ttab \\\\ \\u0001 \\u007f \xc3\xa9\"\n"
                                  "}");
    struct ts_json_doc doc;
    parse(&doc, out.data);
    assert_string_equal(ts_json_string(ts_json_get(ts_json_root(&doc), "a \"b\"")),
                        "line\n\ttab \\ \x01 \x7f \xc3\xa9");
    ts_json_deinit(&doc);
    ts_text_deinit(&out);
}

static void test_json_writer__any_bytes_become_valid_json(void **state)
{
    (void)state;
    static const char *const strings[] = {
        "\xff",     "a\xc3",   "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98\x80",
        "\xe2\x82", "\x80\x80"};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct ts_text out;
        struct ts_json_writer writer;
        ts_text_init(&out);
        ts_json_writer_init(&writer, &out);
        ts_json_begin_array(&writer);
        ts_json_put_string(&writer, strings[i]);
        ts_json_end_array(&writer);
        struct ts_json_doc doc;
        parse(&doc, out.data);
        bool valid = strcmp(strings[i], "\xf0\x9f\x98\x80") == 0;
        assert_int_equal(strcmp(ts_json_string(ts_json_at(ts_json_root(&doc), 0)), strings[i]) == 0, valid);
        ts_json_deinit(&doc);
        ts_text_deinit(&out);
    }
}

static void expect_lines(const char *text, const char *lines)
{
    struct ts_json_stream stream;
    struct ts_json_doc doc;
    struct ts_text found;
    uint32_t line = 0;
    ts_text_init(&found);
    ts_json_stream_init(&stream, "x.jsonl", text, strlen(text));
    while (ts_json_next(&doc, &line, &stream, NULL) == TS_OK && line > 0) {
        int64_t value = 0;
        assert_true(ts_json_int(ts_json_get(ts_json_root(&doc), "a"), &value));
        ts_text_printf(&found, "%lld@%u ", (long long)value, line);
        ts_json_deinit(&doc);
    }
    assert_string_equal(found.data, lines);
    ts_text_deinit(&found);
}

static void test_json__a_stream_gives_values_with_their_lines(void **state)
{
    (void)state;
    expect_lines("", "");
    expect_lines("{\"a\": 1}", "1@1 ");
    expect_lines("\xef\xbb\xbf{\"a\": 1}\n{\"a\": 2}\r\n\n{\"a\":\n3}{\"a\":4}\n", "1@1 2@2 3@4 4@5 ");
    expect_lines("[\n {\"a\": 1},\n\n {\"a\": 2} ]\n", "1@2 2@4 ");
    expect_lines("[]", "");
    expect_lines("[{\"a\":1}][{\"a\":2}]\n{\"a\":3}", "1@1 2@1 3@2 ");
}

static void test_json__a_stream_tells_the_line_of_what_is_broken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t line;
    } cases[] = {{"{\"a\": 1}\n{\"a\": ", 2},
                 {"{\"a\": 1}\n\n{\"a\": NaN}\n", 3},
                 {"[{\"a\": 1}\n{\"a\": 2}]", 2},
                 {"[{\"a\": 1},\n", 2},
                 {"{\"a\": 1}\n]", 2},
                 {"[\n{\"a\": 1}", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_json_stream stream;
        struct ts_json_doc doc;
        struct ts_diags diags;
        uint32_t line = 1;
        enum ts_status status = TS_OK;
        ts_diags_init(&diags);
        ts_json_stream_init(&stream, "x.jsonl", cases[i].text, strlen(cases[i].text));
        while ((status = ts_json_next(&doc, &line, &stream, &diags)) == TS_OK && line > 0) {
            ts_json_deinit(&doc);
        }
        assert_int_equal(status, TS_EINPUT);
        assert_int_equal(diags.n_errors, 1);
        assert_int_equal(diags.items[0].line, cases[i].line);
        ts_diags_deinit(&diags);
    }
}

static void test_json_span__finds_a_value_by_its_keys(void **state)
{
    (void)state;
    static const char text[] = "{\"a\": [1, {\"b\": 2}, \"]}\"], \"q\\\"x\": {},\n"
                               "  \"b\" :  {\"a\": \"}\", \"c\":\n  -1.5e3 ,\"d\": null}\n}";
    static const struct {
        const char *keys[3];
        uint32_t line, col, len;
    } cases[] = {
        {{"a", NULL}, 1, 7, 19},
        {{"b", NULL}, 2, 10, 15},
        {{"b", "a", NULL}, 2, 16, 3},
        {{"b", "c", NULL}, 3, 3, 6},
        {{"b", "d", NULL}, 3, 16, 4},
        {{"b", "x", NULL}, 0, 0, 0},
        {{"a", "b", NULL}, 0, 0, 0},
        {{"x", NULL}, 0, 0, 0},
        {{NULL}, 1, 1, sizeof "{\"a\": [1, {\"b\": 2}, \"]}\"], \"q\\\"x\": {}," - 1},
    };
    struct ts_source source;
    assert_int_equal(ts_source_from_text(&source, "x.json", text, strlen(text), NULL), TS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_span span = ts_json_span(&source, cases[i].keys);
        assert_int_equal(span.line, cases[i].line);
        assert_int_equal(span.col, cases[i].col);
        assert_int_equal(span.len, cases[i].len);
    }
    ts_source_deinit(&source);
}

/* Whatever is cut off, nothing is read beyond the end. */
static void test_json_span__a_broken_text_has_no_places_beyond_it(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf{\"a\": {\"b\": [\"\\\"\", {}]}, \"c\": tru";
    static const char *const paths[][3] = {{"a", "b", NULL}, {"c", NULL}, {"a", "x", NULL}};
    for (size_t len = 1; len < sizeof text; len++) {
        struct ts_source source;
        assert_int_equal(ts_source_from_text(&source, "x.json", text, len, NULL), TS_OK);
        for (size_t i = 0; i < 3; i++) {
            struct ts_span span = ts_json_span(&source, paths[i]);
            assert_true(span.line <= 1 && span.col + span.len <= len + 1);
        }
        ts_source_deinit(&source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__lookups_chain_and_types_are_strict),
        cmocka_unit_test(test_json__nothing_has_no_members),
        cmocka_unit_test(test_json__errors_have_a_place_and_a_reason),
        cmocka_unit_test(test_json__garbage_is_refused),
        cmocka_unit_test(test_json__depth_is_limited),
        cmocka_unit_test(test_json__a_byte_order_mark_is_skipped),
        cmocka_unit_test(test_json_read__reads_a_file_or_says_why_not),
        cmocka_unit_test(test_json_writer__layout_is_fixed),
        cmocka_unit_test(test_json_writer__any_bytes_become_valid_json),
        cmocka_unit_test(test_json__a_stream_gives_values_with_their_lines),
        cmocka_unit_test(test_json__a_stream_tells_the_line_of_what_is_broken),
        cmocka_unit_test(test_json_span__finds_a_value_by_its_keys),
        cmocka_unit_test(test_json_span__a_broken_text_has_no_places_beyond_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
