/* tiersim bench: measures this machine and writes measurement.json. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/locate.h"
#include "app/version.h"
#include "base/file.h"
#include "kernels/bench.h"
#include "reports/table.h"
#include "scenarios/catalog.h"

enum { MAX_N_TOK = 32, MAX_TOKENS = 8192, MAX_KERNELS = 32, MAX_THREADS = 1024 };

#define QUICK_BUDGET_S 40.0
#define FULL_BUDGET_S 180.0
#define NOISY_FRAC 0.5

static const uint32_t default_n_tok[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

static enum ts_status parse_n_tok(uint32_t *out, size_t *out_n, const char *list, struct ts_diags *diags)
{
    size_t n = 0;
    for (const char *p = list; *p; p += *p == ',') {
        size_t len = strcspn(p, ",");
        uint64_t value;
        if (n == MAX_N_TOK || !ts_parse_u64(&value, p, len) || value < 1 || value > MAX_TOKENS || (n > 0 && value <= out[n - 1])) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), "for example --n 1,8,512", "--n takes up to %d increasing token counts from 1 to %d, not '%s'",
                           MAX_N_TOK, MAX_TOKENS, list);
        }
        out[n++] = (uint32_t)value;
        p += len;
    }
    *out_n = n;
    return n > 0 ? TS_OK : ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--n is empty");
}

static enum ts_status find_model(const struct ts_llm **out, struct ts_arena *arena, const char *name, struct ts_diags *diags)
{
    struct ts_catalog catalog;
    enum ts_status status = ts_catalog_load(&catalog, arena, diags);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_llm *llm = ts_catalog_llm(&catalog, name);
    if (!llm) {
        const char *near = ts_catalog_suggest(&catalog, "model", name);
        char *hint = near ? ts_arena_printf(arena, "did you mean '%s'?", near) : NULL;
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), hint ? hint : "'tiersim catalog models' lists them", "no model is named '%s'", name);
    }
    if (strcmp(llm->type, "dense") != 0) {
        return ts_fail(diags, TS_EUNSUPPORTED, ts_span_none(), "measure a dense model, for example --model Llama-3.2-1B",
                       "'%s' is a %s model: bench measures dense models", llm->name, llm->type);
    }
    *out = llm;
    return TS_OK;
}

static int on_progress(void *user, double done_frac, const char *what, double seconds_left)
{
    (void)user;
    fprintf(stderr, "\r[%3.0f %%] %-40.40s %3.0f s left ", 100.0 * done_frac, what, seconds_left);
    return ts_interrupt_requested();
}

static int on_quiet_progress(void *user, double done_frac, const char *what, double seconds_left)
{
    (void)user, (void)done_frac, (void)what, (void)seconds_left;
    return ts_interrupt_requested();
}

static double baseline_seconds(const struct ts_measurement *m, uint32_t n_tok)
{
    double total_s = 0.0;
    size_t n_found = 0;
    for (size_t i = 0; i < m->n_baseline; i++) {
        if (m->baseline[i].n_tok == n_tok) {
            total_s += m->baseline[i].seconds.median * m->shapes[m->baseline[i].shape].count;
            n_found++;
        }
    }
    return n_found == m->n_shapes ? total_s : 0.0;
}

static double pass_gop(const struct ts_measurement *m, uint32_t n_tok)
{
    double gop = 0.0;
    for (size_t i = 0; i < m->n_shapes; i++) {
        gop += 2e-9 * m->shapes[i].rows * (double)m->shapes[i].cols * m->shapes[i].count * n_tok;
    }
    return gop;
}

static struct ts_table *step_table(const struct ts_measurement *m)
{
    static const char *const headers[] = {"tokens", "ms/step", "spread %", "tok/s", "GOPS", "weights GB/s", "OpenBLAS GFLOPS", "speed-up"};
    struct ts_table *table = ts_table_create("Matmuls of one forward pass (measured)");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ts_table_column(table, headers[i], true);
    }
    for (size_t i = 0; i < m->n_steps; i++) {
        const struct ts_step_sample *step = &m->steps[i];
        double baseline_s = baseline_seconds(m, step->n_tok);
        double gop = pass_gop(m, step->n_tok);
        ts_table_row(table);
        ts_table_putf(table, "%u", step->n_tok);
        ts_table_num(table, 1e3 * step->seconds, 4);
        ts_table_num(table, 100.0 * step->spread_frac, 2);
        ts_table_num(table, step->n_tok / step->seconds, 4);
        ts_table_num(table, gop / step->seconds, 4);
        ts_table_num(table, 1e-9 * (double)m->weight_bytes / step->seconds, 3);
        if (baseline_s > 0.0) {
            ts_table_num(table, gop / baseline_s, 4);
            ts_table_num(table, baseline_s / step->seconds, 3);
        }
    }
    return table;
}

static struct ts_table *bandwidth_table(const struct ts_measurement *m)
{
    struct ts_table *table = ts_table_create("Read bandwidth by working set (measured)");
    ts_table_column(table, "KiB", true);
    ts_table_column(table, "GB/s median", true);
    ts_table_column(table, "GB/s best", true);
    for (size_t i = 0; i < m->n_bandwidths; i++) {
        const struct ts_bandwidth_sample *sample = &m->bandwidths[i];
        ts_table_row(table);
        ts_table_num(table, (double)sample->bytes / 1024.0, 9);
        ts_table_num(table, sample->gb_per_s.median, 4);
        ts_table_num(table, sample->gb_per_s.p90 > sample->gb_per_s.median ? sample->gb_per_s.p90 : sample->gb_per_s.median, 4);
    }
    return table;
}

static enum ts_status print_table(struct ts_table *table, enum ts_table_format format)
{
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = table ? ts_table_render(table, format, &text) : TS_ENOMEM;
    if (status == TS_OK) {
        puts(text.data);
    }
    ts_text_deinit(&text);
    ts_table_destroy(table);
    return status;
}

/* Samples far apart mean that the machine was busy with something else: the medians are then too slow. */
static void warn_if_noisy(const struct ts_measurement *m, struct ts_diags *diags)
{
    double worst_frac = 0.0;
    for (size_t i = 0; i < m->n_steps; i++) {
        worst_frac = m->steps[i].spread_frac > worst_frac ? m->steps[i].spread_frac : worst_frac;
    }
    if (worst_frac > NOISY_FRAC) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "close other programs and measure again",
                     "the samples of a step spread by up to %.0f %% of their median: this machine was busy", 100.0 * worst_frac);
    }
}

