/* What a user reads when a trace cannot be read. */
#include <sys/stat.h>

#include "tests/traces/traces_test.h"

#define HEADER "TIMESTAMP,ContextTokens,GeneratedTokens\n"
#define KNOWN "help: " LISTED
#define LISTED                                                                                                         \
    "say which columns are meant: --map time=COLUMN,in=COLUMN,out=COLUMN (in a scenario: trace: {map: {time: "         \
    "COLUMN, in: COLUMN, out: COLUMN}}); known formats: azure (TIMESTAMP,ContextTokens,GeneratedTokens); burstgpt "    \
    "(Timestamp,Request tokens,Response tokens); qwen-bailian (timestamp,input_length,output_length); ragpulse "       \
    "(timestamp,input_length,output_length); mooncake (timestamp,input_length,output_length); llmservingsim "          \
    "(arrival_time_ns,input_toks,output_toks); vidur (arrived_at,num_prefill_tokens,num_decode_tokens); litellm "      \
    "(startTime,prompt_tokens,completion_tokens); opentelemetry "                                                      \
    "(startTimeUnixNano,gen_ai.usage.input_tokens,gen_ai.usage.output_tokens); anthropic "                             \
    "(timestamp,usage.input_tokens,usage.output_tokens)\n"

/* Opens and reads to the end or the first error. */
static enum ts_status read_path(const char *path, const char *format, struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    ts_diags_init(diags);
    enum ts_status status = open_trace(&stream, path, format, NULL, diags);
    if (status != TS_OK) {
        assert_null(stream);
        return status;
    }
    int got = 1;
    while (status == TS_OK && got) {
        struct ts_request request;
        status = ts_request_next(stream, &request, &got, diags);
    }
    ts_request_stream_destroy(stream);
    return status;
}

static void assert_error_bytes(const char *data, size_t len, const char *format, const char *expected)
{
    struct temp_file file;
    struct ts_diags diags;
    write_bytes(&file, data, len);
    assert_int_equal(read_path(file.path, format, &diags), TS_EINPUT);
    assert_diags(&diags, &file, expected);
    remove_file(&file);
}

static void assert_error(const char *text, const char *expected)
{
    assert_error_bytes(text, strlen(text), NULL, expected);
}

static void test_trace__a_missing_file_is_named(void **state)
{
    (void)state;
    struct ts_diags diags;
    assert_int_equal(read_path("/nonexistent/trace.csv", NULL, &diags), TS_EIO);
    assert_diags(&diags, NULL, "/nonexistent/trace.csv: error: cannot open: No such file or directory\n");
    assert_int_equal(read_path("/nonexistent/trace.csv", "azure", &diags), TS_EIO);
    assert_diags(&diags, NULL, "/nonexistent/trace.csv: error: cannot open: No such file or directory\n");
}

static void test_trace__a_folder_is_no_trace(void **state)
{
    (void)state;
    struct ts_diags diags;
    assert_int_equal(read_path("/tmp", NULL, &diags), TS_EIO);
    assert_diags(&diags, NULL, "/tmp: error: cannot read: it is a folder\n");
}

static void test_trace__a_pipe_is_refused_before_it_is_drained(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_diags diags;
    write_text(&file, "");
    remove_file(&file);
    assert_int_equal(mkfifo(file.path, 0600), 0);
    assert_int_equal(read_path(file.path, NULL, &diags), TS_EIO);
    assert_diags(
        &diags, &file,
        "FILE: error: cannot read: it is not a regular file\n"
        "help: a trace is opened more than once: write it to a file first, or give - and the trace on standard "
        "input\n");
    remove_file(&file);
}

static void test_trace__empty_and_blank_files_are_errors(void **state)
{
    (void)state;
    assert_error("", "FILE: error: the file is empty: a trace begins with a header\n");
    assert_error(" \r\n\n", "FILE: error: the file is blank: a trace begins with a header\n");
}

static void test_trace__a_header_without_rows_is_an_error(void **state)
{
    (void)state;
    assert_error(HEADER, "FILE: error: a trace with a header and no rows\n");
}

static void test_trace__a_trace_of_failures_alone_is_an_error(void **state)
{
    (void)state;
    assert_error(HEADER "2025-01-01 00:00:00,5,0\n2025-01-01 00:00:00,0,5\n",
                 "FILE:2: error: no usable row: all 2 were dropped, this one first: no output tokens\n");
}

