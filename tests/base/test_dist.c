/* Distributions: parameters, quantiles at known points, clamps, constants. */
#include "base/dist.h"

#include <gsl/gsl_cdf.h>

#include "tests/base/base_test.h"

static void test_dist__quantiles_at_known_points(void **state)
{
    (void)state;
    struct ts_dist normal = ts_dist_normal(10.0, 2.0);
    assert_near(ts_dist_quantile(&normal, 0.975), 10.0 + 2.0 * 1.959963984540054, 1e-12);
    struct ts_dist lognormal = ts_dist_lognormal_median_p95(0.035, 0.090);
    assert_near(ts_dist_quantile(&lognormal, 0.5), 0.035, 1e-15);
    assert_near(ts_dist_quantile(&lognormal, 0.95), 0.090, 1e-9);
    struct ts_dist uniform = ts_dist_uniform(2.0, 6.0);
    assert_near(ts_dist_quantile(&uniform, 0.25), 3.0, 1e-15);
    struct ts_dist exponential = ts_dist_exponential(3.0);
    assert_near(ts_dist_quantile(&exponential, 1.0 - exp(-1.0)), 3.0, 1e-14);
    assert_near(ts_dist_quantile(&exponential, 1e-300), 3e-300, 1e-312);
    struct ts_dist weibull = ts_dist_weibull(2.0, 5.0);
    assert_near(ts_dist_quantile(&weibull, 1.0 - exp(-4.0)), 10.0, 1e-12);
    struct ts_dist gamma = {.kind = TS_DIST_GAMMA, .a = 2.0, .b = 1.0, .min = -INFINITY, .max = INFINITY};
    assert_near(ts_dist_quantile(&gamma, 0.5), 1.678346990016661, 1e-14);
}

static void test_dist__gamma_quantiles_invert_the_distribution(void **state)
{
    (void)state;
    static const double shapes[] = {0.01, 0.1, 0.39, 0.9, 1.0, 1.5, 2.0, 7.3, 50.0, 400.0, 1e4};
    static const double shares[] = {1e-9, 1e-4, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999, 0.99999999};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct ts_dist dist = ts_dist_gamma_mean_cv(shapes[i], 1.0 / sqrt(shapes[i]));
        assert_near(dist.a, shapes[i], 1e-12 * shapes[i]);
        double last = -1.0;
        for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
            double x = ts_dist_quantile(&dist, shares[k]);
            assert_true(x > last || (x == 0.0 && last == 0.0));
            if (x > 1e-250) {
                assert_near(gsl_cdf_gamma_P(x, dist.a, dist.b), shares[k], 1e-11);
            }
            last = x;
        }
    }
}

static void test_dist__parameters_give_the_stated_mean(void **state)
{
    (void)state;
    struct ts_dist lognormal = ts_dist_lognormal_mean_cv(700.0, 1.3);
    struct ts_dist gamma = ts_dist_gamma_mean_cv(3.0, 1.6);
    struct ts_dist weibull = ts_dist_weibull(0.5, 4.0);
    assert_near(ts_dist_mean(&lognormal), 700.0, 1e-9);
    assert_near(lognormal.b * lognormal.b, log(1.0 + 1.3 * 1.3), 1e-14);
    assert_near(ts_dist_mean(&gamma), 3.0, 1e-14);
    assert_near(gamma.a, 1.0 / (1.6 * 1.6), 1e-14);
    assert_near(ts_dist_mean(&weibull), 8.0, 1e-12);
}

static void test_dist__no_spread_is_a_constant(void **state)
{
    (void)state;
    const struct ts_dist dists[] = {
        ts_dist_constant(5.0),
        ts_dist_uniform(5.0, 5.0),
        ts_dist_normal(5.0, 0.0),
        ts_dist_lognormal_median_p95(5.0, 5.0),
        ts_dist_lognormal_mean_cv(5.0, 0.0),
        ts_dist_gamma_mean_cv(5.0, 0.0),
    };
    struct ts_rng rng;
    ts_rng_init(&rng, 1, 0, 0, 0);
    for (size_t i = 0; i < sizeof dists / sizeof dists[0]; i++) {
        assert_true(ts_dist_is_constant(&dists[i]));
        assert_true(ts_dist_sample(&dists[i], &rng) == 5.0);
        assert_true(ts_dist_mean(&dists[i]) == 5.0);
        assert_true(ts_dist_quantile(&dists[i], 0.01) == 5.0);
    }
    struct ts_dist spread = ts_dist_normal(5.0, 0.1);
    assert_false(ts_dist_is_constant(&spread));
}

