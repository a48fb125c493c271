/* Hides what programs write as JSON that is none, and how it is read all the same: NaN, Infinity, nan, inf (Python,
 * Go), whole numbers beyond 63 bits (hashes), numbers beyond a double, keys that are there twice (the last counts),
 * \u0000, half a surrogate pair, bytes that are not UTF-8. A text that is strict JSON costs nothing; any other is
 * rewritten once: null for what is no number, quotes around what is too large (it keeps its digits), U+FFFD for what is
 * no character. */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAFE_DIGITS = 18, ESCAPE_LEN = 6 };

struct scan {
    const char *at, *end;
    struct ts_text *out;
};

static bool is_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* A number or a word outside of strings. */
static void put_word(struct scan *scan)
{
    static const char *const words[] = {"true", "false", "null"};
    const char *begin = scan->at;
    while (scan->at < scan->end && !is_in(*scan->at, " \t\r\n,:{}[]\"") && *scan->at != '\0') {
        scan->at++;
    }
    const size_t len = (size_t)(scan->at - begin);
    const char *digits = *begin == '-' ? begin + 1 : begin;
    const size_t n_digits = strspn(digits, "0123456789");
    double value = 0.0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], begin, len) == 0) {
            ts_text_append(scan->out, begin, len);
            return;
        }
    }
    if (n_digits > SAFE_DIGITS && digits + n_digits == scan->at) {
        ts_text_printf(scan->out, "\"%.*s\"", (int)len, begin);
    } else if (n_digits > 0 && ts_parse_double(&value, begin, len) && isfinite(value)) {
        ts_text_append(scan->out, begin, len);
    } else if (n_digits > 0 && !is_in(begin[len - 1], "0123456789")) {
        ts_text_append(scan->out, begin, len); /* 12x: a mistake, and to be told as that */
    } else if (len == 0) {
        ts_text_append(scan->out, scan->at++, 1);
    } else {
        ts_text_puts(scan->out, "null");
    }
}

/* The four digits of an escape; -1 if they are none. */
static long code_of(const char *at, const char *end)
{
    long code = 0;
    if (end - at < ESCAPE_LEN || at[0] != '\\' || at[1] != 'u') {
        return -1;
    }
    for (int i = 2; i < ESCAPE_LEN; i++) {
        const char *hex = "0123456789abcdef";
        const char *digit = at[i] ? strchr(hex, at[i] >= 'A' && at[i] <= 'F' ? at[i] + 32 : at[i]) : NULL;
        if (digit == NULL) {
            return -1;
        }
        code = 16 * code + (long)(digit - hex);
    }
    return code;
}

static void put_escape(struct scan *scan)
{
    const long code = code_of(scan->at, scan->end);
    const bool high = code >= 0xd800 && code <= 0xdbff, low = code >= 0xdc00 && code <= 0xdfff;
    const long next = high ? code_of(scan->at + ESCAPE_LEN, scan->end) : -1;
    if (high && next >= 0xdc00 && next <= 0xdfff) {
        ts_text_append(scan->out, scan->at, 2 * (size_t)ESCAPE_LEN);
        scan->at += 2 * (ptrdiff_t)ESCAPE_LEN;
    } else if (code == 0 || high || low) {
        ts_text_puts(scan->out, "\\ufffd");
        scan->at += ESCAPE_LEN;
    } else {
        const size_t len = scan->end - scan->at >= 2 ? 2 : 1;
        ts_text_append(scan->out, scan->at, len);
        scan->at += len;
    }
}

static void put_string(struct scan *scan)
{
    ts_text_append(scan->out, scan->at++, 1);
    while (scan->at < scan->end && *scan->at != '"') {
        const unsigned char c = (unsigned char)*scan->at;
        const size_t len = ts_json_utf8_length(scan->at, (size_t)(scan->end - scan->at));
        if (c == '\\') {
            put_escape(scan);
        } else if (len == 0) {
            ts_text_puts(scan->out, "\\ufffd");
            scan->at++;
        } else if (c < 0x20) {
            ts_text_puts(scan->out, " ");
            scan->at++;
        } else {
            ts_text_append(scan->out, scan->at, len);
            scan->at += len;
        }
    }
    if (scan->at < scan->end) {
        ts_text_append(scan->out, scan->at++, 1);
    }
}

static void rewrite(struct ts_text *out, const char *data, size_t len)
{
    struct scan scan = {data, data + len, out};
    while (scan.at < scan.end) {
        if (*scan.at == '"') {
            put_string(&scan);
        } else if (is_in(*scan.at, " \t\r\n,:{}[]")) {
            ts_text_append(out, scan.at++, 1);
        } else {
            put_word(&scan);
        }
    }
}

enum ts_status ts_json_parse_lenient(struct ts_json_doc *out, const char *name, const char *data, size_t len)
{
    enum ts_status status = ts_json_parse(out, name, data, len, NULL);
    if (status != TS_EINPUT) {
        return status;
    }
    struct ts_text text;
    ts_text_init(&text);
    rewrite(&text, data, len);
    status = text.failed ? TS_ENOMEM : ts_json_parse_last(out, name, text.data, text.len);
    ts_text_deinit(&text);
    return status;
}
