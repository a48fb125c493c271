/* The Azure formats: their clock, their line ends, what is dropped. */
#include <zlib.h>

#include "tests/traces/traces_test.h"
#include "traces/trace_format.h"

#define HEADER "TIMESTAMP,ContextTokens,GeneratedTokens"

static int64_t time_of(const char *text)
{
    int64_t ns = -1;
    assert_true(ts_trace_azure_time(&ns, text, strlen(text)));
    return ns;
}

/* Expected seconds from `date -u -d ... +%s`. */
static void test_azure_time__agrees_with_the_calendar(void **state)
{
    (void)state;
    assert_int_equal(time_of("1970-01-01 00:00:00"), 0);
    assert_int_equal(time_of("2023-11-16 18:15:46.6805900"), 1700158546680590000);
    assert_int_equal(time_of("2024-05-10 00:00:00.009930+00:00"), 1715299200009930000);
    assert_int_equal(time_of("2024-02-29 23:59:59"), 1709251199000000000);
    assert_int_equal(time_of("2024-03-01 00:00:00"), 1709251200000000000);
    assert_int_equal(time_of("2000-03-01 00:00:00"), 951868800000000000);
    assert_int_equal(time_of("2100-03-01 00:00:00"), 4107542400000000000);
    assert_int_equal(time_of("2199-12-31 23:59:59"), 7258118399000000000);
}

static void test_azure_time__zones_are_converted_to_utc(void **state)
{
    (void)state;
    int64_t utc = time_of("2024-01-01 00:30:00");
    assert_int_equal(time_of("2024-01-01T00:30:00Z"), utc);
    assert_int_equal(time_of("2024-01-01 02:30:00+02:00"), utc);
    assert_int_equal(time_of("2023-12-31 20:00:00-04:30"), utc);
}

static void test_azure_time__digits_beyond_a_nanosecond_are_dropped(void **state)
{
    (void)state;
    assert_int_equal(time_of("1970-01-01 00:00:00.1"), 100000000);
    assert_int_equal(time_of("1970-01-01 00:00:00.123456789"), 123456789);
    assert_int_equal(time_of("1970-01-01 00:00:00.1234567899"), 123456789);
}

static void test_azure_time__anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "2023-11-16",
        "2023-11-16 18:15",
        "2023-11-16 18:15:4",
        "2023-11-16 24:00:00",
        "2023-11-16 18:60:00",
        "2023-11-16 18:15:60",
        "2023-02-29 00:00:00",
        "2100-02-29 00:00:00",
        "2023-04-31 00:00:00",
        "2023-00-01 00:00:00",
        "2023-13-01 00:00:00",
        "2023-01-00 00:00:00",
        "1969-12-31 23:59:59",
        "2200-01-01 00:00:00",
        "2023-11-16 18:15:46.",
        "2023-11-16 18:15:46.x",
        "2023-11-16 18:15:46+",
        "2023-11-16 18:15:46+0100",
        "2023-11-16 18:15:46+15:00",
        "2023-11-16 18:15:46+01:60",
        "2023-11-16 18:15:46Z ",
        "2023-11-16  18:15:46",
        "16.11.2023 18:15:46",
        "1700158546",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t ns = 77;
        if (ts_trace_azure_time(&ns, wrong[i], strlen(wrong[i])) || ns != 77) {
            fail_msg("'%s' was taken for a time", wrong[i]);
        }
    }
}

static size_t read_file(const struct temp_file *file, const char *format, struct ts_request *out, size_t max,
                        struct ts_trace_counts *counts)
{
    struct ts_request_stream *stream = NULL;
    assert_int_equal(open_trace(&stream, file->path, format, NULL, NULL), TS_OK);
    size_t n = read_all(stream, out, max);
    *counts = ts_trace_counts(stream);
    ts_request_stream_destroy(stream);
    return n;
}