static void test_trace__binary_files_are_recognised(void **state)
{
    (void)state;
    assert_error_bytes(
        "\x7f"
        "ELF\0\0\0",
        7, NULL,
        "FILE: error: a binary file, not a trace\nhelp: a trace is a text file, plain or compressed with gzip\n");
    assert_error_bytes(
        "PAR1\x15\x04", 6, NULL,
        "FILE: error: a binary file, not a trace\nhelp: it is a Parquet file: convert it to CSV first\n");
    assert_error_bytes("PK\x03\x04", 4, NULL,
                       "FILE: error: a binary file, not a trace\nhelp: it is a zip archive: unpack it first; if it is "
                       "a spreadsheet (.xlsx, .ods), open it and save it as CSV\n");
    assert_error_bytes("\xff\xfeT\0I\0", 6, NULL,
                       "FILE: error: a binary file, not a trace\n"
                       "help: it is text in UTF-16; convert it with: iconv -f UTF-16 -t UTF-8\n");
}

static void test_trace__a_binary_byte_further_on_is_found_too(void **state)
{
    (void)state;
    char text[8192];
    size_t len = strlen(HEADER);
    memcpy(text, HEADER, len);
    while (len < 8000) {
        memcpy(text + len, "2025-01-01 00:00:00,5,5\n", 24);
        len += 24;
    }
    text[len - 2] = '\0';
    struct temp_file file;
    struct ts_diags diags;
    write_bytes(&file, text, len);
    assert_int_equal(read_path(file.path, NULL, &diags), TS_EINPUT);
    assert_string_equal(diags.items[0].message, "a NUL byte: this is not a text file");
    assert_int_equal(diags.items[0].line, 333);
    ts_diags_deinit(&diags);
    remove_file(&file);
}

static void test_trace__an_unknown_header_lists_the_formats(void **state)
{
    (void)state;
    assert_error("a,b,c\n1,2,3\n", "FILE:1: error: no known trace format has the header 'a,b,c'\n" KNOWN);
    assert_error(
        "\n{\"timestamp\": 1}\n",
        "FILE:2: error: no known trace format has the header '{\"timestamp\": 1}'\nhelp: 'timestamp' is the time; no "
        "column is known for the prompt's tokens and the reply's tokens; " LISTED);
    assert_error("0123456789012345678901234567890123456789012345678901234567890123456789\n",
                 "FILE:1: error: no known trace format has the header "
                 "'012345678901234567890123456789012345678901234567890123456789...'\n" KNOWN);
}

static void test_trace__an_unknown_format_name_lists_the_formats(void **state)
{
    (void)state;
    assert_error_bytes(HEADER, strlen(HEADER), "azur", "error: no trace format is named 'azur'\n" KNOWN);
}

static void test_trace__a_forced_format_names_each_missing_column(void **state)
{
    (void)state;
    static const char text[] = "timestamp,ContextToken,x\n";
    assert_error_bytes(
        text, strlen(text), "azure",
        "FILE:1: error: the header has no column 'ContextTokens'\nhelp: did you mean 'ContextToken'?\n"
        "FILE:1: error: the header has no column 'GeneratedTokens'\nhelp: there are: timestamp, ContextToken, x\n");
}

static void test_trace__a_row_that_is_cut_off_is_an_error(void **state)
{
    (void)state;
    assert_error(HEADER "2025-01-01 00:00:00,5,5\n2025-01-01 00:0",
                 "FILE:3:16: error: 1 field, but the header has 3: is the row cut off?\n");
}

static void test_trace__a_malformed_number_is_shown_with_a_caret(void **state)
{
    (void)state;
    assert_error(HEADER "2025-01-01 00:00:00,5,5\r\n2025-01-01 00:00:01,12x,5\r\n",
                 "FILE:3:21: error: ContextTokens must be a whole number of tokens, not '12x'\n"
                 "    3 | 2025-01-01 00:00:01,12x,5\n"
                 "      |                     ^~~\n");
    assert_error(HEADER "2025-01-01 00:00:00,5,-5\n",
                 "FILE:2:23: error: GeneratedTokens must be a whole number of tokens, not '-5'\n"
                 "    2 | 2025-01-01 00:00:00,5,-5\n"
                 "      |                       ^~\n");
}

static void test_trace__all_that_is_wrong_with_a_row_is_said_at_once(void **state)
{
    (void)state;
    assert_error(HEADER "yesterday,many,1.5\n",
                 "FILE:2:1: error: TIMESTAMP must be a time like 2023-11-16 18:15:46.68, 2024-05-10T00:00:00+00:00, "
                 "1700158546.68 or 12.5, not 'yesterday'\n"
                 "    2 | yesterday,many,1.5\n"
                 "      | ^~~~~~~~~\n"
                 "FILE:2:11: error: ContextTokens must be a whole number of tokens, not 'many'\n"
                 "    2 | yesterday,many,1.5\n"
                 "      |           ^~~~\n"
                 "FILE:2:16: error: GeneratedTokens must be a whole number of tokens, not '1.5'\n"
                 "    2 | yesterday,many,1.5\n"
                 "      |                ^~~\n");
}

