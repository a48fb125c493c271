/* Hides how cells are kept and how each format writes them: column widths by characters (not bytes), what NaN and
 * infinity look like, what has to be escaped. */
#include "reports/table.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/csv.h"
#include "base/json.h"
#include "reports/html.h"

enum { MAX_COLUMNS = 256, MAX_ROWS = 1 << 22 };

enum cell_kind { CELL_EMPTY, CELL_STRING, CELL_NUMBER };

struct cell {
    enum cell_kind kind;
    char *string;
    double value;
    int digits;
};

struct column {
    char *header;
    bool right_aligned;
};

struct row {
    struct cell *cells; /* [n_columns at that time] */
    size_t n;
};

struct ts_table {
    char *title;
    struct column *columns;
    size_t n_columns;
    struct row *rows;
    size_t n_rows, rows_cap;
    bool failed;
};

bool ts_table_format_parse(enum ts_table_format *out, const char *name)
{
    static const char *const names[] = {"text", "md", "csv", "json", "html"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum ts_table_format)i;
            return true;
        }
    }
    return false;
}

struct ts_table *ts_table_create(const char *title)
{
    struct ts_table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return NULL;
    }
    table->title = strdup(title != NULL ? title : "");
    table->failed = table->title == NULL;
    return table;
}

void ts_table_destroy(struct ts_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->n_rows; i++) {
        for (size_t k = 0; k < table->rows[i].n; k++) {
            free(table->rows[i].cells[k].string);
        }
        free(table->rows[i].cells);
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        free(table->columns[i].header);
    }
    free(table->rows);
    free(table->columns);
    free(table->title);
    free(table);
}

void ts_table_column(struct ts_table *table, const char *header, bool right_aligned)
{
    if (table == NULL) {
        return;
    }
    TS_CHECK(table->n_rows == 0 && table->n_columns < MAX_COLUMNS);
    struct column *columns = realloc(table->columns, (table->n_columns + 1) * sizeof *columns);
    char *copy = strdup(header);
    if (columns != NULL) {
        table->columns = columns;
    }
    if (columns == NULL || copy == NULL) {
        free(copy);
        table->failed = true;
        return;
    }
    table->columns[table->n_columns++] = (struct column){copy, right_aligned};
}

void ts_table_columns(struct ts_table *table, const char *const *headers, size_t n, size_t n_left)
{
    for (size_t i = 0; i < n; i++) {
        ts_table_column(table, headers[i], i >= n_left);
    }
}

void ts_table_row(struct ts_table *table)
{
    if (table == NULL || table->failed) {
        return;
    }
    if (table->n_rows == table->rows_cap) {
        size_t cap = table->rows_cap > 0 ? 2 * table->rows_cap : 16;
        struct row *rows = cap <= MAX_ROWS ? realloc(table->rows, cap * sizeof *rows) : NULL;
        if (rows == NULL) {
            table->failed = true;
            return;
        }
        table->rows = rows;
        table->rows_cap = cap;
    }
    struct row row = {.cells = calloc(table->n_columns > 0 ? table->n_columns : 1, sizeof(struct cell))};
    if (row.cells == NULL) {
        table->failed = true;
        return;
    }
    table->rows[table->n_rows++] = row;
}

/* The next free cell of the last row, or NULL after a failure. */
static struct cell *next_cell(struct ts_table *table)
{
    if (table == NULL || table->failed) {
        return NULL;
    }
    TS_CHECK(table->n_rows > 0);
    struct row *row = &table->rows[table->n_rows - 1];
    TS_CHECK(row->n < table->n_columns);
    return &row->cells[row->n++];
}

void ts_table_put(struct ts_table *table, const char *string)
{
    struct cell *cell = next_cell(table);
    if (cell == NULL || string == NULL) {
        return;
    }
    cell->kind = CELL_STRING;
    cell->string = strdup(string);
    table->failed = cell->string == NULL;
}

void ts_table_putf(struct ts_table *table, const char *fmt, ...)
{
    struct ts_text text;
    va_list args;
    ts_text_init(&text);
    va_start(args, fmt);
    ts_text_vprintf(&text, fmt, args);
    va_end(args);
    if (text.failed && table != NULL) {
        table->failed = true;
    }
    ts_table_put(table, text.data);
    ts_text_deinit(&text);
}

void ts_table_num(struct ts_table *table, double value, int digits)
{
    struct cell *cell = next_cell(table);
    if (cell != NULL) {
        *cell = (struct cell){.kind = CELL_NUMBER, .value = value, .digits = digits};
    }
}

/* Empties the scratch text; a failure of it is the output's. */
static void restart(struct ts_text *scratch, struct ts_text *out)
{
    out->failed = out->failed || scratch->failed;
    ts_text_clear(scratch);
}

