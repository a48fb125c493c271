/* Logs as programs write them: what is read of each, and what is refused in which words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "study/log_read.h"

#define FILE_NAME "test_log_read.tmp"

struct read {
    struct ts_log log;
    struct ts_arena arena;
    struct ts_diags diags;
    enum ts_status status;
};

static void read_text(struct read *r, const char *text)
{
    const char *const paths[] = {FILE_NAME};
    assert_int_equal(ts_file_write(FILE_NAME, text, strlen(text), NULL), TS_OK);
    memset(r, 0, sizeof *r);
    ts_arena_init(&r->arena);
    ts_diags_init(&r->diags);
    r->status = ts_log_read(&r->log, &r->arena, paths, 1, &r->diags);
    (void)unlink(FILE_NAME);
}

static void done(struct read *r)
{
    ts_log_deinit(&r->log);
    ts_diags_deinit(&r->diags);
    ts_arena_deinit(&r->arena);
}

static void check_request(const struct read *r, size_t i, double start_s, double ttft_s, double latency_s,
                          uint32_t prompt_tok, uint32_t output_tok)
{
    assert_int_equal(r->status, TS_OK);
    assert_true(i < r->log.n);
    const struct ts_log_request *got = &r->log.requests[i];
    if (!(fabs(got->start_s - start_s) < 1e-6 && fabs(got->latency_s - latency_s) < 1e-6 &&
          (isnan(ttft_s) ? isnan(got->ttft_s) : fabs(got->ttft_s - ttft_s) < 1e-6))) {
        fail_msg("request %zu: %.9g %.9g %.9g", i, got->start_s, got->ttft_s, got->latency_s);
    }
    assert_int_equal(got->prompt_tok, prompt_tok);
    assert_int_equal(got->output_tok, output_tok);
}

static void test_log_read__spend_log_of_litellm(void **state)
{
    (void)state;
    struct read r;
    read_text(&r,
              "request_id,startTime,completionStartTime,endTime,prompt_tokens,completion_tokens,spend,model,status,"
              "cache_hit\n"
              "b,2026-11-20 10:00:01.500,2026-11-20 10:00:01.700,2026-11-20 10:00:03.700,300,41,0.1,m,success,False\n"
              "a,2026-11-20 10:00:01.000,2026-11-20 10:00:01.250,2026-11-20 10:00:02.250,200,21,0.1,m,success,False\n"
              "c,2026-11-20 10:00:02.000,2026-11-20 10:00:04.000,2026-11-20 10:00:04.000,100,11,0.1,m,success,\n"
              "d,2026-11-20 10:00:02.000,,2026-11-20 10:00:02.001,100,0,0.1,m,failure,\n"
              "e,2026-11-20 10:00:02.500,2026-11-20 10:00:02.501,2026-11-20 10:00:02.501,100,11,0,m,success,True\n");
    assert_int_equal(r.log.n, 3);
    check_request(&r, 0, 0.0, 0.25, 1.25, 200, 21);
    check_request(&r, 1, 0.5, 0.2, 2.2, 300, 41);
    check_request(&r, 2, 1.0, NAN, 2.0, 100, 11); /* not streamed: the gateway had it whole */
    assert_int_equal(r.log.n_rows, 5);
    assert_int_equal(r.log.n_drops, 2);
    assert_string_equal(r.log.drops[0].reason, "the request failed");
    assert_string_equal(r.log.drops[1].reason, "a gateway answered out of its own cache");
    done(&r);
}

/* Arrivals by the wall clock, the rest by another one: the second was queued at once, the first 20 ms later. The
 * clock's 40,000 seconds are no days of a spreadsheet. */
static void test_log_read__statistics_of_vllm_on_two_clocks(void **state)
{
    (void)state;
    struct read r;
    read_text(&r, "{\"request_id\": \"x\", \"input_toks\": 10, \"output_toks\": 5, \"arrival_time\": 1787267980.0, "
                  "\"queued_ts\": 40000.52, \"scheduled_ts\": 40000.52, \"first_token_ts\": 40000.75, "
                  "\"last_token_ts\": 40001.25}\n"
                  "{\"request_id\": \"y\", \"input_toks\": 20, \"output_toks\": 3, \"arrival_time\": 1787267981.0, "
                  "\"queued_ts\": 40001.5, \"scheduled_ts\": 40001.5, \"first_token_ts\": 40002.0, "
                  "\"last_token_ts\": 40003.0}\n");
    assert_int_equal(r.log.n, 2);
    check_request(&r, 0, 0.0, 0.25, 0.75, 10, 5);
    check_request(&r, 1, 1.0, 0.5, 1.5, 20, 3);
    done(&r);
}

