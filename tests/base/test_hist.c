/* The histogram against sorted data: quantiles within 0.1 %, merging exact. */
#include "base/hist.h"

#include "base/rng.h"
#include "tests/base/base_test.h"

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void assert_same(const struct ts_hist *a, const struct ts_hist *b)
{
    assert_true(a->count == b->count && a->min == b->min && a->max == b->max && ts_hist_sum(a) == ts_hist_sum(b));
    assert_true(a->sum_low == b->sum_low && a->sum_high == b->sum_high && a->lost == b->lost);
    uint32_t cursor_a = 0;
    uint32_t cursor_b = 0;
    double value_a = 0.0;
    double value_b = 0.0;
    uint64_t n_a = 0;
    uint64_t n_b = 0;
    while (ts_hist_next(a, &cursor_a, &value_a, &n_a)) {
        assert_true(ts_hist_next(b, &cursor_b, &value_b, &n_b));
        assert_true(value_a == value_b && n_a == n_b);
    }
    assert_false(ts_hist_next(b, &cursor_b, &value_b, &n_b));
}

static void test_hist__empty_has_no_quantile_and_no_mean(void **state)
{
    (void)state;
    struct ts_hist hist;
    ts_hist_init(&hist);
    assert_true(isnan(ts_hist_quantile(&hist, 0.5)));
    assert_true(isnan(ts_hist_mean(&hist)));
    uint32_t cursor = 0;
    double value = 0.0;
    uint64_t count = 0;
    assert_false(ts_hist_next(&hist, &cursor, &value, &count));
    ts_hist_deinit(&hist);
}

static void test_hist__small_values_are_exact(void **state)
{
    (void)state;
    struct ts_hist hist;
    ts_hist_init(&hist);
    for (int64_t v = 0; v < 1024; v++) {
        ts_hist_add(&hist, 1023 - v);
    }
    for (int i = 1; i <= 1024; i++) {
        assert_true(ts_hist_quantile(&hist, i / 1024.0) == i - 1);
    }
    assert_true(ts_hist_mean(&hist) == 511.5);
    assert_true(ts_hist_quantile(&hist, 0.0) == 0.0 && ts_hist_quantile(&hist, 1.0) == 1023.0);
    assert_true(isnan(ts_hist_quantile(&hist, NAN)));
    ts_hist_deinit(&hist);
}

static void test_hist__a_million_lies_in_the_bucket_of_the_worked_number(void **state)
{
    (void)state;
    struct ts_hist hist;
    ts_hist_init(&hist);
    ts_hist_add(&hist, 999423);
    ts_hist_add(&hist, 999424);
    ts_hist_add(&hist, 1000000);
    ts_hist_add(&hist, 1000447);
    ts_hist_add(&hist, 1000448);
    assert_true(hist.pages[11][463] == 1 && hist.pages[11][464] == 3 && hist.pages[11][465] == 1);
    assert_true(ts_hist_quantile(&hist, 0.5) == 999935.5);
    ts_hist_deinit(&hist);
}

static void test_hist__ranks_do_not_suffer_from_rounding(void **state)
{
    (void)state;
    struct ts_hist hist;
    ts_hist_init(&hist);
    for (int64_t v = 1; v <= 100; v++) {
        ts_hist_add(&hist, v);
    }
    for (int i = 1; i <= 100; i++) {
        assert_true(ts_hist_quantile(&hist, i / 100.0) == i);
    }
    assert_true(ts_hist_quantile(&hist, 0.071) == 8.0);
    ts_hist_deinit(&hist);
}

static void test_hist__extremes_fit(void **state)
{
    (void)state;
    struct ts_hist hist;
    ts_hist_init(&hist);
    ts_hist_add(&hist, INT64_MAX);
    ts_hist_add(&hist, INT64_MAX);
    ts_hist_add(&hist, INT64_MAX);
    ts_hist_add(&hist, INT64_MIN);
    assert_true(hist.min == 0 && hist.max == INT64_MAX && hist.count == 4 && hist.lost == 0);
    assert_true(hist.sum_high == 1 && hist.sum_low == 0x7ffffffffffffffdULL);
    assert_near(ts_hist_mean(&hist), 0.75 * 9.223372036854775807e18, 1e4);
    assert_near(ts_hist_quantile(&hist, 0.5), 9.223372036854775807e18, 9.3e15);
    ts_hist_deinit(&hist);
}

static void test_hist__add_n_is_n_adds(void **state)
{
    (void)state;
    static const int64_t values[] = {0, -5, 1, 511, 512, 1023, 1024, 99999, 123456789012345};
    struct ts_hist one;
    struct ts_hist many;
    ts_hist_init(&one);
    ts_hist_init(&many);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ts_hist_add_n(&many, values[i], i * 37);
        for (size_t k = 0; k < i * 37; k++) {
            ts_hist_add(&one, values[i]);
        }
    }
    assert_same(&one, &many);
    ts_hist_add_n(&many, INT64_MAX, UINT32_MAX); /* 2^95 - 2^63 - 2^32 + 1 more */
    assert_near((double)many.sum_high, 2147483647.0, 1.0);
    ts_hist_deinit(&one);
    ts_hist_deinit(&many);
}

