/* What a request costs before it is simulated; a smoke test that prints rates and fails only if a result is wrong. */
#include <time.h>

#include "tests/traces/traces_test.h"

enum { N_ROWS = 200000 };

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t drain(struct ts_request_stream *stream, const char *what)
{
    double start = now_s();
    struct ts_request request;
    uint64_t n = 0;
    int got = 1;
    while (ts_request_next(stream, &request, &got, NULL) == TS_OK && got) {
        n++;
    }
    print_message("%-28s %6.2f M requests/s\n", what, (double)n / (now_s() - start) / 1e6);
    ts_request_stream_destroy(stream);
    return n;
}

static void bench_readers(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_class_spec spec = plain_class();
    struct ts_request_stream *stream = NULL;
    write_text(&file, "");
    FILE *out = fopen(file.path, "wb");
    assert_non_null(out);
    assert_true(fputs("TIMESTAMP,ContextTokens,GeneratedTokens\r\n", out) >= 0);
    for (int i = 0; i < N_ROWS; i++) {
        int s = i / 5;
        assert_true(fprintf(out, "2025-01-01 %02d:%02d:%02d.%d000000,%d,%d\r\n", s / 3600, s / 60 % 60, s % 60, i % 5,
                            1000 + i % 3000, 100 + i % 600) > 0);
    }
    assert_int_equal(fclose(out), 0);
    assert_int_equal(open_trace(&stream, file.path, NULL, NULL, NULL), TS_OK);
    assert_int_equal(drain(stream, "trace, read"), N_ROWS);
    struct ts_workload workload = trace_workload(file.path, &spec, 1);
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
    assert_int_equal(drain(stream, "trace, read and labelled"), N_ROWS);
    remove_file(&file);
}

static void bench_generator(void **state)
{
    (void)state;
    struct ts_class_spec specs[2] = {plain_class(), plain_class()};
    const struct {
        const char *name;
        struct ts_dist gap;
    } rows[] = {{"generated, exponential gaps", ts_dist_exponential(1.0)},
                {"generated, gamma gaps", ts_dist_gamma_mean_cv(1.0, 1.6)}};
    for (size_t i = 0; i < 2; i++) {
        specs[i].share = 0.5;
        assert_true(ts_token_dist(&specs[i].prompt_tok, "azure-conversation", false));
        assert_true(ts_token_dist(&specs[i].output_tok, "azure-conversation", true));
    }
    for (size_t i = 0; i < 2; i++) {
        struct ts_request_stream *stream = NULL;
        struct ts_workload workload = plain_workload(specs, 2);
        workload.process.week_curve = ts_week_curve("consumer-week");
        workload.window.duration_s = TS_WEEK_HOURS * 3600.0;
        workload.process.gap = rows[i].gap;
        assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
        assert_true(drain(stream, rows[i].name) > 500000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bench_readers),
        cmocka_unit_test(bench_generator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
