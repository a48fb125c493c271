/* The fits: what is put in comes out, nothing is negative, errors are those of the steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/rng.h"
#include "measure/step_fit.h"

enum { MAX_STEPS = 200 };

static struct ts_step_load load_of(double decode, double depth, double prefill, double past)
{
    return (struct ts_step_load){decode + (prefill > 0.0 ? 1.0 : 0.0), decode * (depth + 1.0), prefill,
                                 decode + prefill, prefill * (past + (prefill + 1.0) / 2.0)};
}

/* A grid of steps without times. */
static size_t make_grid(struct ts_timed_step *steps)
{
    size_t n = 0;
    for (double decode = 1.0; decode <= 64.0; decode *= 2.0) {
        for (double depth = 16.0; depth <= 2048.0; depth *= 4.0) {
            steps[n++].load = load_of(decode, depth, 0.0, 0.0);
        }
    }
    for (double prefill = 32.0; prefill <= 512.0; prefill *= 2.0) {
        steps[n++].load = load_of(0.0, 0.0, prefill, 0.0);
        steps[n++].load = load_of(0.0, 0.0, prefill, 2048.0);
        steps[n++].load = load_of(8.0, 512.0, prefill, 0.0);
    }
    return n;
}

static double linear_time(const double coef[5], const struct ts_step_load *load)
{
    return coef[0] + coef[1] * load->seqs + coef[2] * load->kv_tok + coef[3] * load->prefill_tok +
           coef[4] * load->pairs;
}

static void near(double got, double want, double frac)
{
    if (!(fabs(got - want) <= frac * fabs(want) + 1e-12)) {
        fail_msg("%g is not near %g", got, want);
    }
}

static void test_step_fit__exact_times_give_back_their_coefficients(void **state)
{
    (void)state;
    static const double coef[5] = {0.012, 0.005, 5e-8, 0.004, 3e-8};
    struct ts_timed_step steps[MAX_STEPS] = {0};
    struct ts_linear_fit fit;
    size_t n = make_grid(steps);
    for (size_t i = 0; i < n; i++) {
        steps[i].seconds = linear_time(coef, &steps[i].load);
    }
    assert_int_equal(ts_step_fit_linear(&fit, steps, n), TS_OK);
    for (int j = 0; j < 5; j++) {
        near(fit.coef[j], coef[j], 1e-5);
    }
    assert_true(fit.error.r2 > 1.0 - 1e-9);
    assert_true(fit.error.worst_frac < 1e-5);
    assert_int_equal(fit.error.n, n);
}

/* The standard deviation that the fit claims is that which repeated noise shows. */
static void test_step_fit__covariance_is_what_repeated_noise_shows(void **state)
{
    (void)state;
    enum { REPEATS = 200 };
    static const double coef[5] = {0.012, 0.005, 5e-7, 0.004, 3e-7}, noise = 0.02;
    double sum[5] = {0}, squares[5] = {0}, claimed[5] = {0};
    struct ts_timed_step steps[MAX_STEPS] = {0};
    size_t n = make_grid(steps);
    struct ts_rng rng;
    ts_rng_init(&rng, 5, 0, 0, 0);
    for (int r = 0; r < REPEATS; r++) {
        struct ts_linear_fit fit;
        for (size_t i = 0; i < n; i++) {
            steps[i].seconds = linear_time(coef, &steps[i].load) * (1.0 + noise * ts_rng_normal(&rng));
        }
        assert_int_equal(ts_step_fit_linear(&fit, steps, n), TS_OK);
        for (int j = 0; j < 5; j++) {
            sum[j] += fit.coef[j] / REPEATS;
            squares[j] += fit.coef[j] * fit.coef[j] / REPEATS;
            claimed[j] += sqrt(fit.covariance[j][j]) / REPEATS;
        }
    }
    for (int j = 0; j < 5; j++) {
        near(sum[j], coef[j], 0.02);
        near(claimed[j], sqrt(squares[j] - sum[j] * sum[j]), 0.25);
    }
}

static void test_step_fit__no_coefficient_is_negative(void **state)
{
    (void)state;
    static const double coef[5] = {0.012, 0.005, -1e-6, 0.004, 3e-8}; /* free memory reads would make it negative */
    struct ts_timed_step steps[MAX_STEPS] = {0};
    struct ts_linear_fit fit;
    size_t n = make_grid(steps);
    for (size_t i = 0; i < n; i++) {
        steps[i].seconds = fmax(0.01, linear_time(coef, &steps[i].load));
    }
    assert_int_equal(ts_step_fit_linear(&fit, steps, n), TS_OK);
    for (int j = 0; j < 5; j++) {
        assert_true(fit.coef[j] >= 0.0);
    }
    assert_true(fit.coef[2] < 1e-9);
}

/* A roofline: at least the time to read the weights. */
static double roofline_time(const struct ts_step_load *load)
{
    return fmax(0.016, 0.004 * load->tokens) + 0.001 * load->seqs + 5e-8 * load->kv_tok + 3e-8 * load->pairs;
}

