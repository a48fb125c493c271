/* tiersim bench model: whole forward passes of a model, made up or from a GGUF file, and the fit of their step times.
 * The result is added to the machine's measurement as its object "engine". */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/bench_common.h"
#include "app/interrupt.h"
#include "app/locate.h"
#include "app/progress_line.h"
#include "app/version.h"
#include "base/file.h"
#include "base/run_info.h"
#include "engine/bench_model.h"
#include "engine/llama_shape.h"
#include "kernels/cpu.h"
#include "kernels/host.h"
#include "live/catalog_model.h"

#define QUICK_BUDGET_S 50.0
#define FULL_BUDGET_S 480.0
#define DEFAULT_MODEL "Llama-3.2-1B"

enum { SYNTHETIC_SEED = 1, KNOT_DIGITS = 4, MAX_BATCH = 1024, MAX_DEPTH = 1 << 20, BASE_QUICK_S = 12 };

static enum ts_status choose_config(struct ts_model_config *out, struct ts_arena *arena, const struct ts_args *args,
                                    double *n_params, struct ts_diags *diags)
{
    if (args->config) {
        enum ts_status read = ts_model_config_read(out, args->config, diags);
        if (read == TS_OK) {
            *n_params = ts_model_config_params(out);
        }
        if (read == TS_OK && args->model) {
            (void)snprintf(out->name, sizeof out->name, "%s", args->model);
        }
        return read;
    }
    const struct ts_llm *llm = NULL;
    const char *name = args->model ? args->model : DEFAULT_MODEL;
    enum ts_status status = ts_catalog_model_find(&llm, arena, name, diags);
    if (status != TS_OK) {
        return status;
    }
    *n_params = llm->params;
    return ts_catalog_model_config(out, arena, name, diags);
}

static struct ts_table *steps_table(const struct ts_model_measurement *m)
{
    static const char *const headers[] = {"step", "ms", "spread %", "tok/s", "held out"};
    struct ts_table *table = ts_table_create("Steps of a whole forward pass (measured)");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ts_table_column(table, headers[i], i > 0);
    }
    struct ts_text name;
    ts_text_init(&name);
    for (size_t i = 0; i < m->n_steps; i++) {
        const struct ts_model_step *step = &m->steps[i];
        const struct ts_spread *s = &step->seconds;
        ts_text_clear(&name);
        ts_model_step_name(&name, step);
        ts_table_row(table);
        ts_table_put(table, name.data);
        ts_table_num(table, 1e3 * step->undisturbed_s, 4);
        ts_table_num(table, 100.0 * (s->p90 - s->min) / s->median, 2);
        ts_table_num(table, ts_model_step_tok_per_s(step), 4);
        ts_table_put(table, step->held_out ? "yes" : "");
    }
    ts_text_deinit(&name);
    return table;
}

static void fit_row(struct ts_table *table, const char *name, const char *on, const struct ts_fit_error *error)
{
    ts_table_row(table);
    ts_table_put(table, name);
    ts_table_put(table, on);
    ts_table_putf(table, "%zu", error->n);
    ts_table_num(table, error->r2, 5);
    ts_table_num(table, 100.0 * error->median_frac, 3);
    ts_table_num(table, 100.0 * error->worst_frac, 3);
}

static struct ts_table *fit_table(const struct ts_model_measurement *m)
{
    static const char *const headers[] = {"fit", "steps", "n", "R2", "median error %", "worst %"};
    struct ts_table *table = ts_table_create("Fits of the step time (fitted)");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ts_table_column(table, headers[i], i > 1);
    }
    fit_row(table, "linear", "fitted", &m->linear.error);
    fit_row(table, "table", "fitted", &m->table.error);
    if (m->checked) {
        fit_row(table, "linear", "held out", &m->linear_check);
        fit_row(table, "table", "held out", &m->table_check);
    }
    return table;
}

static struct ts_table *coefficient_table(const struct ts_linear_fit *fit)
{
    static const char *const names[TS_STEP_LINEAR_COEFS] = {
        "a: every step", "b: per sequence", "c: per cached token read", "d: per prompt token", "e: per query-key pair"};
    struct ts_table *table =
        ts_table_create("Coefficients of the linear fit, t = a + b*seqs + c*kv + d*prefill + e*pairs");
    ts_table_column(table, "coefficient", false);
    ts_table_column(table, "us", true);
    ts_table_column(table, "+- us", true);
    for (size_t i = 0; i < TS_STEP_LINEAR_COEFS; i++) {
        double variance = fit->covariance[i][i];
        ts_table_row(table);
        ts_table_put(table, names[i]);
        ts_table_num(table, 1e6 * fit->coef[i], KNOT_DIGITS);
        ts_table_num(table, 1e6 * (variance > 0.0 ? sqrt(variance) : 0.0), 2);
    }
    return table;
}

