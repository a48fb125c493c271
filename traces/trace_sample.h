/* The requests of a stream as rows in memory: what a fit looks at, and what is compared with it. */
#ifndef TS_TRACES_TRACE_SAMPLE_H
#define TS_TRACES_TRACE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "traces/request.h"
#include "traces/reuse.h"

enum { TS_TRACE_SAMPLE_MAX_ROWS = 2000000 };

struct ts_trace_sample_row {
    int64_t arrival_ns;
    uint32_t prompt_tok, output_tok;
    float prefix_frac; /* part of its ids that an earlier prompt of the class began with */
    uint32_t lag;      /* so many prompts of the class ago; 0: none */
    uint32_t n_before; /* prompts of the class before this one */
    uint64_t session;  /* 0: it is of none */
    int64_t wait_ns;   /* told between the replies that it waits for and this request */
    uint16_t class_id;
    bool waits, is_tool, is_aside; /* see ts_turn: for another of its session; a tool's time; a subagent's call */
    bool is_gone_on, is_branch;    /* found by a fit: see find_branches in fit_lengths.c */
};

struct ts_trace_sample {
    struct ts_trace_sample_row *rows; /* [n] in order of arrival */
    size_t n, cap;
    uint32_t block_tok;     /* of the ids of prompts; 0: none tells any */
    struct ts_reuse *reuse; /* of all prompts together */
    uint64_t *ids;          /* [ids_cap] of the current prompt, where a rule makes them */
    uint32_t ids_cap;
    bool ids_are_told; /* by the file or a rule for system prompts, not made of sessions alone */
    bool is_cut;       /* there were more than TS_TRACE_SAMPLE_MAX_ROWS */
};

/* Consumes the stream, or its first TS_TRACE_SAMPLE_MAX_ROWS requests. Deinit whatever comes back. */
enum ts_status ts_trace_sample_collect(struct ts_trace_sample *out, struct ts_request_stream *stream,
                                       struct ts_diags *diags);
void ts_trace_sample_deinit(struct ts_trace_sample *sample);

/* From the first arrival to the last. */
double ts_trace_sample_duration_s(const struct ts_trace_sample *sample);
/* Variance/mean of counts in windows of that width from the first arrival to the last; NaN with fewer than two whole
 * windows. times_s: [n] in order, from 0 on. */
double ts_dispersion(const double *times_s, size_t n, double duration_s, double width_s);

#endif