/* Writes, reads, removes. */
static size_t read_text(const char *text, struct ts_request *out, size_t max, struct ts_trace_counts *counts)
{
    struct temp_file file;
    write_text(&file, text);
    size_t n = read_file(&file, NULL, out, max, counts);
    remove_file(&file);
    return n;
}

static void test_azure__crlf_seven_digits_and_no_final_newline(void **state)
{
    (void)state;
    struct ts_request read[3];
    struct ts_trace_counts counts;
    size_t n = read_text(HEADER "\r\n2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109", read,
                         3, &counts);
    assert_int_equal(n, 2);
    assert_int_equal(read[0].id, 0);
    assert_int_equal(read[0].arrival_ns, 0);
    assert_int_equal(read[0].prompt_tok, 374);
    assert_int_equal(read[0].output_tok, 44);
    assert_int_equal(read[1].id, 1);
    assert_int_equal(read[1].arrival_ns, 4314579000);
    assert_int_equal(read[1].prompt_tok, 396);
    assert_int_equal(read[1].output_tok, 109);
    assert_int_equal(counts.n_rows, 2);
    assert_int_equal(counts.n_kept, 2);
    assert_int_equal(counts.n_dropped, 0);
    assert_null(counts.drop_reason);
}

static void test_azure__time_runs_across_midnight_month_and_year(void **state)
{
    (void)state;
    struct ts_request read[4];
    struct ts_trace_counts counts;
    size_t n = read_text(HEADER "\n2023-12-31 23:59:59.500000+00:00,1,1\n2024-01-01 00:00:00+00:00,1,1\n"
                                "2024-02-28 23:59:59+00:00,1,1\n2024-03-01 00:00:00+00:00,1,1\n",
                         read, 4, &counts);
    assert_int_equal(n, 4);
    assert_int_equal(read[1].arrival_ns, 500000000);
    assert_int_equal(read[2].arrival_ns - read[1].arrival_ns, 59LL * 86400 * 1000000000 - 1000000000);
    assert_int_equal(read[3].arrival_ns - read[2].arrival_ns, 86401LL * 1000000000);
}

static void test_azure__columns_are_found_by_name(void **state)
{
    (void)state;
    struct ts_request read[1];
    struct ts_trace_counts counts;
    size_t n =
        read_text("\xef\xbb\xbf\"GeneratedTokens\",NumImages,TIMESTAMP,ContextTokens\n7,3,2025-01-01 00:00:00,9\n",
                  read, 1, &counts);
    assert_int_equal(n, 1);
    assert_int_equal(read[0].prompt_tok, 9);
    assert_int_equal(read[0].output_tok, 7);
}

static void test_azure__rows_without_tokens_are_dropped_and_counted(void **state)
{
    (void)state;
    struct ts_request read[2];
    struct ts_trace_counts counts;
    size_t n = read_text(HEADER "\n2025-01-01 00:00:00,5,5\n2025-01-01 00:00:01,5,0\n\n2025-01-01 00:00:02,0,5\n"
                                "2025-01-01 00:00:03,0,0\n2025-01-01 00:00:04,6,6\n",
                         read, 2, &counts);
    assert_int_equal(n, 2);
    assert_int_equal(read[1].id, 1);
    assert_int_equal(read[1].arrival_ns, 4000000000);
    assert_int_equal(counts.n_rows, 5);
    assert_int_equal(counts.n_kept, 2);
    assert_int_equal(counts.n_dropped, 3);
    assert_string_equal(counts.drop_reason, "no output tokens");
    assert_int_equal(counts.drop_line, 3);
}

static void test_azure__arrivals_are_relative_to_the_first_row_even_if_it_is_dropped(void **state)
{
    (void)state;
    struct ts_request read[1];
    struct ts_trace_counts counts;
    assert_int_equal(read_text(HEADER "\n2025-01-01 00:00:00,0,5\n2025-01-01 00:00:01,5,5\n", read, 1, &counts), 1);
    assert_int_equal(read[0].id, 0);
    assert_int_equal(read[0].arrival_ns, 1000000000);
    assert_string_equal(counts.drop_reason, "no prompt tokens");
}

