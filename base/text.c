/* Hides how text grows and how numbers become text and back without regard to the locale.
 *
 * Numbers are read by Clinger's fast path ("How to read floating point numbers accurately", PLDI 1990): at most 15
 * digits and a power of ten within 10^22 are both exact doubles, so one multiplication or division rounds once; the
 * rest goes to strtod. Written numbers try 15, 16 and 17 digits: 15 digits always survive the way into a double, 17
 * always suffice for the way back. */
#include "base/text.h"

#include <ctype.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TEXT_FIRST_CAP = 64, NUMBER_MAX = 1100, WORD_MAX = 48, FAST_DIGITS = 15, FAST_EXPONENT = 22 };

static const size_t text_max_bytes = (size_t)1 << 30;
static const char empty_text[1] = "";

/* The shared "" is never written: cap = 0 says so. */
static char *empty_data(void)
{
    return (char *)(uintptr_t)empty_text;
}

void ts_text_init(struct ts_text *text)
{
    *text = (struct ts_text){.data = empty_data()};
}

void ts_text_deinit(struct ts_text *text)
{
    if (text->cap > 0) {
        free(text->data);
    }
    ts_text_init(text);
}

void ts_text_clear(struct ts_text *text)
{
    text->len = 0;
    text->failed = false;
    if (text->cap > 0) {
        text->data[0] = '\0';
    }
}

/* Room for `extra` more bytes and the NUL; false (and failed) if there is none. */
static bool reserve(struct ts_text *text, size_t extra)
{
    if (text->failed) {
        return false;
    }
    if (extra > text_max_bytes - text->len - 1) {
        text->failed = true;
        return false;
    }
    size_t need = text->len + extra + 1;
    if (need <= text->cap) {
        return true;
    }
    size_t cap = text->cap > 0 ? text->cap : TEXT_FIRST_CAP;
    while (cap < need) {
        cap *= 2;
    }
    char *data = realloc(text->cap > 0 ? text->data : NULL, cap);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    data[text->len] = '\0';
    text->data = data;
    text->cap = cap;
    return true;
}

