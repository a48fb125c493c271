/* Hides jansson (reading) and the layout of what is written. jansson is strict: no comments, no trailing commas, no
 * NaN, no duplicate keys, at most 2,048 levels deep. Without memory, though, it calls a text invalid, or loses a byte
 * of a long string without a word: its lexer does not look whether a byte was kept. So its allocations are watched. */
#include "base/json.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "base/file.h"
#include "base/source.h"

static const json_t *as_jansson(const struct ts_json *value)
{
    return (const json_t *)value;
}

static const struct ts_json *from_jansson(const json_t *value)
{
    return (const struct ts_json *)value;
}

/* Whether one of jansson's allocations failed since it was last cleared: they are handed nothing of ours that could
 * hold this. Never seen beyond one call of load(). */
static _Thread_local bool allocation_failed;

static void *watched_malloc(size_t size)
{
    void *memory = malloc(size);
    allocation_failed = allocation_failed || memory == NULL;
    return memory;
}

/* Length of the token that jansson's message ends with, "... near 'token'", if it stands before `end`; else 1. */
static size_t token_length(const char *message, const char *data, size_t end)
{
    const char *near = strstr(message, " near '");
    size_t len = near != NULL ? strlen(near + 7) - 1 : 0;
    return len > 0 && len <= end && memcmp(data + end - len, near + 7, len) == 0 ? len : 1;
}

static uint32_t count_lines(const char *data, size_t len)
{
    uint32_t n = 0;
    for (const char *at = data; (at = memchr(at, '\n', len - (size_t)(at - data))) != NULL; at++) {
        n++;
    }
    return n;
}

/* What jansson was given begins `skipped` bytes into `data`. Its position is that of the end of the offending token. */
static enum ts_status report(const char *name, const char *data, size_t len, size_t skipped, const json_error_t *error,
                             struct ts_diags *diags)
{
    size_t end = (error->position > 0 ? (size_t)error->position : 0) + skipped;
    end = end < len ? end : len;
    size_t token = token_length(error->text, data, end);
    size_t pos = end >= token ? end - token : 0;
    size_t start = pos;
    while (start > 0 && data[start - 1] != '\n') {
        start--;
    }
    uint32_t before = count_lines(data, skipped);
    struct ts_span at = {
        .file = name, .line = error->line > 0 ? (uint32_t)error->line + before : 0, .len = (uint32_t)token};
    at.col = at.line > 0 ? (uint32_t)(pos - start) + 1 : 0;
    struct ts_source source;
    const enum ts_status kept = ts_source_from_text(&source, name, data, len, NULL);
    if (kept == TS_ENOMEM) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(name), NULL, "out of memory");
    }
    at.source = kept == TS_OK ? &source : NULL;
    ts_fail(diags, TS_EINPUT, at, NULL, "not valid JSON: %s", error->text);
    if (kept == TS_OK) {
        ts_source_deinit(&source);
    }
    return TS_EINPUT;
}

