/* What the hot calls of base/ cost; a smoke test that prints nanoseconds per call and fails only if a result is wrong.
 */
#include <time.h>

#include "base/csv.h"
#include "base/dist.h"
#include "base/hist.h"
#include "tests/base/base_test.h"

enum { N = 2000000 };

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void report(const char *what, double start_ns, int n)
{
    print_message("%-24s %8.2f ns\n", what, (now_ns() - start_ns) / n);
}

static void bench_hist_add(void **state)
{
    (void)state;
    struct ts_hist hist;
    ts_hist_init(&hist);
    uint64_t x = 1;
    double start = now_ns();
    for (int i = 0; i < N; i++) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        ts_hist_add(&hist, (int64_t)(x >> 34));
    }
    report("ts_hist_add", start, N);
    assert_int_equal(hist.count, N);
    ts_hist_deinit(&hist);
}

static void bench_draws(void **state)
{
    (void)state;
    const struct {
        const char *name;
        struct ts_dist dist;
    } rows[] = {
        {"uniform", ts_dist_uniform(0.0, 1.0)},
        {"normal", ts_dist_normal(0.0, 1.0)},
        {"lognormal", ts_dist_lognormal_median_p95(1.0, 2.0)},
        {"exponential", ts_dist_exponential(1.0)},
        {"gamma", ts_dist_gamma_mean_cv(1.0, 1.6)},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct ts_rng rng;
        double sum = 0.0;
        ts_rng_init(&rng, 1, 0, 0, 0);
        double start = now_ns();
        for (int i = 0; i < N / 4; i++) {
            sum += ts_dist_sample(&rows[k].dist, &rng);
        }
        report(rows[k].name, start, N / 4);
        assert_true(isfinite(sum));
    }
}

static void bench_csv_rows(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, "TIMESTAMP,ContextTokens,GeneratedTokens\n");
    for (int i = 0; i < N / 10; i++) {
        ts_text_printf(&text, "2023-11-16 18:15:46.6805900,%d,%d\n", i % 4000, i % 500);
    }
    struct ts_csv_reader *reader = NULL;
    assert_int_equal(ts_csv_open_text(&reader, "t", text.data, text.len, true, NULL), TS_OK);
    const struct ts_csv_row *row = NULL;
    int n = 0;
    double start = now_ns();
    while (ts_csv_next(reader, &row, NULL) == TS_OK && row != NULL) {
        n++;
    }
    report("csv row of 3 fields", start, N / 10);
    assert_int_equal(n, N / 10);
    ts_csv_close(reader);
    ts_text_deinit(&text);
}

static void bench_numbers(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    double sum = 0.0;
    double start = now_ns();
    for (int i = 0; i < N / 4; i++) {
        double value = 0.0;
        ts_parse_double(&value, "12345.678901", 12);
        sum += value;
    }
    report("ts_parse_double", start, N / 4);
    assert_near(sum / (N / 4), 12345.678901, 1e-3);
    start = now_ns();
    for (int i = 0; i < N / 20; i++) {
        ts_text_clear(&text);
        ts_text_double(&text, 0.001 * i);
    }
    report("ts_text_double", start, N / 20);
    ts_text_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bench_hist_add),
        cmocka_unit_test(bench_draws),
        cmocka_unit_test(bench_csv_rows),
        cmocka_unit_test(bench_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
