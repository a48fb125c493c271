/* The n-th allocation fails, for n = 1, 2, ... until a call succeeds: each failure is reported, nothing leaks (the
 * address sanitizer watches). Allocations of the library go through the linker's --wrap. */
#include "tests/failing_allocator.h"
#include "tests/traces/traces_test.h"
#include "traces/trace_stats.h"

#define HEADER "TIMESTAMP,ContextTokens,GeneratedTokens\n"

/* Opens a workload and measures it to its end. */
static enum ts_status measure(const struct ts_workload *workload, struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    enum ts_status status = ts_workload_open(&stream, workload, 1, 0, NULL, diags);
    if (status != TS_OK) {
        return status;
    }
    struct ts_trace_stats stats;
    status = ts_trace_stats_collect(&stats, stream, diags);
    if (status == TS_OK) {
        ts_trace_stats_deinit(&stats);
    }
    ts_request_stream_destroy(stream);
    return status;
}

/* With the n-th allocation failing until none does; `expected` is the result without a failure, every other one must be
 * TS_ENOMEM unless a message was what found no memory. Returns the number of allocations. */
static long until_unhindered(const struct ts_workload *workload, enum ts_status expected)
{
    for (long n = 0;; n++) {
        struct ts_diags diags;
        ts_diags_init(&diags);
        countdown = n;
        enum ts_status status = measure(workload, &diags);
        bool unused = countdown >= 0;
        countdown = -1;
        bool reported = diags.n_errors > 0;
        ts_diags_deinit(&diags);
        if (unused) {
            assert_int_equal(status, expected);
            return n;
        }
        if (status != TS_ENOMEM) {
            assert_int_equal(status, expected);
            assert_int_not_equal(status, TS_OK);
        }
        assert_true(reported);
    }
}

static void test_traces_no_memory__generator(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    assert_true(until_unhindered(&workload, TS_OK) >= 4);
}

static void test_traces_no_memory__replay_with_a_second_pass(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_class_spec spec = plain_class();
    write_text(&file, HEADER "2025-01-01 00:00:00,5,5\n2025-01-01 00:00:02,5,5\n");
    struct ts_workload workload = trace_workload(file.path, &spec, 1);
    workload.repeat_to_s = 10.0;
    assert_true(until_unhindered(&workload, TS_OK) >= 10);
    remove_file(&file);
}

static void test_traces_no_memory__errors_of_a_file_are_still_errors(void **state)
{
    (void)state;
    static const char *const texts[] = {
        HEADER "2025-01-01 00:00:00,5,5\nyesterday,x,99999999999\n",
        HEADER "2025-01-01 00:00:09,5,5\n2025-01-01 00:00:02,x,5\n",
        "a,b,c\n",
    };
    struct ts_class_spec spec = plain_class();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct temp_file file;
        write_text(&file, texts[i]);
        struct ts_workload workload = trace_workload(file.path, &spec, 1);
        assert_true(until_unhindered(&workload, TS_EINPUT) >= 3);
        remove_file(&file);
    }
}

static void test_traces_no_memory__missing_columns(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_class_spec spec = plain_class();
    write_text(&file, "TIMESTAMP,ContextToken,x\n2025-01-01 00:00:09,5,5\n");
    struct ts_workload workload = trace_workload(file.path, &spec, 1);
    workload.trace_format = "azure";
    assert_true(until_unhindered(&workload, TS_EINPUT) >= 5);
    remove_file(&file);
}

static void test_traces_no_memory__array_stream(void **state)
{
    (void)state;
    struct ts_request_stream *stream = NULL;
    countdown = 0;
    assert_int_equal(ts_request_stream_from_array(&stream, NULL, 0), TS_ENOMEM);
    countdown = -1;
    assert_null(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traces_no_memory__generator),
        cmocka_unit_test(test_traces_no_memory__replay_with_a_second_pass),
        cmocka_unit_test(test_traces_no_memory__errors_of_a_file_are_still_errors),
        cmocka_unit_test(test_traces_no_memory__missing_columns),
        cmocka_unit_test(test_traces_no_memory__array_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
