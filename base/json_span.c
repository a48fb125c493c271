/* Hides how a place in a JSON text is found again: jansson keeps no positions, so the text is walked once more, without
 * unescaping keys. */
#include "base/json.h"

#include <string.h>

#include "base/source.h"

struct walk {
    const char *data;
    size_t len;
};

static size_t skip_blanks(const struct walk *w, size_t at)
{
    while (at < w->len && memchr(" \t\r\n", w->data[at], 4) != NULL) {
        at++;
    }
    return at;
}

/* From the opening quote to after the closing one. */
static size_t skip_string(const struct walk *w, size_t at)
{
    for (at++; at < w->len && w->data[at] != '"'; at++) {
        at += w->data[at] == '\\';
    }
    return at < w->len ? at + 1 : w->len;
}

/* After the value that begins at `at`. */
static size_t skip_value(const struct walk *w, size_t at)
{
    size_t depth = 0;
    do {
        char c = at < w->len ? w->data[at] : '\0';
        if (c == '"') {
            at = skip_string(w, at);
        } else if (c == '{' || c == '[') {
            depth++;
            at++;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
            at++;
        } else if (depth == 0) {
            while (at < w->len && memchr(",]} \t\r\n", w->data[at], 7) == NULL) {
                at++;
            }
        } else {
            at++;
        }
    } while (depth > 0 && at < w->len);
    return at;
}

/* Where the value of `key` begins in the object at `at`, of equal keys the last; w->len if it is not there. */
static size_t find_key(const struct walk *w, size_t at, const char *key)
{
    const size_t n = strlen(key);
    size_t found = w->len;
    if (at >= w->len || w->data[at] != '{') {
        return w->len;
    }
    at = skip_blanks(w, at + 1);
    while (at < w->len && w->data[at] == '"') {
        const size_t name = at + 1;
        const size_t behind = skip_string(w, at);
        at = skip_blanks(w, behind);
        at = skip_blanks(w, at < w->len ? at + 1 : at); /* the colon */
        if (behind == name + n + 1 && memcmp(w->data + name, key, n) == 0) {
            found = at;
        }
        at = skip_blanks(w, skip_value(w, at));
        at = skip_blanks(w, at < w->len && w->data[at] == ',' ? at + 1 : at);
    }
    return found;
}

static struct ts_span span_of(const struct ts_source *source, size_t at, size_t end)
{
    uint32_t line = source->n_lines;
    while (line > 1 && source->line_start[line - 1] > at) {
        line--;
    }
    const size_t start = source->line_start[line - 1];
    const char *newline = memchr(source->data + at, '\n', end - at);
    const size_t len = newline != NULL ? (size_t)(newline - (source->data + at)) : end - at;
    return (struct ts_span){
        .source = source, .line = line, .col = (uint32_t)(at - start) + 1, .len = len > 0 ? (uint32_t)len : 1};
}

struct ts_span ts_json_span(const struct ts_source *source, const char *const *keys)
{
    static const char mark[] = "\xef\xbb\xbf";
    const struct walk w = {source->data, source->len};
    size_t at = skip_blanks(&w, w.len >= 3 && memcmp(w.data, mark, 3) == 0 ? 3 : 0);
    for (size_t i = 0; keys[i] != NULL && at < w.len; i++) {
        at = find_key(&w, at, keys[i]);
    }
    return at < w.len && source->n_lines > 0 ? span_of(source, at, skip_value(&w, at)) : ts_span_file(source->name);
}
