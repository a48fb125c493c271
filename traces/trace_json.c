/* Hides JSON as a layout of traces: records, and values by key. A record is an object of a line; or of an array, or one
 * after the other, over several lines; or a span within an export of OpenTelemetry (resourceSpans, scopeSpans, spans);
 * or an item of the array that an object holds under "data" and the like; of "sub_requests" with what else is in it. A
 * value is found by its key, below "attributes" (an object, or OTLP's list of {key, value: {intValue: ...}}), or by a
 * path of keys with dots between. A slot is such a key. */
#include <stdlib.h>
#include <string.h>

#include "base/gzip.h"
#include "base/json.h"
#include "traces/trace_format.h"
#include "traces/trace_json_text.h"

enum { MAX_PATH = 128, MAX_SLOTS = 192 };

/* One column: where its values are found. */
struct slot {
    const char *names; /* borrowed: "a|b|c" */
    bool exact;
    char path[MAX_PATH];         /* as the file has it; "": no record has had one yet */
    const struct ts_json *value; /* in the current record; NULL: not there */
};

struct json_container {
    struct ts_trace_container base;
    struct ts_trace_json_text text;
    struct ts_json_doc doc;           /* root NULL: none */
    const struct ts_json *records[4]; /* arrays that lie within one another: resourceSpans, scopeSpans, spans */
    size_t at[4];
    const struct ts_json *holders[4]; /* of records that have part of their values in the object that holds them */
    const struct ts_json *record, *holder;
    struct slot slots[MAX_SLOTS];
    size_t n_slots;
    uint64_t shape; /* of the keys of the record in which missing columns were looked for last */
};

/* ---- values by key ---- */

struct search {
    const char *name;
    size_t len;
    const char *key; /* found: as it is written */
    const struct ts_json *value;
};

static bool is_key(void *user, const char *key, const struct ts_json *value)
{
    struct search *search = user;
    if (!ts_trace_name_is(search->name, search->len, key)) {
        return true;
    }
    search->key = key;
    search->value = value;
    return false;
}

