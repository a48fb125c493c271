/* Exact sums of the time of many units. */
#include "tests/sim/sim_world.h"

#include "sim/unit_time.h"

static void test_unit_time__sums_carry_into_seconds(void **state)
{
    (void)state;
    struct ts_unit_time time = {0};
    ts_unit_time_add(&time, 3, 700 * MS);
    assert_int_equal(time.s, 2);
    assert_int_equal(time.ns, 100 * MS);
    ts_unit_time_join(&time, (struct ts_unit_time){.s = 1, .ns = 950 * MS});
    assert_int_equal(time.s, 4);
    assert_int_equal(time.ns, 50 * MS);
    assert_true(ts_unit_time_s(time) == 4.05);
}

/* 65,536 units over 31 years in pieces of a third of a second and a bit: nanoseconds alone would not fit in 64 bits. */
static void test_unit_time__the_parts_are_the_whole(void **state)
{
    (void)state;
    struct ts_unit_time parts = {0}, whole = {0};
    const int64_t piece_ns = 333333333333333;
    for (int i = 0; i < 3000; i++) {
        ts_unit_time_add(&parts, 65536, piece_ns);
    }
    ts_unit_time_add(&whole, 65536, 3000 * piece_ns);
    assert_true(ts_unit_time_equal(parts, whole));
    assert_true(!ts_unit_time_is_less(whole, parts));
    ts_unit_time_add(&parts, 1, 1);
    assert_true(ts_unit_time_is_less(whole, parts) && !ts_unit_time_is_less(parts, whole));
}

static void test_unit_time__doubles_keep_the_order(void **state)
{
    (void)state;
    struct ts_unit_time time = {.s = 123456789, .ns = 999999000};
    double before_s = ts_unit_time_s(time);
    for (int i = 0; i < 3000; i++) {
        ts_unit_time_add(&time, 1, 1);
        assert_true(ts_unit_time_s(time) >= before_s);
        before_s = ts_unit_time_s(time);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unit_time__sums_carry_into_seconds),
        cmocka_unit_test(test_unit_time__the_parts_are_the_whole),
        cmocka_unit_test(test_unit_time__doubles_keep_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
