/* JSON: a reader that owns a parsed document (jansson behind it: strict, duplicates rejected), and a streaming writer
 * whose output is deterministic (keys in the order written, shortest round-trip numbers, two-space indentation). */
#ifndef TS_BASE_JSON_H
#define TS_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct ts_json; /* one value of a document; borrowed from its ts_json_doc */

struct ts_json_doc {
    void *root;
    char *name;
};

/* Parses a whole text; diagnostics carry file:line:col. TS_EINPUT, TS_ENOMEM. */
enum ts_status ts_json_parse(struct ts_json_doc *out, const char *name, const char *data, size_t len,
                             struct ts_diags *diags);
/* The same of what is not quite JSON (json_lenient.c): whatever stands in place of a number is null, whole numbers of
 * more than 18 digits are strings, the last of equal keys counts. No diagnostics: the caller knows the place. */
enum ts_status ts_json_parse_lenient(struct ts_json_doc *out, const char *name, const char *data, size_t len);
enum ts_status ts_json_read(struct ts_json_doc *out, const char *path, size_t max_bytes, struct ts_diags *diags);
void ts_json_deinit(struct ts_json_doc *doc);

/* Values one after the other: JSON Lines, documents appended to each other, or the items of one array at the top. */
struct ts_json_stream {
    const char *name, *data; /* borrowed */
    size_t len, pos, n_in_array;
    uint32_t line;
    bool in_array;
};

void ts_json_stream_init(struct ts_json_stream *stream, const char *name, const char *data, size_t len);
/* The next value, and the line that it begins at (from 1); line 0 and *out untouched at the end. TS_EINPUT, TS_ENOMEM.
 */
enum ts_status ts_json_next(struct ts_json_doc *out, uint32_t *line, struct ts_json_stream *stream,
                            struct ts_diags *diags);

const struct ts_json *ts_json_root(const struct ts_json_doc *doc);
/* NULL if `value` is NULL, not an object, or has no such key: look-ups chain. */
const struct ts_json *ts_json_get(const struct ts_json *value, const char *key);
/* Calls `each` with every key of an object, in the order written, until it returns false. */
void ts_json_each(const struct ts_json *object, bool (*each)(void *user, const char *key, const struct ts_json *value),
                  void *user);
size_t ts_json_length(const struct ts_json *array); /* 0 if NULL or not an array */
const struct ts_json *ts_json_at(const struct ts_json *array, size_t index);
bool ts_json_is_object(const struct ts_json *value);
bool ts_json_is_array(const struct ts_json *value);
bool ts_json_is_null(const struct ts_json *value); /* there, and null */

/* Length of the well-formed UTF-8 character at `s`, of which there are `len` > 0 bytes; 0 if it is not one. */
size_t ts_json_utf8_length(const char *s, size_t len);
/* As ts_json_parse, but the last of equal keys counts, and a string may hold NULs. For json_lenient.c. */
enum ts_status ts_json_parse_last(struct ts_json_doc *out, const char *name, const char *data, size_t len);

/* Typed reads: false and *out untouched if NULL or of another type (a number written as an integer is a double too). */
bool ts_json_double(const struct ts_json *value, double *out);
bool ts_json_int(const struct ts_json *value, int64_t *out);
bool ts_json_bool(const struct ts_json *value, bool *out);
const char *ts_json_string(const struct ts_json *value); /* NULL if not a string */

/* Where the value at a path of keys (after the last: NULL) stands in a text that has been parsed, for a diagnostic;
 * the file alone if it is not there. `source` is borrowed. */
struct ts_source;
struct ts_span ts_json_span(const struct ts_source *source, const char *const *keys);

/* Writer: nested calls append to `out`. A NaN or infinity is written as null. */
struct ts_json_writer {
    struct ts_text *out;
    int depth;
    bool first; /* no value yet at this level */
    bool after_key;
};

void ts_json_writer_init(struct ts_json_writer *writer, struct ts_text *out);
void ts_json_begin_object(struct ts_json_writer *writer);
void ts_json_end_object(struct ts_json_writer *writer);
void ts_json_begin_array(struct ts_json_writer *writer);
void ts_json_end_array(struct ts_json_writer *writer);
void ts_json_key(struct ts_json_writer *writer, const char *key);
void ts_json_put_string(struct ts_json_writer *writer, const char *string); /* NULL -> null */
void ts_json_put_double(struct ts_json_writer *writer, double value);
void ts_json_put_int(struct ts_json_writer *writer, int64_t value);
void ts_json_put_bool(struct ts_json_writer *writer, bool value);
/* A key with its value. */
void ts_json_member_string(struct ts_json_writer *writer, const char *key, const char *string);
void ts_json_member_double(struct ts_json_writer *writer, const char *key, double value);
void ts_json_member_doubles(struct ts_json_writer *writer, const char *key, const double *values, size_t n);
void ts_json_member_int(struct ts_json_writer *writer, const char *key, int64_t value);
void ts_json_member_bool(struct ts_json_writer *writer, const char *key, bool value);

#endif
