/* Inputs that nobody knows: the shape through three points, and how a value is written. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/uncertain.h"
#include "tests/near.h"

static struct ts_uncertain points(double p10, double p50, double p90)
{
    return (struct ts_uncertain){.key = "x", .p10 = p10, .p50 = p50, .p90 = p90, .min = -1e9, .max = 1e9};
}

static void test_uncertain__the_shape_goes_through_its_points(void **state)
{
    (void)state;
    static const double given[][3] = {{1.0, 2.0, 3.0}, {10.0, 20.0, 40.0}, {-5.0, 1.0, 2.0}, {1.0, 1.0, 4.0}};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        const struct ts_uncertain input = points(given[i][0], given[i][1], given[i][2]);
        assert_near(ts_uncertain_at(&input, 0.1), given[i][0], 1e-12);
        assert_near(ts_uncertain_at(&input, 0.5), given[i][1], 1e-12);
        assert_near(ts_uncertain_at(&input, 0.9), given[i][2], 1e-12);
        double last = -INFINITY;
        for (int k = 1; k < 1000; k++) { /* and ascends */
            const double x = ts_uncertain_at(&input, k / 1000.0);
            assert_true(x >= last);
            last = x;
        }
    }
}

static void test_uncertain__equal_sides_are_normal_and_equal_ratios_lognormal(void **state)
{
    (void)state;
    const struct ts_uncertain normal = points(1.0, 2.0, 3.0), lognormal = points(10.0, 20.0, 40.0);
    const double z = 1.6448536269514722 / 1.2815515655446004; /* 0.95 against 0.9 */
    assert_near(ts_uncertain_at(&normal, 0.95), 2.0 + z, 1e-9);
    assert_near(ts_uncertain_at(&lognormal, 0.95), 20.0 * pow(2.0, z), 1e-9);
    assert_near(ts_uncertain_at(&lognormal, 0.05), 20.0 * pow(2.0, -z), 1e-9);
}

static void test_uncertain__values_stay_within_what_the_key_allows(void **state)
{
    (void)state;
    struct ts_uncertain input = points(1.0, 2.0, 3.0);
    input.min = 1.5;
    input.max = 2.5;
    assert_near(ts_uncertain_at(&input, 0.001), 1.5, 0.0);
    assert_near(ts_uncertain_at(&input, 0.999), 2.5, 0.0);
    input.max = 9.0;
    input.is_whole = true;
    assert_near(ts_uncertain_at(&input, 0.001), 2.0, 0.0);
    assert_near(ts_uncertain_at(&input, 0.9), 3.0, 0.0);
}

static void check_set(const char *unit, double value, const char *expected)
{
    struct ts_text text;
    const struct ts_uncertain input = {.key = "a.b", .unit = unit};
    ts_text_init(&text);
    ts_uncertain_put(&text, &input, value);
    assert_string_equal(text.data, expected);
    ts_text_deinit(&text);
}

static void test_uncertain__a_value_is_written_as_set_reads_it(void **state)
{
    (void)state;
    check_set("USD", 32500.0, "a.b=32500 USD");
    check_set("1/month", 0.25, "a.b=0.25 /month");
    check_set("1", 0.5, "a.b=0.5");
    check_set(NULL, 0.1 + 0.2, "a.b=0.30000000000000004");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uncertain__the_shape_goes_through_its_points),
        cmocka_unit_test(test_uncertain__equal_sides_are_normal_and_equal_ratios_lognormal),
        cmocka_unit_test(test_uncertain__values_stay_within_what_the_key_allows),
        cmocka_unit_test(test_uncertain__a_value_is_written_as_set_reads_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
