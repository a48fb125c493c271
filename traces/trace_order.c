/* Hides how rows come into order of time. The first TS_TRACE_MAX_PEEKED rows are read before any is handed out: if the
 * file ends there, they are sorted where they lie; if they are out of order and the file goes on, all of it is sorted
 * outside of memory: runs of 32 MiB, sorted, in a file without a name, then merged. A file in order costs a comparison
 * a row. Rows of equal times come in the order of the file. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"
#include "traces/trace_format.h"

enum { RUN_BYTES = 32 << 20, PEEK_BYTES = 8 << 20, REFILL_BYTES = 1 << 15 };

/* Rows in memory. */
struct pile {
    struct ts_trace_row *rows; /* [cap]; until they are placed, prefix.ids is not set */
    size_t n, cap, next;
    uint64_t *ids; /* [ids_cap] of all rows, in the order they were read */
    size_t n_ids, ids_cap;
};

/* A sorted run in the file, and the part of it that is in memory. */
struct run {
    int64_t at, end; /* in the file: what is not read yet */
    char *data;      /* [cap] */
    size_t begin, len, cap;
    struct ts_trace_row row; /* the first one not handed out */
};

struct ts_trace_order {
    struct ts_trace_rows *rows;
    bool sorts, began, streams;
    struct pile pile;
    FILE *file;
    struct run *runs; /* [n_runs] */
    size_t *heap;     /* [n_heap] runs, the one with the earliest row first */
    size_t n_runs, n_heap;
    bool took; /* a row of the first run of the heap was handed out */
    int64_t last_ns;
    bool any, is_sorted, came_late;
    uint64_t late_line;
    enum ts_status ended; /* how reading ended, told after the last row */
    struct ts_diags diags;
};

static enum ts_status fail_memory(const struct ts_trace_order *order, struct ts_diags *diags)
{
    return ts_fail(diags, TS_ENOMEM, ts_span_file(order->rows->path), NULL, "out of memory");
}

/* Makes room for one more row and its ids. */
static bool reserve(struct pile *pile, size_t n_ids)
{
    if (pile->n == pile->cap) {
        const size_t cap = pile->cap > 0 ? pile->cap * 2 : 1024;
        struct ts_trace_row *rows = realloc(pile->rows, cap * sizeof *rows);
        if (rows == NULL) {
            return false;
        }
        pile->rows = rows;
        pile->cap = cap;
    }
    if (pile->n_ids + n_ids > pile->ids_cap) {
        const size_t cap = pile->ids_cap + pile->ids_cap / 2 + n_ids;
        uint64_t *ids = realloc(pile->ids, cap * sizeof *ids);
        if (ids == NULL) {
            return false;
        }
        pile->ids = ids;
        pile->ids_cap = cap;
    }
    return true;
}

static size_t bytes_of(const struct pile *pile)
{
    return pile->n * sizeof *pile->rows + pile->n_ids * sizeof *pile->ids;
}

/* Looks at the order; a row without a time stands where the one before it stands. */
static bool is_early(struct ts_trace_order *order, struct ts_trace_row *row)
{
    if (row->has_no_time) {
        row->time_ns = order->any ? order->last_ns : INT64_MIN;
        return false;
    }
    const bool early = order->any && row->time_ns < order->last_ns;
    if (early && order->late_line == 0) {
        order->late_line = row->line;
    }
    order->last_ns = row->time_ns;
    order->any = true;
    return early;
}

