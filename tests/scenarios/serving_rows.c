/* Hides what the recordings count as an accelerator. Prompts and replies of InferenceX are drawn at 0.8 to 1.0 of 1,024
 * or 8,192 tokens: their mean is 0.9 of it. Where a row's tp is its expert groups times their size, one of these is
 * the number of accelerators. */
#include "serving_rows.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "serving_names.h"
#include "serving_recipes.h"
#include "serving_sheet.h"

enum { MAX_ROWS = 8192, NAME = 64, MAX_NODE = 8 };
enum measure { TTFT, TPOT, ITL, RATE, JOULES, WATTS, N_MEASURES };

struct row {
    const char *hardware, *model, *quant, *engine, *source;
    unsigned n, data_parallel;
    double spread;                                   /* of the replies' lengths, width over mean */
    double budget, wait;                             /* of a step; steps that a request is held back */
    double users, prompt, output, value[N_MEASURES]; /* 0: not recorded */
};

static const char *const fates[SERVING_N_FATES] = {
    "used",
    "prefill and decode apart",
    "several nodes, or accelerators that cannot be counted",
    "hardware",
    "model",
    "users divided among engines",
    "several tokens a step are predicted, or may be",
    "requests wait for slots or memory",
    "in another file",
};

const char *serving_fate_name(enum serving_fate fate)
{
    return fates[fate];
}

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void name_parts(struct row *row, const char *model, const char *quant, const char *engine)
{
    row->model = serving_model(model);
    row->quant = serving_quant(quant);
    row->engine = serving_engine(engine);
    if (row->model && strncmp(row->model, "gpt-oss", 7) == 0) {
        row->quant = "MXFP4";
    }
}

/* vLLM schedules asynchronously from 0.14 on (January 2026); InferenceX has set it since 2025. Runs that do not state
 * their version are of 2025. */
static void name_age(struct row *row, const char *version)
{
    const bool later = strncmp(version, "0.", 2) == 0 && strtol(version + 2, NULL, 10) >= 14;
    if (row->engine && strcmp(row->engine, "vllm") == 0 && !later && strcmp(row->source, "InferenceX") != 0) {
        row->engine = "vllm-2025";
    }
}

static enum serving_fate fate_of(const struct row *row)
{
    if (!row->hardware) {
        return SERVING_HARDWARE;
    }
    if (!row->model || !row->quant || !row->engine) {
        return SERVING_MODEL;
    }
    if (row->n == 0 || row->n > MAX_NODE) {
        return SERVING_NODES;
    }
    return row->value[TTFT] > 0.35 * row->output * row->value[TPOT] && row->value[TPOT] > 0.0 ? SERVING_WAITS
                                                                                              : SERVING_USED;
}

/* ---- aiconfigurator's sample ---- */

static const double drawn_spread = 0.2 / 0.9;

/* aiconfigurator's runs of thousands of tokens are another recorder's than those of powers of two: their times to the
 * first token show no users in step. The latter's lengths are all the same. Under SGLang that shows: users stay in
 * step. Under engines that mix prompts with replies the scheduler alone would keep them bunched, too, at 1.3 to 2 times
 * the recorded time to the first token; of 0, 0.05, 0.1, 0.15 and 0.22 the recorded times lie between 0.05 and 0.1. */
static double spread_of(const struct row *row, bool inferencex, double isl)
{
    static const double as_if = 0.08;
    return inferencex                                          ? drawn_spread
           : fmod(isl, 1000.0) == 0.0                          ? 1.0
           : row->engine && strcmp(row->engine, "sglang") == 0 ? 0.0
                                                               : as_if;
}

static void count_accelerators(struct row *row, const struct sheet *sheet)
{
    const unsigned tp = (unsigned)number(sheet, "tp_size"),
                   dp = (unsigned)fmax(1.0, number(sheet, "attention_dp_size"));
    const unsigned ep = (unsigned)number(sheet, "moe_ep_size"), within = (unsigned)number(sheet, "moe_tp_size");
    const bool grouped = ep > 1 && within > 1 && ep == within && tp == ep * within;
    row->n = grouped ? within : dp > tp ? dp : tp;
    row->data_parallel = dp;
}