static void test_trace__absurd_token_counts_are_errors(void **state)
{
    (void)state;
    assert_error(HEADER "2025-01-01 00:00:00,10000000,5\n2025-01-01 00:00:00,10000001,5\n",
                 "FILE:3:21: error: ContextTokens must be at most 10,000,000 tokens, not '10000001'\n"
                 "    3 | 2025-01-01 00:00:00,10000001,5\n"
                 "      |                     ^~~~~~~~\n"
                 "help: a request this large is an error in the file: is this the right column?\n");
    assert_error(
        HEADER "2025-01-01 00:00:00,5,99999999999999999999999999\n",
        "FILE:2:23: error: GeneratedTokens must be at most 10,000,000 tokens, not '99999999999999999999999999'\n"
        "    2 | 2025-01-01 00:00:00,5,99999999999999999999999999\n"
        "      |                       ^~~~~~~~~~~~~~~~~~~~~~~~~~\n"
        "help: a request this large is an error in the file: is this the right column?\n");
}

/* More rows than are looked at before the first is handed out, then one that is earlier: who cannot open the file again
 * with `sorts` is told where. */
static void test_trace__time_going_backwards_late_in_a_long_file_is_an_error(void **state)
{
    (void)state;
    enum { ROW_BYTES = 24 };
    char *text = malloc(sizeof HEADER + (TS_TRACE_MAX_PEEKED + 2) * ROW_BYTES);
    assert_non_null(text);
    char *at = text + sprintf(text, HEADER);
    for (int i = 0; i < TS_TRACE_MAX_PEEKED; i++) {
        at += sprintf(at, "2025-01-01 00:00:10,5,5\n");
    }
    (void)sprintf(at, "2025-01-01 00:00:07.5,5,5\n");
    assert_error(text, "FILE:8194:1: error: time goes backwards by 2.5 s\n"
                       " 8194 | 2025-01-01 00:00:07.5,5,5\n"
                       "      | ^~~~~~~~~~~~~~~~~~~~~\n"
                       "help: sort the file by its times\n");
    free(text);
}

static void test_trace__a_quoted_row_is_an_error_without_a_caret(void **state)
{
    (void)state;
    assert_error(HEADER "\"2025-01-01 00:00:00\",x,5\n",
                 "FILE:2:23: error: ContextTokens must be a whole number of tokens, not 'x'\n");
}

static void test_trace__after_an_error_the_stream_stays_in_error(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    int got = 1;
    write_text(&file, HEADER "2025-01-01 00:00:00,x,5\n2025-01-01 00:00:00,5,5\n");
    assert_int_equal(open_trace(&stream, file.path, NULL, NULL, NULL), TS_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_EINPUT);
        assert_int_equal(got, 0);
    }
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

static void test_trace__a_damaged_gzip_file_is_an_error(void **state)
{
    (void)state;
    static const char data[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff\xff";
    struct temp_file file;
    struct ts_diags diags;
    write_bytes(&file, data, sizeof data - 1);
    assert_int_equal(read_path(file.path, NULL, &diags), TS_EINPUT);
    assert_non_null(strstr(diags.items[0].message, "cannot decompress: "));
    assert_string_equal(diags.items[0].hint, "the gzip file is damaged or incomplete; fetch it again");
    ts_diags_deinit(&diags);
    remove_file(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace__a_missing_file_is_named),
        cmocka_unit_test(test_trace__a_folder_is_no_trace),
        cmocka_unit_test(test_trace__a_pipe_is_refused_before_it_is_drained),
        cmocka_unit_test(test_trace__empty_and_blank_files_are_errors),
        cmocka_unit_test(test_trace__a_header_without_rows_is_an_error),
        cmocka_unit_test(test_trace__a_trace_of_failures_alone_is_an_error),
        cmocka_unit_test(test_trace__binary_files_are_recognised),
        cmocka_unit_test(test_trace__a_binary_byte_further_on_is_found_too),
        cmocka_unit_test(test_trace__an_unknown_header_lists_the_formats),
        cmocka_unit_test(test_trace__an_unknown_format_name_lists_the_formats),
        cmocka_unit_test(test_trace__a_forced_format_names_each_missing_column),
        cmocka_unit_test(test_trace__a_row_that_is_cut_off_is_an_error),
        cmocka_unit_test(test_trace__a_malformed_number_is_shown_with_a_caret),
        cmocka_unit_test(test_trace__all_that_is_wrong_with_a_row_is_said_at_once),
        cmocka_unit_test(test_trace__absurd_token_counts_are_errors),
        cmocka_unit_test(test_trace__time_going_backwards_late_in_a_long_file_is_an_error),
        cmocka_unit_test(test_trace__a_quoted_row_is_an_error_without_a_caret),
        cmocka_unit_test(test_trace__after_an_error_the_stream_stays_in_error),
        cmocka_unit_test(test_trace__a_damaged_gzip_file_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