/* Reads on into the pile until it holds so much; *more = false: the file, or what can be read of it, is at its end. */
static enum ts_status pile_up(struct ts_trace_order *order, size_t max_rows, size_t max_bytes, bool *more)
{
    struct pile *pile = &order->pile;
    *more = true;
    while (*more && pile->n < max_rows && bytes_of(pile) < max_bytes) {
        struct ts_trace_row row;
        order->ended = ts_trace_rows_next(order->rows, &row, more, &order->diags);
        if (!*more) {
            return TS_OK;
        }
        const size_t n_ids = ts_trace_row_n_ids(&row);
        if (!reserve(pile, n_ids)) {
            return TS_ENOMEM;
        }
        if (n_ids > 0) {
            memcpy(pile->ids + pile->n_ids, row.prefix.ids, n_ids * sizeof *pile->ids);
            pile->n_ids += n_ids;
        }
        order->is_sorted = is_early(order, &row) || order->is_sorted;
        pile->rows[pile->n++] = row;
    }
    return TS_OK;
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

/* The ids have their place now: they moved while the pile grew. */
static void settle(struct pile *pile, bool sort)
{
    size_t first_id = 0;
    for (size_t i = 0; i < pile->n; i++) {
        const size_t n_ids = ts_trace_row_n_ids(&pile->rows[i]);
        pile->rows[i].prefix.ids = n_ids > 0 ? pile->ids + first_id : NULL;
        first_id += n_ids;
    }
    if (sort && pile->n > 0) {
        qsort(pile->rows, pile->n, sizeof *pile->rows, by_time);
    }
    pile->next = 0;
}

static void free_pile(struct pile *pile)
{
    free(pile->rows);
    free(pile->ids);
    *pile = (struct pile){.rows = NULL};
}

/* ---- runs in a file ---- */

static enum ts_status fail_file(const struct ts_trace_order *order, struct ts_diags *diags)
{
    return ts_fail(diags, TS_EIO, ts_span_file(order->rows->path),
                   "sort the file by its times, or make room on the disk",
                   "the rows are out of order, and cannot be sorted: no room for a file beside it");
}

static enum ts_status write_run(struct ts_trace_order *order, struct ts_diags *diags)
{
    struct pile *pile = &order->pile;
    settle(pile, true);
    struct run *runs = realloc(order->runs, (order->n_runs + 1) * sizeof *runs);
    if (runs == NULL) {
        return fail_memory(order, diags);
    }
    order->runs = runs;
    struct run run = {.at = order->n_runs > 0 ? runs[order->n_runs - 1].end : 0};
    run.end = run.at;
    for (size_t i = 0; i < pile->n; i++) {
        const struct ts_trace_row *row = &pile->rows[i];
        const size_t n_ids = ts_trace_row_n_ids(row);
        if (fwrite(row, sizeof *row, 1, order->file) != 1 ||
            (n_ids > 0 && fwrite(row->prefix.ids, sizeof *row->prefix.ids, n_ids, order->file) != n_ids)) {
            return fail_file(order, diags);
        }
        run.end += (int64_t)(sizeof *row + n_ids * sizeof *row->prefix.ids);
    }
    runs[order->n_runs++] = run;
    pile->n = pile->n_ids = 0;
    return TS_OK;
}

/* At least `need` bytes of a run in memory. */
static enum ts_status refill(struct ts_trace_order *order, struct run *run, size_t need, struct ts_diags *diags)
{
    if (run->len - run->begin >= need) {
        return TS_OK;
    }
    if (run->len > run->begin) {
        memmove(run->data, run->data + run->begin, run->len - run->begin);
    }
    run->len -= run->begin;
    run->begin = 0;
    if (need > run->cap || run->cap == 0) {
        const size_t cap = need > REFILL_BYTES ? need : REFILL_BYTES;
        char *data = realloc(run->data, cap);
        if (data == NULL) {
            return fail_memory(order, diags);
        }
        run->data = data;
        run->cap = cap;
    }
    const size_t left = (size_t)(run->end - run->at), room = run->cap - run->len, n = left < room ? left : room;
    if (fseeko(order->file, (off_t)run->at, SEEK_SET) != 0 || fread(run->data + run->len, 1, n, order->file) != n) {
        return fail_file(order, diags);
    }
    run->at += (int64_t)n;
    run->len += n;
    return TS_OK;
}

/* The next row of a run into run->row; *got = false at its end. */
static enum ts_status next_of_run(struct ts_trace_order *order, struct run *run, bool *got, struct ts_diags *diags)
{
    *got = run->begin < run->len || run->at < run->end;
    if (!*got) {
        return TS_OK;
    }
    enum ts_status status = refill(order, run, sizeof run->row, diags);
    if (status != TS_OK) {
        return status;
    }
    memcpy(&run->row, run->data + run->begin, sizeof run->row);
    const size_t n_bytes = ts_trace_row_n_ids(&run->row) * sizeof *run->row.prefix.ids;
    status = refill(order, run, sizeof run->row + n_bytes, diags);
    run->row.prefix.ids = (const uint64_t *)(const void *)(run->data + run->begin + sizeof run->row);
    run->begin += sizeof run->row + n_bytes;
    return status;
}

static bool is_before(const struct ts_trace_order *order, size_t a, size_t b)
{
    return by_time(&order->runs[order->heap[a]].row, &order->runs[order->heap[b]].row) < 0;
}

static void sink(struct ts_trace_order *order, size_t i)
{
    for (;;) {
        size_t first = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < order->n_heap; child++) {
            first = is_before(order, child, first) ? child : first;
        }
        if (first == i) {
            return;
        }
        const size_t other = order->heap[i];
        order->heap[i] = order->heap[first];
        order->heap[first] = other;
        i = first;
    }
}

static enum ts_status begin_merge(struct ts_trace_order *order, struct ts_diags *diags)
{
    free_pile(&order->pile);
    order->heap = malloc(order->n_runs * sizeof *order->heap);
    if (order->heap == NULL || fflush(order->file) != 0) {
        return order->heap == NULL ? fail_memory(order, diags) : fail_file(order, diags);
    }
    for (size_t i = 0; i < order->n_runs; i++) {
        bool got = false;
        const enum ts_status status = next_of_run(order, &order->runs[i], &got, diags);
        if (status != TS_OK) {
            return status;
        }
        order->heap[order->n_heap] = i;
        order->n_heap += got;
    }
    for (size_t i = order->n_heap; i-- > 0;) {
        sink(order, i);
    }
    return TS_OK;
}

