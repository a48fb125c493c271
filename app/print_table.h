/* Tables on stdout, in the format that the user wants. */
#ifndef TS_APP_PRINT_TABLE_H
#define TS_APP_PRINT_TABLE_H

#include "app/options.h"
#include "reports/table.h"

/* The row of the option, whose default is "text". */
#define TS_OPTION_TABLE_FORMAT(type, field)                                                                            \
    {                                                                                                                  \
        "format", 'f', TS_INTO(type, field), "NAME", "text, md, csv, json or html"                                     \
    }

/* TS_EUSAGE for another name. */
enum ts_status ts_print_format(enum ts_table_format *out, const char *name, struct ts_diags *diags);

/* Prints and destroys; TS_ENOMEM if a cell found no memory, or the table itself (NULL). */
enum ts_status ts_print_table(struct ts_table *table, enum ts_table_format format);

#endif
