/* Hides what stands before a forward pass can be timed: weights, a cache full of made-up keys and values, buffers; and
 * how deep a short measurement goes. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "engine/bench_model_run.h"
#include "engine/model_plan.h"
#include "kernels/formats/half.h"
#include "kernels/host.h"

enum {
    DEFAULT_BATCH = 64,
    DEFAULT_PREFILL = 512,
    DEFAULT_DEPTH = 4096,
    MAX_BATCH = 1024,
    MAX_PREFILL = 8192,
    FILL_HALVES = 1 << 15,
};

static const double long_budget_s = 120.0; /* from here on the deepest sequences are measured too */
static const uint32_t short_depth = 2048;  /* below it, no deeper than this */

static enum ts_status make_plan(struct ts_model_bench *bench)
{
    struct ts_model_step steps[TS_MODEL_BENCH_MAX_ITEMS];
    struct ts_model_plan_limits limits = {
        .max_batch = bench->max_batch,
        .max_prefill = bench->max_prefill,
        .max_depth = bench->options->budget_s >= long_budget_s ? bench->max_depth : short_depth,
        .max_kv_tok = bench->max_kv_bytes / ts_model_config_kv_bytes_per_tok(&bench->config, 2),
        .check = bench->options->check,
        .batches = bench->options->batches,
        .n_batches = bench->options->n_batches,
        .depths = bench->options->depths,
        .n_depths = bench->options->n_depths,
        .prompts = bench->options->prompts,
        .n_prompts = bench->options->n_prompts,
    };
    if (bench->options->max_depth == 0 && bench->options->n_depths == 0 && bench->config.context < bench->max_depth) {
        bench->max_depth = bench->config.context;
    }
    limits.max_depth =
        limits.max_depth < bench->max_depth && bench->options->n_depths == 0 ? limits.max_depth : bench->max_depth;
    bench->n_items = ts_model_plan(steps, TS_MODEL_BENCH_MAX_ITEMS, &limits);
    bench->items = ts_arena_array(bench->arena, TS_MODEL_BENCH_MAX_ITEMS, sizeof *bench->items);
    if (!bench->items) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < bench->n_items; i++) {
        bench->items[i].step = steps[i];
    }
    if (bench->options->n_depths > 0 && bench->max_depth > bench->config.context) {
        ts_diags_add(bench->diags, TS_WARNING, ts_span_none(), NULL,
                     "%u cached tokens are more than the context of %s, %u tokens", bench->max_depth,
                     bench->config.name, bench->config.context);
    }
    if (bench->n_items == 0) {
        return ts_fail(bench->diags, TS_ERANGE, ts_span_none(), "allow more memory for the cache",
                       "no step fits the limits");
    }
    return TS_OK;
}

static uint32_t or_default(uint32_t value, uint32_t if_zero)
{
    return value ? value : if_zero;
}

enum ts_status ts_model_bench_check(struct ts_model_bench *bench)
{
    const struct ts_model_bench_options *options = bench->options;
    bench->max_batch = or_default(options->max_batch, DEFAULT_BATCH);
    bench->max_prefill = or_default(options->max_prefill, DEFAULT_PREFILL);
    bench->max_depth = or_default(options->max_depth, DEFAULT_DEPTH);
    if (options->n_batches > 0) {
        bench->max_batch = options->batches[options->n_batches - 1];
    }
    if (options->n_depths > 0) {
        bench->max_depth = options->depths[options->n_depths - 1] > 0 ? options->depths[options->n_depths - 1] : 1;
    }
    if (options->n_prompts > 0) {
        bench->max_prefill = options->prompts[options->n_prompts - 1];
    }
    bench->n_threads = or_default(options->n_threads, ts_host_usable_cpus());
    bench->max_kv_bytes = options->max_kv_bytes;
    if (bench->max_kv_bytes == 0) {
        uint64_t most = (uint64_t)(options->budget_s >= long_budget_s ? 8 : 2) << 30,
                 quarter = ts_host_memory_bytes() / 4;
        bench->max_kv_bytes = quarter > 0 && quarter < most ? quarter : most;
    }
    if (bench->max_batch > MAX_BATCH || bench->max_prefill > MAX_PREFILL || bench->max_depth > (1U << 24) ||
        !(options->budget_s > 0.0 && options->budget_s <= 86400.0)) {
        return ts_fail(bench->diags, TS_ERANGE, ts_span_none(), NULL,
                       "at most %d sequences, %d tokens a chunk, 86400 seconds", (int)MAX_BATCH, (int)MAX_PREFILL);
    }
    return TS_OK;
}

