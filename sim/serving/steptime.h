/* Step times: how long one iteration of an engine takes, from what it computes. Every kind is piecewise linear in the
 * KV entries that decode reads: a constant batch follows a line until its next knot, so that further decode steps cost
 * one multiplication each. A line depends on the batch and its piece alone, not on where inside the piece one begins:
 * steps taken one by one and in a run come to the same instants. */
#ifndef TS_SIM_SERVING_STEPTIME_H
#define TS_SIM_SERVING_STEPTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/model.h"

/* A step of that batch that reads kv entries takes max(floor, base + per_kv x kv), from the load's own kv to until_kv
 * (both included). */
struct ts_step_line {
    double base_s, per_kv_s, floor_s, until_kv;
};

static inline double ts_step_line_s(const struct ts_step_line *line, double kv)
{
    const double s = line->base_s + line->per_kv_s * kv;
    return s > line->floor_s ? s : line->floor_s;
}

struct ts_steptime_kind {
    const char *name;
    struct ts_step_line (*line)(const struct ts_steps_model *model, const struct ts_batch_load *load);
};

/* Indexed by enum ts_steps_kind. */
extern const struct ts_steptime_kind ts_steptime_kinds[TS_N_STEPS_KINDS];

/* With the host's time. */
struct ts_step_line ts_steptime_line(const struct ts_steps_model *model, const struct ts_batch_load *load);

/* Lines of decode steps, by their sequences, for who asks for the same ones again and again. Zero it; of one model. */
enum { TS_STEP_LINES = 16 };
struct ts_step_lines {
    struct ts_step_line lines[TS_STEP_LINES];
    uint32_t n_seqs[TS_STEP_LINES]; /* 0: none is there */
};
/* ts_steptime_line of a load of ts_steptime_decode_load. */
struct ts_step_line ts_steptime_decode_line(struct ts_step_lines *lines, const struct ts_steps_model *model,
                                            const struct ts_batch_load *load);
double ts_steptime_s(const struct ts_steps_model *model, const struct ts_batch_load *load);

/* Whether a load must say its kv_max_tok. */
bool ts_steptime_needs_kv_max(const struct ts_steps_model *model);

/* What a lone sequence's prompt of that many tokens loads a step with; and a lone decode step that reads kv_tok entries
 * (its own included). */
struct ts_batch_load ts_steptime_prompt_load(uint32_t prompt_tok);
struct ts_batch_load ts_steptime_decode_load(uint32_t n_seqs, uint64_t kv_tok);

/* Query-key pairs of a chunk of prompt tokens after `past` computed ones. */
static inline double ts_steptime_pairs(uint32_t past_tok, uint32_t chunk_tok)
{
    return (double)chunk_tok * ((double)past_tok + ((double)chunk_tok + 1.0) / 2.0);
}

/* In nanoseconds, for a cast to whole ones: to the nearest. */
static inline double ts_steptime_scaled(double seconds)
{
    return seconds * 1e9 + 0.5;
}

/* To whole nanoseconds; at least 1, so that time always moves; at most 30 years. */
static inline int64_t ts_steptime_ns(double seconds)
{
    const double most_ns = 9.5e17;
    double ns = ts_steptime_scaled(seconds);
    ns = ns < most_ns ? ns : most_ns;
    return (int64_t)(ns > 1.0 ? ns : 1.0);
}

#endif
