/* Hides CSV as a layout of traces: columns by the names in the header, and errors that show the row with a caret. A
 * slot is the number of a column; or, after these, of a value within one whose cells are JSON: "metadata.status". */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/csv.h"
#include "base/source.h"
#include "traces/trace_json_value.h"

enum { CARET_LINES_MAX = 1 << 24, MAX_NESTED = 32 };

/* Values within the cells of a column. */
struct nested {
    const char *names; /* borrowed: "a.b|a.c" */
    size_t column;
    struct ts_json_doc doc; /* of the current row; root NULL: not read yet, or none */
    bool is_read;
};

struct csv_container {
    struct ts_trace_container base;
    struct ts_csv_reader *csv;
    const struct ts_csv_row *row;      /* NULL: none yet */
    struct nested *nested[MAX_NESTED]; /* owned */
    size_t n_nested;
};

static size_t column_of(const struct csv_container *trace, size_t slot)
{
    const size_t n = ts_csv_header(trace->csv)->n_fields;
    return slot < n ? slot : trace->nested[slot - n]->column;
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
static enum ts_status fail_in_row(const struct csv_container *trace, struct ts_span at, struct ts_diags *diags,
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

static enum ts_status csv_fail(const struct ts_trace_container *container, int slot, struct ts_diags *diags,
                               const char *hint, const char *message)
{
    const struct csv_container *trace = (const struct csv_container *)container;
    struct ts_span at = ts_csv_span(trace->csv, trace->row, slot >= 0 ? column_of(trace, (size_t)slot) : 0);
    if (slot < 0) {
        at.col = at.len = 0;
    }
    return fail_in_row(trace, at, diags, hint, message);
}

static void forget(struct nested *nested)
{
    if (nested->is_read) {
        ts_json_deinit(&nested->doc);
        nested->doc = (struct ts_json_doc){.root = NULL};
        nested->is_read = false;
    }
}

static enum ts_status csv_next(struct ts_trace_container *container, bool *got, struct ts_diags *diags)
{
    struct csv_container *trace = (struct csv_container *)container;
    const enum ts_status status = ts_csv_next(trace->csv, &trace->row, diags);
    *got = status == TS_OK && trace->row != NULL;
    if (*got) {
        container->line = trace->row->line;
        container->fields = trace->n_nested == 0 ? trace->row->fields : NULL;
    }
    for (size_t i = 0; i < trace->n_nested; i++) {
        forget(trace->nested[i]);
    }
    return status;
}

static int find_one(const struct ts_csv_row *header, const char *name, size_t len, bool loosely)
{
    for (size_t i = 0; i < header->n_fields; i++) {
        const char *column = header->fields[i].data;
        if (header->fields[i].len > 0 &&
            (loosely ? ts_trace_column_is(name, len, column) : ts_trace_name_is(name, len, column))) {
            return (int)i;
        }
    }
    return -1;
}

/* A slot for what lies within cells of the column that a name begins with, up to one of its dots. */
static int find_nested(struct csv_container *trace, const char *names, const char *name, size_t len)
{
    const struct ts_csv_row *header = ts_csv_header(trace->csv);
    for (size_t i = 0; i < trace->n_nested; i++) {
        if (trace->nested[i]->names == names) {
            return (int)(header->n_fields + i);
        }
    }
    for (size_t dot = 1; dot + 1 < len && trace->n_nested < MAX_NESTED; dot++) {
        const int column = name[dot] == '.' ? find_one(header, name, dot, false) : -1;
        struct nested *nested = column >= 0 ? calloc(1, sizeof *nested) : NULL;
        if (nested) {
            nested->names = names;
            nested->column = (size_t)column;
            trace->nested[trace->n_nested] = nested;
            return (int)(header->n_fields + trace->n_nested++);
        }
    }
    return -1;
}

static int csv_find(struct ts_trace_container *container, const char *names, bool exact)
{
    const struct csv_container *trace = (const struct csv_container *)container;
    int slot = ts_csv_column(trace->csv, names);
    for (int pass = 0; slot < 0 && pass < 2; pass++) {
        for (const char *at = names; slot < 0 && *at; at += *at == '|') {
            const size_t len = exact ? strlen(at) : strcspn(at, "|");
            slot = find_one(ts_csv_header(trace->csv), at, len, pass == 1);
            at += len;
        }
    }
    return slot;
}

/* Or within cells, which the header does not show. */
static int csv_want(struct ts_trace_container *container, const char *names, bool exact)
{
    int slot = csv_find(container, names, exact);
    for (const char *at = names; slot < 0 && *at; at += *at == '|') {
        const size_t len = exact ? strlen(at) : strcspn(at, "|");
        slot = find_nested((struct csv_container *)container, names, at, len);
        at += len;
    }
    return slot;
}

/* The first of its names that the cell has. */
static void nested_cell(struct nested *nested, const struct ts_csv_row *row, struct ts_trace_cell *out)
{
    const struct ts_csv_field *field = &row->fields[nested->column];
    char path[TS_TRACE_JSON_PATH];
    *out = (struct ts_trace_cell){.kind = TS_CELL_NONE};
    if (!nested->is_read && field->len > 0 && field->data[0] == '{') {
        nested->is_read = ts_json_parse_lenient(&nested->doc, "", field->data, field->len) == TS_OK;
    }
    for (const char *at = nested->names; nested->is_read && out->kind == TS_CELL_NONE && *at; at += *at == '|') {
        const size_t len = strcspn(at, "|");
        const char *dot = memchr(at, '.', len);
        if (dot) {
            const size_t rest = len - (size_t)(dot + 1 - at);
            ts_trace_json_cell(out, ts_trace_json_find(ts_json_root(&nested->doc), dot + 1, rest, path));
        }
        at += len;
    }
}

static void csv_cell(const struct ts_trace_container *container, size_t slot, struct ts_trace_cell *out)
{
    const struct csv_container *trace = (const struct csv_container *)container;
    const size_t n = ts_csv_header(trace->csv)->n_fields;
    if (slot >= n) {
        nested_cell(trace->nested[slot - n], trace->row, out);
        return;
    }
    const struct ts_csv_field *field = &trace->row->fields[slot];
    *out = (struct ts_trace_cell){
        .kind = field->len > 0 ? TS_CELL_TEXT : TS_CELL_NONE, .text = field->data, .len = field->len};
}

static const char *csv_name(const struct ts_trace_container *container, size_t slot)
{
    const struct csv_container *trace = (const struct csv_container *)container;
    return ts_csv_header(trace->csv)->fields[column_of(trace, slot)].data;
}

static void csv_each(const struct ts_trace_container *container, void (*each)(void *user, int slot, const char *name),
                     void *user)
{
    const struct csv_container *trace = (const struct csv_container *)container;
    const struct ts_csv_row *header = ts_csv_header(trace->csv);
    for (size_t i = 0; i < header->n_fields; i++) {
        size_t slot = i;
        for (size_t k = 0; k < trace->n_nested; k++) {
            slot = trace->nested[k]->column == i ? header->n_fields + k : slot;
        }
        each(user, (int)slot, header->fields[i].data);
    }
}

static void csv_close(struct ts_trace_container *container)
{
    struct csv_container *trace = (struct csv_container *)container;
    for (size_t i = 0; i < trace->n_nested; i++) {
        forget(trace->nested[i]);
        free(trace->nested[i]);
    }
    ts_csv_close(trace->csv);
    free(trace);
}

enum ts_status ts_trace_csv_open(struct ts_trace_container **out, const char *path, char separator, uint32_t n_skipped,
                                 const struct ts_progress *progress, struct ts_diags *diags)
{
    static const struct ts_trace_container_ops ops = {.next = csv_next,
                                                      .find = csv_find,
                                                      .want = csv_want,
                                                      .cell = csv_cell,
                                                      .name = csv_name,
                                                      .each = csv_each,
                                                      .fail = csv_fail,
                                                      .close = csv_close};
    struct csv_container *trace = malloc(sizeof *trace);
    if (trace == NULL) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    *trace = (struct csv_container){.base = {.ops = &ops, .separator = separator, .has_header = true}};
    const enum ts_status status = ts_csv_open_separated(&trace->csv, path, separator, n_skipped, diags);
    if (status != TS_OK) {
        free(trace);
        return status;
    }
    ts_csv_watch(trace->csv, progress);
    *out = &trace->base;
    return TS_OK;
}
