/* The calls of a generated session, one after the other. */
#ifndef TS_TRACES_SESSION_DRAW_H
#define TS_TRACES_SESSION_DRAW_H

#include "traces/workload.h"

struct ts_session_draw {
    const struct ts_class_spec *spec;
    struct ts_rng *prompts, *outputs, *rng; /* of the generator: lengths; counts and times */
    uint32_t max_prompt_tok, max_output_tok;
    uint64_t key, shared_key;
    uint32_t n_turns, turn; /* the current one, from 0 on */
    uint32_t n_tools, tool; /* of the current turn, used so far */
    uint32_t n_asides, aside;
    uint32_t n_calls;                    /* so far */
    uint32_t n_cuts;                     /* times that its context was cut down */
    uint32_t context_tok;                /* prompt and reply of the last call, but for subagents */
    uint32_t new_tok;                    /* what subagents have said since then */
    bool is_open;                        /* there is a further call */
    uint64_t keys[1 + TS_MAX_SUBAGENTS]; /* what the next call that is no subagent's waits for */
    uint32_t n_keys;
    uint64_t waits[1 + TS_MAX_SUBAGENTS]; /* of the current call */
    struct ts_turn place;
};

/* Begins a session of that class; `key` tells it from all others. The generator's streams and caps are set. */
void ts_session_draw_begin(struct ts_session_draw *draw, const struct ts_class_spec *spec, uint64_t key,
                           uint64_t shared_key);
/* Its next call: the lengths of *out and out->turn, which is good until the next call of this. There must be one. */
void ts_session_draw_next(struct ts_session_draw *draw, struct ts_request *out);

/* A length, at least 1 and at most cap (0: no cap). */
uint32_t ts_draw_tokens(const struct ts_dist *dist, struct ts_rng *rng, uint32_t cap);

#endif
