/* Probing a live endpoint on loopback: a good one, a busy one, and hostile ones. */
#include "live/probe_report.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tests/endpoint/endpoint.h"
#include "tests/live/live_test.h"

static struct ts_probe_options options_for(const char *url)
{
    return (struct ts_probe_options){
        .http = {.url = url, .connect_s = 2.0, .stall_s = 1.0, .total_s = 3.0, .agent = "tiersim/test"},
        .api = ts_openai_api_find("chat"),
        .max_retries = 2,
        .retry_s = 0.001,
        .seed = 5,
    };
}

/* n equal asks, all due at once. */
static struct ts_probe_ask *make_asks(size_t n, uint32_t prompt_tok, uint32_t output_tok)
{
    struct ts_probe_ask *asks = calloc(n, sizeof *asks);
    assert_non_null(asks);
    for (size_t i = 0; i < n; i++) {
        asks[i] = (struct ts_probe_ask){.prompt_tok = prompt_tok, .output_tok = output_tok};
    }
    return asks;
}

static struct ts_probe_result run_load(endpoint_reply *reply, void *context, size_t n, uint32_t concurrency)
{
    struct endpoint *endpoint = endpoint_start(reply, context);
    assert_non_null(endpoint);
    char *url = ts_openai_url(endpoint_url(endpoint), ts_openai_api_find("chat"));
    struct ts_probe_ask *asks = make_asks(n, 32, 5);
    const struct ts_probe_load load = {.asks = asks, .n = n, .concurrency = concurrency};
    const struct ts_probe_options options = options_for(url);
    struct ts_probe_result result;
    assert_int_equal(ts_probe_run(&result, &load, &options, NULL), TS_OK);
    endpoint_stop(endpoint);
    free(asks);
    free(url);
    return result;
}

static void check_accounts(const struct ts_probe_result *result)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TS_N_PROBE_OUTCOMES; i++) {
        sum += result->n_outcomes[i];
    }
    assert_int_equal(sum, result->n);
    for (size_t i = 0; i < result->n; i++) {
        const struct ts_probe_record *r = &result->records[i];
        assert_true(r->outcome == TS_PROBE_DONE || r->message >= 0 || r->outcome == TS_PROBE_CANCELLED);
        assert_true(r->n_tries >= 1 || r->outcome == TS_PROBE_CANCELLED);
        assert_true(r->outcome != TS_PROBE_DONE || (r->first_ns >= r->due_ns && r->last_ns >= r->first_ns));
    }
}

/* ---- good ---- */

static void reply_good(void *context, const struct endpoint_request *request, int socket)
{
    endpoint_send_good(request, socket, *(const unsigned *)context);
}

static void test_probe__a_good_endpoint_is_measured(void **state)
{
    (void)state;
    unsigned gap_ms = 5;
    struct ts_probe_result result = run_load(reply_good, &gap_ms, 12, 3);
    struct ts_probe_summary summary;
    check_accounts(&result);
    assert_int_equal(result.n_outcomes[TS_PROBE_DONE], 12);
    assert_int_equal(ts_probe_summarise(&summary, &result), TS_OK);
    assert_int_equal(summary.output_tok, 60);
    assert_int_equal(summary.latency_s[TS_PROBE_ITL].n, 12 * 4);
    assert_true(result.records[0].counted);
    /* Sleeps never come early. */
    assert_true(ts_sample_quantile(&summary.latency_s[TS_PROBE_TTFT], 0.0) >= 0.005);
    assert_true(ts_sample_quantile(&summary.latency_s[TS_PROBE_E2E], 0.0) >= 0.025);
    /* A first token that is read late takes time from the others: of most it is not. */
    assert_true(ts_sample_quantile(&summary.latency_s[TS_PROBE_TPOT], 0.5) >= 0.004);
    ts_probe_summary_deinit(&summary);
    ts_probe_result_deinit(&result);
}

