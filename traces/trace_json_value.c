/* Hides how a value is found in a record. Keys lie at the top, below "attributes" (an object, or OTLP's list of {key,
 * value: {intValue: ...}}) or other places that exports put them in, or along a path of keys with dots between. */
#include "traces/trace_json_value.h"

#include <string.h>

struct search {
    const char *name;
    size_t len;
    bool loosely;    /* see ts_trace_column_is */
    const char *key; /* found: as it is written */
    const struct ts_json *value;
};

static bool is_key(void *user, const char *key, const struct ts_json *value)
{
    struct search *search = user;
    const bool is = search->loosely ? ts_trace_column_is(search->name, search->len, key)
                                    : ts_trace_name_is(search->name, search->len, key);
    if (!is) {
        return true;
    }
    search->key = key;
    search->value = value;
    return false;
}

/* What {"intValue": "12"} (OTLP) and {"$date": {"$numberLong": "12"}} (MongoDB) hold, or the value itself. */
static const struct ts_json *unwrap(const struct ts_json *value)
{
    static const char *const kinds[] = {"intValue",  "stringValue",  "doubleValue",  "boolValue",
                                        "int_value", "string_value", "double_value", "bool_value",
                                        "$date",     "$numberLong",  "$numberInt",   "$numberDouble"};
    for (size_t i = 0; ts_json_is_object(value) && i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct ts_json *inner = ts_json_get(value, kinds[i]);
        if (inner) {
            return unwrap(inner);
        }
    }
    return value;
}

/* Of attributes as OTLP lists them. */
static const struct ts_json *find_listed(const struct ts_json *list, const char *name, size_t len, const char **key)
{
    for (size_t i = 0; i < ts_json_length(list); i++) {
        const struct ts_json *item = ts_json_at(list, i);
        const char *item_key = ts_json_string(ts_json_get(item, "key"));
        if (item_key && ts_trace_name_is(name, len, item_key)) {
            *key = item_key;
            return unwrap(ts_json_get(item, "value"));
        }
    }
    return NULL;
}

/* A member whose key is that name, but for case and signs. */
static const struct ts_json *find_member(const struct ts_json *object, const char *name, size_t len, const char **key)
{
    struct search search = {.name = name, .len = len};
    if (ts_json_is_array(object)) {
        return find_listed(object, name, len, key);
    }
    for (int pass = 0; pass < 2 && !search.value && ts_json_is_object(object); pass++) {
        search.loosely = pass == 1;
        ts_json_each(object, is_key, &search);
    }
    *key = search.key ? search.key : *key;
    return search.value;
}

static bool append_key(char *path, const char *key)
{
    const size_t len = strlen(path);
    if (len + strlen(key) + 2 > TS_TRACE_JSON_PATH) {
        return false;
    }
    if (len > 0) {
        path[len] = '\n'; /* keys hold dots */
    }
    memcpy(path + len + (len > 0), key, strlen(key) + 1);
    return true;
}

/* Below `object`: the name as a whole, or up to one of its dots and the rest below that. Appends to path the keys. */
static const struct ts_json *find_path(const struct ts_json *object, const char *name, size_t len, char *path)
{
    const char *key = NULL;
    const size_t before = strlen(path);
    const struct ts_json *value = find_member(object, name, len, &key);
    if (value) {
        return append_key(path, key) ? value : NULL;
    }
    for (size_t i = 1; i + 1 < len; i++) {
        const struct ts_json *below = name[i] == '.' ? find_member(object, name, i, &key) : NULL;
        if (below && append_key(path, key)) {
            value = find_path(below, name + i + 1, len - i - 1, path);
            if (value) {
                return value;
            }
            path[before] = '\0';
        }
    }
    return NULL;
}

const struct ts_json *ts_trace_json_find(const struct ts_json *record, const char *name, size_t len, char *path)
{
    static const char *const within[] = {"attributes", "spanAttributes", "SpanAttributes", "tags",
                                         "_source",    "properties",     "jsonPayload"};
    path[0] = '\0';
    const struct ts_json *value = find_path(record, name, len, path);
    for (size_t i = 0; !value && i < sizeof within / sizeof within[0]; i++) {
        const struct ts_json *attributes = ts_json_get(record, within[i]);
        if (attributes && append_key(path, within[i])) {
            value = find_path(attributes, name, len, path);
        }
        path[0] = value ? path[0] : '\0';
    }
    return value;
}

/* Follows a path that was found before. */
const struct ts_json *ts_trace_json_follow(const struct ts_json *record, const char *path)
{
    char key[TS_TRACE_JSON_PATH];
    while (record && *path) {
        const size_t len = strcspn(path, "\n");
        memcpy(key, path, len);
        key[len] = '\0';
        const char *found = NULL;
        record = ts_json_is_array(record) ? find_listed(record, key, len, &found) : ts_json_get(record, key);
        path += len + (path[len] == '\n');
    }
    return record;
}

static uint64_t hash_on(uint64_t hash, const char *text)
{
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash * UINT64_C(0x100000001b3);
}

/* Keys, those of objects below, and those of attributes that are listed. One that is null may hold a value later. */
static bool add_to_shape(void *user, const char *key, const struct ts_json *value)
{
    uint64_t *shape = user;
    *shape = hash_on(hash_on(*shape, key), ts_json_is_null(value) ? "null" : "");
    if (ts_json_is_object(value)) {
        ts_json_each(value, add_to_shape, shape);
    }
    const size_t n = ts_json_is_object(ts_json_at(value, 0)) ? ts_json_length(value) : 0;
    for (size_t i = 0; i < n; i++) {
        const char *listed = ts_json_string(ts_json_get(ts_json_at(value, i), "key"));
        *shape = hash_on(*shape, listed ? listed : "");
    }
    return true;
}

uint64_t ts_trace_json_shape(const struct ts_json *record)
{
    uint64_t shape = UINT64_C(0xcbf29ce484222325);
    ts_json_each(record, add_to_shape, &shape);
    return shape;
}

void ts_trace_json_cell(struct ts_trace_cell *out, const struct ts_json *value)
{
    bool flag = false;
    *out = (struct ts_trace_cell){.kind = TS_CELL_NONE};
    value = unwrap(value);
    if (!value || ts_json_is_null(value)) {
        return;
    }
    if (ts_json_int(value, &out->whole)) {
        out->kind = TS_CELL_INT;
        out->real = (double)out->whole;
    } else if (ts_json_double(value, &out->real)) {
        out->kind = TS_CELL_REAL;
    } else if ((out->text = ts_json_string(value)) != NULL) {
        out->len = strlen(out->text);
        out->kind = out->len > 0 ? TS_CELL_TEXT : TS_CELL_NONE;
    } else if (ts_json_bool(value, &flag)) {
        out->kind = TS_CELL_TEXT;
        out->text = flag ? "true" : "false";
        out->len = strlen(out->text);
    } else {
        out->kind = TS_CELL_JSON;
        out->json = value;
    }
}
