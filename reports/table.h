/* Tables: rows of cells that render as aligned text, Markdown, CSV, JSON or HTML. What every report and every bench
 * listing is made of. */
#ifndef TS_REPORTS_TABLE_H
#define TS_REPORTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/text.h"

enum ts_table_format { TS_TABLE_TEXT, TS_TABLE_MARKDOWN, TS_TABLE_CSV, TS_TABLE_JSON, TS_TABLE_HTML };

/* "text", "md", "csv", "json", "html"; false if unknown. */
bool ts_table_format_parse(enum ts_table_format *out, const char *name);

struct ts_table; /* a failed allocation is remembered and reported by ts_table_render */

/* NULL when out of memory; every function takes that for a table that has failed. */
struct ts_table *ts_table_create(const char *title);
void ts_table_destroy(struct ts_table *table);

/* Columns: a header each, right_aligned for numbers. CSV and JSON use the header as key (lower case, blanks to _). */
void ts_table_column(struct ts_table *table, const char *header, bool right_aligned);
/* The same for n of them, the first n_left of which hold text. */
void ts_table_columns(struct ts_table *table, const char *const *headers, size_t n, size_t n_left);

/* Starts a row; then one put per column. Missing cells are empty. */
void ts_table_row(struct ts_table *table);
void ts_table_put(struct ts_table *table, const char *string);
void ts_table_putf(struct ts_table *table, const char *fmt, ...) TS_PRINTF(2, 3);
/* A number: text, Markdown and HTML show `digits` significant digits (ts_text_number), CSV and JSON the exact value.
 * NaN shows as "-" or empty, INFINITY as "never" or "inf". */
void ts_table_num(struct ts_table *table, double value, int digits);

enum ts_status ts_table_render(const struct ts_table *table, enum ts_table_format format, struct ts_text *out);

#endif
