/* Hides how lengths become tables: the rows of a class are cut by the rank of their prompts into groups of one size;
 * each group has quantiles of its prompts, of its replies and of what part of its prompts was there before, so that the
 * three go together as far as the prompt's length tells of the others. A quantile at q is the value of rank ceil(q n);
 * between them the generator draws linearly, so the groups' edges and caps stay. */
#include <math.h>
#include <stdlib.h>

#include "traces/trace_fit.h"

enum { MAX_GROUPS = 20, LEAST_ROWS = 50 };

static const double prompt_q[] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95, 98, 99, 100};
static const double output_q[] = {0,  2,  5,  10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60,   65,
                                  70, 75, 80, 85, 88, 90, 92, 94, 95, 96, 97, 98, 99, 99.5, 100};
static const double prefix_q[] = {0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

struct weighted {
    double value, weight;
};

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

static void put_lags(struct ts_text *out, const struct ts_trace_sample_row *rows, size_t n, struct weighted *values,
                     size_t indent)
{
    size_t n_lags = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].lag > 0) {
            values[n_lags++] = (struct weighted){rows[i].lag, weight_of(&rows[i], n)};
        }
    }
    if (n_lags > 0) {
        put_blanks(out, indent);
        ts_text_puts(out, "prefix_lag: ");
        put_quantiles(out, values, n_lags, output_q, COUNT(output_q), "");
        ts_text_puts(out, "\n");
    }
}

/* Those without take the weight that those with have more than one. */
static void put_prefixes(struct ts_text *out, const struct ts_trace_sample_row *rows, size_t n, struct weighted *values,
                         size_t n_all)
{
    double found = 0.0, others = 0.0;
    for (size_t i = 0; i < n; i++) {
        found += rows[i].lag > 0 ? weight_of(&rows[i], n_all) : 0.0;
        others += rows[i].lag > 0 ? 0.0 : 1.0;
    }
    if (found == 0.0) {
        return;
    }
    const double rest = fmax((double)n - found, 0.0);
    for (size_t i = 0; i < n; i++) {
        values[i] = (struct weighted){(double)rows[i].prefix_frac,
                                      rows[i].lag > 0 ? weight_of(&rows[i], n_all) : rest / others};
    }
    ts_text_puts(out, ", prefix: ");
    put_quantiles(out, values, n, prefix_q, COUNT(prefix_q), "");
}

static void put_group(struct ts_text *out, const struct ts_trace_sample_row *rows, size_t n, struct weighted *values,
                      size_t n_all, size_t indent)
{
    put_blanks(out, indent);
    ts_text_puts(out, "- {share: ");
    ts_text_double(out, round(100.0 * (double)n / (double)n_all * 1e6) / 1e6);
    ts_text_puts(out, " %, prompt: ");
    for (size_t i = 0; i < n; i++) {
        values[i] = (struct weighted){rows[i].prompt_tok, 1.0};
    }
    put_quantiles(out, values, n, prompt_q, COUNT(prompt_q), " tok");
    ts_text_puts(out, ", output: ");
    for (size_t i = 0; i < n; i++) {
        values[i] = (struct weighted){rows[i].output_tok, 1.0};
    }
    put_quantiles(out, values, n, output_q, COUNT(output_q), " tok");
    put_prefixes(out, rows, n, values, n_all);
    ts_text_puts(out, "}\n");
}

bool ts_fit_lengths(struct ts_text *out, struct ts_trace_sample_row *rows, size_t n, size_t indent)
{
    struct weighted *values = malloc(n * sizeof *values);
    if (!values) {
        return false;
    }
    const size_t wanted = n / LEAST_ROWS, n_groups = wanted < 1 ? 1 : wanted > MAX_GROUPS ? MAX_GROUPS : wanted;
    qsort(rows, n, sizeof *rows, by_prompt);
    put_lags(out, rows, n, values, indent);
    put_blanks(out, indent);
    ts_text_puts(out, "lengths:\n");
    for (size_t i = 0; i < n_groups; i++) {
        const size_t from = n * i / n_groups, to = n * (i + 1) / n_groups;
        put_group(out, rows + from, to - from, values, n, indent + 2);
    }
    free(values);
    return true;
}
