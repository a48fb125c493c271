/* Families of gaps by likelihood: what was drawn is what is found, with its shape; and when nothing can be said. */
#include <math.h>

#include "base/rng.h"
#include "tests/traces/traces_test.h"
#include "traces/fit_gaps.h"

enum { N = 20000 };

static double gaps[N];

static void draw(struct ts_dist dist)
{
    struct ts_rng rng;
    ts_rng_init(&rng, 7, 0, 0, 0);
    for (size_t i = 0; i < N; i++) {
        gaps[i] = ts_dist_sample(&dist, &rng);
    }
}

static void test_gaps__what_was_drawn_is_the_likeliest(void **state)
{
    (void)state;
    struct ts_gap_fit fit;
    draw(ts_dist_exponential(3.0));
    ts_fit_gaps(&fit, gaps, N);
    assert_true(fit.known);
    assert_int_equal(fit.best, TS_GAPS_EXPONENTIAL);
    /* 2 n (ln m + 1) + ln n, with the mean m = 3 */
    assert_near(fit.bic[TS_GAPS_EXPONENTIAL], 2.0 * N * (log(3.0) + 1.0) + log(N), 0.01 * 2.0 * N);
    draw(ts_dist_gamma_mean_cv(5.0, 1.6));
    ts_fit_gaps(&fit, gaps, N);
    assert_int_equal(fit.best, TS_GAPS_GAMMA);
    assert_near(fit.shape[TS_GAPS_GAMMA], 1.0 / (1.6 * 1.6), 0.02);
    assert_true(fit.bic[TS_GAPS_EXPONENTIAL] - fit.bic[TS_GAPS_GAMMA] > 100.0);
    draw(ts_dist_weibull(0.6, 2.0));
    ts_fit_gaps(&fit, gaps, N);
    assert_int_equal(fit.best, TS_GAPS_WEIBULL);
    assert_near(fit.shape[TS_GAPS_WEIBULL], 0.6, 0.02);
}

/* An interrupted Poisson process of 16/s in times on of 5 s, with times off of 15 s, by what it is made of: the gap is
 * hyperexponential, with the figures in fit_gaps.c; and by drawing the times. */
static void test_gaps__times_on_and_off_are_found(void **state)
{
    (void)state;
    struct ts_gap_fit fit;
    struct ts_rng rng;
    ts_rng_init(&rng, 11, 0, 0, 0);
    const struct ts_dist on = ts_dist_exponential(5.0), off = ts_dist_exponential(15.0),
                         gap = ts_dist_exponential(1.0 / 16.0);
    double on_left = ts_dist_sample(&on, &rng);
    for (size_t i = 0; i < N; i++) {
        double next = ts_dist_sample(&gap, &rng);
        gaps[i] = 0.0;
        while (next > on_left) {
            gaps[i] += on_left + ts_dist_sample(&off, &rng);
            next -= on_left;
            on_left = ts_dist_sample(&on, &rng);
        }
        on_left -= next;
        gaps[i] += next;
    }
    ts_fit_gaps(&fit, gaps, N);
    assert_int_equal(fit.best, TS_GAPS_ON_OFF);
    assert_near(fit.on / 5.0, 1.0, 0.2); /* 250 times: 3 standard deviations are 19 % */
    assert_near(fit.off / 15.0, 1.0, 0.2);
    assert_true(fit.bic[TS_GAPS_GAMMA] - fit.bic[TS_GAPS_ON_OFF] > 1000.0);
}

static void test_gaps__few_and_ticking_ones_tell_nothing(void **state)
{
    (void)state;
    struct ts_gap_fit fit;
    draw(ts_dist_exponential(1.0));
    ts_fit_gaps(&fit, gaps, 100);
    assert_false(fit.known);
    for (size_t i = 0; i < N; i++) {
        gaps[i] = i % 3 == 0 ? 3.0 : 0.0;
    }
    ts_fit_gaps(&fit, gaps, N);
    assert_false(fit.known);
}

static void test_gaps__have_the_cv_that_is_asked_for(void **state)
{
    (void)state;
    assert_near(ts_weibull_shape(sqrt(5.0)), 0.5, 1e-9);
    assert_near(ts_weibull_shape(1.0), 1.0, 1e-9);
    for (int family = TS_GAPS_GAMMA; family < TS_GAPS_ON_OFF; family++) {
        double sum = 0.0, squares = 0.0;
        draw(ts_gap_dist((enum ts_gap_family)family, 1.5));
        for (size_t i = 0; i < N; i++) {
            sum += gaps[i];
            squares += gaps[i] * gaps[i];
        }
        assert_near(sum / N, 1.0, 0.04);
        assert_near(sqrt(squares / N - sum / N * (sum / N)) / (sum / N), 1.5, 0.1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps__what_was_drawn_is_the_likeliest),
        cmocka_unit_test(test_gaps__times_on_and_off_are_found),
        cmocka_unit_test(test_gaps__few_and_ticking_ones_tell_nothing),
        cmocka_unit_test(test_gaps__have_the_cv_that_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
