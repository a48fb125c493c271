/* Hides how a table of a profile is read: by column name, every number checked, rows sorted. */
#include "scenarios/profile/profile_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/sample.h"

static const double max_x = 1e9;       /* tokens, sequences: more is a mistake of the file */
static const double max_time_us = 1e9; /* 1,000 s in one operator */

struct reading {
    struct ts_profile_table *table;
    struct ts_loader *loader;
    struct ts_csv_reader *csv;
    const struct ts_profile_columns *wanted;
    int columns[TS_PROFILE_MAX_COLUMNS];
    int layer, time;
    size_t cap;
};

static enum ts_status no_memory(const struct reading *r)
{
    return ts_fail(r->loader->diags, TS_ENOMEM, ts_span_file(r->table->path), NULL, "out of memory");
}

/* ---- header ---- */

static enum ts_status find_column(const struct reading *r, const char *name, int *out)
{
    *out = ts_csv_column(r->csv, name);
    if (*out >= 0) {
        return TS_OK;
    }
    struct ts_span at = ts_span_file(r->table->path);
    at.line = 1;
    return ts_fail(r->loader->diags, TS_EINPUT, at, "an operator profile names its columns in the first line",
                   "there is no column '%s'", name);
}

static enum ts_status find_columns(struct reading *r)
{
    enum ts_status status = find_column(r, r->wanted->time ? r->wanted->time : "time_us", &r->time);
    r->layer = -1;
    if (status == TS_OK && r->wanted->layers) {
        status = find_column(r, "layer", &r->layer);
    }
    for (size_t i = 0; status == TS_OK && r->wanted->names[i]; i++) {
        status = find_column(r, r->wanted->names[i], &r->columns[i]);
        r->table->n_columns = i + 1;
    }
    return status;
}

/* ---- rows ---- */

static enum ts_status read_number(const struct reading *r, const struct ts_csv_row *row, int column, double most,
                                  double *out)
{
    const struct ts_csv_field *field = &row->fields[column];
    double value = 0.0;
    if (ts_parse_double(&value, field->data, field->len) && value >= 0.0 && value <= most) {
        *out = value;
        return TS_OK;
    }
    return ts_fail(r->loader->diags, TS_EINPUT, ts_csv_span(r->csv, row, (size_t)column), NULL,
                   "'%.40s' is not a number from 0 to %g", field->data, most);
}

static enum ts_status find_layer(const struct reading *r, const struct ts_csv_row *row, uint32_t *out)
{
    struct ts_profile_table *table = r->table;
    const struct ts_csv_field *field = &row->fields[r->layer];
    for (size_t i = table->n_layers; i-- > 0;) {
        if (ts_str_equal(table->layers[i], field->data)) {
            *out = (uint32_t)i;
            return TS_OK;
        }
    }
    if (field->len == 0 || table->n_layers == TS_PROFILE_MAX_LAYERS) {
        return ts_fail(r->loader->diags, TS_EINPUT, ts_csv_span(r->csv, row, (size_t)r->layer), NULL,
                       field->len == 0 ? "a row without the name of its layer" : "more than 64 layers");
    }
    *out = (uint32_t)table->n_layers;
    table->layers[table->n_layers++] = ts_loader_printf(r->loader, "%s", field->data);
    return TS_OK;
}

static bool room_for_one(struct reading *r)
{
    struct ts_profile_table *table = r->table;
    if (table->n < r->cap) {
        return true;
    }
    const size_t cap = r->cap ? 2 * r->cap : 1024;
    struct ts_profile_row *rows = realloc(table->rows, cap * sizeof *rows);
    if (!rows) {
        return false;
    }
    table->rows = rows;
    r->cap = cap;
    return true;
}