static enum ts_status next_merged(struct ts_trace_order *order, struct ts_trace_row *out, bool *got,
                                  struct ts_diags *diags)
{
    if (order->took && order->n_heap > 0) {
        bool more = false;
        const enum ts_status status = next_of_run(order, &order->runs[order->heap[0]], &more, diags);
        if (status != TS_OK) {
            return status;
        }
        if (!more) {
            free(order->runs[order->heap[0]].data);
            order->runs[order->heap[0]].data = NULL;
            order->heap[0] = order->heap[--order->n_heap];
        }
        sink(order, 0);
    }
    *got = order->took = order->n_heap > 0;
    if (*got) {
        *out = order->runs[order->heap[0]].row;
    }
    return TS_OK;
}

/* All that follows, after what is piled up already. */
static enum ts_status sort_outside(struct ts_trace_order *order, struct ts_diags *diags)
{
    bool more = true;
    while (more) {
        enum ts_status status = pile_up(order, SIZE_MAX, RUN_BYTES, &more);
        if (status != TS_OK) {
            return fail_memory(order, diags);
        }
        if (!more && order->n_runs == 0) {
            settle(&order->pile, true);
            return TS_OK; /* it fits into memory */
        }
        if (order->file == NULL) {
            status = ts_file_temp(&order->file, order->rows->path, diags);
        }
        status = status == TS_OK ? write_run(order, diags) : status;
        if (status != TS_OK) {
            return status;
        }
    }
    return begin_merge(order, diags);
}

static enum ts_status begin(struct ts_trace_order *order, struct ts_diags *diags)
{
    bool more = true;
    order->began = true;
    if (!order->sorts) {
        if (pile_up(order, TS_TRACE_MAX_PEEKED, PEEK_BYTES, &more) != TS_OK) {
            return fail_memory(order, diags);
        }
        if (!more || !order->is_sorted) {
            settle(&order->pile, order->is_sorted);
            order->streams = more;
            return TS_OK;
        }
    }
    return sort_outside(order, diags);
}

static enum ts_status fail_late(struct ts_trace_order *order, int64_t by_ns, struct ts_diags *diags)
{
    struct ts_text message;
    ts_text_init(&message);
    ts_text_puts(&message, "time goes backwards by ");
    ts_units_format(&message, ts_s_from_ns(by_ns), "s");
    order->came_late = true;
    const enum ts_status status = order->rows->container->ops->fail(
        order->rows->container, order->rows->slots[TS_TRACE_TIME], diags, "sort the file by its times",
        message.failed ? "time goes backwards" : message.data);
    ts_text_deinit(&message);
    return status;
}

static enum ts_status next_streamed(struct ts_trace_order *order, struct ts_trace_row *out, bool *got,
                                    struct ts_diags *diags)
{
    const int64_t before_ns = order->last_ns;
    enum ts_status status = ts_trace_rows_next(order->rows, out, got, diags);
    if (status == TS_OK && *got && is_early(order, out)) {
        *got = false;
        status = fail_late(order, before_ns - out->time_ns, diags);
    }
    return status;
}

enum ts_status ts_trace_order_next(struct ts_trace_order *order, struct ts_trace_row *out, bool *got,
                                   struct ts_diags *diags)
{
    *got = false;
    if (!order->began) {
        const enum ts_status status = begin(order, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    struct pile *pile = &order->pile;
    if (pile->next < pile->n) {
        *out = pile->rows[pile->next++];
        *got = true;
        return TS_OK;
    }
    if (pile->cap > 0) {
        free_pile(pile);
    }
    if (order->streams) {
        return next_streamed(order, out, got, diags);
    }
    const enum ts_status status = order->heap ? next_merged(order, out, got, diags) : TS_OK;
    if (status == TS_OK && !*got) {
        if (diags != NULL) {
            ts_diags_move(diags, &order->diags);
        }
        return order->ended;
    }
    return status;
}

enum ts_status ts_trace_order_create(struct ts_trace_order **out, struct ts_trace_rows *rows, bool sorts,
                                     struct ts_diags *diags)
{
    struct ts_trace_order *order = calloc(1, sizeof *order);
    if (order == NULL) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(rows->path), NULL, "out of memory");
    }
    order->rows = rows;
    order->sorts = sorts;
    ts_diags_init(&order->diags);
    *out = order;
    return TS_OK;
}

void ts_trace_order_destroy(struct ts_trace_order *order)
{
    if (order == NULL) {
        return;
    }
    for (size_t i = 0; i < order->n_runs; i++) {
        free(order->runs[i].data);
    }
    free(order->runs);
    free(order->heap);
    free_pile(&order->pile);
    if (order->file != NULL) {
        fclose(order->file);
    }
    ts_diags_deinit(&order->diags);
    free(order);
}

void ts_trace_order_count(struct ts_trace_counts *out, const struct ts_trace_order *order)
{
    out->was_sorted = order->is_sorted;
    out->came_late = order->came_late;
    out->late_line = order->late_line;
}
