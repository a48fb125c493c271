/* Trace files as workloads: labels, scaling, repetition, cuts. */
#include "tests/traces/traces_test.h"

#define HEADER "TIMESTAMP,ContextTokens,GeneratedTokens\n"
/* Arrivals 0, 1 and 4 s: duration 4 s, mean gap 2 s. One row without output. */
static const char rows[] = HEADER "2025-01-01 00:00:00,10,1\n2025-01-01 00:00:01,11,2\n"
                                  "2025-01-01 00:00:02,12,0\n2025-01-01 00:00:04,13,4\n";

enum { MAX = 4096 };

static const int64_t second = 1000000000;

static size_t read_workload(const struct ts_workload *workload, uint64_t seed, uint32_t replication,
                            struct ts_request *out, size_t max, struct ts_trace_counts *counts)
{
    struct ts_request_stream *stream = NULL;
    assert_int_equal(ts_workload_open(&stream, workload, seed, replication, NULL, NULL), TS_OK);
    size_t n = read_all(stream, out, max);
    *counts = ts_workload_trace_counts(stream);
    ts_request_stream_destroy(stream);
    return n;
}

struct fixture {
    struct temp_file file;
    struct ts_class_spec classes[2];
    struct ts_workload workload;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    write_text(&fixture.file, rows);
    fixture.classes[0] = plain_class();
    fixture.classes[0].share = 0.25;
    fixture.classes[1] = plain_class();
    fixture.classes[1].share = 0.75;
    fixture.classes[1].sensitivity = TS_RESTRICTED;
    fixture.workload = trace_workload(fixture.file.path, fixture.classes, 2);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    remove_file(&((struct fixture *)*state)->file);
    return 0;
}

static void test_replay__gives_the_rows_of_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct ts_request read[MAX];
    struct ts_trace_counts counts;
    assert_int_equal(read_workload(&fixture->workload, 1, 0, read, MAX, &counts), 3);
    assert_int_equal(read[2].arrival_ns, 4 * second);
    assert_int_equal(read[2].prompt_tok, 13);
    assert_int_equal(read[2].output_tok, 4);
    assert_int_equal(counts.n_rows, 4);
    assert_int_equal(counts.n_kept, 3);
    assert_int_equal(counts.n_dropped, 1);
    assert_int_equal(counts.drop_line, 4);
}

static void test_replay__labels_are_the_same_in_every_replication(void **state)
{
    struct fixture *fixture = *state;
    struct ts_request a[MAX];
    struct ts_request b[MAX];
    struct ts_trace_counts counts;
    fixture->workload.repeat_to_s = 600.0;
    size_t n = read_workload(&fixture->workload, 9, 0, a, MAX, &counts);
    assert_int_equal(read_workload(&fixture->workload, 9, 5, b, MAX, &counts), n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a[i].class_id, b[i].class_id);
        assert_int_equal(a[i].sensitivity, b[i].sensitivity);
        assert_true(a[i].difficulty == b[i].difficulty);
    }
}

static void test_replay__labels_depend_on_seed_and_id_alone(void **state)
{
    struct fixture *fixture = *state;
    struct ts_request a[MAX];
    struct ts_request b[MAX];
    struct ts_trace_counts counts;
    fixture->workload.repeat_to_s = 600.0;
    size_t n = read_workload(&fixture->workload, 9, 0, a, MAX, &counts);
    fixture->workload.scale_rate = 2.0;
    fixture->workload.repeat_to_s = 300.0;
    assert_int_equal(read_workload(&fixture->workload, 9, 0, b, MAX, &counts), n);
    size_t n_differ = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(a[i].difficulty == b[i].difficulty && a[i].class_id == b[i].class_id);
    }
    assert_int_equal(read_workload(&fixture->workload, 10, 0, b, MAX, &counts), n);
    for (size_t i = 0; i < n; i++) {
        n_differ += a[i].difficulty != b[i].difficulty;
    }
    assert_int_equal(n_differ, n);
}

static void test_replay__sensitivity_is_that_of_the_class(void **state)
{
    struct fixture *fixture = *state;
    struct ts_request read[MAX];
    struct ts_trace_counts counts;
    fixture->workload.repeat_to_s = 6000.0;
    size_t n = read_workload(&fixture->workload, 1, 0, read, MAX, &counts);
    size_t n_second = 0;
    for (size_t i = 0; i < n; i++) {
        n_second += read[i].class_id == 1;
        assert_int_equal(read[i].sensitivity, read[i].class_id == 1 ? TS_RESTRICTED : TS_INTERNAL);
    }
    assert_int_equal(n, 3000);
    assert_near((double)n_second / (double)n, 0.75, 4.0 * sqrt(0.75 * 0.25 / 3000.0));
}

