/* Hides libcsv. libcsv pushes fields out of whatever it is fed and says nothing about places; so it is fed one
 * segment at a time, up to and including the next comma, CR or LF. Then a call ends at most one field and one row, and
 * the place of every field is known. CRLF gives two row callbacks, of which the second is blank and skipped. A row of a
 * file whose quotes stand around whole fields alone needs no parser: csv_plain.c splits it where it lies. */
#include "base/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <csv.h>

#include "base/check.h"
#include "base/csv_plain.h"
#include "base/gzip.h"

enum { CHUNK_BYTES = 1 << 16, ROW_MAX_BYTES = 1 << 20, FIELDS_MAX = 16384, FIELDS_FIRST = 16 };

struct cells {
    struct ts_csv_field *fields; /* while a row is built, `data` is not set yet: `text` may move */
    uint64_t *lines;             /* of each field's first byte */
    size_t n, cap;
    struct ts_text text; /* the fields, each with a NUL */
};

struct ts_csv_reader {
    struct csv_parser parser;
    char *name;

    struct ts_gzip *file; /* NULL when reading from memory */
    unsigned char *data;  /* a chunk of the file, or a copy of the caller's text */
    size_t len, pos;
    bool at_start, at_end;
    enum ts_status failed; /* sticky; its diagnostic has been given */

    uint64_t line; /* of the next byte */
    uint64_t col;
    bool after_cr;

    struct cells cells;
    struct ts_csv_row row;
    bool row_open, row_done, field_open;
    uint64_t field_line;
    uint64_t field_col;
    size_t row_bytes;
    enum ts_status cell_status; /* of the callbacks */

    struct cells header_cells;
    struct ts_csv_row header;
    size_t n_expected; /* fields per row; 0 = not known yet */
    bool ragged;
    unsigned char separator;
};

static struct ts_span here(const struct ts_csv_reader *reader, uint64_t line, uint64_t col)
{
    struct ts_span at = {.file = reader->name};
    if (line <= UINT32_MAX && col <= UINT32_MAX) {
        at.line = (uint32_t)line;
        at.col = (uint32_t)col;
    }
    return at;
}

static bool grow_cells(struct cells *cells)
{
    size_t cap = cells->cap > 0 ? 2 * cells->cap : FIELDS_FIRST;
    struct ts_csv_field *fields = realloc(cells->fields, cap * sizeof *fields);
    if (fields == NULL) {
        return false;
    }
    cells->fields = fields;
    uint64_t *lines = realloc(cells->lines, cap * sizeof *lines);
    if (lines == NULL) {
        return false;
    }
    cells->lines = lines;
    cells->cap = cap;
    return true;
}

static void free_cells(struct cells *cells)
{
    free(cells->fields);
    free(cells->lines);
    ts_text_deinit(&cells->text);
}

static void on_field(void *bytes, size_t len, void *context)
{
    struct ts_csv_reader *reader = context;
    struct cells *cells = &reader->cells;
    reader->field_open = false;
    if (reader->cell_status != TS_OK) {
        return;
    }
    if (cells->n == FIELDS_MAX) {
        reader->cell_status = TS_EINPUT;
        return;
    }
    if (cells->n == cells->cap && !grow_cells(cells)) {
        reader->cell_status = TS_ENOMEM;
        return;
    }
    ts_text_append(&cells->text, len > 0 ? bytes : "", len);
    ts_text_append(&cells->text, "", 1);
    if (cells->text.failed) {
        reader->cell_status = TS_ENOMEM;
        return;
    }
    cells->fields[cells->n] = (struct ts_csv_field){.len = len, .col = (uint32_t)reader->field_col};
    cells->lines[cells->n] = reader->field_line;
    cells->n++;
}

static void on_row(int terminator, void *context)
{
    struct ts_csv_reader *reader = context;
    (void)terminator;
    reader->row_done = true;
}

