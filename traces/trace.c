/* Hides how a file becomes a stream of requests: its layout and format found out, rows in order of time, arrivals from
 * the first row on, and the counts of what is no request. */
#include "traces/trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/units.h"
#include "traces/trace_format.h"
#include "traces/trace_told.h"

enum { SHOWN_CHARS = 60, RECORDS_LOOKED_AT = 200 };

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
    int64_t first_ns; /* of the first row, on the file's clock */
    bool any;
    enum ts_status ended; /* sticky error */
    bool at_end;
};

/* ---- what kind of file it is ---- */

static void list_formats(struct ts_text *out)
{
    ts_text_puts(out,
                 "say which columns are meant: --map time=COLUMN,in=COLUMN,out=COLUMN (in a scenario: trace: {map: "
                 "{time: COLUMN, in: COLUMN, out: COLUMN}}); known formats: ");
    for (size_t i = 0; i + 1 < ts_trace_n_formats(); i++) {
        const struct ts_trace_format *format = &ts_trace_formats[i];
        ts_text_printf(out, "%s%s (", i > 0 ? "; " : "", format->name);
        for (size_t f = TS_TRACE_TIME; f <= TS_TRACE_OUTPUT; f++) {
            const char *names = format->columns[f];
            ts_text_printf(out, "%s%.*s", f > 0 ? "," : "", (int)strcspn(names, "|"), names);
        }
        ts_text_puts(out, ")");
    }
}

static enum ts_status fail_unknown(struct ts_span at, struct ts_diags *diags, const char *what, const char *text,
                                   size_t len)
{
    struct ts_text hint;
    ts_text_init(&hint);
    list_formats(&hint);
    const bool cut = len > SHOWN_CHARS;
    return ts_fail_hint(diags, TS_EINPUT, at, &hint, "%s '%.*s%s'", what, cut ? SHOWN_CHARS : (int)len, text,
                        cut ? "..." : "");
}

struct nearest {
    const char *names[64];
    size_t n;
};

static void collect(void *user, int slot, const char *name)
{
    struct nearest *nearest = user;
    (void)slot;
    if (nearest->n < sizeof nearest->names / sizeof nearest->names[0]) {
        nearest->names[nearest->n++] = name;
    }
}

/* "the header has no column 'x'". */
static enum ts_status fail_column(struct ts_trace_container *container, const char *path, uint32_t line,
                                  const char *name, size_t len, struct ts_diags *diags)
{
    struct nearest nearest = {.n = 0};
    struct ts_text wanted, hint;
    ts_text_init(&wanted);
    ts_text_init(&hint);
    ts_text_append(&wanted, name, len);
    container->ops->each(container, collect, &nearest);
    const char *near = ts_suggest(wanted.data, nearest.names, nearest.n);
    if (near) {
        ts_text_printf(&hint, "did you mean '%s'?", near);
    } else {
        ts_text_puts(&hint, "there are: ");
        for (size_t i = 0; i < nearest.n && hint.len < 400; i++) {
            ts_text_printf(&hint, "%s%s", i > 0 ? ", " : "", nearest.names[i]);
        }
    }
    const struct ts_span at = {.file = path, .line = line};
    const enum ts_status status = ts_fail_hint(
        diags, wanted.failed ? TS_ENOMEM : TS_EINPUT, at, &hint,
        container->has_header ? "the header has no column '%s'" : "no record has the key '%s'", wanted.data);
    ts_text_deinit(&wanted);
    return status;
}

/* Names each column that a chosen format or the map has and the file has not. */
static enum ts_status fail_columns(struct ts_trace_container *container, const struct ts_trace_format *format,
                                   const struct ts_trace_map *map, const char *path, uint32_t line,
                                   struct ts_diags *diags)
{
    enum ts_status status = TS_EINPUT;
    for (size_t i = 0; i < TS_TRACE_N_FIELDS; i++) {
        const bool mapped = map->columns[i] != NULL;
        const char *names = ts_trace_format_names_of(format, map, (enum ts_trace_field)i);
        if ((mapped || i <= TS_TRACE_OUTPUT) && names && container->ops->find(container, names, mapped) < 0) {
            status = fail_column(container, path, line, names, mapped ? strlen(names) : strcspn(names, "|"), diags);
        }
    }
    return status;
}

