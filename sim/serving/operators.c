/* Hides the interpolation. Along the KV axis the table is taken apart into pieces [K_j, K_j+1]; with n sequences a
 * piece begins at n*K_j entries, and a step inside it takes v_j + (kv - n*K_j) * (v_j+1 - v_j)/(n*(K_j+1 - K_j)), where
 * v_j is the table at K_j, interpolated along the other three axes. Worked (a test checks it): 2 sequences between n =
 * 1 (10, 20) and n = 3 (30, 60) at K = 100, 300: v = 20, 40; with 400 entries read, a mean of 200, 30.
 *
 * Sequences of unlike length: with alpha the measured way from the mean to the largest, n sequences that read kv
 * entries, at most m each, take what equals take that read kv + alpha (n m - kv). Worked: 2 of the above, 150 and 250,
 * alpha 0.5: 450 entries, 32.5. */
#include "sim/serving/operators.h"

#include <math.h>

#include "sim/serving/rank_load.h"

/* The piece of an increasing axis in which x lies: index of its lower knot; n >= 2. */
static size_t piece_of(const double *at, size_t n, double x)
{
    size_t low = 0;
    size_t high = n - 1;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (at[middle] <= x) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

double ts_curve_at(const struct ts_curve *curve, double x)
{
    if (curve->n == 0) {
        return 0.0;
    }
    if (curve->n == 1 || x <= curve->x[0]) {
        return curve->y[0];
    }
    const size_t i = piece_of(curve->x, curve->n, x);
    const double slope = (curve->y[i + 1] - curve->y[i]) / (curve->x[i + 1] - curve->x[i]);
    return curve->y[i] + slope * (x - curve->x[i]);
}

/* Two knots of an axis and the share of the upper one; below the axis: the first knot alone. */
struct place {
    size_t low, high;
    double share;
};

static struct place place_on(const struct ts_steps_operators *ops, enum ts_attention_axis axis, double x)
{
    const double *at = ops->axes[axis].at;
    const size_t n = ops->axes[axis].n;
    if (n == 1 || x <= at[0]) {
        return (struct place){0, 0, 0.0};
    }
    const size_t low = piece_of(at, n, x);
    return (struct place){low, low + 1, (x - at[low]) / (at[low + 1] - at[low])};
}

static double blend(double low, double high, double share)
{
    return share == 0.0 ? low : low + (high - low) * share;
}

/* The table at one knot of the KV axis. */
static double at_knot(const struct ts_steps_operators *ops, struct place chunk, struct place past, struct place decode,
                      size_t kv)
{
    const size_t n_past = ops->axes[TS_ATTENTION_PAST].n;
    const size_t n_decode = ops->axes[TS_ATTENTION_DECODE].n;
    const size_t n_kv = ops->axes[TS_ATTENTION_KV].n;
    const size_t chunks[2] = {chunk.low, chunk.high};
    const size_t pasts[2] = {past.low, past.high};
    double over_chunk[2];
    for (int i = 0; i < 2; i++) {
        double over_past[2];
        for (int j = 0; j < 2; j++) {
            const double *row = ops->attention_s + (chunks[i] * n_past + pasts[j]) * n_decode * n_kv + kv;
            over_past[j] = blend(row[decode.low * n_kv], row[decode.high * n_kv], decode.share);
        }
        over_chunk[i] = blend(over_past[0], over_past[1], past.share);
    }
    return blend(over_chunk[0], over_chunk[1], chunk.share);
}

/* Attention of one chunk after `past_tok`, and n sequences that read kv entries together: as a line in kv. */
static struct ts_step_line attention_line(const struct ts_steps_operators *ops, double chunk_tok, double past_tok,
                                          double n, double kv)
{
    const struct place chunk = place_on(ops, TS_ATTENTION_CHUNK, chunk_tok);
    const struct place past = place_on(ops, TS_ATTENTION_PAST, past_tok);
    const struct place decode = place_on(ops, TS_ATTENTION_DECODE, n);
    const double *at = ops->axes[TS_ATTENTION_KV].at;
    const size_t n_kv = ops->axes[TS_ATTENTION_KV].n;
    if (n_kv == 1 || n == 0.0 || kv <= n * at[0]) {
        return (struct ts_step_line){.base_s = at_knot(ops, chunk, past, decode, 0),
                                     .until_kv = n_kv == 1 || n == 0.0 ? INFINITY : n * at[0]};
    }
    size_t low = piece_of(at, n_kv, kv / n);
    low -= low > 0 && kv < n * at[low];
    low += low + 2 < n_kv && kv >= n * at[low + 1];
    const double from_s = at_knot(ops, chunk, past, decode, low);
    const double to_s = at_knot(ops, chunk, past, decode, low + 1);
    const double slope = (to_s - from_s) / (n * (at[low + 1] - at[low]));
    /* The next piece begins at its knot: this one ends one entry before. */
    return (struct ts_step_line){.base_s = from_s - slope * (n * at[low]),
                                 .per_kv_s = slope,
                                 .until_kv = low + 2 < n_kv ? n * at[low + 1] - 1.0 : INFINITY};
}

/* Several prompts that have fewer pairs together than one chunk of all their tokens. */
static double short_prompts_s(const struct ts_steps_operators *ops, double c, double pairs, double n, double kv)
{
    const double mean_tok = 2.0 * pairs / c - 1.0;
    const struct ts_step_line without = attention_line(ops, 0.0, 0.0, n, kv);
    const struct ts_step_line with = attention_line(ops, mean_tok, 0.0, n, kv);
    const struct ts_step_line whole = attention_line(ops, c, 0.0, n, kv);
    const double without_s = ts_step_line_s(&without, kv);
    const double apart_s = without_s + (ts_step_line_s(&with, kv) - without_s) * (c / mean_tok);
    return fmin(apart_s, ts_step_line_s(&whole, kv));
}

/* ---- ranks ---- */

/* Entries to add to those read for sequences of unlike length: with them the mean goes that part of the way to the
 * largest. The same in all steps of a run, in which every sequence reads one more a step. */
static double unlike_kv(const struct ts_steps_operators *ops, const struct ts_rank_load *rank,
                        const struct ts_batch_load *load)
{
    const struct ts_curve *curve = rank->chunk > 0.0 ? &ops->unlike_mixed : &ops->unlike;
    if (curve->n == 0 || load->kv_max_tok <= 0.0 || load->n_decode < 2) {
        return 0.0;
    }
    const double way = ts_curve_at(curve, fmin(rank->n, curve->x[curve->n - 1]));
    return way * fmax(0.0, rank->n * load->kv_max_tok - load->kv_read_tok * rank->kv_share);
}

static double chunk_attention_s(const struct ts_steps_operators *ops, const struct ts_rank_load *rank, double kv)
{
    const double c = rank->chunk;
    const double past_tok = rank->pairs / c - (c + 1.0) / 2.0;
    if (past_tok < 0.0) {
        return short_prompts_s(ops, c, rank->pairs, rank->n, kv);
    }
    const struct ts_step_line line = attention_line(ops, c, past_tok, rank->n, kv);
    return ts_step_line_s(&line, kv);
}

struct ts_step_line ts_operators_line(const struct ts_steps_operators *ops, const struct ts_batch_load *load)
{
    const struct ts_rank_load rank = ts_rank_load(load, ops->data_parallel);
    const double more_kv = unlike_kv(ops, &rank, load);
    const double kv = load->kv_read_tok * rank.kv_share + more_kv;
    const double all_tokens = (double)load->prefill_tok + load->n_decode + load->verify_tok;
    const double rest_s = ops->fixed_s + ts_curve_at(&ops->per_tok_s, rank.tokens) +
                          ops->joined_s_per_tok * rank.tokens + ts_curve_at(&ops->per_seq_s, rank.seqs) +
                          ts_curve_at(&ops->experts_s, all_tokens);
    if (load->prefill_tok > 0) {
        return (struct ts_step_line){.base_s = rest_s + chunk_attention_s(ops, &rank, kv),
                                     .until_kv = load->kv_read_tok};
    }
    struct ts_step_line line = attention_line(ops, 0.0, 0.0, rank.n, kv);
    line.base_s += rest_s + line.per_kv_s * more_kv;
    line.per_kv_s *= rank.kv_share;
    line.until_kv = (line.until_kv - more_kv) / rank.kv_share;
    return line;
}