static void begin_row(struct ts_csv_reader *reader)
{
    reader->cells.n = 0;
    ts_text_clear(&reader->cells.text);
    reader->row_open = false;
    reader->row_done = false;
    reader->field_open = false;
    reader->row_bytes = 0;
}

static enum ts_status fail(struct ts_csv_reader *reader, enum ts_status status)
{
    reader->failed = status;
    reader->row = (struct ts_csv_row){.n_fields = 0};
    return status;
}

static enum ts_status fail_memory(struct ts_csv_reader *reader, struct ts_diags *diags)
{
    return fail(reader, ts_fail(diags, TS_ENOMEM, ts_span_file(reader->name), NULL, "out of memory"));
}

static enum ts_status fail_quote(struct ts_csv_reader *reader, uint64_t line, uint64_t col, struct ts_diags *diags)
{
    return fail(reader, ts_fail(diags, TS_EINPUT, here(reader, line, col),
                                "write a quote within a field twice, and the field in quotes: \"say \"\"yes\"\"\"",
                                "a quotation mark out of place"));
}

static enum ts_status fail_row_too_long(struct ts_csv_reader *reader, struct ts_diags *diags)
{
    return fail(reader,
                ts_fail(diags, TS_EINPUT, here(reader, reader->row.line, 1),
                        "is a quotation mark left open, or is this not a CSV file?", "a row of more than 1 MiB"));
}

static enum ts_status fail_nul(struct ts_csv_reader *reader, struct ts_diags *diags)
{
    return fail(reader, ts_fail(diags, TS_EINPUT, here(reader, reader->line, reader->col),
                                "CSV is text in UTF-8; convert UTF-16 with: iconv -f UTF-16 -t UTF-8",
                                "a NUL byte: this is not a text file"));
}

/* The next chunk; sets at_end after the last byte. */
static enum ts_status fill(struct ts_csv_reader *reader, struct ts_diags *diags)
{
    size_t len = 0;
    enum ts_status status = reader->file ? ts_gzip_read(reader->file, reader->data, CHUNK_BYTES, &len, diags) : TS_OK;
    if (status != TS_OK) {
        return fail(reader, status);
    }
    reader->len = reader->file ? len : reader->len;
    reader->pos = reader->file ? 0 : reader->pos;
    reader->at_end = len == 0;
    return TS_OK;
}

static void skip_byte_order_mark(struct ts_csv_reader *reader)
{
    static const unsigned char mark[] = {0xef, 0xbb, 0xbf};
    if (reader->len >= sizeof mark && memcmp(reader->data, mark, sizeof mark) == 0) {
        reader->pos = sizeof mark;
    }
    reader->at_start = false;
}

/* Length of the segment at `pos`: up to and including the next separator, CR or LF; a NUL stops it before. */
static size_t segment_length(const struct ts_csv_reader *reader)
{
    const unsigned char *data = reader->data + reader->pos;
    size_t len = reader->len - reader->pos;
    len = len > CHUNK_BYTES ? CHUNK_BYTES : len;
    const unsigned char separator = reader->separator;
    const unsigned char most = separator > '\r' ? separator : '\r';
    for (size_t i = 0; i < len; i++) {
        if (data[i] <= most && (data[i] == separator || data[i] == '\n' || data[i] == '\r')) {
            return i + 1;
        }
        if (data[i] == '\0') {
            return i;
        }
    }
    return len;
}

/* Notes where a field and a row begin, leading blanks apart. */
static void note_begin(struct ts_csv_reader *reader, const unsigned char *segment, size_t len)
{
    if (reader->field_open) {
        return;
    }
    size_t blanks = 0;
    while (blanks < len && (segment[blanks] == ' ' || segment[blanks] == '\t') &&
           segment[blanks] != reader->separator) {
        blanks++;
    }
    reader->field_open = blanks < len;
    reader->field_line = reader->line;
    reader->field_col = reader->col + blanks;
    if (!reader->row_open) {
        reader->row_open = true;
        reader->row.line = reader->line;
    }
}