static enum ts_status print_measurement(const struct ts_measurement *m, enum ts_table_format format)
{
    if (format == TS_TABLE_TEXT) {
        printf("%s, %u CPUs (%s), %s, %s\n", m->host.cpu, m->host.n_cpus, m->host.os, m->host.compiler, m->host.isa);
        printf("%s %s, kernel %s, %u thread%s, energy %s\n\n", m->model, m->quant, m->kernel, m->n_threads, m->n_threads == 1 ? "" : "s",
               m->energy_source);
    }
    enum ts_status status = print_table(step_table(m), format);
    return status == TS_OK ? print_table(bandwidth_table(m), format) : status;
}

static enum ts_status list_kernels(enum ts_table_format format)
{
    struct ts_kernel_info kernels[MAX_KERNELS];
    size_t n = ts_kernel_list(kernels, MAX_KERNELS);
    struct ts_table *table = ts_table_create("Kernel variants, best first");
    ts_table_column(table, "kernel", false);
    ts_table_column(table, "formats", false);
    ts_table_column(table, "this machine", false);
    for (size_t i = 0; i < n; i++) {
        ts_table_row(table);
        ts_table_put(table, kernels[i].name);
        ts_table_put(table, kernels[i].formats);
        ts_table_putf(table, "%s%s%s%s", kernels[i].supported ? "yes" : "no", kernels[i].chosen ? ", chosen" : "", kernels[i].why ? ": " : "",
                      kernels[i].why ? kernels[i].why : "");
    }
    return print_table(table, format);
}

