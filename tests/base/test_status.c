/* Status codes: every one has a text of its own and the exit code that the command line promises. */
#include "base/status.h"

#include "tests/base/base_test.h"

static const enum ts_status all[] = {TS_OK,        TS_ENOMEM,       TS_EIO,    TS_EINPUT, TS_EUSAGE,
                                     TS_ESCENARIO, TS_EUNSUPPORTED, TS_ERANGE, TS_ELIMIT, TS_EINTERRUPTED};
enum { N_ALL = sizeof all / sizeof all[0] };

static void test_status__texts_are_distinct(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        assert_true(strlen(ts_status_text(all[i])) > 1);
        assert_string_not_equal(ts_status_text(all[i]), "unknown status");
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(ts_status_text(all[i]), ts_status_text(all[j]));
        }
    }
    assert_string_equal(ts_status_text(TS_ENOMEM), "out of memory");
}

static void test_status__exit_codes_are_those_of_the_manual(void **state)
{
    (void)state;
    static const int expected[N_ALL] = {0, 1, 1, 1, 2, 2, 1, 1, 3, 130};
    for (size_t i = 0; i < N_ALL; i++) {
        assert_int_equal(ts_status_exit_code(all[i]), expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status__texts_are_distinct),
        cmocka_unit_test(test_status__exit_codes_are_those_of_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
