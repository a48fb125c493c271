/* Hides the two forms of a table of right and wrong: a CSV with a column for each tier, and a file of LLMRouterBench
 * for each tier (Li et al. 2026), {"model_name": ..., "records": [{"index": 1, "score": 1.0, ...}, ...]}, whose records
 * of one index belong together; prompts that not all files have are left out. */
#include "scenarios/resolve/quality_table.h"

#include <stdlib.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"

enum { MAX_ROWS = 1 << 22, MAX_BYTES = 256 << 20 };

static enum ts_status fail_at(struct ts_loader *loader, struct ts_span at, const char *hint, const char *message)
{
    return ts_fail(loader->diags, TS_EINPUT, at, hint, "%s", message);
}

/* ---- CSV ---- */

struct sheet {
    struct ts_loader *loader;
    struct ts_csv_reader *csv;
    const char *path;
    int columns[TS_MAX_TIERS], label;
    size_t n_columns;
    struct ts_quality_table *out;
    size_t cap;
};

static bool is_right(bool *out, const struct ts_csv_field *field)
{
    double value = 0.0;
    const bool yes = ts_str_equal(field->data, "true") || ts_str_equal(field->data, "right");
    const bool no = ts_str_equal(field->data, "false") || ts_str_equal(field->data, "wrong");
    const bool number = ts_parse_double(&value, field->data, field->len);
    *out = yes || (number && value >= 0.5);
    return yes || no || number;
}

static enum ts_status grow(struct sheet *sheet)
{
    struct ts_quality_table *out = sheet->out;
    const size_t cap = sheet->cap ? 2 * sheet->cap : 1024;
    if (out->n < sheet->cap) {
        return TS_OK;
    }
    uint32_t *right = ts_loader_array(sheet->loader, cap, sizeof *right);
    const char **labels = sheet->label >= 0 ? ts_loader_array(sheet->loader, cap, sizeof *labels) : NULL;
    if (cap > MAX_ROWS || !right || (sheet->label >= 0 && !labels)) {
        return fail_at(sheet->loader, ts_span_file(sheet->path), NULL, "the table is too large");
    }
    for (size_t i = 0; i < out->n; i++) {
        right[i] = out->right[i];
        if (labels) {
            labels[i] = out->labels[i];
        }
    }
    out->right = right;
    out->labels = labels;
    sheet->cap = cap;
    return TS_OK;
}

static enum ts_status add_row(struct sheet *sheet, const struct ts_csv_row *row)
{
    struct ts_quality_table *out = sheet->out;
    enum ts_status status = grow(sheet);
    uint32_t right = 0;
    for (size_t i = 0; status == TS_OK && i < sheet->n_columns; i++) {
        bool yes = false;
        if (!is_right(&yes, &row->fields[sheet->columns[i]])) {
            status = fail_at(sheet->loader, ts_csv_span(sheet->csv, row, (size_t)sheet->columns[i]),
                             "write 1 or 0, true or false, right or wrong, or a score from 0 to 1",
                             "this is neither right nor wrong");
        }
        right |= (uint32_t)yes << i;
    }
    if (status == TS_OK) {
        out->right[out->n] = right;
        if (out->labels) {
            out->labels[out->n] = ts_loader_printf(sheet->loader, "%s", row->fields[sheet->label].data);
        }
        out->n++;
    }
    return status;
}

static enum ts_status find_column(const struct sheet *sheet, const struct ts_value *at, int *out)
{
    *out = ts_csv_column(sheet->csv, at->text);
    if (*out < 0) {
        ts_loader_error(sheet->loader, at, NULL, "%s has no column '%s'", ts_path_base(sheet->path), at->text);
        return TS_EINPUT;
    }
    return TS_OK;
}

static enum ts_status find_columns(struct sheet *sheet, struct ts_value *quality)
{
    struct ts_value *columns = ts_value_at(quality, "columns"), *label = ts_value_at(quality, "class");
    enum ts_status status = TS_OK;
    sheet->label = -1;
    if (label->state == TS_VALUE_WRITTEN) {
        label->used = true;
        status = find_column(sheet, label, &sheet->label);
    }
    for (size_t i = 0; status == TS_OK && i < columns->n_children; i++) {
        status = find_column(sheet, &columns->children[i], &sheet->columns[i]);
    }
    sheet->n_columns = columns->n_children;
    return status;
}

