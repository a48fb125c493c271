#include "kernels/bench_error.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static double error_of(const char *quant, const char *isa, uint32_t cols)
{
    double error = -1.0;
    assert_int_equal(ts_bench_error(&error, quant, isa, cols, NULL), TS_OK);
    return error;
}

/* Q8_0 rounds to 1/127 of a block's largest weight, Q4_0 to 1/8: between 10 and 20 times as coarse. */
static void test_bench_error__is_of_the_size_of_the_format(void **state)
{
    (void)state;
    double q8 = error_of("Q8_0", NULL, 2048);
    double q4 = error_of("q4_0", NULL, 2048);
    assert_true(q8 > 0.004 && q8 < 0.009);
    assert_true(q4 > 10.0 * q8 && q4 < 20.0 * q8);
}

static void test_bench_error__no_variant_is_coarser_than_the_reference(void **state)
{
    (void)state;
    double best = error_of("Q4_0", NULL, 1024);
    double reference = error_of("Q4_0", "ref", 1024);
    assert_true(best < reference + 1e-5);
    assert_true(best == error_of("Q4_0", NULL, 1024));
}

static void test_bench_error__refuses_what_it_cannot_do(void **state)
{
    (void)state;
    double error = -1.0;
    assert_int_equal(ts_bench_error(&error, "Q9_9", NULL, 1024, NULL), TS_EUNSUPPORTED);
    assert_int_equal(ts_bench_error(&error, "Q4_0", "no-such-isa", 1024, NULL), TS_EUNSUPPORTED);
    assert_int_equal(ts_bench_error(&error, "Q4_0", NULL, 1000, NULL), TS_ERANGE);
    assert_int_equal(ts_bench_error(&error, "Q4_0", NULL, 0, NULL), TS_ERANGE);
    assert_true(error == -1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_error__is_of_the_size_of_the_format),
        cmocka_unit_test(test_bench_error__no_variant_is_coarser_than_the_reference),
        cmocka_unit_test(test_bench_error__refuses_what_it_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
