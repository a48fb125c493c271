/* Rows out of order: in memory, and on the disk in runs that are merged; whatever the file, what comes out is what a
 * plain sort gives, and memory stays small. */
#include <sys/resource.h>

#include "tests/traces/traces_test.h"

enum { N_ROWS = 1200000, MAX_GROWTH_KIB = 90 * 1024 };

static uint32_t prompt_of(int i)
{
    return (uint32_t)(1 + i % 5000);
}

/* Row i is of second i; they stand in the file in the order (i * 7919) mod N, or only the last two are swapped. */
static void write_rows(struct temp_file *file, bool shuffled)
{
    write_text(file, "");
    FILE *stream = fopen(file->path, "wb");
    assert_non_null(stream);
    assert_true(fputs("arrived_at,num_prefill_tokens,num_decode_tokens\n", stream) >= 0);
    for (int k = 0; k < N_ROWS; k++) {
        const int i = shuffled          ? (int)((int64_t)k * 7919 % N_ROWS)
                      : k == N_ROWS - 1 ? k - 1
                      : k == N_ROWS - 2 ? k + 1
                                        : k;
        assert_true(fprintf(stream, "%d,%u,1\n", i, (unsigned)prompt_of(i)) > 0);
    }
    assert_int_equal(fclose(stream), 0);
}

static enum ts_status read_in_order(const char *path, bool sorts, struct ts_trace_counts *counts)
{
    const struct ts_trace_options options = {.sorts = sorts};
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    int got = 1;
    int n = 0;
    assert_int_equal(ts_trace_open_as(&stream, path, &options, NULL), TS_OK);
    enum ts_status status = TS_OK;
    while ((status = ts_request_next(stream, &request, &got, NULL)) == TS_OK && got) {
        if (sorts || n < N_ROWS - 2) {
            assert_int_equal(request.arrival_ns, (int64_t)n * 1000000000);
            assert_int_equal(request.prompt_tok, prompt_of(n));
        }
        n++;
    }
    assert_true(status != TS_OK || n == N_ROWS);
    *counts = ts_trace_counts(stream);
    ts_request_stream_destroy(stream);
    return status;
}

static void test_trace_order__a_long_file_is_sorted_on_the_disk(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_trace_counts counts;
    struct rusage before, after;
    write_rows(&file, true);
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    assert_int_equal(read_in_order(file.path, false, &counts), TS_OK);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_true(counts.was_sorted && !counts.came_late && counts.n_rows == N_ROWS);
#if !defined(__APPLE__) && !defined(TS_SANITIZED)
    print_message("sorting %d rows: the process grew by %ld KiB\n", N_ROWS, after.ru_maxrss - before.ru_maxrss);
    assert_true(after.ru_maxrss - before.ru_maxrss < MAX_GROWTH_KIB);
#endif
    remove_file(&file);
}

static void test_trace_order__disorder_at_the_end_of_a_long_file_asks_for_a_sort(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_trace_counts counts;
    write_rows(&file, false);
    assert_int_equal(read_in_order(file.path, false, &counts), TS_EINPUT);
    assert_true(counts.came_late);
    assert_int_equal(counts.late_line, N_ROWS + 1);
    assert_int_equal(read_in_order(file.path, true, &counts), TS_OK);
    assert_true(counts.was_sorted && !counts.came_late);
    remove_file(&file);
}

/* Rows with ids: they go to the disk and come back with them. */
static void test_trace_order__ids_stay_with_their_rows(void **state)
{
    (void)state;
    enum { N = 9000, N_IDS = 600 };
    struct temp_file file;
    struct ts_request_stream *stream = NULL;
    write_text(&file, "");
    FILE *out = fopen(file.path, "wb");
    assert_non_null(out);
    for (int k = 0; k < N; k++) {
        const int i = k * 7 % N;
        fprintf(out, "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": 1, \"hash_ids\": [%d", i,
                512 * N_IDS, i);
        for (int j = 1; j < N_IDS; j++) {
            fprintf(out, ",%d", j);
        }
        fputs("]}\n", out);
    }
    assert_int_equal(fclose(out), 0);
    assert_int_equal(open_trace(&stream, file.path, NULL, NULL, NULL), TS_OK);
    for (uint64_t i = 0; i < N; i++) {
        struct ts_request request;
        int got = 0;
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        assert_true(got && request.prefix.n_ids == N_IDS);
        assert_int_equal(request.prefix.ids[0], i);
        assert_int_equal(request.prefix.ids[N_IDS - 1], N_IDS - 1);
    }
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_order__a_long_file_is_sorted_on_the_disk),
        cmocka_unit_test(test_trace_order__disorder_at_the_end_of_a_long_file_asks_for_a_sort),
        cmocka_unit_test(test_trace_order__ids_stay_with_their_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