/* What max_tokens asks for, the first `hidden` of it not shown, at 2 ms each. */
static void reply_hidden(void *context, const struct endpoint_request *request, int socket)
{
    const uint32_t most = *(const uint32_t *)context;
    const uint32_t n = endpoint_number(request->body, "max_tokens", 8);
    const uint32_t hidden = most < n ? most : n;
    char usage[300];
    (void)endpoint_send_stream_head(socket);
    endpoint_sleep_ms(2 * hidden);
    for (uint32_t i = hidden; i < n; i++) {
        endpoint_sleep_ms(2);
        (void)endpoint_send(socket, "data:\n\n: alive\n\ndata: null\n\ndata: ping\n\n");
        (void)endpoint_send_token(socket, "word ");
    }
    snprintf(usage, sizeof usage,
             "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n"
             "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":40,\"completion_tokens\":%u,"
             "\"completion_tokens_details\":{\"reasoning_tokens\":%u}}}\n\ndata: [DONE]\n\n",
             n, hidden);
    (void)endpoint_send(socket, usage);
}

/* 3 of 5 tokens hidden: the first text after 4 x 2 ms, then one gap over one token, not over four. */
static void test_probe__hidden_tokens_count_and_do_not_shorten_tpot(void **state)
{
    (void)state;
    uint32_t hidden = 3;
    struct ts_probe_result result = run_load(reply_hidden, &hidden, 4, 1);
    check_accounts(&result);
    assert_int_equal(result.n_outcomes[TS_PROBE_DONE], 4);
    assert_int_equal(result.n_hidden, 4);
    for (size_t i = 0; i < result.n; i++) {
        const struct ts_probe_record *r = &result.records[i];
        assert_int_equal(r->output_tok, 5);
        assert_int_equal(r->hidden_tok, 3);
        assert_true(r->first_ns - r->due_ns >= 8000000);
        assert_true(ts_probe_tpot_s(r) == (double)(r->last_ns - r->first_ns) * 1e-9);
    }
    ts_probe_result_deinit(&result);
}

/* All of it hidden: done, as usage says, with its end and no first text. */
static void test_probe__a_reply_that_is_all_hidden_is_done(void **state)
{
    (void)state;
    uint32_t hidden = 100;
    struct ts_probe_result result = run_load(reply_hidden, &hidden, 4, 1);
    struct ts_probe_summary summary;
    assert_int_equal(result.n_outcomes[TS_PROBE_DONE], 4);
    assert_int_equal(ts_probe_summarise(&summary, &result), TS_OK);
    assert_int_equal(summary.output_tok, 20);
    assert_int_equal(summary.latency_s[TS_PROBE_TTFT].n, 0);
    assert_int_equal(summary.latency_s[TS_PROBE_TPOT].n, 0);
    assert_int_equal(summary.latency_s[TS_PROBE_E2E].n, 4);
    assert_true(ts_sample_quantile(&summary.latency_s[TS_PROBE_E2E], 0.0) >= 0.010);
    ts_probe_summary_deinit(&summary);
    ts_probe_result_deinit(&result);
}

static void reply_aborting(void *context, const struct endpoint_request *request, int socket)
{
    (void)context;
    (void)request;
    (void)endpoint_send_stream_head(socket);
    (void)endpoint_send_token(socket, "word ");
    (void)endpoint_send(socket, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"abort\"}]}\n\ndata: [DONE]\n\n");
}

static void test_probe__an_aborted_stream_is_a_failure(void **state)
{
    (void)state;
    struct ts_probe_result result = run_load(reply_aborting, NULL, 3, 1);
    check_accounts(&result);
    assert_int_equal(result.n_outcomes[TS_PROBE_FAILED], 3);
    assert_string_equal(result.messages[0].text, "the server aborted the reply: finish_reason 'abort'");
    ts_probe_result_deinit(&result);
}

/* A server that does not stream, or says no in a body of status 200: its words are shown. */
static void reply_whole(void *context, const struct endpoint_request *request, int socket)
{
    (void)context;
    (void)request;
    (void)endpoint_send(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"error\":{\"message\":\"overloaded\"}}");
}

