/* Hides the policy `static` (scheduler.h: its rules): the batching of servers before Orca (Yu et al., "Orca: a
 * distributed serving system for transformer-based generative models", OSDI 2022, section 2), which serve a batch to
 * its end before they look at the next. Kinder than those: a finished sequence costs nothing more, prompts are not
 * padded.
 */
#include "sim/serving/scheduler_parts.h"

static bool static_can_hold(const struct ts_scheduler_config *config, uint64_t prompt_tok, uint64_t n_tok)
{
    return ts_running_blocks(config, n_tok) <= config->kv_blocks && prompt_tok <= config->max_batched_tok;
}

static bool head_fits(const struct ts_scheduler *s, uint32_t budget)
{
    if (s->seqs.n_waiting == 0 || s->n_running >= s->max_running) {
        return false;
    }
    const struct ts_sequence *seq = &s->seqs.items[ts_sequences_head(&s->seqs)];
    return seq->prompt_tok <= budget &&
           ts_running_blocks(&s->config, (uint64_t)seq->prompt_tok + seq->output_tok - 1) <= s->n_free_blocks;
}

static void static_plan(struct ts_scheduler *s, uint32_t budget, struct ts_scheduler_plan *plan)
{
    ts_running_load_front(s, &budget); /* everybody, in decode */
    if (s->n_running > 0) {
        return;
    }
    while (head_fits(s, budget)) {
        const uint32_t pos = s->n_running;
        ts_running_insert(s, pos, ts_sequences_head(&s->seqs), 0, plan);
        const struct ts_sequence *seq = ts_running_seq(s, pos);
        s->n_free_blocks -= ts_running_blocks(&s->config, (uint64_t)seq->prompt_tok + seq->output_tok - 1);
        budget -= seq->prompt_tok;
        ts_running_load(s, pos, seq->prompt_tok);
    }
}

static bool static_would_admit(const struct ts_scheduler *s, uint32_t budget)
{
    (void)s;
    (void)budget;
    return false; /* as long as anybody runs */
}

const struct ts_policy ts_policy_static = {
    .reserves = true,
    .can_hold = static_can_hold,
    .reserved_blocks = ts_running_blocks,
    .plan = static_plan,
    .would_admit = static_would_admit,
};