static void test_replay__scaling_the_rate_divides_the_gaps(void **state)
{
    struct fixture *fixture = *state;
    struct ts_request read[MAX];
    struct ts_trace_counts counts;
    fixture->workload.scale_rate = 2.0;
    assert_int_equal(read_workload(&fixture->workload, 1, 0, read, MAX, &counts), 3);
    assert_int_equal(read[1].arrival_ns, second / 2);
    assert_int_equal(read[2].arrival_ns, 2 * second);
    fixture->workload.scale_rate = 0.1;
    assert_int_equal(read_workload(&fixture->workload, 1, 0, read, MAX, &counts), 3);
    assert_int_equal(read[2].arrival_ns, 40 * second);
}

/* Duration 4 s and a mean gap of 2 s: the second pass starts at 6 s, the third at 12 s. */
static void test_replay__repetition_goes_on_one_mean_gap_later(void **state)
{
    struct fixture *fixture = *state;
    struct ts_request read[MAX];
    struct ts_trace_counts counts;
    static const int64_t expected_s[] = {0, 1, 4, 6, 7, 10, 12};
    fixture->workload.repeat_to_s = 13.0;
    size_t n = read_workload(&fixture->workload, 1, 0, read, MAX, &counts);
    assert_int_equal(n, 7);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(read[i].id, i);
        assert_int_equal(read[i].arrival_ns, expected_s[i] * second);
    }
    assert_int_equal(read[3].prompt_tok, 10);
    assert_int_equal(counts.n_dropped, 2);
    assert_int_equal(counts.n_rows, counts.n_kept + counts.n_dropped);
    assert_int_equal(counts.drop_line, 4);
}

static void test_replay__repetition_keeps_the_rate_of_the_trace(void **state)
{
    struct fixture *fixture = *state;
    struct ts_request read[MAX];
    struct ts_trace_counts counts;
    fixture->workload.repeat_to_s = 6000.0;
    assert_int_equal(read_workload(&fixture->workload, 1, 0, read, MAX, &counts), 3000);
}

static void test_replay__the_shorter_limit_cuts(void **state)
{
    struct fixture *fixture = *state;
    struct ts_request read[MAX];
    struct ts_trace_counts counts;
    fixture->workload.window.duration_s = 4.0;
    assert_int_equal(read_workload(&fixture->workload, 1, 0, read, MAX, &counts), 2);
    fixture->workload.repeat_to_s = 13.0;
    assert_int_equal(read_workload(&fixture->workload, 1, 0, read, MAX, &counts), 2);
    fixture->workload.window.duration_s = 6.5;
    assert_int_equal(read_workload(&fixture->workload, 1, 0, read, MAX, &counts), 4);
    fixture->workload.window.duration_s = 0.0;
    fixture->workload.repeat_to_s = 0.5;
    assert_int_equal(read_workload(&fixture->workload, 1, 0, read, MAX, &counts), 1);
}

static void test_replay__token_caps_are_for_draws_and_not_for_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct ts_request read[MAX];
    struct ts_trace_counts counts;
    fixture->workload.max_prompt_tok = 5;
    assert_int_equal(read_workload(&fixture->workload, 1, 0, read, MAX, &counts), 3);
    assert_int_equal(read[0].prompt_tok, 10);
}

static void test_replay__a_trace_without_a_duration_cannot_be_repeated(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_class_spec spec = plain_class();
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    struct ts_diags diags;
    int got = 0;
    ts_diags_init(&diags);
    write_text(&file, HEADER "2025-01-01 00:00:00,10,1\n2025-01-01 00:00:00,10,1\n");
    struct ts_workload workload = trace_workload(file.path, &spec, 1);
    workload.repeat_to_s = 10.0;
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, &diags), TS_OK);
    assert_int_equal(ts_request_next(stream, &request, &got, &diags), TS_OK);
    assert_int_equal(ts_request_next(stream, &request, &got, &diags), TS_OK);
    assert_int_equal(ts_request_next(stream, &request, &got, &diags), TS_EINPUT);
    assert_int_equal(got, 0);
    assert_diags(&diags, &file,
                 "FILE: error: a trace without a duration cannot be repeated: all its requests arrive at once\n"
                 "help: use a longer trace, or do not repeat it\n");
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

