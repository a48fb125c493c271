/* tiersim import FILE: another program's measurements as a measurement file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/fit_tables.h"
#include "app/import_operators.h"
#include "app/interrupt.h"
#include "app/print_table.h"
#include "app/version.h"
#include "base/file.h"
#include "base/run_info.h"
#include "imports/import.h"
#include "scenarios/catalog/catalog.h"

enum { MAX_NAME = 256 };

struct import_args {
    const char *source, *format, *model, *hardware, *quant, *out;
};

static const struct import_args defaults = {.out = "measurement.json"};

static const struct ts_option options[] = {
    {TS_INTO(struct import_args, source), "FILE|FOLDER", "a file of measurements, or the folder of an operator profile",
     .operand = TS_NEEDED},
    {"format", 'f', TS_INTO(struct import_args, format), "NAME",
     "llama-bench, llama-batched-bench, vllm, sglang, guidellm, aiperf or operators (default: detected)"},
    {"model", 0, TS_INTO(struct import_args, model), "NAME", "catalog name of the model that was measured"},
    {"hardware", 0, TS_INTO(struct import_args, hardware), "NAME", "catalog name of the hardware it ran on"},
    {"quant", 0, TS_INTO(struct import_args, quant), "NAME", "format of the weights, where the file does not say it"},
    {"out", 'o', TS_INTO(struct import_args, out), "FILE", "the measurement file"},
};

/* ---- names ---- */

static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a, y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;
        if (x != y) {
            return false;
        }
    }
    return *a == *b;
}

/* The catalog's model whose name the source's begins with, up to a '-' or '.': "Llama-3.1-8B-Instruct-Q4_K_M.gguf". */
static const char *catalog_model(const struct ts_catalog *catalog, const char *source)
{
    const char *base = ts_path_base(source);
    char name[MAX_NAME];
    size_t len = strlen(base);
    if (len >= sizeof name) {
        return NULL;
    }
    memcpy(name, base, len + 1);
    while (len > 0) {
        if (name[len] == '\0') {
            for (size_t i = 0; i < catalog->n_llms; i++) {
                if (same_name(catalog->llms[i].name, name)) {
                    return catalog->llms[i].name;
                }
            }
        }
        len--;
        if (name[len] == '-' || name[len] == '.' || name[len] == ' ' || name[len] == '_') {
            name[len] = '\0';
        }
    }
    return NULL;
}

/* The format that the name tells: "...-Q4_K_M.gguf", "...-AWQ", "...-FP8". */
static const char *quant_in_name(const struct ts_catalog *catalog, const char *source)
{
    const char *found = NULL;
    for (size_t i = 0; i < catalog->n_quants; i++) {
        size_t n = strlen(catalog->quants[i].name);
        for (const char *at = source; *at && strlen(at) >= n; at++) {
            char part[MAX_NAME];
            memcpy(part, at, n < sizeof part ? n : 0);
            part[n < sizeof part ? n : 0] = '\0';
            if (same_name(part, catalog->quants[i].name) && (!found || strlen(found) < n)) {
                found = catalog->quants[i].name;
            }
        }
    }
    return found;
}

/* Hardware whose whole name stands in the source's; the longest. "NVIDIA GeForce RTX 4090" -> "RTX 4090". */
static const char *catalog_hardware(const struct ts_catalog *catalog, const char *source)
{
    const struct ts_hardware *one = ts_catalog_hardware(catalog, source);
    const char *found = one ? one->name : NULL;
    for (const char *at = source; *at && !found; at++) {
        bool word = at == source || at[-1] == ' ';
        const struct ts_hardware *row = word && strlen(at) >= 4 ? ts_catalog_hardware(catalog, at) : NULL;
        found = row ? row->name : NULL;
    }
    return found;
}

static void warn_unknown(const char *what, const char *name, const char *hint, struct ts_diags *diags)
{
    if (*name) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), hint, "the catalog has no %s '%s'", what, name);
    } else {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), hint, "the file does not say its %s", what);
    }
}