static void test_probe__what_is_no_stream_is_told_in_its_words(void **state)
{
    (void)state;
    struct ts_probe_result result = run_load(reply_whole, NULL, 2, 1);
    check_accounts(&result);
    assert_int_equal(result.n_outcomes[TS_PROBE_FAILED], 2);
    assert_string_equal(result.messages[0].text, "the reply is no event stream: overloaded");
    ts_probe_result_deinit(&result);
}

struct crowd {
    pthread_mutex_t lock;
    uint32_t n, most;
};

static void reply_counting(void *context, const struct endpoint_request *request, int socket)
{
    struct crowd *crowd = context;
    pthread_mutex_lock(&crowd->lock);
    crowd->n++;
    crowd->most = crowd->n > crowd->most ? crowd->n : crowd->most;
    pthread_mutex_unlock(&crowd->lock);
    endpoint_sleep_ms(5);
    pthread_mutex_lock(&crowd->lock);
    crowd->n--; /* before the end is sent, so that the next request cannot be counted on top */
    pthread_mutex_unlock(&crowd->lock);
    endpoint_send_good(request, socket, 0);
}

/* Three users: each sends 40 ms after the end of its reply, to the nanosecond of what was noted, and nobody else does.
 */
static void test_probe__users_think_before_they_send(void **state)
{
    (void)state;
    enum { N = 11, USERS = 3 };
    unsigned gap_ms = 5;
    struct endpoint *endpoint = endpoint_start(reply_good, &gap_ms);
    assert_non_null(endpoint);
    char *url = ts_openai_url(endpoint_url(endpoint), ts_openai_api_find("chat"));
    struct ts_probe_ask *asks = make_asks(N, 32, 5);
    for (size_t i = 0; i < N; i++) {
        asks[i].think_ns = 40000000 + (int64_t)i;
    }
    const struct ts_probe_load load = {.asks = asks, .n = N, .n_users = USERS};
    const struct ts_probe_options options = options_for(url);
    struct ts_probe_result result;
    assert_int_equal(ts_probe_run(&result, &load, &options, NULL), TS_OK);
    check_accounts(&result);
    assert_int_equal(result.n_outcomes[TS_PROBE_DONE], N);
    for (size_t i = 0; i < N; i++) {
        const struct ts_probe_record *r = &result.records[i];
        assert_int_equal(r->due_ns, i < USERS ? 0 : result.records[i - USERS].last_ns + asks[i].think_ns);
        assert_true(r->sent_ns >= r->due_ns);
    }
    ts_probe_result_deinit(&result);
    endpoint_stop(endpoint);
    free(asks);
    free(url);
}

static void test_probe__a_closed_loop_never_has_more_under_way(void **state)
{
    (void)state;
    struct crowd crowd = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct ts_probe_result result = run_load(reply_counting, &crowd, 40, 4);
    check_accounts(&result);
    assert_true(crowd.most >= 2 && crowd.most <= 4);
    ts_probe_result_deinit(&result);
}

static void test_probe__an_open_loop_sends_each_at_its_time(void **state)
{
    (void)state;
    unsigned gap_ms = 30; /* slower than the arrivals: they must not wait for it */
    struct endpoint *endpoint = endpoint_start(reply_good, &gap_ms);
    assert_non_null(endpoint);
    char *url = ts_openai_url(endpoint_url(endpoint), ts_openai_api_find("chat"));
    struct ts_probe_ask asks[10];
    for (size_t i = 0; i < 10; i++) {
        asks[i] = (struct ts_probe_ask){.due_ns = (int64_t)i * 10000000, .prompt_tok = 4, .output_tok = 4};
    }
    const struct ts_probe_load load = {.asks = asks, .n = 10};
    const struct ts_probe_options options = options_for(url);
    struct ts_probe_result result;
    assert_int_equal(ts_probe_run(&result, &load, &options, NULL), TS_OK);
    check_accounts(&result);
    assert_int_equal(result.n_outcomes[TS_PROBE_DONE], 10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(result.records[i].due_ns, asks[i].due_ns);
        assert_true(result.records[i].sent_ns >= asks[i].due_ns);
    }
    /* Ten replies of 120 ms each, one after the other, would take 1.2 s. */
    assert_true(result.duration_s < 1.0);
    ts_probe_result_deinit(&result);
    endpoint_stop(endpoint);
    free(url);
}

