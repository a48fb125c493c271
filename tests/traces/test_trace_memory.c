/* A trace is never in memory as a whole: two million rows (72 MB) go through the reader, the replay and the statistics
 * without the process growing. */
#include <sys/resource.h>

#include "tests/traces/traces_test.h"
#include "traces/trace_stats.h"

enum { N_ROWS = 2000000, MAX_GROWTH_KIB = 8 * 1024 };

static long peak_kib(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
#ifdef __APPLE__
    return usage.ru_maxrss / 1024;
#else
    return usage.ru_maxrss;
#endif
}

static void write_rows(struct temp_file *file)
{
    write_text(file, "");
    FILE *stream = fopen(file->path, "wb");
    assert_non_null(stream);
    assert_true(fputs("TIMESTAMP,ContextTokens,GeneratedTokens\r\n", stream) >= 0);
    for (int i = 0; i < N_ROWS; i++) {
        int s = i / 100;
        assert_true(fprintf(stream, "2025-01-01 %02d:%02d:%02d.%02d00000,%d,%d\r\n", s / 3600, s / 60 % 60, s % 60,
                            i % 100, 1 + i % 4000, 1 + i % 700) > 0);
    }
    assert_int_equal(fclose(stream), 0);
}

static void test_trace__two_million_rows_stream_in_constant_memory(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_class_spec spec = plain_class();
    struct ts_request_stream *stream = NULL;
    struct ts_trace_stats stats;
    write_rows(&file);
    struct ts_workload workload = trace_workload(file.path, &spec, 1);
    long before = peak_kib();
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
    assert_int_equal(ts_trace_stats_collect(&stats, stream, NULL), TS_OK);
    long growth = peak_kib() - before;
    print_message("%d rows: the process grew by %ld KiB\n", N_ROWS, growth);
    assert_int_equal(stats.n_requests, N_ROWS);
    assert_true(growth < MAX_GROWTH_KIB);
    ts_trace_stats_deinit(&stats);
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace__two_million_rows_stream_in_constant_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
