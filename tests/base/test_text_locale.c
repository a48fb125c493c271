/* Numbers out and in under a locale whose decimal point is a comma; skipped where no such locale is installed. */
#include <locale.h>

#include "base/text.h"
#include "tests/base/base_test.h"

static void test_text__numbers_have_a_point_in_every_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE",
                                        "fr_FR.UTF-8", "fr_FR.utf8", "ps_AF.utf8"};
    const char *found = NULL;
    for (size_t i = 0; found == NULL && i < sizeof names / sizeof names[0]; i++) {
        found = setlocale(LC_ALL, names[i]);
    }
    if (found == NULL) {
        skip();
    }
    struct ts_text text;
    ts_text_init(&text);
    ts_text_double(&text, 0.1);
    ts_text_puts(&text, " ");
    ts_text_double(&text, 1.2345678901234567e-200);
    ts_text_puts(&text, " ");
    ts_text_number(&text, 12345.678, 7);
    assert_string_equal(text.data, "0.1 1.2345678901234567e-200 12,345.68");
    ts_text_deinit(&text);
    double value = 0.0;
    assert_true(ts_parse_double(&value, "1.2345678901234567e-200", 23));
    assert_true(value == 1.2345678901234567e-200);
    assert_false(ts_parse_double(&value, "1,5", 3));
    assert_false(ts_parse_double(&value, "1,2345678901234567e-200", 23));
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text__numbers_have_a_point_in_every_locale)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
