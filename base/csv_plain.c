/* Hides the shortcut for what nearly all rows of a trace are: one pass over the bytes of a line, and no copy. All bytes
 * that mean something to a CSV parser (LF, CR, comma, quote, NUL, blank) are at most ',' as numbers, and so are few
 * others; digits and letters are above. */
#include "base/csv_plain.h"

#include <stdbool.h>

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t';
}

/* Notes the field [begin, end) of the row; false if it must be left to a parser. */
static bool take_field(const unsigned char *data, size_t begin, size_t end, struct ts_csv_field *field)
{
    if (end > begin && (is_blank(data[begin]) || is_blank(data[end - 1]))) {
        return false;
    }
    *field =
        (struct ts_csv_field){.data = (const char *)data + begin, .len = end - begin, .col = (uint32_t)(begin + 1)};
    return true;
}

/* Writes the NULs behind the fields. */
static void seal(unsigned char *data, const struct ts_csv_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        data[fields[i].col - 1 + fields[i].len] = '\0';
    }
}

size_t ts_csv_plain_row(unsigned char *data, size_t len, struct ts_csv_field *fields, size_t cap, size_t *n)
{
    size_t n_fields = 0;
    size_t begin = 0;
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = data[i];
        if (c > ',' || c == ' ') {
            continue;
        }
        const bool is_crlf = c == '\r' && i + 1 < len && data[i + 1] == '\n';
        if (c != ',' && c != '\n' && !is_crlf) {
            if (c == '"' || c < ' ') {
                return 0;
            }
            continue;
        }
        if ((c != ',' && i == 0) || n_fields == cap || !take_field(data, begin, i, &fields[n_fields])) {
            return 0;
        }
        n_fields++;
        begin = i + 1;
        if (c != ',') {
            seal(data, fields, n_fields);
            *n = n_fields;
            return begin + (is_crlf ? 1 : 0);
        }
    }
    return 0;
}