/* ---- busy ---- */

static void reply_busy_first(void *context, const struct endpoint_request *request, int socket)
{
    (void)context;
    if (request->number < 3) {
        endpoint_send(socket, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}");
        return;
    }
    endpoint_send_good(request, socket, 0);
}

static void test_probe__retry_after_is_obeyed(void **state)
{
    (void)state;
    struct ts_probe_result result = run_load(reply_busy_first, NULL, 3, 3);
    check_accounts(&result);
    assert_int_equal(result.n_outcomes[TS_PROBE_DONE], 3);
    assert_int_equal(result.n_retries, 3);
    assert_true(result.duration_s >= 1.0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(result.records[i].n_tries, 2);
        assert_true(result.records[i].first_ns - result.records[i].due_ns >= 1000000000);
    }
    ts_probe_result_deinit(&result);
}

static void reply_busy_always(void *context, const struct endpoint_request *request, int socket)
{
    (void)context;
    (void)request;
    endpoint_send(socket, "HTTP/1.1 503 Busy\r\nContent-Length: 29\r\n\r\n{\"error\":{\"message\":\"full\"}}  ");
}

static void test_probe__what_stays_busy_is_refused_with_its_reason(void **state)
{
    (void)state;
    struct ts_probe_result result = run_load(reply_busy_always, NULL, 4, 2);
    check_accounts(&result);
    assert_int_equal(result.n_outcomes[TS_PROBE_REFUSED], 4);
    assert_int_equal(result.n_retries, 8);
    assert_int_equal(result.n_messages, 1);
    assert_string_equal(result.messages[0].text, "HTTP 503: full");
    assert_int_equal(result.messages[0].n, 4);
    ts_probe_result_deinit(&result);
}

static void test_probe__nobody_there_is_a_failure_in_words(void **state)
{
    (void)state;
    struct endpoint *endpoint = endpoint_start(reply_busy_always, NULL);
    assert_non_null(endpoint);
    char *url = ts_openai_url(endpoint_url(endpoint), ts_openai_api_find("chat"));
    endpoint_stop(endpoint);
    struct ts_probe_ask asks[2] = {{.prompt_tok = 1, .output_tok = 1}, {.prompt_tok = 1, .output_tok = 1}};
    const struct ts_probe_load load = {.asks = asks, .n = 2, .concurrency = 1};
    const struct ts_probe_options options = options_for(url);
    struct ts_probe_result result;
    assert_int_equal(ts_probe_run(&result, &load, &options, NULL), TS_OK);
    check_accounts(&result);
    assert_int_equal(result.n_outcomes[TS_PROBE_FAILED], 2);
    assert_non_null(strstr(result.messages[0].text, "connect"));
    ts_probe_result_deinit(&result);
    free(url);
}

static void test_probe__an_address_that_is_none_is_a_usage_error(void **state)
{
    (void)state;
    static const char *const urls[] = {"", "host", "ftp://host", "file:///etc/passwd", "http://", "http://me:key@host"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct ts_probe_ask ask = {.prompt_tok = 1, .output_tok = 1};
        const struct ts_probe_load load = {.asks = &ask, .n = 1, .concurrency = 1};
        const struct ts_probe_options options = options_for(urls[i]);
        struct ts_probe_result result;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_equal(ts_probe_run(&result, &load, &options, &diags), TS_EUSAGE);
        assert_int_equal(diags.n_errors, 1);
        ts_diags_deinit(&diags);
    }
}

static bool stop_at_once(void *user, const struct ts_progress_state *state)
{
    (void)user;
    return !state || state->elapsed_s < 0.05;
}

