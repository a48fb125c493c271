/* Hides CSV as a layout of traces: columns by name, numbers checked, and errors that show the row with a caret. */
#include "traces/trace_format.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/csv.h"
#include "base/source.h"

enum { NAMES_MAX = 64, SHOWN_CHARS = 40, CARET_LINES_MAX = 1 << 24 };

struct csv_trace {
    struct ts_trace_reader base;
    const struct ts_trace_format *format;
    struct ts_csv_reader *csv;
    size_t column[TS_TRACE_N_FIELDS];
    int class_column;                       /* -1: there is none */
    const struct ts_trace_classes *classes; /* NULL: not looked at */
    const struct ts_csv_row *row;
};

/* Does the header line have a column of that name, quoted or not? */
static bool has_column(const char *line, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    const char *end = line + len;
    for (const char *field = line; field < end;) {
        const char *comma = memchr(field, ',', (size_t)(end - field));
        size_t field_len = (size_t)((comma != NULL ? comma : end) - field);
        bool quoted = field_len >= 2 && field[0] == '"' && field[field_len - 1] == '"';
        const char *text = quoted ? field + 1 : field;
        field_len -= quoted ? 2 : 0;
        if (field_len == name_len && memcmp(text, name, name_len) == 0) {
            return true;
        }
        if (comma == NULL) {
            return false;
        }
        field = comma + 1;
    }
    return false;
}

bool ts_trace_csv_matches(const struct ts_trace_format *format, const char *line, size_t len)
{
    for (size_t i = 0; i < TS_TRACE_N_FIELDS; i++) {
        if (!has_column(line, len, format->fields[i])) {
            return false;
        }
    }
    return true;
}

/* The text of a row whose fields stand side by side without quotes, free() it; NULL for any other row, or without
 * memory. */
static char *row_text(const struct ts_csv_row *row, size_t *len)
{
    size_t end = 0;
    for (size_t i = 0; i < row->n_fields; i++) {
        if (row->fields[i].col != end + (i > 0) + 1) {
            return NULL;
        }
        end = row->fields[i].col - 1 + row->fields[i].len;
    }
    char *text = malloc(end + 1);
    if (text == NULL) {
        return NULL;
    }
    memset(text, ',', end);
    text[end] = '\0';
    for (size_t i = 0; i < row->n_fields; i++) {
        memcpy(text + row->fields[i].col - 1, row->fields[i].data, row->fields[i].len);
    }
    *len = end;
    return text;
}

/* Adds the error with a caret: a source that consists of this one line, at its number. Without memory for it, the place
 * must do. */
static enum ts_status fail_in_row(const struct csv_trace *trace, struct ts_span at, struct ts_diags *diags,
                                  const char *hint, const char *message)
{
    struct ts_source source = {.name = strdup(at.file), .n_lines = at.line};
    if (source.name != NULL && at.line > 0 && at.line <= CARET_LINES_MAX &&
        (source.data = row_text(trace->row, &source.len)) != NULL) {
        source.line_start = calloc(at.line, sizeof *source.line_start);
    }
    at.source = source.line_start != NULL ? &source : NULL;
    ts_diags_add(diags, TS_ERROR, at, hint, "%s", message);
    ts_source_deinit(&source);
    return TS_EINPUT;
}

static enum ts_status csv_fail_field(struct ts_trace_reader *reader, enum ts_trace_field field, struct ts_diags *diags,
                                     const char *hint, const char *message)
{
    const struct csv_trace *trace = (const struct csv_trace *)reader;
    return fail_in_row(trace, ts_csv_span(trace->csv, trace->row, trace->column[field]), diags, hint, message);
}

static const struct ts_csv_field *field_at(const struct csv_trace *trace, enum ts_trace_field field)
{
    return &trace->row->fields[trace->column[field]];
}

/* "ContextTokens must be a whole number, not 'x'" and the like. */
static enum ts_status fail_value(struct csv_trace *trace, enum ts_trace_field field, const char *due, const char *hint,
                                 struct ts_diags *diags)
{
    const struct ts_csv_field *value = field_at(trace, field);
    struct ts_text message;
    ts_text_init(&message);
    ts_text_printf(&message, "%s ", trace->format->fields[field]);
    if (value->len == 0) {
        ts_text_printf(&message, "is empty: %s is due", due);
    } else {
        bool cut = value->len > SHOWN_CHARS;
        ts_text_printf(&message, "must be %s, not '%.*s%s'", due, cut ? SHOWN_CHARS : (int)value->len, value->data,
                       cut ? "..." : "");
    }
    enum ts_status status =
        csv_fail_field(&trace->base, field, diags, hint, message.failed ? "the value is malformed" : message.data);
    ts_text_deinit(&message);
    return status;
}

static enum ts_status read_tokens(uint32_t *out, struct csv_trace *trace, enum ts_trace_field field,
                                  struct ts_diags *diags)
{
    const struct ts_csv_field *text = field_at(trace, field);
    uint64_t value = 0;
    bool is_number = text->len > 0;
    for (size_t i = 0; i < text->len && is_number; i++) {
        unsigned digit = (unsigned char)text->data[i] - (unsigned)'0';
        is_number = digit <= 9;
        value = value <= TS_TRACE_MAX_TOK ? 10 * value + digit : value;
    }
    if (!is_number) {
        return fail_value(trace, field, "a whole number of tokens", NULL, diags);
    }
    if (value > TS_TRACE_MAX_TOK) {
        return fail_value(trace, field, "at most 10,000,000 tokens",
                          "a request this large is a mistake of the file: is the column the right one?", diags);
    }
    *out = (uint32_t)value;
    return TS_OK;
}

