/* Text: growth, numbers out and in, suggestions. */
#include "base/text.h"

#include <float.h>

#include "base/rng.h"
#include "tests/base/base_test.h"

static void test_text__grows_and_stays_terminated(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    assert_string_equal(text.data, "");
    ts_text_append(&text, "x", 0);
    assert_int_equal(text.cap, 0);
    for (int i = 0; i < 1000; i++) {
        ts_text_printf(&text, "%d,", i);
    }
    ts_text_puts(&text, "end");
    assert_int_equal(text.len, strlen(text.data));
    assert_int_equal(text.len, 10 * 2 + 90 * 3 + 900 * 4 + 3);
    assert_string_equal(text.data + text.len - 8, ",999,end");
    assert_false(text.failed);
    ts_text_clear(&text);
    assert_string_equal(text.data, "");
    ts_text_deinit(&text);
    assert_string_equal(text.data, "");
    ts_text_clear(&text);
    ts_text_deinit(&text);
}

static void test_text__refuses_to_grow_beyond_its_maximum(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, "kept");
    ts_text_append(&text, "x", (size_t)1 << 31);
    assert_true(text.failed);
    ts_text_puts(&text, " ignored");
    assert_string_equal(text.data, "kept");
    ts_text_deinit(&text);
}

static void expect_double(double value, const char *expected)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_double(&text, value);
    assert_string_equal(text.data, expected);
    ts_text_deinit(&text);
}

static void test_text_double__is_the_shortest_that_reads_back(void **state)
{
    (void)state;
    expect_double(0.0, "0");
    expect_double(-0.0, "-0");
    expect_double(1.0, "1");
    expect_double(-42.0, "-42");
    expect_double(0.1, "0.1");
    expect_double(0.1 + 0.2, "0.30000000000000004");
    expect_double(1.0 / 3.0, "0.3333333333333333");
    expect_double(123456789.0, "123456789");
    expect_double(999999999999999.0, "999999999999999");
    expect_double(1e15, "1e+15");
    expect_double(1e22, "1e+22");
    expect_double(-2.5e-7, "-2.5e-07");
    expect_double(5e-324, "5e-324");
    expect_double(DBL_MAX, "1.7976931348623157e+308");
    expect_double(DBL_MIN, "2.2250738585072014e-308");
    expect_double(NAN, "nan");
    expect_double(INFINITY, "inf");
    expect_double(-INFINITY, "-inf");
}

static void test_text_double__any_bit_pattern_reads_back_exactly(void **state)
{
    (void)state;
    struct ts_rng rng;
    ts_rng_init(&rng, 1, 0, 0, 0);
    struct ts_text text;
    ts_text_init(&text);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = ts_rng_u64(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        value = isfinite(value) ? value : 0.5;
        ts_text_clear(&text);
        ts_text_double(&text, value);
        double back = 0.0;
        assert_true(ts_parse_double(&back, text.data, text.len));
        assert_memory_equal(&back, &value, sizeof value);
    }
    ts_text_deinit(&text);
}

static void expect_number(double value, int digits, const char *expected)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_number(&text, value, digits);
    assert_string_equal(text.data, expected);
    ts_text_deinit(&text);
}

static void test_text_number__is_made_for_people(void **state)
{
    (void)state;
    expect_number(0.0, 3, "0");
    expect_number(19366.0, 3, "19,366");
    expect_number(19366.4, 5, "19,366");
    expect_number(9999.0, 3, "9999");
    expect_number(9999.6, 3, "10,000");
    expect_number(999.96, 3, "1000");
    expect_number(0.0423, 3, "0.0423");
    expect_number(0.042345, 3, "0.0423");
    expect_number(4.5, 3, "4.5");
    expect_number(4.996, 3, "5");
    expect_number(1.2e-9, 3, "1.2e-09");
    expect_number(0.0001, 3, "0.0001");
    expect_number(-1234567.0, 3, "-1,234,567");
    expect_number(123456.0, 3, "123,456");
    expect_number(1e14, 3, "100,000,000,000,000");
    expect_number(2.5e17, 3, "2.5e+17");
    expect_number(3.0, 0, "3");
    expect_number(NAN, 3, "nan");
    expect_number(-INFINITY, 3, "-inf");
}