static void test_probe__an_interrupted_load_accounts_for_every_request(void **state)
{
    (void)state;
    unsigned gap_ms = 20;
    struct endpoint *endpoint = endpoint_start(reply_good, &gap_ms);
    assert_non_null(endpoint);
    char *url = ts_openai_url(endpoint_url(endpoint), ts_openai_api_find("chat"));
    struct ts_probe_ask *asks = make_asks(50, 4, 4);
    const struct ts_probe_load load = {.asks = asks, .n = 50, .concurrency = 2};
    struct ts_probe_options options = options_for(url);
    struct ts_probe_result result;
    options.progress.go_on = stop_at_once;
    assert_int_equal(ts_probe_run(&result, &load, &options, NULL), TS_EINTERRUPTED);
    check_accounts(&result);
    assert_true(result.n_outcomes[TS_PROBE_CANCELLED] >= 46);
    ts_probe_result_deinit(&result);
    endpoint_stop(endpoint);
    free(asks);
    free(url);
}

/* ---- the key ---- */

static void reply_noting_head(void *context, const struct endpoint_request *request, int socket)
{
    snprintf(context, 4096, "%s", request->head);
    endpoint_send_good(request, socket, 0);
}

static void test_probe__the_key_goes_to_the_endpoint_and_nowhere_else(void **state)
{
    (void)state;
    char head[4096] = "";
    struct endpoint *endpoint = endpoint_start(reply_noting_head, head);
    assert_non_null(endpoint);
    char *url = ts_openai_url(endpoint_url(endpoint), ts_openai_api_find("chat"));
    struct ts_probe_ask ask = {.prompt_tok = 8, .output_tok = 2};
    const struct ts_probe_point point = {.load = {.asks = &ask, .n = 1, .concurrency = 1}};
    const struct ts_probe_about about = {.date = "d", .model = "m", .url = url, .backend = "chat"};
    struct ts_probe_options options = options_for(url);
    struct ts_probe_result result;
    struct ts_probe_summary summary;
    struct ts_text text;
    options.http.key = "sk-secret-7";
    ts_text_init(&text);
    assert_int_equal(ts_probe_run(&result, &point.load, &options, NULL), TS_OK);
    assert_int_equal(result.n_outcomes[TS_PROBE_DONE], 1);
    assert_non_null(strstr(head, "Authorization: Bearer sk-secret-7\r\n"));
    assert_int_equal(ts_probe_summarise(&summary, &result), TS_OK);
    ts_probe_csv_rows(&text, 0, &point, &result);
    ts_probe_json(&text, &about, &point, &result, &summary);
    assert_null(strstr(text.data, "sk-secret"));
    ts_text_deinit(&text);
    ts_probe_summary_deinit(&summary);
    ts_probe_result_deinit(&result);
    endpoint_stop(endpoint);
    free(url);
}

/* The key as the request had it, in the shapes that servers answer in, byte by byte. */
static void reply_echoing(void *context, const struct endpoint_request *request, int socket)
{
    static const char *const heads[] = {
        "HTTP/1.1 401 Who\r\n\r\n{\"error\":{\"message\":\"Incorrect API key: ", "HTTP/1.1 403 No\r\n\r\n<html>",
        "HTTP/1.1 200 OK\r\n\r\ndata: {\"error\":{\"message\":\"key "};
    static const char *const tails[] = {"\"}}", "</html>", "\"}}\n\n"};
    const size_t shape = request->number % 3;
    const char *key = strstr(request->head, "Authorization: Bearer ");
    (void)context;
    key = key ? key + strlen("Authorization: Bearer ") : "";
    endpoint_send(socket, heads[shape]);
    for (size_t i = 0; key[i] != '\0' && key[i] != '\r'; i++) {
        endpoint_sleep_ms(1);
        endpoint_send_bytes(socket, key + i, 1);
    }
    endpoint_send(socket, tails[shape]);
}