/* The format whose columns are all there. A map of what a request is has a format of its own. */
static const struct ts_trace_format *match(const struct trace_stream *trace, struct ts_trace_container *container)
{
    const char *name = trace->options.format;
    const struct ts_trace_map *map = &trace->map;
    const bool names_all =
        map->columns[TS_TRACE_TIME] || map->columns[TS_TRACE_PROMPT] || map->columns[TS_TRACE_OUTPUT];
    for (size_t i = 0; i < ts_trace_n_formats(); i++) {
        const struct ts_trace_format *format = &ts_trace_formats[i];
        const bool meant = name ? ts_str_equal(format->name, name) : !names_all || i + 1 == ts_trace_n_formats();
        if (meant && ts_trace_format_matches(format, map, container, name != NULL)) {
            return format;
        }
    }
    return NULL;
}

struct layout {
    bool is_json, by_line;
    char separator;
    const char *line; /* the first */
    size_t len;
    uint32_t at;
};

static enum ts_status open_container(struct ts_trace_container **out, const struct layout *layout, const char *path,
                                     const struct ts_progress *progress, struct ts_diags *diags)
{
    return layout->is_json ? ts_trace_json_open(out, path, layout->by_line, progress, diags)
                           : ts_trace_csv_open(out, path, layout->separator, progress, diags);
}

static bool is_mapped(const struct ts_trace_map *map)
{
    bool any = false;
    for (size_t i = 0; i < TS_TRACE_N_FIELDS; i++) {
        any = any || map->columns[i];
    }
    return any;
}

/* With the names of the header, or of the first record. */
static enum ts_status fail_names(const struct trace_stream *trace, const struct layout *layout, const char *path,
                                 struct ts_diags *diags)
{
    const struct ts_trace_format *format = trace->options.format ? ts_trace_format_find(trace->options.format)
                                                                 : &ts_trace_formats[ts_trace_n_formats() - 1];
    struct ts_trace_container *container = NULL;
    bool got = false;
    enum ts_status status = open_container(&container, layout, path, NULL, diags);
    if (status != TS_OK) {
        return status;
    }
    status = layout->is_json ? container->ops->next(container, &got, diags) : TS_OK;
    if (status == TS_OK) {
        status = fail_columns(container, format, &trace->map, path, layout->at, diags);
    }
    container->ops->close(container);
    return status;
}

static enum ts_status fail_format(const struct trace_stream *trace, const struct layout *layout, const char *path,
                                  struct ts_diags *diags)
{
    const struct ts_span at = {.file = path, .line = layout->at};
    const char *hint = NULL;
    const char *refusal = layout->is_json ? NULL : ts_trace_format_refusal(layout->line, layout->len, &hint);
    if (trace->options.format || is_mapped(&trace->map)) {
        return fail_names(trace, layout, path, diags);
    }
    return refusal ? ts_fail(diags, TS_EINPUT, at, hint, "%s", refusal)
                   : fail_unknown(at, diags, "no known trace format has the header", layout->line, layout->len);
}

/* Has the header, or the record at which the format was found, something of sessions? */
static bool has_sessions(const struct trace_stream *trace, const struct ts_trace_format *format,
                         struct ts_trace_container *container)
{
    static const enum ts_trace_field fields[] = {TS_TRACE_SESSION, TS_TRACE_CALL, TS_TRACE_WAITS};
    bool any = container->place > 0;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *names = ts_trace_format_names_of(format, &trace->map, fields[i]);
        any = any || (names && container->ops->find(container, names, trace->map.columns[fields[i]] != NULL) >= 0);
    }
    return any;
}