static void test_azure__gzip_is_read_as_it_is(void **state)
{
    (void)state;
    struct temp_file file;
    write_text(&file, "");
    gzFile gz = gzopen(file.path, "wb");
    assert_true(gzputs(gz, HEADER "\n2025-01-01 00:00:00,5,6\n") > 0);
    assert_int_equal(gzclose(gz), Z_OK);
    struct ts_request read[1];
    struct ts_trace_counts counts;
    assert_int_equal(read_file(&file, "auto", read, 1, &counts), 1);
    assert_int_equal(read[0].output_tok, 6);
    remove_file(&file);
}

static void test_trace__every_format_name_opens_a_file_of_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } samples[] = {
        {"azure", HEADER "\n2025-01-01 00:00:00,5,6\n"},
        {"burstgpt", "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,GPT-4,5,6,11,API log\n"},
        {"qwen-bailian", "{\"parent_chat_id\": -1, \"timestamp\": 0, \"input_length\": 5, \"output_length\": 6}\n"},
        {"ragpulse",
         "{\"timestamp\": \"0\", \"input_length\": 5, \"output_length\": 6, \"hash_ids\": {\"sys_prompt\": []}}\n"},
        {"mooncake", "{\"timestamp\": 0, \"input_length\": 5, \"output_length\": 6}\n"},
        {"llmservingsim", "{\"arrival_time_ns\": 0, \"input_toks\": 5, \"output_toks\": 6}\n"},
        {"vidur", "arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,5,6\n"},
        {"litellm", "{\"startTime\": \"2026-03-02 08:00:00.5\", \"prompt_tokens\": 5, \"completion_tokens\": 6, "
                    "\"spend\": 0.1}\n"},
        {"opentelemetry",
         "{\"start_time\": \"2026-03-02T08:00:00Z\", \"attributes\": {\"gen_ai.usage.input_tokens\": 5, "
         "\"gen_ai.usage.output_tokens\": 6}}\n"},
        {"anthropic", "{\"timestamp\": 0, \"usage\": {\"input_tokens\": 2, \"cache_read_input_tokens\": 3, "
                      "\"output_tokens\": 6}}\n"},
        {"mapped", "time;in;out\n0,5;5;6\n"},
    };
    const size_t n = sizeof samples / sizeof samples[0];
    const char *const *names = ts_trace_format_names();
    for (size_t i = 0; i < n; i++) {
        struct temp_file file;
        struct ts_request read[1];
        struct ts_trace_counts counts;
        assert_string_equal(names[i], samples[i].name);
        write_text(&file, samples[i].text);
        assert_int_equal(read_file(&file, names[i], read, 1, &counts), 1);
        assert_int_equal(read_file(&file, NULL, read, 1, &counts), 1);
        remove_file(&file);
    }
    assert_null(names[n]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_azure_time__agrees_with_the_calendar),
        cmocka_unit_test(test_azure_time__zones_are_converted_to_utc),
        cmocka_unit_test(test_azure_time__digits_beyond_a_nanosecond_are_dropped),
        cmocka_unit_test(test_azure_time__anything_else_is_refused),
        cmocka_unit_test(test_azure__crlf_seven_digits_and_no_final_newline),
        cmocka_unit_test(test_azure__time_runs_across_midnight_month_and_year),
        cmocka_unit_test(test_azure__columns_are_found_by_name),
        cmocka_unit_test(test_azure__rows_without_tokens_are_dropped_and_counted),
        cmocka_unit_test(test_azure__arrivals_are_relative_to_the_first_row_even_if_it_is_dropped),
        cmocka_unit_test(test_azure__gzip_is_read_as_it_is),
        cmocka_unit_test(test_trace__every_format_name_opens_a_file_of_its_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
