/* Exports as gateways, tracing systems and spreadsheets write them: the same few calls in each, with the figures that
 * are right for it. What a row is made of is in the text beside it. */
#include "tests/traces/traces_test.h"

struct seen {
    struct ts_trace_counts counts;
    int64_t last_ns;
    uint64_t prompt_tok, output_tok, n_ids;
};

static enum ts_status read_text(struct seen *out, const char *text, const char *map_text, struct ts_diags *diags)
{
    char words[256];
    struct temp_file file;
    struct ts_trace_map map;
    struct ts_trace_options options = {.format = NULL};
    struct ts_request_stream *stream = NULL;
    *out = (struct seen){.last_ns = 0};
    if (map_text) {
        assert_int_equal(ts_trace_map_parse(&map, words, map_text, NULL), TS_OK);
        options.map = &map;
    }
    write_text(&file, text);
    enum ts_status status = ts_trace_open_as(&stream, file.path, &options, diags);
    for (int got = status == TS_OK; status == TS_OK && got;) {
        struct ts_request request;
        status = ts_request_next(stream, &request, &got, diags);
        if (status == TS_OK && got) {
            out->last_ns = request.arrival_ns;
            out->prompt_tok += request.prompt_tok;
            out->output_tok += request.output_tok;
            out->n_ids += request.prefix.n_ids;
        }
    }
    if (stream) {
        out->counts = ts_trace_counts(stream);
    }
    ts_request_stream_destroy(stream);
    remove_file(&file);
    return status;
}

