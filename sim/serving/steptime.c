/* Hides how long a step takes. A drafted token that is checked costs what a prompt token costs, its attention apart.
 * Formulas (units: seconds, tokens, bytes, flop):
 *   linear    a + b*seqs + c*kv + d*prefill + e*pairs; coefficients fitted to measurements
 *   table     fixed + T(tokens) + b*seqs + c*kv + e*pairs; T is linear between the measured token counts, constant
 * below the first, and goes on with the last segment's slope beyond the last
 *   roofline  fixed + max(flop(tokens)/flop_per_s, weights(tokens)/bytes_per_s)  (blends: see below)
 *             + kv*kv_bytes_per_tok/bytes_per_s + pairs*flop_per_pair/flop_per_s;
 *             + per_tok*tokens;
 *             with p stages the batch goes round in min(p, seqs) parts, each through all layers on one stage's
 *             accelerators after another: tokens and pairs of a part, and 1/p of the KV entries;
 *             blends: (flop^1.5 + weights^1.5)^(2/3) instead of the longer, which is at most 59 % more: what overlaps
 * in part weights(B) = shared + expert*(1-(1-k/E)^B), the expected share of experts that B tokens touch operators
 * tables of measured operators, see sim/serving/operators.h The host's time h = fixed + b*seqs of a server is added, or
 * bounds the step from below where it overlaps. Worked: a prompt token of a 70B model, 139e9 flop at 1979e12*0.45
 * flop/s, takes 0.156 ms: 50 ms buy 320 of them. */
#include "sim/serving/steptime.h"

#include <math.h>

#include "sim/serving/operators.h"
#include "sim/serving/rank_load.h"

/* fmax and fmin would be calls: they mind NaN. */
static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double tokens_of(const struct ts_batch_load *load)
{
    return (double)load->n_decode + (double)load->prefill_tok + (double)load->verify_tok;
}

static struct ts_step_line straight(double base_s, double per_kv_s)
{
    return (struct ts_step_line){.base_s = base_s, .per_kv_s = per_kv_s, .until_kv = INFINITY};
}

static struct ts_step_line linear_line(const struct ts_steps_model *model, const struct ts_batch_load *load)
{
    const struct ts_steps_linear *m = &model->u.linear;
    const double n_tok = (double)load->prefill_tok + load->verify_tok;
    const double base_s =
        m->a_s + m->b_s_per_seq * load->n_seqs + m->d_s_per_prefill_tok * n_tok + m->e_s_per_pair * load->prefill_pairs;
    return straight(base_s, m->c_s_per_kv_tok);
}

static struct ts_step_line table_line(const struct ts_steps_model *model, const struct ts_batch_load *load)
{
    const struct ts_steps_table *m = &model->u.table;
    const struct ts_curve times = {.x = m->n_tok, .y = m->seconds, .n = m->n};
    const double base_s = m->fixed_s + larger(0.0, ts_curve_at(&times, tokens_of(load))) +
                          m->b_s_per_seq * load->n_seqs + m->e_s_per_pair * load->prefill_pairs;
    return straight(base_s, m->c_s_per_kv_tok);
}

/* What a step's sequences are divided into, so that all stages work at once. */
static double micro_batches(const struct ts_steps_roofline *m, const struct ts_batch_load *load)
{
    return larger(1.0, smaller(m->stages, load->n_seqs));
}

/* (a^1.5 + b^1.5)^(2/3). */
static double blend(double a, double b)
{
    const double root = cbrt(a * sqrt(a) + b * sqrt(b));
    return root * root;
}

/* What a rank computes; without ranks everything. */
static struct ts_rank_load rank_of(const struct ts_steps_roofline *m, const struct ts_batch_load *load)
{
    return m->ranks > 1
               ? ts_rank_load(load, m->ranks)
               : (struct ts_rank_load){.tokens = tokens_of(load), .pairs = load->prefill_pairs, .kv_share = 1.0};
}

/* Operations of n_tok tokens, for all but the experts as if every rank had as many as the busiest (busy_tok together);
 * filled_tok: what fills up the tiles of the experts that they touch. Both are computed together: the root of the sum
 * of squares is near the larger one. */
