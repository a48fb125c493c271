/* Hides JSON as a layout of traces: records, and a slot for each key that is asked for (trace_json_value.c). A record
 * is an object of a line; or of an array, or one after the other, over several lines; or a span within an export of
 * OpenTelemetry (resourceSpans, scopeSpans, spans); or an item of the array that an object holds under "data" and the
 * like; of "sub_requests" with what else is in it. */
#include <stdlib.h>
#include <string.h>

#include "base/gzip.h"
#include "base/json.h"
#include "traces/trace_format.h"
#include "traces/trace_json_text.h"
#include "traces/trace_json_value.h"

enum { MAX_SLOTS = 224 };

/* One column: where its values are found. */
struct slot {
    const char *names; /* borrowed: "a|b|c" */
    bool exact;
    char path[TS_TRACE_JSON_PATH]; /* as the file has it; "": no record has had one yet */
    const struct ts_json *value;   /* in the current record; NULL: not there */
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
    uint64_t shape;      /* of the keys of the record in which missing columns were looked for last */
    uint64_t shapes[16]; /* in which all were looked for, the latest in place of the oldest */
    size_t n_shapes;
};

static void look_for(struct slot *slot, const struct ts_json *record)
{
    char path[TS_TRACE_JSON_PATH];
    for (const char *at = slot->names; !slot->value && *at; at += *at == '|') {
        const size_t len = slot->exact ? strlen(at) : strcspn(at, "|");
        const struct ts_json *value = ts_trace_json_find(record, at, len, path);
        if (value && !ts_json_is_null(value)) {
            memcpy(slot->path, path, sizeof path);
            slot->value = value;
        }
        at += len;
    }
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

/* Was a record of that shape looked through for all columns? It will have been. */
static bool know_shape(struct json_container *trace, uint64_t shape)
{
    enum { N = sizeof trace->shapes / sizeof trace->shapes[0] };
    for (size_t i = 0; i < N && i < trace->n_shapes; i++) {
        if (trace->shapes[i] == shape) {
            return true;
        }
    }
    trace->shapes[trace->n_shapes++ % N] = shape;
    return false;
}

/* Finds the values of a new record. A column that is not where it was is looked for elsewhere, once for every kind of
 * record in a row. */
static void read_slots(struct json_container *trace)
{
    bool all = true;
    for (size_t i = 0; i < trace->n_slots; i++) {
        struct slot *slot = &trace->slots[i];
        slot->value = slot->path[0] ? ts_trace_json_follow(trace->record, slot->path) : NULL;
        if (!slot->value && trace->holder && slot->path[0]) {
            slot->value = ts_trace_json_follow(trace->holder, slot->path);
        }
        all = all && slot->value;
    }
    if (all) {
        return;
    }
    const uint64_t shape = ts_trace_json_shape(trace->record);
    if (shape == trace->shape) {
        return;
    }
    trace->shape = shape;
    const bool is_known = know_shape(trace, shape);
    for (size_t i = 0; i < trace->n_slots; i++) {
        if (trace->slots[i].path[0] || !is_known) {
            look_in_record(trace, &trace->slots[i]);
        }
    }
}

/* ---- records ---- */

static const struct ts_json *array_of_objects(const struct ts_json *object, const char *key)
{
    const struct ts_json *array = ts_json_get(object, key);
    return ts_json_is_array(array) && ts_json_is_object(ts_json_at(array, 0)) ? array : NULL;
}

static const char *const keys_of_records[] = {
    "sub_requests", "resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "instrumentationLibrarySpans",
    "spans",        "batches",       "data",           "rows",       "records",     "requests",
    "logs",         "results",       "items",          "hits"};
enum { N_KEYS = sizeof keys_of_records / sizeof keys_of_records[0], N_OF_SPANS = 7 };

/* What lies in an object that is no record itself, but holds them, under one of the first n keys. *shares: they share
 * its other values, and follow one another. */
static const struct ts_json *inner_records(const struct ts_json *object, size_t n, bool *shares)
{
    for (size_t i = 0; i < n; i++) {
        const struct ts_json *array = array_of_objects(object, keys_of_records[i]);
        if (array) {
            *shares = i == 0;
            return array;
        }
    }
    return NULL;
}

/* The same of a document, in which an object may lie around what holds them. */
static const struct ts_json *records_of_doc(const struct ts_json *root, bool *shares)
{
    static const char *const around[] = {"trace", "hits", "data", "result", "response"};
    const struct ts_json *array = inner_records(root, N_KEYS, shares);
    for (size_t i = 0; !array && i < sizeof around / sizeof around[0]; i++) {
        array = inner_records(ts_json_get(root, around[i]), N_KEYS, shares);
    }
    return array;
}

/* The next record of the document; NULL: it has no further one. */
static const struct ts_json *next_in_doc(struct json_container *trace)
{
    enum { MAX_DEPTH = sizeof trace->records / sizeof trace->records[0] };
    for (size_t depth = MAX_DEPTH; depth-- > 0;) {
        while (trace->records[depth] && trace->at[depth] < ts_json_length(trace->records[depth])) {
            const struct ts_json *item = ts_json_at(trace->records[depth], trace->at[depth]++);
            bool shares = false;
            const struct ts_json *inner = depth + 1 < MAX_DEPTH ? inner_records(item, N_OF_SPANS, &shares) : NULL;
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
                                       status != TS_EINPUT ? NULL
                                       : len > 1 && data[1] == '\''
                                           ? "names stand in double quotes: what Python prints is no "
                                             "JSON, what its json.dumps writes is"
                                           : "a trace has one object on each line",
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
        trace->records[0] = records_of_doc(root, &shares);
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
    ts_trace_json_cell(out, trace->slots[slot].value);
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
