/* Hides how a file becomes a stream of requests: rows in order of time, arrivals from the first row on, and the counts
 * of what is no request. */
#include "traces/trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/units.h"
#include "traces/trace_kind.h"
#include "traces/trace_told.h"

struct trace_stream {
    struct ts_request_stream base;
    struct ts_trace_options options; /* a copy; what it points to is borrowed */
    struct ts_trace_map map;         /* the user's, with what the head of the file adds */
    struct ts_trace_rows rows;
    struct ts_trace_order *order;
    struct ts_trace_counts counts;
    struct ts_trace_told told;
    struct ts_turn turn; /* of the current request */
    bool tells_sessions;
    uint32_t header_line; /* see ts_trace_counts */
    int64_t first_ns;     /* of the first row, on the file's clock */
    bool any;
    enum ts_status ended; /* sticky error */
    bool at_end;
};

/* ---- rows into requests ---- */

static void count_drop(struct trace_stream *trace, const struct ts_trace_row *row)
{
    struct ts_trace_counts *counts = &trace->counts;
    if (counts->n_dropped++ == 0) {
        counts->drop_reason = ts_trace_drop_text((enum ts_trace_drop)row->drop);
        counts->drop_line = row->line;
    }
    if (counts->drops[row->drop].n++ == 0) {
        counts->drops[row->drop].first_line = row->line;
    }
}

/* A trace that gives no request at all is an error: a simulation of nothing would look like a good result. */
static enum ts_status finish(struct trace_stream *trace, struct ts_diags *diags)
{
    const struct ts_trace_counts *counts = &trace->counts;
    trace->at_end = true;
    if (counts->n_kept > 0) {
        return TS_OK;
    }
    if (counts->n_rows == 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(trace->rows.path), NULL, "a trace with a header and no rows");
    }
    struct ts_span at = {.file = trace->rows.path,
                         .line = counts->drop_line <= UINT32_MAX ? (uint32_t)counts->drop_line : 0};
    return ts_fail(diags, TS_EINPUT, at, NULL, "no usable row: all %llu were dropped, this one first: %s",
                   (unsigned long long)counts->n_rows, counts->drop_reason);
}

/* The next row that is a request; *got = false at the end. */
static enum ts_status next_kept(struct trace_stream *trace, struct ts_trace_row *row, bool *got, struct ts_diags *diags)
{
    for (;;) {
        enum ts_status status = ts_trace_order_next(trace->order, row, got, diags);
        if (status != TS_OK || !*got) {
            return status != TS_OK ? status : finish(trace, diags);
        }
        trace->counts.n_rows++;
        if (!trace->any && !row->has_no_time) {
            trace->first_ns = row->time_ns;
            trace->any = true;
        }
        if (row->drop == TS_TRACE_KEPT) {
            row->time_ns = row->has_no_time && !trace->any ? trace->first_ns : row->time_ns; /* before all times */
            return TS_OK;
        }
        count_drop(trace, row);
    }
}

/* Its place in its session; NULL: it is of none. */
static const struct ts_turn *turn_of(struct trace_stream *trace, const struct ts_trace_row *row)
{
    trace->turn = (struct ts_turn){.session = row->session,
                                   .key = row->call,
                                   .waits = row->n_waits > 0 ? row->prefix.ids + row->prefix.n_ids : NULL,
                                   .n_waits = row->n_waits,
                                   .follows = row->follows,
                                   .is_tool = row->is_tool,
                                   .delay_ns = row->delay_ns};
    return row->session != 0 ? &trace->turn : NULL;
}

static enum ts_status advance(struct trace_stream *trace, struct ts_request *out, int *got, struct ts_diags *diags)
{
    struct ts_trace_row row;
    bool any = false;
    enum ts_status status = next_kept(trace, &row, &any, diags);
    *got = any && status == TS_OK;
    if (!*got) {
        return status;
    }
    trace->counts.names_classes = trace->counts.names_classes || row.names_class;
    trace->told.last_ns = row.time_ns;
    if (trace->told.n < TS_TRACE_TOLD_ROWS) {
        trace->told.rows[trace->told.n++] = row;
    }
    *out = (struct ts_request){.id = trace->counts.n_kept++,
                               .arrival_ns = row.time_ns - trace->first_ns,
                               .prompt_tok = row.prompt_tok,
                               .output_tok = row.output_tok,
                               .class_id = row.class_id,
                               .has_class = row.has_class,
                               .sensitivity = row.sensitivity,
                               .has_sensitivity = row.has_sensitivity,
                               .difficulty = row.difficulty,
                               .has_difficulty = row.has_difficulty,
                               .prefix = row.prefix,
                               .turn = turn_of(trace, &row)};
    return TS_OK;
}