/* The benchmark's settings; false: not a run of the model alone. */
static bool take_recipe(struct row *row, const struct sheet *sheet, bool inferencex)
{
    const char *at = strstr(text(sheet, "silicon_data_source"), "measured=");
    char measured[11] = "";
    (void)snprintf(measured, sizeof measured, "%s", at && strncmp(at, "measured=2", 10) == 0 ? at + 9 : "");
    const struct serving_run run = {.engine = row->engine,
                                    .model = row->model,
                                    .said_model = text(sheet, "model_path"),
                                    .hardware = row->hardware,
                                    .quant = row->quant,
                                    .version = text(sheet, "backend_version"),
                                    .measured = measured,
                                    .tensor_parallel = row->n,
                                    .data_parallel = row->data_parallel,
                                    .isl = number(sheet, "isl"),
                                    .osl = number(sheet, "osl"),
                                    .users = row->users};
    const struct serving_recipe recipe = inferencex ? serving_recipe(&run) : serving_recipe_own(&run);
    row->budget = recipe.budget_tok;
    row->wait = recipe.wait_steps;
    row->data_parallel = recipe.data_parallel > 0 ? recipe.data_parallel : row->data_parallel;
    row->value[TTFT] = recipe.cold ? 0.0 : row->value[TTFT];
    return !recipe.drafts;
}

static enum serving_fate read_sample(struct row *row, const struct sheet *sheet)
{
    const char *from = text(sheet, "silicon_data_source");
    const bool inferencex = !strstr(from, "auto-gap-analysis");
    const char *users = strstr(from, "silicon_concurrency=");
    const double batch = number(sheet, "batch_size"), isl = number(sheet, "isl"), osl = number(sheet, "osl");
    *row =
        (struct row){.hardware = serving_chip(text(sheet, "system")),
                     .source = inferencex ? "InferenceX" : "aiconfigurator",
                     .users = users ? strtod(strchr(users, '=') + 1, NULL) : batch,
                     .prompt = inferencex ? drawn(isl) : isl,
                     .output = inferencex ? drawn(osl) : osl,
                     .budget = serving_recipe_default().budget_tok,
                     .value = {[TTFT] = number(sheet, "silicon_ttft_ms"), [TPOT] = number(sheet, "silicon_tpot_ms")}};
    if (strcmp(text(sheet, "mode"), "agg") != 0) {
        return SERVING_APART;
    }
    name_parts(row, text(sheet, "model_path"), text(sheet, "precision"), text(sheet, "backend"));
    row->spread = spread_of(row, inferencex, isl);
    name_age(row, text(sheet, "backend_version"));
    count_accelerators(row, sheet);
    const enum serving_fate fate = row->users != batch && row->data_parallel == 1 ? SERVING_GROUPS : fate_of(row);
    return fate == SERVING_USED && !take_recipe(row, sheet, inferencex) ? SERVING_DRAFTS : fate;
}

/* ---- serving2026: what is not in the sample ---- */

static enum serving_fate read_serving(struct row *row, const struct sheet *sheet)
{
    const char *from = text(sheet, "source");
    const char *load = text(sheet, "load");
    const char *batch = strstr(load, "mean batch ");
    if (strncmp(from, "ai-dynamo", 9) == 0) {
        return SERVING_ELSEWHERE;
    }
    *row = (struct row){.hardware = serving_chip(text(sheet, "hardware")),
                        .source = serving_source(from),
                        .n = (unsigned)number(sheet, "n_accel"),
                        .data_parallel = 1,
                        .spread = 1.0,
                        .budget = serving_recipe_default().budget_tok,
                        .users = strtod(batch ? batch + 11 : load + strlen("concurrency "), NULL),
                        .prompt = number(sheet, "isl"),
                        .output = number(sheet, "osl")};
    static const char *const columns[N_MEASURES] = {"ttft_mean_ms", "tpot_mean_ms", "itl_median_ms",
                                                    "out_tok_s",    "j_per_tok",    "power_w"};
    for (int i = 0; i < N_MEASURES; i++) {
        row->value[i] = number(sheet, columns[i]);
    }
    name_parts(row, text(sheet, "model"), text(sheet, "quant"), text(sheet, "engine"));
    name_age(row, text(sheet, "version"));
    return fate_of(row);
}

