/* Hides how a model of the catalog becomes matrix products to measure. */
#include "app/bench_machine.h"

#include "app/bench_common.h"
#include "app/interrupt.h"
#include "app/progress_line.h"
#include "app/version.h"
#include "base/file.h"
#include "kernels/bench/bench.h"
#include "kernels/cpu.h"
#include "kernels/host.h"
#include "live/catalog_model.h"

enum ts_status ts_bench_machine_measure(struct ts_measurement *out, struct ts_arena *arena,
                                        const struct ts_bench_machine *what, struct ts_diags *diags)
{
    const struct ts_llm *llm = NULL;
    const struct ts_matmul_shape *shapes = NULL;
    size_t n_shapes = 0;
    uint32_t n_tok[TS_BENCH_MAX_LIST];
    size_t n_n_tok = 0;
    enum ts_status status = ts_bench_parse_n_tok(n_tok, &n_n_tok, what->n_tok, diags);
    if (status == TS_OK) {
        status = ts_catalog_model_find(&llm, arena, what->model, diags);
    }
    if (status == TS_OK) {
        status = ts_bench_model_shapes(&shapes, &n_shapes, arena, llm->layers, llm->hidden, llm->ffn, llm->heads,
                                       llm->kv_heads, llm->head_dim, llm->vocab);
    }
    if (status != TS_OK) {
        return status;
    }
    struct ts_progress_line line = {.quiet = what->quiet};
    const struct ts_bench_options how = {
        .model = llm->name,
        .quant = what->quant,
        .isa = what->isa,
        .n_threads = what->n_threads,
        .shapes = shapes,
        .n_shapes = n_shapes,
        .n_tok = n_tok,
        .n_n_tok = n_n_tok,
        .budget_s = what->budget_s,
        .baseline = what->baseline,
        .bind = what->bind,
        .progress = ts_progress_line_of(&line),
    };
    ts_interrupt_arm_with_limit();
    status = ts_bench_run(out, arena, &how, diags);
    ts_progress_line_end(&line);
    out->tool_version = TS_VERSION;
    return status;
}

/* What a file that stands where a measurement is to be written holds. */
enum held { HOLDS_NOTHING, HOLDS_NONE_OF_OURS, HOLDS_ANOTHER_MACHINE, HOLDS_THIS_MACHINE };

static enum held look_into(struct ts_measurement *out, struct ts_arena *arena, const char *path)
{
    struct ts_diags ignored;
    struct ts_cpu cpu;
    struct ts_host host;
    if (!ts_file_exists(path)) {
        return HOLDS_NOTHING;
    }
    ts_diags_init(&ignored);
    ts_cpu_detect(&cpu);
    enum held held = HOLDS_NONE_OF_OURS;
    if (ts_measurement_read(out, arena, path, &ignored) == TS_OK && ts_host_describe(&host, arena, &cpu) == TS_OK) {
        held = !ts_measurement_is_import(out) && ts_str_equal(out->host.cpu, host.cpu) ? HOLDS_THIS_MACHINE
                                                                                       : HOLDS_ANOTHER_MACHINE;
    }
    ts_diags_deinit(&ignored);
    return held;
}

bool ts_bench_machine_is_there(struct ts_measurement *out, struct ts_arena *arena, const char *path)
{
    return look_into(out, arena, path) == HOLDS_THIS_MACHINE;
}

void ts_bench_machine_keep(struct ts_measurement *measurement, struct ts_arena *arena, const char *path,
                           struct ts_diags *diags)
{
    static const char hint[] = "write to another file with --out";
    struct ts_measurement before;
    switch (look_into(&before, arena, path)) {
    case HOLDS_NOTHING:
        break;
    case HOLDS_THIS_MACHINE:
        measurement->engine = before.engine;
        measurement->router = before.router;
        if (before.engine || before.router) {
            ts_diags_add(diags, TS_NOTE, ts_span_file(path), NULL, "kept from the file of %s: %s%s%s", before.created,
                         before.engine ? "`bench model`" : "", before.engine && before.router ? " and " : "",
                         before.router ? "`bench router`" : "");
        }
        break;
    case HOLDS_ANOTHER_MACHINE:
        ts_diags_add(diags, TS_WARNING, ts_span_file(path), hint, "replaced: a measurement of another machine, %s",
                     before.host.cpu);
        break;
    case HOLDS_NONE_OF_OURS:
        ts_diags_add(diags, TS_WARNING, ts_span_file(path), hint, "replaced: a file that is no measurement");
        break;
    }
}

enum ts_status ts_bench_machine_base(struct ts_measurement *out, struct ts_arena *arena,
                                     const struct ts_bench_machine *what, const char *path, struct ts_diags *diags)
{
    if (ts_bench_machine_is_there(out, arena, path)) {
        return TS_OK;
    }
    const enum ts_status status = ts_bench_machine_measure(out, arena, what, diags);
    if (status == TS_OK) {
        ts_bench_machine_keep(out, arena, path, diags);
    }
    return status;
}
