/* Sobol's points and indices on functions whose answers are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "study/sobol.h"

enum { N = 4096, D = 3 };

static const double pi = 3.14159265358979323846;

static double ishigami(const double *x)
{
    const double s = sin(pi * (2.0 * x[1] - 1.0)), z = pi * (2.0 * x[2] - 1.0);
    return sin(pi * (2.0 * x[0] - 1.0)) * (1.0 + 0.1 * z * z * z * z) + 7.0 * s * s;
}

static void indices_of(double *first, double *total, double (*f)(const double *x), uint32_t replicate)
{
    double *points = calloc((size_t)N * 2 * D, sizeof *points);
    double *ya = calloc(N, sizeof *ya), *yb = calloc(N, sizeof *yb), *yab = calloc((size_t)N * D, sizeof *yab);
    assert_true(points && ya && yb && yab);
    assert_int_equal(ts_sobol_points(points, N, 2 * D, 1, replicate), 0);
    for (uint32_t k = 0; k < N; k++) {
        const double *a = points + (size_t)k * 2 * D, *b = a + D;
        ya[k] = f(a);
        yb[k] = f(b);
        for (uint32_t i = 0; i < D; i++) {
            double mixed[D] = {a[0], a[1], a[2]};
            mixed[i] = b[i];
            yab[(size_t)i * N + k] = f(mixed);
        }
    }
    ts_sobol_indices(first, total, ya, yb, yab, N, D);
    free(points);
    free(ya);
    free(yb);
    free(yab);
}

static void test_sobol__ishigami(void **state)
{
    (void)state;
    static const double known_first[D] = {0.3139, 0.4424, 0.0}, known_total[D] = {0.5576, 0.4424, 0.2437};
    for (uint32_t replicate = 0; replicate < 4; replicate++) {
        double first[D], total[D];
        indices_of(first, total, ishigami, replicate);
        for (int i = 0; i < D; i++) {
            assert_true(fabs(first[i] - known_first[i]) < 0.01);
            assert_true(fabs(total[i] - known_total[i]) < 0.01);
        }
    }
}

static double sum(const double *x)
{
    return x[0] + 2.0 * x[1];
}

static void test_sobol__a_sum_has_no_interactions(void **state)
{
    (void)state;
    double first[D], total[D];
    indices_of(first, total, sum, 0);
    const double known[D] = {0.2, 0.8, 0.0};
    for (int i = 0; i < D; i++) {
        assert_true(fabs(first[i] - known[i]) < 0.005 && fabs(total[i] - known[i]) < 0.005);
    }
}

static double constant(const double *x)
{
    return 3.0 + 0.0 * x[0];
}

static void test_sobol__what_does_not_vary_has_no_indices(void **state)
{
    (void)state;
    double first[D], total[D];
    indices_of(first, total, constant, 0);
    assert_true(isnan(first[0]) && isnan(total[2]));
}

/* The mean of a smooth function: random points of that number miss it by 0.0045. */
static void test_sobol__points_are_even_and_replicates_differ(void **state)
{
    (void)state;
    double *points = calloc((size_t)N * D, sizeof *points), last = -1.0;
    assert_non_null(points);
    for (uint32_t replicate = 0; replicate < 4; replicate++) {
        double mean = 0.0;
        assert_int_equal(ts_sobol_points(points, N, D, 7, replicate), 0);
        for (uint32_t k = 0; k < N; k++) {
            for (int i = 0; i < D; i++) {
                assert_true(points[(size_t)k * D + i] > 0.0 && points[(size_t)k * D + i] < 1.0);
            }
            mean += points[(size_t)k * D] * points[(size_t)k * D + 1] / N;
        }
        assert_true(fabs(mean - 0.25) < 0.0002);
        assert_true(points[0] != last);
        last = points[0];
    }
    free(points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sobol__ishigami),
        cmocka_unit_test(test_sobol__a_sum_has_no_interactions),
        cmocka_unit_test(test_sobol__what_does_not_vary_has_no_indices),
        cmocka_unit_test(test_sobol__points_are_even_and_replicates_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
