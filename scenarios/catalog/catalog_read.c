/* Hides the shape of the catalogs' CSV files: one table of columns per file says which column goes into which field, in
 * which unit. */
#include <string.h>

#include "base/check.h"
#include "scenarios/catalog/catalog_parts.h"

#include "scenarios/catalog/catalog_columns.inc"

static const char *field_at(const struct ts_catalog_sheet *sheet, int i)
{
    return i >= 0 && (size_t)i < sheet->row->n_fields ? sheet->row->fields[i].data : NULL;
}

static const char *field(const struct ts_catalog_sheet *sheet, const char *column)
{
    return field_at(sheet, ts_csv_column(sheet->csv, column));
}

static enum ts_status bad_cell(const struct ts_catalog_sheet *sheet, const struct ts_catalog_column *column,
                               const char *text, const char *due)
{
    int i = ts_csv_column(sheet->csv, column->name);
    struct ts_span at = ts_csv_span(sheet->csv, sheet->row, i < 0 ? 0 : (size_t)i);
    return ts_fail(sheet->diags, TS_EINPUT, at, NULL, "column '%s': '%s' where %s is expected", column->name,
                   text ? text : "", due);
}

static enum ts_status store_number(const struct ts_catalog_sheet *sheet, const struct ts_catalog_column *column,
                                   const char *text, void *at)
{
    double value = 0.0;
    if (text[0] && (!ts_parse_double(&value, text, strlen(text)) || value < 0.0)) {
        return bad_cell(sheet, column, text, "a number from 0 on");
    }
    if (column->cell == TS_CELL_NUMBER) {
        *(double *)at = value * column->scale;
        return TS_OK;
    }
    if (value > 1e9 || value != (double)(uint32_t)value) {
        return bad_cell(sheet, column, text, "a whole number");
    }
    if (column->cell == TS_CELL_COUNT) {
        *(unsigned *)at = (unsigned)value;
    } else {
        *(int *)at = (int)value;
    }
    return TS_OK;
}

static enum ts_status store(const struct ts_catalog_sheet *sheet, const struct ts_catalog_column *column,
                            const char *text, void *row)
{
    if (column->required && (!text || !text[0])) {
        return bad_cell(sheet, column, text, "a value");
    }
    text = text ? text : "";
    void *at = (char *)row + column->offset;
    switch (column->cell) {
    case TS_CELL_TEXT: {
        char *copy = ts_arena_strdup(sheet->arena, text);
        *(const char **)at = copy;
        return copy ? TS_OK : TS_ENOMEM;
    }
    case TS_CELL_FLAG:
        *(bool *)at = ts_str_equal(text, "yes");
        return *(bool *)at || ts_str_equal(text, "no") ? TS_OK : bad_cell(sheet, column, text, "yes or no");
    case TS_CELL_NUMBER:
    case TS_CELL_COUNT:
    case TS_CELL_YEAR:
        return store_number(sheet, column, text, at);
    }
    return TS_OK;
}

static const char *told(const struct ts_catalog_sheet *sheet, const char *column)
{
    const char *text = field(sheet, column);
    return text && text[0] ? text : "?";
}

/* What one column alone does not say. */
static enum ts_status finish_hardware(const struct ts_catalog_sheet *sheet, void *row)
{
    struct ts_hardware *hardware = row;
    hardware->confidence = ts_arena_printf(
        sheet->arena, "compute %s, memory %s, power %s, idle %s, price %s", told(sheet, "conf_compute"),
        told(sheet, "conf_memory"), told(sheet, "conf_power"), told(sheet, "conf_idle"), told(sheet, "conf_price"));
    return hardware->confidence ? TS_OK : TS_ENOMEM;
}

/* "OpenAI" and "gpt-4o" -> "OpenAI/gpt-4o" */
static enum ts_status put_provider_before(const struct ts_catalog_sheet *sheet, const char **name)
{
    const char *provider = field(sheet, "provider");
    const size_t n = strlen(provider), n_name = strlen(*name);
    char *whole = ts_arena_alloc(sheet->arena, n + 1 + n_name + 1); /* zeroed */
    if (!whole) {
        return TS_ENOMEM;
    }
    memcpy(whole, provider, n);
    whole[n] = '/';
    memcpy(whole + n + 1, *name, n_name);
    *name = whole;
    return TS_OK;
}

static enum ts_status finish_price(const struct ts_catalog_sheet *sheet, void *row)
{
    return put_provider_before(sheet, &((struct ts_price *)row)->name);
}

static enum ts_status finish_speed(const struct ts_catalog_sheet *sheet, void *row)
{
    return put_provider_before(sheet, &((struct ts_speed *)row)->name);
}

#define CT(f) offsetof(struct ts_catalog, f)

#include "scenarios/catalog/catalog_kinds.inc"

/* ---- a file ---- */

static enum ts_status check_column(const struct ts_catalog_kind *kind, const struct ts_catalog_sheet *sheet,
                                   const char *name)
{
    const char *file = ts_csv_span(sheet->csv, ts_csv_header(sheet->csv), 0).file;
    return ts_csv_column(sheet->csv, name) >= 0
               ? TS_OK
               : ts_fail(sheet->diags, TS_EINPUT, ts_span_file(file ? file : kind->file), NULL,
                         "there is no column '%s'", name);
}

