/* Whoever reads a long file asks whether to go on, whether or not anything usable stands in it. */
#include "base/gzip.h"
#include "tests/traces/traces_test.h"
#include "traces/read_ahead.h"

enum { PIECE = 1 << 20, N_PIECES = 40, PATIENCE = 20 };

/* Goes on so many times. */
struct patience {
    long n_asked, n;
};

static bool asked(void *user, const struct ts_progress_state *state)
{
    struct patience *patience = user;
    (void)state;
    return ++patience->n_asked <= patience->n;
}

/* A gzip file: the head, then a line again and again, 40 MiB of it. */
static void write_long(struct temp_file *file, const char *head, const char *line)
{
    struct ts_gzip_writer *writer = NULL;
    char *piece = malloc(PIECE);
    const size_t len = strlen(line), n = PIECE / len * len;
    assert_non_null(piece);
    for (size_t i = 0; i < n; i++) {
        piece[i] = line[i % len];
    }
    write_text(file, "");
    FILE *stream = fopen(file->path, "wb");
    assert_non_null(stream);
    assert_int_equal(ts_gzip_writer_open(&writer, stream), TS_OK);
    assert_int_equal(ts_gzip_writer_write(writer, head, strlen(head)), TS_OK);
    for (int i = 0; i < N_PIECES; i++) {
        assert_int_equal(ts_gzip_writer_write(writer, piece, n), TS_OK);
    }
    assert_int_equal(ts_gzip_writer_finish(writer), TS_OK);
    fclose(stream);
    free(piece);
}

static const char azure[] = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,10,10\n";

/* The first request comes; the second takes longer than there is patience for. */
static void expect_stop(const char *head, const char *line)
{
    struct temp_file file;
    struct patience patience = {.n = PATIENCE};
    const struct ts_progress progress = {.go_on = asked, .user = &patience};
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    int got = 0;
    write_long(&file, head, line);
    assert_int_equal(open_trace(&stream, file.path, NULL, &progress, NULL), TS_OK);
    assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
    assert_true(got);
    assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_EINTERRUPTED);
    assert_false(got);
    assert_int_equal(patience.n_asked, PATIENCE + 1);
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

static void test_trace_stop__amid_blank_lines(void **state)
{
    (void)state;
    expect_stop(azure, "\n");
    expect_stop("{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": []}\n", "\n");
}

static void test_trace_stop__amid_rows_that_are_dropped(void **state)
{
    (void)state;
    expect_stop(azure, "2023-11-16 18:15:46.6805900,0,10\n");
}

/* All rows are read before the first request; those that were come all the same. */
static void test_trace_stop__amid_a_trace_that_is_to_be_sorted(void **state)
{
    (void)state;
    static const char row[] = "{\"timestamp\": \"82\", \"input_length\": 1, \"output_length\": 1, "
                              "\"hash_ids\": {\"sys_prompt\": [1]}}\n";
    struct temp_file file;
    struct patience patience = {.n = PATIENCE};
    const struct ts_progress progress = {.go_on = asked, .user = &patience};
    struct ts_request_stream *stream = NULL;
    write_long(&file, "", row);
    const struct ts_trace_options options = {.format = "ragpulse", .sorts = true, .progress = &progress};
    struct ts_request request;
    int got = 1;
    enum ts_status status = TS_OK;
    assert_int_equal(ts_trace_open_as(&stream, file.path, &options, NULL), TS_OK);
    while (status == TS_OK && got) {
        status = ts_request_next(stream, &request, &got, NULL);
    }
    assert_int_equal(status, TS_EINTERRUPTED);
    assert_int_equal(patience.n_asked, PATIENCE + 1);
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

/* A pass of a repeated trace is opened anew, and the reading thread is told as well. */
static void test_trace_stop__amid_a_later_pass_that_is_read_ahead(void **state)
{
    (void)state;
    struct temp_file file;
    struct patience patience = {.n = 10000};
    const struct ts_progress progress = {.go_on = asked, .user = &patience};
    const struct ts_class_spec class = plain_class();
    struct ts_request_stream *stream = NULL, *ahead = NULL;
    enum ts_status status = TS_OK;
    int got = 1;
    write_text(&file, "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.0,10,10\n"
                      "2023-11-16 18:15:47.0,10,10\n");
    struct ts_workload workload = trace_workload(file.path, &class, 1);
    workload.repeat_to_s = 1e9;
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, &progress, NULL), TS_OK);
    assert_int_equal(ts_read_ahead_open(&ahead, stream), TS_OK);
    while (status == TS_OK && got) {
        struct ts_request request;
        status = ts_request_next(ahead, &request, &got, NULL);
    }
    assert_int_equal(status, TS_EINTERRUPTED);
    ts_request_stream_destroy(ahead);
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

static void test_trace_stop__amid_a_checksum(void **state)
{
    (void)state;
    struct temp_file file;
    struct patience patience = {.n = 1};
    const struct ts_progress progress = {.go_on = asked, .user = &patience};
    uint32_t crc = 0;
    uint64_t n_bytes = 0;
    char *bytes = calloc(1, PIECE);
    assert_non_null(bytes);
    write_bytes(&file, bytes, PIECE);
    assert_int_equal(ts_gzip_crc32(&crc, &n_bytes, file.path, &progress, NULL), TS_EINTERRUPTED);
    assert_int_equal(patience.n_asked, 2);
    assert_int_equal(n_bytes, 0);
    free(bytes);
    remove_file(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_stop__amid_blank_lines),
        cmocka_unit_test(test_trace_stop__amid_rows_that_are_dropped),
        cmocka_unit_test(test_trace_stop__amid_a_trace_that_is_to_be_sorted),
        cmocka_unit_test(test_trace_stop__amid_a_later_pass_that_is_read_ahead),
        cmocka_unit_test(test_trace_stop__amid_a_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
