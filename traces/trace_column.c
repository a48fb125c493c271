/* Hides how what a file calls a column is held against what it may be called. */
#include <string.h>

#include "traces/trace_format.h"

/* Lower case; '\0' for a sign or blank. Bytes of other alphabets stand for themselves. */
static char plain(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
    return kept ? c : '\0';
}

bool ts_trace_name_is(const char *name, size_t len, const char *other)
{
    size_t i = 0;
    for (;;) {
        while (i < len && plain(name[i]) == '\0') {
            i++;
        }
        while (*other && plain(*other) == '\0') {
            other++;
        }
        if (i == len || !*other) {
            return i == len && !*other;
        }
        if (plain(name[i++]) != plain(*other++)) {
            return false;
        }
    }
}

/* "(ms)", "[tokens]", "(UTC)" at the end: the length without it. */
static size_t without_unit(const char *column, size_t len)
{
    static const char *const units[] = {"s",
                                        "sec",
                                        "seconds",
                                        "ms",
                                        "milliseconds",
                                        "us",
                                        "microseconds",
                                        "ns",
                                        "nanoseconds",
                                        "utc",
                                        "gmt",
                                        "tok",
                                        "tokens",
                                        "count",
                                        "n",
                                        "",
                                        NULL};
    size_t open = len;
    if (len == 0 || (column[len - 1] != ')' && column[len - 1] != ']')) {
        return len;
    }
    while (open > 0 && column[open - 1] != '(' && column[open - 1] != '[') {
        open--;
    }
    for (size_t i = 0; open > 0 && units[i]; i++) {
        if (ts_trace_name_is(column + open, len - open, units[i])) {
            return open - 1;
        }
    }
    return len;
}

bool ts_trace_column_is(const char *name, size_t len, const char *column)
{
    static const char *const before[] = {"", "attributes", "spanattributes", "tags", NULL};
    const size_t column_len = without_unit(column, strlen(column));
    for (size_t i = 0; before[i]; i++) {
        size_t at = 0, n_left = strlen(before[i]);
        for (; n_left > 0 && at < column_len && plain(column[at]) == before[i][strlen(before[i]) - n_left]; at++) {
            n_left--;
        }
        char rest[96];
        const bool begins = n_left == 0 && (at == 0 || (at < column_len && plain(column[at]) == '\0'));
        if (begins && column_len - at < sizeof rest) {
            memcpy(rest, column + at, column_len - at);
            rest[column_len - at] = '\0';
            if (ts_trace_name_is(name, len, rest)) {
                return true;
            }
        }
    }
    return false;
}
