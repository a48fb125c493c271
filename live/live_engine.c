/* Hides how a model is loaded and warmed up, and how a step is put together that no request asked for. */
#include "live/live_engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "engine/model_plan.h"
#include "kernels/cpu.h"
#include "kernels/host.h"
#include "sim/pace.h"

enum { WARM_TOK = 64 };

static enum ts_status create_buffers(struct ts_live *live)
{
    const struct ts_scheduler_config *sched = &live->options.scheduler;
    live->max_seqs = sched->max_seqs < sched->max_batched_tok ? sched->max_seqs : sched->max_batched_tok;
    live->chunks = calloc(live->max_seqs, sizeof *live->chunks);
    live->owners = calloc(live->max_seqs, sizeof *live->owners);
    live->gives = calloc(live->max_seqs, sizeof *live->gives);
    live->logits = malloc((size_t)live->max_seqs * live->config.vocab * sizeof *live->logits);
    const uint64_t n_pages = sched->kv_blocks + live->options.spare_blocks;
    if (!live->chunks || !live->owners || !live->gives || !live->logits || n_pages > UINT32_MAX) {
        return TS_ENOMEM;
    }
    enum ts_status status = ts_kv_cache_create(&live->cache, TS_KV_F16, live->config.layers, live->config.kv_heads,
                                               live->config.head_dim, (uint32_t)n_pages);
    if (status == TS_OK) {
        status =
            ts_spare_steps_init(&live->spare, &live->cache, live->max_seqs, sched->max_batched_tok, live->config.vocab);
    }
    return status == TS_OK ? ts_transformer_create(&live->transformer, live->weights, &live->cache, live->pool,
                                                   sched->max_batched_tok, live->max_seqs)
                           : status;
}

/* Touches weights, cache and buffers once, so that the first request does not pay for it. */
static enum ts_status warm_up(struct ts_live *live, struct ts_diags *diags)
{
    const uint32_t most = live->options.scheduler.max_batched_tok;
    uint32_t tokens[WARM_TOK] = {0};
    struct ts_kv_seq seq = {0};
    memset(live->cache.data, 0, live->cache.total_bytes);
    memset(live->logits, 0, (size_t)live->max_seqs * live->config.vocab * sizeof *live->logits);
    const uint32_t n_tok = most < WARM_TOK ? most : WARM_TOK;
    const struct ts_step_chunk chunk = {.seq = &seq, .tokens = tokens, .n_tok = n_tok, .n_logits = 1};
    enum ts_status status = ts_kv_seq_reserve(&live->cache, &seq, n_tok);
    if (status == TS_OK) {
        status = ts_transformer_step(live->transformer, &chunk, 1, live->logits, diags);
    }
    ts_kv_seq_release(&live->cache, &seq);
    return status;
}

void ts_live_destroy(struct ts_live *live)
{
    if (!live) {
        return;
    }
    ts_transformer_destroy(live->transformer);
    free(live->chunks);
    free(live->owners);
    free(live->gives);
    free(live->logits);
    ts_spare_steps_deinit(&live->spare);
    ts_kv_cache_deinit(&live->cache);
    ts_weights_destroy(live->weights);
    ts_weight_source_destroy(live->source);
    ts_gguf_close(live->gguf);
    ts_pool_destroy(live->pool);
    free(live);
}

