/* Hides in which order the calls of a session come and what their prompts are: for each turn a call, then for each tool
 * its subagents and a call that waits for them and for the call that asked. Worked: a system prompt of 1,000 tokens,
 * two turns of 100 in and 50 out: prompts of 1,100 and 1,250 tokens, of the second 1,150 were there before. */
#include "traces/session_draw.h"

#include <math.h>
#include <string.h>

#include "base/units.h"
#include "traces/trace_format.h"

enum { MAX_TURNS = 10000, MAX_TOOLS = 10000 };

static uint32_t rounded(double value, uint32_t least, uint32_t most)
{
    const double whole = floor(value + 0.5);
    return !(whole > (double)least) ? least : whole < (double)most ? (uint32_t)whole : most;
}

uint32_t ts_draw_tokens(const struct ts_dist *dist, struct ts_rng *rng, uint32_t cap)
{
    return rounded(ts_dist_sample(dist, rng), 1, cap > 0 && cap < TS_TRACE_MAX_TOK ? cap : TS_TRACE_MAX_TOK);
}

/* Of the rounded count, by its quantiles. */
static double mean_count(const struct ts_dist *dist, uint32_t least, uint32_t most)
{
    enum { N = 4096 };
    double sum = 0.0;
    for (int i = 0; i < N; i++) {
        sum += rounded(ts_dist_quantile(dist, (i + 0.5) / N), least, most);
    }
    return sum / N;
}

double ts_session_mean_calls(const struct ts_session_spec *spec)
{
    return spec->on ? mean_count(&spec->turns, 1, MAX_TURNS) *
                          (1.0 + mean_count(&spec->tools, 0, MAX_TOOLS) *
                                     (1.0 + mean_count(&spec->subagents, 0, TS_MAX_SUBAGENTS)))
                    : 1.0;
}

static void begin_turn(struct ts_session_draw *draw)
{
    draw->n_tools = rounded(ts_dist_sample(&draw->spec->session.tools, draw->rng), 0, MAX_TOOLS);
    draw->tool = 0;
}

void ts_session_draw_begin(struct ts_session_draw *draw, const struct ts_class_spec *spec, uint64_t key,
                           uint64_t shared_key)
{
    draw->spec = spec;
    draw->key = key;
    draw->shared_key = shared_key;
    draw->n_turns = rounded(ts_dist_sample(&spec->session.turns, draw->rng), 1, MAX_TURNS);
    draw->turn = draw->n_asides = draw->aside = draw->n_calls = draw->n_cuts = 0;
    draw->context_tok = draw->new_tok = draw->n_keys = 0;
    draw->is_open = true;
    begin_turn(draw);
}

static uint32_t sum_tok(uint32_t a, uint32_t b)
{
    return a + b < TS_TRACE_MAX_TOK ? a + b : TS_TRACE_MAX_TOK;
}

static int64_t draw_ns(const struct ts_dist *dist, struct ts_rng *rng)
{
    const double s = ts_dist_sample(dist, rng);
    return s > 0.0 ? ts_ns_from_s(s) : 0;
}

/* What they have in common; `part` tells contexts of a session from one another. */
static void place(struct ts_session_draw *draw, struct ts_request *out, uint64_t part)
{
    struct ts_turn *turn = &draw->place;
    out->output_tok = ts_draw_tokens(&draw->spec->output_tok, draw->outputs, draw->max_output_tok);
    turn->session = draw->key;
    turn->key = ts_mix64(draw->key ^ ++draw->n_calls) | 1;
    turn->context = (struct ts_context){.own_key = ts_mix64(draw->key ^ ts_mix64(part)),
                                        .shared_key = draw->shared_key,
                                        .shared_tok = draw->spec->session.system_tok,
                                        .known_tok = out->prompt_tok + out->output_tok};
    out->turn = turn;
}

static void draw_aside(struct ts_session_draw *draw, struct ts_request *out)
{
    const uint32_t tok = ts_draw_tokens(&draw->spec->prompt_tok, draw->prompts, draw->max_prompt_tok);
    draw->waits[0] = draw->keys[0];
    draw->place = (struct ts_turn){.waits = draw->waits, .n_waits = 1, .is_aside = true};
    out->prompt_tok = sum_tok(draw->spec->session.system_tok, tok);
    place(draw, out, (uint64_t)++draw->aside << 32 | draw->n_calls);
    draw->new_tok = sum_tok(draw->new_tok, out->output_tok);
    draw->keys[draw->n_keys++] = draw->place.key;
}

/* What is new in the prompt of a call: from the user, or from a tool and subagents. */
static uint32_t draw_new(struct ts_session_draw *draw, bool is_tool)
{
    const struct ts_session_spec *spec = &draw->spec->session;
    const uint32_t tool_tok =
        is_tool ? rounded(ts_dist_sample(&spec->tool_tok, draw->prompts), 0, TS_TRACE_MAX_TOK) : 0;
    const uint32_t tok = is_tool ? sum_tok(tool_tok, draw->new_tok)
                                 : ts_draw_tokens(&draw->spec->prompt_tok, draw->prompts, draw->max_prompt_tok);
    return tok > 0 ? tok : 1;
}

static void draw_main(struct ts_session_draw *draw, struct ts_request *out)
{
    const struct ts_session_spec *spec = &draw->spec->session;
    const bool is_first = draw->n_calls == 0, is_tool = draw->tool > 0;
    const uint32_t new_tok = draw_new(draw, is_tool);
    memcpy(draw->waits, draw->keys, draw->n_keys * sizeof *draw->keys);
    draw->place = (struct ts_turn){.waits = draw->waits, .n_waits = draw->n_keys, .is_tool = is_tool};
    if (!is_first) {
        draw->place.delay_ns = draw_ns(is_tool ? &spec->tool_s : &spec->think_s, draw->rng);
    }
    out->prompt_tok = sum_tok(is_first ? spec->system_tok : draw->context_tok, new_tok);
    if (!is_first && spec->max_context_tok > 0 && out->prompt_tok > spec->max_context_tok) {
        draw->n_cuts++;
        draw->place.is_new = true;
        out->prompt_tok = sum_tok(spec->system_tok, new_tok);
    }
    draw->place.is_last = draw->turn + 1 == draw->n_turns && draw->tool == draw->n_tools;
    place(draw, out, draw->n_cuts);
    draw->context_tok = sum_tok(out->prompt_tok, out->output_tok);
    draw->new_tok = 0;
    draw->keys[0] = draw->place.key;
    draw->n_keys = 1;
}

/* After a call that is no subagent's: a tool with its subagents, or the next turn. */
static void go_on(struct ts_session_draw *draw)
{
    draw->is_open = !draw->place.is_last;
    draw->n_asides = draw->aside = 0;
    if (draw->tool < draw->n_tools) {
        draw->tool++;
        draw->n_asides = rounded(ts_dist_sample(&draw->spec->session.subagents, draw->rng), 0, TS_MAX_SUBAGENTS);
    } else if (draw->is_open) {
        draw->turn++;
        begin_turn(draw);
    }
}

void ts_session_draw_next(struct ts_session_draw *draw, struct ts_request *out)
{
    if (draw->aside < draw->n_asides) {
        draw_aside(draw, out);
        return;
    }
    draw_main(draw, out);
    go_on(draw);
}
