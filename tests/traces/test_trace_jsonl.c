/* Traces of one JSON object a line: what the three formats say of their prompts, order of time, mistakes. */
#include "tests/traces/traces_test.h"

static struct ts_request_stream *open_text(const struct temp_file *file, const char *format)
{
    struct ts_request_stream *stream = NULL;
    assert_int_equal(open_trace(&stream, file->path, format, NULL, NULL), TS_OK);
    return stream;
}

static struct ts_request next_of(struct ts_request_stream *stream)
{
    struct ts_request request = {.id = 0};
    int got = 0;
    assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
    assert_int_equal(got, 1);
    return request;
}

static void assert_ids(const struct ts_prefix *prefix, uint32_t block_tok, uint32_t n, const uint64_t *ids)
{
    assert_int_equal(prefix->block_tok, block_tok);
    assert_int_equal(prefix->n_ids, n);
    assert_memory_equal(prefix->ids, ids, n * sizeof *ids);
}

static void test_mooncake__times_are_milliseconds_and_blocks_512_tokens(void **state)
{
    (void)state;
    struct temp_file file;
    write_text(&file, "{\"timestamp\": 5, \"input_length\": 600, \"output_length\": 6, \"hash_ids\": [7, 8]}\n\n"
                      "{\"timestamp\": 3005, \"input_length\": 9, \"output_length\": 1, \"hash_ids\": [9]}");
    struct ts_request_stream *stream = open_text(&file, NULL);
    struct ts_request request = next_of(stream);
    assert_int_equal(request.arrival_ns, 0);
    assert_int_equal(request.prompt_tok, 600);
    assert_int_equal(request.output_tok, 6);
    assert_ids(&request.prefix, 512, 2, (const uint64_t[]){7, 8});
    request = next_of(stream);
    assert_int_equal(request.arrival_ns, 3000000000);
    assert_ids(&request.prefix, 512, 1, (const uint64_t[]){9});
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

static void test_qwen_bailian__times_are_seconds_and_blocks_16_tokens(void **state)
{
    (void)state;
    struct temp_file file;
    write_text(&file, "{\"chat_id\": 1, \"parent_chat_id\": -1, \"timestamp\": 61.25, \"input_length\": 20, "
                      "\"output_length\": 3, \"type\": \"text\", \"turn\": 1, \"hash_ids\": [11, 12]}\n"
                      "{\"chat_id\": 2, \"parent_chat_id\": 1, \"timestamp\": 61.5, \"input_length\": 40, "
                      "\"output_length\": 3, \"type\": \"text\", \"turn\": 2, \"hash_ids\": [11, 13, 14]}\n");
    struct ts_request_stream *stream = open_text(&file, NULL);
    struct ts_request request = next_of(stream);
    assert_ids(&request.prefix, 16, 2, (const uint64_t[]){11, 12});
    request = next_of(stream);
    assert_int_equal(request.arrival_ns, 250000000);
    assert_ids(&request.prefix, 16, 3, (const uint64_t[]){11, 13, 14});
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

/* The last id of the system prompt stands for fewer tokens than is known; what follows begins at no known place. */
static void test_ragpulse__is_sorted_and_knows_its_system_prompt(void **state)
{
    (void)state;
    static const char row[] = "{\"timestamp\": \"%s\", \"input_length\": %d, \"output_length\": 5, \"hash_ids\": "
                              "{\"sys_prompt\": [%d, 2, 3], \"passages_ids\": [4], \"user_input\": [5]}}\n";
    char text[1024];
    struct temp_file file;
    int len = snprintf(text, sizeof text, row, "10", 3000, 1);
    len += snprintf(text + len, sizeof text - (size_t)len, row, "30", 3001, 21);
    len += snprintf(text + len, sizeof text - (size_t)len, row, "20.5", 3002, 31);
    (void)snprintf(text + len, sizeof text - (size_t)len, "\n");
    write_text(&file, text);
    struct ts_request_stream *stream = open_text(&file, NULL);
    static const uint32_t prompt_tok[] = {3000, 3002, 3001};
    static const uint64_t ids[][2] = {{1, 2}, {31, 2}, {21, 2}};
    static const int64_t arrival_ns[] = {0, 10500000000, 20000000000};
    for (size_t i = 0; i < 3; i++) {
        const struct ts_request request = next_of(stream);
        assert_int_equal(request.prompt_tok, prompt_tok[i]);
        assert_int_equal(request.arrival_ns, arrival_ns[i]);
        assert_ids(&request.prefix, 512, 2, ids[i]);
    }
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

static void test_jsonl__mistakes_are_told_with_their_line(void **state)
{
    (void)state;
    static const char good[] = "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}\n";
    static const struct {
        const char *row, *said;
    } mistakes[] = {
        {"{\"timestamp\": 1, \"input_length\": 1, \"output_le",
         "FILE:2: error: not JSON, or a line cut short\nhelp: a trace has one object on each line\n"},
        {"{\"timestamp\": \"now\", \"input_length\": -1, \"output_length\": 1.5, \"hash_ids\": [\"a\"]}",
         "FILE:2: error: timestamp must be a number, as the times before it, not 'now'\n"
         "FILE:2: error: input_length must be a whole number of tokens, not -1\n"
         "FILE:2: error: output_length must be a whole number of tokens, not 1.5\n"},
        {"{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [[1]]}",
         "FILE:2: error: hash_ids must be whole numbers\n"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct temp_file file;
        struct ts_diags diags;
        char text[512];
        struct ts_request request;
        int got = 0;
        ts_diags_init(&diags);
        (void)snprintf(text, sizeof text, "%s%s", good, mistakes[i].row);
        write_text(&file, text);
        struct ts_request_stream *stream = open_text(&file, NULL);
        (void)next_of(stream);
        assert_int_equal(ts_request_next(stream, &request, &got, &diags), TS_EINPUT);
        assert_diags(&diags, &file, mistakes[i].said);
        ts_request_stream_destroy(stream);
        remove_file(&file);
    }
}

/* 200 kB of one line, longer than what is read at once. */
static void test_jsonl__a_long_line_is_read_whole(void **state)
{
    (void)state;
    enum { N = 30000 };
    char *text = malloc(16 * N);
    struct temp_file file;
    assert_non_null(text);
    int len = sprintf(text, "{\"timestamp\": 0, \"input_length\": %d, \"output_length\": 1, \"hash_ids\": [0", 100 * N);
    for (int i = 1; i < N; i++) {
        len += sprintf(text + len, ", %d", i);
    }
    (void)sprintf(text + len, "]}\n");
    write_text(&file, text);
    struct ts_request_stream *stream = open_text(&file, "mooncake");
    const struct ts_request request = next_of(stream);
    assert_int_equal(request.prefix.n_ids, N);
    assert_int_equal(request.prefix.ids[N - 1], N - 1);
    ts_request_stream_destroy(stream);
    remove_file(&file);
    free(text);
}

/* A trace that is repeated has other prompts in every pass, but within a pass they begin alike as in the file. */
static void test_replay__another_pass_has_prompts_of_its_own(void **state)
{
    (void)state;
    struct temp_file file;
    write_text(&file, "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 6, \"hash_ids\": [7, 8]}\n"
                      "{\"timestamp\": 1000, \"input_length\": 600, \"output_length\": 6, \"hash_ids\": [7, 9]}\n");
    struct ts_class_spec class = plain_class();
    struct ts_workload workload = trace_workload(file.path, &class, 1);
    workload.repeat_to_s = 4.0;
    struct ts_request_stream *stream = NULL;
    uint64_t ids[4][2];
    assert_int_equal(ts_workload_open(&stream, &workload, 1, 0, NULL, NULL), TS_OK);
    for (size_t i = 0; i < 4; i++) {
        const struct ts_request request = next_of(stream);
        memcpy(ids[i], request.prefix.ids, sizeof ids[i]);
    }
    assert_int_equal(ids[0][0], 7);
    assert_int_equal(ids[1][0], 7);
    assert_int_not_equal(ids[2][0], 7);
    assert_true(ids[2][0] == ids[3][0]);
    assert_true(ids[2][1] != ids[3][1]);
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mooncake__times_are_milliseconds_and_blocks_512_tokens),
        cmocka_unit_test(test_qwen_bailian__times_are_seconds_and_blocks_16_tokens),
        cmocka_unit_test(test_ragpulse__is_sorted_and_knows_its_system_prompt),
        cmocka_unit_test(test_jsonl__mistakes_are_told_with_their_line),
        cmocka_unit_test(test_jsonl__a_long_line_is_read_whole),
        cmocka_unit_test(test_replay__another_pass_has_prompts_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
