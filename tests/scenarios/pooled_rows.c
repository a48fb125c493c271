/* Hides how a recording finds the benchmark's recipe that it was made with: of its system, engine, precision, lengths,
 * users and accelerators of a worker, on a day on which InferenceX had it. Rows that tell their workers come from a
 * table without runs that draft; where workers are untold, a recipe that drafts fits as well or alone, and which of
 * them it was cannot be told. */
#include "pooled_rows.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "serving_names.h"
#include "serving_sheet.h"

enum { MAX_ROWS = 2048, MAX_RECIPES = 1024, MAX_NODE = 8, MAX_NVLINK_72 = 72 };

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const char *const fates[POOLED_N_FATES] = {
    "used",
    "the numbers of workers are told neither by the row nor by one recipe alone",
    "several tokens a step are predicted, or may be",
    "the number of users is not told",
    "a worker reaches over several nodes: what joins them is in no catalog",
    "model",
    "requests wait longer than a third of the reply, though there are seats",
};

const char *pooled_fate_name(enum pooled_fate fate)
{
    return fates[fate];
}

struct worker {
    unsigned n, count, parallel;
};

/* What a run and a recipe have in common. */
struct deployment {
    char system[16], engine[16], precision[8];
    double isl, osl, users;
    struct worker prefill, decode;
};

struct recipe {
    struct deployment of;
    unsigned prefill_seqs, prefill_tok, decode_seqs; /* of an engine; 0: not told */
    bool drafts;
    char from[11], until[11]; /* days */
};

struct pooled_row {
    struct recipe made_with;
    const char *hardware, *model, *quant, *engine;
    double prompt, output, ttft_ms, tpot_ms;
};

static void copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from);
}

/* ---- recipes ---- */

static struct worker recipe_worker(const struct sheet *sheet, const char *role)
{
    static const char *const parts[3] = {"workers", "count", "parallel"};
    unsigned value[3];
    for (size_t i = 0; i < COUNT(parts); i++) {
        char column[32];
        (void)snprintf(column, sizeof column, "%s_%s", role, parts[i]);
        value[i] = (unsigned)number(sheet, column);
    }
    return (struct worker){value[0], value[1], value[2]};
}

static struct recipe read_recipe(const struct sheet *sheet)
{
    struct recipe out = {.of = {.isl = number(sheet, "isl"),
                                .osl = number(sheet, "osl"),
                                .users = number(sheet, "users"),
                                .prefill = recipe_worker(sheet, "prefill"),
                                .decode = recipe_worker(sheet, "decode")},
                         .prefill_seqs = (unsigned)number(sheet, "prefill_seqs"),
                         .prefill_tok = (unsigned)number(sheet, "prefill_tok"),
                         .decode_seqs = (unsigned)number(sheet, "decode_seqs"),
                         .drafts = strcmp(text(sheet, "drafts"), "yes") == 0};
    copy(out.of.system, sizeof out.of.system, text(sheet, "system"));
    copy(out.of.engine, sizeof out.of.engine, text(sheet, "engine"));
    copy(out.of.precision, sizeof out.of.precision, text(sheet, "precision"));
    copy(out.from, sizeof out.from, text(sheet, "from"));
    copy(out.until, sizeof out.until, text(sheet, "until"));
    return out;
}

static enum ts_status read_recipes(struct recipe *recipes, size_t *n, const char *path, struct ts_diags *diags)
{
    struct sheet sheet = {0};
    enum ts_status status = ts_csv_open(&sheet.csv, path, true, diags);
    while (status == TS_OK && (status = ts_csv_next(sheet.csv, &sheet.row, diags)) == TS_OK && sheet.row &&
           *n < MAX_RECIPES) {
        recipes[(*n)++] = read_recipe(&sheet);
    }
    ts_csv_close(sheet.csv);
    return status;
}

static bool same_pools(const struct deployment *a, const struct deployment *b)
{
    return a->prefill.n == b->prefill.n && a->prefill.parallel == b->prefill.parallel && a->decode.n == b->decode.n &&
           a->decode.parallel == b->decode.parallel;
}

static bool fits(const struct recipe *recipe, const struct deployment *run, const char *day)
{
    const struct deployment *of = &recipe->of;
    const bool told = run->prefill.n > 0;
    return strcmp(of->system, run->system) == 0 && strcmp(of->engine, run->engine) == 0 &&
           strcmp(of->precision, run->precision) == 0 && of->isl == run->isl && of->osl == run->osl &&
           of->users == run->users && of->prefill.count == run->prefill.count &&
           of->decode.count == run->decode.count && strcmp(recipe->from, day) <= 0 && strcmp(day, recipe->until) <= 0 &&
           (!told || (of->prefill.n == run->prefill.n && of->decode.n == run->decode.n &&
                      of->decode.parallel == run->decode.parallel));
}