enum ts_status ts_live_create(struct ts_live **out, const struct ts_live_options *options, struct ts_diags *diags)
{
    TS_CHECK(options->scheduler.block_tok == TS_KV_PAGE_TOK);
    struct ts_live *live = calloc(1, sizeof *live);
    if (!live) {
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    live->options = *options;
    live->options.n_threads = options->n_threads ? options->n_threads : ts_host_usable_cpus();
    enum ts_status status = ts_pool_create(&live->pool, live->options.n_threads);
    if (status == TS_OK) {
        const struct ts_weight_origin origin = {options->gguf_path, options->config, options->quant, options->seed};
        status = ts_weight_source_open(&live->source, &live->gguf, &live->config, &origin, diags);
    }
    if (status == TS_OK) {
        status = ts_weights_create(&live->weights, &live->config, live->source, options->isa, live->pool, diags);
    }
    if (status == TS_OK) {
        status = create_buffers(live);
    }
    if (status == TS_OK) {
        status = warm_up(live, diags);
    }
    if (status != TS_OK) {
        ts_live_destroy(live);
        return status == TS_ENOMEM ? ts_fail(diags, TS_ENOMEM, ts_span_none(),
                                             "close other programs, or take a smaller model or fewer KV blocks",
                                             "not enough memory for the model and its cache")
                                   : status;
    }
    *out = live;
    return TS_OK;
}

const char *ts_live_model(const struct ts_live *live)
{
    return live->config.name;
}

const char *ts_live_quant(const struct ts_live *live)
{
    return ts_weights_quant(live->weights);
}

const char *ts_live_kernel(const struct ts_live *live)
{
    return ts_weights_kernel(live->weights);
}

uint32_t ts_live_threads(const struct ts_live *live)
{
    return live->options.n_threads;
}

enum ts_status ts_live_describe(struct ts_model_measurement *out, const struct ts_live *live, struct ts_arena *arena)
{
    const char *path = live->options.gguf_path;
    struct ts_host host;
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    const enum ts_status status = ts_host_describe(&host, arena, &cpu);
    *out = (struct ts_model_measurement){
        .model = ts_arena_strdup(arena, live->config.name),
        .quant = ts_arena_strdup(arena, ts_live_quant(live)),
        .kernel = ts_live_kernel(live),
        .cpu = host.cpu,
        .weights = path ? ts_arena_strdup(arena, ts_path_base(path))
                        : ts_arena_printf(arena, "synthetic, seed %llu", (unsigned long long)live->options.seed),
        .n_threads = live->options.n_threads,
        .weight_bytes = live->weights->packed_bytes,
        .kv_bytes_per_tok = ts_model_config_kv_bytes_per_tok(&live->config, 2),
        .working_bytes = ts_transformer_bytes(live->transformer),
    };
    return status == TS_OK && (!out->model || !out->quant || !out->weights) ? TS_ENOMEM : status;
}

uint32_t ts_live_likeliest(const float *logits, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

/* ---- single steps ---- */

const double ts_live_memory_s[TS_LIVE_N_MEMORIES] = {1e-3, 2e-3, 4e-3, 6e-3, 9e-3, 13e-3, 20e-3, 30e-3, 50e-3, 0.1};

/* The heats at now_ns, if since heat_ns nothing ran, or steps like these. */
static void heats_at(double heats[TS_LIVE_N_MEMORIES], const struct ts_live *live, int64_t now_ns, bool has_prompt)
{
    for (size_t i = 0; i < TS_LIVE_N_MEMORIES; i++) {
        heats[i] =
            ts_pace_heat(live->heats[i], 1e-9 * (double)(now_ns - live->heat_ns), has_prompt, ts_live_memory_s[i]);
    }
}

void ts_live_heats(double heats[TS_LIVE_N_MEMORIES], const struct ts_live *live)
{
    heats_at(heats, live, ts_clock_now_ns(), false);
}

void ts_live_remember(struct ts_live *live, int64_t begin_ns, bool has_prompt)
{
    const int64_t now_ns = ts_clock_now_ns();
    heats_at(live->heats, live, begin_ns, false);
    live->heat_ns = begin_ns;
    heats_at(live->heats, live, now_ns, has_prompt);
    live->heat_ns = now_ns;
}

bool ts_live_can_time(const struct ts_live *live, const struct ts_model_step *step)
{
    const struct ts_scheduler_config *sched = &live->options.scheduler;
    const uint64_t n_seqs = (uint64_t)step->n_decode + ts_model_step_prompts(step);
    return n_seqs > 0 && n_seqs <= live->max_seqs &&
           (uint64_t)step->n_decode + step->prefill <= sched->max_batched_tok &&
           ts_model_plan_kv_tok(step) <= (uint64_t)live->options.spare_blocks * TS_KV_PAGE_TOK;
}

/* As the serving loop does it: the forward pass, then a token from each row of logits. */
static enum ts_status compute_spare(struct ts_live *live, uint32_t n, double *seconds, struct ts_diags *diags)
{
    const int64_t begin_ns = ts_clock_now_ns();
    const enum ts_status status = ts_transformer_step(live->transformer, live->spare.chunks, n, live->logits, diags);
    for (uint32_t i = 0; status == TS_OK && i < n; i++) {
        live->spare.tokens[i] = ts_live_likeliest(live->logits + (size_t)i * live->config.vocab, live->config.vocab);
    }
    *seconds = 1e-9 * (double)(ts_clock_now_ns() - begin_ns);
    return status;
}

enum ts_status ts_live_time_step(struct ts_live *live, double *seconds, const struct ts_model_step *step,
                                 struct ts_diags *diags)
{
    TS_CHECK(ts_live_can_time(live, step));
    const int64_t begin_ns = ts_clock_now_ns();
    enum ts_status status = ts_spare_steps_make(&live->spare, step);
    if (status == TS_OK) {
        status = compute_spare(live, live->spare.n, seconds, diags);
    }
    ts_live_remember(live, begin_ns, step->prefill > 0);
    ts_spare_steps_release(&live->spare);
    return status;
}