static enum ts_status print(const struct ts_model_measurement *m)
{
    printf("%s\n%s %s (%s), kernel %s, %u thread%s, weights %.2f GB, KV cache %.1f KiB a token, peak memory "
           "%.2f GB\n\n",
           m->cpu, m->model, m->quant, m->weights, m->kernel, m->n_threads, m->n_threads == 1 ? "" : "s",
           1e-9 * (double)m->weight_bytes, (double)m->kv_bytes_per_tok / 1024.0, 1e-9 * (double)ts_host_peak_bytes());
    enum ts_status status = ts_bench_print_table(steps_table(m), TS_TABLE_TEXT);
    if (status == TS_OK && m->fitted) {
        status = ts_bench_print_table(coefficient_table(&m->linear), TS_TABLE_TEXT);
    }
    return status == TS_OK && m->fitted ? ts_bench_print_table(fit_table(m), TS_TABLE_TEXT) : status;
}

/* ---- the file ---- */

/* Whether there is a measurement of this machine that the engine's steps can be added to. */
static bool has_base(struct ts_measurement *out, struct ts_arena *arena, const char *path)
{
    struct ts_diags ignored;
    struct ts_cpu cpu;
    struct ts_host host;
    ts_diags_init(&ignored);
    ts_cpu_detect(&cpu);
    bool usable = ts_file_exists(path) && ts_measurement_read(out, arena, path, &ignored) == TS_OK &&
                  !ts_measurement_is_import(out) && ts_host_describe(&host, arena, &cpu) == TS_OK &&
                  ts_str_equal(out->host.cpu, host.cpu);
    ts_diags_deinit(&ignored);
    return usable;
}

/* That measurement, or a quick one. */
static enum ts_status base_measurement(struct ts_measurement *out, struct ts_arena *arena, const struct ts_args *args,
                                       const char *path, struct ts_diags *diags)
{
    if (has_base(out, arena, path)) {
        return TS_OK;
    }
    struct ts_args quick = *args;
    quick.quick = true;
    quick.seconds = args->quick ? BASE_QUICK_S : 0;
    quick.no_baseline = true;
    quick.n_tok = NULL;
    return ts_bench_machine_measure(out, arena, &quick, diags);
}

static enum ts_status add_to_file(const struct ts_model_measurement *engine, struct ts_arena *arena,
                                  const struct ts_args *args, const char *path, struct ts_diags *diags)
{
    struct ts_measurement measurement;
    enum ts_status status = base_measurement(&measurement, arena, args, path, diags);
    if (status != TS_OK) {
        return status;
    }
    measurement.engine = engine;
    measurement.tool_version = TS_VERSION;
    return ts_measurement_write(&measurement, path, diags);
}

/* ---- measuring ---- */

struct lists {
    uint32_t batches[TS_BENCH_ARGS_MAX_N_TOK], depths[TS_BENCH_ARGS_MAX_N_TOK];
    size_t n_batches, n_depths;
};

static enum ts_status parse_lists(struct lists *out, const struct ts_args *args, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    out->n_batches = out->n_depths = 0;
    if (args->batches) {
        status = ts_bench_parse_list(out->batches, &out->n_batches, "batches", args->batches, 1, MAX_BATCH, diags);
    }
    if (status == TS_OK && args->depths) {
        status = ts_bench_parse_list(out->depths, &out->n_depths, "depths", args->depths, 0, MAX_DEPTH, diags);
    }
    return status;
}

static double budget_of(const struct ts_args *args, bool with_base)
{
    if (args->seconds > 0) {
        return (double)args->seconds;
    }
    return !args->quick ? FULL_BUDGET_S : with_base ? QUICK_BUDGET_S : QUICK_BUDGET_S - BASE_QUICK_S;
}

/* What the samples are of: a model's name, or its file's; every config.json is named alike, so its folder comes first.
 */
static const char *measured_name(struct ts_arena *arena, const struct ts_args *args)
{
    if (args->gguf || args->model || !args->config) {
        return ts_path_base(args->gguf ? args->gguf : args->model ? args->model : DEFAULT_MODEL);
    }
    char *dir = ts_path_dir(args->config);
    const char *name = dir ? ts_arena_printf(arena, "%s-%s", ts_path_base(dir), ts_path_base(args->config)) : NULL;
    free(dir);
    return name;
}

/* In the cache, by what is measured, so that another model's run does not stand in the way; without a cache beside the
 * result. */
static const char *resume_path(struct ts_arena *arena, const struct ts_args *args, const char *path)
{
    const char *model = measured_name(arena, args);
    char *name = model ? ts_arena_printf(arena, "%s-%s-%s-%llu-threads", model, args->quant ? args->quant : "Q4_0",
                                         args->isa ? args->isa : "best", (unsigned long long)args->threads)
                       : NULL;
    char *cached = name ? ts_locate_unfinished(name) : NULL;
    const char *kept = cached ? ts_arena_strdup(arena, cached) : ts_arena_printf(arena, "%s.unfinished", path);
    free(cached);
    return kept;
}