/* The recipe of that run, into *made_with; else why it is left out. */
static enum pooled_fate find_recipe(struct recipe *made_with, const struct recipe *recipes, size_t n, const char *day)
{
    const struct deployment run = made_with->of;
    const bool told = run.prefill.n > 0;
    size_t found = 0;
    bool drafts = false, agree = true;
    for (size_t i = 0; i < n; i++) {
        if (!fits(&recipes[i], &run, day)) {
            continue;
        }
        drafts = drafts || recipes[i].drafts;
        if (!recipes[i].drafts) {
            agree = agree && (found == 0 || same_pools(&made_with->of, &recipes[i].of));
            *made_with = found == 0 || recipes[i].decode_seqs > 0 ? recipes[i] : *made_with;
            found++;
        }
    }
    return told || (found > 0 && agree && !drafts) ? POOLED_USED : drafts ? POOLED_DRAFTS : POOLED_WORKERS;
}

/* ---- the sample ---- */

static struct worker sample_worker(const struct sheet *sheet, const char *role)
{
    static const char *const of[4] = {"tp_size", "attention_dp_size", "moe_tp_size", "moe_ep_size"};
    char column[64];
    double sizes[4];
    for (size_t i = 0; i < COUNT(of); i++) {
        (void)snprintf(column, sizeof column, "%s_%s", role, of[i]);
        sizes[i] = fmax(1.0, number(sheet, column));
    }
    (void)snprintf(column, sizeof column, "%s_num_workers", role);
    return (struct worker){(unsigned)number(sheet, column),
                           (unsigned)fmax(sizes[0], fmax(sizes[1], sizes[2] * sizes[3])), (unsigned)sizes[1]};
}

/* SGLang's recipes of four GB200 to a worker cut tensors, whatever the sample says of attention
 * (NVIDIA/srt-slurm@c88ef731, recipes/gb200-fp4/1k1k/low-latency.yaml and its like): in FP8 there would be no room. */
static void mend_attention(struct deployment *of)
{
    if (strcmp(of->system, "gb200") == 0 && strcmp(of->engine, "sglang") == 0 && of->decode.count == 4) {
        of->prefill.parallel = of->decode.parallel = 1;
    }
}

static void read_run(struct pooled_row *out, const struct sheet *sheet)
{
    const char *users = strstr(text(sheet, "silicon_data_source"), "silicon_concurrency=");
    struct deployment *of = &out->made_with.of;
    *of = (struct deployment){.isl = number(sheet, "isl"),
                              .osl = number(sheet, "osl"),
                              .users = users ? strtod(strchr(users, '=') + 1, NULL) : 0.0,
                              .prefill = sample_worker(sheet, "prefill"),
                              .decode = sample_worker(sheet, "decode")};
    copy(of->system, sizeof of->system, text(sheet, "system"));
    copy(of->engine, sizeof of->engine, text(sheet, "backend"));
    copy(of->precision, sizeof of->precision, text(sheet, "precision"));
    mend_attention(of);
    const bool joined_72 = strcmp(of->system, "gb200") == 0; /* one NVLink domain */
    out->hardware = joined_72 ? "GB200 (one GPU)" : serving_chip(of->system);
    out->model = serving_model(text(sheet, "model_path"));
    out->quant = serving_quant(of->precision);
    out->engine = serving_engine(of->engine);
    out->prompt = drawn(of->isl);
    out->output = drawn(of->osl);
    out->ttft_ms = number(sheet, "silicon_ttft_ms");
    out->tpot_ms = number(sheet, "silicon_tpot_ms");
}

static bool has_seats(const struct recipe *made_with)
{
    const struct worker *decode = &made_with->of.decode;
    const double seats = (double)made_with->decode_seqs * decode->n * decode->parallel;
    return seats == 0.0 || made_with->of.users <= seats;
}

static enum pooled_fate read_pooled(struct pooled_row *out, const struct sheet *sheet, const struct recipe *recipes,
                                    size_t n_recipes)
{
    const char *measured = strstr(text(sheet, "silicon_data_source"), "measured=");
    char day[11] = "";
    copy(day, sizeof day, measured ? strchr(measured, '=') + 1 : "");
    *out = (struct pooled_row){0};
    read_run(out, sheet);
    const struct deployment *of = &out->made_with.of;
    const unsigned most = strcmp(of->system, "gb200") == 0 ? (unsigned)MAX_NVLINK_72 : (unsigned)MAX_NODE;
    if (!(of->users > 0.0)) {
        return POOLED_USERS;
    }
    if (of->prefill.count > most || of->decode.count > most) {
        return POOLED_NODES;
    }
    if (!out->model || !out->quant || !out->engine || !out->hardware) {
        return POOLED_MODEL;
    }
    const enum pooled_fate fate = find_recipe(&out->made_with, recipes, n_recipes, day);
    const bool waits = out->ttft_ms > 0.35 * out->output * out->tpot_ms;
    return fate == POOLED_USED && waits && has_seats(&out->made_with) ? POOLED_WAITS : fate;
}

