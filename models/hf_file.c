/* Hides jansson's values behind keys, and which of the file's objects is the text model. */
#include "models/hf_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONFIG_BYTES = 4 << 20, MAX_MESSAGE = 256, MAX_ASKED = 512 };

struct ts_hf_asked {
    const char *keys[MAX_ASKED];
    size_t n;
};

static const char *const parts[] = {"text_config", "llm_config", "language_config"};

enum ts_status ts_hf_open(struct ts_hf_file *out, const char *path, struct ts_diags *diags)
{
    struct ts_hf_file file = {.path = path, .diags = diags};
    enum ts_status status = ts_source_read(&file.source, path, MAX_CONFIG_BYTES, diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_json_parse_lenient(&file.doc, path, file.source.data, file.source.len);
    if (status == TS_EINPUT) { /* what is wrong with it, with its place */
        status = ts_json_parse(&file.doc, path, file.source.data, file.source.len, diags);
    }
    if (status != TS_OK) {
        ts_source_deinit(&file.source);
        return status;
    }
    file.root = ts_json_root(&file.doc);
    file.json = file.root;
    for (size_t i = 0; !file.part && i < sizeof parts / sizeof parts[0]; i++) {
        const struct ts_json *text = ts_json_get(file.root, parts[i]);
        file.part = ts_json_is_object(text) ? parts[i] : NULL;
        file.json = file.part ? text : file.root;
    }
    file.asked = calloc(1, sizeof *file.asked);
    if (!file.asked) {
        ts_hf_close(&file);
        return TS_ENOMEM;
    }
    *out = file;
    return TS_OK;
}

void ts_hf_close(struct ts_hf_file *file)
{
    free(file->asked);
    ts_json_deinit(&file->doc);
    ts_source_deinit(&file->source);
}

bool ts_hf_was_asked(const struct ts_hf_file *file, const char *key)
{
    for (size_t i = 0; i < file->asked->n; i++) {
        if (strcmp(file->asked->keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

const struct ts_json *ts_hf_get(const struct ts_hf_file *file, const char *key)
{
    const struct ts_json *value = ts_json_get(file->json, key);
    if (file->asked->n < MAX_ASKED && !ts_hf_was_asked(file, key)) {
        file->asked->keys[file->asked->n++] = key;
    }
    return value && !ts_json_is_null(value) ? value : NULL;
}

struct ts_span ts_hf_at(const struct ts_hf_file *file, const char *key, const char *inner)
{
    const char *const path[] = {file->part, key, inner, NULL};
    return ts_json_span(&file->source, ts_hf_is_part(file) ? path : path + 1);
}

enum ts_status ts_hf_refuse(const struct ts_hf_file *file, const char *key, const char *hint, const char *fmt, ...)
{
    char message[MAX_MESSAGE];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    return ts_fail(file->diags, TS_EUNSUPPORTED, ts_hf_at(file, key, NULL), hint, "%s", message);
}

/* Layers of several shapes come as a list, one value a layer: one shape if all are the same. */
static enum ts_status same_for_all(const struct ts_hf_file *file, const char *key, int64_t *out)
{
    const struct ts_json *list = ts_hf_get(file, key);
    const size_t n = ts_json_length(list);
    bool same = n > 0;
    for (size_t i = 0; i < n; i++) {
        int64_t value = 0;
        same = same && ts_json_int(ts_json_at(list, i), &value) && (i == 0 || value == *out);
        *out = i == 0 ? value : *out;
    }
    return same ? TS_OK
                : ts_hf_refuse(file, key, "write the model's numbers under models: by hand, as means over its layers",
                               "%s is a list: layers of different shapes are not modelled", key);
}

enum ts_status ts_hf_count(const struct ts_hf_file *file, const char *key, uint32_t least, uint32_t *out)
{
    const struct ts_json *json = ts_hf_get(file, key);
    int64_t value = 0;
    if (!json) {
        return TS_OK;
    }
    if (ts_json_is_array(json)) {
        const enum ts_status status = same_for_all(file, key, &value);
        if (status != TS_OK) {
            return status;
        }
    } else if (!ts_json_int(json, &value)) {
        return ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, key, NULL), NULL, "%s is missing or not a whole number",
                       key);
    }
    if (value < (int64_t)least || value > INT32_MAX) {
        return ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, key, NULL), NULL, "%s is out of range", key);
    }
    *out = (uint32_t)value;
    return TS_OK;
}

enum ts_status ts_hf_number(const struct ts_hf_file *file, const char *inside, const char *key, double *out)
{
    const struct ts_json *object = inside ? ts_hf_get(file, inside) : file->json;
    const struct ts_json *json = ts_json_get(object, key);
    if (json && !ts_json_is_null(json) && !ts_json_double(json, out)) {
        return ts_fail(file->diags, TS_EINPUT, inside ? ts_hf_at(file, inside, key) : ts_hf_at(file, key, NULL), NULL,
                       "%s is no number", key);
    }
    return TS_OK;
}

enum ts_status ts_hf_flag(const struct ts_hf_file *file, const char *key, bool *out)
{
    const struct ts_json *json = ts_hf_get(file, key);
    if (json && !ts_json_bool(json, out)) {
        return ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, key, NULL), NULL, "%s is neither true nor false", key);
    }
    return TS_OK;
}

const char *ts_hf_text(const struct ts_hf_file *file, const char *key)
{
    return ts_json_string(ts_hf_get(file, key));
}

const char *ts_hf_first(const struct ts_hf_file *file, const char *const *keys)
{
    const char *first = NULL;
    for (; *keys; keys++) {
        first = ts_hf_get(file, *keys) && !first ? *keys : first;
    }
    return first;
}
