/* Hides that the statistics and the shape see the same pass (the stream goes through one that looks at each request),
 * and that bins of time are merged in pairs whenever the trace outgrows them. */
#include "traces/trace_shape.h"

#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "traces/trace.h"

struct ts_shape_session {
    int64_t first_ns, last_ns;
    uint64_t n;
};

struct watched {
    struct ts_request_stream base;
    struct ts_request_stream *inner;
    struct ts_trace_shape *shape;
    bool any;
};

static void add_to_bin(struct ts_trace_shape *shape, const struct ts_request *request)
{
    while (request->arrival_ns / shape->bin_ns >= TS_SHAPE_BINS) {
        for (size_t i = 0; i < TS_SHAPE_BINS; i++) {
            const struct ts_shape_bin none = {.n = 0};
            const struct ts_shape_bin *a = 2 * i < TS_SHAPE_BINS ? &shape->bins[2 * i] : &none;
            const struct ts_shape_bin *b = 2 * i < TS_SHAPE_BINS ? &shape->bins[2 * i + 1] : &none;
            shape->bins[i] = (struct ts_shape_bin){.n = a->n + b->n,
                                                   .prompt_tok = a->prompt_tok + b->prompt_tok,
                                                   .output_tok = a->output_tok + b->output_tok};
        }
        shape->bin_ns *= 2;
        shape->n_bins = (shape->n_bins + 1) / 2;
    }
    const size_t i = (size_t)(request->arrival_ns / shape->bin_ns);
    shape->bins[i].n++;
    shape->bins[i].prompt_tok += request->prompt_tok;
    shape->bins[i].output_tok += request->output_tok;
    shape->n_bins = i + 1 > shape->n_bins ? i + 1 : shape->n_bins;
}

static const int64_t hour_ns = 3600 * TS_NS_PER_S;

/* 1970 began on a Thursday. */
static size_t hour_of_week(int64_t time_ns)
{
    return (size_t)((time_ns / hour_ns + 3L * 24) % TS_SHAPE_WEEK_HOURS);
}

static bool add_to_session(struct ts_trace_shape *shape, const struct ts_request *request)
{
    const uint64_t *known = ts_key_table_find(&shape->by_session, request->turn->session);
    if (known) {
        struct ts_shape_session *session = &shape->sessions[*known];
        ts_hist_add(&shape->pause_ns, request->arrival_ns - session->last_ns);
        session->last_ns = request->arrival_ns;
        session->n++;
        return true;
    }
    if (shape->n_sessions == TS_SHAPE_MAX_SESSIONS) {
        shape->sessions_are_cut = true;
        return true;
    }
    if (shape->n_sessions == shape->sessions_cap) {
        const size_t cap = shape->sessions_cap > 0 ? 2 * shape->sessions_cap : 256;
        struct ts_shape_session *grown = realloc(shape->sessions, cap * sizeof *grown);
        if (!grown) {
            return false;
        }
        shape->sessions = grown;
        shape->sessions_cap = cap;
    }
    shape->sessions[shape->n_sessions] =
        (struct ts_shape_session){.first_ns = request->arrival_ns, .last_ns = request->arrival_ns, .n = 1};
    return ts_key_table_put(&shape->by_session, request->turn->session, shape->n_sessions++) == TS_OK;
}

static bool see(struct watched *watched, const struct ts_request *request)
{
    struct ts_trace_shape *shape = watched->shape;
    struct ts_reuse_found found;
    if (!watched->any) {
        const struct ts_trace_counts counts = ts_trace_counts(watched->inner);
        watched->any = true;
        shape->start_ns = counts.start_ns;
        shape->is_dated = counts.first_ns != 0;
    }
    shape->last_ns = request->arrival_ns;
    add_to_bin(shape, request);
    if (shape->is_dated) {
        shape->n_of_hour[hour_of_week(shape->start_ns + request->arrival_ns)]++;
    }
    shape->block_tok = request->prefix.n_ids > 0 ? request->prefix.block_tok : shape->block_tok;
    return ts_reuse_add(&found, shape->reuse, 0, &request->prefix, request->prompt_tok) &&
           (!request->turn || add_to_session(shape, request));
}

static enum ts_status watched_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                   struct ts_diags *diags)
{
    struct watched *watched = (struct watched *)stream;
    const enum ts_status status = ts_request_next(watched->inner, out, got, diags);
    if (status == TS_OK && *got && !see(watched, out)) {
        *got = 0;
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    return status;
}

static void watched_destroy(struct ts_request_stream *stream)
{
    (void)stream; /* the caller's */
}

static const struct ts_request_stream_ops watched_ops = {.next = watched_next, .destroy = watched_destroy};

/* Which hours of the week the trace covers, and how long its sessions are. */
static void finish(struct ts_trace_shape *shape)
{
    const int64_t end_ns = shape->start_ns + shape->last_ns;
    for (int64_t at = shape->start_ns; shape->is_dated && at < end_ns;) {
        const int64_t next = (at / hour_ns + 1) * hour_ns, stop = next < end_ns ? next : end_ns;
        shape->hours_of_hour[hour_of_week(at)] += (double)(stop - at) / (double)hour_ns;
        at = stop;
    }
    for (uint64_t i = 0; i < shape->n_sessions; i++) {
        ts_hist_add(&shape->turns, (int64_t)shape->sessions[i].n);
        ts_hist_add(&shape->length_ns, shape->sessions[i].last_ns - shape->sessions[i].first_ns);
    }
}

enum ts_status ts_trace_shape_collect(struct ts_trace_shape *shape, struct ts_trace_stats *stats,
                                      struct ts_request_stream *stream, struct ts_diags *diags)
{
    *shape = (struct ts_trace_shape){.bin_ns = TS_NS_PER_S, .reuse = ts_reuse_create()};
    struct watched watched = {.base.ops = &watched_ops, .inner = stream, .shape = shape};
    ts_hist_init(&shape->turns);
    ts_hist_init(&shape->length_ns);
    ts_hist_init(&shape->pause_ns);
    enum ts_status status = shape->reuse ? ts_trace_stats_collect(stats, &watched.base, diags)
                                         : ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    if (status == TS_OK) {
        finish(shape);
    }
    if (status == TS_OK && shape->turns.lost + shape->length_ns.lost + shape->pause_ns.lost > 0) {
        ts_trace_stats_deinit(stats);
        status = ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    if (status != TS_OK) {
        ts_trace_shape_deinit(shape);
    }
    return status;
}

void ts_trace_shape_deinit(struct ts_trace_shape *shape)
{
    ts_reuse_destroy(shape->reuse);
    ts_hist_deinit(&shape->turns);
    ts_hist_deinit(&shape->length_ns);
    ts_hist_deinit(&shape->pause_ns);
    ts_key_table_deinit(&shape->by_session);
    free(shape->sessions);
    *shape = (struct ts_trace_shape){.bin_ns = 0};
}
