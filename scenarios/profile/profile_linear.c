/* Hides what layers without attention (linear attention, state space models) take: linear_attention.csv has one layer's
 * kernels over the prompt tokens of a step and its sequences in decode. A kernel without rows of no prompt tokens runs
 * only where there are some, and likewise one without rows of no sequences. Between measured points it is linear in
 * each, beyond the last point the last slope goes on. Their projections stand in dense.csv, under names that begin with
 * gdn_, linear_, mamba_ or conv_. */
#include <math.h>
#include <string.h>

#include "scenarios/profile/profile_parts.h"

enum { CHUNK, DECODE };

bool ts_profile_is_linear(const char *name)
{
    static const char *const starts[] = {"gdn_", "linear_", "mamba_", "conv_", "kda_"};
    bool is = false;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        is = is || strncmp(name, starts[i], strlen(starts[i])) == 0;
    }
    return is;
}

unsigned ts_profile_linear_layers(const struct ts_profile *p)
{
    return p->ctx->llm->layers - ts_llm_attention_layers(p->ctx->llm);
}

/* On the line through two points. */
static double on_line(double x, double x0, double y0, double x1, double y1)
{
    return x1 > x0 ? fmax(0.0, y0 + (y1 - y0) * (x - x0) / (x1 - x0)) : y0;
}

/* The rows [first, end) of one number of prompt tokens, at a number of sequences. */
static double at_sequences(const struct ts_profile_row *rows, size_t first, size_t end, double n_decode)
{
    size_t low = first;
    if (n_decode == 0.0 && rows[first].x[DECODE] > 0.0) {
        return 0.0;
    }
    while (low + 2 < end && rows[low + 1].x[DECODE] <= n_decode) {
        low++;
    }
    const struct ts_profile_row *a = &rows[low], *b = low + 1 < end ? a + 1 : a;
    return n_decode <= a->x[DECODE] ? a->seconds
                                    : on_line(n_decode, a->x[DECODE], a->seconds, b->x[DECODE], b->seconds);
}

static size_t end_of_chunk(const struct ts_profile_row *rows, size_t first, size_t end)
{
    size_t at = first;
    while (at < end && rows[at].x[CHUNK] == rows[first].x[CHUNK]) {
        at++;
    }
    return at;
}

/* One kernel's rows [first, end), sorted by prompt tokens. */
static double at_chunk(const struct ts_profile_row *rows, size_t first, size_t end, double chunk, double n_decode)
{
    size_t a = first, a_end = end_of_chunk(rows, a, end);
    if (chunk == 0.0 && rows[first].x[CHUNK] > 0.0) {
        return 0.0;
    }
    const double from = rows[a].x[CHUNK];
    if (a_end == end || chunk <= from) {
        return at_sequences(rows, a, a_end, n_decode);
    }
    size_t b = a_end, b_end = end_of_chunk(rows, b, end);
    while (b_end < end && rows[b].x[CHUNK] <= chunk) {
        a = b;
        a_end = b_end;
        b = b_end;
        b_end = end_of_chunk(rows, b, end);
    }
    return on_line(chunk, rows[a].x[CHUNK], at_sequences(rows, a, a_end, n_decode), rows[b].x[CHUNK],
                   at_sequences(rows, b, b_end, n_decode));
}

double ts_profile_linear_s(const struct ts_profile *p, double chunk, double n_decode)
{
    const struct ts_profile_table *table = &p->linear;
    double sum_s = 0.0;
    for (size_t first = 0, end = 0; first < table->n; first = end) {
        while (end < table->n && table->rows[end].layer == table->rows[first].layer) {
            end++;
        }
        sum_s += at_chunk(table->rows, first, end, chunk, n_decode);
    }
    return sum_s * ts_profile_linear_layers(p);
}