/* What the user says, else the catalog's names for what the source says, else the source's. */
static void choose_names(struct ts_model_measurement *m, const struct ts_catalog *catalog,
                         const struct import_args *args, struct ts_diags *diags)
{
    const char *model = catalog_model(catalog, args->model ? args->model : m->model);
    const char *quant = args->quant ? args->quant : *m->quant ? m->quant : quant_in_name(catalog, m->model);
    const char *hardware = catalog_hardware(catalog, args->hardware ? args->hardware : m->cpu);
    if (!model) {
        warn_unknown("model", args->model ? args->model : m->model,
                     "name it: --model NAME; 'tiersim catalog models' lists them", diags);
    }
    if (!quant) {
        quant = "BF16";
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "say it: --quant FP8",
                     "the file does not say the weights' format: taken as BF16");
    } else if (!ts_catalog_quant(catalog, quant)) {
        warn_unknown("format", quant, "say it: --quant NAME", diags);
    }
    m->model = model ? model : args->model ? args->model : m->model;
    m->quant = ts_catalog_quant(catalog, quant) ? ts_catalog_quant(catalog, quant)->name : quant;
    m->cpu = hardware ? hardware : args->hardware ? args->hardware : m->cpu;
    if (!*m->cpu) {
        warn_unknown("hardware", "", "say it: --hardware NAME", diags);
    }
}

/* ---- output ---- */

static struct ts_table *knot_table(const struct ts_table_fit *fit)
{
    struct ts_table *table =
        ts_table_create("The same with a table over tokens, t = f(tokens) + b*seqs + c*kv + e*pairs: used by a tier");
    ts_table_column(table, "term", false);
    ts_table_column(table, "us", true);
    for (size_t k = 0; k < fit->n_knots; k++) {
        ts_table_row(table);
        ts_table_putf(table, "f(%g)", fit->tokens[k]);
        ts_table_num(table, 1e6 * fit->seconds[k], 4);
    }
    const double per[] = {fit->b_s_per_seq, fit->c_s_per_kv_tok, fit->e_s_per_pair};
    static const char *const names[] = {"b: per sequence", "c: per cached token read", "e: per query-key pair"};
    for (size_t i = 0; i < sizeof per / sizeof per[0]; i++) {
        ts_table_row(table);
        ts_table_put(table, names[i]);
        ts_table_num(table, 1e6 * per[i], 4);
    }
    return table;
}

static void print_head(const struct ts_model_measurement *m)
{
    const struct ts_import *import = m->import;
    printf("%s: %s%s%s\n", import->file, import->format, *import->program ? ", " : "", import->program);
    printf("model %s %s, hardware %s\n", *m->model ? m->model : "unknown", m->quant, *m->cpu ? m->cpu : "unknown");
    printf("rows read %llu = used %llu + dropped %llu\n", (unsigned long long)import->n_rows,
           (unsigned long long)import->n_used, (unsigned long long)(import->n_rows - import->n_used));
    for (size_t i = 0; i < import->n_drops; i++) {
        printf("  dropped %llu, first at line %llu: %s\n", (unsigned long long)import->drops[i].n,
               (unsigned long long)import->drops[i].line, import->drops[i].reason);
    }
    puts("");
}

static void print_fit(const struct ts_import *import, const char *what, const char *points,
                      const struct ts_fit_error *error)
{
    const struct ts_step_load *worst = &import->points[error->worst].load;
    printf("%s over %zu %s: R2 %.5f, median error %.2f %%, worst %.1f %%", what, error->n, points, error->r2,
           100.0 * error->median_frac, 100.0 * error->worst_frac);
    printf(" (at %.1f sequences, %.0f cached and %.1f prompt tokens)\n", worst->seqs, worst->kv_tok,
           worst->prefill_tok);
}

static void print_errors(const struct ts_model_measurement *m)
{
    const struct ts_import *import = m->import;
    if (m->table.n_knots > 0) {
        print_fit(import, "linear fit", "derived steps", &m->linear.error);
        print_fit(import, "table fit", "derived steps", &m->table.error);
    } else {
        print_fit(import, "fit", "points", &m->linear.error);
    }
    if (m->checked) {
        print_fit(import, "table fit", "further steps that it was not fitted to", &m->table_check);
    }
    if (import->n_far > 0) {
        printf("%llu points far off (a stalled request, a full cache) are left out of the fit, not of its error\n",
               (unsigned long long)import->n_far);
    }
    printf("method: %s\n", import->method);
}

static enum ts_status print(const struct ts_model_measurement *m)
{
    static const char title[] = "Step times, t = a + b*seqs + c*kv + d*prefill + e*pairs";
    print_head(m);
    enum ts_status status = ts_print_table(ts_fit_coefficients(title, &m->linear, m->import->coefs), TS_TABLE_TEXT);
    if (status == TS_OK && m->table.n_knots > 0) {
        status = ts_print_table(knot_table(&m->table), TS_TABLE_TEXT);
    }
    if (status == TS_OK) {
        print_errors(m);
    }
    return status;
}

