/* What files say of sessions: who waits for whom, and how long; in each of the formats that have it. */
#include "tests/traces/traces_test.h"

enum { MAX = 64, MAX_KEYS = 8 };

struct read {
    struct ts_request requests[MAX];
    struct ts_turn turns[MAX];
    uint64_t waits[MAX][MAX_KEYS];
    size_t n;
    struct ts_trace_counts counts;
    bool tells;
};

static enum ts_status read_text(struct read *out, const char *text, enum ts_trace_turns turns, struct ts_diags *diags)
{
    struct temp_file file;
    struct ts_request_stream *stream = NULL;
    const struct ts_trace_options options = {.turns = turns};
    *out = (struct read){.n = 0};
    write_text(&file, text);
    enum ts_status status = ts_trace_open_as(&stream, file.path, &options, diags);
    int got = status == TS_OK;
    while (status == TS_OK && got) {
        struct ts_request *request = &out->requests[out->n];
        status = ts_request_next(stream, request, &got, diags);
        if (status == TS_OK && got) {
            assert_true(out->n + 1 < MAX);
            if (request->turn) {
                struct ts_turn *turn = &out->turns[out->n];
                *turn = *request->turn;
                assert_true(turn->n_waits <= MAX_KEYS);
                for (uint32_t i = 0; i < turn->n_waits; i++) {
                    out->waits[out->n][i] = turn->waits[i];
                }
            }
            out->n++;
        }
    }
    if (stream) {
        out->counts = ts_trace_counts(stream);
        out->tells = ts_trace_tells_sessions(stream);
    }
    ts_request_stream_destroy(stream);
    remove_file(&file);
    return status;
}

static void read_fine(struct read *out, const char *text, enum ts_trace_turns turns)
{
    assert_int_equal(read_text(out, text, turns, NULL), TS_OK);
}

static const char agentic[] =
    "{\"request_id\":\"root\",\"session_id\":\"s\",\"timestamp\":1000,\"input_length\":100,\"output_length\":10,"
    "\"hash_ids\":[1,2],\"prefix_reset\":true,\"branches\":[\"b\"]}\n"
    "{\"request_id\":\"b\",\"session_id\":\"t\",\"input_length\":60,\"output_length\":5,\"hash_ids\":[7],"
    "\"wait_for\":[\"root\"],\"delay\":2,\"tool_wait_ms\":0}\n"
    "{\"request_id\":\"c\",\"session_id\":\"s\",\"input_length\":200,\"output_length\":5,\"hash_ids\":[1,2,3,4],"
    "\"wait_for\":[\"root\",\"b\"],\"delay\":2,\"tool_wait_ms\":3}\n"
    "{\"request_id\":\"x\",\"session_id\":\"u\",\"timestamp\":4000,\"input_length\":9,\"output_length\":1}\n";

/* Neither the first row, which is dropped for it, nor the second, which waits for that one, has a time. */
static void test_trace_turns__a_row_before_all_times_is_at_the_start(void **state)
{
    (void)state;
    struct read read;
    read_fine(&read,
              "{\"session_id\":\"a\",\"input_length\":50,\"output_length\":5,\"hash_ids\":[1]}\n"
              "{\"session_id\":\"a\",\"delay\":3,\"input_length\":50,\"output_length\":5,\"hash_ids\":[1]}\n"
              "{\"session_id\":\"b\",\"timestamp\":7000,\"input_length\":50,\"output_length\":5,\"hash_ids\":[2]}\n"
              "{\"session_id\":\"b\",\"timestamp\":9000,\"input_length\":50,\"output_length\":5,\"hash_ids\":[2]}\n",
              TS_TRACE_AS_TOLD);
    for (size_t i = 0; i < read.n; i++) {
        assert_true(read.requests[i].arrival_ns >= (i > 0 ? read.requests[i - 1].arrival_ns : 0));
    }
    assert_int_equal(read.requests[read.n - 1].arrival_ns, 2000000000);
}

