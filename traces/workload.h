/* Where requests come from: a trace file, or a seeded generator; and how they are labelled with class, sensitivity and
 * difficulty. */
#ifndef TS_TRACES_WORKLOAD_H
#define TS_TRACES_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dist.h"
#include "traces/arrivals.h"
#include "traces/request.h"
#include "traces/trace.h"

enum { TS_MAX_CLASSES = 64, TS_MAX_LENGTHS = 256 };

/* Requests whose lengths go together: one row of a table that says how prompts and replies depend on each other. */
struct ts_length_row {
    double share; /* of the class's requests; the shares of a class sum to 1 */
    struct ts_dist prompt_tok, output_tok;
    struct ts_dist prefix_frac; /* part of the prompt that an earlier one begins with; see ts_class_spec */
    bool has_lag;
    struct ts_dist prefix_lag; /* in place of the class's */
    /* Factors on the share, in n_over_time equal steps of the window; NULL: 1. At any time the shares are divided by
     * their sum. */
    const double *over_time;
    size_t n_over_time;
};

/* Requests that come as sessions: a user's turns, each of which may be a chain of calls with tools between them. The
 * prompt of a call is all that was said before and something new: the class's prompt_tok from the user, tool_tok from a
 * tool. Counts are drawn as numbers and rounded. */
struct ts_session_spec {
    bool on;
    struct ts_dist turns;     /* of the user, at least 1 */
    struct ts_dist think_s;   /* between a reply and the user's next turn */
    struct ts_dist tools;     /* within a turn: each is followed by a further call */
    struct ts_dist tool_s;    /* from the reply that asks for a tool to the call after it */
    struct ts_dist tool_tok;  /* what it adds to the prompt */
    struct ts_dist subagents; /* at each tool: calls of their own, which the call after it waits for, up to
                                 TS_MAX_SUBAGENTS; what they say is part of its prompt */
    uint32_t system_tok;      /* at the beginning of each prompt, the same in all sessions of the class */
    uint32_t max_context_tok; /* a longer prompt is cut down to the system prompt and what is new; 0: never */
};
enum { TS_MAX_SUBAGENTS = 64 };

/* A kind of request. For a trace file prompt and output come from the file and only the labels are drawn; where all
 * classes say how long theirs are, a class is drawn by its share and by how well the lengths of the row fit. */
struct ts_class_spec {
    const char *name;
    double share; /* of the requests; the shares of a workload sum to 1 */
    struct ts_dist prompt_tok;
    struct ts_dist output_tok;
    struct ts_dist difficulty;
    uint8_t sensitivity;            /* enum ts_sensitivity */
    uint8_t priority;               /* 0..15, see ts_request */
    bool says_lengths;              /* of a trace: prompt_tok and output_tok are set */
    struct ts_session_spec session; /* generated only */

    /* generated */
    const struct ts_process *process;    /* its requests come on their own; NULL: with those of other classes */
    const struct ts_length_row *lengths; /* [n_lengths] in place of prompt_tok, output_tok and prefix_frac */
    size_t n_lengths;
    /* What its prompts begin like: a part of each (0: nothing) is what a prompt of the class had that came so many of
     * them before, see traces/prefix_copies.h. */
    bool has_prefixes;
    struct ts_dist prefix_frac, prefix_lag;
    bool has_branches;
    double branch_frac; /* of those that begin like an earlier one, and which kind of it: TS_PREFIX_BRANCH */
};

struct ts_workload {
    /* A trace, or generated: then exactly one of calls_per_s and is_closed. */
    const char *trace_path; /* NULL: generated */
    double calls_per_s;     /* generated: mean over a whole week of the curve, before trend and holidays */
    bool is_closed;         /* users send the requests, each when it has its reply (sim/users.h): these have no arrivals
                               of their own, all are 0, and a generator's do not end */
    uint64_t max_requests;  /* of a closed loop, generated: the stream ends after so many; 0: never */