static void test_dist__draws_are_clamped(void **state)
{
    (void)state;
    struct ts_dist dist = ts_dist_normal(0.0, 10.0);
    struct ts_rng rng;
    int at_min = 0;
    int at_max = 0;
    dist.min = -1.0;
    dist.max = 2.0;
    ts_rng_init(&rng, 1, 0, 0, 0);
    for (int i = 0; i < 1000; i++) {
        double x = ts_dist_sample(&dist, &rng);
        assert_true(x >= -1.0 && x <= 2.0);
        at_min += x == -1.0;
        at_max += x == 2.0;
    }
    assert_true(at_min > 300 && at_max > 300);
    assert_true(ts_dist_quantile(&dist, 0.001) == -1.0 && ts_dist_quantile(&dist, 0.999) == 2.0);
    assert_true(ts_dist_mean(&dist) == 0.0);
    struct ts_dist constant = ts_dist_constant(9.0);
    constant.max = 4.0;
    assert_true(ts_dist_mean(&constant) == 4.0 && ts_dist_sample(&constant, &rng) == 4.0);
}

static void test_dist__empirical_is_linear_between_its_points(void **state)
{
    (void)state;
    static const double q[] = {0.0, 0.5, 0.5, 0.9, 1.0};
    static const double x[] = {10.0, 20.0, 30.0, 50.0, 150.0};
    struct ts_dist dist = ts_dist_empirical(q, x, 5);
    assert_near(ts_dist_quantile(&dist, 0.25), 15.0, 1e-12);
    assert_near(ts_dist_quantile(&dist, 0.5), 30.0, 1e-12); /* a step: the upper side */
    assert_near(ts_dist_quantile(&dist, 0.7), 40.0, 1e-12);
    assert_near(ts_dist_quantile(&dist, 0.95), 100.0, 1e-12);
    assert_near(ts_dist_quantile(&dist, 1e-12), 10.0, 1e-9);
    assert_near(ts_dist_mean(&dist), 0.5 * 15.0 + 0.4 * 40.0 + 0.1 * 100.0, 1e-12);
}

static void test_dist__one_uniform_per_draw_keeps_streams_aligned(void **state)
{
    (void)state;
    const struct ts_dist dists[] = {
        ts_dist_uniform(0.0, 1.0), ts_dist_normal(0.0, 1.0),  ts_dist_lognormal_median_p95(1.0, 2.0),
        ts_dist_exponential(1.0),  ts_dist_weibull(0.7, 1.0),
    };
    for (size_t i = 0; i < sizeof dists / sizeof dists[0]; i++) {
        struct ts_rng a;
        struct ts_rng b;
        ts_rng_init(&a, 1, 0, 0, 0);
        b = a;
        for (int k = 0; k < 7; k++) {
            double u = ts_rng_uniform(&b);
            assert_true(ts_dist_sample(&dists[i], &a) == ts_dist_quantile(&dists[i], u));
        }
        assert_true(ts_rng_u32(&a) == ts_rng_u32(&b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dist__quantiles_at_known_points),
        cmocka_unit_test(test_dist__gamma_quantiles_invert_the_distribution),
        cmocka_unit_test(test_dist__parameters_give_the_stated_mean),
        cmocka_unit_test(test_dist__no_spread_is_a_constant),
        cmocka_unit_test(test_dist__draws_are_clamped),
        cmocka_unit_test(test_dist__empirical_is_linear_between_its_points),
        cmocka_unit_test(test_dist__one_uniform_per_draw_keeps_streams_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
