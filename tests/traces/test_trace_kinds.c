/* Every kind of file that people have: what is read, what is dropped and why, what is told. The files in samples/ are
 * made up; the expected figures are counted by hand. */
#include "tests/traces/traces_test.h"

#define SAMPLES TS_SOURCE_DIR "/tests/traces/samples/"

struct sum {
    struct ts_trace_counts counts;
    int64_t last_ns, prompt_tok, output_tok;
    struct ts_text told;
};

/* All of a file. */
static enum ts_status read_as(struct sum *out, const char *path, struct ts_trace_options *options,
                              struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    *out = (struct sum){.last_ns = 0};
    ts_text_init(&out->told);
    enum ts_status status = ts_trace_open_as(&stream, path, options, diags);
    for (int got = status == TS_OK; status == TS_OK && got;) {
        struct ts_request request;
        status = ts_request_next(stream, &request, &got, diags);
        if (status == TS_OK && got) {
            assert_true(request.arrival_ns >= out->last_ns);
            out->last_ns = request.arrival_ns;
            out->prompt_tok += request.prompt_tok;
            out->output_tok += request.output_tok;
        }
    }
    if (stream) {
        out->counts = ts_trace_counts(stream);
        ts_trace_tell(&out->told, stream);
        assert_int_equal(out->counts.n_rows, out->counts.n_kept + out->counts.n_dropped);
    }
    ts_request_stream_destroy(stream);
    return status;
}

static enum ts_status read_mapped(struct sum *out, const char *path, const char *map_text, struct ts_diags *diags)
{
    char text[256];
    struct ts_trace_map map;
    struct ts_trace_options options = {.format = NULL};
    if (map_text) {
        assert_int_equal(ts_trace_map_parse(&map, text, map_text, NULL), TS_OK);
        options.map = &map;
    }
    return read_as(out, path, &options, diags);
}

