/* What a server gives to a fixed number of users, each of whom sends the next request when the reply before it is
 * there: the load of most published benchmarks, in closed form. */
#ifndef TS_SIM_SERVING_CLOSED_LOOP_H
#define TS_SIM_SERVING_CLOSED_LOOP_H

#include "sim/model.h"

struct ts_closed_loop {
    double n_users, prompt_tok, output_tok;
    double requests_per_user; /* all users begin at once: their first prompts stand in line. 0: that is not counted */
    double budget_tok;        /* of a step */
    double first_s;           /* of every request beside its steps */
    double wait_steps;        /* that a request waits before its prompt's */
    bool plans_ahead;         /* where others are served, a request waits one more: that is planned already */
    bool prompts_first;       /* replies stand still while prompts are computed */
    double spread;            /* of the replies' lengths, width over mean; 0: all the same */
};

struct ts_closed_loop_times {
    double gap_s;  /* a step that only decodes */
    double tpot_s; /* per token after the first, prompts of others included */
    double ttft_s;
    double tok_s; /* of all users together */
};

/* Where prompts come first and all replies are of one length, users fall into step: all prompts, then all replies. */
struct ts_closed_loop_times ts_closed_loop(const struct ts_steps_model *steps, const struct ts_closed_loop *load);

/* Output tokens per second of n_seqs sequences together, each prompt_tok in and output_tok out, when one starts as soon
 * as another ends. prompt_tok 0: an empty context at first, and no prompts to process. */
double ts_closed_loop_decode_tok_s(const struct ts_steps_model *steps, double n_seqs, double prompt_tok,
                                   double output_tok);
/* Prompt tokens per second of a lone prompt. */
double ts_closed_loop_prefill_tok_s(const struct ts_steps_model *steps, uint32_t prompt_tok);

#endif
