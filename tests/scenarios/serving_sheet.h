/* A table of recordings, row by row, in the words of its source. */
#ifndef TS_TESTS_SERVING_SHEET_H
#define TS_TESTS_SERVING_SHEET_H

#include <stdlib.h>

#include "base/csv.h"

struct sheet {
    struct ts_csv_reader *csv;
    const struct ts_csv_row *row;
};

static inline const char *text(const struct sheet *sheet, const char *column)
{
    return sheet->row->fields[ts_csv_column(sheet->csv, column)].data;
}

static inline double number(const struct sheet *sheet, const char *column)
{
    return strtod(text(sheet, column), NULL);
}

/* The mean of lengths that InferenceX draws at 0.8 to 1.0 of that many tokens. */
static inline double drawn(double length)
{
    return length == 1024.0 || length == 8192.0 ? 0.9 * length : length;
}

#endif
