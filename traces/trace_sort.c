/* Hides how a trace whose rows are out of order comes into order: all rows are read, with their ids in one array, and
 * sorted by time. RAGPulse's file holds the same week twice, behind one another. */
#include <stdlib.h>
#include <string.h>

#include "traces/trace_format.h"

struct sorted_trace {
    struct ts_trace_reader base;
    struct ts_trace_reader *inner; /* for its messages */
    struct ts_trace_row *rows;     /* [cap]; while reading, prefix.ids is not set */
    size_t n, cap, next;
    uint64_t *ids; /* [ids_cap] of all rows, in the order of the file */
    size_t n_ids, ids_cap;
};

/* Makes room for one more row and its ids. */
static bool reserve(struct sorted_trace *trace, size_t n_ids)
{
    if (trace->n == trace->cap) {
        const size_t cap = trace->cap > 0 ? trace->cap * 2 : 1024;
        struct ts_trace_row *rows = realloc(trace->rows, cap * sizeof *rows);
        if (rows == NULL) {
            return false;
        }
        trace->rows = rows;
        trace->cap = cap;
    }
    if (trace->n_ids + n_ids > trace->ids_cap) {
        const size_t cap = 2 * (trace->ids_cap + n_ids);
        uint64_t *ids = realloc(trace->ids, cap * sizeof *ids);
        if (ids == NULL) {
            return false;
        }
        trace->ids = ids;
        trace->ids_cap = cap;
    }
    return true;
}

static enum ts_status read_all(struct sorted_trace *trace, const char *path, struct ts_diags *diags)
{
    for (;;) {
        struct ts_trace_row row = {.line = 0};
        bool got = false;
        const enum ts_status status = trace->inner->ops->next(trace->inner, &row, &got, diags);
        if (status != TS_OK || !got) {
            return status;
        }
        if (trace->n >= TS_TRACE_MAX_SORTED) {
            return ts_fail(diags, TS_EINPUT, ts_span_file(path), "cut the file into parts",
                           "more than 1,000,000 rows, which must be sorted in memory");
        }
        if (!reserve(trace, row.prefix.n_ids)) {
            return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
        }
        if (row.prefix.n_ids > 0) {
            memcpy(trace->ids + trace->n_ids, row.prefix.ids, row.prefix.n_ids * sizeof *trace->ids);
        }
        trace->n_ids += row.prefix.n_ids;
        trace->rows[trace->n++] = row;
    }
}

static int by_time(const void *a, const void *b)
{
    const struct ts_trace_row *x = a;
    const struct ts_trace_row *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return (x->line > y->line) - (x->line < y->line);
}

static enum ts_status sorted_next(struct ts_trace_reader *reader, struct ts_trace_row *out, bool *got,
                                  struct ts_diags *diags)
{
    struct sorted_trace *trace = (struct sorted_trace *)reader;
    (void)diags;
    *got = trace->next < trace->n;
    if (*got) {
        *out = trace->rows[trace->next++];
    }
    return TS_OK;
}

static enum ts_status sorted_fail_field(struct ts_trace_reader *reader, enum ts_trace_field field,
                                        struct ts_diags *diags, const char *hint, const char *message)
{
    struct sorted_trace *trace = (struct sorted_trace *)reader;
    return trace->inner->ops->fail_field(trace->inner, field, diags, hint, message);
}

static void free_own(struct sorted_trace *trace)
{
    free(trace->rows);
    free(trace->ids);
    free(trace);
}

static void sorted_close(struct ts_trace_reader *reader)
{
    struct sorted_trace *trace = (struct sorted_trace *)reader;
    trace->inner->ops->close(trace->inner);
    free_own(trace);
}

enum ts_status ts_trace_sort(struct ts_trace_reader **reader, const char *path, struct ts_diags *diags)
{
    static const struct ts_trace_reader_ops ops = {
        .next = sorted_next, .fail_field = sorted_fail_field, .close = sorted_close};
    struct sorted_trace *trace = calloc(1, sizeof *trace);
    if (trace == NULL) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    trace->base.ops = &ops;
    trace->inner = *reader;
    const enum ts_status status = read_all(trace, path, diags);
    if (status != TS_OK) {
        free_own(trace);
        return status;
    }
    size_t first_id = 0;
    for (size_t i = 0; i < trace->n; i++) {
        struct ts_trace_row *row = &trace->rows[i];
        row->prefix.ids = row->prefix.n_ids > 0 ? trace->ids + first_id : NULL;
        first_id += row->prefix.n_ids;
    }
    if (trace->n > 0) {
        qsort(trace->rows, trace->n, sizeof *trace->rows, by_time);
    }
    *reader = &trace->base;
    return TS_OK;
}