static double roofline_flop(const struct ts_steps_roofline *m, double n_tok, double busy_tok, double filled_tok)
{
    const double expert_tok = filled_tok > 0.0 ? sqrt(n_tok * n_tok + filled_tok * filled_tok) : n_tok;
    return m->flop_per_tok * busy_tok + m->expert_flop_per_tok * (expert_tok - busy_tok);
}

static struct ts_step_line roofline_line(const struct ts_steps_model *model, const struct ts_batch_load *load)
{
    const struct ts_steps_roofline *m = &model->u.roofline;
    const double n_parts = micro_batches(m, load);
    const double n_tok = tokens_of(load) / n_parts, ranks = larger(1.0, m->ranks);
    const struct ts_rank_load rank = rank_of(m, load);
    double weight_bytes = m->shared_bytes + m->expert_bytes, filled_tok = 0.0;
    if (m->expert_bytes > 0.0 && m->experts > 0.0) {
        const double touched = 1.0 - pow(1.0 - m->top_k / m->experts, n_tok);
        weight_bytes = m->shared_bytes + m->expert_bytes * touched;
        filled_tok = m->expert_tile_tok * m->experts * touched / m->top_k;
    }
    const double flop_s = roofline_flop(m, n_tok, rank.tokens * ranks / n_parts, filled_tok) / m->flop_per_s;
    const double weights_s = weight_bytes / m->bytes_per_s;
    const double matmul_s = m->blends ? blend(flop_s, weights_s) : larger(flop_s, weights_s);
    const double base_s = m->fixed_s + matmul_s + m->per_tok_s * rank.tokens / n_parts +
                          m->attention_flop_per_pair * rank.pairs * ranks / n_parts / m->flop_per_s;
    const double kv_bytes = m->kv_bytes_per_tok * rank.kv_share * ranks;
    return straight(base_s, kv_bytes / (m->bytes_per_s * larger(1.0, m->stages)));
}

static struct ts_step_line operators_line(const struct ts_steps_model *model, const struct ts_batch_load *load)
{
    return ts_operators_line(model->u.operators, load);
}

const struct ts_steptime_kind ts_steptime_kinds[TS_N_STEPS_KINDS] = {
    [TS_STEPS_LINEAR] = {"linear", linear_line},
    [TS_STEPS_TABLE] = {"table", table_line},
    [TS_STEPS_ROOFLINE] = {"roofline", roofline_line},
    [TS_STEPS_OPERATORS] = {"operators", operators_line},
};

struct ts_step_line ts_steptime_line(const struct ts_steps_model *model, const struct ts_batch_load *load)
{
    struct ts_step_line line = ts_steptime_kinds[model->kind].line(model, load);
    const double host_s = model->host.fixed_s + model->host.per_seq_s * load->n_seqs;
    if (model->host.overlaps) {
        line.floor_s = host_s;
    } else {
        line.base_s += host_s;
    }
    return line;
}

struct ts_step_line ts_steptime_decode_line(struct ts_step_lines *lines, const struct ts_steps_model *model,
                                            const struct ts_batch_load *load)
{
    const uint32_t place = load->n_seqs % TS_STEP_LINES;
    if (lines->n_seqs[place] != load->n_seqs || model->kind == TS_STEPS_OPERATORS) { /* those have many lines */
        lines->lines[place] = ts_steptime_line(model, load);
        lines->n_seqs[place] = load->n_seqs;
    }
    return lines->lines[place];
}

bool ts_steptime_needs_kv_max(const struct ts_steps_model *model)
{
    return model->kind == TS_STEPS_OPERATORS && model->u.operators->unlike.n + model->u.operators->unlike_mixed.n > 0;
}

double ts_steptime_s(const struct ts_steps_model *model, const struct ts_batch_load *load)
{
    const struct ts_step_line line = ts_steptime_line(model, load);
    return ts_step_line_s(&line, load->kv_read_tok);
}

struct ts_batch_load ts_steptime_prompt_load(uint32_t prompt_tok)
{
    return (struct ts_batch_load){
        .n_seqs = 1, .prefill_tok = prompt_tok, .prefill_pairs = ts_steptime_pairs(0, prompt_tok)};
}

struct ts_batch_load ts_steptime_decode_load(uint32_t n_seqs, uint64_t kv_tok)
{
    return (struct ts_batch_load){.n_seqs = n_seqs, .n_decode = n_seqs, .kv_read_tok = (double)kv_tok};
}
