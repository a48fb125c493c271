#include "kernels/bench/bench_error.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "kernels/kernel.h"

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

/* But for one that rounds to BF16 instead of int8, which is finer; where the error is that of the format, the two kinds
 * of rounding add to it by chance, a thousandth of it at most. */
static void test_bench_error__variants_differ_by_float_rounding_only(void **state)
{
    (void)state;
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    for (int q = 0; q < TS_QUANT_COUNT; q++) {
        const struct ts_quant_format *quant = ts_quant_format((enum ts_quant)q);
        const double reference = error_of(quant->name, "ref", 1024);
        const enum ts_act_kind kind_of_reference =
            ts_kernel_format(ts_kernel_at(ts_kernel_count() - 1), quant->id)->act->kind;
        for (const struct ts_kernel *kernel = NULL;
             (kernel = ts_kernel_after(kernel, cpu.features, quant->id)) != NULL;) {
            const double error = error_of(quant->name, kernel->name, 1024);
            const enum ts_act_kind kind = ts_kernel_format(kernel, quant->id)->act->kind;
            if (kind == kind_of_reference) {
                assert_true(fabs(error - reference) < 1e-5);
            } else if (kind == TS_ACT_RAISED_BFLOAT) {
                assert_true(error < 1.001 * reference + 1e-5);
            }
        }
    }
}

static void test_bench_error__is_the_same_every_time(void **state)
{
    (void)state;
    assert_true(error_of("Q4_0", NULL, 1024) == error_of("Q4_0", NULL, 1024));
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
        cmocka_unit_test(test_bench_error__variants_differ_by_float_rounding_only),
        cmocka_unit_test(test_bench_error__is_the_same_every_time),
        cmocka_unit_test(test_bench_error__refuses_what_it_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
