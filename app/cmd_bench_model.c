/* tiersim bench model: whole forward passes of a model, made up or from a GGUF file, and the fit of their step times.
 * The result is added to the machine's measurement as its object "engine". */
#include <stdio.h>
#include <stdlib.h>

#include "app/bench_common.h"
#include "app/bench_machine.h"
#include "app/command.h"
#include "app/fit_tables.h"
#include "app/interrupt.h"
#include "app/locate.h"
#include "app/print_table.h"
#include "app/progress_line.h"
#include "app/version.h"
#include "base/file.h"
#include "base/run_info.h"
#include "engine/bench_model.h"
#include "engine/llama_shape.h"
#include "kernels/host.h"
#include "live/catalog_model.h"

#define QUICK_BUDGET_S 50.0
#define FULL_BUDGET_S 480.0

enum { SYNTHETIC_SEED = 1, MAX_BATCH = 1024, MAX_DEPTH = 1 << 20 };

struct model_args {
    struct ts_bench_args common;
    const char *model, *config, *gguf, *quant, *batches, *depths, *out, *format;
    bool check, fresh;
};

static const struct model_args defaults = {.format = "text"};

static const struct ts_option options[] = {
    {"model", 0, TS_INTO(struct model_args, model), "NAME",
     "a model of the catalog, with made-up weights (default " TS_BENCH_MODEL "); with --config: its name",
     .without = {"gguf"}},
    {"config", 0, TS_INTO(struct model_args, config), "FILE",
     "the shape of this Hugging Face config.json, with made-up weights", .without = {"gguf"}},
    {"gguf", 0, TS_INTO(struct model_args, gguf), "FILE", "the shape and the weights of this GGUF file"},
    {"quant", 0, TS_INTO(struct model_args, quant), "NAME",
     "the format of made-up weights (default " TS_BENCH_QUANT ")", .without = {"gguf"}},
    {"batches", 0, TS_INTO(struct model_args, batches), "LIST", "sequences that decode together, e.g. 1,4,16"},
    {"depths", 0, TS_INTO(struct model_args, depths), "LIST", "cached tokens of each sequence, e.g. 0,512,4096"},
    TS_BENCH_OPTIONS(struct model_args, common),
    {"check", 0, TS_INTO(struct model_args, check), NULL,
     "also measure steps that the fit has not seen, and print its error there"},
    {"fresh", 0, TS_INTO(struct model_args, fresh), NULL, "start over instead of resuming an interrupted run"},
    {"out", 'o', TS_INTO(struct model_args, out), "FILE",
     "the measurement file to add to (default: in the cache, where `tiersim run` looks for it)"},
    {"format", 'f', TS_INTO(struct model_args, format), "NAME",
     "text, or as llama-bench writes it: md, csv, json, jsonl"},
};

static const char *quant_of(const struct model_args *args)
{
    return args->quant ? args->quant : TS_BENCH_QUANT;
}

static enum ts_status choose_config(struct ts_model_config *out, struct ts_arena *arena, const struct model_args *args,
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
    const char *name = args->model ? args->model : TS_BENCH_MODEL;
    enum ts_status status = ts_catalog_model_find(&llm, arena, name, diags);
    if (status != TS_OK) {
        return status;
    }
    *n_params = llm->params;
    return ts_catalog_model_config(out, arena, name, diags);
}

static enum ts_status print(const struct ts_model_measurement *m)
{
    static const char title[] = "Coefficients of the linear fit, t = a + b*seqs + c*kv + d*prefill + e*pairs";
    printf("%s\n%s %s (%s), kernel %s, %u thread%s, weights %.2f GB, KV cache %.1f KiB a token, peak memory "
           "%.2f GB\n\n",
           m->cpu, m->model, m->quant, m->weights, m->kernel, m->n_threads, m->n_threads == 1 ? "" : "s",
           1e-9 * (double)m->weight_bytes, (double)m->kv_bytes_per_tok / 1024.0, 1e-9 * (double)ts_host_peak_bytes());
    enum ts_status status = ts_print_table(ts_fit_steps(m), TS_TABLE_TEXT);
    if (status == TS_OK && m->fitted) {
        status = ts_print_table(ts_fit_coefficients(title, &m->linear, NULL), TS_TABLE_TEXT);
    }
    return status == TS_OK && m->fitted ? ts_print_table(ts_fit_errors(m), TS_TABLE_TEXT) : status;
}

/* ---- the file ---- */

static struct ts_bench_machine base_of(const struct model_args *args)
{
    return (struct ts_bench_machine){
        .model = args->model && !args->config ? args->model : TS_BENCH_MODEL,
        .quant = quant_of(args),
        .isa = args->common.isa,
        .n_tok = TS_BENCH_N_TOK,
        .n_threads = args->common.threads,
        .budget_s = ts_bench_base_budget_s(&args->common),
        .quiet = args->common.quiet,
    };
}

static enum ts_status add_to_file(const struct ts_model_measurement *engine, struct ts_arena *arena,
                                  const struct model_args *args, const char *path, struct ts_diags *diags)
{
    struct ts_measurement measurement;
    const struct ts_bench_machine base = base_of(args);
    enum ts_status status = ts_bench_machine_base(&measurement, arena, &base, path, diags);
    if (status != TS_OK) {
        return status;
    }
    measurement.engine = engine;
    measurement.tool_version = TS_VERSION;
    return ts_measurement_write(&measurement, path, diags);
}