/* Normal-looking keys and values in all pages. */
static void fill_cache(const struct ts_model_bench *bench)
{
    static const size_t piece = (size_t)FILL_HALVES * sizeof(uint16_t);
    uint16_t *halves = (uint16_t *)(void *)bench->cache.data;
    struct ts_rng rng;
    ts_rng_init(&rng, bench->options->seed, 0, 0, 0);
    size_t first = bench->cache.total_bytes < piece ? bench->cache.total_bytes : piece;
    for (size_t i = 0; i < first / sizeof *halves; i++) {
        halves[i] = ts_half_from_float((float)ts_rng_normal(&rng));
    }
    for (size_t at = piece; at < bench->cache.total_bytes; at += piece) {
        size_t left = bench->cache.total_bytes - at;
        memcpy(bench->cache.data + at, bench->cache.data, left < piece ? left : piece);
    }
}

static enum ts_status create_cache(struct ts_model_bench *bench)
{
    uint64_t most = 0;
    for (size_t i = 0; i < bench->n_items; i++) {
        uint64_t tok = ts_model_plan_kv_tok(&bench->items[i].step);
        most = tok > most ? tok : most;
    }
    enum ts_status status = ts_kv_cache_create(&bench->cache, TS_KV_F16, bench->config.layers, bench->config.kv_heads,
                                               bench->config.head_dim, (uint32_t)(most / TS_KV_PAGE_TOK));
    if (status == TS_OK) {
        fill_cache(bench);
    }
    return status;
}

static enum ts_status create_buffers(struct ts_model_bench *bench)
{
    const uint32_t n = bench->max_batch + 1;
    bench->logits = malloc((size_t)n * bench->config.vocab * sizeof *bench->logits);
    const enum ts_status status =
        bench->logits ? ts_spare_steps_init(&bench->spare, &bench->cache, n,
                                            bench->max_prefill > n ? bench->max_prefill : n, bench->config.vocab)
                      : TS_ENOMEM;
    return status == TS_OK ? ts_transformer_create(&bench->transformer, bench->weights, &bench->cache, bench->pool,
                                                   bench->max_prefill + bench->max_batch, n)
                           : status;
}

enum ts_status ts_model_bench_set_up(struct ts_model_bench *bench)
{
    enum ts_status status = ts_pool_create(&bench->pool, bench->n_threads);
    if (status == TS_OK) {
        const struct ts_model_bench_options *options = bench->options;
        const struct ts_weight_origin origin = {options->gguf_path, options->config, options->quant, options->seed};
        status = ts_weight_source_open(&bench->source, &bench->gguf, &bench->config, &origin, bench->diags);
    }
    if (status == TS_OK) {
        status = make_plan(bench);
    }
    if (status == TS_OK) {
        status = ts_weights_create(&bench->weights, &bench->config, bench->source, bench->options->isa, bench->pool,
                                   bench->diags);
    }
    if (status == TS_OK) {
        status = create_cache(bench);
    }
    if (status == TS_OK) {
        status = create_buffers(bench);
    }
    if (status == TS_ENOMEM) {
        return ts_fail(bench->diags, TS_ENOMEM, ts_span_none(),
                       "close other programs, or measure a smaller model or fewer sequences",
                       "not enough memory for the model and its cache");
    }
    return status;
}

void ts_model_bench_tear_down(struct ts_model_bench *bench)
{
    ts_transformer_destroy(bench->transformer);
    ts_spare_steps_deinit(&bench->spare);
    free(bench->logits);
    ts_kv_cache_deinit(&bench->cache);
    ts_weights_destroy(bench->weights);
    ts_weight_source_destroy(bench->source);
    ts_gguf_close(bench->gguf);
    ts_pool_destroy(bench->pool);
}
