/* Hides how the rows of schema_keys.inc are laid out in memory and searched. A path is matched by text: some 130 rows,
 * looked up a few hundred times. */
#include "scenarios/language/schema.h"

#include <string.h>

#include "base/check.h"
#include "base/text.h"

#define TYPE_NAME_SECTION "section"
#define TYPE_NAME_NAMES "names"
#define TYPE_NAME_LIST "list"
#define TYPE_NAME_QUANTITY "quantity"
#define TYPE_NAME_NUMBER "number"
#define TYPE_NAME_INTEGER "integer"
#define TYPE_NAME_TEXT "text"
#define TYPE_NAME_CHOICE "choice"
#define TYPE_NAME_BOOLEAN "boolean"
#define TYPE_NAME_DISTRIBUTION "distribution"
#define TYPE_NAME_REFERENCE "reference"
#define TYPE_NAME_REFERENCES "references"
#define TYPE_NAME_BOUND "bound"
#define TYPE_NAME_CURVE "curve"
#define TYPE_NAME_GAPS "gaps"
#define TYPE_NAME_WEEKTIME "time of week"

#define APPLIES_ALL NULL
#define APPLIES_DEVICE "device"
#define APPLIES_SERVER "server"
#define APPLIES_API "api"
#define APPLIES_OWNED "device, server"
#define NEED_REQ true
#define NEED_OPT false

#define IS_CHOICE(type) (TS_KEY_##type == TS_KEY_CHOICE)

/* ", difficulty, static ..." */
static const char router_words[] = ""
#define TS_ROUTER_POLICY(id, name, word) ", " word
#include "sim/routing/policies.inc"
#undef TS_ROUTER_POLICY
    ;
#define ROUTER_WORDS (router_words + 2)

static const struct ts_key_doc docs[] = {
#define KEY(path, type, unit, min, max, dflt, extra, need, kinds, doc)                                                 \
    {path, TYPE_NAME_##type, unit, IS_CHOICE(type) ? (extra) : NULL, dflt, NEED_##need, doc, APPLIES_##kinds},
#include "scenarios/language/schema_keys.inc"
#undef KEY
};

static const struct ts_key keys[] = {
#define KEY(path, type, unit, min, max, dflt, extra, need, kinds, doc)                                                 \
    {TS_KEY_##type, min, max, TS_FOR_##kinds, extra, NULL},
#include "scenarios/language/schema_keys.inc"
#undef KEY
};

enum { N_KEYS = sizeof docs / sizeof docs[0] };

static const struct {
    const char *path, *message;
} unsupported[] = {
    {"include", "one file holds the whole scenario: other hardware, models and prices are written under hardware:, "
                "models: and offers:"},
    {"tiers.*.scheduler.priority", "write order: priority, and a priority for each class of the workload"},
    {"links.*.outages", "links are always up: leave the key out"},
    {"power.site_cap", "the site's power is reported, not capped: leave the key out"},
    {"tiers.*.fitted", "write steps: {linear: {a: 6.2 ms, b: 0.08 ms}} with the fit's coefficients"},
    {"tiers.*.operators", "write steps: {linear: {a: 6.2 ms, b: 0.08 ms}} with fitted coefficients"},
};

const struct ts_key_doc *ts_scenario_keys(size_t *n)
{
    *n = N_KEYS;
    return docs;
}

size_t ts_schema_n_keys(void)
{
    return N_KEYS;
}

struct ts_key ts_schema_key(size_t index)
{
    TS_CHECK(index < N_KEYS);
    struct ts_key key = keys[index];
    key.doc = &docs[index];
    return key;
}

static bool directly_below(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);
    if (n > 0 && (strncmp(path, prefix, n) != 0 || path[n] != '.')) {
        return false;
    }
    const char *rest = path + (n > 0 ? n + 1 : 0);
    return strcspn(rest, ".[*") == strlen(rest);
}

size_t ts_schema_children(const char *prefix, size_t *rows, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < N_KEYS; i++) {
        if (directly_below(docs[i].path, prefix)) {
            TS_CHECK(n < cap);
            rows[n++] = i;
        }
    }
    return n;
}

const char *ts_schema_last(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

int ts_schema_find(const char *path)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        if (ts_str_equal(docs[i].path, path)) {
            return (int)i;
        }
    }
    return -1;
}

const char *ts_schema_unsupported(const char *path)
{
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++) {
        if (ts_str_equal(unsupported[i].path, path)) {
            return unsupported[i].message;
        }
    }
    return NULL;
}