/* Looks through the header, or the first records, for a format. */
static enum ts_status recognise(const struct ts_trace_format **out, struct trace_stream *trace,
                                const struct layout *layout, const char *path, struct ts_diags *diags)
{
    struct ts_trace_container *container = NULL;
    enum ts_status status = open_container(&container, layout, path, trace->options.progress, diags);
    if (status != TS_OK) {
        return status;
    }
    bool got = true;
    *out = layout->is_json ? NULL : match(trace, container);
    for (size_t i = 0; layout->is_json && !*out && got && status == TS_OK && i < RECORDS_LOOKED_AT; i++) {
        status = container->ops->next(container, &got, i == 0 ? diags : NULL);
        *out = status == TS_OK && got ? match(trace, container) : NULL;
        status = i > 0 && status == TS_EINPUT ? TS_OK : status;
    }
    trace->tells_sessions = status == TS_OK && *out && has_sessions(trace, *out, container);
    container->ops->close(container);
    return status == TS_OK && !*out ? fail_format(trace, layout, path, diags) : status;
}

static enum ts_status check_format_name(const char *name, struct ts_diags *diags)
{
    return !name || ts_trace_format_find(name)
               ? TS_OK
               : fail_unknown(ts_span_none(), diags, "no trace format is named", name, strlen(name));
}

static enum ts_status check_where(const struct trace_stream *trace, struct ts_trace_container *container,
                                  const struct layout *layout, const char *path, struct ts_diags *diags)
{
    for (size_t i = 0; container->has_header && i < trace->options.n_where; i++) {
        const char *name = trace->options.where[i].column;
        if (container->ops->find(container, name, true) < 0) {
            return fail_column(container, path, layout->at, name, strlen(name), diags);
        }
    }
    return TS_OK;
}

static enum ts_status open_rows(struct trace_stream *trace, const struct layout *layout, const char *path,
                                struct ts_diags *diags)
{
    const struct ts_trace_format *format = NULL;
    struct ts_trace_container *container = NULL;
    enum ts_status status = recognise(&format, trace, layout, path, diags);
    if (status == TS_OK) {
        status = open_container(&container, layout, path, trace->options.progress, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    status = check_where(trace, container, layout, path, diags);
    if (status == TS_OK) {
        status = ts_trace_rows_init(&trace->rows, container, format, &trace->options, path, diags);
    }
    if (status != TS_OK && !trace->rows.container) {
        container->ops->close(container);
    }
    return status;
}

/* The first line holds a whole object, or goes on after the head; or it is cut short, and the next begins another. */
static bool is_line_by_line(const struct ts_trace_head *head, const char *line, size_t len)
{
    const char *end = head->data + head->len;
    const char *behind = line + len;
    while (behind < end && (*behind == ' ' || *behind == '\t' || *behind == '\n' || *behind == '\r')) {
        behind++;
    }
    while (len > 1 && (line[len - 1] == ' ' || line[len - 1] == '\t')) {
        len--;
    }
    const bool goes_on = len > 0 && strchr("[{,:", line[len - 1]) != NULL;
    return ts_trace_head_is_object(line, len) || (!goes_on && (behind == end || *behind == '{'));
}

static enum ts_status open_text(struct trace_stream *trace, const struct ts_trace_head *head, const char *path,
                                struct ts_diags *diags)
{
    struct layout layout = {.is_json = false};
    layout.line = ts_trace_head_line(head, &layout.len, &layout.at);
    if (layout.len == 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "the file is blank: a trace begins with a header");
    }
    layout.is_json = layout.line[0] == '{' || layout.line[0] == '[';
    layout.separator = ts_trace_head_separator(layout.line, layout.len);
    layout.by_line = layout.line[0] == '{' && is_line_by_line(head, layout.line, layout.len);
    if (!trace->map.time_unit) {
        trace->map.time_unit = ts_trace_date_order(head->data, head->len);
    }
    return open_rows(trace, &layout, path, diags);
}

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
    status = check_format_name(trace->options.format, diags);
    if (status == TS_OK) {
        status = open_text(trace, &head, path, diags);
    }
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
    const int64_t year_2001_ns = 1000000000 * TS_NS_PER_S;
    if (trace->told.n > 0 && trace->told.rows[0].time_ns >= year_2001_ns) {
        counts.first_ns = trace->told.rows[0].time_ns;
        counts.last_ns = trace->told.last_ns;
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