static void test_probe__an_echoed_key_is_hidden_in_all_that_is_written(void **state)
{
    (void)state;
    struct endpoint *endpoint = endpoint_start(reply_echoing, NULL);
    assert_non_null(endpoint);
    char *url = ts_openai_url(endpoint_url(endpoint), ts_openai_api_find("chat"));
    struct ts_probe_ask *asks = make_asks(6, 4, 4);
    const struct ts_probe_point point = {.load = {.asks = asks, .n = 6, .concurrency = 1}};
    const struct ts_probe_about about = {.date = "d", .model = "m", .url = url, .backend = "chat"};
    struct ts_probe_options options = options_for(url);
    struct ts_probe_result result;
    struct ts_probe_summary summary;
    struct ts_text text;
    options.http.key = "sk-secret-7";
    ts_text_init(&text);
    assert_int_equal(ts_probe_run(&result, &point.load, &options, NULL), TS_OK);
    assert_int_equal(result.n_outcomes[TS_PROBE_FAILED], 6);
    assert_int_equal(result.n_messages, 3);
    assert_string_equal(result.messages[0].text, "HTTP 401: Incorrect API key: [key]");
    assert_int_equal(ts_probe_summarise(&summary, &result), TS_OK);
    ts_probe_csv_rows(&text, 0, &point, &result);
    ts_probe_json(&text, &about, &point, &result, &summary);
    assert_null(strstr(text.data, "secret"));
    assert_non_null(strstr(text.data, "[key]"));
    ts_text_deinit(&text);
    ts_probe_summary_deinit(&summary);
    ts_probe_result_deinit(&result);
    endpoint_stop(endpoint);
    free(asks);
    free(url);
}

static void test_probe__a_key_with_a_line_end_is_not_sent(void **state)
{
    (void)state;
    static const char *const keys[] = {"sk-1\r\nX-Evil: 1", "sk-1\n", "\tsk-1", "sk-\x7f"};
    char head[4096] = "";
    struct endpoint *endpoint = endpoint_start(reply_noting_head, head);
    assert_non_null(endpoint);
    char *url = ts_openai_url(endpoint_url(endpoint), ts_openai_api_find("chat"));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct ts_probe_ask ask = {.prompt_tok = 1, .output_tok = 1};
        const struct ts_probe_load load = {.asks = &ask, .n = 1, .concurrency = 1};
        struct ts_probe_options options = options_for(url);
        struct ts_probe_result result;
        struct ts_diags diags;
        struct ts_text text;
        options.http.key = keys[i];
        ts_diags_init(&diags);
        ts_text_init(&text);
        assert_int_equal(ts_probe_run(&result, &load, &options, &diags), TS_EUSAGE);
        ts_diags_render(&diags, &text);
        assert_non_null(strstr(text.data, "the key was not sent: its byte "));
        assert_null(strstr(text.data, "sk-"));
        ts_text_deinit(&text);
        ts_diags_deinit(&diags);
    }
    assert_int_equal(endpoint_n_requests(endpoint), 0);
    endpoint_stop(endpoint);
    free(url);
}

static void test_probe__this_machine_is_exactly_that(void **state)
{
    (void)state;
    static const char *const local[] = {"http://localhost",        "http://LOCALHOST:8080/v1", "http://127.0.0.1:1",
                                        "http://127.255.3.4/x",    "http://[::1]:8080",        "https://localhost",
                                        "http://[0:0:0:0:0:0:0:1]"};
    static const char *const remote[] = {"http://localhost.evil.example",
                                         "http://127.evil.example",
                                         "http://[::1:2]",
                                         "http://localhostx:1",
                                         "http://128.0.0.1",
                                         "http://localhost@evil.example",
                                         "http://[::1].evil.example",
                                         "http://evil.example/localhost",
                                         "http://10.0.0.1"};
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        assert_true(ts_http_is_local(local[i]));
        assert_false(ts_http_in_the_clear(local[i]));
    }
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) {
        assert_false(ts_http_is_local(remote[i]));
        assert_true(ts_http_in_the_clear(remote[i]));
    }
    assert_false(ts_http_in_the_clear("https://api.example"));
}