static void test_trace_kinds__each_sample_gives_its_figures(void **state)
{
    (void)state;
    static const struct {
        const char *file, *map, *format;
        uint64_t n_rows, n_kept;
        double last_s;
        int64_t prompt_tok, output_tok;
        const char *drops, *unused;
    } rows[] = {
        {"semicolons-german-dates.csv", NULL, "mapped", 2, 2, 1.5, 2000, 200, "", "dept, note"},
        {"tabs-epoch-ms.csv", NULL, "mapped", 2, 2, 1.0, 300, 30, "", "temperature"},
        {"not-quite-json.jsonl", NULL, "mapped", 2, 2, 0.0, 25, 6, "", "x, id, inf"},
        {"litellm.json", NULL, "litellm", 3, 1, 0.0, 100, 20,
         "1 it failed, by its status (line 3), 1 answered from the gateway's cache (line 4)",
         "completionStartTime, endTime, spend, model, metadata"},
        {"litellm.csv", NULL, "litellm", 3, 2, 8.5, 2400, 100, "1 it failed, by its status (line 4)",
         "request_id, call_type, endTime, completionStartTime, model, spend"},
        {"otlp-export.json", NULL, "opentelemetry", 4, 1, 0.5, 321, 45,
         "1 no prompt tokens (line 1), 1 it failed, by its status (line 1), 1 no call of a model (line 1)",
         "traceId, spanId, name, endTimeUnixNano"},
        {"otel-console.json", NULL, "opentelemetry", 2, 2, 1.0, 21, 11, "", "name, context, gen_ai.request.model"},
        {"spreadsheet-dates.csv", "time=Zeit,in=Eingabe,out=Ausgabe", "mapped", 2, 2, 86.4, 1500, 200, "", ""},
        {"us-dates.csv", NULL, "mapped", 2, 2, 12.0 * 86400.0 - 11.0 * 3600.0 - 55.0 * 60.0, 20, 40, "", ""},
        {"burstgpt-v2.csv", NULL, "burstgpt", 2, 2, 40.0, 1559, 248, "", "Elapsed time, Model, Total tokens, Log Type"},
        {"autumn-hour.csv", NULL, "azure", 3, 3, 1860.0, 3, 3, "", ""},
        {"mooncake-sessions.jsonl", NULL, "mooncake", 2, 2, 0.0, 1100, 10, "", ""},
        {"aiperf-ids-64-bit.jsonl", NULL, "mooncake", 2, 2, 3.0005, 1801, 11, "", ""},
        {"vidur-upper-case.csv", NULL, "vidur", 3, 3, 9.1, 1649, 208, "", ""},
        {"epoch-us-as-text.jsonl", NULL, "mapped", 2, 2, 0.25, 30, 6, "", "model"},
        {"holes.csv", NULL, "mapped", 5, 1, 3.0, 7, 8,
         "1 no prompt tokens (line 3), 2 no output tokens (first: line 2), 1 no time (line 4)", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[512];
        struct sum sum;
        struct ts_text drops;
        print_message("%s\n", rows[i].file);
        (void)snprintf(path, sizeof path, SAMPLES "%s", rows[i].file);
        assert_int_equal(read_mapped(&sum, path, rows[i].map, NULL), TS_OK);
        assert_int_equal(sum.counts.n_rows, rows[i].n_rows);
        assert_int_equal(sum.counts.n_kept, rows[i].n_kept);
        assert_int_equal(sum.last_ns, llround(rows[i].last_s * 1e9));
        assert_int_equal(sum.prompt_tok, rows[i].prompt_tok);
        assert_int_equal(sum.output_tok, rows[i].output_tok);
        assert_string_equal(sum.counts.unused, rows[i].unused);
        ts_text_init(&drops);
        ts_trace_counts_tell(&drops, &sum.counts);
        assert_string_equal(drops.data, rows[i].drops);
        assert_true(strncmp(sum.told.data + strlen("format: "), rows[i].format, strlen(rows[i].format)) == 0);
        ts_text_deinit(&drops);
        ts_text_deinit(&sum.told);
    }
}

static void test_trace_kinds__what_was_understood_is_told(void **state)
{
    (void)state;
    struct sum sum;
    assert_int_equal(read_mapped(&sum, SAMPLES "tabs-epoch-ms.csv", NULL, NULL), TS_OK);
    assert_string_equal(sum.told.data,
                        "format: mapped, CSV with tabs, a comma before decimals or a point\n"
                        "time: milliseconds, as from the size of the first one; from 2026-03-02 08:00:00.123 to "
                        "2026-03-02 08:00:01.123\n"
                        "columns: time = time, prompt_tokens = prompt tokens, completion_tokens = output tokens\n"
                        "not used: temperature\n"
                        "line 2: 2026-03-02 08:00:00.123, prompt 100, output 10\n"
                        "line 3: 2026-03-02 08:00:01.123, prompt 200, output 20\n");
    ts_text_deinit(&sum.told);
    assert_int_equal(read_mapped(&sum, SAMPLES "autumn-hour.csv", NULL, NULL), TS_OK);
    assert_true(sum.counts.was_sorted && !sum.counts.came_late);
    assert_int_equal(sum.counts.late_line, 4);
    assert_int_equal(sum.counts.naive_line, 3);
    ts_text_deinit(&sum.told);
}

/* Digits in threes, whatever sets them off; "374.000" between commas has decimals. */
static void test_trace_kinds__thousands_may_be_set_off(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t prompt_tok;
        uint64_t grouped_line;
    } rows[] = {
        {"time;in;out\n1;300;10\n2;1.200;10\n", 1500, 3},
        {"time;in;out\n1;1.000;10\n2;12.345.678;10\n", 0, 0}, /* beyond 10 million */
        {"time,in,out\n1,\"1,200\",10\n2,\"3,000,000\",10\n", 3001200, 2},
        {"time,in,out\n1,374.000,10\n2,1 000,10\n", 1374, 3},
        {"time\tin\tout\n1\t1,000\t10\n2\t1\xe2\x80\xaf"
         "000\t10\n",
         2000, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct temp_file file;
        struct sum sum;
        write_text(&file, rows[i].text);
        const enum ts_status status = read_mapped(&sum, file.path, "time=time,in=in,out=out", NULL);
        assert_int_equal(status, rows[i].prompt_tok > 0 ? TS_OK : TS_EINPUT);
        if (status == TS_OK) {
            assert_int_equal(sum.prompt_tok, rows[i].prompt_tok);
            assert_int_equal(sum.counts.grouped_line, rows[i].grouped_line);
        }
        ts_text_deinit(&sum.told);
        remove_file(&file);
    }
}

static void test_trace_kinds__a_day_and_its_time_in_two_columns(void **state)
{
    (void)state;
    struct temp_file file;
    struct sum sum;
    write_text(&file, "Date,Start,in,out\n2026-03-01,08:00:01,10,20\n2026-03-02,08:00:03.5,30,40\n");
    assert_int_equal(read_mapped(&sum, file.path, "time=Date,clock=Start,in=in,out=out", NULL), TS_OK);
    assert_int_equal(sum.counts.last_ns - sum.counts.first_ns, 86402500000000);
    ts_text_deinit(&sum.told);
    remove_file(&file);
}

static void assert_refused(const char *text, const char *map, const char *expected)
{
    struct temp_file file;
    struct ts_diags diags;
    struct sum sum;
    ts_diags_init(&diags);
    write_text(&file, text);
    assert_int_equal(read_mapped(&sum, file.path, map, &diags), TS_EINPUT);
    assert_diags(&diags, &file, expected);
    ts_text_deinit(&sum.told);
    remove_file(&file);
}

static void test_trace_kinds__what_is_no_trace_says_what_it_is(void **state)
{
    (void)state;
    struct sum sum;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(read_mapped(&sum, SAMPLES "servegen-rates.csv", NULL, &diags), TS_EINPUT);
    assert_non_null(strstr(diags.items[0].message, "rates of a client in windows of time (ServeGen"));
    assert_non_null(strstr(diags.items[0].hint, "write workload: {calls:"));
    ts_diags_deinit(&diags);
    assert_refused("tokens,cdf\n0.0,0.1\n", NULL,
                   "FILE:1: error: a distribution of lengths, not a trace of requests\n"
                   "help: write it as the length of a class: prompt: {quantiles: ...}\n");
}

static void test_trace_kinds__a_column_that_is_not_there_is_named(void **state)
{
    (void)state;
    assert_refused("when,asked,told\n1,2,3\n", "time=when,in=askd,out=told",
                   "FILE:1: error: the header has no column 'askd'\nhelp: did you mean 'asked'?\n");
    assert_refused("{\"when\": 1, \"asked\": 2, \"told\": 3}\n", "time=when,in=n.asked,out=told",
                   "FILE:1: error: no record has the key 'n.asked'\nhelp: did you mean 'asked'?\n");
}

static void test_trace_kinds__dates_that_can_be_read_in_two_ways_are_refused(void **state)
{
    (void)state;
    static const char text[] = "time,in,out\n3/2/2026 8:00,5,5\n3/4/2026 8:00,5,5\n";
    struct temp_file file;
    struct sum sum;
    assert_refused(text, NULL,
                   "FILE:2:1: error: time must be a date that can be read in one way, not '3/2/2026 8:00'\n"
                   "    2 | 3/2/2026 8:00,5,5\n"
                   "      | ^~~~~~~~~~~~~\n"
                   "help: nothing shows whether the day or the month comes first: say unit=dmy or unit=mdy in the map "
                   "of the trace's columns\n");
    write_text(&file, text);
    assert_int_equal(read_mapped(&sum, file.path, "time=time,unit=mdy", NULL), TS_OK);
    assert_int_equal(sum.last_ns, INT64_C(2) * 86400 * 1000000000);
    ts_text_deinit(&sum.told);
    assert_int_equal(read_mapped(&sum, file.path, "time=time,unit=dmy", NULL), TS_OK);
    assert_int_equal(sum.last_ns, INT64_C(59) * 86400 * 1000000000); /* 3 February to 3 April */
    ts_text_deinit(&sum.told);
    remove_file(&file);
}

/* Times of one moment, 2026-03-02 08:00:00 UTC and 2.5 s later, however they are written. */
static void test_trace_kinds__times_of_all_kinds(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"2026-03-02 08:00:00", "2026-03-02 08:00:02.5"},
        {"2026-03-02T08:00:00Z", "2026-03-02T09:00:02.500000+01:00"},
        {"2026-03-02T08:00:00+0000", "2026-03-02T03:00:02.5-0500"},
        {"2026/03/02 08:00:00", "2026/03/02 08:00:02.5"},
        {"20260302T080000Z", "20260302T080002.5Z"},
        {"02.03.2026 08:00:00", "02.03.2026 08:00:02.500"},
        {"2 Mar 2026 08:00:00 GMT", "Mon 2 Mar 2026 08:00:02.5 UTC"},
        {"02/Mar/2026:08:00:00 +0000", "02/Mar/2026:08:00:02.5 +0000"},
        {"13/3/2026 8:00:00 AM", "13/3/2026 8:00:02.5 AM"},
        {"1772438400", "1772438402.5"},
        {"1772438400000", "1772438402500"},
        {"1772438400000000", "1772438402500000"},
        {"1772438400000000000", "1772438402500000000"},
        {"1.7724384e9", "1772438402.5"},
        {"46083.3333333333", "46083.333362268518"},
        {"0", "2.5"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct temp_file file;
        struct sum sum;
        char text[256];
        print_message("%s\n", pairs[i][0]);
        (void)snprintf(text, sizeof text, "time,in,out\n%s,1,1\n%s,1,1\n", pairs[i][0], pairs[i][1]);
        write_text(&file, text);
        assert_int_equal(read_mapped(&sum, file.path, NULL, NULL), TS_OK);
        assert_int_equal(sum.last_ns, 2500000000);
        ts_text_deinit(&sum.told);
        (void)snprintf(text, sizeof text,
                       "[{\"time\": \"%s\", \"in\": 1, \"out\": 1},\n {\"time\": \"%s\",\n\"in\": 1, "
                       "\"out\": 1}]",
                       pairs[i][0], pairs[i][1]);
        remove_file(&file);
        write_text(&file, text);
        assert_int_equal(read_mapped(&sum, file.path, NULL, NULL), TS_OK);
        assert_int_equal(sum.last_ns, 2500000000);
        ts_text_deinit(&sum.told);
        remove_file(&file);
    }
}