static enum ts_status check_columns(const struct ts_catalog_kind *kind, const struct ts_catalog_sheet *sheet, bool own)
{
    enum ts_status status = TS_OK;
    for (const struct ts_catalog_column *c = kind->columns; c->name && status == TS_OK; c++) {
        status = c->required || !own ? check_column(kind, sheet, c->name) : TS_OK;
    }
    for (size_t i = 0; kind->extra_columns[i] && status == TS_OK; i++) {
        status = !own || ts_str_equal(kind->extra_columns[i], "provider")
                     ? check_column(kind, sheet, kind->extra_columns[i])
                     : TS_OK;
    }
    return status;
}

static enum ts_status read_row(const struct ts_catalog_kind *kind, const struct ts_catalog_sheet *sheet, void *row)
{
    for (size_t i = 0; kind->columns[i].name; i++) {
        const enum ts_status status = store(sheet, &kind->columns[i], field_at(sheet, sheet->at[i]), row);
        if (status != TS_OK) {
            return status;
        }
    }
    const enum ts_status status = kind->finish ? kind->finish(sheet, row) : TS_OK;
    const char *nonsense = status == TS_OK && kind->nonsense ? kind->nonsense(row) : NULL;
    if (nonsense) {
        return ts_fail(sheet->diags, TS_EINPUT, ts_csv_span(sheet->csv, sheet->row, 0), NULL, "'%s': %s",
                       ts_catalog_text(row, 0), nonsense);
    }
    return status;
}

/* All mistakes of all rows. */
static enum ts_status read_rows(const struct ts_catalog_kind *kind, struct ts_catalog_sheet *sheet,
                                struct ts_catalog_rows *out, size_t max_rows)
{
    enum ts_status worst = TS_OK;
    for (out->n = 0;;) {
        enum ts_status status = ts_csv_next(sheet->csv, &sheet->row, sheet->diags);
        if (status != TS_OK || !sheet->row) {
            return status != TS_OK ? status : worst;
        }
        if (out->n == max_rows) {
            return ts_fail(sheet->diags, TS_EINPUT, ts_csv_span(sheet->csv, sheet->row, 0), NULL, "more than %zu rows",
                           max_rows);
        }
        status = read_row(kind, sheet, out->rows + out->n * kind->row_size);
        worst = status != TS_OK ? status : worst;
        out->lines[out->n++] = (uint32_t)sheet->row->line;
    }
}

enum ts_status ts_catalog_read(struct ts_catalog_rows *out, const struct ts_catalog_kind *kind,
                               struct ts_csv_reader *csv, size_t max_rows, bool own, struct ts_arena *arena,
                               struct ts_diags *diags)
{
    struct ts_catalog_sheet sheet = {.csv = csv, .arena = arena, .diags = diags};
    for (size_t i = 0; kind->columns[i].name; i++) {
        TS_CHECK(i < TS_CATALOG_MAX_COLUMNS);
        sheet.at[i] = ts_csv_column(csv, kind->columns[i].name);
    }
    *out = (struct ts_catalog_rows){.rows = ts_arena_array(arena, max_rows, kind->row_size),
                                    .lines = ts_arena_array(arena, max_rows, sizeof *out->lines)};
    if (!out->rows || !out->lines) {
        return TS_ENOMEM;
    }
    const enum ts_status status = check_columns(kind, &sheet, own);
    return status == TS_OK ? read_rows(kind, &sheet, out, max_rows) : status;
}

/* ---- rows ---- */

size_t ts_catalog_count(const struct ts_catalog *catalog, const struct ts_catalog_kind *kind)
{
    size_t n = 0;
    memcpy(&n, (const char *)catalog + kind->n_at, sizeof n);
    return n;
}

const void *ts_catalog_row(const struct ts_catalog *catalog, const struct ts_catalog_kind *kind, size_t i)
{
    const char *rows = NULL;
    memcpy(&rows, (const char *)catalog + kind->rows_at, sizeof rows);
    return rows + i * kind->row_size;
}

void ts_catalog_put_rows(struct ts_catalog *catalog, const struct ts_catalog_kind *kind, const char *rows, size_t n)
{
    memcpy((char *)catalog + kind->rows_at, &rows, sizeof rows);
    memcpy((char *)catalog + kind->n_at, &n, sizeof n);
}

const char *ts_catalog_text(const void *row, size_t offset)
{
    const char *text = NULL;
    memcpy(&text, (const char *)row + offset, sizeof text);
    return text;
}

bool ts_catalog_agree(const struct ts_catalog_kind *kind, const void *a, const void *b, unsigned n)
{
    bool agree = true;
    for (unsigned i = 0; i < n && agree; i++) {
        const size_t at = kind->columns[i].offset;
        agree = kind->columns[i].cell == TS_CELL_TEXT
                    ? ts_str_equal(ts_catalog_text(a, at), ts_catalog_text(b, at))
                    : memcmp((const char *)a + at, (const char *)b + at, sizeof(unsigned)) == 0;
    }
    return agree;
}