static void test_log_read__requests_of_a_probe_are_runs_by_point(void **state)
{
    (void)state;
    struct read r;
    read_text(&r, "point,request,concurrency,due_s,sent_s,prompt_tok,output_tok,tokens_counted_by,ttft_s,tpot_s,e2e_s,"
                  "outcome,http_status,tries,message\n"
                  "0,0,4,0.000,0.001,100,10,server,0.100,0.010,0.190,done,200,1,\n"
                  "0,1,4,0.500,0.501,100,10,server,0.120,0.010,0.210,done,200,1,\n"
                  "1,0,8,7.000,7.001,100,10,server,0.300,0.020,0.480,done,200,1,\n"
                  "1,1,8,7.100,7.101,100,0,server,,,,refused,503,1,busy\n");
    assert_int_equal(r.log.n, 3);
    assert_int_equal(r.log.n_runs, 2);
    check_request(&r, 1, 0.5, 0.12, 0.21, 100, 10);
    check_request(&r, 2, 0.0, 0.3, 0.48, 100, 10);
    assert_int_equal(r.log.requests[2].run, 1);
    done(&r);
}

static void test_log_read__result_of_a_benchmark(void **state)
{
    (void)state;
    struct read r;
    read_text(&r,
              "{\"model_id\": \"m\", \"request_throughput\": 1.0, \"input_lens\": [100, 200], \"output_lens\": [3, 5], "
              "\"ttfts\": [0.1, 0.2], \"start_times\": [50.0, 50.5], \"itls\": [[0.01, 0.02], [0.01, 0.01, 0.01, "
              "0.02]], \"errors\": [\"\", \"\"]}\n");
    assert_int_equal(r.log.n, 2);
    check_request(&r, 0, 0.0, 0.1, 0.13, 100, 3);
    check_request(&r, 1, 0.5, 0.2, 0.25, 200, 5);
    assert_string_equal(r.log.format, "vllm");
    done(&r);
}

/* sglang's lists, and those of an older vLLM, without starts: at the rate inf, two at a time that take 3, 1, 1 and 2 s,
 * the third starts when the second has ended, the fourth when the third has. */
static void test_log_read__starts_follow_from_the_concurrency_at_the_rate_inf(void **state)
{
    (void)state;
    static const char lists[] =
        "'input_lens': [100, 100, 100, 100], 'output_lens': [2, 2, 2, 2], 'ttfts': [2.5, 0.5, 0.5, "
        "1.5], 'itls': [[0.5], [0.5], [0.5], [0.5]], 'errors': ['', '', '', '']}\n";
    static const double starts[] = {0.0, 0.0, 1.0, 2.0};
    static const char *const rates[] = {"Infinity", "'inf'"};
    for (size_t i = 0; i < 2; i++) {
        struct read r;
        char text[1024];
        snprintf(text, sizeof text,
                 "{'backend': 'sglang', 'dataset_name': 'random', 'request_throughput': 1, 'request_rate': "
                 "%s, 'max_concurrency': 2, %s",
                 rates[i], lists);
        for (char *c = text; *c; c++) {
            *c = *c == '\'' ? '"' : *c;
        }
        read_text(&r, text);
        assert_int_equal(r.log.n, 4);
        for (size_t k = 0; k < 4; k++) {
            assert_true(fabs(r.log.requests[k].start_s - starts[k]) < 1e-9);
        }
        done(&r);
    }
}

