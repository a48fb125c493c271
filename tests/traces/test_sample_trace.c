/* traces/samples/azure-like.csv is what the generator makes of the workload below: seed 2026, replication 0. With
 * TS_REFRESH_SAMPLES=1 in the environment the file is written anew (a change of the generator changes it). */
#include "base/file.h"
#include "tests/traces/traces_test.h"
#include "traces/trace_stats.h"

#define SAMPLE TS_SOURCE_DIR "/traces/samples/azure-like.csv"

enum { SEED = 2026, MAX_ROWS = 400, MAX_BYTES = 1 << 16 };

/* Ten minutes, on average a call every three seconds, in bursts; lengths as in the Azure conversation trace. */
static size_t generate(struct ts_request *out)
{
    struct ts_class_spec spec = plain_class();
    struct ts_request_stream *stream = NULL;
    assert_true(ts_token_dist(&spec.prompt_tok, "azure-conversation", false));
    assert_true(ts_token_dist(&spec.output_tok, "azure-conversation", true));
    struct ts_workload workload = plain_workload(&spec, 1);
    workload.calls_per_s = 1.0 / 3.0;
    workload.window.duration_s = 600.0;
    workload.process.gap = ts_dist_gamma_mean_cv(1.0, 1.6);
    assert_int_equal(ts_workload_open(&stream, &workload, SEED, 0, NULL, NULL), TS_OK);
    size_t n = read_all(stream, out, MAX_ROWS);
    ts_request_stream_destroy(stream);
    return n;
}

/* As the trace of 2023 is written: CRLF, seven digits, no zone, no final newline. Monday 5 January 2026, from nine
 * o'clock. */
static void render(struct ts_text *out, const struct ts_request *requests, size_t n)
{
    ts_text_puts(out, "TIMESTAMP,ContextTokens,GeneratedTokens");
    for (size_t i = 0; i < n; i++) {
        long long ticks = requests[i].arrival_ns / 100;
        long long s = ticks / 10000000;
        ts_text_printf(out, "\r\n2026-01-05 %02lld:%02lld:%02lld.%07lld,%u,%u", 9 + s / 3600, s / 60 % 60, s % 60,
                       ticks % 10000000, (unsigned)requests[i].prompt_tok, (unsigned)requests[i].output_tok);
    }
}

static void refresh(const struct ts_request *requests, size_t n)
{
    struct ts_text text;
    ts_text_init(&text);
    render(&text, requests, n);
    assert_false(text.failed);
    assert_int_equal(ts_file_write(SAMPLE, text.data, text.len, NULL), TS_OK);
    ts_text_deinit(&text);
}

/* Up to a microsecond: the last bits of log() and pow() are the C library's own. */
static void test_sample_trace__is_what_the_generator_makes(void **state)
{
    (void)state;
    struct ts_request expected[MAX_ROWS];
    struct ts_request read[MAX_ROWS];
    size_t n = generate(expected);
    if (getenv("TS_REFRESH_SAMPLES") != NULL) {
        refresh(expected, n);
    }
    struct ts_request_stream *stream = NULL;
    assert_int_equal(open_trace(&stream, SAMPLE, NULL, NULL, NULL), TS_OK);
    assert_int_equal(read_all(stream, read, MAX_ROWS), n);
    ts_request_stream_destroy(stream);
    for (size_t i = 0; i < n; i++) {
        assert_near((double)read[i].arrival_ns, (double)(expected[i].arrival_ns - expected[0].arrival_ns), 1000.0);
        assert_int_equal(read[i].prompt_tok, expected[i].prompt_tok);
        assert_int_equal(read[i].output_tok, expected[i].output_tok);
    }
}

static void test_sample_trace__has_the_line_ends_of_the_original(void **state)
{
    (void)state;
    char *data = NULL;
    size_t len = 0;
    assert_int_equal(ts_file_read(&data, &len, SAMPLE, MAX_BYTES, NULL), TS_OK);
    assert_true(len > 0 && data[len - 1] != '\n');
    size_t n_lf = 0;
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            assert_true(i > 0 && data[i - 1] == '\r');
            n_lf++;
        }
    }
    free(data);
    assert_in_range(n_lf, 150, 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_trace__is_what_the_generator_makes),
        cmocka_unit_test(test_sample_trace__has_the_line_ends_of_the_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
