/* Hides how lengths become tables: the rows of a class are cut by the rank of their prompts into groups of one size;
 * each group has quantiles of its prompts, of its replies and of what part of its prompts was there before, so that the
 * three go together as far as the prompt's length tells of the others. A quantile at q is the value of rank ceil(q n);
 * between them the generator draws linearly, so the groups' edges and caps stay.
 *
 * Where what comes changes over the time of the trace, the groups' shares follow it in equal steps. Whether it does is
 * seen by Pearson's chi-squared statistic of a table of steps by kinds of requests (new and continued prompts, by four
 * ranks each): beyond its mean by 5 standard deviations. Then prompts that begin like none before them are groups of
 * their own, and those that do are cut into four eras, each with lags of its own: in a trace that begins without a past
 * the new ones come first, and what is found in caches comes late. */
#include <math.h>
#include <stdlib.h>

#include "traces/trace_fit.h"

struct weighted {
    double value, weight;
};

enum {
    MAX_GROUPS = 20,
    MAX_ERAS = 4,
    LEAST_ROWS = 50,
    MAX_STEPS = 12,
    LEAST_IN_STEP = 300,
    N_RANKS = 4,
    N_KINDS = 2 * N_RANKS
};

/* The rows of a class, and the time of the trace that its steps are parts of. */
struct table {
    struct ts_trace_sample_row *rows; /* [n] */
    size_t n;
    const struct ts_fit_span *span;
    size_t n_steps;          /* 0: what comes does not change */
    size_t n_of[MAX_STEPS];  /* rows in each step */
    struct weighted *values; /* [n] scratch */
};

static const double prompt_q[] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95, 98, 99, 100};
static const double output_q[] = {0,  2,  5,  10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60,   65,
                                  70, 75, 80, 85, 88, 90, 92, 94, 95, 96, 97, 98, 99, 99.5, 100};
static const double prefix_q[] = {0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static int by_value(const void *a, const void *b)
{
    const struct weighted *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

static int by_prompt(const void *a, const void *b)
{
    const struct ts_trace_sample_row *x = a, *y = b;
    return x->prompt_tok != y->prompt_tok ? (x->prompt_tok > y->prompt_tok) - (x->prompt_tok < y->prompt_tok)
                                          : (x->arrival_ns > y->arrival_ns) - (x->arrival_ns < y->arrival_ns);
}

/* {quantiles: {0: 2, ...}}, or the value alone where all are the same. Sorts. */
static void put_quantiles(struct ts_text *out, struct weighted *values, size_t n, const double *q, size_t n_q,
                          const char *unit)
{
    double total = 0.0, below = 0.0;
    size_t at = 0;
    qsort(values, n, sizeof *values, by_value);
    if (values[0].value == values[n - 1].value) {
        ts_text_double(out, values[0].value);
        ts_text_puts(out, unit);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        total += values[i].weight;
    }
    ts_text_puts(out, "{quantiles: {");
    for (size_t i = 0; i < n_q; i++) {
        const double upto = q[i] / 100.0 * total * (1.0 - 1e-12);
        while (at + 1 < n && below + values[at].weight < upto) {
            below += values[at++].weight;
        }
        const double value = i + 1 == n_q ? values[n - 1].value : values[at].value;
        ts_text_puts(out, i > 0 ? ", " : "");
        ts_text_double(out, q[i]);
        ts_text_puts(out, ": ");
        ts_text_double(out, round(value * 1e4) / 1e4);
    }
    ts_text_puts(out, "}}");
}

/* Of a beginning that came L prompts ago, one in a prompt with b others before it: it would have been missed in the
 * first L of the n prompts, so it stands for n / (n - L) like it. */
static double weight_of(const struct ts_trace_sample_row *row, size_t n)
{
    const double most = 8.0;
    return row->lag > 0 ? fmin(most, (double)n / ((double)n - (double)row->lag + 1.0)) : 1.0;
}

static void put_blanks(struct ts_text *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ts_text_puts(out, " ");
    }
}

/* ---- over time ---- */

static size_t step_of(const struct table *table, const struct ts_trace_sample_row *row, size_t n_steps)
{
    const double at = (double)(row->arrival_ns - table->span->first_ns) / 1e9 / table->span->duration_s;
    const double step = floor(at * (double)n_steps);
    return step > 0.0 ? (size_t)fmin(step, (double)(n_steps - 1)) : 0;
}

/* Rows are in order of their prompts. */
static bool changes(const struct table *table, size_t n_steps)
{
    double seen[MAX_STEPS][N_KINDS] = {{0.0}}, of_step[MAX_STEPS] = {0.0}, of_kind[N_KINDS] = {0.0}, sum = 0.0;
    size_t n_rows = 0, n_kinds = 0;
    for (size_t i = 0; i < table->n; i++) {
        const size_t step = step_of(table, &table->rows[i], n_steps);
        const size_t kind = i * N_RANKS / table->n + (table->rows[i].lag > 0 ? N_RANKS : 0);
        seen[step][kind] += 1.0;
        of_step[step] += 1.0;
        of_kind[kind] += 1.0;
    }
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        n_kinds += of_kind[kind] > 0.0;
    }
    for (size_t step = 0; step < n_steps; step++) {
        n_rows += of_step[step] > 0.0;
        for (size_t kind = 0; kind < N_KINDS; kind++) {
            const double due = of_step[step] * of_kind[kind] / (double)table->n;
            sum += due > 0.0 ? (seen[step][kind] - due) * (seen[step][kind] - due) / due : 0.0;
        }
    }
    const double freedom = ((double)n_rows - 1.0) * ((double)n_kinds - 1.0);
    return freedom > 0.0 && sum > freedom + 5.0 * sqrt(2.0 * freedom);
}