/* Where the file goes: -o, or the cache (whose folder is made). free() it. */
static enum ts_status target_path(char **out, const struct ts_args *args, struct ts_diags *diags)
{
    char *path = args->out ? ts_path_join("", args->out) : ts_locate_cached_measurement();
    if (!path) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "name a file with -o", "there is no home folder to keep the measurement in");
    }
    char *dir = ts_path_dir(path);
    enum ts_status status = dir ? ts_mkdirs(dir, diags) : TS_ENOMEM;
    free(dir);
    if (status != TS_OK) {
        free(path);
        return status;
    }
    *out = path;
    return TS_OK;
}

static enum ts_status measure(struct ts_measurement *out, struct ts_arena *arena, const struct ts_args *args, struct ts_diags *diags)
{
    const struct ts_llm *llm = NULL;
    const struct ts_matmul_shape *shapes = NULL;
    size_t n_shapes = 0;
    uint32_t n_tok[MAX_N_TOK];
    size_t n_n_tok = sizeof default_n_tok / sizeof default_n_tok[0];
    memcpy(n_tok, default_n_tok, sizeof default_n_tok);

    enum ts_status status = args->n_tok ? parse_n_tok(n_tok, &n_n_tok, args->n_tok, diags) : TS_OK;
    if (status == TS_OK) {
        status = find_model(&llm, arena, args->model ? args->model : "Llama-3.2-1B", diags);
    }
    if (status == TS_OK) {
        status = ts_bench_model_shapes(&shapes, &n_shapes, arena, llm->layers, llm->hidden, llm->ffn, llm->heads, llm->kv_heads, llm->head_dim,
                                       llm->vocab);
    }
    if (status != TS_OK) {
        return status;
    }
    bool show = !args->quiet && isatty(STDERR_FILENO);
    struct ts_bench_options options = {
        .model = llm->name,
        .quant = args->quant ? args->quant : "Q4_0",
        .isa = args->isa,
        .n_threads = (uint32_t)args->threads,
        .shapes = shapes,
        .n_shapes = n_shapes,
        .n_tok = n_tok,
        .n_n_tok = n_n_tok,
        .budget_s = args->quick ? QUICK_BUDGET_S : FULL_BUDGET_S,
        .baseline = !args->no_baseline,
        .progress = {.report = show ? on_progress : on_quiet_progress},
    };
    ts_interrupt_arm();
    status = ts_bench_run(out, arena, &options, diags);
    if (show) {
        fprintf(stderr, "\r%*s\r", 70, "");
    }
    out->tool_version = TS_VERSION;
    return status;
}

static enum ts_status bench(const struct ts_args *args, enum ts_table_format format, struct ts_diags *diags)
{
    struct ts_arena arena;
    struct ts_measurement measurement;
    char *path = NULL;
    ts_arena_init(&arena);
    enum ts_status status = target_path(&path, args, diags);
    if (status == TS_OK) {
        status = measure(&measurement, &arena, args, diags);
    }
    if (status == TS_OK) {
        status = ts_measurement_write(&measurement, path, diags);
    }
    if (status == TS_OK) {
        status = print_measurement(&measurement, format);
    }
    if (status == TS_OK) {
        warn_if_noisy(&measurement, diags);
    }
    if (status == TS_OK && format == TS_TABLE_TEXT) {
        printf("written: %s\n", path);
    }
    free(path);
    ts_arena_deinit(&arena);
    return status;
}

static enum ts_status run(const struct ts_args *args, struct ts_diags *diags)
{
    enum ts_table_format format = TS_TABLE_TEXT;
    if (args->n_operands > 0) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "tiersim bench --quick", "bench takes options only, not '%s'", args->operands[0]);
    }
    if (args->format && !ts_table_format_parse(&format, args->format)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "text, md, csv or json", "unknown format '%s'", args->format);
    }
    if (args->threads > MAX_THREADS) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--threads is at most %d", MAX_THREADS);
    }
    return args->list ? list_kernels(format) : bench(args, format, diags);
}

const struct ts_command ts_command_bench = {
    .name = "bench",
    .bit = TS_CMD_BENCH,
    .usage = "[options]",
    .summary = "Measure this machine with tiersim's own quantized-matmul kernel",
    .examples = "  tiersim bench --quick\n"
                "  tiersim bench --model Llama-3.1-8B --quant Q8_0 --threads 1 -o measurement.json\n"
                "  tiersim bench --list\n",
    .run = run,
};
