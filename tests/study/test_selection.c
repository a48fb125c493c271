/* The stated probability of having found the best design against how often it was found. */
#include "study/selection.h"

#include <gsl/gsl_cdf.h>

#include "base/rng.h"
#include "tests/near.h"

enum { MOST_DESIGNS = 16, MOST_RUNS = 16, N_PROBLEMS = 500 };

/* Designs whose true costs are normal with that spread; a replication costs all of them more or less alike (sd 3), and
 * each a little more or less by itself. */
struct problem {
    uint32_t n_designs, n;
    double spread, common, own;
};

struct tally {
    double stated, found;
};

static uint32_t likeliest(const double *best, uint32_t n)
{
    uint32_t chosen = 0;
    for (uint32_t d = 1; d < n; d++) {
        chosen = best[d] > best[chosen] ? d : chosen;
    }
    return chosen;
}

static void play(struct tally *tally, const struct problem *problem, uint32_t index)
{
    double costs[MOST_DESIGNS * MOST_RUNS], truth[MOST_DESIGNS], best[MOST_DESIGNS], none;
    uint32_t true_best = 0;
    struct ts_rng rng;
    ts_rng_init(&rng, 17, index, 0, 0);
    for (uint32_t d = 0; d < problem->n_designs; d++) {
        truth[d] = 100.0 + problem->spread * ts_rng_normal(&rng);
        true_best = truth[d] < truth[true_best] ? d : true_best;
    }
    for (uint32_t r = 0; r < problem->n; r++) {
        const double shift = problem->common * ts_rng_normal(&rng);
        for (uint32_t d = 0; d < problem->n_designs; d++) {
            costs[d * problem->n + r] = truth[d] + shift + problem->own * ts_rng_normal(&rng);
        }
    }
    const struct ts_selection selection = {
        .n_designs = problem->n_designs, .n = problem->n, .costs = costs, .seed = index};
    assert_int_equal(ts_selection_probabilities(best, &none, &selection), TS_OK);
    assert_near(none, 0.0, 0.0);
    const uint32_t chosen = likeliest(best, problem->n_designs);
    tally->stated += best[chosen] / N_PROBLEMS;
    tally->found += chosen == true_best ? 1.0 / N_PROBLEMS : 0.0;
}

static void test_selection__states_how_often_it_is_right(void **state)
{
    (void)state;
    static const struct problem problems[] = {
        {2, 4, 1.0, 3.0, 0.5},  {5, 4, 1.0, 3.0, 0.5},   {10, 4, 1.0, 3.0, 1.0}, {10, 8, 1.0, 0.0, 1.0},
        {16, 8, 1.0, 3.0, 2.0}, {16, 16, 0.3, 3.0, 1.0}, {16, 4, 1.0, 3.0, 0.1},
    };
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        struct tally tally = {0.0, 0.0};
        for (uint32_t k = 0; k < N_PROBLEMS; k++) {
            play(&tally, &problems[i], k);
        }
        print_message("%u designs, %u replications: stated %.3f, found %.3f\n", (unsigned)problems[i].n_designs,
                      (unsigned)problems[i].n, tally.stated, tally.found);
        assert_near(tally.stated, tally.found, 0.05);
    }
}

/* A difference of 1 with standard error s over 4 replications: Student's t with 3 degrees of freedom. */
static void test_selection__of_two_is_the_paired_t_test(void **state)
{
    (void)state;
    const double costs[] = {10.0, 12.0, 14.0, 16.0, 10.5, 13.5, 15.5, 16.5};
    const double s = sqrt((4 * 0.25) / (3.0 * 4.0)); /* differences .5, 1.5, 1.5, .5 */
    double best[2], none;
    const struct ts_selection selection = {.n_designs = 2, .n = 4, .costs = costs, .seed = 3};
    assert_int_equal(ts_selection_probabilities(best, &none, &selection), TS_OK);
    assert_near(best[0], gsl_cdf_tdist_P(1.0 / s, 3.0), 0.01);
    assert_int_equal(likeliest(best, 2), 0);
}

static void test_selection__a_design_that_misses_a_margin_is_none(void **state)
{
    (void)state;
    const double costs[] = {1.0, 1.0, 2.0, 2.0, 3.0, 3.0};
    const double margins[] = {-0.2, -0.21, 0.1, -0.1, 0.5, 0.51}; /* missed, on the edge, kept */
    double best[3], none;
    struct ts_selection selection = {
        .n_designs = 3, .n_margins = 1, .n = 2, .costs = costs, .margins = margins, .seed = 3};
    assert_int_equal(ts_selection_probabilities(best, &none, &selection), TS_OK);
    assert_true(best[0] < 0.03);
    assert_near(best[1], 0.5, 0.03);
    assert_near(best[0] + best[1] + best[2] + none, 1.0, 1e-9);
    selection.n_designs = 1;
    assert_int_equal(ts_selection_probabilities(best, &none, &selection), TS_OK);
    assert_true(none > 0.97);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selection__states_how_often_it_is_right),
        cmocka_unit_test(test_selection__of_two_is_the_paired_t_test),
        cmocka_unit_test(test_selection__a_design_that_misses_a_margin_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