static void test_trace_kinds__a_map_is_read(void **state)
{
    (void)state;
    char text[128];
    struct ts_trace_map map;
    assert_int_equal(
        ts_trace_map_parse(&map, text, "time='Request, Start',in=a b,out=\"c=d\",unit=ms,class=dept", NULL), TS_OK);
    assert_string_equal(map.columns[TS_TRACE_TIME], "Request, Start");
    assert_string_equal(map.columns[TS_TRACE_PROMPT], "a b");
    assert_string_equal(map.columns[TS_TRACE_OUTPUT], "c=d");
    assert_string_equal(map.columns[TS_TRACE_CLASS], "dept");
    assert_string_equal(map.time_unit, "ms");
    static const char *const wrong[] = {"",        "time",   "time=",    "time=a,", "when=a", "time=a,time=b",
                                        "time='a", "unit=h", "time='a'b"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(ts_trace_map_parse(&map, text, wrong[i], NULL), TS_EUSAGE);
    }
}

/* Labels of columns, classes of rows by a column, and what no class selects. */
static void test_trace_kinds__columns_are_used(void **state)
{
    (void)state;
    static const char text[] = "time,in,out,dept,phi,difficulty,cached_tokens\n"
                               "0,100,5,icu,yes,1.5,32\n1,200,5,er,no,,0\n2,300,5,it,yes,-2,64\n";
    static const char *const names[] = {"first", "second"};
    static const struct ts_trace_where where[] = {{"dept", "icu", 0}, {"dept", "er", 1}, {"in", "200", 1}};
    struct ts_trace_classes classes = {names, 2};
    struct ts_trace_map map;
    char buffer[64];
    struct temp_file file;
    struct ts_request requests[3];
    struct ts_request_stream *stream = NULL;
    assert_int_equal(ts_trace_map_parse(&map, buffer, "sensitivity=phi", NULL), TS_OK);
    struct ts_trace_options options = {
        .map = &map, .classes = &classes, .where = where, .n_where = 3, .drops_others = true};
    write_text(&file, text);
    assert_int_equal(ts_trace_open_as(&stream, file.path, &options, NULL), TS_OK);
    assert_int_equal(read_all(stream, requests, 3), 2);
    assert_int_equal(ts_trace_counts(stream).drops[TS_TRACE_OTHER_CLASS].first_line, 4);
    assert_true(requests[0].has_class && requests[0].class_id == 0 && requests[1].has_class &&
                requests[1].class_id == 1);
    assert_true(requests[0].has_sensitivity && requests[0].sensitivity == TS_RESTRICTED &&
                !requests[1].has_sensitivity);
    assert_true(requests[0].has_difficulty && requests[0].difficulty == 1.5F && !requests[1].has_difficulty);
    assert_int_equal(requests[0].prefix.n_ids, 2);
    assert_int_equal(requests[1].prefix.n_ids, 0);
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

/* Prompts of one session begin alike. */
static void test_trace_kinds__a_session_has_one_beginning(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    static const uint32_t n_ids[] = {2, 2, 3, 0};
    uint64_t first[2];
    int got = 0;
    write_text(&file, "time,in,out,session_id\n0,32,5,a\n1,32,5,b\n2,48,5,a\n3,48,5,\n");
    assert_int_equal(open_trace(&stream, file.path, NULL, NULL, NULL), TS_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        assert_int_equal(request.prefix.n_ids, n_ids[i]);
        if (i == 0) {
            memcpy(first, request.prefix.ids, sizeof first);
        } else if (i < 3) {
            assert_true((memcmp(first, request.prefix.ids, sizeof first) == 0) == (i == 2));
        }
    }
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

/* A Tuesday of the office week has 1.3243 of its mean; a whole week stands for itself, and nothing is said of it. */
static void test_trace_kinds__a_span_stands_for_a_part_of_a_week(void **state)
{
    (void)state;
    const int64_t day_ns = INT64_C(86400) * 1000000000, tuesday_ns = 20515 * day_ns; /* 2026-03-03 */
    const double *office = ts_week_curve("office-week");
    assert_near(ts_trace_span_factor(office, tuesday_ns, tuesday_ns + day_ns), 0.755109, 1e-6);
    assert_near(ts_trace_span_factor(office, tuesday_ns + 1, tuesday_ns + 1 + 7 * day_ns), 1.0, 1e-6);
    assert_near(ts_trace_span_factor(ts_week_curve("constant"), tuesday_ns, tuesday_ns + 77), 1.0, 1e-12);
    assert_true(isnan(ts_trace_span_factor(office, 0, 0)));
    struct ts_workload workload = {.represents = office, .represents_is_assumed = true};
    struct ts_text text;
    ts_text_init(&text);
    assert_near(ts_trace_span_scale(&workload, tuesday_ns, tuesday_ns + day_ns), 0.755109, 1e-6);
    assert_near(ts_trace_span_scale(&workload, tuesday_ns, tuesday_ns + 7 * day_ns), 0.0, 0.0);
    assert_near(ts_trace_span_scale(&workload, 0, 0), 0.0, 0.0);
    ts_trace_span_tell(&text, &workload, tuesday_ns, tuesday_ns + day_ns);
    assert_string_equal(text.data,
                        "a month is made of the 24 h from Tuesday 2026-03-03 00:00:00.000 on as a part of office-week, "
                        "which is assumed: 0.755 times the calls of 730 h like these (constant 1, consumer-week 0.819, "
                        "the same calls on a Saturday 2.49); trace: {represents: CURVE} says another week");
    ts_text_clear(&text);
    workload.represents_is_assumed = false;
    assert_true(isnan(ts_trace_span_scale(&workload, 0, 0)));
    assert_near(ts_trace_span_scale(&workload, tuesday_ns, tuesday_ns + 14 * day_ns), 1.0, 1e-9);
    ts_trace_span_tell(&text, &workload, tuesday_ns + 4 * day_ns, tuesday_ns + 6 * day_ns);
    assert_string_equal(text.data,
                        "a month is made of the 2 days from Saturday 2026-03-07 00:00:00.000 on as a part of "
                        "office-week: 2.42 times the calls of 730 h like these (constant 1, consumer-week "
                        "1.54)");
    ts_text_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_kinds__each_sample_gives_its_figures),
        cmocka_unit_test(test_trace_kinds__what_was_understood_is_told),
        cmocka_unit_test(test_trace_kinds__thousands_may_be_set_off),
        cmocka_unit_test(test_trace_kinds__a_day_and_its_time_in_two_columns),
        cmocka_unit_test(test_trace_kinds__what_is_no_trace_says_what_it_is),
        cmocka_unit_test(test_trace_kinds__a_column_that_is_not_there_is_named),
        cmocka_unit_test(test_trace_kinds__dates_that_can_be_read_in_two_ways_are_refused),
        cmocka_unit_test(test_trace_kinds__times_of_all_kinds),
        cmocka_unit_test(test_trace_kinds__a_map_is_read),
        cmocka_unit_test(test_trace_kinds__columns_are_used),
        cmocka_unit_test(test_trace_kinds__a_session_has_one_beginning),
        cmocka_unit_test(test_trace_kinds__a_span_stands_for_a_part_of_a_week),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
