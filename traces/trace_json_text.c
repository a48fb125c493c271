/* Hides how a long file of JSON is cut into pieces without being in memory as a whole: at the ends of lines, or (for an
 * array, or objects over several lines) where an object at the top closes. */
#include "traces/trace_json_text.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 16, PIECE_MAX_BYTES = 1 << 24 };

enum ts_status ts_trace_json_text_fail(const struct ts_trace_json_text *text, enum ts_status status,
                                       struct ts_diags *diags, const char *hint, const char *message)
{
    const struct ts_span at = {.file = text->path, .line = text->line <= UINT32_MAX ? (uint32_t)text->line : 0};
    return ts_fail(diags, status, at, hint, "%s", message);
}

/* Reads on after what is there; moves it to the front first. */
static enum ts_status read_more(struct ts_trace_json_text *text, struct ts_diags *diags)
{
    memmove(text->data, text->data + text->begin, text->end - text->begin);
    text->end -= text->begin;
    text->begin = 0;
    if (text->cap - text->end < CHUNK_BYTES) {
        if (text->cap >= PIECE_MAX_BYTES) {
            text->line = text->next_line;
            return ts_trace_json_text_fail(text, TS_EINPUT, diags,
                                           text->by_line ? "a trace has one object on each line"
                                                         : "write one object on each line, with: jq -c '.[]'",
                                           text->by_line ? "a line over 16 MiB" : "an object over 16 MiB");
        }
        char *data = realloc(text->data, text->cap * 2);
        if (!data) {
            return ts_trace_json_text_fail(text, TS_ENOMEM, diags, NULL, "out of memory");
        }
        text->data = data;
        text->cap *= 2;
    }
    size_t len = 0;
    const enum ts_status status = ts_gzip_read(text->file, text->data + text->end, CHUNK_BYTES, &len, diags);
    text->end += len;
    text->at_end = status == TS_OK && len == 0;
    if (text->at_start && text->end >= 3) {
        text->begin += memcmp(text->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        text->at_start = false;
    }
    return status;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_blank_line(const char *line, size_t len)
{
    size_t i = 0;
    while (i < len && is_blank(line[i])) {
        i++;
    }
    return i == len;
}

/* An object with a comma after it was an item of an array. */
static size_t without_comma(const char *line, size_t len)
{
    size_t n = len;
    while (n > 0 && is_blank(line[n - 1])) {
        n--;
    }
    return n > 1 && line[n - 1] == ',' && line[n - 2] == '}' ? n - 1 : len;
}

static enum ts_status next_line(struct ts_trace_json_text *text, const char **line, size_t *len, struct ts_diags *diags)
{
    size_t seen = 0;
    for (;;) {
        const char *begin = text->data + text->begin;
        const size_t n = text->end - text->begin;
        const char *stop = n > seen ? memchr(begin + seen, '\n', n - seen) : NULL;
        if (!stop && !text->at_end) {
            seen = n;
            const enum ts_status status = read_more(text, diags);
            if (status != TS_OK) {
                return status;
            }
            continue;
        }
        if (!stop && n == 0) {
            return TS_OK;
        }
        *len = stop ? (size_t)(stop - begin) : n;
        text->begin += *len + (stop != NULL);
        text->line = text->next_line++;
        seen = 0;
        if (!is_blank_line(begin, *len)) {
            *len = without_comma(begin, *len);
            *line = begin;
            return TS_OK;
        }
    }
}

/* Within a piece: how deep, and whether in a string. */
struct nesting {
    size_t at; /* bytes looked at */
    size_t depth;
    bool quoted, escaped;
};

/* Looks on until the object is closed: true, with its length in nesting->at. */
static bool close_object(struct nesting *nesting, const char *data, size_t len)
{
    while (nesting->at < len) {
        const char c = data[nesting->at++];
        if (nesting->quoted) {
            nesting->quoted = nesting->escaped || c != '"';
            nesting->escaped = !nesting->escaped && c == '\\';
            continue;
        }
        nesting->quoted = c == '"';
        nesting->depth += c == '{' || c == '[';
        if ((c == '}' || c == ']') && --nesting->depth == 0) {
            return true;
        }
    }
    return false;
}

/* To the next object: past blanks, commas and the brackets of an array around. False: there is none in what was read.
 */
static bool go_to_object(struct ts_trace_json_text *text)
{
    while (text->begin < text->end && (is_blank(text->data[text->begin]) || strchr(",[]", text->data[text->begin])) &&
           text->data[text->begin] != '\0') {
        text->next_line += text->data[text->begin++] == '\n';
    }
    return text->begin < text->end;
}

static enum ts_status next_object(struct ts_trace_json_text *text, const char **data, size_t *len,
                                  struct ts_diags *diags)
{
    struct nesting nesting = {.at = 0};
    while (nesting.at > 0 || !go_to_object(text) || text->data[text->begin] == '{') {
        if (text->begin < text->end && close_object(&nesting, text->data + text->begin, text->end - text->begin)) {
            *data = text->data + text->begin;
            *len = nesting.at;
            text->line = text->next_line;
            for (size_t i = 0; i < nesting.at; i++) {
                text->next_line += (*data)[i] == '\n';
            }
            text->begin += nesting.at;
            return TS_OK;
        }
        if (text->at_end) {
            text->line = text->next_line;
            return nesting.at == 0 ? TS_OK
                                   : ts_trace_json_text_fail(text, TS_EINPUT, diags, "is the file cut short?",
                                                             "an object that is never closed");
        }
        const enum ts_status status = read_more(text, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    text->line = text->next_line;
    return ts_trace_json_text_fail(text, TS_EINPUT, diags, "a trace in JSON consists of objects", "expected an object");
}

enum ts_status ts_trace_json_text_next(struct ts_trace_json_text *text, const char **data, size_t *len,
                                       struct ts_diags *diags)
{
    *data = NULL;
    return text->by_line ? next_line(text, data, len, diags) : next_object(text, data, len, diags);
}

enum ts_status ts_trace_json_text_open(struct ts_trace_json_text *out, const char *path, bool by_line,
                                       const struct ts_progress *progress, struct ts_diags *diags)
{
    struct ts_trace_json_text text = {.path = strdup(path),
                                      .data = malloc(2 * CHUNK_BYTES),
                                      .cap = 2 * CHUNK_BYTES,
                                      .by_line = by_line,
                                      .at_start = true,
                                      .next_line = 1};
    enum ts_status status = TS_OK;
    if (!text.path || !text.data) {
        status = ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    } else {
        status = ts_gzip_open(&text.file, path, diags);
    }
    if (status != TS_OK) {
        ts_trace_json_text_close(&text);
        return status;
    }
    ts_gzip_watch(text.file, progress);
    *out = text;
    return TS_OK;
}

void ts_trace_json_text_close(struct ts_trace_json_text *text)
{
    ts_gzip_close(text->file);
    free(text->path);
    free(text->data);
}