static void test_step_fit__a_table_bends_where_the_line_cannot(void **state)
{
    (void)state;
    static const double knots[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
    struct ts_timed_step steps[MAX_STEPS] = {0}, held[3] = {0};
    struct ts_linear_fit linear;
    struct ts_table_fit table;
    struct ts_fit_error error;
    size_t n = make_grid(steps);
    for (size_t i = 0; i < n; i++) {
        steps[i].seconds = roofline_time(&steps[i].load);
    }
    assert_int_equal(ts_step_fit_linear(&linear, steps, n), TS_OK);
    assert_int_equal(ts_step_fit_table(&table, steps, n, knots, sizeof knots / sizeof knots[0]), TS_OK);
    assert_true(linear.error.worst_frac > 0.1);
    assert_true(table.error.worst_frac < 1e-3);
    for (size_t k = 1; k < table.n_knots; k++) {
        assert_true(table.seconds[k] >= table.seconds[k - 1]);
    }
    near(table.c_s_per_kv_tok, 5e-8, 0.01);
    near(table.e_s_per_pair, 3e-8, 0.02);
    held[0].load = load_of(3.0, 100.0, 0.0, 0.0);
    held[1].load = load_of(6.0, 700.0, 300.0, 50.0);
    held[2].load = load_of(12.0, 5000.0, 700.0, 50.0); /* beyond the last knot */
    for (int i = 0; i < 3; i++) {
        held[i].seconds = roofline_time(&held[i].load);
    }
    assert_int_equal(ts_step_check_table(&error, &table, held, 3), TS_OK);
    assert_true(error.worst_frac < 0.01);
    assert_int_equal(error.n, 3);
}

static void test_step_fit__a_step_counts_by_its_weight(void **state)
{
    (void)state;
    static const double coef[5] = {0.012, 0.005, 5e-8, 0.004, 3e-8};
    struct ts_timed_step steps[MAX_STEPS] = {0};
    struct ts_linear_fit fit;
    const size_t n = make_grid(steps);
    for (size_t i = 0; i < n; i++) {
        steps[i].seconds = linear_time(coef, &steps[i].load);
        steps[i].weight = 1e6;
        steps[n + i] = steps[i];
        steps[n + i].seconds *= 2.0;
        steps[n + i].weight = 1.0;
    }
    assert_int_equal(ts_step_fit_linear(&fit, steps, 2 * n), TS_OK);
    for (int j = 0; j < 5; j++) {
        near(fit.coef[j], coef[j], 1e-3);
    }
}

/* Every step measured twice, a third too fast and a third too slow: the fit goes through the middle. */
static void test_step_fit__noise_does_not_pull_the_fit_down(void **state)
{
    (void)state;
    static const double coef[5] = {0.012, 0.005, 5e-8, 0.004, 3e-8};
    struct ts_timed_step steps[MAX_STEPS] = {0};
    struct ts_linear_fit fit;
    const size_t n = make_grid(steps);
    for (size_t i = 0; i < n; i++) {
        const double t = linear_time(coef, &steps[i].load);
        steps[n + i] = steps[i];
        steps[i].seconds = 0.67 * t;
        steps[n + i].seconds = 1.33 * t;
        steps[i].weight = steps[n + i].weight = 1.0;
    }
    assert_int_equal(ts_step_fit_linear(&fit, steps, 2 * n), TS_OK);
    for (int j = 0; j < 5; j++) {
        near(fit.coef[j], coef[j], 1e-3);
    }
}

static void test_step_fit__errors_are_shares_of_the_measured_time(void **state)
{
    (void)state;
    struct ts_linear_fit fit = {.coef = {1.0, 0.0, 0.0, 0.0, 0.0}};
    const struct ts_timed_step steps[] = {{.seconds = 1.0}, {.seconds = 2.0}, {.seconds = 0.8}, {.seconds = 1.25}};
    struct ts_fit_error error; /* misses: 0, 50 %, 25 %, 20 % */
    assert_int_equal(ts_step_check_linear(&error, &fit, steps, 4), TS_OK);
    near(error.worst_frac, 0.5, 1e-12);
    assert_int_equal(error.worst, 1);
    near(error.median_frac, 0.225, 1e-12);
    near(error.r2, 1.0 - 1.1025 / 0.826875, 1e-12);
}

static void test_step_fit__too_few_steps_are_refused(void **state)
{
    (void)state;
    static const double knots[] = {1, 8};
    struct ts_timed_step steps[MAX_STEPS] = {{.seconds = 1.0}};
    struct ts_linear_fit linear;
    struct ts_table_fit table;
    assert_int_equal(ts_step_fit_linear(&linear, steps, 4), TS_ERANGE);
    assert_int_equal(ts_step_fit_table(&table, steps, 4, knots, 2), TS_ERANGE);
    assert_int_equal(ts_step_fit_table(&table, steps, 100, knots, 0), TS_ERANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_fit__exact_times_give_back_their_coefficients),
        cmocka_unit_test(test_step_fit__covariance_is_what_repeated_noise_shows),
        cmocka_unit_test(test_step_fit__no_coefficient_is_negative),
        cmocka_unit_test(test_step_fit__a_table_bends_where_the_line_cannot),
        cmocka_unit_test(test_step_fit__a_step_counts_by_its_weight),
        cmocka_unit_test(test_step_fit__noise_does_not_pull_the_fit_down),
        cmocka_unit_test(test_step_fit__errors_are_shares_of_the_measured_time),
        cmocka_unit_test(test_step_fit__too_few_steps_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
