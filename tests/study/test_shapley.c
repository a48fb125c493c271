/* Shapley's values against games whose parts are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/shapley.h"

static void assert_near(double got, double wanted)
{
    assert_true(fabs(got - wanted) < 1e-12);
}

static void test_shapley__two_players(void **state)
{
    (void)state;
    const double value[] = {10.0, 12.0, 13.0, 20.0};
    double part[2];
    ts_shapley(part, value, 2);
    assert_near(part[0], 4.5);
    assert_near(part[1], 5.5);
}

/* Two have a left glove, one a right one; a pair is worth 1: 1/6, 1/6, 4/6 (Shapley and Shubik's market). */
static void test_shapley__gloves(void **state)
{
    (void)state;
    const double value[] = {0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0};
    double part[3];
    ts_shapley(part, value, 3);
    assert_near(part[0], 1.0 / 6.0);
    assert_near(part[1], 1.0 / 6.0);
    assert_near(part[2], 4.0 / 6.0);
}

/* What adds up has its own parts, whatever their number; their sum is the whole. */
static void test_shapley__of_a_sum_each_has_its_own(void **state)
{
    (void)state;
    enum { N = 8 };
    double value[1 << N], part[N];
    for (uint32_t set = 0; set < 1u << N; set++) {
        value[set] = 3.0;
        for (uint32_t i = 0; i < N; i++) {
            value[set] += set >> i & 1u ? (i + 1.0) * (i + 1.0) : 0.0;
        }
    }
    ts_shapley(part, value, N);
    for (uint32_t i = 0; i < N; i++) {
        assert_near(part[i], (i + 1.0) * (i + 1.0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapley__two_players),
        cmocka_unit_test(test_shapley__gloves),
        cmocka_unit_test(test_shapley__of_a_sum_each_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
