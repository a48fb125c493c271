/* Hides when a field of a CSV line needs quotes (RFC 4180, and blanks at its edges, which readers drop), and which
 * texts a spreadsheet would run: one that begins with = + - @, a tab or a line end is a formula there, and "=cmd|'/C
 * calc'!A0" as the name of a class starts a program (OWASP, "CSV injection"). An apostrophe in front makes it a text. A
 * number is one with its sign, too. */
#include "base/csv.h"

#include <math.h>
#include <string.h>

bool ts_csv_is_formula(const char *field)
{
    double number;
    return field[0] != '\0' && strchr("=+-@\t\r\n", field[0]) != NULL &&
           !ts_parse_double(&number, field, strlen(field));
}

static void put_quoted(struct ts_text *out, const char *field, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ts_text_append(out, field + i, 1);
        if (field[i] == '"') {
            ts_text_append(out, "\"", 1);
        }
    }
}

void ts_csv_put(struct ts_text *out, const char *field, bool first)
{
    const size_t len = strlen(field);
    const bool blank_edge = len > 0 && (strchr(" \t", field[0]) != NULL || strchr(" \t", field[len - 1]) != NULL);
    const bool quoted = blank_edge || strpbrk(field, ",\"\r\n") != NULL;
    ts_text_puts(out, first ? "" : ",");
    ts_text_puts(out, quoted ? "\"" : "");
    ts_text_puts(out, ts_csv_is_formula(field) ? "'" : "");
    if (quoted) {
        put_quoted(out, field, len);
    } else {
        ts_text_append(out, field, len);
    }
    ts_text_puts(out, quoted ? "\"" : "");
}

void ts_csv_put_number(struct ts_text *out, double value, bool first)
{
    ts_text_puts(out, first ? "" : ",");
    if (!isnan(value)) {
        ts_text_double(out, value);
    }
}