    /* trace */
    const char *trace_format;           /* "auto", or one of ts_trace_format_names */
    const struct ts_trace_map *map;     /* NULL: columns are found by the format */
    const struct ts_trace_where *where; /* [n_where] which rows are of which class, see ts_trace_options */
    size_t n_where;
    bool drops_others;         /* rows that no class selects are dropped */
    bool sorts;                /* the file is sorted as a whole: see ts_trace_options */
    double scale_rate;         /* 1 = as recorded; 2 = twice the rate (gaps halved). Generated: all times are divided by
                                  it, those of the window and its hours too; 0: by 1 */
    bool names_classes;        /* the classes below are those that rows of the file may name; where they do, shares are
                                  not drawn */
    enum ts_trace_turns turns; /* when requests of sessions begin; users of a closed loop take them as they come */
    double repeat_to_s;        /* 0: once; else the trace is repeated end to end until that time (of a
                                  closed loop: without end) */

    const double *represents;   /* [168] the week that the file is a part of; NULL: it stands for itself */
    bool represents_is_assumed; /* nobody said so: a file of a week, or without dates, stands for itself */

    /* generated */
    struct ts_window window;   /* its duration cuts a trace, where it is > 0 */
    struct ts_process process; /* of the classes that have none of their own */
    double tick_s;             /* of the clock: arrivals are rounded down to a multiple of it; 0: exact */
    uint16_t prefix_block_tok; /* tokens that one id of a prompt's content stands for */

    const struct ts_class_spec *classes; /* at least one */
    size_t n_classes;
    uint32_t max_prompt_tok, max_output_tok; /* draws are clamped to these; 0 = no cap */
};

/* Opens the stream of one replication. The same (workload, seed, replication) gives the same requests. Labels of a
 * trace depend on (seed, id) only, so a real trace is labelled the same way in every replication with the same seed;
 * generated requests, arrivals and labels alike, are drawn anew in every replication, so that replications are
 * independent. The first read of a trace checks its header; errors are diagnostics with file and line. The workload is
 * borrowed until destroy, and so is the progress, see ts_trace_open. */
enum ts_status ts_workload_open(struct ts_request_stream **out, const struct ts_workload *workload, uint64_t seed,
                                uint32_t replication, const struct ts_progress *progress, struct ts_diags *diags);

/* Rows read and dropped so far by a stream of ts_workload_open over a trace file; zero for a generated one. */
struct ts_trace_counts ts_workload_trace_counts(const struct ts_request_stream *stream);

/* Calls of a month to those of 730 h like the trace's, which went from first to last (ts_trace_counts). 0: it stands
 * for itself; NaN: the scenario says what it represents, but its times are no dates, or that week has no calls then. */
double ts_trace_span_scale(const struct ts_workload *workload, int64_t first_ns, int64_t last_ns);
/* Appends how a month is made of it, with what other weeks, and a day of another kind, would make of it; nothing where
 * the scale is not above 0. */
void ts_trace_span_tell(struct ts_text *out, const struct ts_workload *workload, int64_t first_ns, int64_t last_ns);

/* Does the trace file say of which sessions its rows are? False where it cannot be opened. */
bool ts_workload_tells_sessions(const struct ts_workload *workload);

/* From the beginning of an open generated workload to its end; 0: it is none, nobody knows before. */
static inline double ts_workload_window_s(const struct ts_workload *workload)
{
    return workload->trace_path || workload->is_closed ? 0.0
           : workload->scale_rate > 0.0                ? workload->window.duration_s / workload->scale_rate
                                                       : workload->window.duration_s;
}

/* Expected arrivals of a generated workload in its window, and in a month of 730 h: what scales a simulated window to a
 * month. 0 where they are not known before: of a trace, and of a closed loop. */
double ts_workload_expected_calls(const struct ts_workload *workload);
double ts_workload_expected_calls_per_month(const struct ts_workload *workload);

/* Mean calls of a session of that kind; 1 where it is none. */
double ts_session_mean_calls(const struct ts_session_spec *spec);

/* Named week curves: "constant", "office-week", "consumer-week" ... [168] values with mean 1, or NULL; and all names
 * for messages (NULL at the end). */
const double *ts_week_curve(const char *name);
const char *const *ts_week_curve_names(void);

/* Named empirical token distributions: "azure-conversation" and "azure-code", of prompts and of outputs; quantile
 * tables with their source in the .c file. False if the name is unknown. */
bool ts_token_dist(struct ts_dist *out, const char *name, bool output);
const char *const *ts_token_dist_names(void);
/* Where the numbers of that name come from, e.g. "Azure LLM inference trace 2023, conversation (CC-BY-4.0), 19,366
 * requests". */
const char *ts_token_dist_source(const char *name);

#endif