static void test_trace_exports__each_gives_its_figures(void **state)
{
    (void)state;
    static const struct {
        const char *what, *text, *map;
        uint64_t n_rows, n_kept;
        double last_s;
        uint64_t prompt_tok, output_tok, n_ids;
    } rows[] = {
        {"a line for Excel, rows with a separator at their end, years of two digits",
         "sep=;\nTimestamp;Prompt Tokens;Completion Tokens\n14.03.26 08:00:00;1.200;10;\n14.03.26 08:00:02;300;20;\n",
         NULL, 2, 2, 2.0, 1500, 30, 0},
        {"a title and a comment", "Usage,,\n# by ops,,\ntimestamp,input_tokens,output_tokens\n10,5,6\n12,7,8\n", NULL,
         2, 2, 2.0, 12, 14, 0},
        {"units after the names", "Start Time [ms],Prompt Tokens (tok),Completion Tokens [count]\n500,5,6\n1500,7,8\n",
         NULL, 2, 2, 1.0, 12, 14, 0},
        {"units in camel case", "startTimeMs,promptTokens,completionTokens\n500,5,6\n1500,7,8\n",
         "time=startTimeMs,in=promptTokens,out=completionTokens", 2, 2, 1.0, 12, 14, 0},
        {"the unit of a key of JSON",
         "{\"arrival_time_ns\": 0, \"isl\": 5, \"osl\": 6}\n{\"arrival_time_ns\": 1000000, \"isl\": 7, \"osl\": 8}\n",
         NULL, 2, 2, 0.001, 12, 14, 0},
        {"spans that were made flat",
         "start_time,attributes.llm.token_count.prompt,attributes.llm.token_count.completion,status_code\n"
         "2026-03-03T08:00:00Z,5.0,6.0,OK\n2026-03-03T08:00:01Z,7.0,8.0,ERROR\n",
         NULL, 2, 1, 0.0, 5, 6, 0},
        {"spans out of ClickHouse",
         "Timestamp,SpanAttributes['gen_ai.usage.input_tokens'],SpanAttributes['gen_ai.usage.output_tokens']\n"
         "2026-03-03 08:00:00.000000001,5,6\n2026-03-03 08:00:00.000000003,7,8\n",
         NULL, 2, 2, 2e-9, 12, 14, 0},
        {"blocks in the cells of a CSV",
         "timestamp,input_length,output_length,hash_ids\n0,1000,5,\"[1, 2]\"\n3000,1000,6,\"[1, 3]\"\n", NULL, 2, 2,
         3.0, 2000, 11, 4},
        {"LiteLLM: what is null first, and the state in the metadata of a CSV",
         "startTime,prompt_tokens,completion_tokens,spend,metadata\n"
         "2026-03-03 08:00:00,5,6,0.1,\"{\"\"status\"\": \"\"success\"\", \"\"usage_object\"\": "
         "{\"\"prompt_tokens_details\"\": {\"\"cached_tokens\"\": 4}}}\"\n"
         "2026-03-03 08:00:01,7,8,0.1,\"{\"\"status\"\": \"\"failure\"\"}\"\n",
         NULL, 2, 1, 0.0, 5, 6, 0},
        {"LiteLLM: a hit that is null in the first record",
         "{\"startTime\": 10, \"prompt_tokens\": 5, \"completion_tokens\": 6, \"spend\": 1, \"cache_hit\": null}\n"
         "{\"startTime\": 11, \"prompt_tokens\": 7, \"completion_tokens\": 8, \"spend\": 1, \"cache_hit\": true}\n",
         NULL, 2, 1, 0.0, 5, 6, 0},
        {"Anthropic counts what the cache read and wrote beside the prompt",
         "{\"timestamp\": 1, \"message\": {\"usage\": {\"input_tokens\": 3, \"cache_creation_input_tokens\": 40, "
         "\"cache_read_input_tokens\": 160, \"output_tokens\": 7}}}\n",
         NULL, 1, 1, 0.0, 203, 7, 10},
        {"Gemini counts thoughts beside the reply",
         "{\"createTime\": \"2026-03-03T08:00:00Z\", \"usageMetadata\": {\"promptTokenCount\": 5, "
         "\"candidatesTokenCount\": 6, \"thoughtsTokenCount\": 100}}\n",
         NULL, 1, 1, 0.0, 5, 106, 0},
        {"an answer of Elasticsearch",
         "{\"took\": 3, \"hits\": {\"total\": 1, \"hits\": [{\"_source\": {\"@timestamp\": 10, \"prompt_tokens\": 5, "
         "\"completion_tokens\": 6}}]}}",
         NULL, 1, 1, 0.0, 5, 6, 0},
        {"extended JSON of MongoDB",
         "{\"ts\": {\"$date\": {\"$numberLong\": \"1772524800000\"}}, \"prompt_tokens\": {\"$numberInt\": \"5\"}, "
         "\"completion_tokens\": 6}\n",
         NULL, 1, 1, 0.0, 5, 6, 0},
        {"files put together, with the header of each", "time,in,out\n10,5,6\ntime,in,out\n12,7,8\n", NULL, 3, 2, 2.0,
         12, 14, 0},
        {"items of an array, a line each",
         "{\"t\": 1, \"in\": 5, \"out\": 6},\n{\"t\": 2, \"in\": \"1,007\", \"out\": 8},\n", NULL, 2, 2, 1.0, 1012, 14,
         0},
        {"a time that is none, as programs write it",
         "time,in,out\n2026-03-03T08:00:00Z,5,6\n0001-01-01T00:00:00Z,7,8\n", NULL, 2, 1, 0.0, 5, 6, 0},
        {"a value within the cells of a column, by a map",
         "when,usage\n10,\"{\"\"in\"\": 5, \"\"out\"\": 6}\"\n11,\"{\"\"in\"\": 7, \"\"out\"\": 8}\"\n",
         "time=when,in=usage.in,out=usage.out", 2, 2, 1.0, 12, 14, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seen seen;
        print_message("%s\n", rows[i].what);
        assert_int_equal(read_text(&seen, rows[i].text, rows[i].map, NULL), TS_OK);
        assert_int_equal(seen.counts.n_rows, rows[i].n_rows);
        assert_int_equal(seen.counts.n_kept, rows[i].n_kept);
        assert_int_equal(seen.last_ns, llround(rows[i].last_s * 1e9));
        assert_int_equal(seen.prompt_tok, rows[i].prompt_tok);
        assert_int_equal(seen.output_tok, rows[i].output_tok);
        assert_int_equal(seen.n_ids, rows[i].n_ids);
    }
}

static void test_trace_exports__times_as_they_are_written(void **state)
{
    (void)state;
    static const struct {
        const char *time;
        int64_t ns; /* since 2026-03-03 08:00:00 UTC; INT64_MIN: it is none */
    } rows[] = {
        {"2026-03-03T10:00:00+02:00[Europe/Berlin]", 0},
        {"2026-03-03 03:00:01 EST", 1000000000},
        {"2026-03-03 09:00:00.25 CET", 250000000},
        {"2026-03-03 09:00:00 BST", INT64_MIN},
        {"20260303080002", 2000000000},
        {"Tue Mar  3 08:00:03 2026", 3000000000},
        {"Tue Mar 03 08:00:03 UTC 2026", 3000000000},
        {"1.772524804e9", 4000000000},
        {"1772524803.25", 3250000000},
        {"08:00:00", INT64_MIN},
        {"3/14/26 8:00", 11 * INT64_C(86400000000000)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];
        struct seen seen;
        print_message("%s\n", rows[i].time);
        (void)snprintf(text, sizeof text, "time,in,out\n%s,5,6\n", rows[i].time);
        const enum ts_status status = read_text(&seen, text, NULL, NULL);
        assert_int_equal(status, rows[i].ns == INT64_MIN ? TS_EINPUT : TS_OK);
        if (status == TS_OK) {
            assert_int_equal(seen.counts.first_ns - INT64_C(1772524800000000000), rows[i].ns);
        }
    }
}

/* Whole minutes are told, seconds are not; and lines before the header. */
static void test_trace_exports__what_is_odd_is_told(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(
        read_text(&seen, "time,in,out\n2026-03-03 08:00,5,6\n2026-03-03 08:00,5,6\n2026-03-03 08:07,5,6\n", NULL, NULL),
        TS_OK);
    assert_int_equal(seen.counts.tick_ns, 60000000000);
    assert_int_equal(read_text(&seen, "time,in,out\n2026-03-03,5,6\n2026-03-03,5,6\n2026-03-04,5,6\n", NULL, NULL),
                     TS_OK);
    assert_int_equal(seen.counts.tick_ns, 86400000000000);
    assert_int_equal(read_text(&seen,
                               "a title\ntime,in,out\n2026-03-03 08:00:01,5,6\n2026-03-03 08:01,5,6\n"
                               "2026-03-03 08:02,5,6\n",
                               NULL, NULL),
                     TS_OK);
    assert_int_equal(seen.counts.tick_ns, 0);
    assert_int_equal(seen.counts.header_line, 2);
}

static void assert_told(const char *text, const char *expected)
{
    struct seen seen;
    struct ts_diags diags;
    struct ts_text said;
    ts_diags_init(&diags);
    ts_text_init(&said);
    assert_int_equal(read_text(&seen, text, NULL, &diags), TS_EINPUT);
    ts_diags_render(&diags, &said);
    if (!strstr(said.data, expected)) {
        fail_msg("'%s' is not in: %s", expected, said.data);
    }
    ts_text_deinit(&said);
    ts_diags_deinit(&diags);
}

static void test_trace_exports__what_cannot_be_read_says_what_to_do(void **state)
{
    (void)state;
    assert_told("time,in,out\n08:00:00,5,6\n", "time=DAY,clock=TIME");
    assert_told("time,in,out\n3/4/2026 8:00,5,6\n", "unit=dmy or unit=mdy");
    assert_told("time,in,out\n2026-03-03 09:00:00 BST,5,6\n", "write the zone as an offset");
    assert_told(
        "when,prompt_tokens,completion_tokens\n1,2,3\n",
        "'prompt_tokens' is the prompt's tokens, 'completion_tokens' is the reply's tokens; no column is known for "
        "the time");
    assert_told("[]", "a trace without a row");
    assert_told("{'time': 1, 'in': 5, 'out': 6}\n", "what Python prints is no JSON");
    assert_told("{\"timestamp\": [1, 2], \"prompt_tokens\": [3, 4], \"completion_tokens\": [5, 6]}",
                "are the columns side by side");
    assert_told("timestamp,input_length,output_length,hash_ids\n0,1000,5,46 47\n", "hash_ids must be an array");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_exports__each_gives_its_figures),
        cmocka_unit_test(test_trace_exports__times_as_they_are_written),
        cmocka_unit_test(test_trace_exports__what_is_odd_is_told),
        cmocka_unit_test(test_trace_exports__what_cannot_be_read_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
