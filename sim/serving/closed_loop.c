/* Hides a closed loop in closed form. While a sequence makes its n tokens, each of the other u-1 is replaced once:
 * their prompts lengthen u-1 of its n steps, so that a token takes
 *
 *   tpot = decode + (u-1)/n x (mixed - decode) x chunks
 *
 * at the mean context prompt + n/2; mixed is a step with a prompt (or a budget's worth of it) beside the others, decode
 * one without. Where prompts come first, nothing is beside them: a prompt alone instead of mixed - decode. A request
 * arrives as a reply ends, at the end of a step; its prompt is computed in the next, with those of others that came
 * meanwhile and after what of theirs is in the way. Of the time w in which the u requests of a round come, a share
 * rho = (u-1) x added/w at most 1 is prompts, added being what one adds to the loop; 1 + rho of them share a step, and
 * rho/2 of one is left when a request comes. Where requests take a time of their own (first), they arrive amid a step:
 * half of it is left.
 *
 *   ttft = first + wait x tpot + (1 - rho) x decode/2 + mixed x chunks x (1 + rho) x (1 + rho/2)
 *
 * wait has the step that is planned already, where one is planned as the one before it begins and others are served.
 *
 * All u begin at once: the first prompt is through after half of the others, as many to a step as its budget takes.
 * That spreads the users over u x added, and replies of unlike length spread them further, by spread x n x tpot x
 * sqrt(k) in round k: w is the root of the sum of the squares of both, at most a reply. A loop without a beginning has
 * w = n x tpot.
 *
 * In waves (prompts first, all replies of one length), u prompts are computed in b steps of as many as the budget
 * takes, P in all. A prompt is through after (b + 1)/2 of these on the average, and its reply waits for the others:
 *
 *   ttft = first + wait x decode + P x (b + 1)/(2b),    tpot = decode + P x (b - 1)/(2b)/n
 *
 * Worked: 10 users, 100 tokens out, steps of 10 ms, 30 ms with a prompt: a token takes 10 + 9/100 x 20 = 11.8 ms; of
 * the 1180 ms of a reply a share rho = 9 x 20/1180 = 0.153 is others' prompts, and a prompt is there after 30 x 1.153 x
 * 1.076 = 37.2 ms. */
#include "sim/serving/closed_loop.h"

#include <math.h>

#include "sim/serving/steptime.h"

static uint32_t whole(double n)
{
    return n < 1.0 ? 0 : (uint32_t)(n + 0.5);
}

static double step_s(const struct ts_steps_model *steps, double n_decode, double kv_tok, double n_prompts,
                     double prompt_tok, double pairs)
{
    const struct ts_batch_load load = {.n_seqs = whole(n_decode + n_prompts),
                                       .n_decode = whole(n_decode),
                                       .prefill_tok = whole(n_prompts * prompt_tok),
                                       .kv_read_tok = kv_tok,
                                       .prefill_pairs = n_prompts * pairs};
    return ts_steptime_s(steps, &load);
}

/* What both kinds of a loop are made of. */
struct loop {
    double users, output, base_s; /* base_s: of a request before its prompt */
    bool is_amid;                 /* it arrives amid a step */
    double chunk, chunks, pairs;  /* tokens of a prompt's share of a step, their number, query-key pairs of one */
    double decode_s;
};

/* Of a prompt, where `together` of them share their steps and nothing else does. */
static double alone_s(const struct ts_steps_model *steps, const struct loop *loop, double together)
{
    return step_s(steps, 0.0, 0.0, together, loop->chunk, loop->pairs) / together * loop->chunks;
}

static struct ts_closed_loop_times in_waves(const struct ts_steps_model *steps, const struct loop *loop,
                                            double together)
{
    const double all_s = alone_s(steps, loop, together) * loop->users, n_steps = loop->users / together;
    const double until = (n_steps + 1.0) / (2.0 * n_steps);
    return (struct ts_closed_loop_times){.gap_s = loop->decode_s,
                                         .tpot_s = loop->decode_s + (1.0 - until) * all_s / loop->output,
                                         .ttft_s = loop->base_s + until * all_s};
}