static void advance(struct ts_csv_reader *reader, const unsigned char *segment, size_t len)
{
    reader->pos += len;
    reader->row_bytes += len;
    reader->col += len;
    if (segment[len - 1] == '\n') {
        reader->line++;
        reader->col = 1;
    }
    reader->after_cr = segment[len - 1] == '\r';
}

/* A CR counts as a line end unless an LF follows, which then ends the line. */
static void settle_cr(struct ts_csv_reader *reader, unsigned char next)
{
    if (reader->after_cr && next != '\n') {
        reader->line++;
        reader->col = 1;
    }
    reader->after_cr = false;
}

static enum ts_status check_cells(struct ts_csv_reader *reader, struct ts_diags *diags)
{
    if (reader->cell_status == TS_ENOMEM || csv_error(&reader->parser) == CSV_ENOMEM) {
        return fail_memory(reader, diags);
    }
    if (reader->cell_status == TS_EINPUT) {
        return fail(reader, ts_fail(diags, TS_EINPUT, here(reader, reader->row.line, 1), NULL,
                                    "a row of more than %d fields", FIELDS_MAX));
    }
    return TS_OK;
}

static enum ts_status feed_segment(struct ts_csv_reader *reader, struct ts_diags *diags)
{
    const unsigned char *segment = reader->data + reader->pos;
    settle_cr(reader, segment[0]);
    size_t len = segment_length(reader);
    note_begin(reader, segment, len);
    size_t done = len > 0 ? csv_parse(&reader->parser, segment, len, on_field, on_row, reader) : 0;
    enum ts_status status = check_cells(reader, diags);
    if (status != TS_OK) {
        return status;
    }
    if (done < len) {
        return fail_quote(reader, reader->line, reader->col + done, diags);
    }
    if (len > 0) {
        advance(reader, segment, len);
    }
    if (!reader->row_done && reader->pos < reader->len && reader->data[reader->pos] == '\0') {
        settle_cr(reader, '\0');
        return fail_nul(reader, diags);
    }
    return reader->row_bytes > ROW_MAX_BYTES ? fail_row_too_long(reader, diags) : TS_OK;
}

/* Takes the row at `pos` if it is a plain one. */
static bool take_plain_row(struct ts_csv_reader *reader)
{
    struct cells *cells = &reader->cells;
    size_t n = 0;
    if (reader->separator != ',' || reader->row_open || reader->after_cr || cells->cap == 0) {
        return false;
    }
    const size_t len =
        ts_csv_plain_row(reader->data + reader->pos, reader->len - reader->pos, cells->fields, cells->cap, &n);
    if (len == 0) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        cells->lines[i] = reader->line;
    }
    cells->n = n;
    reader->row = (struct ts_csv_row){.fields = cells->fields, .n_fields = n, .line = reader->line++};
    reader->pos += len;
    return true;
}

/* The last row may lack its newline. */
static enum ts_status finish(struct ts_csv_reader *reader, struct ts_diags *diags)
{
    if (csv_fini(&reader->parser, on_field, on_row, reader) != 0) {
        if (csv_error(&reader->parser) == CSV_ENOMEM) {
            return fail_memory(reader, diags);
        }
        return fail(reader, ts_fail(diags, TS_EINPUT, here(reader, reader->field_line, reader->field_col), NULL,
                                    "a quotation mark is opened here and never closed"));
    }
    return check_cells(reader, diags);
}

static void seal_row(struct cells *cells, struct ts_csv_row *row)
{
    const char *data = cells->text.data;
    for (size_t i = 0; i < cells->n; i++) {
        cells->fields[i].data = data;
        data += cells->fields[i].len + 1;
    }
    row->fields = cells->fields;
    row->n_fields = cells->n;
}

