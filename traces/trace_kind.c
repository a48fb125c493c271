/* Hides how the layout and the format of a file are found out, and how one that has none is told. */
#include <stdlib.h>
#include <string.h>

#include "traces/trace_kind.h"
#include "traces/trace_told.h"

enum { SHOWN_CHARS = 60, LINES_LOOKED_AT = 20, RECORDS_LOOKED_AT = TS_TRACE_MAX_PEEKED };

struct finder {
    const struct ts_trace_options *options;
    const struct ts_trace_map *map; /* the user's, with what the head of the file adds */
    const char *path;
    struct ts_trace_kind found;
};

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

/* What of a request is there, under the names that people use, and what is not; nothing if all is missing. */
static void tell_missing(struct ts_text *out, struct ts_trace_container *container)
{
    static const char *const words[] = {"the time", "the prompt's tokens", "the reply's tokens"};
    const struct ts_trace_format *format = &ts_trace_formats[ts_trace_n_formats() - 1];
    size_t n_found = 0;
    for (size_t f = TS_TRACE_TIME; f <= TS_TRACE_OUTPUT; f++) {
        const int slot = container->ops->find(container, format->columns[f], false);
        if (slot >= 0) {
            ts_text_printf(out, "%s'%s' is %s", n_found++ > 0 ? ", " : "",
                           container->ops->name(container, (size_t)slot), words[f]);
        }
    }
    for (size_t f = TS_TRACE_TIME, n = 0; n_found > 0 && f <= TS_TRACE_OUTPUT; f++) {
        if (container->ops->find(container, format->columns[f], false) < 0) {
            ts_text_printf(out, "%s%s", n++ > 0 ? " and " : "; no column is known for ", words[f]);
        }
    }
    ts_text_puts(out, n_found > 0 ? "; " : "");
}

