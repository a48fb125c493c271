/* What programs write as JSON that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static struct ts_json_doc parse(const char *text)
{
    struct ts_json_doc doc;
    assert_int_equal(ts_json_parse_lenient(&doc, "x", text, strlen(text)), TS_OK);
    return doc;
}

static void test_json_lenient__what_is_no_number_is_null(void **state)
{
    (void)state;
    struct ts_json_doc doc = parse("{\"a\": NaN, \"b\": -Infinity, \"c\": [inf, 1e999, 2.5], \"d\": true, \"e\": 7}");
    const struct ts_json *root = ts_json_root(&doc);
    double value = 0.0;
    int64_t whole = 0;
    bool flag = false;
    assert_true(ts_json_is_null(ts_json_get(root, "a")) && ts_json_is_null(ts_json_get(root, "b")));
    assert_true(ts_json_is_null(ts_json_at(ts_json_get(root, "c"), 0)));
    assert_true(ts_json_is_null(ts_json_at(ts_json_get(root, "c"), 1)));
    assert_true(ts_json_double(ts_json_at(ts_json_get(root, "c"), 2), &value) && value == 2.5);
    assert_true(ts_json_bool(ts_json_get(root, "d"), &flag) && flag);
    assert_true(ts_json_int(ts_json_get(root, "e"), &whole) && whole == 7);
    ts_json_deinit(&doc);
}

static void test_json_lenient__a_hash_of_64_bits_keeps_its_digits(void **state)
{
    (void)state;
    struct ts_json_doc doc = parse("{\"id\": 18446744073709551615, \"in\": 12}");
    assert_string_equal(ts_json_string(ts_json_get(ts_json_root(&doc), "id")), "18446744073709551615");
    ts_json_deinit(&doc);
}

static void test_json_lenient__texts_of_any_bytes_are_texts(void **state)
{
    (void)state;
    struct ts_json_doc doc =
        parse("{\"a\": \"x\\u0000y\", \"b\": \"\\ud800 z\", \"c\": \"\xff NaN\", \"d\": \"\\ud83d\\ude00\"}");
    const struct ts_json *root = ts_json_root(&doc);
    assert_string_equal(ts_json_string(ts_json_get(root, "a")), "x\xef\xbf\xbdy");
    assert_string_equal(ts_json_string(ts_json_get(root, "b")), "\xef\xbf\xbd z");
    assert_string_equal(ts_json_string(ts_json_get(root, "c")), "\xef\xbf\xbd NaN");
    assert_string_equal(ts_json_string(ts_json_get(root, "d")), "\xf0\x9f\x98\x80");
    ts_json_deinit(&doc);
}

static void test_json_lenient__the_last_of_equal_keys_counts(void **state)
{
    (void)state;
    struct ts_json_doc doc = parse("{\"a\": 1, \"a\": 2}");
    int64_t whole = 0;
    assert_true(ts_json_int(ts_json_get(ts_json_root(&doc), "a"), &whole) && whole == 2);
    ts_json_deinit(&doc);
}

static void test_json_lenient__what_is_cut_short_stays_an_error(void **state)
{
    (void)state;
    static const char *const texts[] = {"",      "{", "{\"a\": 12x}", "{\"a\": \"b", "{\"a\": 1}}", "{\"a\": \"\\u00",
                                        "{a: 1}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ts_json_doc doc;
        assert_int_equal(ts_json_parse_lenient(&doc, "x", texts[i], strlen(texts[i])), TS_EINPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_lenient__what_is_no_number_is_null),
        cmocka_unit_test(test_json_lenient__a_hash_of_64_bits_keeps_its_digits),
        cmocka_unit_test(test_json_lenient__texts_of_any_bytes_are_texts),
        cmocka_unit_test(test_json_lenient__the_last_of_equal_keys_counts),
        cmocka_unit_test(test_json_lenient__what_is_cut_short_stays_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