static void test_parse_double__accepts_decimals_only(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0},
        {"-0.5", -0.5},
        {"+3", 3},
        {".5", 0.5},
        {"5.", 5},
        {"1e3", 1000},
        {"1E-3", 0.001},
        {"2.5e+2", 250},
        {"0.1", 0.1},
        {"1e22", 1e22},
        {"1e23", 1e23},
        {"123456789012345678", 123456789012345678.0},
        {"1e308", 1e308},
        {"1e-400", 0},
        {"0e999", 0},
        {"00012", 12},
        {"4.9e-324", 4.9406564584124654e-324},
        {"0.000000000000000000000000000001", 1e-30},
        {"1.7976931348623157e308", DBL_MAX},
        {"9007199254740993", 9007199254740992.0},
        {"18446744073709551616000", 18446744073709551616e3},
    };
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "1,5",
                                      "0x10",
                                      "inf",
                                      "nan",
                                      "-",
                                      "+",
                                      ".",
                                      "e5",
                                      "1e",
                                      "1e+",
                                      "1_0",
                                      "--1",
                                      "1.2.3",
                                      "1e5.5",
                                      "infinity",
                                      "1e999",
                                      "-1e999",
                                      "1f",
                                      "1d0",
                                      "1e99999999999999999999"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double value = -7.0;
        assert_true(ts_parse_double(&value, good[i].text, strlen(good[i].text)));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double value = -7.0;
        assert_false(ts_parse_double(&value, bad[i], strlen(bad[i])));
        assert_true(value == -7.0);
    }
}

static void test_parse_double__stops_at_the_given_length(void **state)
{
    (void)state;
    double value = 0.0;
    assert_true(ts_parse_double(&value, "12345", 2));
    assert_true(value == 12.0);
    assert_true(ts_parse_double(&value, "1e308999", 5));
    assert_true(value == 1e308);
    assert_false(ts_parse_double(&value, "1\0002", 3));
}

static void test_parse_double__agrees_with_strtod(void **state)
{
    (void)state;
    struct ts_rng rng;
    ts_rng_init(&rng, 2, 0, 0, 0);
    for (int i = 0; i < 100000; i++) {
        char text[64];
        int digits = 1 + (int)(ts_rng_u32(&rng) % 17);
        int exponent = (int)(ts_rng_u32(&rng) % 60) - 30;
        snprintf(text, sizeof text, "%.*fe%d", digits, ts_rng_uniform(&rng) * 1000.0, exponent);
        double value = 0.0;
        assert_true(ts_parse_double(&value, text, strlen(text)));
        assert_true(value == strtod(text, NULL));
    }
}

static void test_parse_double__refuses_a_number_of_a_megabyte(void **state)
{
    (void)state;
    size_t len = 1 << 20;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '7', len);
    double value = 1.0;
    assert_false(ts_parse_double(&value, text, len));
    free(text);
}

static void test_parse_integers__to_their_limits(void **state)
{
    (void)state;
    uint64_t u = 5;
    assert_true(ts_parse_u64(&u, "18446744073709551615", 20) && u == UINT64_MAX);
    assert_true(ts_parse_u64(&u, "0007", 4) && u == 7);
    static const char *const bad[] = {
        "", "-", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "--1", "18446744073709551616", "99999999999999999999999"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        assert_false(ts_parse_u64(&u, bad[k], strlen(bad[k])));
    }
    assert_false(ts_parse_u64(&u, "-1", 2));
    assert_true(u == 7);
}