static void find_steps(struct table *table)
{
    const size_t most = table->n / LEAST_IN_STEP, n_steps = most < MAX_STEPS ? most : MAX_STEPS;
    if (n_steps < 2 || !changes(table, n_steps)) {
        return;
    }
    table->n_steps = n_steps;
    for (size_t i = 0; i < table->n; i++) {
        table->n_of[step_of(table, &table->rows[i], n_steps)]++;
    }
}

/* Factors on the share of these rows, step by step. */
static void put_over_time(struct ts_text *out, const struct table *table, const struct ts_trace_sample_row *rows,
                          size_t n)
{
    double n_of[MAX_STEPS] = {0.0};
    for (size_t i = 0; i < n; i++) {
        n_of[step_of(table, &rows[i], table->n_steps)] += 1.0;
    }
    ts_text_puts(out, ", over_time: [");
    for (size_t step = 0; step < table->n_steps; step++) {
        const double due = (double)table->n_of[step] * (double)n / (double)table->n;
        ts_text_puts(out, step > 0 ? ", " : "");
        ts_text_double(out, due > 0.0 ? round(n_of[step] / due * 1e3) / 1e3 : 0.0);
    }
    ts_text_puts(out, "]");
}

/* ---- what prompts begin like ---- */

/* Where shares follow the time, what the first prompts could not show is part of that. */
static double weight_in(const struct table *table, const struct ts_trace_sample_row *row)
{
    return table->n_steps > 0 ? 1.0 : weight_of(row, table->n);
}

/* prefix_lag of these rows; false if none has one. */
static bool put_lags(struct ts_text *out, const struct table *table, const struct ts_trace_sample_row *rows, size_t n)
{
    size_t n_lags = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].lag > 0) {
            table->values[n_lags++] = (struct weighted){rows[i].lag, weight_in(table, &rows[i])};
        }
    }
    if (n_lags > 0) {
        ts_text_puts(out, "prefix_lag: ");
        put_quantiles(out, table->values, n_lags, output_q, COUNT(output_q), "");
    }
    return n_lags > 0;
}

/* Those without take the weight that those with have more than one. */
static void put_prefixes(struct ts_text *out, const struct table *table, const struct ts_trace_sample_row *rows,
                         size_t n)
{
    double found = 0.0, others = 0.0;
    for (size_t i = 0; i < n; i++) {
        found += rows[i].lag > 0 ? weight_in(table, &rows[i]) : 0.0;
        others += rows[i].lag > 0 ? 0.0 : 1.0;
    }
    if (found == 0.0) {
        return;
    }
    const double rest = fmax((double)n - found, 0.0);
    for (size_t i = 0; i < n; i++) {
        table->values[i] = (struct weighted){(double)rows[i].prefix_frac,
                                             rows[i].lag > 0 ? weight_in(table, &rows[i]) : rest / others};
    }
    ts_text_puts(out, ", prefix: ");
    put_quantiles(out, table->values, n, prefix_q, COUNT(prefix_q), "");
    if (table->n_steps > 0) {
        ts_text_puts(out, ", ");
        (void)put_lags(out, table, rows, n);
    }
}

/* Where the rows, in order of time, are all of their class: who begins like one that another has gone on with before.
 */
static void find_branches(struct ts_trace_sample_row *rows, size_t n)
{
    for (size_t i = 0; i < n && rows[i].n_before == i; i++) {
        if (rows[i].lag > 0 && rows[i].lag <= i) {
            struct ts_trace_sample_row *source = &rows[i - rows[i].lag];
            rows[i].is_branch = source->is_gone_on;
            source->is_gone_on = true;
        }
    }
}

