/* tiersim bench model: whole forward passes of a model, made up or from a GGUF file, and the fit of their step times.
 * The result is added to the machine's measurement as its object "engine". */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/bench_common.h"
#include "app/interrupt.h"
#include "app/version.h"
#include "base/file.h"
#include "kernels/bench_model.h"
#include "kernels/host.h"

#define QUICK_BUDGET_S 50.0
#define FULL_BUDGET_S 480.0

enum { SYNTHETIC_SEED = 1, KNOT_DIGITS = 4 };

static enum ts_status choose_config(struct ts_model_config *out, struct ts_arena *arena, const struct ts_args *args,
                                    struct ts_diags *diags)
{
    if (args->config) {
        return ts_model_config_read(out, args->config, diags);
    }
    return ts_bench_model_config(out, arena, args->model ? args->model : "Llama-3.2-1B", diags);
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
        ts_table_num(table, 1e3 * s->median, 4);
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

static enum ts_status print(const struct ts_model_measurement *m, enum ts_table_format format)
{
    if (format == TS_TABLE_TEXT) {
        printf("%s\n%s %s (%s), kernel %s, %u thread%s, weights %.2f GB, KV cache %.1f KiB a token, peak memory "
               "%.2f GB\n\n",
               m->cpu, m->model, m->quant, m->weights, m->kernel, m->n_threads, m->n_threads == 1 ? "" : "s",
               1e-9 * (double)m->weight_bytes, (double)m->kv_bytes_per_tok / 1024.0,
               1e-9 * (double)ts_host_peak_bytes());
    }
    enum ts_status status = ts_bench_print_table(steps_table(m), format);
    if (status == TS_OK && m->fitted) {
        status = ts_bench_print_table(coefficient_table(&m->linear), format);
    }
    return status == TS_OK && m->fitted ? ts_bench_print_table(fit_table(m), format) : status;
}

/* The measurement that the engine's steps are added to: the file that is there, if it is of this machine; else a quick
 * one. */
static enum ts_status base_measurement(struct ts_measurement *out, struct ts_arena *arena, const struct ts_args *args,
                                       const char *path, const char *cpu, struct ts_diags *diags)
{
    struct ts_diags ignored;
    ts_diags_init(&ignored);
    bool usable = ts_file_exists(path) && ts_measurement_read(out, arena, path, &ignored) == TS_OK &&
                  ts_str_equal(out->host.cpu, cpu);
    ts_diags_deinit(&ignored);
    if (usable) {
        return TS_OK;
    }
    struct ts_args quick = *args;
    quick.quick = true;
    quick.no_baseline = true;
    quick.n_tok = NULL;
    return ts_bench_machine_measure(out, arena, &quick, diags);
}

static enum ts_status measure(struct ts_model_measurement *out, struct ts_arena *arena, const struct ts_args *args,
                              const char *resume_path, struct ts_diags *diags)
{
    struct ts_model_config config;
    enum ts_status status = args->gguf ? TS_OK : choose_config(&config, arena, args, diags);
    if (status != TS_OK) {
        return status;
    }
    struct ts_model_bench_options options = {
        .config = args->gguf ? NULL : &config,
        .quant = args->quant ? args->quant : "Q4_0",
        .seed = SYNTHETIC_SEED,
        .gguf_path = args->gguf,
        .isa = args->isa,
        .n_threads = (uint32_t)args->threads,
        .budget_s = args->quick ? QUICK_BUDGET_S : FULL_BUDGET_S,
        .check = args->check,
        .resume_path = resume_path,
        .progress = ts_bench_progress_of(args),
    };
    ts_interrupt_arm();
    status = ts_bench_model_run(out, arena, &options, diags);
    ts_bench_progress_end(args);
    return status;
}

static enum ts_status add_to_file(const struct ts_model_measurement *engine, struct ts_arena *arena,
                                  const struct ts_args *args, const char *path, struct ts_diags *diags)
{
    struct ts_measurement measurement;
    enum ts_status status = base_measurement(&measurement, arena, args, path, engine->cpu, diags);
    if (status != TS_OK) {
        return status;
    }
    measurement.engine = engine;
    measurement.tool_version = TS_VERSION;
    return ts_measurement_write(&measurement, path, diags);
}

static enum ts_status forward(struct ts_arena *arena, const struct ts_args *args, const char *path,
                              enum ts_table_format format, struct ts_diags *diags)
{
    struct ts_model_measurement engine;
    const char *resume_path = ts_arena_printf(arena, "%s.unfinished", path);
    enum ts_status status = resume_path ? measure(&engine, arena, args, resume_path, diags) : TS_ENOMEM;
    if (status == TS_EINTERRUPTED) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "the same command goes on from there",
                     "interrupted: samples are kept in %s", resume_path);
    }
    if (status == TS_OK) {
        status = add_to_file(&engine, arena, args, path, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    remove(resume_path);
    status = print(&engine, format);
    if (status == TS_OK && format == TS_TABLE_TEXT) {
        printf("written: %s\n", path);
    }
    return status;
}

enum ts_status ts_bench_forward(const struct ts_args *args, enum ts_table_format format, struct ts_diags *diags)
{
    struct ts_arena arena;
    char *path = NULL;
    ts_arena_init(&arena);
    enum ts_status status = ts_bench_target_path(&path, args, diags);
    if (status == TS_OK) {
        status = forward(&arena, args, path, format, diags);
    }
    free(path);
    ts_arena_deinit(&arena);
    return status;
}
