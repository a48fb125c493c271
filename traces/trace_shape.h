/* What can be drawn of a trace beside its statistics, in the same pass: its rate over time and over the week, what
 * prompts share with earlier ones, its sessions. Memory does not grow with the number of requests, but with that of
 * different pieces of content (reuse.h) and of sessions, up to TS_SHAPE_MAX_SESSIONS. */
#ifndef TS_TRACES_TRACE_SHAPE_H
#define TS_TRACES_TRACE_SHAPE_H

#include "base/hist.h"
#include "base/key_table.h"
#include "traces/reuse.h"
#include "traces/trace_stats.h"

enum { TS_SHAPE_BINS = 512, TS_SHAPE_MAX_SESSIONS = 1 << 20, TS_SHAPE_WEEK_HOURS = 168 };

/* Of the time in one bin. */
struct ts_shape_bin {
    uint64_t n;
    double prompt_tok, output_tok;
};

struct ts_shape_session; /* private */

struct ts_trace_shape {
    int64_t start_ns; /* of the arrival 0, since 1970 if dated */
    int64_t last_ns;  /* the last arrival */
    bool is_dated;
    int64_t bin_ns; /* a power of two of seconds: at the end more than half of the bins are used, unless it is 1 s */
    size_t n_bins;
    struct ts_shape_bin bins[TS_SHAPE_BINS];
    uint64_t n_of_hour[TS_SHAPE_WEEK_HOURS];   /* of the week, UTC, Monday 00:00 first; 0 unless dated */
    double hours_of_hour[TS_SHAPE_WEEK_HOURS]; /* how much of that hour the trace covers, in hours */
    struct ts_reuse *reuse;
    uint16_t block_tok; /* that one of its ids stands for; 0: nothing is known of prompts */
    uint64_t n_sessions;
    bool sessions_are_cut;                     /* there were more */
    struct ts_hist turns, length_ns, pause_ns; /* calls of a session; from its first to its last; between two */
    struct ts_key_table by_session;
    struct ts_shape_session *sessions;
    size_t sessions_cap;
};

/* Consumes a stream of ts_trace_open_as. Deinit both afterwards, if TS_OK. TS_ENOMEM, and what the stream tells. */
enum ts_status ts_trace_shape_collect(struct ts_trace_shape *shape, struct ts_trace_stats *stats,
                                      struct ts_request_stream *stream, struct ts_diags *diags);
void ts_trace_shape_deinit(struct ts_trace_shape *shape);

#endif
