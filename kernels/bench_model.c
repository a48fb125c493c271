/* Hides how time is shared out among the steps of model_plan.c. Items are ordered by tokens; a first round warms up,
 * gives estimates and leaves out what would take more than a third of the time in one round. Rounds then take each item
 * once (short ones a few times), so that a disturbance is spread over all. An item is settled when its two fastest
 * samples agree; once each has been taken twice, only those that are not settled are taken again, and when all are,
 * all. One that never settles (a lucky sample that does not come again) is not waited for beyond four times the rounds
 * of the others. */
#include "kernels/bench_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "kernels/cpu.h"
#include "kernels/half.h"
#include "kernels/host.h"
#include "kernels/model_plan.h"
#include "kernels/spread.h"
#include "kernels/transformer.h"

enum {
    DEFAULT_BATCH = 64,
    DEFAULT_PREFILL = 512,
    DEFAULT_DEPTH = 4096,
    MAX_BATCH = 1024,
    MAX_PREFILL = 8192,
    MAX_ITEMS = 128,
    MAX_REPEATS = 5,
    ROUNDS_AHEAD = 4, /* of an item that does not settle, for each round of the others */
    FILL_HALVES = 1 << 15,
};

static const double repeat_until_s = 0.08;
static const double first_round_frac = 0.35; /* of the time left */
static const double least_round_frac = 0.02; /* of the time: what is left is not worth another round */
static const double settled_frac = 0.01;     /* by which the two fastest samples may differ */
static const double long_budget_s = 120.0;   /* from here on the deepest sequences are measured too */
static const uint32_t short_depth = 2048;    /* below it, no deeper than this */

struct bench_item {
    struct ts_model_step step;
    double samples[TS_MODEL_STEP_MAX_SAMPLES];
    double estimate_s;
    uint32_t n_rounds; /* that it was taken in, by this run */
    bool dropped;
};

struct bench {
    const struct ts_model_bench_options *options;
    struct ts_arena *arena;
    struct ts_diags *diags;
    struct ts_model_config config;
    uint32_t max_batch, max_prefill, max_depth, n_threads;
    uint64_t max_kv_bytes;
    double start_s, spent_before_s;
    struct bench_item *items; /* [MAX_ITEMS] */
    size_t n_items;
    struct ts_pool *pool;
    struct ts_gguf *gguf;
    struct ts_weight_source *source;
    struct ts_weights *weights;
    struct ts_kv_cache cache;
    struct ts_transformer *transformer;
    struct ts_kv_seq *seqs;       /* [max_batch + 1] */
    struct ts_step_chunk *chunks; /* [max_batch + 1] */
    uint32_t *tokens;             /* [max_prefill] */
    float *logits;                /* [max_batch + 1][vocab] */
};

/* -- set-up -- */

static enum ts_status make_plan(struct bench *bench)
{
    struct ts_model_step steps[MAX_ITEMS];
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
    };
    if (bench->options->max_depth == 0 && bench->options->n_depths == 0 && bench->config.context < bench->max_depth) {
        bench->max_depth = bench->config.context;
    }
    limits.max_depth =
        limits.max_depth < bench->max_depth && bench->options->n_depths == 0 ? limits.max_depth : bench->max_depth;
    bench->n_items = ts_model_plan(steps, MAX_ITEMS, &limits);
    bench->items = ts_arena_array(bench->arena, MAX_ITEMS, sizeof *bench->items);
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

static enum ts_status check_options(struct bench *bench)
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

static enum ts_status open_source(struct bench *bench)
{
    const struct ts_model_bench_options *options = bench->options;
    if (!options->gguf_path) {
        bench->config = *options->config;
        return ts_weight_source_synthetic(&bench->source, &bench->config, options->quant, options->seed, bench->diags);
    }
    enum ts_status status = ts_gguf_open(&bench->gguf, options->gguf_path, bench->diags);
    if (status == TS_OK) {
        status = ts_model_config_from_gguf(&bench->config, bench->gguf, bench->diags);
    }
    return status == TS_OK ? ts_weight_source_from_gguf(&bench->source, bench->gguf) : status;
}

/* Normal-looking keys and values in all pages. */
static void fill_cache(const struct bench *bench)
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

static enum ts_status create_cache(struct bench *bench)
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

static enum ts_status create_buffers(struct bench *bench)
{
    uint32_t n = bench->max_batch + 1;
    bench->seqs = calloc(n, sizeof *bench->seqs);
    bench->chunks = calloc(n, sizeof *bench->chunks);
    bench->tokens = calloc(bench->max_prefill > n ? bench->max_prefill : n, sizeof *bench->tokens);
    bench->logits = malloc((size_t)n * bench->config.vocab * sizeof *bench->logits);
    if (!bench->seqs || !bench->chunks || !bench->tokens || !bench->logits) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < (bench->max_prefill > n ? bench->max_prefill : n); i++) {
        bench->tokens[i] = (uint32_t)(ts_mix64(i) % bench->config.vocab);
    }
    return ts_transformer_create(&bench->transformer, bench->weights, &bench->cache, bench->pool,
                                 bench->max_prefill + bench->max_batch, n);
}

