/* Hides how a key is recognised in a text that somebody else wrote. A character of it may stand as itself, as \u002d or
 * behind backslashes (JSON, also of JSON within JSON), as %2d (URLs, also twice over), or as an entity (HTML). Base64
 * knows three alignments: 3 bytes are 4 characters, and with p bytes before the key its bits begin in character 8p/6;
 * the characters that hold bits of the key alone are the same whatever stands around it. */
#include "endpoint/secret.h"

#include <stdlib.h>
#include <string.h>

static const char placeholder[] = "[key]";

/* The number in n digits of that base; -1 if they are none. */
static long digits(const char *at, size_t n, int base)
{
    static const char all[] = "0123456789abcdef";
    long value = 0;
    for (size_t i = 0; i < n; i++) {
        const char lower = at[i] >= 'A' && at[i] <= 'F' ? (char)(at[i] - 'A' + 'a') : at[i];
        const char *digit = lower != '\0' ? memchr(all, lower, (size_t)base) : NULL;
        if (!digit) {
            return -1;
        }
        value = base * value + (digit - all);
    }
    return n > 0 ? value : -1;
}

static size_t in_json(const char *at, unsigned char wanted)
{
    const size_t n = strspn(at, "\\");
    if (n == 0) {
        return 0;
    }
    if (at[n] == 'u' && digits(at + n + 1, 4, 16) == wanted) {
        return n + 5;
    }
    if (at[n] == 'x' && digits(at + n + 1, 2, 16) == wanted) {
        return n + 3;
    }
    return (unsigned char)at[n] == wanted ? n + 1 : 0;
}

static size_t in_url(const char *at, unsigned char wanted)
{
    size_t n = at[0] == '%';
    while (n > 0 && at[n] == '2' && at[n + 1] == '5') {
        n += 2;
    }
    return n > 0 && digits(at + n, 2, 16) == wanted ? n + 2 : 0;
}

static size_t in_html(const char *at, unsigned char wanted)
{
    static const struct {
        const char *name;
        unsigned char c;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        if (entities[i].c == wanted && ts_str_has_prefix(at, entities[i].name)) {
            return strlen(entities[i].name);
        }
    }
    if (!ts_str_has_prefix(at, "&#")) {
        return 0;
    }
    const bool hex = at[2] == 'x' || at[2] == 'X';
    const char *number = at + (hex ? 3 : 2);
    const size_t n = strspn(number, hex ? "0123456789abcdefABCDEF" : "0123456789");
    return number[n] == ';' && n <= 6 && digits(number, n, hex ? 16 : 10) == wanted ? (size_t)(number - at) + n + 1 : 0;
}

/* Bytes at `at` that spell the character; 0 if they do not. */
static size_t spelled(const char *at, unsigned char wanted)
{
    if ((unsigned char)at[0] == wanted) {
        return 1;
    }
    size_t n = in_json(at, wanted);
    n = n > 0 ? n : in_url(at, wanted);
    return n > 0 ? n : in_html(at, wanted);
}

/* Bytes at `at` that spell enough of the word, from any of its characters on; as many as can be. */
static size_t run_at(const char *at, const char *word, size_t word_len)
{
    const size_t due = word_len < TS_SECRET_RUN ? word_len : TS_SECRET_RUN;
    size_t longest = 0;
    for (size_t first = 0; first + due <= word_len; first++) {
        size_t n = 0, n_bytes = 0;
        for (size_t step = 1; step > 0 && first + n<word_len; n += step> 0) {
            step = spelled(at + n_bytes, (unsigned char)word[first + n]);
            n_bytes += step;
        }
        longest = n >= due && n_bytes > longest ? n_bytes : longest;
    }
    return longest;
}

static void hide_word(struct ts_text *text, const char *word, size_t word_len)
{
    struct ts_text out;
    ts_text_init(&out);
    for (const char *at = text->data; *at != '\0';) {
        const size_t n = run_at(at, word, word_len);
        if (n == 0) {
            ts_text_append(&out, at, 1);
        } else if (!ts_str_has_suffix(out.data, placeholder)) {
            ts_text_puts(&out, placeholder);
        }
        at += n > 0 ? n : 1;
    }
    ts_text_clear(text);
    ts_text_puts(text, out.data);
    text->failed = text->failed || out.failed;
    ts_text_deinit(&out);
}

/* The characters of base64 that the secret alone decides with `before` bytes in front of it; their number. */
static size_t encode(char *out, const char *secret, size_t len, size_t before, const char *last_two)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const size_t begin = (8 * before + 5) / 6, end = 8 * (before + len) / 6;
    for (size_t i = begin; i < end; i++) {
        unsigned value = 0;
        for (size_t bit = 6 * i; bit < 6 * i + 6; bit++) {
            const unsigned char byte = (unsigned char)secret[bit / 8 - before];
            value = value << 1 | (byte >> (7 - bit % 8) & 1U);
        }
        out[i - begin] = value < 62 ? letters[value] : last_two[value - 62];
    }
    return end - begin;
}

void ts_secret_hide(struct ts_text *text, const char *secret)
{
    static const char *const alphabets[] = {"+/", "-_"};
    const size_t len = secret ? strlen(secret) : 0;
    char *encoded = len > 0 ? malloc(2 * len + 4) : NULL;
    if (len == 0) {
        return;
    }
    hide_word(text, secret, len);
    for (size_t before = 0; encoded && before < 3; before++) {
        for (size_t i = 0; i < sizeof alphabets / sizeof alphabets[0]; i++) {
            const size_t n = encode(encoded, secret, len, before, alphabets[i]);
            if (n >= TS_SECRET_RUN) {
                hide_word(text, encoded, n);
            }
        }
    }
    text->failed = text->failed || !encoded;
    free(encoded);
}