static void test_suggest__finds_the_nearest_word(void **state)
{
    (void)state;
    static const char *const words[] = {"device", "edge", "cloud", "links", "ms", "replicas"};
    const size_t n = sizeof words / sizeof words[0];
    assert_string_equal(ts_suggest("egde", words, n), "edge");
    assert_string_equal(ts_suggest("EDGE", words, n), "edge");
    assert_string_equal(ts_suggest("clod", words, n), "cloud");
    assert_string_equal(ts_suggest("replica", words, n), "replicas");
    assert_string_equal(ts_suggest("relpicass", words, n), "replicas");
    assert_string_equal(ts_suggest("link", words, n), "links");
    assert_string_equal(ts_suggest("m", words, 4) == NULL ? "none" : "some", "none");
    assert_null(ts_suggest("hedge-fund", words, n));
    assert_null(ts_suggest("zzzz", words, n));
    assert_null(ts_suggest("", words, n));
    assert_null(ts_suggest("edge", words, 0));
    assert_null(ts_suggest("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", words, n));
}

static void test_suggest__prefers_the_smaller_distance_then_the_earlier(void **state)
{
    (void)state;
    static const char *const words[] = {"abcxyz", "abcdxz", "abcdez", "abcdef"};
    assert_string_equal(ts_suggest("abcdef", words, 4), "abcdef");
    assert_string_equal(ts_suggest("abcdeq", words, 4), "abcdez");
}

static void test_str__prefix_and_suffix(void **state)
{
    (void)state;
    assert_true(ts_str_has_prefix("trace.csv.gz", "trace"));
    assert_true(ts_str_has_prefix("x", ""));
    assert_false(ts_str_has_prefix("tr", "trace"));
    assert_true(ts_str_has_suffix("trace.csv.gz", ".gz"));
    assert_false(ts_str_has_suffix("gz", ".gz"));
    assert_true(ts_str_equal("a", "a"));
    assert_false(ts_str_equal("a", "A"));
}

static void test_text_wrap__breaks_at_blanks_only(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    ts_text_wrap(&text, "eight words of a note that is long", 12, 2);
    assert_string_equal(text.data, "eight words\n  of a note\n  that is\n  long");
    ts_text_clear(&text);
    ts_text_wrap(&text, "a word-beyond-the-width \xc3\xa4\xc3\xb6\xc3\xbc", 8, 0);
    assert_string_equal(text.data, "a\nword-beyond-the-width\n\xc3\xa4\xc3\xb6\xc3\xbc");
    ts_text_clear(&text);
    ts_text_wrap(&text, "\xc3\xa4\xc3\xb6 \xc3\xbc", 4, 0);
    assert_string_equal(text.data, "\xc3\xa4\xc3\xb6 \xc3\xbc");
    ts_text_clear(&text);
    ts_text_wrap(&text, "takes 12.5 s each", 8, 0);
    assert_string_equal(text.data, "takes\n12.5 s\neach");
    ts_text_clear(&text);
    ts_text_wrap(&text, "", 4, 2);
    assert_string_equal(text.data, "");
    ts_text_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__grows_and_stays_terminated),
        cmocka_unit_test(test_text__refuses_to_grow_beyond_its_maximum),
        cmocka_unit_test(test_text_double__is_the_shortest_that_reads_back),
        cmocka_unit_test(test_text_double__any_bit_pattern_reads_back_exactly),
        cmocka_unit_test(test_text_number__is_made_for_people),
        cmocka_unit_test(test_parse_double__accepts_decimals_only),
        cmocka_unit_test(test_parse_double__stops_at_the_given_length),
        cmocka_unit_test(test_parse_double__agrees_with_strtod),
        cmocka_unit_test(test_parse_double__refuses_a_number_of_a_megabyte),
        cmocka_unit_test(test_parse_integers__to_their_limits),
        cmocka_unit_test(test_suggest__finds_the_nearest_word),
        cmocka_unit_test(test_suggest__prefers_the_smaller_distance_then_the_earlier),
        cmocka_unit_test(test_str__prefix_and_suffix),
        cmocka_unit_test(test_text_wrap__breaks_at_blanks_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