/* serving_amd: the same columns, and what those benchmarks set. */
static enum serving_fate read_amd(struct row *row, const struct sheet *sheet)
{
    const enum serving_fate fate = read_serving(row, sheet);
    row->spread = number(sheet, "spread");
    row->budget = number(sheet, "budget_tok");
    return fate;
}

/* ---- hardware_measurements: the two models of the sample of 2025 that its later version lacks ---- */

static enum serving_fate read_measurement(struct row *row, const struct sheet *sheet)
{
    const char *model = text(sheet, "model"), *metric = text(sheet, "metric");
    unsigned n = 0, isl = 0, osl = 0;
    if (!strstr(text(sheet, "source_url_or_repo_path"), "aiconfigurator") ||
        (!strstr(model, "Qwen3-32B") && !strstr(model, "gpt-oss-120b")) || !strchr(model, '[') ||
        sscanf(strchr(model, '['), "[isl=%u osl=%u]", &isl, &osl) != 2 ||
        sscanf(text(sheet, "hardware"), "%ux ", &n) != 1) {
        return SERVING_ELSEWHERE;
    }
    if (isl % 1000 == 0) {
        return SERVING_GROUPS; /* as many users for each accelerator, whatever their number */
    }
    const bool inferencex = strstr(model, "gpt-oss") != NULL;
    const double users = number(sheet, "batch"), value = number(sheet, "value");
    *row = (struct row){.hardware = serving_chip(strchr(text(sheet, "hardware"), ' ') + 1),
                        .source = inferencex ? "InferenceX" : "aiconfigurator",
                        .n = n,
                        .data_parallel = 1,
                        .users = users,
                        .prompt = inferencex ? drawn(isl) : isl,
                        .output = inferencex ? drawn(osl) : osl,
                        .budget = serving_recipe_default().budget_tok};
    if (strcmp(metric, "ttft_ms") == 0) {
        row->value[TTFT] = value;
    } else {
        row->value[TPOT] = users / value * 1e3;
    }
    name_parts(row, model, text(sheet, "quant"), text(sheet, "engine"));
    row->spread = spread_of(row, inferencex, isl);
    const char *version = strchr(text(sheet, "engine"), ' ');
    name_age(row, version ? version + 1 : "");
    const enum serving_fate fate = fate_of(row);
    if (fate == SERVING_USED) {
        const struct serving_run run = {
            .engine = row->engine, .model = row->model, .hardware = row->hardware, .isl = isl, .users = users};
        row->budget = (inferencex ? serving_recipe(&run) : serving_recipe_own(&run)).budget_tok;
    }
    return fate;
}

/* ---- medians ---- */

static int by_text(const char *a, const char *b, int order)
{
    return order ? order : strcmp(a, b);
}

static int by_number(double a, double b, int order)
{
    return order ? order : (a > b) - (a < b);
}

static int by_key(const void *a, const void *b)
{
    const struct row *p = a, *q = b;
    int order = by_text(p->hardware, q->hardware, 0);
    order = by_number(p->n, q->n, order);
    order = by_number(p->data_parallel, q->data_parallel, order);
    order = by_text(p->model, q->model, order);
    order = by_text(p->quant, q->quant, order);
    order = by_text(p->engine, q->engine, order);
    order = by_text(p->source, q->source, order);
    order = by_number(p->prompt, q->prompt, order);
    order = by_number(p->output, q->output, order);
    order = by_number(p->budget, q->budget, order);
    order = by_number(p->wait, q->wait, order);
    return by_number(p->users, q->users, order);
}

