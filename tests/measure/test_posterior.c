/* The posterior against its definition: truths drawn from the prior, measurements drawn from the truths; then each
 * truth has a uniform rank in its posterior (simulation-based calibration; Talts et al., 2018), and 90 % intervals hold
 * 90 % of the truths and of further measurements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/rng.h"
#include "measure/posterior.h"

enum { N_TRUTHS = 2000, N_BINS = 20, MAX_MEASURED = 60, N_CONSTANTS = 4 };

static const struct ts_prior prior = {
    .n = N_CONSTANTS, .mean = {1.0, 1.0, 1.0, 1.0}, .sd = {0.3, 0.3, 0.5, 0.2}, .noise_sd = 0.1, .noise_n = 6.0};

struct truth {
    double c[N_CONSTANTS], noise_sd;
};

static struct truth draw_truth(struct ts_rng *rng)
{
    struct truth truth;
    const double a = prior.noise_n / 2.0, b = a * prior.noise_sd * prior.noise_sd;
    truth.noise_sd = sqrt(b / gsl_ran_gamma(ts_rng_gsl(rng), a, 1.0));
    for (int j = 0; j < N_CONSTANTS; j++) {
        truth.c[j] = prior.mean[j] + truth.noise_sd * prior.sd[j] / prior.noise_sd * ts_rng_normal(rng);
    }
    return truth;
}

/* Shares of a step: the first is large, the last two hardly differ from each other. */
static struct ts_measured draw_measured(const struct truth *truth, struct ts_rng *rng)
{
    struct ts_measured m = {.weight = ts_rng_uniform(rng) < 0.5 ? 1.0 : 0.25};
    m.x[0] = 0.4 + 0.2 * ts_rng_uniform(rng);
    m.x[1] = 0.3 * ts_rng_uniform(rng);
    m.x[2] = 0.3 * ts_rng_uniform(rng);
    m.x[3] = m.x[2] * (1.0 + 0.02 * ts_rng_normal(rng));
    m.y = truth->noise_sd / sqrt(m.weight) * ts_rng_normal(rng);
    for (int j = 0; j < N_CONSTANTS; j++) {
        m.y += m.x[j] * truth->c[j];
    }
    return m;
}

/* Below which chi square 99.9 % lie. */
static void check_uniform(const unsigned *bins, const char *what)
{
    const double expected = (double)N_TRUTHS / N_BINS;
    double chi2 = 0.0;
    for (int b = 0; b < N_BINS; b++) {
        chi2 += (bins[b] - expected) * (bins[b] - expected) / expected;
    }
    const double bound = gsl_cdf_chisq_Pinv(0.999, N_BINS - 1);
    print_message("%s: chi square %.1f (bound %.1f)\n", what, chi2, bound);
    assert_true(chi2 < bound);
}

static void check_coverage(unsigned inside, const char *what)
{
    const double covered = (double)inside / N_TRUTHS;
    print_message("%s: 90 %% intervals hold %.1f %%\n", what, 100.0 * covered);
    assert_true(fabs(covered - 0.9) <= 0.03);
}

static double rank_of(double value, double mean, double sd, const struct ts_posterior *posterior)
{
    return gsl_cdf_tdist_P((value - mean) / sd, posterior->freedom);
}

static void check_ranks(size_t n_measured)
{
    unsigned bins[N_CONSTANTS + 1][N_BINS] = {{0}}, inside[N_CONSTANTS + 1] = {0};
    for (uint32_t t = 0; t < N_TRUTHS; t++) {
        struct ts_rng rng;
        struct ts_measured measured[MAX_MEASURED];
        struct ts_posterior posterior;
        ts_rng_init(&rng, 7, t, (uint32_t)n_measured, 0);
        const struct truth truth = draw_truth(&rng);
        for (size_t i = 0; i < n_measured; i++) {
            measured[i] = draw_measured(&truth, &rng);
        }
        assert_int_equal(ts_posterior_find(&posterior, &prior, measured, n_measured, 1.0, NULL), TS_OK);
        for (int j = 0; j <= N_CONSTANTS; j++) {
            const struct ts_measured further = draw_measured(&truth, &rng);
            const double rank =
                j < N_CONSTANTS
                    ? rank_of(truth.c[j], posterior.mean[j], ts_posterior_sd(&posterior, (size_t)j), &posterior)
                    : rank_of(further.y, ts_posterior_at(&posterior, further.x),
                              ts_posterior_at_sd(&posterior, further.x, further.weight), &posterior);
            const int bin = (int)(rank * N_BINS);
            bins[j][bin < N_BINS ? bin : N_BINS - 1]++;
            inside[j] += rank > 0.05 && rank < 0.95;
        }
    }
    for (int j = 0; j <= N_CONSTANTS; j++) {
        char what[64];
        (void)snprintf(what, sizeof what, j < N_CONSTANTS ? "%zu measurements, constant %d" : "%zu, the next one (%d)",
                       n_measured, j);
        check_uniform(bins[j], what);
        check_coverage(inside[j], what);
    }
}

