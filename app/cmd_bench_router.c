/* tiersim bench router: what a small classifier takes to read a prompt on this machine, by the prompt's length. The
 * result is added to the machine's measurement as its object "router". */
#include <stdio.h>
#include <stdlib.h>

#include "app/bench_common.h"
#include "app/bench_machine.h"
#include "app/command.h"
#include "app/interrupt.h"
#include "app/print_table.h"
#include "app/progress_line.h"
#include "app/version.h"
#include "engine/bench_model.h"
#include "engine/router_shape.h"

#define QUICK_BUDGET_S 10.0
#define FULL_BUDGET_S 60.0
#define ROUTER_QUANT "Q8_0"
#define ROUTER_N_TOK "16,32,64,128,256,512"

enum { SYNTHETIC_SEED = 1 };

struct router_args {
    struct ts_bench_args common;
    const char *model, *quant, *n_tok, *out, *format;
};

static const struct router_args defaults = {
    .model = TS_ROUTER_SHAPE_DEFAULT, .quant = ROUTER_QUANT, .n_tok = ROUTER_N_TOK, .format = "text"};

static const struct ts_option options[] = {
    {"model", 0, TS_INTO(struct router_args, model), "NAME",
     "the classifier's size: BERT-tiny, MiniLM-L6 or BERT-base; weights are made up"},
    {"quant", 0, TS_INTO(struct router_args, quant), "NAME", "the weights' format"},
    {"n", 0, TS_INTO(struct router_args, n_tok), "LIST",
     "prompt lengths to measure, in tokens; a simulation cuts longer prompts to the last of them"},
    TS_BENCH_OPTIONS(struct router_args, common),
    {"out", 'o', TS_INTO(struct router_args, out), "FILE",
     "the measurement file to add to (default: in the cache, where `tiersim run` looks for it)"},
    TS_OPTION_TABLE_FORMAT(struct router_args, format),
};

static struct ts_table *router_table(const struct ts_model_measurement *m)
{
    static const char *const headers[] = {"tokens read", "ms median", "ms p90", "ms least", "samples", "tok/s"};
    struct ts_table *table = ts_table_create("A router's reading of a prompt (measured)");
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 0);
    for (size_t i = 0; i < m->n_steps; i++) {
        const struct ts_spread *s = &m->steps[i].seconds;
        ts_table_row(table);
        ts_table_putf(table, "%u", m->steps[i].prefill);
        ts_table_num(table, 1e3 * s->median, 4);
        ts_table_num(table, 1e3 * s->p90, 4);
        ts_table_num(table, 1e3 * s->min, 4);
        ts_table_putf(table, "%u", s->n_samples);
        ts_table_num(table, m->steps[i].prefill / s->median, 4);
    }
    return table;
}

static enum ts_status print(const struct ts_model_measurement *m, const struct ts_router_shape *shape,
                            enum ts_table_format format)
{
    if (format == TS_TABLE_TEXT) {
        printf("%s\n%s, %s, in %s, %.1f MB; kernel %s, %u thread%s; weights are made up, and stay in the caches from "
               "one prompt to the next\n\n",
               m->cpu, shape->name, shape->about, m->quant, 1e-6 * (double)m->weight_bytes, m->kernel, m->n_threads,
               m->n_threads == 1 ? "" : "s");
    }
    return ts_print_table(router_table(m), format);
}

static enum ts_status add_to_file(const struct ts_model_measurement *router, struct ts_arena *arena,
                                  const struct router_args *args, const char *path, struct ts_diags *diags)
{
    struct ts_measurement measurement;
    const struct ts_bench_machine base = {.model = TS_BENCH_MODEL,
                                          .quant = TS_BENCH_QUANT,
                                          .isa = args->common.isa,
                                          .n_tok = TS_BENCH_N_TOK,
                                          .n_threads = args->common.threads,
                                          .budget_s = ts_bench_base_budget_s(&args->common),
                                          .quiet = args->common.quiet};
    enum ts_status status = ts_bench_machine_base(&measurement, arena, &base, path, diags);
    if (status != TS_OK) {
        return status;
    }
    measurement.router = router;
    measurement.tool_version = TS_VERSION;
    return ts_measurement_write(&measurement, path, diags);
}

static enum ts_status measure(struct ts_model_measurement *out, struct ts_arena *arena, const struct router_args *args,
                              const struct ts_router_shape *shape, struct ts_diags *diags)
{
    struct ts_model_config config;
    uint32_t n_tok[TS_BENCH_MAX_LIST];
    size_t n = 0;
    enum ts_status status = ts_bench_parse_n_tok(n_tok, &n, args->n_tok, diags);
    if (status == TS_OK) {
        status = ts_router_shape_config(&config, shape, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    struct ts_progress_line line = {.quiet = args->common.quiet};
    const struct ts_model_bench_options how = {
        .config = &config,
        .quant = args->quant,
        .seed = SYNTHETIC_SEED,
        .isa = args->common.isa,
        .n_threads = args->common.threads,
        .max_batch = 1,
        .prompts = n_tok,
        .n_prompts = n,
        .budget_s = ts_bench_budget_s(&args->common, QUICK_BUDGET_S, FULL_BUDGET_S),
        .progress = ts_progress_line_of(&line),
    };
    ts_interrupt_arm();
    status = ts_bench_model_run(out, arena, &how, diags);
    ts_progress_line_end(&line);
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct router_args *args = untyped;
    const struct ts_router_shape *shape = NULL;
    struct ts_model_measurement router;
    enum ts_table_format format;
    char *path = NULL;
    enum ts_status status = ts_print_format(&format, args->format, diags);
    if (status == TS_OK) {
        status = ts_router_shape_find(&shape, args->model, diags);
    }
    if (status == TS_OK) {
        status = ts_bench_target_path(&path, args->out, diags);
    }
    if (status == TS_OK) {
        status = measure(&router, arena, args, shape, diags);
    }
    if (status == TS_OK) {
        status = add_to_file(&router, arena, args, path, diags);
    }
    if (status == TS_OK) {
        status = print(&router, shape, format);
    }
    if (status == TS_OK && format == TS_TABLE_TEXT) {
        printf("written: %s\n", path);
    }
    free(path);
    return status;
}

const struct ts_command ts_command_bench_router = {
    .name = "bench router",
    .summary = "Measure how long a small classifier (a router) takes to read a prompt on this machine",
    .examples = "  tiersim bench router --quick\n"
                "  tiersim bench router --model BERT-base --n 64,512,2048 -o measurement.json\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