void ts_text_append(struct ts_text *text, const char *bytes, size_t len)
{
    if (len == 0 || !reserve(text, len)) {
        return;
    }
    memcpy(text->data + text->len, bytes, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void ts_text_puts(struct ts_text *text, const char *string)
{
    ts_text_append(text, string, strlen(string));
}

void ts_text_printf(struct ts_text *text, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    ts_text_vprintf(text, fmt, args);
    va_end(args);
}

void ts_text_vprintf(struct ts_text *text, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    if (len < 0) {
        text->failed = true;
    } else if (len > 0 && reserve(text, (size_t)len)) {
        vsnprintf(text->data + text->len, (size_t)len + 1, fmt, again);
        text->len += (size_t)len;
    }
    va_end(again);
}

/* snprintf of one double with '.' as the point in every locale. */
static size_t print_double(char *buffer, size_t size, char conversion, int precision, double value)
{
    const char *fmt = conversion == 'e' ? "%.*e" : conversion == 'f' ? "%.*f" : "%.*g";
    int len = snprintf(buffer, size, fmt, precision, value);
    if (len < 0 || (size_t)len >= size) {
        buffer[0] = '\0';
        return 0;
    }
    size_t kept = 0;
    bool in_point = false;
    for (int i = 0; i < len; i++) {
        bool plain = buffer[i] != '\0' && strchr("0123456789+-e", buffer[i]) != NULL;
        if (plain) {
            buffer[kept++] = buffer[i];
        } else if (!in_point) {
            buffer[kept++] = '.';
        }
        in_point = !plain;
    }
    buffer[kept] = '\0';
    return kept;
}

static bool put_not_finite(struct ts_text *text, double value)
{
    if (isfinite(value)) {
        return false;
    }
    ts_text_puts(text, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    return true;
}

void ts_text_double(struct ts_text *text, double value)
{
    if (put_not_finite(text, value)) {
        return;
    }
    char buffer[40];
    if (fabs(value) < 1e15 && value == (double)(int64_t)value && !(value == 0.0 && signbit(value))) {
        int len = snprintf(buffer, sizeof buffer, "%lld", (long long)value);
        ts_text_append(text, buffer, (size_t)len);
        return;
    }
    size_t len = 0;
    /* subnormals have fewer digits than 15 to begin with */
    for (int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
        len = print_double(buffer, sizeof buffer, 'g', digits, value);
        double back = 0.0;
        if (ts_parse_double(&back, buffer, len) && back == value) {
            break;
        }
    }
    ts_text_append(text, buffer, len);
}

/* Drops zeros after the point, and the point: "4.500" -> "4.5", "3.000e-09" -> "3e-09". Returns the new length. */
static size_t trim_fraction(char *buffer, size_t len)
{
    char *point = strchr(buffer, '.');
    if (point == NULL) {
        return len;
    }
    char *end = point + 1 + strspn(point + 1, "0123456789");
    char *keep = end;
    while (keep[-1] == '0') {
        keep--;
    }
    if (keep[-1] == '.') {
        keep--;
    }
    memmove(keep, end, strlen(end) + 1);
    return strlen(buffer);
}

static void append_grouped(struct ts_text *text, const char *number)
{
    if (*number == '-') {
        ts_text_append(text, number++, 1);
    }
    size_t whole = strspn(number, "0123456789");
    for (size_t i = 0; i < whole; i++) {
        if (whole >= 5 && i > 0 && (whole - i) % 3 == 0) {
            ts_text_append(text, ",", 1);
        }
        ts_text_append(text, number + i, 1);
    }
    ts_text_puts(text, number + whole);
}

void ts_text_number(struct ts_text *text, double value, int digits)
{
    if (put_not_finite(text, value)) {
        return;
    }
    if (value == 0.0) {
        ts_text_puts(text, "0");
        return;
    }
    digits = digits < 1 ? 1 : digits > DBL_DECIMAL_DIG ? DBL_DECIMAL_DIG : digits;
    char buffer[64];
    size_t len = print_double(buffer, sizeof buffer, 'e', digits - 1, value);
    const char *e = strchr(buffer, 'e');
    int exponent = e != NULL ? (int)strtol(e + 1, NULL, 10) : 0; /* of the rounded value */
    if (exponent >= -4 && exponent < 15) {
        int decimals = digits - 1 - exponent;
        len = print_double(buffer, sizeof buffer, 'f', decimals > 0 ? decimals : 0, value);
    }
    trim_fraction(buffer, len);
    append_grouped(text, buffer);
}

static size_t count_chars(const char *string, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        n += ((unsigned char)string[i] & 0xC0) != 0x80;
    }
    return n;
}

/* A word, and the blank before it; a number with what it counts. */
static size_t word_to_wrap(const char *string)
{
    size_t len = strcspn(string + 1, " ") + 1;
    const bool is_number = string[len - 1] >= '0' && string[len - 1] <= '9';
    return is_number && string[len] == ' ' ? len + strcspn(string + len + 1, " ") + 1 : len;
}

void ts_text_wrap(struct ts_text *text, const char *string, size_t width, size_t indent)
{
    for (size_t column = 0, len; *string; string += len) {
        len = word_to_wrap(string);
        const size_t n = count_chars(string, len);
        if (column > 0 && *string == ' ' && column + n > width) {
            ts_text_printf(text, "\n%*s", (int)indent, "");
            ts_text_append(text, string + 1, len - 1);
            column = indent + n - 1;
        } else {
            ts_text_append(text, string, len);
            column += n;
        }
    }
}

bool ts_str_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool ts_str_has_prefix(const char *string, const char *prefix)
{
    return strncmp(string, prefix, strlen(prefix)) == 0;
}

bool ts_str_has_suffix(const char *string, const char *suffix)
{
    size_t len = strlen(string);
    size_t suffix_len = strlen(suffix);
    return len >= suffix_len && strcmp(string + len - suffix_len, suffix) == 0;
}

/* What a decimal is made of. `digits` is exact only while n_digits <= 19. */
struct decimal {
    bool negative;
    uint64_t digits;
    int n_digits; /* from the first that is not zero */
    long exponent;
};

static size_t scan_digits(struct decimal *d, const char *string, size_t len, bool fraction)
{
    size_t i = 0;
    for (; i < len && string[i] >= '0' && string[i] <= '9'; i++) {
        d->digits = d->digits * 10 + (uint64_t)(string[i] - '0');
        d->n_digits += d->n_digits > 0 || string[i] != '0';
        d->exponent -= fraction;
    }
    return i;
}

static bool scan_exponent(struct decimal *d, const char *string, size_t len)
{
    bool negative = len > 0 && string[0] == '-';
    size_t i = len > 0 && (string[0] == '-' || string[0] == '+');
    if (i == len) {
        return false;
    }
    long exponent = 0;
    for (; i < len; i++) {
        if (string[i] < '0' || string[i] > '9') {
            return false;
        }
        exponent = exponent < 100000 ? exponent * 10 + (string[i] - '0') : exponent;
    }
    d->exponent += negative ? -exponent : exponent;
    return true;
}

/* [+-] digits [. digits] [e [+-] digits], at least one digit before the e. */
static bool scan_decimal(struct decimal *d, const char *string, size_t len)
{
    *d = (struct decimal){.negative = len > 0 && string[0] == '-'};
    size_t i = len > 0 && (string[0] == '-' || string[0] == '+');
    size_t n = scan_digits(d, string + i, len - i, false);
    i += n;
    if (i < len && string[i] == '.') {
        size_t n_fraction = scan_digits(d, string + i + 1, len - i - 1, true);
        i += 1 + n_fraction;
        n += n_fraction;
    }
    if (n == 0) {
        return false;
    }
    if (i < len && (string[i] == 'e' || string[i] == 'E')) {
        return scan_exponent(d, string + i + 1, len - i - 1);
    }
    return i == len;
}

/* strtod with this locale's point put in for '.'. */
static bool parse_with_strtod(double *out, const char *string, size_t len)
{
    const char *point = localeconv()->decimal_point;
    size_t point_len = strlen(point);
    char buffer[NUMBER_MAX + 16];
    if (len > NUMBER_MAX || point_len > 8) {
        return false;
    }
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (string[i] == '.') {
            memcpy(buffer + n, point, point_len);
            n += point_len;
        } else {
            buffer[n++] = string[i];
        }
    }
    buffer[n] = '\0';
    char *end = NULL;
    double value = strtod(buffer, &end);
    if (end != buffer + n || !isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}

bool ts_parse_double(double *out, const char *string, size_t len)
{
    static const double power_of_ten[FAST_EXPONENT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                           1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                           1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal d;
    if (!scan_decimal(&d, string, len)) {
        return false;
    }
    if (d.n_digits > FAST_DIGITS || d.exponent < -FAST_EXPONENT || d.exponent > FAST_EXPONENT) {
        return parse_with_strtod(out, string, len);
    }
    double value = (double)d.digits;
    value = d.exponent < 0 ? value / power_of_ten[-d.exponent] : value * power_of_ten[d.exponent];
    *out = d.negative ? -value : value;
    return true;
}

bool ts_parse_u64(uint64_t *out, const char *string, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        if (string[i] < '0' || string[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(string[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (len == 0) {
        return false;
    }
    *out = value;
    return true;
}

static int lower(char c)
{
    return tolower((unsigned char)c);
}

static int min3(int a, int b, int c)
{
    int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Damerau-Levenshtein, optimal string alignment: insert, delete, replace, swap of neighbours; case is ignored. */
static int edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = (int)j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        const int *before = rows[(i + 1) % 3];
        const int *last = rows[(i + 2) % 3];
        int *row = rows[i % 3];
        row[0] = (int)i;
        for (size_t j = 1; j <= b_len; j++) {
            int differs = lower(a[i - 1]) != lower(b[j - 1]);
            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + differs);
            bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped && before[j - 2] + 1 < row[j]) {
                row[j] = before[j - 2] + 1;
            }
        }
    }
    return rows[a_len % 3][b_len];
}

const char *ts_suggest(const char *word, const char *const *candidates, size_t n_candidates)
{
    size_t len = strlen(word);
    if (len == 0 || len > WORD_MAX) {
        return NULL;
    }
    int limit = len < 3 ? 1 : (int)(len / 3);
    if (len == 1) {
        limit = 0; /* one wrong letter of one is another word */
    }
    const char *best = NULL;
    for (size_t i = 0; i < n_candidates; i++) {
        size_t candidate_len = strlen(candidates[i]);
        if (candidate_len > WORD_MAX) {
            continue;
        }
        int distance = edit_distance(word, len, candidates[i], candidate_len);
        if (distance <= limit) {
            best = candidates[i];
            limit = distance - 1;
        }
    }
    return best;
}