static void test_posterior__ranks_of_truths_are_uniform_and_intervals_hold_what_they_say(void **state)
{
    (void)state;
    check_ranks(3);
    check_ranks(MAX_MEASURED);
}

static void test_posterior__worked_number(void **state)
{
    (void)state;
    const struct ts_prior one = {.n = 1, .mean = {1.0}, .sd = {0.3}, .noise_sd = 0.1, .noise_n = 4.0};
    struct ts_measured measured[10];
    struct ts_posterior posterior;
    for (int i = 0; i < 10; i++) {
        measured[i] = (struct ts_measured){.x = {1.0}, .y = i % 2 ? 1.1 : 1.3, .weight = 1.0};
    }
    assert_int_equal(ts_posterior_find(&posterior, &one, measured, 10, 1.0, NULL), TS_OK);
    assert_true(fabs(posterior.mean[0] - (1.0 / 9.0 + 12.0) / (1.0 / 9.0 + 10.0)) < 1e-12);
    assert_true(fabs(posterior.directions[0].left_frac - 1.0 / 91.0) < 1e-12);
    assert_true(posterior.freedom == 14.0);
    /* Two of one say no more than one of weight 2, but for the noise. */
    const double sd = ts_posterior_sd(&posterior, 0);
    assert_int_equal(ts_posterior_find(&posterior, &one, measured, 10, 0.25, NULL), TS_OK);
    assert_true(ts_posterior_sd(&posterior, 0) > 1.8 * sd);
}

static void test_posterior__what_was_not_measured_stays_as_it_was(void **state)
{
    (void)state;
    struct ts_measured measured[MAX_MEASURED];
    struct ts_posterior posterior;
    for (int i = 0; i < MAX_MEASURED; i++) { /* the sum of the first two; nothing of the others */
        measured[i] = (struct ts_measured){.x = {0.5, 0.5}, .y = 1.3 + (i % 2 ? 0.01 : -0.01), .weight = 1.0};
    }
    assert_int_equal(ts_posterior_find(&posterior, &prior, measured, MAX_MEASURED, 1.0, NULL), TS_OK);
    assert_true(fabs(posterior.mean[0] + posterior.mean[1] - 2.6) < 0.02);
    assert_true(fabs(posterior.mean[0] - posterior.mean[1]) < 1e-9);
    assert_true(posterior.mean[2] == 1.0 && posterior.mean[3] == 1.0);
    assert_true(posterior.directions[0].left_frac < 0.01);
    for (int d = 1; d < N_CONSTANTS; d++) {
        assert_true(posterior.directions[d].left_frac > 0.999);
    }
    const double *told = posterior.directions[0].along;
    assert_true(fabs(told[0] - told[1]) < 1e-9 && fabs(told[2]) < 1e-9 && fabs(told[3]) < 1e-9);
}

static void test_posterior__what_comes_out_below_its_bound_is_held_there(void **state)
{
    (void)state;
    static const double least[N_CONSTANTS] = {0.05, 0.05, 0.05, 0.05};
    struct ts_measured measured[MAX_MEASURED];
    struct ts_posterior posterior;
    for (int i = 0; i < MAX_MEASURED; i++) { /* 1.5 of the first and -0.5 of the second */
        const double second = 0.5 * i / MAX_MEASURED;
        measured[i] = (struct ts_measured){.x = {1.0 - second, second}, .weight = 1.0};
        measured[i].y = 1.5 * (1.0 - second) - 0.5 * second;
    }
    assert_int_equal(ts_posterior_find(&posterior, &prior, measured, MAX_MEASURED, 1.0, NULL), TS_OK);
    assert_true(posterior.mean[1] < -0.3);
    assert_int_equal(ts_posterior_find(&posterior, &prior, measured, MAX_MEASURED, 1.0, least), TS_OK);
    assert_true(posterior.held[1] && !posterior.held[0]);
    assert_true(fabs(posterior.mean[1] - 0.05) < 1e-3);
    assert_true(posterior.mean[0] > 1.2 && posterior.mean[0] < 1.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posterior__ranks_of_truths_are_uniform_and_intervals_hold_what_they_say),
        cmocka_unit_test(test_posterior__worked_number),
        cmocka_unit_test(test_posterior__what_was_not_measured_stays_as_it_was),
        cmocka_unit_test(test_posterior__what_comes_out_below_its_bound_is_held_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