static void test_trace_turns__agentic_mooncake_waits_for_what_it_names(void **state)
{
    (void)state;
    struct read read;
    read_fine(&read, agentic, TS_TRACE_AS_TOLD);
    assert_int_equal(read.n, 4);
    assert_true(read.tells);
    assert_int_equal(read.turns[0].n_waits, 0);
    assert_int_equal(read.requests[1].arrival_ns, 0); /* it stands where the one before it does */
    assert_int_equal(read.turns[1].n_waits, 1);
    assert_true(read.waits[1][0] == read.turns[0].key && read.turns[0].key != 0);
    assert_int_equal(read.turns[1].delay_ns, 2000000);
    assert_false(read.turns[1].is_tool);
    assert_int_equal(read.turns[2].n_waits, 2);
    assert_true(read.waits[2][0] == read.turns[0].key && read.waits[2][1] == read.turns[1].key);
    assert_int_equal(read.turns[2].delay_ns, 5000000);
    assert_true(read.turns[2].is_tool);
    assert_true(read.turns[2].session == read.turns[0].session && read.turns[1].session != read.turns[0].session);
    assert_int_equal(read.requests[3].arrival_ns, 3000000000);
    assert_int_equal(read.requests[0].prefix.block_tok, 64); /* 100 tokens in 2 ids, 200 in 4 */
}

static void test_trace_turns__as_recorded_nobody_waits(void **state)
{
    (void)state;
    struct read read;
    read_fine(&read, agentic, TS_TRACE_AS_RECORDED);
    assert_int_equal(read.n, 2);
    assert_int_equal(read.counts.drops[TS_TRACE_NO_TIME].n, 2);
    assert_int_equal(read.turns[1].n_waits, 0);
}

static void test_trace_turns__who_waits_for_what_is_not_there_needs_a_time(void **state)
{
    (void)state;
    static const char missing[] =
        "{\"request_id\":\"a\",\"session_id\":\"s\",\"timestamp\":0,\"input_length\":9,\"output_length\":1}\n"
        "{\"request_id\":\"b\",\"session_id\":\"s\",%s\"input_length\":9,\"output_length\":1,\"wait_for\":[\"q\"]}\n";
    char text[400];
    struct read read;
    struct ts_diags diags;
    struct ts_text said;
    ts_diags_init(&diags);
    (void)snprintf(text, sizeof text, missing, "");
    assert_int_equal(read_text(&read, text, TS_TRACE_AS_TOLD, &diags), TS_EINPUT);
    ts_text_init(&said);
    ts_diags_render(&diags, &said);
    assert_non_null(strstr(said.data, ":2: error: wait_for must be the names of requests before it"));
    ts_text_deinit(&said);
    ts_diags_deinit(&diags);
    (void)snprintf(text, sizeof text, missing, "\"timestamp\":5,");
    read_fine(&read, text, TS_TRACE_AS_TOLD);
    assert_int_equal(read.n, 2);
    assert_int_equal(read.turns[1].n_waits, 0);
}

/* aiperf's multi-turn files: a delay after the reply to the turn before. */
static void test_trace_turns__a_delay_is_behind_the_one_before_in_the_session(void **state)
{
    (void)state;
    struct read read;
    read_fine(&read,
              "{\"session_id\":\"a\",\"timestamp\":0,\"input_length\":50,\"output_length\":14}\n"
              "{\"session_id\":\"b\",\"timestamp\":10,\"input_length\":50,\"output_length\":10}\n"
              "{\"session_id\":\"a\",\"delay\":1500,\"input_length\":90,\"output_length\":10}\n",
              TS_TRACE_AS_TOLD);
    assert_int_equal(read.n, 3);
    assert_false(read.turns[0].follows || read.turns[1].follows);
    assert_true(read.turns[2].follows && read.turns[2].session == read.turns[0].session);
    assert_int_equal(read.turns[2].delay_ns, 1500000000);
    assert_int_equal(read.requests[2].arrival_ns, 10000000);
    assert_int_equal(read.requests[0].prefix.n_ids, 4); /* of prompt and reply: 64 tokens */
    assert_true(read.requests[0].prefix.has_reply);
}