static enum ts_status add_row(struct reading *r, const struct ts_csv_row *row)
{
    struct ts_profile_row new_row = {.line = row->line};
    if (r->table->n == TS_PROFILE_MAX_ROWS) {
        return ts_fail(r->loader->diags, TS_EINPUT, ts_csv_span(r->csv, row, 0), NULL, "more than %d rows",
                       TS_PROFILE_MAX_ROWS);
    }
    double time_us = 0.0;
    enum ts_status status = read_number(r, row, r->time, max_time_us, &time_us);
    new_row.seconds = time_us * 1e-6;
    for (size_t i = 0; status == TS_OK && i < r->table->n_columns; i++) {
        status = read_number(r, row, r->columns[i], max_x, &new_row.x[i]);
    }
    if (status == TS_OK && r->layer >= 0) {
        status = find_layer(r, row, &new_row.layer);
    }
    if (status != TS_OK) {
        return status;
    }
    if (!room_for_one(r)) {
        return no_memory(r);
    }
    r->table->rows[r->table->n++] = new_row;
    return TS_OK;
}

static int compare_places(const struct ts_profile_row *a, const struct ts_profile_row *b)
{
    if (a->layer != b->layer) {
        return a->layer < b->layer ? -1 : 1;
    }
    for (size_t i = 0; i < TS_PROFILE_MAX_COLUMNS; i++) {
        if (a->x[i] != b->x[i]) {
            return a->x[i] < b->x[i] ? -1 : 1;
        }
    }
    return 0;
}

static int compare_rows(const void *left, const void *right)
{
    const struct ts_profile_row *a = left;
    const struct ts_profile_row *b = right;
    const int places = compare_places(a, b);
    return places != 0 ? places : a->line < b->line ? -1 : a->line > b->line;
}

static enum ts_status check_rows(const struct reading *r)
{
    const struct ts_profile_table *table = r->table;
    if (table->n == 0) {
        return ts_fail(r->loader->diags, TS_EINPUT, ts_span_file(table->path), NULL, "a table without rows");
    }
    qsort(table->rows, table->n, sizeof *table->rows, compare_rows);
    for (size_t i = 1; i < table->n && !r->wanted->repeats; i++) {
        if (compare_places(&table->rows[i - 1], &table->rows[i]) == 0) {
            struct ts_span at = ts_span_file(table->path);
            at.line = (uint32_t)table->rows[i].line;
            return ts_fail(r->loader->diags, TS_EINPUT, at, "keep one of them",
                           "the same point was measured in line %llu already",
                           (unsigned long long)table->rows[i - 1].line);
        }
    }
    return TS_OK;
}

enum ts_status ts_profile_table_read(struct ts_profile_table *out, struct ts_loader *loader, const char *path,
                                     const struct ts_profile_columns *columns)
{
    struct ts_profile_table table = {.path = path};
    struct reading r = {.table = &table, .loader = loader, .wanted = columns};
    enum ts_status status = ts_csv_open(&r.csv, path, true, loader->diags);
    if (status != TS_OK) {
        return status;
    }
    status = find_columns(&r);
    const struct ts_csv_row *row = NULL;
    while (status == TS_OK && (status = ts_csv_next(r.csv, &row, loader->diags)) == TS_OK && row) {
        status = add_row(&r, row);
    }
    ts_csv_close(r.csv);
    if (status == TS_OK) {
        status = check_rows(&r);
    }
    if (status != TS_OK) {
        free(table.rows);
        return status;
    }
    *out = table;
    return TS_OK;
}

/* ---- axes ---- */

const double *ts_profile_axis(size_t *n, struct ts_loader *loader, const struct ts_profile_table *table, int column,
                              int where, bool zero)
{
    double *all = malloc((table->n + 1) * sizeof *all);
    if (!all) {
        ts_loader_fail(loader, TS_ENOMEM);
        return NULL;
    }
    size_t n_all = 0;
    if (zero) {
        all[n_all++] = 0.0;
    }
    for (size_t i = 0; i < table->n; i++) {
        if (where < 0 || table->rows[i].x[where] > 0.0) {
            all[n_all++] = table->rows[i].x[column];
        }
    }
    qsort(all, n_all, sizeof *all, ts_sample_compare);
    size_t n_distinct = 0;
    for (size_t i = 0; i < n_all; i++) {
        if (n_distinct == 0 || all[i] != all[n_distinct - 1]) {
            all[n_distinct++] = all[i];
        }
    }
    double *axis = ts_loader_array(loader, n_distinct, sizeof *axis);
    if (axis && n_distinct > 0) {
        memcpy(axis, all, n_distinct * sizeof *axis);
    }
    free(all);
    *n = n_distinct;
    return axis;
}
