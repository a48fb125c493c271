/* Samples of every distribution against its mean and its own quantiles. */
#include "base/dist.h"

#include "tests/base/base_test.h"

enum { N = 100000 };

static const double table_q[] = {0.0, 0.2, 0.6, 1.0};
static const double table_x[] = {1.0, 2.0, 10.0, 12.0};

struct sampled {
    struct ts_dist dist;
    double sd; /* of one draw, from theory or a bound */
};

/* The share of draws below the p-quantile is p within five standard errors, and the mean is within five of its own. */
static void check(const struct sampled *sampled, uint32_t entity)
{
    static const double p[] = {0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999};
    enum { N_P = sizeof p / sizeof p[0] };
    struct ts_rng rng;
    double at[N_P];
    int below[N_P] = {0};
    double sum = 0.0;
    ts_rng_init(&rng, 2024, 0, entity, 0);
    for (size_t k = 0; k < N_P; k++) {
        at[k] = ts_dist_quantile(&sampled->dist, p[k]);
    }
    for (int i = 0; i < N; i++) {
        double x = ts_dist_sample(&sampled->dist, &rng);
        sum += x;
        for (size_t k = 0; k < N_P; k++) {
            below[k] += x <= at[k];
        }
    }
    for (size_t k = 0; k < N_P; k++) {
        assert_near((double)below[k] / N, p[k], 5.0 * sqrt(p[k] * (1.0 - p[k]) / N));
    }
    assert_near(sum / N, ts_dist_mean(&sampled->dist), 5.0 * sampled->sd / sqrt(N));
}

static void test_dist__samples_agree_with_mean_and_quantiles(void **state)
{
    (void)state;
    const struct sampled all[] = {
        {ts_dist_uniform(-3.0, 5.0), 8.0 / sqrt(12.0)},
        {ts_dist_normal(7.0, 2.0), 2.0},
        {ts_dist_lognormal_mean_cv(700.0, 0.8), 560.0},
        {ts_dist_gamma_mean_cv(3.0, 1.6), 4.8},
        {ts_dist_gamma_mean_cv(3.0, 0.25), 0.75},
        {ts_dist_gamma_mean_cv(1.0, 1.0), 1.0},
        {ts_dist_exponential(4.0), 4.0},
        {ts_dist_weibull(0.7, 2.0), 3.7}, /* sqrt(G(1+2/k) - G(1+1/k)^2) * 2 = 3.70 */
        {ts_dist_weibull(3.0, 2.0), 0.65},
        {ts_dist_empirical(table_q, table_x, 4), 4.4},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        check(&all[i], (uint32_t)i);
    }
}

/* With cv = 1 gamma is the exponential distribution. */
static void test_dist__gamma_of_cv_one_is_exponential(void **state)
{
    (void)state;
    struct ts_dist gamma = ts_dist_gamma_mean_cv(2.5, 1.0);
    struct ts_dist exponential = ts_dist_exponential(2.5);
    struct ts_dist weibull = ts_dist_weibull(1.0, 2.5);
    for (int i = 1; i < 1000; i++) {
        double x = ts_dist_quantile(&exponential, i / 1000.0);
        assert_near(ts_dist_quantile(&gamma, i / 1000.0), x, 1e-12 * x);
        assert_near(ts_dist_quantile(&weibull, i / 1000.0), x, 1e-12 * x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dist__samples_agree_with_mean_and_quantiles),
        cmocka_unit_test(test_dist__gamma_of_cv_one_is_exponential),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
