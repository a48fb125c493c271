/* Rows of a CSV file that need no parser: no quotes within fields, no blanks around them, all of it in the buffer. For
 * base/csv. */
#ifndef TS_BASE_CSV_PLAIN_H
#define TS_BASE_CSV_PLAIN_H

#include <stddef.h>

#include "base/csv.h"

/* If data begins with a whole row (up to and with its LF or CRLF) in which every field stands for itself, splits it in
 * place: fields[0..*n) point into data, a NUL after each. Returns the length of the row with its line end; 0, with
 * data as it was, for any other row (quotes but those around a whole field, blanks at the ends of one, control
 * characters, a blank line, more than cap fields, or a line that goes on after len). */
size_t ts_csv_plain_row(unsigned char *data, size_t len, struct ts_csv_field *fields, size_t cap, size_t *n);

#endif