static size_t byte_order_mark(const char *data, size_t len)
{
    return len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* The value that begins at data[skipped]. n_read: NULL if nothing may follow it; else how far it goes. */
static enum ts_status load(struct ts_json_doc *out, const char *name, const char *data, size_t len, size_t skipped,
                           size_t *n_read, size_t flags, struct ts_diags *diags)
{
    json_error_t error;
    flags |= n_read != NULL ? JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY : 0;
    allocation_failed = false;
    json_set_alloc_funcs(watched_malloc, free);
    json_t *root = json_loadb(data + skipped, len - skipped, flags, &error);
    if (root == NULL && !allocation_failed) {
        return report(name, data, len, skipped, &error, diags);
    }
    char *copy = strdup(name);
    if (copy == NULL || allocation_failed) {
        json_decref(root);
        free(copy);
        return ts_fail(diags, TS_ENOMEM, ts_span_file(name), NULL, "out of memory");
    }
    if (n_read != NULL) {
        *n_read = error.position > 0 ? (size_t)error.position : 0;
    }
    *out = (struct ts_json_doc){.root = root, .name = copy};
    return TS_OK;
}

enum ts_status ts_json_parse(struct ts_json_doc *out, const char *name, const char *data, size_t len,
                             struct ts_diags *diags)
{
    return load(out, name, data, len, byte_order_mark(data, len), NULL, JSON_REJECT_DUPLICATES, diags);
}

enum ts_status ts_json_parse_last(struct ts_json_doc *out, const char *name, const char *data, size_t len)
{
    return load(out, name, data, len, byte_order_mark(data, len), NULL, JSON_ALLOW_NUL, NULL);
}

void ts_json_stream_init(struct ts_json_stream *stream, const char *name, const char *data, size_t len)
{
    *stream =
        (struct ts_json_stream){.name = name, .data = data, .len = len, .pos = byte_order_mark(data, len), .line = 1};
}

/* To the next byte that is not blank. */
static void skip_blanks(struct ts_json_stream *stream)
{
    while (stream->pos < stream->len && strchr(" \t\r\n", stream->data[stream->pos]) != NULL &&
           stream->data[stream->pos] != '\0') {
        stream->line += stream->data[stream->pos] == '\n';
        stream->pos++;
    }
}

static enum ts_status fail_between(const struct ts_json_stream *stream, const char *due, struct ts_diags *diags)
{
    struct ts_span at = {.file = stream->name, .line = stream->line};
    return ts_fail(diags, TS_EINPUT, at, NULL, "not valid JSON: %s expected", due);
}

/* After the item of an array: past the comma. */
static enum ts_status skip_comma(struct ts_json_stream *stream, struct ts_diags *diags)
{
    if (stream->pos == stream->len || stream->data[stream->pos] != ',') {
        return fail_between(stream, "',' or ']'", diags);
    }
    stream->pos++;
    skip_blanks(stream);
    return TS_OK;
}

/* Goes to the beginning of the next value, in or out of an array, or to the end. */
static enum ts_status go_to_value(struct ts_json_stream *stream, struct ts_diags *diags)
{
    for (;;) {
        skip_blanks(stream);
        char next = stream->pos < stream->len ? stream->data[stream->pos] : '\0';
        if (stream->in_array && next == ']') {
            stream->in_array = false;
        } else if (!stream->in_array && next == '[') {
            stream->in_array = true;
            stream->n_in_array = 0;
        } else {
            return stream->in_array && stream->n_in_array > 0 ? skip_comma(stream, diags) : TS_OK;
        }
        stream->pos++;
    }
}

enum ts_status ts_json_next(struct ts_json_doc *out, uint32_t *line, struct ts_json_stream *stream,
                            struct ts_diags *diags)
{
    size_t n_read = 0;
    *line = 0;
    enum ts_status status = go_to_value(stream, diags);
    if (status != TS_OK) {
        return status;
    }
    if (stream->pos == stream->len) {
        return stream->in_array ? fail_between(stream, "']'", diags) : TS_OK;
    }
    status = load(out, stream->name, stream->data, stream->len, stream->pos, &n_read, JSON_REJECT_DUPLICATES, diags);
    if (status == TS_OK) {
        *line = stream->line;
        stream->line += count_lines(stream->data + stream->pos, n_read);
        stream->pos += n_read;
        stream->n_in_array += stream->in_array;
    }
    return status;
}

enum ts_status ts_json_read(struct ts_json_doc *out, const char *path, size_t max_bytes, struct ts_diags *diags)
{
    char *data = NULL;
    size_t len = 0;
    enum ts_status status = ts_file_read(&data, &len, path, max_bytes, diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_json_parse(out, path, data, len, diags);
    free(data);
    return status;
}

void ts_json_deinit(struct ts_json_doc *doc)
{
    json_decref(doc->root);
    free(doc->name);
    *doc = (struct ts_json_doc){.root = NULL};
}

const struct ts_json *ts_json_root(const struct ts_json_doc *doc)
{
    return doc->root;
}

const struct ts_json *ts_json_get(const struct ts_json *value, const char *key)
{
    return from_jansson(json_object_get(as_jansson(value), key));
}

void ts_json_each(const struct ts_json *object, bool (*each)(void *user, const char *key, const struct ts_json *value),
                  void *user)
{
    json_t *root = (json_t *)(uintptr_t)object;
    for (void *at = json_object_iter(root); at != NULL; at = json_object_iter_next(root, at)) {
        if (!each(user, json_object_iter_key(at), from_jansson(json_object_iter_value(at)))) {
            return;
        }
    }
}

size_t ts_json_length(const struct ts_json *array)
{
    return json_array_size(as_jansson(array));
}

const struct ts_json *ts_json_at(const struct ts_json *array, size_t index)
{
    return from_jansson(json_array_get(as_jansson(array), index));
}

bool ts_json_is_object(const struct ts_json *value)
{
    return json_is_object(as_jansson(value));
}

bool ts_json_is_array(const struct ts_json *value)
{
    return json_is_array(as_jansson(value));
}

bool ts_json_is_null(const struct ts_json *value)
{
    return json_is_null(as_jansson(value));
}

bool ts_json_double(const struct ts_json *value, double *out)
{
    if (!json_is_number(as_jansson(value))) {
        return false;
    }
    *out = json_number_value(as_jansson(value));
    return true;
}

bool ts_json_int(const struct ts_json *value, int64_t *out)
{
    if (!json_is_integer(as_jansson(value))) {
        return false;
    }
    *out = json_integer_value(as_jansson(value));
    return true;
}

bool ts_json_bool(const struct ts_json *value, bool *out)
{
    if (!json_is_boolean(as_jansson(value))) {
        return false;
    }
    *out = json_is_true(as_jansson(value));
    return true;
}

const char *ts_json_string(const struct ts_json *value)
{
    return json_string_value(as_jansson(value));
}

void ts_json_writer_init(struct ts_json_writer *writer, struct ts_text *out)
{
    *writer = (struct ts_json_writer){.out = out, .first = true};
}

static void new_line(struct ts_json_writer *writer)
{
    ts_text_append(writer->out, "\n", 1);
    for (int i = 0; i < writer->depth; i++) {
        ts_text_append(writer->out, "  ", 2);
    }
}

/* What stands between the last thing and a new value or key. */
static void separate(struct ts_json_writer *writer)
{
    if (writer->after_key) {
        writer->after_key = false;
        return;
    }
    if (!writer->first) {
        ts_text_append(writer->out, ",", 1);
    }
    if (writer->depth > 0) {
        new_line(writer);
    }
    writer->first = false;
}

static void begin_container(struct ts_json_writer *writer, const char *bracket)
{
    separate(writer);
    ts_text_append(writer->out, bracket, 1);
    TS_CHECK(writer->depth < INT_MAX);
    writer->depth++;
    writer->first = true;
}

static void end_container(struct ts_json_writer *writer, const char *bracket)
{
    TS_CHECK(writer->depth > 0 && !writer->after_key);
    writer->depth--;
    if (!writer->first) {
        new_line(writer);
    }
    ts_text_append(writer->out, bracket, 1);
    writer->first = false;
}

void ts_json_begin_object(struct ts_json_writer *writer)
{
    begin_container(writer, "{");
}

void ts_json_end_object(struct ts_json_writer *writer)
{
    end_container(writer, "}");
}

void ts_json_begin_array(struct ts_json_writer *writer)
{
    begin_container(writer, "[");
}

void ts_json_end_array(struct ts_json_writer *writer)
{
    end_container(writer, "]");
}

/* Length of the well-formed UTF-8 character at `s` (RFC 3629, table 3-7 of the Unicode standard), 0 if it is not one.
 */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80) {
        return 1;
    }
    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
               : s[0] >= 0xe0 && s[0] <= 0xef ? 3
               : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                              : 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool beyond = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
    return overlong || beyond ? 0 : n;
}