/* A cell as people read it. */
static void put_for_people(struct ts_text *out, const struct cell *cell)
{
    if (cell->kind == CELL_STRING) {
        ts_text_puts(out, cell->string);
    } else if (cell->kind == CELL_NUMBER && isnan(cell->value)) {
        ts_text_puts(out, "-");
    } else if (cell->kind == CELL_NUMBER && isinf(cell->value)) {
        ts_text_puts(out, cell->value > 0 ? "never" : "-inf");
    } else if (cell->kind == CELL_NUMBER) {
        ts_text_number(out, cell->value, cell->digits);
    }
}

static void put_key(struct ts_text *out, const char *header)
{
    for (const char *at = header; *at != '\0'; at++) {
        char c = *at == ' ' ? '_' : (char)((unsigned char)*at < 0x80 ? tolower((unsigned char)*at) : *at);
        ts_text_append(out, &c, 1);
    }
}

static const struct cell *cell_at(const struct ts_table *table, size_t row, size_t column)
{
    static const struct cell empty = {CELL_EMPTY, NULL, 0.0, 0};
    return column < table->rows[row].n ? &table->rows[row].cells[column] : &empty;
}

/* ---- text ---- */

/* Control characters would tear the lines apart. */
static void one_line(struct ts_text *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if ((unsigned char)text->data[i] < 0x20 || text->data[i] == 0x7f) {
            text->data[i] = ' ';
        }
    }
}

static size_t width_of(const char *string)
{
    size_t width = 0;
    for (; *string != '\0'; string++) {
        width += ((unsigned char)*string & 0xc0) != 0x80;
    }
    return width;
}

static void put_padded(struct ts_text *out, const char *string, size_t width, bool right_aligned)
{
    size_t own = width_of(string), pad = own < width ? width - own : 0;
    if (right_aligned) {
        ts_text_printf(out, "%*s", (int)pad, "");
    }
    ts_text_puts(out, string);
    if (!right_aligned) {
        ts_text_printf(out, "%*s", (int)pad, "");
    }
}

static void end_line(struct ts_text *out)
{
    while (out->len > 0 && out->data[out->len - 1] == ' ') {
        out->data[--out->len] = '\0';
    }
    ts_text_puts(out, "\n");
}

static void measure(const struct ts_table *table, size_t *widths, struct ts_text *cell, struct ts_text *out)
{
    for (size_t k = 0; k < table->n_columns; k++) {
        widths[k] = width_of(table->columns[k].header);
        for (size_t i = 0; i < table->n_rows; i++) {
            restart(cell, out);
            put_for_people(cell, cell_at(table, i, k));
            size_t width = width_of(cell->data);
            widths[k] = width > widths[k] ? width : widths[k];
        }
    }
}

static void render_text(const struct ts_table *table, struct ts_text *out, struct ts_text *cell)
{
    size_t widths[MAX_COLUMNS];
    measure(table, widths, cell, out);
    if (table->title[0] != '\0') {
        ts_text_printf(out, "%s\n", table->title);
    }
    for (size_t k = 0; k < table->n_columns; k++) {
        ts_text_puts(out, k > 0 ? "  " : "");
        put_padded(out, table->columns[k].header, widths[k], table->columns[k].right_aligned);
    }
    end_line(out);
    for (size_t k = 0; k < table->n_columns; k++) {
        ts_text_puts(out, k > 0 ? "  " : "");
        for (size_t i = 0; i < widths[k]; i++) {
            ts_text_append(out, "-", 1);
        }
    }
    end_line(out);
    for (size_t i = 0; i < table->n_rows; i++) {
        for (size_t k = 0; k < table->n_columns; k++) {
            restart(cell, out);
            put_for_people(cell, cell_at(table, i, k));
            one_line(cell);
            ts_text_puts(out, k > 0 ? "  " : "");
            put_padded(out, cell->data, widths[k], table->columns[k].right_aligned);
        }
        end_line(out);
    }
}

/* ---- Markdown ---- */

static void put_markdown(struct ts_text *out, const char *string)
{
    for (const char *at = string; *at != '\0'; at++) {
        if (*at == '|' || *at == '\\') {
            ts_text_append(out, "\\", 1);
        }
        if (*at == '<' || *at == '&') {
            ts_text_puts(out, *at == '<' ? "&lt;" : "&amp;");
        } else {
            ts_text_append(out, (unsigned char)*at < 0x20 ? " " : at, 1);
        }
    }
}

