/* Speed of the simulator: requests per second on one server replica. Without arguments a small generated workload (a
 * smoke test); by hand bench_sim ../shared/data/traces/AzureLLMInferenceTrace_conv.csv [8b|70b] [fast|steps] [repeats]
 * replays a trace. Step times after published fits, 8B on an H100: 6.2 + 0.081 b ms; 70B on four: 15.3 + 0.107 b ms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "base/units.h"
#include "sim/sim.h"
#include "tests/open_trace.h"
#include "traces/trace.h"

enum { N_GENERATED = 20000 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct ts_pool_model make_pool(const char *size)
{
    const int is_70b = strcmp(size, "70b") == 0;
    struct ts_pool_model pool = {.name = "server", .hardware = "", .weight = 1.0, .n_replicas = 1};
    struct ts_replica_model *replica = &pool.replica;
    replica->n_accelerators = is_70b ? 4 : 1;
    replica->max_batched_tok = 8192;
    replica->max_seqs = 256;
    replica->chunked_prefill = true;
    replica->block_tok = 16;
    replica->kv_blocks = is_70b ? 28000 : 26700;
    replica->steps.kind = TS_STEPS_LINEAR;
    replica->steps.u.linear = is_70b ? (struct ts_steps_linear){15.3e-3, 0.107e-3, 24e-9, 78e-6, 0.0}
                                     : (struct ts_steps_linear){6.2e-3, 0.081e-3, 39e-9, 36e-6, 0.0};
    replica->power =
        (struct ts_power_model){.idle_w = 100.0, .prefill_w = 650.0, .decode_w = 450.0, .host_frac = 0.43, .pue = 1.2};
    return pool;
}

static struct ts_model make_model(const struct ts_pool_model *pool)
{
    static const char *const classes[] = {"all"};
    struct ts_model model = {
        .name = "bench", .seed = 1, .n_tiers = 1, .class_names = classes, .n_classes = 1, .series_bin_s = 60.0};
    model.tiers[0] = (struct ts_tier_model){.name = "server",
                                            .kind = TS_TIER_SERVER,
                                            .link = -1,
                                            .replaces = -1,
                                            .u.server = {.pools = pool, .n_pools = 1, .kv_transfer = {.link = -1}}};
    model.router.policy = TS_ROUTE_STATIC;
    model.router.auc = 1.0;
    return model;
}

static struct ts_request *generate(void)
{
    struct ts_request *requests = calloc(N_GENERATED, sizeof *requests);
    struct ts_rng rng;
    double t = 0.0;
    ts_rng_init(&rng, 1, 0, 0, 0);
    for (uint64_t i = 0; requests && i < N_GENERATED; i++) {
        t += ts_rng_exponential(&rng) / 5.5;
        requests[i] = (struct ts_request){.id = i,
                                          .arrival_ns = ts_ns_from_s(t),
                                          .prompt_tok = 1 + (uint32_t)(1155.0 * ts_rng_exponential(&rng)),
                                          .output_tok = 1 + (uint32_t)(211.0 * ts_rng_exponential(&rng))};
    }
    return requests;
}

/* Reads the whole trace, so that parsing is not part of the time. */
static struct ts_request *load(const char *path, uint64_t *n)
{
    struct ts_request_stream *stream = NULL;
    struct ts_request *requests = NULL;
    uint64_t cap = 0;
    int got = 1;
    *n = 0;
    if (open_trace(&stream, path, NULL, NULL, NULL) != TS_OK) {
        return NULL;
    }
    while (got) {
        if (*n == cap) {
            cap = cap ? cap * 2 : 1024;
            struct ts_request *grown = realloc(requests, cap * sizeof *requests);
            if (!grown) {
                break;
            }
            requests = grown;
        }
        if (ts_request_next(stream, &requests[*n], &got, NULL) != TS_OK) {
            break;
        }
        *n += (uint64_t)got;
    }
    ts_request_stream_destroy(stream);
    return requests;
}

static int run_once(const struct ts_model *model, const struct ts_request *requests, uint64_t n, bool single_steps)
{
    const struct ts_sim_options options = {.single_steps = single_steps};
    struct ts_request_stream *stream = NULL;
    struct ts_result result;
    if (ts_request_stream_from_array(&stream, requests, n) != TS_OK) {
        return 1;
    }
    const double begin_s = now_s();
    const enum ts_status status = ts_sim_run(&result, model, stream, &options, NULL);
    const double took_s = now_s() - begin_s;
    ts_request_stream_destroy(stream);
    if (status != TS_OK) {
        fprintf(stderr, "%s\n", ts_status_text(status));
        return 1;
    }
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    printf("%8.0f requests/s  %6.2f M steps/s  done %llu  steps %llu  batch %.1f  ttft p50 %.1f ms  itl p50 %.2f ms  "
           "kv %.1f %%\n",
           (double)n / took_s, 1e-6 * (double)result.tiers[0].n_steps / took_s, (unsigned long long)cell->done,
           (unsigned long long)result.tiers[0].n_steps, result.tiers[0].mean_batch,
           1e-6 * ts_hist_quantile(&cell->latency_ns[TS_TTFT], 0.5),
           1e-6 * ts_hist_quantile(&cell->latency_ns[TS_ITL], 0.5), 100.0 * result.tiers[0].kv_mean_frac);
    const int ok = cell->done == n;
    ts_result_deinit(&result);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct ts_pool_model pool = make_pool(argc > 2 ? argv[2] : "8b");
    const struct ts_model model = make_model(&pool);
    const bool single_steps = argc > 3 && strcmp(argv[3], "steps") == 0;
    const int repeats = argc > 4 ? atoi(argv[4]) : 2;
    uint64_t n = N_GENERATED;
    struct ts_request *requests = argc > 1 ? load(argv[1], &n) : generate();
    int failures = !requests;
    for (int i = 0; failures == 0 && i < repeats; i++) {
        failures += run_once(&model, requests, n, single_steps);
    }
    free(requests);
    return failures;
}
