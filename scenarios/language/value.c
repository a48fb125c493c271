/* Hides how values are found by path. */
#include "scenarios/language/value.h"

#include <math.h>
#include <string.h>

#include "base/check.h"

static struct ts_value *child(struct ts_value *section, const char *name, size_t len)
{
    for (size_t i = 0; i < section->n_children; i++) {
        struct ts_value *value = &section->children[i];
        const char *own = value->is_item ? value->name : ts_schema_last(value->key.doc->path);
        if (strlen(own) == len && memcmp(own, name, len) == 0) {
            return value;
        }
    }
    return NULL;
}

struct ts_value *ts_value_at(struct ts_value *section, const char *path)
{
    struct ts_value *value = section;
    while (value && *path) {
        size_t len = strcspn(path, ".");
        struct ts_value *next = child(value, path, len);
        TS_CHECK(next || value->n_children == 0 || value->key.type == TS_KEY_NAMES || value->broken);
        value = next;
        path += len + (path[len] == '.');
    }
    return value;
}

static struct ts_value *read_value(struct ts_value *section, const char *path)
{
    struct ts_value *value = ts_value_at(section, path);
    if (!value || value->state == TS_VALUE_ABSENT || value->state == TS_VALUE_BROKEN) {
        return NULL;
    }
    value->used = value->used || !value->moot;
    if (value->original) {
        value->original->used = value->original->used || !value->moot;
    }
    return value;
}

double ts_value_number_or(struct ts_value *section, const char *path, double fallback)
{
    const struct ts_value *value = read_value(section, path);
    return value ? value->number : fallback;
}

double ts_value_number(struct ts_value *section, const char *path)
{
    return ts_value_number_or(section, path, 0.0);
}

uint32_t ts_value_count(struct ts_value *section, const char *path)
{
    double number = ts_value_number(section, path);
    return number >= (double)UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

const char *ts_value_text(struct ts_value *section, const char *path)
{
    const struct ts_value *value = read_value(section, path);
    return value ? value->text : NULL;
}

bool ts_value_flag(struct ts_value *section, const char *path)
{
    const struct ts_value *value = read_value(section, path);
    return value && value->flag;
}

int ts_value_choice(struct ts_value *section, const char *path)
{
    const struct ts_value *value = read_value(section, path);
    return value ? value->choice : -1;
}

struct ts_dist ts_value_dist(struct ts_value *section, const char *path)
{
    const struct ts_value *value = read_value(section, path);
    return value ? value->dist : ts_dist_constant(0.0);
}

bool ts_value_is_set(struct ts_value *section, const char *path)
{
    const struct ts_value *value = ts_value_at(section, path);
    return value && (value->state == TS_VALUE_WRITTEN || value->state == TS_VALUE_DEFAULT);
}

bool ts_value_is_written(struct ts_value *section, const char *path)
{
    const struct ts_value *value = ts_value_at(section, path);
    return value && value->state == TS_VALUE_WRITTEN;
}

static void set_moot(struct ts_value *value, const char *why)
{
    value->moot = value->state == TS_VALUE_WRITTEN ? why : NULL;
    if (value->original && why) {
        value->original->moot = value->moot;
    }
    for (size_t i = 0; i < value->n_children; i++) {
        set_moot(&value->children[i], why);
    }
}

void ts_value_counts_if(struct ts_value *section, const char *path, bool counts, const char *why)
{
    struct ts_value *value = ts_value_at(section, path);
    if (value) {
        set_moot(value, counts ? NULL : why);
    }
}

void ts_value_ignore(struct ts_value *value)
{
    value->ignored = true;
    if (value->original) {
        value->original->ignored = true;
    }
    for (size_t i = 0; i < value->n_children; i++) {
        ts_value_ignore(&value->children[i]);
    }
}