/* The folder of the unfinished samples; what is there is taken up, or thrown away. */
static enum ts_status prepare_resume(const char *path, const struct ts_args *args, struct ts_diags *diags)
{
    char *dir = ts_path_dir(path);
    enum ts_status status = dir ? ts_mkdirs(dir, diags) : TS_ENOMEM;
    free(dir);
    if (status == TS_OK && args->fresh) {
        remove(path);
    }
    if (status == TS_OK && ts_file_exists(path)) {
        ts_diags_add(diags, TS_NOTE, ts_span_none(), "--fresh begins anew", "going on with the samples in %s", path);
    }
    return status;
}

static enum ts_status measure(struct ts_model_measurement *out, struct ts_arena *arena, const struct ts_args *args,
                              const char *resume_path, double budget_s, double *n_params, struct ts_diags *diags)
{
    struct ts_model_config config;
    struct lists lists;
    if (args->gguf && (args->config || args->model)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "give one of the two",
                       "--gguf FILE holds the model's shape: %s has no effect beside it",
                       args->config ? "--config" : "--model");
    }
    enum ts_status status = parse_lists(&lists, args, diags);
    if (status == TS_OK && !args->gguf) {
        status = choose_config(&config, arena, args, n_params, diags);
    }
    if (status == TS_OK) {
        status = prepare_resume(resume_path, args, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    struct ts_progress_line line = {.quiet = args->quiet};
    struct ts_model_bench_options options = {
        .config = args->gguf ? NULL : &config,
        .quant = args->quant ? args->quant : "Q4_0",
        .seed = SYNTHETIC_SEED,
        .gguf_path = args->gguf,
        .isa = args->isa,
        .n_threads = (uint32_t)args->threads,
        .batches = lists.batches,
        .n_batches = lists.n_batches,
        .depths = lists.depths,
        .n_depths = lists.n_depths,
        .budget_s = budget_s,
        .check = args->check,
        .resume_path = resume_path,
        .progress = ts_progress_line_of(&line),
    };
    ts_interrupt_arm();
    status = ts_bench_model_run(out, arena, &options, diags);
    ts_progress_line_end(&line);
    if (status == TS_EINTERRUPTED) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "the same command goes on from there",
                     "interrupted: samples are kept in %s", resume_path);
    }
    return status;
}

/* ---- llama-bench's shapes ---- */

static enum ts_status print_shape(const struct ts_model_measurement *m, struct ts_arena *arena,
                                  enum ts_llama_shape shape, double n_params, const char *path, struct ts_diags *diags)
{
    const struct ts_llama_names names = {"tiersim " TS_VERSION, ts_run_info_now(arena), n_params};
    struct ts_text text;
    ts_text_init(&text);
    size_t n_mixed = ts_llama_shape_put(&text, m, &names, shape);
    enum ts_status status = text.failed ? TS_ENOMEM : TS_OK;
    if (status == TS_OK) {
        fputs(text.data, stdout);
    }
    if (n_mixed > 0) {
        ts_diags_add(diags, TS_NOTE, ts_span_none(), NULL,
                     "%zu steps of prompts and decoding together have no row in llama-bench's shapes: they are in %s",
                     n_mixed, path);
    }
    ts_text_deinit(&text);
    return status;
}

static enum ts_status forward(struct ts_arena *arena, const struct ts_args *args, const char *path,
                              struct ts_diags *diags)
{
    struct ts_model_measurement engine;
    struct ts_measurement ignored;
    enum ts_llama_shape shape = TS_LLAMA_MARKDOWN;
    bool text = !args->format || ts_str_equal(args->format, "text");
    double n_params = 0.0, budget_s = budget_of(args, has_base(&ignored, arena, path));
    if (!text && !ts_llama_shape_parse(&shape, args->format)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "text, or as llama-bench writes it: md, csv, json, jsonl",
                       "unknown format '%s'", args->format);
    }
    const char *unfinished = resume_path(arena, args, path);
    enum ts_status status =
        unfinished ? measure(&engine, arena, args, unfinished, budget_s, &n_params, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        status = add_to_file(&engine, arena, args, path, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    remove(unfinished);
    if (!text) {
        return print_shape(&engine, arena, shape, n_params, path, diags);
    }
    status = print(&engine);
    if (status == TS_OK) {
        printf("written: %s\n", path);
    }
    return status;
}

enum ts_status ts_bench_forward(const struct ts_args *args, struct ts_diags *diags)
{
    struct ts_arena arena;
    char *path = NULL;
    ts_arena_init(&arena);
    enum ts_status status = ts_bench_target_path(&path, args, diags);
    if (status == TS_OK) {
        status = forward(&arena, args, path, diags);
    }
    free(path);
    ts_arena_deinit(&arena);
    return status;
}