#define CLASSED "TIMESTAMP,ContextTokens,GeneratedTokens,Class\n"

/* A workload of classes 'rag' and 'chat', which the rows may name. */
static struct ts_workload classed_workload(const char *path, struct ts_class_spec *classes)
{
    classes[0] = classes[1] = plain_class();
    classes[0].name = "rag";
    classes[0].share = 0.5;
    classes[1].name = "chat";
    classes[1].share = 0.5;
    classes[1].sensitivity = TS_PUBLIC;
    struct ts_workload workload = trace_workload(path, classes, 2);
    workload.names_classes = true;
    return workload;
}

/* By a column, by a key, in every pass; the other labels are those of the class. */
static void test_replay__the_class_is_what_the_row_says(void **state)
{
    (void)state;
    static const char *const texts[] = {
        CLASSED "2025-01-01 00:00:00,10,1,chat\n2025-01-01 00:00:01,11,2,rag\n2025-01-01 00:00:02,13,4,chat\n",
        "{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 1, \"class\": \"chat\"}\n"
        "{\"timestamp\": 1000, \"input_length\": 11, \"output_length\": 2, \"class\": \"rag\"}\n"
        "{\"timestamp\": 2000, \"input_length\": 13, \"output_length\": 4, \"class\": \"chat\"}\n"};
    for (size_t t = 0; t < 2; t++) {
        struct temp_file file;
        struct ts_class_spec classes[2];
        struct ts_request read[MAX];
        struct ts_trace_counts counts;
        write_text(&file, texts[t]);
        struct ts_workload workload = classed_workload(file.path, classes);
        workload.repeat_to_s = 100.0;
        const size_t n = read_workload(&workload, 1, 0, read, MAX, &counts);
        assert_true(n > 60 && counts.names_classes);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(read[i].class_id, i % 3 == 1 ? 0 : 1);
            assert_int_equal(read[i].sensitivity, i % 3 == 1 ? TS_INTERNAL : TS_PUBLIC);
        }
        remove_file(&file);
    }
}

static void test_replay__a_class_that_the_scenario_lacks_is_told_where_it_stands(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_class_spec classes[2];
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    struct ts_diags diags;
    int got = 0;
    ts_diags_init(&diags);
    write_text(&file, CLASSED "2025-01-01 00:00:00,10,1,chta\n");
    struct ts_workload workload = classed_workload(file.path, classes);
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, &diags), TS_OK);
    assert_int_equal(ts_request_next(stream, &request, &got, &diags), TS_EINPUT);
    assert_diags(&diags, &file,
                 "FILE:2:26: error: unknown class 'chta'\n"
                 "    2 | 2025-01-01 00:00:00,10,1,chta\n"
                 "      |                          ^~~~\n"
                 "help: did you mean 'chat'?\n");
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

/* A scenario without classes has no use for them, and says so once. */
static void test_replay__classes_that_nobody_looks_at_are_told(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_class_spec spec = plain_class();
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    struct ts_diags diags;
    int got = 1;
    ts_diags_init(&diags);
    write_text(&file, CLASSED "2025-01-01 00:00:00,10,1,chat\n2025-01-01 00:00:01,10,1,rag\n");
    struct ts_workload workload = trace_workload(file.path, &spec, 1);
    workload.repeat_to_s = 10.0;
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, &diags), TS_OK);
    while (got) {
        assert_int_equal(ts_request_next(stream, &request, &got, &diags), TS_OK);
        assert_int_equal(request.class_id, 0);
    }
    assert_diags(&diags, &file,
                 "FILE: warning: the trace names a class for each request, but the scenario has no classes: it is not "
                 "used\n"
                 "help: write trace: {classes: [{name: ..., share: ...}]} with the names of the file\n");
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