static int by_size(const void *a, const void *b)
{
    return by_number(*(const double *)a, *(const double *)b, 0);
}

/* Of what the rows recorded; 0: none did. `repeats` NULL: not noted. */
static double median(const struct row *rows, size_t n, int measure, struct serving_repeats *repeats)
{
    static double some[MAX_ROWS];
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].value[measure] > 0.0) {
            some[found++] = rows[i].value[measure];
        }
    }
    if (repeats) {
        serving_repeats_note(repeats, some, found);
    }
    qsort(some, found, sizeof *some, by_size);
    return found == 0 ? 0.0 : (some[(found - 1) / 2] + some[found / 2]) / 2.0;
}

static void put_medians(struct ts_text *out, struct row *rows, size_t n, struct serving_repeats *repeats)
{
    ts_text_puts(out, "hardware,count,data_parallel,model,quant,engine,users,prompt_tok,output_tok,spread,budget_tok,"
                      "wait_steps,ttft_ms,tpot_ms,itl_ms,out_tok_s,j_per_tok,power_w,source\n");
    qsort(rows, n, sizeof *rows, by_key);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && by_key(&rows[i], &rows[end]) == 0) {
            end++;
        }
        const struct row *row = &rows[i];
        ts_text_printf(out, "%s,%u,%u,%s,%s,%s,%.5g,%.5g,%.5g,%.3g,%.5g,%.3g", row->hardware, row->n,
                       row->data_parallel, row->model, row->quant, row->engine, row->users, row->prompt, row->output,
                       row->spread, row->budget, row->wait);
        for (int measure = 0; measure < N_MEASURES; measure++) {
            const double value = median(row, end - i, measure, measure <= TPOT ? &repeats[measure] : NULL);
            ts_text_printf(out, value > 0.0 ? ",%.5g" : ",", value);
        }
        ts_text_printf(out, ",%s\n", row->source);
        i = end;
    }
}

/* ---- files ---- */

static const struct {
    const char *name;
    enum serving_fate (*read)(struct row *row, const struct sheet *sheet);
    const char *folder; /* NULL: that of the recordings */
} files[] = {
    {"silicon_sample_2026.csv", read_sample, NULL},
    {"serving2026.csv", read_serving, NULL},
    {"hardware_measurements.csv", read_measurement, NULL},
    {"serving_amd.csv", read_amd, TS_SOURCE_DIR "/tests/scenarios"},
};

static enum ts_status read_file(size_t file, const char *folder, struct row *rows, size_t *n, size_t *counts,
                                struct ts_diags *diags)
{
    char path[1024];
    struct sheet sheet = {0};
    (void)snprintf(path, sizeof path, "%s/%s", files[file].folder ? files[file].folder : folder, files[file].name);
    enum ts_status status = ts_csv_open(&sheet.csv, path, true, diags);
    if (status != TS_OK) {
        return status;
    }
    while ((status = ts_csv_next(sheet.csv, &sheet.row, diags)) == TS_OK && sheet.row && *n < MAX_ROWS) {
        const enum serving_fate fate = files[file].read(&rows[*n], &sheet);
        counts[fate]++;
        *n += fate == SERVING_USED;
    }
    ts_csv_close(sheet.csv);
    return status;
}

enum ts_status serving_rows(struct ts_text *out, const char *folder, size_t counts[SERVING_N_FATES],
                            struct serving_repeats repeats[2], struct ts_diags *diags)
{
    struct row *rows = calloc(MAX_ROWS, sizeof *rows);
    size_t n = 0;
    enum ts_status status = rows ? TS_OK : TS_ENOMEM;
    for (size_t i = 0; status == TS_OK && i < COUNT(files); i++) {
        status = read_file(i, folder, rows, &n, counts, diags);
    }
    if (status == TS_OK) {
        put_medians(out, rows, n, repeats);
    }
    free(rows);
    return status;
}
