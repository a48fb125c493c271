/* Batch means: the worked number, bounded memory, and that the interval holds the truth as often as it says. */
#include "tests/sim/sim_world.h"

#include "sim/batch_means.h"

static void test_batch_means__the_worked_number(void **state)
{
    (void)state;
    struct ts_batch_means batches = {0};
    for (int i = 1; i <= 15; i++) {
        ts_batch_means_add(&batches, i);
    }
    assert_true(isnan(ts_batch_means_half(&batches, 0.95)));
    ts_batch_means_add(&batches, 16);
    world_assert_near(ts_batch_means_mean(&batches), 8.5, 1e-12);
    world_assert_near(ts_batch_means_half(&batches, 0.95), 2.5369, 1e-4);
}

static void test_batch_means__batches_grow_and_stay_few(void **state)
{
    (void)state;
    struct ts_batch_means batches = {0};
    for (uint64_t i = 0; i < 1000000; i++) {
        ts_batch_means_add(&batches, (double)(i % 2));
        assert_true(batches.n < TS_BATCHES);
    }
    assert_int_equal(batches.size, 16384);
    assert_int_equal(batches.n, 1000000 / 16384);
    world_assert_near(ts_batch_means_mean(&batches), 0.5, 1e-12);
    assert_true(ts_batch_means_half(&batches, 0.95) == 0.0);
}

static void test_batch_means__runs_of_unequal_length_merge(void **state)
{
    (void)state;
    struct ts_batch_means merged = {0};
    for (uint32_t r = 0; r < 5; r++) {
        struct ts_batch_means one = {0};
        for (uint32_t i = 0; i < 100U << r; i++) {
            ts_batch_means_add(&one, 3.0);
        }
        ts_batch_means_merge(&merged, &one);
        assert_true(merged.n < TS_BATCHES && merged.n >= TS_BATCHES_LEAST);
        assert_true(ts_batch_means_mean(&merged) == 3.0);
    }
    struct ts_batch_means none = {0};
    const struct ts_batch_means before = merged;
    ts_batch_means_merge(&merged, &none);
    assert_int_equal(merged.n, before.n);
    ts_batch_means_merge(&none, &merged);
    assert_int_equal(none.n, merged.n);
}

/* Independent normals: of 1000 intervals of 95 % about 950 hold the mean; 930 to 970 are three standard errors. */
static void test_batch_means__the_interval_holds_the_truth_as_often_as_it_says(void **state)
{
    (void)state;
    int n_hit = 0;
    for (uint32_t r = 0; r < 1000; r++) {
        struct ts_batch_means batches = {0};
        struct ts_rng rng;
        ts_rng_init(&rng, 77, r, 0, 0);
        for (int i = 0; i < 500; i++) {
            ts_batch_means_add(&batches, 5.0 + ts_rng_normal(&rng));
        }
        n_hit += fabs(ts_batch_means_mean(&batches) - 5.0) <= ts_batch_means_half(&batches, 0.95);
    }
    assert_in_range(n_hit, 930, 970);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_means__the_worked_number),
        cmocka_unit_test(test_batch_means__batches_grow_and_stay_few),
        cmocka_unit_test(test_batch_means__runs_of_unequal_length_merge),
        cmocka_unit_test(test_batch_means__the_interval_holds_the_truth_as_often_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
