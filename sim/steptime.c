/* Hides how long a step takes. Formulas (units: seconds, tokens, bytes, flop):
 *   linear    a + b*seqs + c*kv + d*prefill + e*pairs; coefficients fitted to measurements
 *   table     fixed + T(tokens) + b*seqs + c*kv + e*pairs; T is linear between the measured token counts, constant
 * below the first, and goes on with the last segment's slope beyond the last roofline  fixed +
 * max(flop_per_tok*tokens/flop_per_s, weights(tokens)/bytes_per_s)
 *             + kv*kv_bytes_per_tok/bytes_per_s + pairs*flop_per_pair/flop_per_s;
 *             + per_tok*tokens;
 *             with p stages the batch goes round in min(p, seqs) parts, each through all layers on one stage's
 * accelerators after another: tokens and pairs of a part, and 1/p of the KV entries; weights(B) = shared +
 * expert*(1-(1-k/E)^B), the expected share of experts that B tokens touch Worked: a prompt token of a 70B model, 139e9
 * flop at 1979e12*0.45 flop/s, takes 0.156 ms: 50 ms buy 320 of them. */
#include "sim/steptime.h"

#include <math.h>

static double tokens_of(const struct ts_batch_load *load)
{
    return (double)load->n_decode + (double)load->prefill_tok;
}

static double linear_base_s(const struct ts_steps_model *model, const struct ts_batch_load *load)
{
    const struct ts_steps_linear *m = &model->u.linear;
    return m->a_s + m->b_s_per_seq * load->n_seqs + m->d_s_per_prefill_tok * load->prefill_tok +
           m->e_s_per_pair * load->prefill_pairs;
}

static double linear_per_kv_s(const struct ts_steps_model *model)
{
    return model->u.linear.c_s_per_kv_tok;
}

static double interpolate_s(const struct ts_steps_table *table, double n_tok)
{
    if (table->n == 1 || n_tok <= table->n_tok[0]) {
        return table->seconds[0];
    }
    size_t low = 0;
    size_t high = table->n - 1;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (table->n_tok[middle] <= n_tok) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const double slope = (table->seconds[high] - table->seconds[low]) / (table->n_tok[high] - table->n_tok[low]);
    return fmax(0.0, table->seconds[low] + slope * (n_tok - table->n_tok[low]));
}

static double table_base_s(const struct ts_steps_model *model, const struct ts_batch_load *load)
{
    const struct ts_steps_table *m = &model->u.table;
    return m->fixed_s + interpolate_s(m, tokens_of(load)) + m->b_s_per_seq * load->n_seqs +
           m->e_s_per_pair * load->prefill_pairs;
}

static double table_per_kv_s(const struct ts_steps_model *model)
{
    return model->u.table.c_s_per_kv_tok;
}

/* What a step's sequences are divided into, so that all stages work at once. */
static double micro_batches(const struct ts_steps_roofline *m, const struct ts_batch_load *load)
{
    return fmax(1.0, fmin(m->stages, load->n_seqs));
}

static double roofline_base_s(const struct ts_steps_model *model, const struct ts_batch_load *load)
{
    const struct ts_steps_roofline *m = &model->u.roofline;
    const double n_parts = micro_batches(m, load);
    const double n_tok = tokens_of(load) / n_parts;
    double weight_bytes = m->shared_bytes;
    if (m->expert_bytes > 0.0) {
        weight_bytes +=
            m->experts > 0.0 ? m->expert_bytes * (1.0 - pow(1.0 - m->top_k / m->experts, n_tok)) : m->expert_bytes;
    }
    const double matmul_s = fmax(m->flop_per_tok * n_tok / m->flop_per_s, weight_bytes / m->bytes_per_s);
    return m->fixed_s + matmul_s + m->per_tok_s * n_tok +
           m->attention_flop_per_pair * load->prefill_pairs / n_parts / m->flop_per_s;
}

static double roofline_per_kv_s(const struct ts_steps_model *model)
{
    const struct ts_steps_roofline *m = &model->u.roofline;
    return m->kv_bytes_per_tok / (m->bytes_per_s * fmax(1.0, m->stages));
}

const struct ts_steptime_kind ts_steptime_kinds[TS_N_STEPS_KINDS] = {
    [TS_STEPS_LINEAR] = {"linear", linear_base_s, linear_per_kv_s},
    [TS_STEPS_TABLE] = {"table", table_base_s, table_per_kv_s},
    [TS_STEPS_ROOFLINE] = {"roofline", roofline_base_s, roofline_per_kv_s},
};

double ts_steptime_s(const struct ts_steps_model *model, const struct ts_batch_load *load)
{
    const struct ts_steptime_kind *kind = &ts_steptime_kinds[model->kind];
    return kind->base_s(model, load) + kind->per_kv_s(model) * load->kv_read_tok;
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