/* The proxy would see the key of a plain http request. */
static void test_probe__a_proxy_is_not_asked_for_this_machine(void **state)
{
    (void)state;
    unsigned gap_ms = 0;
    char head[4096] = "";
    struct endpoint *proxy = endpoint_start(reply_noting_head, head);
    assert_non_null(proxy);
    setenv("http_proxy", endpoint_url(proxy), 1);
    setenv("all_proxy", endpoint_url(proxy), 1);
    struct ts_probe_result result = run_load(reply_good, &gap_ms, 2, 1);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    assert_int_equal(result.n_outcomes[TS_PROBE_DONE], 2);
    assert_int_equal(endpoint_n_requests(proxy), 0);
    ts_probe_result_deinit(&result);
    endpoint_stop(proxy);
}

static void reply_redirect(void *context, const struct endpoint_request *request, int socket)
{
    char text[256];
    snprintf(text, sizeof text, "HTTP/1.1 307 Elsewhere\r\nLocation: %s/other\r\nContent-Length: 0\r\n\r\n",
             (const char *)context);
    (void)request;
    endpoint_send(socket, text);
}

static void test_probe__a_redirect_is_not_followed(void **state)
{
    (void)state;
    char elsewhere[] = "http://127.0.0.1:1";
    struct ts_probe_result result = run_load(reply_redirect, elsewhere, 2, 1);
    check_accounts(&result);
    assert_int_equal(result.n_outcomes[TS_PROBE_FAILED], 2);
    assert_int_equal(result.records[0].http_status, 307);
    ts_probe_result_deinit(&result);
}

/* ---- hostile ---- */

static void send_junk(int socket, struct ts_rng *rng)
{
    char junk[512];
    for (size_t i = 0; i < sizeof junk; i++) {
        junk[i] = (char)ts_rng_u32(rng);
    }
    endpoint_send_bytes(socket, junk, sizeof junk);
}

static void send_huge_line(int socket)
{
    char piece[1 << 16];
    memset(piece, 'x', sizeof piece);
    endpoint_send_stream_head(socket);
    endpoint_send(socket, "data: ");
    for (size_t i = 0; i < 200 && endpoint_send_bytes(socket, piece, sizeof piece); i++) {
    }
}

static void send_endless_tokens(int socket)
{
    endpoint_send_stream_head(socket);
    while (endpoint_send_token(socket, "on and on ")) {
        endpoint_sleep_ms(10);
    }
}

static void send_byte_by_byte(int socket)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
                               "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\r\n\r\ndata: [DONE]\r\n\r\n";
    for (size_t i = 0; i + 1 < sizeof text && endpoint_send_bytes(socket, text + i, 1); i++) {
    }
}

static void reply_hostile(void *context, const struct endpoint_request *request, int socket)
{
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nwhat\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nwhat\r\n",
        "HTTP/1.1 200 OK\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n",
        "HTTP/1.1 200 OK\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\n\n",
        "HTTP/1.1 200 OK\r\n\r\ndata: {\"error\":{\"message\":\"out of memory\"}}\n\n",
        "HTTP/1.1 200 OK\r\n\r\ndata: [DONE]\n\n",
        "HTTP/1.1 200 OK\r\n\r\n{\"choices\":[{\"message\":{\"content\":\"not a stream\"}}]}",
        ("HTTP/1.1 200 OK\r\n\r\ndata: "
         "{\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":99999999999999999999}}\n\n"),
        "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Slow\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 Who\r\nContent-Length: 27\r\n\r\n{\"error\":{\"message\":\"key?\"}}",
        "HTTP/1.1 404 Where\r\n\r\n<html>no such page</html>",
        "HTTP/1.1 99999 ?\r\n\r\n",
        "HTTP/9.9 200\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "",
    };
    enum { N_TEXTS = sizeof texts / sizeof texts[0] };
    struct ts_rng rng;
    (void)context;
    ts_rng_init(&rng, 11, 0, (uint32_t)request->number, 0);
    const uint32_t kind = ts_rng_u32(&rng) % 100;
    if (kind < 10) {
        endpoint_send_good(request, socket, 0);
    } else if (kind < 14) {
        send_junk(socket, &rng);
    } else if (kind < 16) {
        send_huge_line(socket);
    } else if (kind < 18) {
        send_byte_by_byte(socket);
    } else if (kind < 19) {
        send_endless_tokens(socket);
    } else if (kind < 20) { /* stalls in the middle of an event */
        endpoint_send_stream_head(socket);
        endpoint_send(socket, "data: {\"cho");
        endpoint_sleep_ms(2500);
    } else {
        endpoint_send(socket, texts[ts_rng_u32(&rng) % N_TEXTS]);
    }
}

