/* Hides the shortcut for what nearly all rows of a trace are: one pass over a line, and no copy. All bytes that mean
 * something to a CSV parser (LF, CR, comma, quote, NUL, blank) are at most ',' as numbers, and so are few others;
 * digits and letters are above. Eight bytes are looked at together: with ones = 0x0101..., (w - n ones) & ~w & 0x80
 * ones is not 0 if a byte of w is below n, and its lowest bit stands in the first such byte (S. Anderson, "Bit
 * twiddling hacks"). */
#include "base/csv_plain.h"

#include <stdbool.h>
#include <stdint.h>

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t';
}

/* The eight bytes, the first lowest: written out, compilers make one load of it. */
static inline uint64_t word_at(const unsigned char *data)
{
    const uint64_t low = data[0] | (uint64_t)data[1] << 8 | (uint64_t)data[2] << 16 | (uint64_t)data[3] << 24;
    return low | (uint64_t)data[4] << 32 | (uint64_t)data[5] << 40 | (uint64_t)data[6] << 48 | (uint64_t)data[7] << 56;
}

static inline size_t lowest_byte(uint64_t word)
{
#if defined(__GNUC__)
    return (size_t)__builtin_ctzll(word) / 8;
#else
    size_t i = 0;
    while ((word & 0xff) == 0) {
        word >>= 8;
        i++;
    }
    return i;
#endif
}

/* The first byte from `i` on that is at most ','; len if there is none. */
static inline size_t next_special(const unsigned char *data, size_t i, size_t len)
{
    const uint64_t ones = 0x0101010101010101ULL;
    for (; i + 8 <= len; i += 8) {
        const uint64_t word = word_at(data + i);
        const uint64_t below = (word - (',' + 1) * ones) & ~word & 0x80 * ones;
        if (below != 0) {
            return i + lowest_byte(below);
        }
    }
    while (i < len && data[i] > ',') {
        i++;
    }
    return i;
}

/* The quote that closes the one at `begin`, if it ends the field and text alone lies between; else `begin`. */
static size_t closing_quote(const unsigned char *data, size_t begin, size_t len)
{
    size_t i = begin + 1;
    while (i < len && data[i] != '"' && data[i] >= ' ') {
        i++;
    }
    const bool closes = i + 1 < len && data[i] == '"';
    return closes && (data[i + 1] == ',' || data[i + 1] == '\n' || data[i + 1] == '\r') ? i : begin;
}

/* Notes the field [begin, end) of the row; false if it must be left to a parser. */
static bool take_field(const unsigned char *data, size_t begin, size_t end, struct ts_csv_field *field)
{
    if (end > begin && (is_blank(data[begin]) || is_blank(data[end - 1]))) {
        return false;
    }
    const size_t quotes = end > begin && data[begin] == '"';
    *field = (struct ts_csv_field){
        .data = (const char *)data + begin + quotes, .len = end - begin - 2 * quotes, .col = (uint32_t)(begin + 1)};
    return true;
}

/* Writes the NULs after the fields. */
static void seal(unsigned char *data, const struct ts_csv_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        data[fields[i].data - (const char *)data + (ptrdiff_t)fields[i].len] = '\0';
    }
}

size_t ts_csv_plain_row(unsigned char *data, size_t len, struct ts_csv_field *fields, size_t cap, size_t *n)
{
    size_t n_fields = 0;
    size_t begin = 0;
    for (size_t i = next_special(data, 0, len); i < len; i = next_special(data, i + 1, len)) {
        const unsigned char c = data[i];
        if (c == ' ') {
            continue;
        }
        const bool is_crlf = c == '\r' && i + 1 < len && data[i + 1] == '\n';
        if (c != ',' && c != '\n' && !is_crlf) {
            const size_t quote = c == '"' && i == begin ? closing_quote(data, i, len) : i;
            if (c < ' ' || (c == '"' && quote == i)) {
                return 0;
            }
            i = quote;
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