static int64_t draw(struct ts_rng *rng, int shape)
{
    switch (shape) {
    case 0:
        return (int64_t)(ts_rng_uniform(rng) * 5e6);
    case 1:
        return (int64_t)(1e9 * exp(1.5 * ts_rng_normal(rng)));
    case 2:
        return (int64_t)(1e3 / pow(ts_rng_uniform(rng), 1.2)); /* heavy tail */
    default:
        return (int64_t)(ts_rng_u64(rng) >> (1 + ts_rng_u32(rng) % 62));
    }
}

static void test_hist__quantiles_are_within_a_thousandth_of_sorted_data(void **state)
{
    (void)state;
    enum { N = 50000 };
    int64_t *values = malloc(N * sizeof *values);
    assert_non_null(values);
    for (int shape = 0; shape < 4; shape++) {
        struct ts_rng rng;
        struct ts_hist hist;
        double sum = 0.0;
        ts_rng_init(&rng, 7, 0, (uint32_t)shape, 0);
        ts_hist_init(&hist);
        for (int i = 0; i < N; i++) {
            values[i] = draw(&rng, shape);
            sum += (double)values[i];
            ts_hist_add(&hist, values[i]);
        }
        qsort(values, N, sizeof *values, compare);
        for (int i = 1; i <= 10000; i++) {
            double exact = (double)values[i * (N / 10000) - 1];
            assert_near(ts_hist_quantile(&hist, i / 10000.0), exact, exact / 1024.0);
        }
        assert_true(ts_hist_quantile(&hist, 0.0) == (double)values[0] &&
                    ts_hist_quantile(&hist, 1.0) == (double)values[N - 1]);
        assert_near(ts_hist_mean(&hist), sum / N, 1e-9 * sum / N);
        ts_hist_deinit(&hist);
    }
    free(values);
}

static void test_hist__merging_is_exact_in_any_order(void **state)
{
    (void)state;
    enum { SHARDS = 5, N = 20000 };
    struct ts_rng rng;
    struct ts_hist whole;
    struct ts_hist shard[SHARDS];
    struct ts_hist up;
    struct ts_hist down;
    ts_rng_init(&rng, 8, 0, 0, 0);
    ts_hist_init(&whole);
    ts_hist_init(&up);
    ts_hist_init(&down);
    for (int s = 0; s < SHARDS; s++) {
        ts_hist_init(&shard[s]);
    }
    for (int i = 0; i < N; i++) {
        int64_t value = draw(&rng, i % 4);
        ts_hist_add(&whole, value);
        ts_hist_add(&shard[ts_rng_u32(&rng) % (SHARDS - 1)], value); /* the last stays empty */
    }
    for (int s = 0; s < SHARDS; s++) {
        assert_int_equal(ts_hist_merge(&up, &shard[s]), TS_OK);
        assert_int_equal(ts_hist_merge(&down, &shard[SHARDS - 1 - s]), TS_OK);
    }
    assert_same(&whole, &up);
    assert_same(&whole, &down);
    assert_true(ts_hist_mean(&up) == ts_hist_mean(&down));
    for (int s = 0; s < SHARDS; s++) {
        ts_hist_deinit(&shard[s]);
    }
    ts_hist_deinit(&whole);
    ts_hist_deinit(&up);
    ts_hist_deinit(&down);
}

/* Gaps that never shrink, added at once and one by one. */
static void test_hist__gaps_at_once_are_gaps_one_by_one(void **state)
{
    (void)state;
    enum { N = 300, MOST = 64 };
    for (uint32_t i = 0; i < N; i++) {
        struct ts_rng rng;
        struct ts_hist at_once;
        struct ts_hist one_by_one;
        int64_t ends[MOST];
        ts_hist_init(&at_once);
        ts_hist_init(&one_by_one);
        ts_rng_init(&rng, 3, i, 0, 0);
        const int64_t from = (int64_t)(ts_rng_u32(&rng) % 1000);
        const uint32_t n_gaps = ts_rng_u32(&rng) % (MOST + 1);
        const uint64_t n = ts_rng_u32(&rng) % 4;
        const uint32_t widest = 1U << ts_rng_u32(&rng) % 24;
        int64_t gap = (int64_t)(ts_rng_u64(&rng) >> (20 + ts_rng_u32(&rng) % 44));
        int64_t at = from;
        for (uint32_t j = 0; j < n_gaps; j++) {
            ends[j] = at + gap;
            ts_hist_add_n(&one_by_one, gap, n);
            at += gap;
            gap += (int64_t)(ts_rng_u32(&rng) % widest);
        }
        ts_hist_add_gaps(&at_once, from, ends, n_gaps, n);
        assert_same(&at_once, &one_by_one);
        ts_hist_deinit(&at_once);
        ts_hist_deinit(&one_by_one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hist__empty_has_no_quantile_and_no_mean),
        cmocka_unit_test(test_hist__small_values_are_exact),
        cmocka_unit_test(test_hist__a_million_lies_in_the_bucket_of_the_worked_number),
        cmocka_unit_test(test_hist__ranks_do_not_suffer_from_rounding),
        cmocka_unit_test(test_hist__extremes_fit),
        cmocka_unit_test(test_hist__add_n_is_n_adds),
        cmocka_unit_test(test_hist__quantiles_are_within_a_thousandth_of_sorted_data),
        cmocka_unit_test(test_hist__merging_is_exact_in_any_order),
        cmocka_unit_test(test_hist__gaps_at_once_are_gaps_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