static enum ts_status set_up(struct bench *bench)
{
    enum ts_status status = ts_pool_create(&bench->pool, bench->n_threads);
    if (status == TS_OK) {
        status = open_source(bench);
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

static void tear_down(struct bench *bench)
{
    ts_transformer_destroy(bench->transformer);
    for (uint32_t i = 0; bench->seqs && i <= bench->max_batch; i++) {
        ts_kv_seq_release(&bench->cache, &bench->seqs[i]);
    }
    free(bench->seqs);
    free(bench->chunks);
    free(bench->tokens);
    free(bench->logits);
    ts_kv_cache_deinit(&bench->cache);
    ts_weights_destroy(bench->weights);
    ts_weight_source_destroy(bench->source);
    ts_gguf_close(bench->gguf);
    ts_pool_destroy(bench->pool);
}

/* -- measuring -- */

/* A sequence of `depth` tokens whose pages hold whatever is in them. */
static enum ts_status make_seq(struct bench *bench, uint32_t index, uint32_t depth, uint32_t n_tok)
{
    struct ts_kv_seq *seq = &bench->seqs[index];
    enum ts_status status = ts_kv_seq_reserve(&bench->cache, seq, depth + n_tok);
    seq->n_tok = depth;
    bench->chunks[index] = (struct ts_step_chunk){seq, bench->tokens + (n_tok == 1 ? index : 0), n_tok, 1};
    return status;
}

static enum ts_status time_step(struct bench *bench, const struct ts_model_step *step, double *seconds)
{
    enum ts_status status = TS_OK;
    uint32_t n = 0;
    for (; n < step->n_decode && status == TS_OK; n++) {
        status = make_seq(bench, n, step->depth, 1);
    }
    if (step->prefill > 0 && status == TS_OK) {
        status = make_seq(bench, n++, step->prefill_depth, step->prefill);
    }
    if (status == TS_OK) {
        double start = ts_clock_s();
        status = ts_transformer_step(bench->transformer, bench->chunks, n, bench->logits, bench->diags);
        *seconds = ts_clock_s() - start;
    }
    for (uint32_t i = 0; i < n; i++) {
        ts_kv_seq_release(&bench->cache, &bench->seqs[i]);
    }
    return status;
}

static double spent_s(const struct bench *bench)
{
    return ts_clock_s() - bench->start_s + bench->spent_before_s;
}

/* True if it is time to stop. */
static bool report(const struct bench *bench, const struct ts_model_step *step)
{
    const struct ts_bench_progress *progress = &bench->options->progress;
    if (!progress->report) {
        return false;
    }
    struct ts_text name;
    ts_text_init(&name);
    if (step) {
        ts_model_step_name(&name, step);
    } else {
        ts_text_puts(&name, "loading the model");
    }
    double done = spent_s(bench) / bench->options->budget_s, left = bench->options->budget_s - spent_s(bench);
    int stop = progress->report(progress->user, done < 1.0 ? done : 1.0, name.data, left > 0.0 ? left : 0.0);
    ts_text_deinit(&name);
    return stop != 0;
}

static void keep_sample(struct bench_item *item, double seconds)
{
    if (item->step.n_samples < TS_MODEL_STEP_MAX_SAMPLES) {
        item->samples[item->step.n_samples++] = seconds;
    }
}

/* The two fastest samples agree, of at least two for a long step and three for a short one. */
static bool is_settled(const struct bench_item *item)
{
    uint32_t least = item->estimate_s > repeat_until_s ? 2 : 3;
    double first = INFINITY, second = INFINITY;
    for (uint32_t i = 0; i < item->step.n_samples; i++) {
        double s = item->samples[i];
        second = s < first ? first : s < second ? s : second;
        first = s < first ? s : first;
    }
    return item->step.n_samples >= least && second <= (1.0 + settled_frac) * first;
}

/* Every item once; those after the first that would take too long are left out. */
static enum ts_status first_round(struct bench *bench)
{
    double limit = first_round_frac * (bench->options->budget_s - (ts_clock_s() - bench->start_s)), used = 0.0;
    double per_tok = 0.0;
    for (size_t i = 0; i < bench->n_items; i++) {
        struct bench_item *item = &bench->items[i];
        double tokens = item->step.n_decode + item->step.prefill;
        if (report(bench, &item->step)) {
            return TS_EINTERRUPTED;
        }
        if (i > 0 && used + 0.8 * per_tok * tokens > limit) {
            item->dropped = true;
            continue;
        }
        enum ts_status status = time_step(bench, &item->step, &item->estimate_s);
        if (status != TS_OK) {
            return status;
        }
        if (item->estimate_s > repeat_until_s) {
            keep_sample(item, item->estimate_s);
        }
        used += item->estimate_s;
        per_tok = item->estimate_s / tokens;
    }
    return TS_OK;
}

static enum ts_status measure_item(struct bench *bench, struct bench_item *item)
{
    double total = 0.0;
    bool warm = item->estimate_s >
                repeat_until_s; /* a short step is slower behind one that has filled the caches with something else */
    for (int repeat = 0; repeat < MAX_REPEATS && total < repeat_until_s; repeat++) {
        double seconds = 0.0;
        enum ts_status status = time_step(bench, &item->step, &seconds);
        if (status != TS_OK) {
            return status;
        }
        total += seconds;
        if (!warm) {
            warm = true;
            continue;
        }
        keep_sample(item, seconds);
    }
    return TS_OK;
}

/* Rounds that every item was taken in. */
static uint32_t least_rounds(const struct bench *bench)
{
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < bench->n_items; i++) {
        const struct bench_item *item = &bench->items[i];
        least = !item->dropped && item->n_rounds < least ? item->n_rounds : least;
    }
    return least;
}

/* Not settled, and not yet far ahead of the others. */
static bool is_open(const struct bench_item *item, uint32_t least)
{
    return !item->dropped && !is_settled(item) && item->n_rounds / ROUNDS_AHEAD <= least;
}

static size_t n_open(const struct bench *bench)
{
    const uint32_t least = least_rounds(bench);
    size_t n = 0;
    for (size_t i = 0; i < bench->n_items; i++) {
        n += is_open(&bench->items[i], least);
    }
    return n;
}

/* All items, or those that are open; no further ones when the time is up, but each has a sample then. *n_taken: how
 * many there was time for. */
static enum ts_status measure_round(struct bench *bench, bool all, size_t *n_taken)
{
    const uint32_t least = least_rounds(bench);
    *n_taken = 0;
    for (size_t i = 0; i < bench->n_items; i++) {
        struct bench_item *item = &bench->items[i];
        bool late = item->step.n_samples > 0 && spent_s(bench) + item->estimate_s > bench->options->budget_s;
        if (item->dropped || late || (!all && !is_open(item, least))) {
            continue;
        }
        if (report(bench, &item->step)) {
            return TS_EINTERRUPTED;
        }
        enum ts_status status = measure_item(bench, item);
        if (status != TS_OK) {
            return status;
        }
        item->n_rounds++;
        ++*n_taken;
    }
    return TS_OK;
}

/* -- results -- */

static enum ts_status describe(const struct bench *bench, struct ts_model_measurement *out)
{
    struct ts_host host;
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    enum ts_status status = ts_host_describe(&host, bench->arena, &cpu);
    *out = (struct ts_model_measurement){
        .model = ts_arena_strdup(bench->arena, bench->config.name),
        .quant = ts_arena_strdup(bench->arena, ts_weights_quant(bench->weights)),
        .kernel = ts_weights_kernel(bench->weights),
        .cpu = host.cpu,
        .weights = bench->options->gguf_path ? ts_arena_strdup(bench->arena, ts_path_base(bench->options->gguf_path))
                                             : ts_arena_printf(bench->arena, "synthetic, seed %llu",
                                                               (unsigned long long)bench->options->seed),
        .n_threads = bench->n_threads,
        .weight_bytes = bench->weights->packed_bytes,
        .kv_bytes_per_tok = ts_model_config_kv_bytes_per_tok(&bench->config, 2),
        .fit_means = bench->options->fit_means,
        .working_bytes = ts_transformer_bytes(bench->transformer),
    };
    return status == TS_OK && (!out->model || !out->quant || !out->weights) ? TS_ENOMEM : status;
}

/* The steps that have samples. */
static enum ts_status collect(const struct bench *bench, struct ts_model_measurement *out)
{
    struct ts_model_step *steps = ts_arena_array(bench->arena, bench->n_items, sizeof *steps);
    double *sorted = ts_arena_array(bench->arena, TS_MODEL_STEP_MAX_SAMPLES, sizeof *sorted);
    if (!steps || !sorted) {
        return TS_ENOMEM;
    }
    out->n_steps = 0;
    for (size_t i = 0; i < bench->n_items; i++) {
        const struct bench_item *item = &bench->items[i];
        if (item->step.n_samples > 0) {
            memcpy(sorted, item->samples, item->step.n_samples * sizeof *sorted);
            steps[out->n_steps] = item->step;
            steps[out->n_steps].samples = item->samples;
            steps[out->n_steps].seconds = ts_spread_of(sorted, item->step.n_samples);
            steps[out->n_steps++].undisturbed_s = ts_spread_undisturbed(sorted, item->step.n_samples);
        }
    }
    out->steps = steps;
    return TS_OK;
}

static enum ts_status save(const struct bench *bench)
{
    struct ts_model_measurement m;
    if (!bench->options->resume_path) {
        return TS_OK;
    }
    enum ts_status status = describe(bench, &m);
    if (status == TS_OK) {
        status = collect(bench, &m);
    }
    return status == TS_OK && m.n_steps > 0 ? ts_model_measurement_write(&m, bench->options->resume_path, bench->diags)
                                            : status;
}

static void take_samples(struct bench_item *item, const struct ts_model_step *from, double *spent)
{
    for (uint32_t s = 0; s < from->n_samples && item->step.n_samples < TS_MODEL_STEP_MAX_SAMPLES; s++) {
        item->samples[item->step.n_samples++] = from->samples[s];
        *spent += from->samples[s];
    }
}

/* Takes up what an earlier run has left. */
static enum ts_status resume(struct bench *bench)
{
    const char *path = bench->options->resume_path;
    struct ts_model_measurement now, old;
    if (!path || !ts_file_exists(path)) {
        return TS_OK;
    }
    enum ts_status status = ts_model_measurement_read(&old, bench->arena, path, bench->diags);
    if (status == TS_OK) {
        status = describe(bench, &now);
    }
    if (status != TS_OK) {
        return status;
    }
    const char *const pairs[][3] = {
        {"model", now.model, old.model}, {"format", now.quant, old.quant},      {"kernel", now.kernel, old.kernel},
        {"machine", now.cpu, old.cpu},   {"weights", now.weights, old.weights},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (!ts_str_equal(pairs[i][1], pairs[i][2])) {
            return ts_fail(bench->diags, TS_EINPUT, ts_span_file(path), "remove it, or name another file",
                           "the samples are of another %s: '%s', not '%s'", pairs[i][0], pairs[i][2], pairs[i][1]);
        }
    }
    if (now.n_threads != old.n_threads) {
        return ts_fail(bench->diags, TS_EINPUT, ts_span_file(path), "remove it, or name another file",
                       "the samples are of %u threads, not %u", old.n_threads, now.n_threads);
    }
    for (size_t o = 0; o < old.n_steps; o++) {
        for (size_t i = 0; i < bench->n_items; i++) {
            if (ts_model_plan_same(&bench->items[i].step, &old.steps[o])) {
                take_samples(&bench->items[i], &old.steps[o], &bench->spent_before_s);
            }
        }
    }
    return TS_OK;
}

static enum ts_status measure(struct bench *bench)
{
    enum ts_status status = resume(bench);
    if (status != TS_OK || spent_s(bench) >= bench->options->budget_s) {
        return status;
    }
    status = first_round(bench);
    for (size_t round = 0; status == TS_OK; round++) {
        size_t n_taken = 0;
        status = measure_round(bench, round == 0 || n_open(bench) == 0, &n_taken);
        enum ts_status saved = save(bench);
        status = status == TS_OK ? saved : status;
        if (spent_s(bench) > (1.0 - least_round_frac) * bench->options->budget_s || n_taken == 0) {
            break; /* the time is up, or too short for any item */
        }
    }
    return status;
}

enum ts_status ts_bench_model_run(struct ts_model_measurement *out, struct ts_arena *arena,
                                  const struct ts_model_bench_options *options, struct ts_diags *diags)
{
    struct bench bench = {.options = options, .arena = arena, .diags = diags, .start_s = ts_clock_s()};
    struct ts_model_measurement m = {0};
    enum ts_status status = check_options(&bench);
    if (status != TS_OK) {
        return status;
    }
    status = report(&bench, NULL) ? TS_EINTERRUPTED : set_up(&bench);
    if (status == TS_OK) {
        status = measure(&bench);
    }
    if (status == TS_OK) {
        status = describe(&bench, &m);
    }
    if (status == TS_OK) {
        status = collect(&bench, &m);
    }
    if (status == TS_OK && m.n_steps == 0) {
        status = ts_fail(diags, TS_ERANGE, ts_span_none(), "give it more seconds, or a smaller model",
                         "no step could be measured in %.0f s, loading included", options->budget_s);
    }
    if (status == TS_OK) {
        status = ts_model_measurement_fit(&m, arena);
    }
    tear_down(&bench);
    if (status == TS_OK) {
        *out = m;
    }
    return status;
}
