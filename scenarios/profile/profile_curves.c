/* Hides how the tables of a profile become curves.
 *
 * All operators over a rank's tokens are one curve, the sum over operators of (times in a step) x (its table): a sum of
 * piecewise linear functions has its knots where any of them has one.
 *
 * Experts are divided among all g accelerators of a replica, t of which share each of its engines. With B tokens in the
 * step, of all engines together, one accelerator holds E/g experts and is expected to touch E/g (1 - (1 - k/E)^B) of
 * them, for B k/g pairs of token and expert: as many as B/g tokens have. Its table is read there, and the curve has its
 * knots where the table has rows. Worked: E = 128, k = 8, g = 2, B = 2: 2/2 tokens, 7.75 experts.
 *
 * Sequences of unlike length: a row of skew.csv has three times, of n sequences that read the mean, the largest, and
 * what they really read; per number of sequences, alpha = sum (real - mean)(largest - mean)/sum (largest - mean)^2,
 * least squares. */
#include "scenarios/profile/profile_parts.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"

enum { SKEW_N, SKEW_CHUNK, SKEW_MEAN, SKEW_LARGEST };

bool ts_profile_fail(struct ts_profile *p, const struct ts_profile_table *table, const char *message)
{
    ts_loader_fail(p->loader, ts_fail(p->loader->diags, TS_EINPUT, ts_span_file(table->path), NULL, "%s", message));
    return false;
}

/* ---- curves ---- */

/* What is known of the operators' names: a decoder runs them once a layer, twice, or once in all; those of attention in
 * the layers that attend. */
static const struct {
    const char *name;
    double per_layer, per_attention, once;
} operators[] = {
    {"embedding", 0, 0, 1},       {"layernorm", 2, 0, 0}, {"qkv_proj", 0, 1, 0},  {"qk_norm", 0, 1, 0},
    {"rotary_emb", 0, 1, 0},      {"rope", 0, 1, 0},      {"o_proj", 0, 1, 0},    {"attention", 0, 1, 0},
    {"gate_up_proj", 1, 0, 0},    {"act_fn", 1, 0, 0},    {"down_proj", 1, 0, 0}, {"moe", 1, 0, 0},
    {"final_layernorm", 0, 0, 1},
};

enum { N_OPERATORS = sizeof operators / sizeof operators[0] };

static double times_in_step(struct ts_profile *p, const struct ts_profile_table *table, uint32_t layer)
{
    const double n_layers = p->ctx->llm->layers;
    const double n_attention = ts_llm_attention_layers(p->ctx->llm);
    for (size_t i = 0; i < N_OPERATORS; i++) {
        if (ts_str_equal(table->layers[layer], operators[i].name)) {
            return operators[i].per_layer * n_layers + operators[i].per_attention * n_attention + operators[i].once;
        }
    }
    if (n_layers > n_attention && ts_profile_is_linear(table->layers[layer])) {
        return n_layers - n_attention;
    }
    ts_loader_warning(p->loader, p->at, NULL, "%s: the operator '%s' is not known: it is counted once a layer",
                      ts_path_base(table->path), table->layers[layer]);
    return n_layers;
}

/* Adds `times` x the rows [first, end) to a curve over its knots. */
static void add_to_curve(double *y, const double *knots, size_t n, const struct ts_profile_table *table, size_t first,
                         size_t end, double times)
{
    size_t low = first;
    for (size_t i = 0; i < n; i++) {
        while (low + 2 < end && table->rows[low + 1].x[0] <= knots[i]) {
            low++;
        }
        const struct ts_profile_row *a = &table->rows[low];
        double value = a->seconds;
        if (low + 1 < end && knots[i] > a->x[0]) {
            const struct ts_profile_row *b = a + 1;
            value += (b->seconds - a->seconds) * (knots[i] - a->x[0]) / (b->x[0] - a->x[0]);
        }
        y[i] += times * value;
    }
}

static bool sum_layers(struct ts_profile *p, struct ts_curve *out, const struct ts_profile_table *table, bool in_layers)
{
    size_t n = 0;
    if (table->n == 0) {
        *out = (struct ts_curve){.n = 0};
        return true;
    }
    const double *knots = ts_profile_axis(&n, p->loader, table, 0, -1, false);
    double *y = ts_loader_array(p->loader, n, sizeof *y);
    if (!knots || !y) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        y[i] = 0.0;
    }
    for (size_t first = 0, end = 0; first < table->n; first = end) {
        const uint32_t layer = table->rows[first].layer;
        while (end < table->n && table->rows[end].layer == layer) {
            end++;
        }
        const double times = in_layers ? times_in_step(p, table, layer) : 1.0;
        add_to_curve(y, knots, n, table, first, end, times);
        ts_text_printf(&p->layers, "%s%s x %g", p->layers.len > 0 ? ", " : "", table->layers[layer], times);
    }
    *out = (struct ts_curve){.x = knots, .y = y, .n = n};
    return true;
}

/* ---- mixture of experts ---- */

/* The rows [first, end) of one number of tokens, read at a number of experts. */
static double at_experts(const struct ts_profile_table *table, size_t first, size_t end, double experts)
{
    size_t low = first;
    while (low + 2 < end && table->rows[low + 1].x[1] <= experts) {
        low++;
    }
    const struct ts_profile_row *a = &table->rows[low];
    if (low + 1 >= end || experts <= a->x[1]) {
        return a->seconds;
    }
    const struct ts_profile_row *b = a + 1;
    return fmax(0.0, a->seconds + (b->seconds - a->seconds) * (experts - a->x[1]) / (b->x[1] - a->x[1]));
}