static enum ts_status fail_unknown(struct ts_span at, struct ts_trace_container *container, struct ts_diags *diags,
                                   const char *what, const char *text, size_t len)
{
    struct ts_text hint;
    ts_text_init(&hint);
    if (container) {
        tell_missing(&hint, container);
    }
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
static const struct ts_trace_format *match(const struct finder *trace, struct ts_trace_container *container)
{
    const char *name = trace->options->format;
    const struct ts_trace_map *map = trace->map;
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

static enum ts_status open_container(struct ts_trace_container **out, const struct ts_trace_layout *layout,
                                     const char *path, const struct ts_progress *progress, struct ts_diags *diags)
{
    return layout->is_json ? ts_trace_json_open(out, path, layout->by_line, progress, diags)
                           : ts_trace_csv_open(out, path, layout->separator, layout->n_skipped, progress, diags);
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
static enum ts_status fail_names(const struct finder *trace, const struct ts_trace_layout *layout, const char *path,
                                 struct ts_diags *diags)
{
    const struct ts_trace_format *format = trace->options->format ? ts_trace_format_find(trace->options->format)
                                                                  : &ts_trace_formats[ts_trace_n_formats() - 1];
    struct ts_trace_container *container = NULL;
    bool got = false;
    enum ts_status status = open_container(&container, layout, path, NULL, diags);
    if (status != TS_OK) {
        return status;
    }
    status = layout->is_json ? container->ops->next(container, &got, diags) : TS_OK;
    if (status == TS_OK) {
        status = fail_columns(container, format, trace->map, path, layout->at, diags);
    }
    container->ops->close(container);
    return status;
}

/* At what was looked at last. */
static enum ts_status fail_format(const struct finder *trace, const struct ts_trace_layout *layout,
                                  struct ts_trace_container *container, struct ts_diags *diags)
{
    const struct ts_span at = {.file = trace->path, .line = layout->at};
    const char *hint = NULL;
    const char *refusal = layout->is_json ? NULL : ts_trace_format_refusal(layout->line, layout->len, &hint);
    if (trace->options->format || is_mapped(trace->map)) {
        return fail_names(trace, layout, trace->path, diags);
    }
    return refusal
               ? ts_fail(diags, TS_EINPUT, at, hint, "%s", refusal)
               : fail_unknown(at, container, diags, "no known trace format has the header", layout->line, layout->len);
}

/* Has the header, or the record at which the format was found, something of sessions? */
static bool has_sessions(const struct finder *trace, const struct ts_trace_format *format,
                         struct ts_trace_container *container)
{
    static const enum ts_trace_field fields[] = {TS_TRACE_SESSION, TS_TRACE_CALL, TS_TRACE_WAITS};
    bool any = container->place > 0;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *names = ts_trace_format_names_of(format, trace->map, fields[i]);
        any = any || (names && container->ops->find(container, names, trace->map->columns[fields[i]] != NULL) >= 0);
    }
    return any;
}

/* Looks through the first records for a format. */
static enum ts_status look_at_records(struct finder *trace, struct ts_trace_container *container,
                                      struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    bool got = true;
    size_t i = 0;
    for (; !trace->found.format && got && status == TS_OK && i < RECORDS_LOOKED_AT; i++) {
        status = container->ops->next(container, &got, i == 0 ? diags : NULL);
        trace->found.format = status == TS_OK && got ? match(trace, container) : NULL;
        status = i > 0 && status == TS_EINPUT ? TS_OK : status;
    }
    return status == TS_OK && !got && i == 1
               ? ts_fail(diags, TS_EINPUT, ts_span_file(trace->path), NULL, "a trace without a row")
               : status;
}

/* Through the header, or these. */
static enum ts_status recognise(struct finder *trace, const struct ts_trace_layout *layout, bool is_last_try,
                                struct ts_diags *diags)
{
    struct ts_trace_container *container = NULL;
    enum ts_status status = open_container(&container, layout, trace->path, trace->options->progress, diags);
    if (status != TS_OK) {
        return status;
    }
    trace->found.format = layout->is_json ? NULL : match(trace, container);
    status = layout->is_json ? look_at_records(trace, container, diags) : TS_OK;
    trace->found.layout = *layout;
    trace->found.tells_sessions =
        status == TS_OK && trace->found.format && has_sessions(trace, trace->found.format, container);
    if (status == TS_OK && !trace->found.format && is_last_try) {
        status = fail_format(trace, layout, container, diags);
    }
    container->ops->close(container);
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

/* A title, a comment, "sep=;" may stand before the header: one of the next lines that has a format's columns. */
static bool find_header_below(struct finder *trace, const struct ts_trace_head *head,
                              const struct ts_trace_layout *first)
{
    const char *end = head->data + head->len;
    struct ts_trace_layout layout = *first;
    for (size_t i = 0; i < LINES_LOOKED_AT; i++) {
        const char *line = memchr(layout.line, '\n', (size_t)(end - layout.line));
        if (!line || ++line == end) {
            return false;
        }
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        layout = (struct ts_trace_layout){.line = line, .at = layout.at + 1, .n_skipped = layout.at};
        layout.len = (size_t)((stop ? stop : end) - line);
        layout.separator = ts_trace_head_separator(line, layout.len);
        if (layout.len > 1 && recognise(trace, &layout, false, NULL) == TS_OK && trace->found.format) {
            return true;
        }
    }
    return false;
}

static enum ts_status check_format_name(const char *name, struct ts_diags *diags)
{
    return !name || ts_trace_format_find(name)
               ? TS_OK
               : fail_unknown(ts_span_none(), NULL, diags, "no trace format is named", name, strlen(name));
}

static enum ts_status check_where(const struct finder *trace, struct ts_trace_container *container,
                                  struct ts_diags *diags)
{
    for (size_t i = 0; container->has_header && i < trace->options->n_where; i++) {
        const char *name = trace->options->where[i].column;
        if (container->ops->find(container, name, true) < 0) {
            return fail_column(container, trace->path, trace->found.layout.at, name, strlen(name), diags);
        }
    }
    return TS_OK;
}

enum ts_status ts_trace_kind_find(struct ts_trace_kind *out, const struct ts_trace_head *head, const char *path,
                                  const struct ts_trace_options *options, struct ts_diags *diags)
{
    struct finder trace = {.options = options, .map = options->map, .path = path};
    struct ts_trace_layout layout = {.is_json = false};
    enum ts_status status = check_format_name(options->format, diags);
    if (status != TS_OK) {
        return status;
    }
    layout.line = ts_trace_head_line(head, &layout.len, &layout.at);
    if (layout.len == 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "the file is blank: a trace begins with a header");
    }
    layout.is_json = layout.line[0] == '{' || layout.line[0] == '[';
    layout.separator = ts_trace_head_separator(layout.line, layout.len);
    layout.by_line = layout.line[0] == '{' && is_line_by_line(head, layout.line, layout.len);
    status = recognise(&trace, &layout, layout.is_json, diags);
    if (status == TS_OK && !trace.found.format && !find_header_below(&trace, head, &layout)) {
        status = recognise(&trace, &layout, true, diags);
    }
    if (status == TS_OK) {
        *out = trace.found;
    }
    return status;
}

enum ts_status ts_trace_kind_open(struct ts_trace_container **out, const struct ts_trace_kind *kind, const char *path,
                                  const struct ts_trace_options *options, struct ts_diags *diags)
{
    const struct finder trace = {.options = options, .map = options->map, .path = path, .found = *kind};
    struct ts_trace_container *container = NULL;
    enum ts_status status = open_container(&container, &kind->layout, path, options->progress, diags);
    if (status != TS_OK) {
        return status;
    }
    status = check_where(&trace, container, diags);
    if (status != TS_OK) {
        container->ops->close(container);
        return status;
    }
    *out = container;
    return TS_OK;
}