static enum ts_status trace_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                 struct ts_diags *diags)
{
    struct trace_stream *trace = (struct trace_stream *)stream;
    *got = 0;
    if (trace->ended != TS_OK || trace->at_end) {
        return trace->ended;
    }
    trace->ended = advance(trace, out, got, diags);
    return trace->ended;
}

static void trace_destroy(struct ts_request_stream *stream)
{
    struct trace_stream *trace = (struct trace_stream *)stream;
    ts_trace_order_destroy(trace->order);
    ts_trace_rows_deinit(&trace->rows);
    free(trace);
}

static enum ts_status open_rows(struct trace_stream *trace, const struct ts_trace_head *head, const char *path,
                                struct ts_diags *diags)
{
    struct ts_trace_kind kind = {.format = NULL};
    struct ts_trace_container *container = NULL;
    if (!trace->map.time_unit) {
        trace->map.time_unit = ts_trace_date_order(head->data, head->len);
    }
    enum ts_status status = ts_trace_kind_find(&kind, head, path, &trace->options, diags);
    if (status == TS_OK) {
        status = ts_trace_kind_open(&container, &kind, path, &trace->options, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    trace->tells_sessions = kind.tells_sessions;
    trace->header_line = kind.layout.n_skipped > 0 ? kind.layout.at : 0;
    status = ts_trace_rows_init(&trace->rows, container, kind.format, &trace->options, path, diags);
    if (status != TS_OK && !trace->rows.container) {
        container->ops->close(container);
    }
    return status;
}

static const struct ts_request_stream_ops trace_ops = {.next = trace_next, .destroy = trace_destroy};

enum ts_status ts_trace_open_as(struct ts_request_stream **out, const char *path,
                                const struct ts_trace_options *options, struct ts_diags *diags)
{
    struct ts_trace_head head = {.data = NULL};
    enum ts_status status = ts_trace_head_read(&head, path, diags);
    if (status != TS_OK) {
        return status;
    }
    struct trace_stream *trace = calloc(1, sizeof *trace);
    if (!trace) {
        free(head.data);
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    trace->base.ops = &trace_ops;
    trace->options = *options;
    trace->options.format = options->format && !ts_str_equal(options->format, "auto") ? options->format : NULL;
    trace->map = options->map ? *options->map : (struct ts_trace_map){.time_unit = NULL};
    trace->options.map = &trace->map;
    status = open_rows(trace, &head, path, diags);
    if (status == TS_OK) {
        status = ts_trace_order_create(&trace->order, &trace->rows, options->sorts, diags);
    }
    free(head.data);
    if (status != TS_OK) {
        trace_destroy(&trace->base);
        return status;
    }
    *out = &trace->base;
    return TS_OK;
}

struct ts_trace_counts ts_trace_counts(const struct ts_request_stream *stream)
{
    TS_CHECK(stream->ops == &trace_ops);
    const struct trace_stream *trace = (const struct trace_stream *)stream;
    struct ts_trace_counts counts = trace->counts;
    ts_trace_order_count(&counts, trace->order);
    counts.naive_line = trace->rows.naive_line;
    counts.grouped_line = trace->rows.grouped_line;
    counts.header_line = trace->header_line;
    const int64_t year_2001_ns = 1000000000 * TS_NS_PER_S;
    if (trace->told.n > 0 && trace->told.rows[0].time_ns >= year_2001_ns) {
        counts.first_ns = trace->told.rows[0].time_ns;
        counts.last_ns = trace->told.last_ns;
        counts.tick_ns = counts.n_kept > 2 ? trace->rows.clock.tick_ns : 0;
    }
    counts.start_ns = trace->first_ns;
    memcpy(counts.unused, trace->rows.unused, sizeof counts.unused);
    return counts;
}

struct ts_trace_tells ts_trace_tells(const struct ts_request_stream *stream)
{
    TS_CHECK(stream->ops == &trace_ops);
    return ((const struct trace_stream *)stream)->rows.tells;
}

bool ts_trace_tells_sessions(const struct ts_request_stream *stream)
{
    TS_CHECK(stream->ops == &trace_ops);
    return ((const struct trace_stream *)stream)->tells_sessions;
}

void ts_trace_tell(struct ts_text *out, const struct ts_request_stream *stream)
{
    TS_CHECK(stream->ops == &trace_ops);
    const struct trace_stream *trace = (const struct trace_stream *)stream;
    ts_trace_told_put(out, &trace->told, &trace->rows);
}
