/* Hides CSV as a layout of traces: columns by the names in the header, and errors that show the row with a caret. A
 * slot is the number of a column. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/csv.h"
#include "base/source.h"
#include "traces/trace_format.h"

enum { CARET_LINES_MAX = 1 << 24 };

struct csv_container {
    struct ts_trace_container base;
    struct ts_csv_reader *csv;
    const struct ts_csv_row *row; /* NULL: none yet */
};

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
    struct ts_span at = ts_csv_span(trace->csv, trace->row, slot >= 0 ? (size_t)slot : 0);
    if (slot < 0) {
        at.col = at.len = 0;
    }
    return fail_in_row(trace, at, diags, hint, message);
}

static enum ts_status csv_next(struct ts_trace_container *container, bool *got, struct ts_diags *diags)
{
    struct csv_container *trace = (struct csv_container *)container;
    const enum ts_status status = ts_csv_next(trace->csv, &trace->row, diags);
    *got = status == TS_OK && trace->row != NULL;
    if (*got) {
        container->line = trace->row->line;
        container->fields = trace->row->fields;
    }
    return status;
}

static int find_one(const struct ts_csv_row *header, const char *name, size_t len)
{
    for (size_t i = 0; i < header->n_fields; i++) {
        if (header->fields[i].len > 0 && ts_trace_name_is(name, len, header->fields[i].data)) {
            return (int)i;
        }
    }
    return -1;
}

static int csv_find(struct ts_trace_container *container, const char *names, bool exact)
{
    const struct csv_container *trace = (const struct csv_container *)container;
    const struct ts_csv_row *header = ts_csv_header(trace->csv);
    int slot = ts_csv_column(trace->csv, names);
    if (exact || slot >= 0) {
        return slot >= 0 ? slot : find_one(header, names, strlen(names));
    }
    for (const char *at = names; slot < 0 && *at; at += *at == '|') {
        const size_t len = strcspn(at, "|");
        slot = find_one(header, at, len);
        at += len;
    }
    return slot;
}

static void csv_cell(const struct ts_trace_container *container, size_t slot, struct ts_trace_cell *out)
{
    const struct ts_csv_field *field = &((const struct csv_container *)container)->row->fields[slot];
    out->kind = field->len > 0 ? TS_CELL_TEXT : TS_CELL_NONE;
    out->text = field->data;
    out->len = field->len;
}

static const char *csv_name(const struct ts_trace_container *container, size_t slot)
{
    return ts_csv_header(((const struct csv_container *)container)->csv)->fields[slot].data;
}

static void csv_each(const struct ts_trace_container *container, void (*each)(void *user, int slot, const char *name),
                     void *user)
{
    const struct ts_csv_row *header = ts_csv_header(((const struct csv_container *)container)->csv);
    for (size_t i = 0; i < header->n_fields; i++) {
        each(user, (int)i, header->fields[i].data);
    }
}

static void csv_close(struct ts_trace_container *container)
{
    struct csv_container *trace = (struct csv_container *)container;
    ts_csv_close(trace->csv);
    free(trace);
}

enum ts_status ts_trace_csv_open(struct ts_trace_container **out, const char *path, char separator,
                                 const struct ts_progress *progress, struct ts_diags *diags)
{
    static const struct ts_trace_container_ops ops = {.next = csv_next,
                                                      .find = csv_find,
                                                      .want = csv_find,
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
    const enum ts_status status = ts_csv_open_separated(&trace->csv, path, separator, true, diags);
    if (status != TS_OK) {
        free(trace);
        return status;
    }
    ts_csv_watch(trace->csv, progress);
    *out = &trace->base;
    return TS_OK;
}