static enum ts_status write(const struct ts_model_measurement *m, struct ts_arena *arena,
                            const struct import_args *args, struct ts_diags *diags)
{
    struct ts_measurement measurement;
    ts_import_measurement(&measurement, m, ts_run_info_now(arena), TS_VERSION);
    ts_interrupt_arm(); /* the file is soon written, and then whole */
    enum ts_status status = ts_measurement_write(&measurement, args->out, diags);
    if (status == TS_OK) {
        status = print(m);
    }
    if (status == TS_OK) {
        printf("written: %s; use it in a tier with measured: %s\n", args->out, args->out);
    }
    return status;
}

/* ---- the two kinds of sources ---- */

static enum ts_status import_file(struct ts_model_measurement *m, struct ts_import *info, struct ts_arena *arena,
                                  const struct ts_catalog *catalog, const struct import_args *args,
                                  struct ts_diags *diags)
{
    enum ts_status status = ts_import_read(m, info, arena, args->source, args->format, diags);
    if (status != TS_OK) {
        return status;
    }
    choose_names(m, catalog, args, diags);
    return ts_run_info_hash(&info->hash, arena, args->source, NULL, diags);
}

/* The names come first: how often an operator runs in a step is the model's. */
static enum ts_status import_profile(struct ts_model_measurement *m, struct ts_import *info, struct ts_arena *arena,
                                     const struct ts_catalog *catalog, const struct import_args *args,
                                     struct ts_diags *diags)
{
    struct ts_operator_about about;
    enum ts_status status = ts_operator_about_read(&about, arena, args->source, diags);
    if (status != TS_OK) {
        return status;
    }
    const char *weights = ts_arena_printf(arena, "%.*s", (int)strcspn(about.variant, "-"), about.variant);
    const char *program = ts_arena_printf(arena, "%s%s", *about.engine ? "vLLM " : "", about.engine);
    if (!weights || !program) {
        return TS_ENOMEM;
    }
    *info = (struct ts_import){
        .format = "operators", .program = program, .model = about.model, .hardware = about.gpu, .method = ""};
    *m = (struct ts_model_measurement){
        .model = about.model, .quant = weights, .kernel = "operators", .cpu = about.gpu, .weights = about.model};
    if (!*(args->model ? args->model : about.model)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_file(about.folder), "name it: --model NAME",
                       "the profile does not say its model");
    }
    choose_names(m, catalog, args, diags);
    const char *profiled = *about.model ? catalog_model(catalog, about.model) : NULL;
    if (profiled && !ts_str_equal(profiled, m->model)) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(about.folder), NULL,
                     "the operator profile is of %s: its tables are used for %s", about.model, m->model);
    }
    const struct ts_llm *llm = ts_catalog_llm(catalog, m->model);
    return llm ? ts_import_operators(m, info, arena, &about, llm, diags)
               : ts_fail(diags, TS_EINPUT, ts_span_file(about.folder), NULL,
                         "how often operators run in a step follows from the catalog's row of a model");
}

static bool is_profile(const struct import_args *args)
{
    return args->format ? ts_str_equal(args->format, "operators") : ts_operator_profile_is(args->source);
}

static enum ts_status run(const void *args, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_catalog catalog;
    struct ts_model_measurement m;
    struct ts_import info;
    enum ts_status status = ts_catalog_load(&catalog, arena, diags);
    if (status == TS_OK) {
        status = (is_profile(args) ? import_profile : import_file)(&m, &info, arena, &catalog, args, diags);
    }
    if (status == TS_OK) {
        status = write(&m, arena, args, diags);
    }
    return status;
}

const struct ts_command ts_command_import = {
    .name = "import",
    .summary =
        "Make a measurement file from what llama-bench, vLLM, guidellm, aiperf or a profiler of operators measured",
    .examples = "  tiersim import llama-bench.json --model Llama-3.1-8B -o measurement.json\n"
                "  tiersim import vllm-serve.json --hardware 'RTX 4090' --quant BF16\n"
                "  tiersim import profiler/perf/RTX4090/meta-llama/Llama-3.1-8B/bf16/tp1\n"
                "  then in a scenario, below a tier:  measured: measurement.json\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
