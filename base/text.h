/* Growable text and small string helpers. A ts_text is a NUL-terminated buffer that grows; after a failed allocation it
 * stays valid, ignores further appends and reports `failed`, so that callers check once at the end. */
#ifndef TS_BASE_TEXT_H
#define TS_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TS_PRINTF(fmt_index, first_arg) __attribute__((format(printf, fmt_index, first_arg)))
#else
#define TS_PRINTF(fmt_index, first_arg)
#endif

struct ts_text {
    char *data; /* "" until something is appended */
    size_t len;
    size_t cap;
    bool failed;
};

void ts_text_init(struct ts_text *text);
void ts_text_deinit(struct ts_text *text);
void ts_text_clear(struct ts_text *text);
void ts_text_append(struct ts_text *text, const char *bytes, size_t len);
void ts_text_puts(struct ts_text *text, const char *string);
void ts_text_printf(struct ts_text *text, const char *fmt, ...) TS_PRINTF(2, 3);
void ts_text_vprintf(struct ts_text *text, const char *fmt, va_list args) TS_PRINTF(2, 0);

/* The shortest decimal that reads back as exactly `value` (at most 17 digits): deterministic, locale-free output of
 * numbers. "nan", "inf", "-inf" for the others. */
void ts_text_double(struct ts_text *text, double value);

/* For people: `digits` significant digits, thousands separated by commas from 10,000 on ("19,366", "0.0423",
 * "1.2e-09"). */
void ts_text_number(struct ts_text *text, double value, int digits);

/* Appends `string`, which stands at the beginning of a line, broken at blanks so that no line is longer than `width`
 * characters (UTF-8), unless one word is; a number stays with the word after it; further lines begin with `indent`
 * blanks. */
void ts_text_wrap(struct ts_text *text, const char *string, size_t width, size_t indent);

bool ts_str_equal(const char *a, const char *b);
bool ts_str_has_prefix(const char *string, const char *prefix);
bool ts_str_has_suffix(const char *string, const char *suffix);

/* Strict number parsing of a whole string of `len` bytes (no leading or trailing blanks, no hex, no inf/nan, '.' as the
 * point whatever the locale). False and `*out` untouched if it is not one or does not fit. */
bool ts_parse_double(double *out, const char *string, size_t len);
bool ts_parse_u64(uint64_t *out, const char *string, size_t len);

/* The candidate nearest to `word` by Damerau-Levenshtein distance without regard to case, or NULL when none is near
 * enough to be what the user meant (distance above a third of the word's length, at least 1). */
const char *ts_suggest(const char *word, const char *const *candidates, size_t n_candidates);

#endif
