/* From HTTP to the transformer and back: an endpoint that serves the reference engine, one request at a time, probed.
 */
#include "live/probe_report.h"

#include <pthread.h>
#include <stdio.h>

#include "engine/kv_cache.h"
#include "live/live.h"
#include "tests/endpoint/endpoint.h"
#include "tests/engine/tiny_model.h"

struct service {
    struct ts_live *live;
    pthread_mutex_t lock;
    int socket; /* of the request that is served */
    uint32_t n_sent;
};

static void send_token(void *user, size_t index, uint32_t token)
{
    struct service *service = user;
    char text[32];
    (void)index;
    snprintf(text, sizeof text, "t%u ", token);
    service->n_sent += endpoint_send_token(service->socket, text);
}

static void reply(void *context, const struct endpoint_request *request, int socket)
{
    struct service *service = context;
    const struct ts_live_hooks hooks = {.on_token = send_token, .user = service};
    const struct ts_request asked = {.prompt_tok = 20, .output_tok = endpoint_number(request->body, "max_tokens", 1)};
    struct ts_live_run run;
    pthread_mutex_lock(&service->lock);
    service->socket = socket;
    if (endpoint_send_stream_head(socket) && ts_live_serve(&run, service->live, &asked, 1, &hooks, NULL) == TS_OK) {
        endpoint_send_end(socket, asked.prompt_tok, run.records[0].n_given);
        ts_live_run_deinit(&run);
    }
    pthread_mutex_unlock(&service->lock);
}

static void test_endpoint_engine__tokens_of_the_transformer_reach_the_probe(void **state)
{
    (void)state;
    enum { N = 12, OUTPUT = 9 };
    const struct ts_model_config config = tiny_llama();
    const struct ts_live_options live_options = {
        .config = &config,
        .quant = "Q4_0",
        .n_threads = 1,
        .seed = 3,
        .scheduler = {.max_batched_tok = 64,
                      .max_seqs = 1,
                      .chunked_prefill = true,
                      .block_tok = TS_KV_PAGE_TOK,
                      .kv_blocks = 16},
    };
    struct service service = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct ts_probe_ask asks[N];
    struct ts_probe_result result;
    assert_int_equal(ts_live_create(&service.live, &live_options, NULL), TS_OK);
    struct endpoint *endpoint = endpoint_start(reply, &service);
    assert_non_null(endpoint);
    char *url = ts_openai_url(endpoint_url(endpoint), ts_openai_api_find("chat"));
    for (size_t i = 0; i < N; i++) {
        asks[i] = (struct ts_probe_ask){.prompt_tok = 20, .output_tok = OUTPUT};
    }
    const struct ts_probe_load load = {.asks = asks, .n = N, .concurrency = 3};
    const struct ts_probe_options options = {
        .http = {.url = url, .connect_s = 5.0, .stall_s = 60.0, .total_s = 60.0, .agent = "tiersim/test"},
        .api = ts_openai_api_find("chat"),
        .retry_s = 0.01,
        .seed = 1,
    };
    assert_int_equal(ts_probe_run(&result, &load, &options, NULL), TS_OK);
    assert_int_equal(result.n_outcomes[TS_PROBE_DONE], N);
    assert_int_equal(service.n_sent, N * OUTPUT);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(result.records[i].prompt_tok, 20);
        assert_int_equal(result.records[i].output_tok, OUTPUT);
        assert_int_equal(result.records[i].n_gaps, OUTPUT - 1);
    }
    ts_probe_result_deinit(&result);
    endpoint_stop(endpoint);
    ts_live_destroy(service.live);
    free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoint_engine__tokens_of_the_transformer_reach_the_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
