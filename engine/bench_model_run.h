/* What the parts of measuring a model share: bench_model.c takes the samples, bench_model_setup.c makes what is
 * measured, bench_model_results.c turns samples into a measurement and takes up those of an earlier run. */
#ifndef TS_ENGINE_BENCH_MODEL_RUN_H
#define TS_ENGINE_BENCH_MODEL_RUN_H

#include "engine/bench_model.h"
#include "engine/spare_steps.h"
#include "engine/transformer.h"

enum { TS_MODEL_BENCH_MAX_ITEMS = 128 };

struct ts_model_bench_item {
    struct ts_model_step step;
    double samples[TS_MODEL_STEP_MAX_SAMPLES];
    double estimate_s;
    uint32_t n_rounds; /* that it was taken in, by this run */
    bool dropped;
};

struct ts_model_bench {
    const struct ts_model_bench_options *options;
    struct ts_arena *arena;
    struct ts_diags *diags;
    struct ts_model_config config;
    uint32_t max_batch, max_prefill, max_depth, n_threads;
    uint64_t max_kv_bytes;
    double start_s, spent_before_s;
    struct ts_model_bench_item *items; /* [TS_MODEL_BENCH_MAX_ITEMS] */
    size_t n_items;
    struct ts_pool *pool;
    struct ts_gguf *gguf;
    struct ts_weight_source *source;
    struct ts_weights *weights;
    struct ts_kv_cache cache;
    struct ts_transformer *transformer;
    struct ts_spare_steps spare;
    float *logits; /* [max_batch + 1][vocab] */
};

/* ---- bench_model_setup.c ---- */

/* Defaults and ranges. TS_ERANGE with a diagnostic. */
enum ts_status ts_model_bench_check(struct ts_model_bench *bench);
/* Threads, weights, the plan, the cache and buffers. ts_model_bench_tear_down in either case. */
enum ts_status ts_model_bench_set_up(struct ts_model_bench *bench);
void ts_model_bench_tear_down(struct ts_model_bench *bench);

/* ---- bench_model_results.c ---- */

/* What was measured, without the steps. */
enum ts_status ts_model_bench_describe(const struct ts_model_bench *bench, struct ts_model_measurement *out);
/* The steps that have samples. */
enum ts_status ts_model_bench_collect(const struct ts_model_bench *bench, struct ts_model_measurement *out);
/* The samples so far, to the file that a later run takes them up from; nothing without one. */
enum ts_status ts_model_bench_save(const struct ts_model_bench *bench);
enum ts_status ts_model_bench_resume(struct ts_model_bench *bench);

#endif