static void test_probe__a_thousand_hostile_replies_are_all_accounted_for(void **state)
{
    (void)state;
    struct ts_probe_result result = run_load(reply_hostile, NULL, 1000, 64);
    check_accounts(&result);
    assert_true(result.n_outcomes[TS_PROBE_DONE] >= 50);
    assert_true(result.n_outcomes[TS_PROBE_FAILED] >= 300);
    assert_true(result.n_outcomes[TS_PROBE_TIMED_OUT] >= 1);
    assert_true(result.n_outcomes[TS_PROBE_REFUSED] >= 1);
    assert_int_equal(result.n_outcomes[TS_PROBE_CANCELLED], 0);
    assert_true(result.n_messages <= TS_PROBE_MAX_MESSAGES);
    ts_probe_result_deinit(&result);
}

/* Points of a grid have seeds one apart and number their requests from 0: a prompt that came again would be found in
 * the endpoint's prefix cache. */
static void test_probe__no_prompt_comes_again_under_another_seed(void **state)
{
    (void)state;
    enum { SEEDS = 12, NUMBERS = 12, WORDS = 8 };
    struct ts_text prompts[SEEDS * NUMBERS];
    for (size_t i = 0; i < SEEDS * NUMBERS; i++) {
        ts_text_init(&prompts[i]);
        ts_probe_prompt(&prompts[i], WORDS, i / NUMBERS, i % NUMBERS);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(prompts[i].data, prompts[k].data);
        }
    }
    for (size_t i = 0; i < SEEDS * NUMBERS; i++) {
        ts_text_deinit(&prompts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe__a_good_endpoint_is_measured),
        cmocka_unit_test(test_probe__hidden_tokens_count_and_do_not_shorten_tpot),
        cmocka_unit_test(test_probe__a_reply_that_is_all_hidden_is_done),
        cmocka_unit_test(test_probe__an_aborted_stream_is_a_failure),
        cmocka_unit_test(test_probe__what_is_no_stream_is_told_in_its_words),
        cmocka_unit_test(test_probe__no_prompt_comes_again_under_another_seed),
        cmocka_unit_test(test_probe__users_think_before_they_send),
        cmocka_unit_test(test_probe__a_closed_loop_never_has_more_under_way),
        cmocka_unit_test(test_probe__an_open_loop_sends_each_at_its_time),
        cmocka_unit_test(test_probe__retry_after_is_obeyed),
        cmocka_unit_test(test_probe__what_stays_busy_is_refused_with_its_reason),
        cmocka_unit_test(test_probe__nobody_there_is_a_failure_in_words),
        cmocka_unit_test(test_probe__an_address_that_is_none_is_a_usage_error),
        cmocka_unit_test(test_probe__an_interrupted_load_accounts_for_every_request),
        cmocka_unit_test(test_probe__the_key_goes_to_the_endpoint_and_nowhere_else),
        cmocka_unit_test(test_probe__an_echoed_key_is_hidden_in_all_that_is_written),
        cmocka_unit_test(test_probe__a_key_with_a_line_end_is_not_sent),
        cmocka_unit_test(test_probe__this_machine_is_exactly_that),
        cmocka_unit_test(test_probe__a_proxy_is_not_asked_for_this_machine),
        cmocka_unit_test(test_probe__a_redirect_is_not_followed),
        cmocka_unit_test(test_probe__a_thousand_hostile_replies_are_all_accounted_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
