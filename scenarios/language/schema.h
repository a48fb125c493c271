/* The schema: one row per key of the language (schema_keys.inc). Private to scenarios/; the public face is
 * ts_scenario_keys(). */
#ifndef TS_SCENARIOS_LANGUAGE_SCHEMA_H
#define TS_SCENARIOS_LANGUAGE_SCHEMA_H

#include "scenarios/language/scenario.h"

enum ts_key_type {
    TS_KEY_SECTION, /* fixed keys */
    TS_KEY_NAMES,   /* a section whose keys are names of the user's; extra: "row" of a catalog, or what they refer to */
    TS_KEY_LIST,    /* of sections; a bare word stands for {name: word} */
    TS_KEY_QUANTITY, /* a number with its unit */
    TS_KEY_NUMBER,
    TS_KEY_INTEGER, /* a count; its unit may be written or left out */
    TS_KEY_TEXT,
    TS_KEY_CHOICE, /* extra: the choices */
    TS_KEY_BOOLEAN,
    TS_KEY_DISTRIBUTION, /* extra: "prompt" or "output" where {empirical: NAME} is possible */
    TS_KEY_REFERENCE,  /* extra: what is named: "tier", "link", "class", "hardware", "model", "quant", "price", "region"
                        */
    TS_KEY_REFERENCES, /* a list of them */
    TS_KEY_BOUND,      /* extra: ">=" or "<=": a text such as '>= 99 %' */
    TS_KEY_CURVE,      /* a name of a week curve, or 168 numbers */
    TS_KEY_GAPS,       /* a distribution of mean 1 */
    TS_KEY_WEEKTIME,   /* "Monday 08:00" */
    TS_N_KEY_TYPES
};

enum { TS_FOR_ALL = 0, TS_FOR_DEVICE = 1, TS_FOR_SERVER = 2, TS_FOR_API = 4, TS_FOR_OWNED = 3 };

struct ts_key {
    enum ts_key_type type;
    double min, max;
    unsigned kinds; /* TS_FOR_*: the kinds of tier that have this key; 0 = not about tiers, or every kind */
    const char *extra;
    const struct ts_key_doc *doc;
};

/* Row `index` of the table, in the order of ts_scenario_keys(). */
struct ts_key ts_schema_key(size_t index);
size_t ts_schema_n_keys(void);

/* The rows directly below a section's path ("" = top, "tiers.*", "workload.classes[]"), at most `cap`; their number
 * comes back. */
size_t ts_schema_children(const char *prefix, size_t *rows, size_t cap);
/* The last part of a row's path. */
const char *ts_schema_last(const char *path);
/* The row of that path, or -1. */
int ts_schema_find(const char *path);

/* A key that people will look for and that this version lacks: what to say about it, or NULL. */
const char *ts_schema_unsupported(const char *path);

/* The reference page and the JSON Schema, from the same table. */
void ts_schema_markdown(struct ts_text *out);
void ts_schema_json(struct ts_text *out);

#endif