static void render_markdown(const struct ts_table *table, struct ts_text *out, struct ts_text *cell)
{
    if (table->title[0] != '\0') {
        ts_text_puts(out, "**");
        put_markdown(out, table->title);
        ts_text_puts(out, "**\n\n");
    }
    for (size_t k = 0; k < table->n_columns; k++) {
        ts_text_puts(out, "| ");
        put_markdown(out, table->columns[k].header);
        ts_text_puts(out, " ");
    }
    ts_text_puts(out, "|\n");
    for (size_t k = 0; k < table->n_columns; k++) {
        ts_text_puts(out, table->columns[k].right_aligned ? "|---:" : "|---");
    }
    ts_text_puts(out, "|\n");
    for (size_t i = 0; i < table->n_rows; i++) {
        for (size_t k = 0; k < table->n_columns; k++) {
            restart(cell, out);
            put_for_people(cell, cell_at(table, i, k));
            ts_text_puts(out, "| ");
            put_markdown(out, cell->data);
            ts_text_puts(out, " ");
        }
        ts_text_puts(out, "|\n");
    }
}

/* ---- CSV, JSON ---- */

static void render_csv(const struct ts_table *table, struct ts_text *out, struct ts_text *cell)
{
    for (size_t k = 0; k < table->n_columns; k++) {
        restart(cell, out);
        put_key(cell, table->columns[k].header);
        ts_csv_put(out, cell->data, k == 0);
    }
    ts_text_puts(out, "\n");
    for (size_t i = 0; i < table->n_rows; i++) {
        for (size_t k = 0; k < table->n_columns; k++) {
            const struct cell *from = cell_at(table, i, k);
            if (from->kind == CELL_NUMBER) {
                ts_csv_put_number(out, from->value, k == 0);
            } else {
                ts_csv_put(out, from->kind == CELL_STRING ? from->string : "", k == 0);
            }
        }
        ts_text_puts(out, "\n");
    }
}

static void put_json_cell(struct ts_json_writer *writer, const struct cell *cell)
{
    switch (cell->kind) {
    case CELL_EMPTY:
        ts_json_put_string(writer, NULL);
        break;
    case CELL_STRING:
        ts_json_put_string(writer, cell->string);
        break;
    case CELL_NUMBER:
        if (isinf(cell->value)) {
            ts_json_put_string(writer, cell->value > 0 ? "never" : "-inf");
        } else {
            ts_json_put_double(writer, cell->value);
        }
        break;
    }
}

static void render_json(const struct ts_table *table, struct ts_text *out, struct ts_text *key)
{
    struct ts_json_writer writer;
    ts_json_writer_init(&writer, out);
    ts_json_begin_array(&writer);
    for (size_t i = 0; i < table->n_rows; i++) {
        ts_json_begin_object(&writer);
        for (size_t k = 0; k < table->n_columns; k++) {
            restart(key, out);
            put_key(key, table->columns[k].header);
            ts_json_key(&writer, key->data);
            put_json_cell(&writer, cell_at(table, i, k));
        }
        ts_json_end_object(&writer);
    }
    ts_json_end_array(&writer);
    ts_text_puts(out, "\n");
}

/* ---- HTML ---- */

static void render_html(const struct ts_table *table, struct ts_text *out, struct ts_text *cell)
{
    ts_text_puts(out, "<table>\n");
    if (table->title[0] != '\0') {
        ts_text_puts(out, "<caption>");
        ts_html_put(out, table->title);
        ts_text_puts(out, "</caption>\n");
    }
    ts_text_puts(out, "<thead><tr>");
    for (size_t k = 0; k < table->n_columns; k++) {
        ts_text_puts(out, table->columns[k].right_aligned ? "<th class=\"num\" scope=\"col\">" : "<th scope=\"col\">");
        ts_html_put(out, table->columns[k].header);
        ts_text_puts(out, "</th>");
    }
    ts_text_puts(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < table->n_rows; i++) {
        ts_text_puts(out, "<tr>");
        for (size_t k = 0; k < table->n_columns; k++) {
            restart(cell, out);
            put_for_people(cell, cell_at(table, i, k));
            ts_text_puts(out, table->columns[k].right_aligned ? "<td class=\"num\">" : "<td>");
            ts_html_put(out, cell->data);
            ts_text_puts(out, "</td>");
        }
        ts_text_puts(out, "</tr>\n");
    }
    ts_text_puts(out, "</tbody>\n</table>\n");
}

enum ts_status ts_table_render(const struct ts_table *table, enum ts_table_format format, struct ts_text *out)
{
    struct ts_text scratch;
    if (table == NULL || table->failed) {
        return TS_ENOMEM;
    }
    ts_text_init(&scratch);
    switch (format) {
    case TS_TABLE_TEXT:
        render_text(table, out, &scratch);
        break;
    case TS_TABLE_MARKDOWN:
        render_markdown(table, out, &scratch);
        break;
    case TS_TABLE_CSV:
        render_csv(table, out, &scratch);
        break;
    case TS_TABLE_JSON:
        render_json(table, out, &scratch);
        break;
    case TS_TABLE_HTML:
        render_html(table, out, &scratch);
        break;
    }
    enum ts_status status = scratch.failed || out->failed ? TS_ENOMEM : TS_OK;
    ts_text_deinit(&scratch);
    return status;
}