/* ---- measuring ---- */

struct lists {
    uint32_t batches[TS_BENCH_MAX_LIST], depths[TS_BENCH_MAX_LIST];
    size_t n_batches, n_depths;
};

static enum ts_status parse_lists(struct lists *out, const struct model_args *args, struct ts_diags *diags)
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

static double budget_of(const struct model_args *args, bool with_base)
{
    return ts_bench_budget_s(&args->common, with_base ? QUICK_BUDGET_S : QUICK_BUDGET_S - TS_BENCH_BASE_QUICK_S,
                             FULL_BUDGET_S);
}

/* What the samples are of: a model's name, or its file's; every config.json is named alike, so its folder comes first.
 */
static const char *measured_name(struct ts_arena *arena, const struct model_args *args)
{
    if (args->gguf || args->model || !args->config) {
        return ts_path_base(args->gguf ? args->gguf : args->model ? args->model : TS_BENCH_MODEL);
    }
    char *dir = ts_path_dir(args->config);
    const char *name = dir ? ts_arena_printf(arena, "%s-%s", ts_path_base(dir), ts_path_base(args->config)) : NULL;
    free(dir);
    return name;
}

/* In the cache, by what is measured, so that another model's run does not stand in the way; without a cache beside the
 * result. */
static enum ts_status resume_path(const char **out, struct ts_arena *arena, const struct model_args *args,
                                  const char *path)
{
    const char *model = measured_name(arena, args);
    const char *name = model ? ts_arena_printf(arena, "%s-%s-%s-%u-threads", model, quant_of(args),
                                               args->common.isa ? args->common.isa : "best", args->common.threads)
                             : NULL;
    char *cached = NULL;
    const enum ts_status status = name ? ts_locate_unfinished(&cached, name) : TS_ENOMEM;
    if (status == TS_OK) {
        *out = cached ? ts_arena_strdup(arena, cached) : ts_arena_printf(arena, "%s.unfinished", path);
    }
    free(cached);
    return status == TS_OK && !*out ? TS_ENOMEM : status;
}

/* The folder of the unfinished samples; what is there is taken up, or thrown away. */
static enum ts_status prepare_resume(const char *path, const struct model_args *args, struct ts_diags *diags)
{
    const enum ts_status status = ts_bench_make_folder(path, diags);
    if (status == TS_OK && args->fresh) {
        remove(path);
    }
    if (status == TS_OK && ts_file_exists(path)) {
        ts_diags_add(diags, TS_NOTE, ts_span_none(), "--fresh begins anew", "resuming with the samples in %s", path);
    }
    return status;
}

static enum ts_status measure(struct ts_model_measurement *out, struct ts_arena *arena, const struct model_args *args,
                              const char *resume_path, double budget_s, double *n_params, struct ts_diags *diags)
{
    struct ts_model_config config;
    struct lists lists;
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
    struct ts_progress_line line = {.quiet = args->common.quiet};
    const struct ts_model_bench_options how = {
        .config = args->gguf ? NULL : &config,
        .quant = quant_of(args),
        .seed = SYNTHETIC_SEED,
        .gguf_path = args->gguf,
        .isa = args->common.isa,
        .n_threads = args->common.threads,
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
    status = ts_bench_model_run(out, arena, &how, diags);
    ts_progress_line_end(&line);
    if (status == TS_EINTERRUPTED) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "the same command resumes from there",
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

static enum ts_status forward(struct ts_arena *arena, const struct model_args *args, const char *path,
                              struct ts_diags *diags)
{
    struct ts_model_measurement engine;
    struct ts_measurement ignored;
    enum ts_llama_shape shape = TS_LLAMA_MARKDOWN;
    bool text = ts_str_equal(args->format, "text");
    double n_params = 0.0, budget_s = budget_of(args, ts_bench_machine_is_there(&ignored, arena, path));
    if (!text && !ts_llama_shape_parse(&shape, args->format)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "text, or as llama-bench writes it: md, csv, json, jsonl",
                       "unknown format '%s'", args->format);
    }
    const char *unfinished = NULL;
    enum ts_status status = resume_path(&unfinished, arena, args, path);
    if (status == TS_OK) {
        status = measure(&engine, arena, args, unfinished, budget_s, &n_params, diags);
    }
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

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct model_args *args = untyped;
    char *path = NULL;
    enum ts_status status = ts_bench_target_path(&path, args->out, diags);
    if (status == TS_OK) {
        status = forward(arena, args, path, diags);
    }
    free(path);
    return status;
}

const struct ts_command ts_command_bench_model = {
    .name = "bench model",
    .summary = "Measure whole forward passes of a model on this machine: prompts, decoding, batches",
    .examples = "  tiersim bench model --quick --check\n"
                "  tiersim bench model --batches 1,8,32 --depths 0,2048 --format md    # as llama-bench prints it\n"
                "  tiersim bench model --gguf Llama-3.2-1B-Q4_0.gguf\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
