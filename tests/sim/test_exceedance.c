/* Intervals of high quantiles: how often they hold the truth, for independent values and for an M/M/1 queue, whose long
 * times come together; and that they are not given where they would be wrong. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "sim/exceedance.h"
#include "tests/sim/sim_world.h"

static const double rho = 0.8;

struct sample {
    struct ts_exceedance exceedance;
    struct ts_hist hist;
};

static void add(struct sample *sample, double seconds)
{
    const int64_t ns = (int64_t)(seconds * 1e9);
    ts_exceedance_add(&sample->exceedance, ns);
    ts_hist_add(&sample->hist, ns);
}

static void empty(struct sample *sample)
{
    ts_exceedance_deinit(&sample->exceedance);
    ts_hist_deinit(&sample->hist);
}

static double exponential(struct ts_rng *rng, double mean)
{
    return -mean * log(1.0 - ts_rng_uniform(rng));
}

/* Sojourn times of an M/M/1 with mu = 1 by Lindley's recursion, in steady state from the start: exponential with rate
 * 1 - rho, so that the p-quantile is -ln(1 - p)/(1 - rho): 34.54 s for p = .999. rho 0: independent, rate 1. */
static void draw(struct sample *sample, uint32_t seed, uint32_t n, double load)
{
    struct ts_rng rng;
    ts_rng_init(&rng, 99, seed, 0, 0);
    double sojourn = exponential(&rng, 1.0 / (1.0 - load));
    for (uint32_t i = 0; i < n; i++) {
        add(sample, sojourn);
        const double wait = load > 0.0 ? fmax(sojourn - exponential(&rng, 1.0 / load), 0.0) : 0.0;
        sojourn = wait + exponential(&rng, 1.0);
    }
}

/* Of 200 seeds; those without an interval do not count as right. */
static int count_covered(uint32_t n, double load, double p, int *n_given)
{
    const double truth_ns = -log(1.0 - p) / (1.0 - load) * 1e9;
    int n_covered = 0;
    *n_given = 0;
    for (uint32_t seed = 0; seed < 200; seed++) {
        struct sample sample = {.hist = {.count = 0}};
        draw(&sample, seed, n, load);
        const struct ts_quantile_interval interval = ts_exceedance_interval(&sample.exceedance, &sample.hist, p, 0.95);
        *n_given += !isnan(interval.low);
        n_covered += interval.low <= truth_ns && truth_ns <= interval.high;
        empty(&sample);
    }
    printf("load %.1f, p %.3f, %u values: %d given, %d hold the truth\n", load, p, (unsigned)n, *n_given, n_covered);
    return n_covered;
}

/* 190 +- 2 sqrt(200 .95 .05) = 184 .. 196. */
static void test_independent(void **state)
{
    int n_given;
    (void)state;
    assert_in_range(count_covered(20000, 0.0, 0.95, &n_given), 184, 199);
    assert_int_equal(n_given, 200);
    assert_in_range(count_covered(20000, 0.0, 0.99, &n_given), 184, 199);
    assert_in_range(count_covered(40000, 0.0, 0.999, &n_given), 184, 199);
}

/* The known answer: the p99.9 of the sojourn time is 34.54 s. */
static void test_queue(void **state)
{
    int n_given;
    (void)state;
    world_assert_near(-log(0.001) / (1.0 - rho), 34.54, 0.005);
    assert_in_range(count_covered(2000000, rho, 0.999, &n_given), 184, 198);
    assert_in_range(n_given, 195, 200);
    assert_in_range(count_covered(200000, rho, 0.95, &n_given), 184, 198);
}

/* Of 1,000 calls one exceeds the p99.9; of 20,000 of a queue they come from a handful of busy times. */
static void test_too_few(void **state)
{
    int n_given;
    (void)state;
    (void)count_covered(1000, 0.0, 0.999, &n_given);
    assert_int_equal(n_given, 0);
    (void)count_covered(20000, rho, 0.999, &n_given);
    assert_int_equal(n_given, 0);
    (void)count_covered(15, 0.0, 0.5, &n_given);
    assert_int_equal(n_given, 0);
}

static void test_all_the_same(void **state)
{
    struct sample sample = {.hist = {.count = 0}};
    (void)state;
    for (int i = 0; i < 1000; i++) {
        add(&sample, 0.0543);
    }
    const struct ts_quantile_interval interval = ts_exceedance_interval(&sample.exceedance, &sample.hist, 0.99, 0.95);
    assert_true(interval.low == 54.3e6 && interval.high == 54.3e6);
    empty(&sample);
}

/* Four runs merged have the interval of four times the values: half as wide. */
static void test_merge(void **state)
{
    (void)state;
    struct sample all = {.hist = {.count = 0}}, one = {.hist = {.count = 0}};
    draw(&one, 0, 30000, 0.0);
    const struct ts_quantile_interval narrow = ts_exceedance_interval(&one.exceedance, &one.hist, 0.99, 0.95);
    for (uint32_t seed = 0; seed < 4; seed++) {
        struct sample part = {.hist = {.count = 0}};
        draw(&part, seed, 30000, 0.0);
        assert_int_equal(ts_exceedance_merge(&all.exceedance, &part.exceedance), TS_OK);
        assert_int_equal(ts_hist_merge(&all.hist, &part.hist), TS_OK);
        empty(&part);
    }
    const struct ts_quantile_interval merged = ts_exceedance_interval(&all.exceedance, &all.hist, 0.99, 0.95);
    assert_true(all.exceedance.n >= TS_BATCHES / 2 - 4 && all.exceedance.n < TS_BATCHES);
    assert_in_range((merged.high - merged.low) / (narrow.high - narrow.low) * 100, 35, 65);
    empty(&one);
    empty(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_independent), cmocka_unit_test(test_queue),
                                       cmocka_unit_test(test_too_few), cmocka_unit_test(test_all_the_same),
                                       cmocka_unit_test(test_merge)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