/* Builds the next row that is not blank in reader->row; n_fields = 0 at the end. */
static enum ts_status build_row(struct ts_csv_reader *reader, struct ts_diags *diags)
{
    begin_row(reader);
    reader->row = (struct ts_csv_row){.n_fields = 0};
    while (!reader->at_end) {
        enum ts_status status = TS_OK;
        if (reader->pos == reader->len) {
            status = fill(reader, diags);
            if (status == TS_OK && reader->at_end) {
                status = finish(reader, diags);
            }
        }
        if (reader->at_start) {
            skip_byte_order_mark(reader);
        }
        if (status == TS_OK && reader->pos < reader->len) {
            if (take_plain_row(reader)) {
                return TS_OK;
            }
            status = feed_segment(reader, diags);
        }
        if (status != TS_OK) {
            return status;
        }
        if (reader->row_done && reader->cells.n > 0) {
            seal_row(&reader->cells, &reader->row);
            return TS_OK;
        }
        if (reader->row_done) {
            begin_row(reader);
        }
    }
    return TS_OK;
}

static enum ts_status check_length(struct ts_csv_reader *reader, struct ts_diags *diags)
{
    size_t n = reader->row.n_fields;
    if (reader->n_expected == 0) {
        reader->n_expected = n;
    }
    while (!reader->ragged && n > reader->n_expected && reader->row.fields[n - 1].len == 0) {
        n--; /* a row that ends with a separator, where the header does not */
    }
    if (n == reader->n_expected || reader->ragged) {
        reader->row.n_fields = n;
        return TS_OK;
    }
    n = reader->row.n_fields;
    bool more = n > reader->n_expected;
    const char *model = reader->header.n_fields > 0 ? "header" : "first row";
    return ts_fail(diags, TS_EINPUT, ts_csv_span(reader, &reader->row, reader->n_expected), NULL,
                   "%zu field%s, but the %s has %zu: %s", n, n == 1 ? "" : "s", model, reader->n_expected,
                   more ? "does a field with a comma lack quotes?" : "is the row cut off?");
}

enum ts_status ts_csv_next(struct ts_csv_reader *reader, const struct ts_csv_row **row, struct ts_diags *diags)
{
    if (reader->failed != TS_OK) {
        return reader->failed;
    }
    enum ts_status status = build_row(reader, diags);
    if (status != TS_OK) {
        return status;
    }
    if (reader->row.n_fields == 0) {
        *row = NULL;
        return TS_OK;
    }
    status = check_length(reader, diags);
    if (status == TS_OK) {
        *row = &reader->row;
    }
    return status;
}

static enum ts_status read_header(struct ts_csv_reader *reader, struct ts_diags *diags)
{
    enum ts_status status = build_row(reader, diags);
    if (status != TS_OK) {
        return status;
    }
    if (reader->row.n_fields == 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(reader->name), NULL,
                       "the file is empty: a header row is expected");
    }
    struct cells fresh = {.n = 0};
    ts_text_init(&fresh.text);
    reader->header_cells = reader->cells;
    reader->header = reader->row;
    reader->n_expected = reader->row.n_fields;
    reader->cells = fresh;
    return TS_OK;
}

static struct ts_csv_reader *new_reader(const char *name)
{
    struct ts_csv_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return NULL;
    }
    ts_text_init(&reader->cells.text);
    ts_text_init(&reader->header_cells.text);
    reader->separator = ',';
    reader->at_start = true;
    reader->line = 1;
    reader->col = 1;
    reader->name = strdup(name);
    if (reader->name == NULL ||
        csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL | CSV_APPEND_NULL) != 0) {
        free(reader->name);
        free(reader);
        return NULL;
    }
    csv_set_blk_size(&reader->parser, CHUNK_BYTES); /* its default, 128 bytes, makes a long field quadratic */
    return reader;
}

/* Hands the reader over, or closes it. */
static enum ts_status begin(struct ts_csv_reader **out, struct ts_csv_reader *reader, bool has_header,
                            struct ts_diags *diags)
{
    enum ts_status status = has_header ? read_header(reader, diags) : TS_OK;
    if (status != TS_OK) {
        ts_csv_close(reader);
        return status;
    }
    *out = reader;
    return TS_OK;
}