size_t ts_json_utf8_length(const char *s, size_t len)
{
    unsigned char bytes[4] = {0};
    memcpy(bytes, s, len < sizeof bytes ? len : sizeof bytes);
    return utf8_length(bytes);
}

static void put_escaped(struct ts_text *out, unsigned char c)
{
    static const char named[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *at = strchr(named, c);
    if (at != NULL) {
        ts_text_printf(out, "\\%c", letters[at - named]);
    } else {
        ts_text_printf(out, "\\u%04x", c);
    }
}

/* Bytes that are not UTF-8 become U+FFFD, so that the result is always valid JSON. */
static void put_quoted(struct ts_text *out, const char *string)
{
    const unsigned char *s = (const unsigned char *)string;
    ts_text_append(out, "\"", 1);
    while (*s != '\0') {
        size_t len = utf8_length(s);
        if (len == 0) {
            ts_text_append(out, "\xef\xbf\xbd", 3);
            len = 1;
        } else if (*s < 0x20 || *s == '"' || *s == '\\' || *s == 0x7f) {
            put_escaped(out, *s);
        } else {
            ts_text_append(out, (const char *)s, len);
        }
        s += len;
    }
    ts_text_append(out, "\"", 1);
}

void ts_json_key(struct ts_json_writer *writer, const char *key)
{
    TS_CHECK(!writer->after_key);
    separate(writer);
    put_quoted(writer->out, key);
    ts_text_append(writer->out, ": ", 2);
    writer->after_key = true;
}

void ts_json_put_string(struct ts_json_writer *writer, const char *string)
{
    separate(writer);
    if (string == NULL) {
        ts_text_puts(writer->out, "null");
        return;
    }
    put_quoted(writer->out, string);
}

void ts_json_put_double(struct ts_json_writer *writer, double value)
{
    separate(writer);
    if (!isfinite(value)) {
        ts_text_puts(writer->out, "null");
        return;
    }
    ts_text_double(writer->out, value);
}

void ts_json_put_int(struct ts_json_writer *writer, int64_t value)
{
    separate(writer);
    ts_text_printf(writer->out, "%lld", (long long)value);
}

void ts_json_put_bool(struct ts_json_writer *writer, bool value)
{
    separate(writer);
    ts_text_puts(writer->out, value ? "true" : "false");
}

void ts_json_member_string(struct ts_json_writer *writer, const char *key, const char *string)
{
    ts_json_key(writer, key);
    ts_json_put_string(writer, string);
}

void ts_json_member_double(struct ts_json_writer *writer, const char *key, double value)
{
    ts_json_key(writer, key);
    ts_json_put_double(writer, value);
}

void ts_json_member_doubles(struct ts_json_writer *writer, const char *key, const double *values, size_t n)
{
    ts_json_key(writer, key);
    ts_json_begin_array(writer);
    for (size_t i = 0; i < n; i++) {
        ts_json_put_double(writer, values[i]);
    }
    ts_json_end_array(writer);
}

void ts_json_member_int(struct ts_json_writer *writer, const char *key, int64_t value)
{
    ts_json_key(writer, key);
    ts_json_put_int(writer, value);
}

void ts_json_member_bool(struct ts_json_writer *writer, const char *key, bool value)
{
    ts_json_key(writer, key);
    ts_json_put_bool(writer, value);
}