static enum ts_status read_csv(struct ts_quality_table *out, struct ts_loader *loader, struct ts_value *quality,
                               const char *path)
{
    struct sheet sheet = {.loader = loader, .path = path, .out = out};
    const struct ts_csv_row *row = NULL;
    enum ts_status status = ts_csv_open(&sheet.csv, path, true, loader->diags);
    if (status != TS_OK) {
        ts_loader_fail(loader, status);
        return status;
    }
    status = find_columns(&sheet, quality);
    while (status == TS_OK) {
        status = ts_csv_next(sheet.csv, &row, loader->diags);
        if (status != TS_OK || !row) {
            break;
        }
        status = add_row(&sheet, row);
    }
    ts_csv_close(sheet.csv);
    return status;
}

/* ---- LLMRouterBench ---- */

struct record {
    int64_t index;
    uint32_t n, right; /* files that have it; a bit for each that is right */
};

static int by_index(const void *a, const void *b)
{
    const int64_t x = ((const struct record *)a)->index, y = ((const struct record *)b)->index;
    return (x > y) - (x < y);
}

static enum ts_status add_records(struct record *records, size_t *n, size_t cap, const struct ts_json *list,
                                  uint32_t bit)
{
    for (size_t i = 0; i < ts_json_length(list) && *n < cap; i++) {
        const struct ts_json *item = ts_json_at(list, i);
        struct record *record = &records[*n];
        double score = 0.0;
        *record = (struct record){.n = 1};
        if (!ts_json_int(ts_json_get(item, "index"), &record->index)) {
            return TS_EINPUT;
        }
        (void)ts_json_double(ts_json_get(item, "score"), &score); /* null: no answer */
        record->right = (uint32_t)(score >= 0.5) << bit;
        ++*n;
    }
    return TS_OK;
}

static enum ts_status read_records(struct record **records, size_t *n, struct ts_loader *loader, const char *path,
                                   uint32_t bit)
{
    struct ts_json_doc doc;
    enum ts_status status = ts_json_read(&doc, path, MAX_BYTES, loader->diags);
    if (status != TS_OK) {
        ts_loader_fail(loader, status);
        return status;
    }
    const struct ts_json *list = ts_json_get(ts_json_root(&doc), "records");
    const size_t cap = *n + ts_json_length(list);
    struct record *grown = cap <= MAX_ROWS ? realloc(*records, (cap + 1) * sizeof *grown) : NULL;
    if (grown) {
        *records = grown;
    }
    if (!grown || ts_json_length(list) == 0 || add_records(grown, n, cap, list, bit) != TS_OK) {
        status = fail_at(loader, ts_span_file(path), "a file of LLMRouterBench has records with an index and a score",
                         "there are no records here");
    }
    ts_json_deinit(&doc);
    return status;
}

/* Those that all files have. */
static enum ts_status join_records(struct ts_quality_table *out, struct ts_loader *loader, struct record *records,
                                   size_t n, uint32_t n_files)
{
    out->right = ts_loader_array(loader, n, sizeof *out->right);
    if (!out->right) {
        return TS_ENOMEM;
    }
    qsort(records, n, sizeof *records, by_index);
    for (size_t i = 0; i < n;) {
        struct record sum = {.index = records[i].index};
        for (; i < n && records[i].index == sum.index; i++) {
            sum.n += records[i].n;
            sum.right |= records[i].right;
        }
        if (sum.n == n_files) {
            out->right[out->n++] = sum.right;
        }
    }
    return TS_OK;
}

static enum ts_status read_files(struct ts_quality_table *out, struct ts_loader *loader, struct ts_value *columns)
{
    struct record *records = NULL;
    size_t n = 0;
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < columns->n_children; i++) {
        status = read_records(&records, &n, loader, ts_loader_beside(loader, columns->children[i].text), (uint32_t)i);
    }
    if (status == TS_OK) {
        status = join_records(out, loader, records, n, (uint32_t)columns->n_children);
    }
    free(records);
    return status;
}

bool ts_quality_table_read(struct ts_quality_table *out, struct ts_loader *loader, struct ts_value *quality)
{
    struct ts_value *columns = ts_value_at(quality, "columns");
    const char *file = ts_value_text(quality, "table");
    const size_t n_errors = loader->diags->n_errors;
    *out = (struct ts_quality_table){.source = file ? file : "LLMRouterBench"};
    for (size_t i = 0; i < columns->n_children; i++) {
        columns->children[i].used = true;
    }
    if (columns->n_children > TS_MAX_TIERS) {
        ts_loader_error(loader, columns, NULL, "more than 16 tiers");
        return false;
    }
    const enum ts_status status =
        file ? read_csv(out, loader, quality, ts_loader_beside(loader, file)) : read_files(out, loader, columns);
    if (status == TS_OK && out->n == 0) {
        ts_loader_error(loader, ts_value_at(quality, file ? "table" : "columns"), NULL,
                        file ? "the table has no rows" : "no prompt is in all of these files");
    }
    return status == TS_OK && loader->diags->n_errors == n_errors && !loader->failed;
}
