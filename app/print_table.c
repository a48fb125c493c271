/* Hides where tables go. */
#include "app/print_table.h"

#include <stdio.h>

enum ts_status ts_print_format(enum ts_table_format *out, const char *name, struct ts_diags *diags)
{
    return ts_table_format_parse(out, name)
               ? TS_OK
               : ts_fail(diags, TS_EUSAGE, ts_span_none(), "text, md, csv, json or html", "unknown format '%s'", name);
}

enum ts_status ts_print_table(struct ts_table *table, enum ts_table_format format)
{
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = ts_table_render(table, format, &text);
    if (status == TS_OK) {
        puts(text.data);
    }
    ts_text_deinit(&text);
    ts_table_destroy(table);
    return status;
}
