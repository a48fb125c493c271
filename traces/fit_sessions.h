/* Sessions learned from a sample: how many turns and tools they have, how long users and tools take, what is new in
 * each prompt. */
#ifndef TS_TRACES_FIT_SESSIONS_H
#define TS_TRACES_FIT_SESSIONS_H

#include "base/text.h"
#include "traces/trace_sample.h"

/* A list of values, one for each time that it happened. */
struct ts_fit_values {
    double *values; /* [n] */
    size_t n, cap;
};

struct ts_fit_sessions {
    size_t n_calls, n_sessions;
    size_t n_grown, n_cut; /* calls after the first of a session whose prompt goes on with its context, and others */
    bool waits_are_told;   /* by the file: else they are from request to request, the reply's time included */
    uint32_t system_tok, longest_tok;
    struct ts_fit_values turns, calls, think_s, lasts_s; /* of a session: turns, calls; between turns; its waits' sum */
    struct ts_fit_values tools, tool_s, tool_tok;        /* of a turn: tools; of each tool: time and result */
    struct ts_fit_values prompt_tok, output_tok;         /* what a user adds; replies */
};

/* rows: [n] of one class, in order. Subagents' calls count as calls alone. A prompt that is longer than all that its
 * session said before it goes on with that. The system prompt is what first prompts share where ids of block_tok tokens
 * tell it (median); else, with block_tok 0, what the 5 % shortest first prompts have more than the 5 % shortest ones of
 * later turns. TS_ENOMEM. */
enum ts_status ts_fit_sessions(struct ts_fit_sessions *out, const struct ts_trace_sample_row *rows, size_t n,
                               uint32_t block_tok);
/* When sessions, and requests of none, begin, in seconds since the first row: their number, at most n; 0 without
 * memory. */
size_t ts_fit_session_starts(double *times_s, const struct ts_trace_sample_row *rows, size_t n);
void ts_fit_sessions_deinit(struct ts_fit_sessions *sessions);

/* Are these sessions such as the generator has? At least 10 of several calls, with a fifth of all calls, and in most of
 * them the context grows. */
bool ts_fit_sessions_hold(const struct ts_fit_sessions *sessions);
/* Appends `prompt`, `output` and `session` of a class, each line after `indent` blanks. Sorts the values. */
void ts_fit_sessions_put(struct ts_text *out, struct ts_fit_sessions *sessions, size_t indent);

/* Value at q, 0 to 1; NaN of none. Sorts. */
double ts_fit_quantile(struct ts_fit_values *values, double q);

#endif
