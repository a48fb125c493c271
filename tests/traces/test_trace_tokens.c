/* LLMServingSim's workloads, with and without the tokens of their prompts. */
#include <stdio.h>

#include "tests/traces/traces_test.h"

#define ROW(time, in, out, rest)                                                                                       \
    "{\"input_toks\": " in ", \"output_toks\": " out ", \"arrival_time_ns\": " time rest "}\n"
#define IDS_17 ", \"input_tok_ids\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"
#define IDS_17_OTHER_END ", \"input_tok_ids\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,18]"
#define IDS_17_OTHER_BEGIN ", \"input_tok_ids\": [0,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"

enum { MAX_REQUESTS = 8 };

struct content {
    struct ts_request requests[MAX_REQUESTS];
    uint64_t ids[MAX_REQUESTS][4];
    size_t n;
    struct ts_trace_counts counts;
};

static enum ts_status read_content(struct content *out, const char *path, struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    memset(out, 0, sizeof *out);
    enum ts_status status = open_trace(&stream, path, NULL, NULL, diags);
    int got = status == TS_OK;
    while (status == TS_OK && got) {
        struct ts_request request;
        status = ts_request_next(stream, &request, &got, diags);
        if (status == TS_OK && got) {
            assert_true(out->n < MAX_REQUESTS);
            for (uint32_t i = 0; i < request.prefix.n_ids && i < 4; i++) {
                out->ids[out->n][i] = request.prefix.ids[i];
            }
            out->requests[out->n++] = request;
        }
    }
    if (stream) {
        out->counts = ts_trace_counts(stream);
    }
    ts_request_stream_destroy(stream);
    return status;
}

static void test_llmservingsim__rows_become_requests_from_the_first_on(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_diags diags;
    struct content content;
    static const char text[] = ROW("1000000046926808", "7", "3", "") "\n   \r\n" ROW(
        "1000000046926810", "0", "3",
        "") "{\"arrival_time_ns\": 1000000346926809, \"output_toks\": 9, \"input_toks\": 2, \"more\": {\"x\": [1]}}";
    ts_diags_init(&diags);
    write_bytes(&file, text, sizeof text - 1);
    assert_int_equal(read_content(&content, file.path, &diags), TS_OK);
    assert_int_equal(content.n, 2);
    assert_int_equal(content.requests[0].arrival_ns, 0);
    assert_int_equal(content.requests[0].prompt_tok, 7);
    assert_int_equal(content.requests[0].output_tok, 3);
    assert_int_equal(content.requests[0].prefix.n_ids, 0);
    assert_int_equal(content.requests[1].arrival_ns, 300000001);
    assert_int_equal(content.requests[1].id, 1);
    assert_int_equal(content.counts.n_rows, 3);
    assert_int_equal(content.counts.n_dropped, 1);
    ts_diags_deinit(&diags);
    remove_file(&file);
}

/* 17 tokens: a full id and one of a single token. Equal beginnings have equal ids, other tokens have others. */
static void test_llmservingsim__equal_tokens_have_equal_ids(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_diags diags;
    struct content content;
    static const char text[] = ROW("5", "17", "3", IDS_17) ROW("6", "17", "3", IDS_17_OTHER_END)
        ROW("7", "17", "3", IDS_17_OTHER_BEGIN) ROW("8", "17", "3", IDS_17);
    ts_diags_init(&diags);
    write_bytes(&file, text, sizeof text - 1);
    assert_int_equal(read_content(&content, file.path, &diags), TS_OK);
    assert_int_equal(content.n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(content.requests[i].prefix.n_ids, 2);
        assert_int_equal(content.requests[i].prefix.block_tok, 16);
    }
    assert_true(content.ids[0][0] == content.ids[1][0] && content.ids[0][1] != content.ids[1][1]);
    assert_true(content.ids[0][0] != content.ids[2][0] && content.ids[0][1] == content.ids[2][1]);
    assert_true(content.ids[0][0] == content.ids[3][0] && content.ids[0][1] == content.ids[3][1]);
    ts_diags_deinit(&diags);
    remove_file(&file);
}

static void assert_fails(const char *text, const char *expected)
{
    struct temp_file file;
    struct ts_diags diags;
    struct content content;
    ts_diags_init(&diags);
    write_bytes(&file, text, strlen(text));
    assert_int_equal(read_content(&content, file.path, &diags), TS_EINPUT);
    assert_diags(&diags, &file, expected);
    remove_file(&file);
}

static void test_llmservingsim__mistakes_name_their_line(void **state)
{
    (void)state;
    assert_fails(ROW("\"soon\"", "-7", "2.5", ""),
                 "FILE:1: error: arrival_time_ns must be a time like 2023-11-16 18:15:46.68, "
                 "2024-05-10T00:00:00+00:00, 1700158546.68 or 12.5, not 'soon'\n"
                 "FILE:1: error: input_toks must be a whole number of tokens, not -7\n"
                 "FILE:1: error: output_toks must be a whole number of tokens, not 2.5\n");
    assert_fails(ROW("5", "16", "3", IDS_17), "FILE:1: error: input_tok_ids must be as long as the prompt\n");
    assert_fails(ROW("5", "1", "3", ", \"input_tok_ids\": [\"a\"]"),
                 "FILE:1: error: input_tok_ids must be whole numbers\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llmservingsim__rows_become_requests_from_the_first_on),
        cmocka_unit_test(test_llmservingsim__equal_tokens_have_equal_ids),
        cmocka_unit_test(test_llmservingsim__mistakes_name_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