/* How many of those that begin like an earlier one are branches: see enum ts_prefix_kind. */
static void put_branches(struct ts_text *out, const struct table *table, size_t indent)
{
    double found = 0.0, branches = 0.0;
    for (size_t i = 0; i < table->n; i++) {
        found += table->rows[i].lag > 0 ? 1.0 : 0.0;
        branches += table->rows[i].is_branch ? 1.0 : 0.0;
    }
    if (found > 0.0) {
        put_blanks(out, indent);
        ts_text_puts(out, "prefix_branch: ");
        ts_text_double(out, round(1e4 * branches / found) / 1e2);
        ts_text_puts(out, " %\n");
    }
}

/* ---- groups ---- */

static void put_group(struct ts_text *out, const struct table *table, const struct ts_trace_sample_row *rows, size_t n,
                      size_t indent)
{
    put_blanks(out, indent);
    ts_text_puts(out, "- {share: ");
    ts_text_double(out, round(100.0 * (double)n / (double)table->n * 1e6) / 1e6);
    ts_text_puts(out, " %, prompt: ");
    for (size_t i = 0; i < n; i++) {
        table->values[i] = (struct weighted){rows[i].prompt_tok, 1.0};
    }
    put_quantiles(out, table->values, n, prompt_q, COUNT(prompt_q), " tok");
    ts_text_puts(out, ", output: ");
    for (size_t i = 0; i < n; i++) {
        table->values[i] = (struct weighted){rows[i].output_tok, 1.0};
    }
    put_quantiles(out, table->values, n, output_q, COUNT(output_q), " tok");
    put_prefixes(out, table, rows, n);
    if (table->n_steps > 0) {
        put_over_time(out, table, rows, n);
    }
    ts_text_puts(out, "}\n");
}

/* Groups of these rows, which are in order of their prompts. */
static void put_groups(struct ts_text *out, const struct table *table, const struct ts_trace_sample_row *rows, size_t n,
                       size_t most, size_t indent)
{
    const size_t wanted = n / LEAST_ROWS, n_groups = wanted < 1 ? 1 : wanted > most ? most : wanted;
    for (size_t i = 0; i < n_groups && n > 0; i++) {
        const size_t from = n * i / n_groups, to = n * (i + 1) / n_groups;
        put_group(out, table, rows + from, to - from, indent);
    }
}

/* New prompts first, then those that go on with others, in order of time. */
static int by_kind(const void *a, const void *b)
{
    const struct ts_trace_sample_row *x = a, *y = b;
    if ((x->lag > 0) != (y->lag > 0)) {
        return (x->lag > 0) - (y->lag > 0);
    }
    return x->lag > 0 ? (x->arrival_ns > y->arrival_ns) - (x->arrival_ns < y->arrival_ns) : by_prompt(a, b);
}

/* Prompts that go on with others, which are in order of time: how far back these are changes over it, too, so that each
 * of some eras has groups of its own. */
static void put_eras(struct ts_text *out, const struct table *table, struct ts_trace_sample_row *rows, size_t n,
                     size_t indent)
{
    enum { LEAST_IN_ERA = 4 * LEAST_ROWS };
    const size_t wanted = n / LEAST_IN_ERA, n_eras = wanted < 1 ? 1 : wanted > MAX_ERAS ? MAX_ERAS : wanted;
    for (size_t i = 0; i < n_eras; i++) {
        const size_t from = n * i / n_eras, to = n * (i + 1) / n_eras;
        qsort(rows + from, to - from, sizeof *rows, by_prompt);
        put_groups(out, table, rows + from, to - from, MAX_GROUPS / n_eras, indent);
    }
}

bool ts_fit_lengths(struct ts_text *out, struct ts_trace_sample_row *rows, size_t n, const struct ts_fit_span *span,
                    size_t indent)
{
    struct table table = {.rows = rows, .n = n, .span = span, .values = malloc(n * sizeof *table.values)};
    size_t n_new = 0;
    if (!table.values) {
        return false;
    }
    find_branches(rows, n);
    qsort(rows, n, sizeof *rows, by_prompt);
    find_steps(&table);
    if (table.n_steps > 0) {
        qsort(rows, n, sizeof *rows, by_kind);
        while (n_new < n && rows[n_new].lag == 0) {
            n_new++;
        }
    } else {
        struct ts_text lags;
        ts_text_init(&lags);
        if (put_lags(&lags, &table, rows, n)) {
            put_blanks(out, indent);
            ts_text_append(out, lags.data, lags.len);
            ts_text_puts(out, "\n");
        }
        out->failed = out->failed || lags.failed;
        ts_text_deinit(&lags);
    }
    put_branches(out, &table, indent);
    put_blanks(out, indent);
    ts_text_puts(out, "lengths:\n");
    put_groups(out, &table, rows, table.n_steps > 0 ? n_new : n, MAX_GROUPS, indent + 2);
    if (table.n_steps > 0 && n_new < n) {
        put_eras(out, &table, rows + n_new, n - n_new, indent + 2);
    }
    free(table.values);
    return true;
}