static enum ts_status read_time(int64_t *out, struct csv_trace *trace, struct ts_diags *diags)
{
    const struct ts_csv_field *text = field_at(trace, TS_TRACE_TIME);
    if (trace->format->parse_time(out, text->data, text->len)) {
        return TS_OK;
    }
    struct ts_text due;
    ts_text_init(&due);
    ts_text_printf(&due, "a time like %s", trace->format->time_example);
    enum ts_status status = fail_value(trace, TS_TRACE_TIME, due.failed ? "a time" : due.data, NULL, diags);
    ts_text_deinit(&due);
    return status;
}

static enum ts_status read_class(struct ts_trace_row *out, struct csv_trace *trace, struct ts_diags *diags)
{
    out->names_class = trace->class_column >= 0;
    if (!out->names_class || !trace->classes) {
        return TS_OK;
    }
    const size_t column = (size_t)trace->class_column;
    struct ts_text hint, message;
    ts_text_init(&hint);
    ts_text_init(&message);
    enum ts_status status = TS_OK;
    const char *name = trace->row->fields[column].data;
    if (!ts_trace_class_find(&out->class_id, trace->classes, name, &hint)) {
        ts_text_printf(&message, "unknown class '%.*s'", SHOWN_CHARS, name);
        status = fail_in_row(trace, ts_csv_span(trace->csv, trace->row, column), diags, hint.failed ? NULL : hint.data,
                             message.failed ? "unknown class" : message.data);
    }
    ts_text_deinit(&message);
    ts_text_deinit(&hint);
    return status;
}

static enum ts_status csv_next(struct ts_trace_reader *reader, struct ts_trace_row *out, bool *got,
                               struct ts_diags *diags)
{
    struct csv_trace *trace = (struct csv_trace *)reader;
    enum ts_status status = ts_csv_next(trace->csv, &trace->row, diags);
    if (status != TS_OK || trace->row == NULL) {
        *got = false;
        return status;
    }
    struct ts_trace_row row = {.line = trace->row->line};
    enum ts_status time_status = read_time(&row.time_ns, trace, diags);
    enum ts_status prompt_status = read_tokens(&row.prompt_tok, trace, TS_TRACE_PROMPT, diags);
    enum ts_status output_status = read_tokens(&row.output_tok, trace, TS_TRACE_OUTPUT, diags);
    enum ts_status class_status = read_class(&row, trace, diags);
    if (time_status != TS_OK || prompt_status != TS_OK || output_status != TS_OK || class_status != TS_OK) {
        return TS_EINPUT; /* all that is wrong with the row has been said */
    }
    *out = row;
    *got = true;
    return TS_OK;
}

static void csv_close(struct ts_trace_reader *reader)
{
    struct csv_trace *trace = (struct csv_trace *)reader;
    ts_csv_close(trace->csv);
    free(trace);
}

static enum ts_status fail_column(const struct csv_trace *trace, const char *name, struct ts_diags *diags)
{
    const struct ts_csv_row *header = ts_csv_header(trace->csv);
    const char *names[NAMES_MAX];
    size_t n = header->n_fields < NAMES_MAX ? header->n_fields : NAMES_MAX;
    for (size_t i = 0; i < n; i++) {
        names[i] = header->fields[i].data;
    }
    const char *near = ts_suggest(name, names, n);
    struct ts_text hint;
    ts_text_init(&hint);
    if (near != NULL) {
        ts_text_printf(&hint, "the header has '%s': rename it", near);
    } else {
        ts_text_printf(&hint, "the format '%s' has the columns %s, %s, %s", trace->format->name,
                       trace->format->fields[TS_TRACE_TIME], trace->format->fields[TS_TRACE_PROMPT],
                       trace->format->fields[TS_TRACE_OUTPUT]);
    }
    struct ts_span at = ts_csv_span(trace->csv, header, header->n_fields);
    at.col = 0;
    return ts_fail_hint(diags, TS_EINPUT, at, &hint, "the header has no column '%s'", name);
}

static enum ts_status find_columns(struct csv_trace *trace, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < TS_TRACE_N_FIELDS; i++) {
        int column = ts_csv_column(trace->csv, trace->format->fields[i]);
        if (column < 0) {
            status = fail_column(trace, trace->format->fields[i], diags);
        } else {
            trace->column[i] = (size_t)column;
        }
    }
    const int upper = ts_csv_column(trace->csv, "Class");
    trace->class_column = upper >= 0 ? upper : ts_csv_column(trace->csv, "class");
    return status;
}

enum ts_status ts_trace_csv_open(struct ts_trace_reader **out, const struct ts_trace_format *format, const char *path,
                                 const struct ts_trace_classes *classes, const struct ts_progress *progress,
                                 struct ts_diags *diags)
{
    static const struct ts_trace_reader_ops ops = {.next = csv_next, .fail_field = csv_fail_field, .close = csv_close};
    struct csv_trace *trace = malloc(sizeof *trace);
    if (trace == NULL) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    *trace = (struct csv_trace){.base = {.ops = &ops}, .format = format, .classes = classes};
    enum ts_status status = ts_csv_open(&trace->csv, path, true, diags);
    if (status == TS_OK) {
        ts_csv_watch(trace->csv, progress);
        status = find_columns(trace, diags);
    }
    if (status != TS_OK) {
        csv_close(&trace->base);
        return status;
    }
    *out = &trace->base;
    return TS_OK;
}
