/* CSV over libcsv in strict mode: a streaming reader that addresses columns by name and knows its line, and a writer.
 * Handles a byte-order mark, LF and CRLF, a missing final newline, quoted fields. Rejects: a stray quote, a NUL byte, a
 * row of the wrong length (unless `ragged`; fields at its end that are empty do not make it too long), a row over 1
 * MiB. gzip is read transparently. */
#ifndef TS_BASE_CSV_H
#define TS_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/progress.h"

struct ts_csv_reader; /* memory does not grow with the file */

struct ts_csv_field {
    const char *data; /* NUL-terminated here, valid until the next row */
    size_t len;
    uint32_t col; /* byte column in its line, from 1; quotes included */
};

struct ts_csv_row {
    const struct ts_csv_field *fields;
    size_t n_fields;
    uint64_t line; /* of the row's first byte, from 1 */
};

/* Opens `path` and, if has_header, reads the header row. */
enum ts_status ts_csv_open(struct ts_csv_reader **out, const char *path, bool has_header, struct ts_diags *diags);
/* The same with another separator than a comma: ';', '\t', '|', and a header after n_skipped lines. */
enum ts_status ts_csv_open_separated(struct ts_csv_reader **out, const char *path, char separator, uint32_t n_skipped,
                                     struct ts_diags *diags);
/* The same over text in memory, which is copied. */
enum ts_status ts_csv_open_text(struct ts_csv_reader **out, const char *name, const char *data, size_t len,
                                bool has_header, struct ts_diags *diags);
/* Of a file: see ts_gzip_watch. */
void ts_csv_watch(struct ts_csv_reader *reader, const struct ts_progress *progress);
void ts_csv_close(struct ts_csv_reader *reader);
/* From here on rows may have any number of fields. */
void ts_csv_allow_ragged(struct ts_csv_reader *reader);

/* The header; n_fields = 0 without one. */
const struct ts_csv_row *ts_csv_header(const struct ts_csv_reader *reader);
/* Index of a column by exact name, or -1. */
int ts_csv_column(const struct ts_csv_reader *reader, const char *name);

/* Next row that is not blank: TS_OK with *row set, TS_OK with *row = NULL at the end, or an error with a diagnostic.
 * After a row of the wrong length the reader goes on with the row after it; any other error is final and is returned
 * again, without a second diagnostic. */
enum ts_status ts_csv_next(struct ts_csv_reader *reader, const struct ts_csv_row **row, struct ts_diags *diags);

/* Where a field of the current row stands, for diagnostics. col_index beyond the row points at its end. */
struct ts_span ts_csv_span(const struct ts_csv_reader *reader, const struct ts_csv_row *row, size_t col_index);

/* Appends one text to a CSV line, quoted only if it must be (comma, quote, CR, LF, leading or trailing blank); one that
 * a spreadsheet would run as a formula gets an apostrophe in front. */
void ts_csv_put(struct ts_text *out, const char *field, bool first);
/* Would it? */
bool ts_csv_is_formula(const char *field);
/* The shortest decimals that read back exactly; NaN is an empty field. */
void ts_csv_put_number(struct ts_text *out, double value, bool first);

#endif