/* One row for each number of tokens: what the blocks of experts take in a step of `x` tokens. */
static size_t read_at_touched(struct ts_profile *p, double *x, double *y)
{
    const struct ts_profile_table *moe = &p->moe;
    const double n_experts = p->ctx->llm->n_experts;
    const double share = p->ctx->llm->top_k / n_experts;
    const double g = p->ctx->n_accelerators;
    size_t n = 0;
    for (size_t first = 0, end = 0; first < moe->n; first = end) {
        const double tokens = moe->rows[first].x[0];
        while (end < moe->n && moe->rows[end].x[0] == tokens) {
            end++;
        }
        x[n] = tokens * g;
        const double touched = n_experts / g * (1.0 - pow(1.0 - share, x[n]));
        y[n++] = at_experts(moe, first, end, touched) * ts_llm_moe_layers(p->ctx->llm);
    }
    return n;
}

static bool make_experts(struct ts_profile *p, struct ts_curve *out)
{
    const struct ts_llm *llm = p->ctx->llm;
    if (llm->n_experts == 0 || llm->top_k == 0) {
        return ts_profile_fail(p, &p->moe, "a table of experts, but the tier's model is no mixture of experts");
    }
    double *x = ts_loader_array(p->loader, p->moe.n, sizeof *x);
    double *y = ts_loader_array(p->loader, p->moe.n, sizeof *y);
    if (!x || !y) {
        return false;
    }
    *out = (struct ts_curve){.x = x, .y = y, .n = read_at_touched(p, x, y)};
    ts_text_printf(&p->layers, ", experts x %u", ts_llm_moe_layers(llm));
    if (p->ctx->n_accelerators > 1) {
        ts_text_printf(&p->layers, " on each of %u accelerators, %g experts each", (unsigned)p->ctx->n_accelerators,
                       (double)llm->n_experts / p->ctx->n_accelerators);
    }
    return true;
}

static bool has_layer(const struct ts_profile_table *table, const char *name)
{
    for (size_t i = 0; i < table->n_layers; i++) {
        if (ts_str_equal(table->layers[i], name)) {
            return true;
        }
    }
    return false;
}

/* What the model computes in a layer and no table times. */
static void warn_missing(struct ts_profile *p)
{
    static const char *const dense[] = {"qkv_proj", "o_proj", "gate_up_proj", "down_proj"};
    const bool moe = p->ctx->llm->n_experts > 0;
    for (size_t i = 0; i < (moe ? 2 : 4); i++) {
        if (!has_layer(&p->dense, dense[i])) {
            ts_loader_warning(p->loader, p->at, "profile it too, or name the profile of the tier's model",
                              "dense.csv has no operator '%s': it takes no time", dense[i]);
        }
    }
    if (moe && p->moe.n == 0 && !has_layer(&p->dense, "moe") && !has_layer(&p->dense, "gate_up_proj")) {
        ts_loader_warning(p->loader, p->at, "copy moe.csv into the folder: tokens,activated_experts,time_us",
                          "%s is a mixture of experts, and the profile has no moe.csv: experts take no time",
                          p->ctx->llm->name);
    }
    if (ts_profile_linear_layers(p) > 0 && p->linear.n == 0) {
        ts_loader_warning(p->loader, p->at, "linear_attention.csv: layer,prefill_tokens,n_decode,time_us",
                          "%u layers of %s do not attend, and the profile has no linear_attention.csv: their kernels "
                          "take no time",
                          ts_profile_linear_layers(p), p->ctx->llm->name);
    }
    if (p->per_sequence.n == 0) {
        ts_loader_warning(p->loader, p->at, "per_sequence.csv: layer,sequences,time_us with lm_head and sampler",
                          "the profile has no per_sequence.csv: output head and sampler take no time");
    }
}

bool ts_profile_curves(struct ts_profile *p, struct ts_steps_operators *out)
{
    warn_missing(p);
    return sum_layers(p, &out->per_tok_s, &p->dense, true) && sum_layers(p, &out->per_seq_s, &p->per_sequence, false) &&
           (p->moe.n == 0 || make_experts(p, &out->experts_s));
}

/* ---- unlike sequences ---- */

/* Rows without a chunk, or with one. Rows are sorted by the number of sequences. */
static bool fit_unlike(struct ts_profile *p, struct ts_curve *out, bool mixed)
{
    const struct ts_profile_table *skew = &p->skew;
    double *x = ts_loader_array(p->loader, skew->n + 1, sizeof *x);
    double *y = ts_loader_array(p->loader, skew->n + 1, sizeof *y);
    if (!x || !y) {
        return false;
    }
    size_t n = 0;
    for (size_t i = 0; i < skew->n;) {
        const double sequences = skew->rows[i].x[SKEW_N];
        double up = 0.0, down = 0.0;
        for (; i < skew->n && skew->rows[i].x[SKEW_N] == sequences; i++) {
            const struct ts_profile_row *row = &skew->rows[i];
            const double way_s = (row->x[SKEW_LARGEST] - row->x[SKEW_MEAN]) * 1e-6;
            if (way_s > 0.0 && (row->x[SKEW_CHUNK] > 0.0) == mixed) {
                up += way_s * (row->seconds - row->x[SKEW_MEAN] * 1e-6);
                down += way_s * way_s;
            }
        }
        if (down > 0.0) {
            x[n] = sequences;
            y[n++] = fmax(0.0, up / down);
        }
    }
    *out = (struct ts_curve){.x = x, .y = y, .n = n};
    return true;
}

bool ts_profile_unlike(struct ts_profile *p, struct ts_steps_operators *out)
{
    return fit_unlike(p, &out->unlike, false) && fit_unlike(p, &out->unlike_mixed, true);
}
