/* Names as names of files. */
#include "base/slug.h"

#include "tests/base/base_test.h"

static void expect(const char *name, const char *expected)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_slug(&text, name);
    assert_string_equal(text.data, expected);
    ts_text_deinit(&text);
}

static void test_slug__plain_names_stay(void **state)
{
    (void)state;
    expect("hybrid-enterprise", "hybrid-enterprise");
    expect("a_b.2", "a_b.2");
    expect("A", "A");
}

static void test_slug__leads_nowhere_else(void **state)
{
    (void)state;
    expect("/etc/passwd", "etc-passwd");
    expect("/var/tmp/tiersim-planted", "var-tmp-tiersim-planted");
    expect("../../x", "x");
    expect("..", "unnamed");
    expect(".", "unnamed");
    expect("/", "unnamed");
    expect("", "unnamed");
    expect("a/../b", "a-..-b"); /* one name: no slash is left */
    expect("a\\b", "a-b");
    expect(".hidden", "hidden");
    expect("--rf", "rf");
}

static void test_slug__blanks_and_signs_become_one_dash(void **state)
{
    (void)state;
    expect("Two  GPUs, 8 users!", "Two-GPUs-8-users");
    expect("a\n\tb\x7f", "a-b");
    expect("`id` $(id)", "id-id");
    expect("x.", "x");
    expect("C:x", "C-x");
}

static void test_slug__other_scripts_stay(void **state)
{
    (void)state;
    expect("Gr\xc3\xb6\xc3\x9f"
           "e, 2 GPUs",
           "Gr\xc3\xb6\xc3\x9f"
           "e-2-GPUs");
    expect("\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac");
    expect("\xf0\x9f\x9a\x80", "\xf0\x9f\x9a\x80");
}

static void test_slug__what_is_not_seen_does_not_stay(void **state)
{
    (void)state;
    expect("a\xc2\xa0"
           "b",
           "a-b");                               /* no-break space */
    expect("a\xe2\x80\xaegpj.exe", "a-gpj.exe"); /* right-to-left override */
    expect("a\xef\xbb\xbf"
           "b",
           "a-b"); /* byte-order mark */
    expect("a\xef\xbc\x8f"
           "b",
           "a-b"); /* full-width slash */
    expect("a\xed\xa0\x80"
           "b",
           "a-b"); /* a surrogate */
}

static void test_slug__what_is_not_utf8_does_not_stay(void **state)
{
    (void)state;
    expect("a\xff\xfe"
           "b",
           "a-b");
    expect("a\xc3", "a");
    expect("a\xc0\xaf"
           "b",
           "a-b"); /* a slash in two bytes */
}

static void test_slug__is_cut_between_characters(void **state)
{
    (void)state;
    char name[400] = "";
    char expected[200] = "";
    memset(name, 'x', 300);
    memset(expected, 'x', TS_SLUG_MAX_BYTES);
    expect(name, expected);
    memcpy(name + TS_SLUG_MAX_BYTES - 1, "\xc3\xb6", 2);
    expected[TS_SLUG_MAX_BYTES - 1] = '\0';
    expect(name, expected);
    memset(name + TS_SLUG_MAX_BYTES - 3, '.', 200);
    expected[TS_SLUG_MAX_BYTES - 3] = '\0';
    expect(name, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slug__plain_names_stay),
        cmocka_unit_test(test_slug__leads_nowhere_else),
        cmocka_unit_test(test_slug__blanks_and_signs_become_one_dash),
        cmocka_unit_test(test_slug__other_scripts_stay),
        cmocka_unit_test(test_slug__what_is_not_seen_does_not_stay),
        cmocka_unit_test(test_slug__what_is_not_utf8_does_not_stay),
        cmocka_unit_test(test_slug__is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