static double wait_steps(const struct ts_closed_loop *load)
{
    return load->wait_steps + (load->plans_ahead && load->n_users > 1.0 ? 1.0 : 0.0);
}

/* The mean time to the first token in round k, where users' requests come over `within_s`. */
static double round_s(const struct loop *loop, double base_s, double prompt_s, double added_s, double within_s)
{
    const double busy = fmin(1.0, (loop->users - 1.0) * added_s / within_s);
    const double rest_s = loop->is_amid ? (1.0 - busy) * loop->decode_s / 2.0 : 0.0;
    return base_s + rest_s + prompt_s * (1.0 + busy) * (1.0 + busy / 2.0);
}

static struct ts_closed_loop_times one_by_one(const struct ts_steps_model *steps, const struct ts_closed_loop *load,
                                              const struct loop *loop, double together)
{
    const double users = loop->users, context = load->prompt_tok + loop->output / 2.0;
    const double mixed_s = step_s(steps, users - 1.0, (users - 1.0) * context, 1.0, loop->chunk, loop->pairs);
    const double prompt_s = load->prompts_first ? alone_s(steps, loop, 1.0) : mixed_s * loop->chunks;
    const double added_s = load->prompts_first ? prompt_s : fmax(0.0, mixed_s - loop->decode_s) * loop->chunks;
    struct ts_closed_loop_times times = {.gap_s = loop->decode_s};
    times.tpot_s = loop->decode_s + (users - 1.0) / loop->output * added_s;
    const double base_s = load->first_s + wait_steps(load) * times.tpot_s, reply_s = loop->output * times.tpot_s;
    if (load->requests_per_user <= 0.0 || loop->chunk <= 0.0) {
        times.ttft_s = round_s(loop, base_s, prompt_s, added_s, reply_s);
        return times;
    }
    double sum_s = base_s + alone_s(steps, loop, together) * (users + 1.0) / 2.0;
    for (double k = 1.0; k < load->requests_per_user; k++) {
        const double within_s = hypot(users * added_s, load->spread * reply_s * sqrt(k));
        sum_s += round_s(loop, base_s, prompt_s, added_s, fmin(reply_s, within_s));
    }
    times.ttft_s = sum_s / load->requests_per_user;
    return times;
}

struct ts_closed_loop_times ts_closed_loop(const struct ts_steps_model *steps, const struct ts_closed_loop *load)
{
    struct loop loop = {.users = fmax(1.0, load->n_users), .output = fmax(1.0, load->output_tok)};
    loop.chunk = fmin(load->prompt_tok, load->budget_tok);
    loop.chunks = loop.chunk > 0.0 ? load->prompt_tok / loop.chunk : 0.0;
    loop.pairs = loop.chunk * (load->prompt_tok + 1.0) / 2.0; /* of a chunk, on the average */
    loop.decode_s = step_s(steps, loop.users, loop.users * (load->prompt_tok + loop.output / 2.0), 0.0, 0.0, 0.0);
    loop.is_amid = load->first_s > 0.0;
    loop.base_s = load->first_s + wait_steps(load) * loop.decode_s;
    const double together = loop.chunk > 0.0 ? fmax(1.0, fmin(loop.users, load->budget_tok / loop.chunk)) : 1.0;
    struct ts_closed_loop_times times = load->prompts_first && load->spread <= 0.0 && loop.chunk > 0.0
                                            ? in_waves(steps, &loop, together)
                                            : one_by_one(steps, load, &loop, together);
    times.tok_s = loop.users / (times.tpot_s + times.ttft_s / loop.output);
    return times;
}

double ts_closed_loop_decode_tok_s(const struct ts_steps_model *steps, double n_seqs, double prompt_tok,
                                   double output_tok)
{
    const struct ts_closed_loop load = {
        .n_users = whole(fmax(1.0, n_seqs)), .prompt_tok = prompt_tok, .output_tok = output_tok, .budget_tok = 8192.0};
    return load.n_users / ts_closed_loop(steps, &load).tpot_s;
}

double ts_closed_loop_prefill_tok_s(const struct ts_steps_model *steps, uint32_t prompt_tok)
{
    const struct ts_batch_load load = ts_steptime_prompt_load(prompt_tok);
    return prompt_tok / ts_steptime_s(steps, &load);
}
