/* Hides when a field of a CSV line needs quotes (RFC 4180, and blanks at its edges, which readers drop). */
#include "base/csv.h"

#include <string.h>

void ts_csv_put(struct ts_text *out, const char *field, bool first)
{
    size_t len = strlen(field);
    bool blank_edge = len > 0 && (strchr(" \t", field[0]) != NULL || strchr(" \t", field[len - 1]) != NULL);
    if (!first) {
        ts_text_append(out, ",", 1);
    }
    if (!blank_edge && strpbrk(field, ",\"\r\n") == NULL) {
        ts_text_append(out, field, len);
        return;
    }
    ts_text_append(out, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        ts_text_append(out, field + i, 1);
        if (field[i] == '"') {
            ts_text_append(out, "\"", 1);
        }
    }
    ts_text_append(out, "\"", 1);
}