static void test_trace_turns__bailian_is_behind_its_parent_and_of_its_session(void **state)
{
    (void)state;
    struct read read;
    read_fine(
        &read,
        "{\"chat_id\":5,\"parent_chat_id\":-1,\"timestamp\":1.0,\"input_length\":40,\"output_length\":2,\"turn\":1}\n"
        "{\"chat_id\":6,\"parent_chat_id\":-1,\"timestamp\":1.5,\"input_length\":40,\"output_length\":2,\"turn\":1}\n"
        "{\"chat_id\":7,\"parent_chat_id\":5,\"timestamp\":9.0,\"input_length\":80,\"output_length\":2,\"turn\":2}\n"
        "{\"chat_id\":8,\"parent_chat_id\":7,\"timestamp\":12.0,\"input_length\":99,\"output_length\":2,\"turn\":3}\n"
        "{\"chat_id\":9,\"parent_chat_id\":3,\"timestamp\":13.0,\"input_length\":99,\"output_length\":2,\"turn\":3}\n",
        TS_TRACE_AS_TOLD);
    assert_int_equal(read.n, 5);
    assert_int_equal(read.turns[0].n_waits + read.turns[1].n_waits, 0);
    assert_true(read.waits[2][0] == read.turns[0].key && read.waits[3][0] == read.turns[2].key);
    assert_true(read.turns[3].session == read.turns[0].session && read.turns[1].session != read.turns[0].session);
    assert_int_equal(read.requests[3].arrival_ns, 11000000000);
    assert_int_equal(read.turns[4].n_waits, 0); /* its parent came before the file */
}

static void test_trace_turns__sub_requests_follow_one_another_and_their_tools(void **state)
{
    (void)state;
    struct read read;
    read_fine(&read,
              "{\"session_id\":\"a\",\"arrival_time_ns\":1000000000,\"sub_requests\":["
              "{\"input_toks\":100,\"output_toks\":10,\"tool_duration_ns\":250000000},"
              "{\"input_toks\":150,\"output_toks\":20,\"tool_duration_ns\":750000000},"
              "{\"input_toks\":220,\"output_toks\":30,\"tool_duration_ns\":0}]}\n"
              "{\"input_toks\":9,\"output_toks\":3,\"arrival_time_ns\":2000000000}\n"
              "{\"session_id\":\"b\",\"arrival_time_ns\":3000000000,\"sub_requests\":["
              "{\"input_toks\":100,\"output_toks\":10,\"tool_duration_ns\":250000000}]}\n",
              TS_TRACE_AS_TOLD);
    assert_int_equal(read.n, 5);
    assert_true(read.tells);
    assert_false(read.turns[0].follows || read.turns[4].follows);
    assert_true(read.turns[1].follows && read.turns[2].follows);
    assert_true(read.turns[1].is_tool);
    assert_int_equal(read.turns[0].delay_ns, 0);
    assert_int_equal(read.turns[1].delay_ns, 250000000);
    assert_int_equal(read.turns[2].delay_ns, 750000000);
    assert_int_equal(read.turns[4].delay_ns, 0);
    assert_int_equal(read.requests[2].arrival_ns, 0);
    assert_null(read.requests[3].turn);
    assert_int_equal(read.requests[4].arrival_ns, 2000000000);
    assert_int_equal(read.requests[1].prefix.n_ids, 10); /* 150 + 20 tokens */
    assert_true(read.requests[1].prefix.block_tok == 16 && read.requests[1].prefix.has_reply);
}

static void test_trace_turns__any_session_may_wait_for_the_reply(void **state)
{
    (void)state;
    static const char text[] = "time,prompt_tokens,completion_tokens,session_id\n0,10,5,a\n1,10,5,b\n2,20,5,a\n";
    struct read read;
    read_fine(&read, text, TS_TRACE_AS_TOLD);
    assert_true(read.tells && !read.turns[2].follows);
    read_fine(&read, text, TS_TRACE_AFTER_REPLY);
    assert_true(read.turns[2].follows && read.turns[2].delay_ns == 0);
    assert_int_equal(read.requests[2].arrival_ns, 2000000000);
    read_fine(&read, "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n", TS_TRACE_AS_TOLD);
    assert_false(read.tells);
    assert_null(read.requests[0].turn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_turns__a_row_before_all_times_is_at_the_start),
        cmocka_unit_test(test_trace_turns__agentic_mooncake_waits_for_what_it_names),
        cmocka_unit_test(test_trace_turns__as_recorded_nobody_waits),
        cmocka_unit_test(test_trace_turns__who_waits_for_what_is_not_there_needs_a_time),
        cmocka_unit_test(test_trace_turns__a_delay_is_behind_the_one_before_in_the_session),
        cmocka_unit_test(test_trace_turns__bailian_is_behind_its_parent_and_of_its_session),
        cmocka_unit_test(test_trace_turns__sub_requests_follow_one_another_and_their_tools),
        cmocka_unit_test(test_trace_turns__any_session_may_wait_for_the_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