/* Users send the rows when they can: these have no times, and are as many as are wanted if the file is repeated. */
static void test_replay__closed_loop_has_rows_without_times(void **state)
{
    struct fixture *fixture = *state;
    struct ts_request read[10];
    struct ts_trace_counts counts;
    fixture->workload.is_closed = true;
    assert_int_equal(read_workload(&fixture->workload, 1, 0, read, 10, &counts), 3);
    assert_true(read[0].arrival_ns == 0 && read[2].arrival_ns == 0 && read[2].prompt_tok == 13);
    struct ts_request_stream *stream = NULL;
    fixture->workload.repeat_to_s = 1.0;
    assert_int_equal(ts_workload_open(&stream, &fixture->workload, 1, 0, NULL, NULL), TS_OK);
    for (uint64_t i = 0; i < 100; i++) {
        int got = 0;
        assert_int_equal(ts_request_next(stream, &read[0], &got, NULL), TS_OK);
        assert_true(got && read[0].id == i && read[0].arrival_ns == 0);
    }
    ts_request_stream_destroy(stream);
    fixture->workload.is_closed = false;
    fixture->workload.repeat_to_s = 0.0;
}

static void test_replay__an_error_of_the_file_comes_through(void **state)
{
    struct fixture *fixture = *state;
    struct ts_request_stream *stream = NULL;
    struct ts_diags diags;
    ts_diags_init(&diags);
    fixture->workload.trace_path = "/nonexistent/trace.csv";
    assert_int_equal(ts_workload_open(&stream, &fixture->workload, 1, 0, NULL, &diags), TS_EIO);
    assert_null(stream);
    assert_diags(&diags, NULL, "/nonexistent/trace.csv: error: cannot open: No such file or directory\n");
}

/* Two classes of half the requests each, short ones and long ones: a request's lengths tell which it is; one that
 * neither has is drawn by the shares. */
static void test_replay__lengths_tell_the_class_if_all_classes_say_theirs(void **state)
{
    (void)state;
    enum { N = 400 };
    struct temp_file file;
    struct ts_request requests[N];
    struct ts_class_spec classes[2] = {plain_class(), plain_class()};
    struct ts_request_stream *stream = NULL;
    uint32_t n_first = 0;
    write_text(&file, "");
    FILE *out = fopen(file.path, "wb");
    assert_non_null(out);
    fputs("arrived_at,num_prefill_tokens,num_decode_tokens\n", out);
    for (int i = 0; i < N; i++) {
        fprintf(out, "%d,%d,50\n", i, i % 4 == 0 ? 150 : i % 4 == 1 ? 1500 : 90000);
    }
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < 2; i++) {
        classes[i].share = 0.5;
        classes[i].says_lengths = true;
        classes[i].prompt_tok = i == 0 ? ts_dist_uniform(100.0, 200.0) : ts_dist_uniform(1000.0, 2000.0);
        classes[i].output_tok = ts_dist_uniform(10.0, 100.0);
    }
    const struct ts_workload workload = trace_workload(file.path, classes, 2);
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
    assert_int_equal(read_all(stream, requests, N), N);
    for (int i = 0; i < N; i++) {
        assert_true(i % 4 > 1 || requests[i].class_id == i % 4);
        n_first += i % 4 > 1 && requests[i].class_id == 0;
    }
    assert_near((double)n_first, N / 4.0, 4.0 * sqrt(N / 8.0));
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

int main(void)
{
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FILE(test_replay__gives_the_rows_of_the_file),
        WITH_FILE(test_replay__labels_are_the_same_in_every_replication),
        WITH_FILE(test_replay__labels_depend_on_seed_and_id_alone),
        WITH_FILE(test_replay__sensitivity_is_that_of_the_class),
        WITH_FILE(test_replay__closed_loop_has_rows_without_times),
        WITH_FILE(test_replay__scaling_the_rate_divides_the_gaps),
        WITH_FILE(test_replay__repetition_goes_on_one_mean_gap_later),
        WITH_FILE(test_replay__repetition_keeps_the_rate_of_the_trace),
        WITH_FILE(test_replay__the_shorter_limit_cuts),
        WITH_FILE(test_replay__token_caps_are_for_draws_and_not_for_the_file),
        cmocka_unit_test(test_replay__a_trace_without_a_duration_cannot_be_repeated),
        cmocka_unit_test(test_replay__the_class_is_what_the_row_says),
        cmocka_unit_test(test_replay__a_class_that_the_scenario_lacks_is_told_where_it_stands),
        cmocka_unit_test(test_replay__classes_that_nobody_looks_at_are_told),
        cmocka_unit_test(test_replay__lengths_tell_the_class_if_all_classes_say_theirs),
        WITH_FILE(test_replay__an_error_of_the_file_comes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