/* {"intValue": "12"} or 12 itself. */
static const struct ts_json *unwrap(const struct ts_json *value)
{
    static const char *const kinds[] = {"intValue",  "stringValue",  "doubleValue",  "boolValue",
                                        "int_value", "string_value", "double_value", "bool_value"};
    for (size_t i = 0; ts_json_is_object(value) && i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct ts_json *inner = ts_json_get(value, kinds[i]);
        if (inner) {
            return inner;
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
    if (ts_json_is_object(object)) {
        ts_json_each(object, is_key, &search);
    }
    *key = search.key ? search.key : *key;
    return search.value;
}

static bool append_key(char *path, const char *key)
{
    const size_t len = strlen(path);
    if (len + strlen(key) + 2 > MAX_PATH) {
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

static const struct ts_json *find_in_record(const struct ts_json *record, const char *name, size_t len, char *path)
{
    static const char *const within[] = {"attributes", "spanAttributes", "SpanAttributes", "tags"};
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
static const struct ts_json *follow(const struct ts_json *record, const char *path)
{
    char key[MAX_PATH];
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

static void look_for(struct slot *slot, const struct ts_json *record)
{
    char path[MAX_PATH];
    for (const char *at = slot->names; !slot->value && *at; at += *at == '|') {
        const size_t len = slot->exact ? strlen(at) : strcspn(at, "|");
        const struct ts_json *value = find_in_record(record, at, len, path);
        if (value && !ts_json_is_null(value)) {
            memcpy(slot->path, path, sizeof path);
            slot->value = value;
        }
        at += len;
    }
}

static uint64_t hash_on(uint64_t hash, const char *text)
{
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash * UINT64_C(0x100000001b3);
}

/* Keys, those of objects below, and those of attributes that are listed. */
static bool add_to_shape(void *user, const char *key, const struct ts_json *value)
{
    uint64_t *shape = user;
    *shape = hash_on(*shape, key);
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

static void look_in_record(const struct json_container *trace, struct slot *slot)
{
    if (!slot->value) {
        look_for(slot, trace->record);
    }
    if (!slot->value && trace->holder) {
        look_for(slot, trace->holder);
    }
}

/* Finds the values of a new record. A column that is not where it was is looked for elsewhere, once for every kind of
 * record in a row. */
static void read_slots(struct json_container *trace)
{
    bool all = true;
    for (size_t i = 0; i < trace->n_slots; i++) {
        struct slot *slot = &trace->slots[i];
        slot->value = slot->path[0] ? follow(trace->record, slot->path) : NULL;
        if (!slot->value && trace->holder && slot->path[0]) {
            slot->value = follow(trace->holder, slot->path);
        }
        all = all && slot->value;
    }
    uint64_t shape = UINT64_C(0xcbf29ce484222325);
    if (all) {
        return;
    }
    ts_json_each(trace->record, add_to_shape, &shape);
    if (shape == trace->shape) {
        return;
    }
    trace->shape = shape;
    for (size_t i = 0; i < trace->n_slots; i++) {
        look_in_record(trace, &trace->slots[i]);
    }
}

/* ---- records ---- */

static const struct ts_json *array_of_objects(const struct ts_json *object, const char *key)
{
    const struct ts_json *array = ts_json_get(object, key);
    return ts_json_is_array(array) && ts_json_is_object(ts_json_at(array, 0)) ? array : NULL;
}

/* What lies in an object that is no record itself, but holds them. *shares: they share its other values, and follow
 * one another. */
static const struct ts_json *inner_records(const struct ts_json *object, bool is_root, bool *shares)
{
    static const char *const keys[] = {
        "sub_requests", "resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "instrumentationLibrarySpans",
        "spans",        "data",          "rows",           "records",    "requests",    "logs",
        "results",      "items"};
    enum { N_KEYS = sizeof keys / sizeof keys[0], N_OF_SPANS = 7 };
    for (size_t i = 0; i < (is_root ? N_KEYS : N_OF_SPANS); i++) {
        const struct ts_json *array = array_of_objects(object, keys[i]);
        if (array) {
            *shares = i == 0;
            return array;
        }
    }
    return NULL;
}

/* The next record of the document; NULL: it has no further one. */
static const struct ts_json *next_in_doc(struct json_container *trace)
{
    enum { MAX_DEPTH = sizeof trace->records / sizeof trace->records[0] };
    for (size_t depth = MAX_DEPTH; depth-- > 0;) {
        while (trace->records[depth] && trace->at[depth] < ts_json_length(trace->records[depth])) {
            const struct ts_json *item = ts_json_at(trace->records[depth], trace->at[depth]++);
            bool shares = false;
            const struct ts_json *inner = depth + 1 < MAX_DEPTH ? inner_records(item, false, &shares) : NULL;
            if (!inner) {
                trace->holder = trace->holders[depth];
                trace->base.place = trace->holder ? (uint32_t)trace->at[depth] : 0;
                return item;
            }
            depth++;
            trace->records[depth] = inner;
            trace->at[depth] = 0;
            trace->holders[depth] = shares ? item : NULL;
        }
        trace->records[depth] = NULL;
    }
    return NULL;
}

static enum ts_status json_fail(const struct ts_trace_container *container, int slot, struct ts_diags *diags,
                                const char *hint, const char *message)
{
    const struct json_container *trace = (const struct json_container *)container;
    (void)slot;
    return ts_trace_json_text_fail(&trace->text, TS_EINPUT, diags, hint, message);
}

/* Another text from the file, as a document. */
static enum ts_status next_doc(struct json_container *trace, bool *got, struct ts_diags *diags)
{
    const char *data = NULL;
    size_t len = 0;
    enum ts_status status = ts_trace_json_text_next(&trace->text, &data, &len, diags);
    *got = status == TS_OK && data;
    if (!*got) {
        return status;
    }
    ts_json_deinit(&trace->doc);
    status = ts_json_parse_lenient(&trace->doc, trace->text.path, data, len);
    if (status != TS_OK) {
        trace->doc = (struct ts_json_doc){.root = NULL};
        return ts_trace_json_text_fail(&trace->text, status, diags,
                                       status == TS_EINPUT ? "a trace has one object on each line" : NULL,
                                       status == TS_EINPUT ? "not JSON, or a line cut short" : "out of memory");
    }
    return TS_OK;
}

static enum ts_status json_next(struct ts_trace_container *container, bool *got, struct ts_diags *diags)
{
    struct json_container *trace = (struct json_container *)container;
    trace->record = next_in_doc(trace);
    *got = true;
    while (!trace->record) {
        const enum ts_status status = next_doc(trace, got, diags);
        if (status != TS_OK || !*got) {
            return status;
        }
        const struct ts_json *root = ts_json_root(&trace->doc);
        bool shares = false;
        trace->records[0] = inner_records(root, true, &shares);
        trace->at[0] = 0;
        trace->holders[0] = shares ? root : NULL;
        trace->holder = NULL;
        container->place = 0;
        trace->record = trace->records[0] ? next_in_doc(trace) : root;
    }
    container->line = trace->text.line;
    read_slots(trace);
    return TS_OK;
}

static int json_want(struct ts_trace_container *container, const char *names, bool exact)
{
    struct json_container *trace = (struct json_container *)container;
    size_t i = 0;
    while (i < trace->n_slots && trace->slots[i].names != names) {
        i++;
    }
    if (i == trace->n_slots) {
        if (i == MAX_SLOTS) {
            return -1;
        }
        trace->slots[trace->n_slots++] = (struct slot){.names = names, .exact = exact};
        if (trace->record) {
            look_in_record(trace, &trace->slots[i]);
        }
    }
    return (int)i;
}

static int json_find(struct ts_trace_container *container, const char *names, bool exact)
{
    const int slot = json_want(container, names, exact);
    return slot >= 0 && ((struct json_container *)container)->slots[slot].path[0] ? slot : -1;
}

static void json_cell(const struct ts_trace_container *container, size_t slot, struct ts_trace_cell *out)
{
    const struct json_container *trace = (const struct json_container *)container;
    const struct ts_json *value = unwrap(trace->slots[slot].value);
    bool flag = false;
    *out = (struct ts_trace_cell){.kind = TS_CELL_NONE};
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

/* Its last key: the path without what it lies in. */
static const char *json_name(const struct ts_trace_container *container, size_t slot)
{
    const char *path = ((const struct json_container *)container)->slots[slot].path;
    const char *last = strrchr(path, '\n');
    return last ? last + 1 : path;
}

struct each {
    const struct json_container *trace;
    void (*each)(void *user, int slot, const char *name);
    void *user;
    const char *prefix; /* of keys below "attributes"; NULL: at the top */
};

static bool is_below(const char *path, const char *prefix, const char *key)
{
    const size_t len = strlen(key), prefix_len = prefix ? strlen(prefix) + 1 : 0;
    if (prefix && (strncmp(path, prefix, prefix_len - 1) != 0 || path[prefix_len - 1] != '\n')) {
        return false;
    }
    path += prefix_len;
    return strncmp(path, key, len) == 0 && (path[len] == '\0' || path[len] == '\n');
}

/* Is the column sought below that key, though no record has had it yet? */
static bool is_sought_below(const struct slot *slot, const char *key)
{
    for (const char *at = slot->names; !slot->path[0] && *at; at += strcspn(at, "|"), at += *at == '|') {
        const size_t len = strcspn(at, "|."), whole = strcspn(at, "|");
        if (len < whole && ts_trace_name_is(at, len, key)) {
            return true;
        }
    }
    return false;
}

static bool each_key(void *user, const char *key, const struct ts_json *value)
{
    const struct each *each = user;
    int slot = -1;
    for (size_t i = 0; i < each->trace->n_slots; i++) {
        const struct slot *at = &each->trace->slots[i];
        const bool is_it = is_below(at->path, each->prefix, key) || (!each->prefix && is_sought_below(at, key));
        slot = is_it ? (int)i : slot;
    }
    if (!each->prefix && ts_str_equal(key, "attributes") && ts_json_is_object(value)) {
        struct each below = *each;
        below.prefix = key;
        ts_json_each(value, each_key, &below);
        return true;
    }
    each->each(each->user, slot, key);
    return true;
}

static void json_each(const struct ts_trace_container *container, void (*each)(void *user, int slot, const char *name),
                      void *user)
{
    struct each with = {.trace = (const struct json_container *)container, .each = each, .user = user};
    if (ts_json_is_object(with.trace->record)) {
        ts_json_each(with.trace->record, each_key, &with);
    }
}

static void json_close(struct ts_trace_container *container)
{
    struct json_container *trace = (struct json_container *)container;
    ts_json_deinit(&trace->doc);
    ts_trace_json_text_close(&trace->text);
    free(trace);
}

enum ts_status ts_trace_json_open(struct ts_trace_container **out, const char *path, bool by_line,
                                  const struct ts_progress *progress, struct ts_diags *diags)
{
    static const struct ts_trace_container_ops ops = {.next = json_next,
                                                      .find = json_find,
                                                      .want = json_want,
                                                      .cell = json_cell,
                                                      .name = json_name,
                                                      .each = json_each,
                                                      .fail = json_fail,
                                                      .close = json_close};
    struct json_container *trace = calloc(1, sizeof *trace);
    if (!trace) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    trace->base.ops = &ops;
    const enum ts_status status = ts_trace_json_text_open(&trace->text, path, by_line, progress, diags);
    if (status != TS_OK) {
        free(trace);
        return status;
    }
    *out = &trace->base;
    return TS_OK;
}