/* ---- medians ---- */

static int by_number(double a, double b, int order)
{
    return order ? order : (a > b) - (a < b);
}

static int by_worker(const struct worker *a, const struct worker *b, int order)
{
    order = by_number(a->n, b->n, order);
    order = by_number(a->count, b->count, order);
    return by_number(a->parallel, b->parallel, order);
}

static int by_text(const char *a, const char *b, int order)
{
    return order ? order : strcmp(a, b);
}

static int by_point(const void *a, const void *b)
{
    const struct pooled_row *p = a, *q = b;
    const struct recipe *r = &p->made_with, *s = &q->made_with;
    int order = by_worker(&r->of.decode, &s->of.decode, by_worker(&r->of.prefill, &s->of.prefill, 0));
    order = by_text(p->hardware, q->hardware, order);
    order = by_text(p->model, q->model, order);
    order = by_text(p->quant, q->quant, order);
    order = by_text(p->engine, q->engine, order);
    order = by_number(p->prompt, q->prompt, order);
    order = by_number(p->output, q->output, order);
    order = by_number(r->of.users, s->of.users, order);
    order = by_number(r->prefill_seqs, s->prefill_seqs, order);
    order = by_number(r->prefill_tok, s->prefill_tok, order);
    return by_number(r->decode_seqs, s->decode_seqs, order);
}

static int by_size(const void *a, const void *b)
{
    return by_number(*(const double *)a, *(const double *)b, 0);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_size);
    return (values[(n - 1) / 2] + values[n / 2]) / 2.0;
}

static void put_count(struct ts_text *out, unsigned n)
{
    ts_text_printf(out, n > 0 ? "%u," : ",", n);
}

static void put_point(struct ts_text *out, const struct pooled_row *rows, size_t n)
{
    static double ttft[MAX_ROWS], tpot[MAX_ROWS];
    for (size_t i = 0; i < n; i++) {
        ttft[i] = rows[i].ttft_ms;
        tpot[i] = rows[i].tpot_ms;
    }
    const struct recipe *recipe = &rows->made_with;
    const struct worker *prefill = &recipe->of.prefill, *decode = &recipe->of.decode;
    ts_text_printf(out, "%s,%s,%s,%s,%u,%u,%u,", rows->hardware, rows->model, rows->quant, rows->engine, prefill->n,
                   prefill->count, prefill->parallel);
    put_count(out, recipe->prefill_seqs);
    put_count(out, recipe->prefill_tok);
    ts_text_printf(out, "%u,%u,%u,", decode->n, decode->count, decode->parallel);
    put_count(out, recipe->decode_seqs);
    ts_text_printf(out, "%.5g,%.5g,%.5g,%.5g,%.5g,InferenceX\n", recipe->of.users, rows->prompt, rows->output,
                   median(ttft, n), median(tpot, n));
}

static void put_points(struct ts_text *out, struct pooled_row *rows, size_t n)
{
    ts_text_puts(out, "hardware,model,quant,engine,prefill_workers,prefill_count,prefill_parallel,prefill_seqs,"
                      "prefill_tok,decode_workers,decode_count,decode_parallel,decode_seqs,users,prompt_tok,output_tok,"
                      "ttft_ms,tpot_ms,source\n");
    qsort(rows, n, sizeof *rows, by_point);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && by_point(&rows[i], &rows[end]) == 0;) {
            end++;
        }
        put_point(out, &rows[i], end - i);
    }
}

enum ts_status pooled_rows(struct ts_text *out, const char *sample, const char *recipes_path,
                           size_t counts[POOLED_N_FATES], struct ts_diags *diags)
{
    static struct recipe recipes[MAX_RECIPES];
    static struct pooled_row rows[MAX_ROWS];
    struct sheet sheet = {0};
    size_t n_recipes = 0, n = 0;
    enum ts_status status = read_recipes(recipes, &n_recipes, recipes_path, diags);
    status = status == TS_OK ? ts_csv_open(&sheet.csv, sample, true, diags) : status;
    while (status == TS_OK && (status = ts_csv_next(sheet.csv, &sheet.row, diags)) == TS_OK && sheet.row &&
           n < MAX_ROWS) {
        if (strcmp(text(&sheet, "mode"), "agg") != 0) {
            const enum pooled_fate fate = read_pooled(&rows[n], &sheet, recipes, n_recipes);
            counts[fate]++;
            n += fate == POOLED_USED;
        }
    }
    ts_csv_close(sheet.csv);
    if (status == TS_OK) {
        put_points(out, rows, n);
    }
    return status;
}