/* Without a concurrency all start at once, however many. */
static void test_log_read__without_a_concurrency_all_start_at_once(void **state)
{
    (void)state;
    enum { N = 5000 };
    static const char *const lists[][2] = {
        {"input_lens", "100"}, {"output_lens", "2"}, {"ttfts", "2.5"}, {"itls", "[0.5]"}, {"errors", "\"\""}};
    struct ts_text text;
    struct read r;
    ts_text_init(&text);
    ts_text_puts(&text, "{\"backend\": \"sglang\", \"request_throughput\": 1, \"request_rate\": \"inf\"");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        ts_text_printf(&text, ", \"%s\": [", lists[i][0]);
        for (int k = 0; k < N; k++) {
            ts_text_printf(&text, "%s%s", k > 0 ? ", " : "", lists[i][1]);
        }
        ts_text_puts(&text, "]");
    }
    ts_text_puts(&text, "}\n");
    read_text(&r, text.data);
    assert_int_equal(r.log.n, N);
    assert_true(r.log.requests[N - 1].start_s == 0.0);
    done(&r);
    ts_text_deinit(&text);
}

static void check_refused(const char *text, const char *words)
{
    struct read r;
    read_text(&r, text);
    assert_int_equal(r.status, TS_EINPUT);
    assert_true(r.diags.n_items > 0);
    if (!strstr(r.diags.items[0].message, words)) {
        fail_msg("'%s' does not say '%s'", r.diags.items[0].message, words);
    }
    done(&r);
}

static void test_log_read__says_what_a_file_lacks(void **state)
{
    (void)state;
    check_refused("startTime,prompt_tokens,completion_tokens\n2026-11-20 10:00:01,1,2\n", "time of the last token");
    check_refused("endTime,prompt_tokens,completion_tokens\n2026-11-20 10:00:01,1,2\n", "time of the request");
    check_refused("{\"a\": 1}\n", "prompt tokens");
    check_refused("   \n", "blank");
    check_refused("[{\"build_commit\": \"a\", \"model_filename\": \"m\", \"n_prompt\": 512, \"n_gen\": 0, \"avg_ns\": "
                  "100000000, \"n_batch\": 2048, \"n_threads\": 8}]\n",
                  "times steps, not requests");
    check_refused(
        "startTime,endTime,prompt_tokens,completion_tokens,model\n2026-11-20 10:00:01.5,2026-11-20 10:00:02.5,"
        "9,9,a\n2026-11-20 10:00:03.5,2026-11-20 10:00:04.5,9,9,b\n",
        "'b' here, 'a' before");
    check_refused("timestamp,prompt_tokens,completion_tokens,ttft,latency\n0.5,9,10,51.2,900\n1.5,9,10,50.1,910\n",
                  "names no unit");
    check_refused("startTime,endTime,prompt_tokens,completion_tokens\n"
                  "2026-11-20 10:00:01,2026-11-20 10:00:02,9,9\n2026-11-20 10:00:02,2026-11-20 10:00:03,9,9\n"
                  "2026-11-20 10:00:03,2026-11-20 10:00:04,9,9\n2026-11-20 10:00:04,2026-11-20 10:00:05,9,9\n"
                  "2026-11-20 10:00:05,2026-11-20 10:00:06,9,9\n2026-11-20 10:00:06,2026-11-20 10:00:07,9,9\n"
                  "2026-11-20 10:00:07,2026-11-20 10:00:08,9,9\n2026-11-20 10:00:08,2026-11-20 10:00:09,9,9\n"
                  "2026-11-20 10:00:09,2026-11-20 10:00:10,9,9\n2026-11-20 10:00:10,2026-11-20 10:00:11,9,9\n",
                  "whole seconds");
    check_refused("startTime,endTime,prompt_tokens,completion_tokens,status\n2026-11-20 10:00:01,2026-11-20 "
                  "10:00:02,1,2,failure\n",
                  "the request failed");
    check_refused("{\"model_id\": \"m\", \"request_throughput\": 1.0, \"completed\": 10, \"total_input_tokens\": 1000, "
                  "\"total_output_tokens\": 1000, \"mean_tpot_ms\": 10, \"median_ttft_ms\": 50}\n",
                  "averages alone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_read__spend_log_of_litellm),
        cmocka_unit_test(test_log_read__statistics_of_vllm_on_two_clocks),
        cmocka_unit_test(test_log_read__requests_of_a_probe_are_runs_by_point),
        cmocka_unit_test(test_log_read__result_of_a_benchmark),
        cmocka_unit_test(test_log_read__starts_follow_from_the_concurrency_at_the_rate_inf),
        cmocka_unit_test(test_log_read__without_a_concurrency_all_start_at_once),
        cmocka_unit_test(test_log_read__says_what_a_file_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