/* Past the ends of n lines. */
static enum ts_status skip_lines(struct ts_csv_reader *reader, uint32_t n, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    while (n > 0 && status == TS_OK && !reader->at_end) {
        if (reader->pos == reader->len) {
            status = fill(reader, diags);
            continue;
        }
        const bool ends = reader->data[reader->pos++] == '\n';
        reader->line += ends;
        n -= ends;
        reader->at_start = false;
    }
    return status;
}

static enum ts_status open_file(struct ts_csv_reader **out, const char *path, char separator, uint32_t n_skipped,
                                bool has_header, struct ts_diags *diags)
{
    struct ts_csv_reader *reader = new_reader(path);
    if (reader == NULL) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    reader->separator = (unsigned char)separator;
    csv_set_delim(&reader->parser, (unsigned char)separator);
    reader->data = malloc(CHUNK_BYTES);
    enum ts_status status = reader->data != NULL ? ts_gzip_open(&reader->file, path, diags)
                                                 : ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    if (status == TS_OK) {
        status = skip_lines(reader, n_skipped, diags);
    }
    if (status != TS_OK) {
        ts_csv_close(reader);
        return status;
    }
    return begin(out, reader, has_header, diags);
}

enum ts_status ts_csv_open(struct ts_csv_reader **out, const char *path, bool has_header, struct ts_diags *diags)
{
    return open_file(out, path, ',', 0, has_header, diags);
}

enum ts_status ts_csv_open_separated(struct ts_csv_reader **out, const char *path, char separator, uint32_t n_skipped,
                                     struct ts_diags *diags)
{
    return open_file(out, path, separator, n_skipped, true, diags);
}

enum ts_status ts_csv_open_text(struct ts_csv_reader **out, const char *name, const char *data, size_t len,
                                bool has_header, struct ts_diags *diags)
{
    struct ts_csv_reader *reader = new_reader(name);
    unsigned char *copy = reader != NULL ? malloc(len + 1) : NULL;
    if (copy == NULL) {
        ts_csv_close(reader);
        return ts_fail(diags, TS_ENOMEM, ts_span_file(name), NULL, "out of memory");
    }
    memcpy(copy, data, len);
    reader->data = copy;
    reader->len = len;
    return begin(out, reader, has_header, diags);
}

void ts_csv_watch(struct ts_csv_reader *reader, const struct ts_progress *progress)
{
    if (reader->file) {
        ts_gzip_watch(reader->file, progress);
    }
}

void ts_csv_close(struct ts_csv_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    ts_gzip_close(reader->file);
    csv_free(&reader->parser);
    free_cells(&reader->cells);
    free_cells(&reader->header_cells);
    free(reader->data);
    free(reader->name);
    free(reader);
}

void ts_csv_allow_ragged(struct ts_csv_reader *reader)
{
    reader->ragged = true;
}

const struct ts_csv_row *ts_csv_header(const struct ts_csv_reader *reader)
{
    return &reader->header;
}

int ts_csv_column(const struct ts_csv_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->header.n_fields; i++) {
        if (strcmp(reader->header.fields[i].data, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

struct ts_span ts_csv_span(const struct ts_csv_reader *reader, const struct ts_csv_row *row, size_t col_index)
{
    if (row->n_fields == 0) {
        return here(reader, row->line, 0);
    }
    const struct cells *cells = row == &reader->header ? &reader->header_cells : &reader->cells;
    if (col_index < row->n_fields) {
        struct ts_span at = here(reader, cells->lines[col_index], row->fields[col_index].col);
        at.len = (uint32_t)row->fields[col_index].len;
        return at;
    }
    const struct ts_csv_field *last = &row->fields[row->n_fields - 1];
    return here(reader, cells->lines[row->n_fields - 1], (uint64_t)last->col + last->len);
}
