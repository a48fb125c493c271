/* The schema: one row per key of the language (schema_keys.inc). Private to scenarios/; the public face is
 * ts_scenario_keys(). */
#ifndef TS_SCENARIOS_LANGUAGE_SCHEMA_H
#define TS_SCENARIOS_LANGUAGE_SCHEMA_H

#include "scenarios/language/scenario.h"

enum ts_key_type {
    TS_KEY_SECTION,  /* fixed keys */
    TS_KEY_NAMES,    /* a section whose keys are names of the user's; extra: "row" of a catalog, "column" of a file, or
                        what they refer to */
    TS_KEY_LIST,     /* of sections; a bare word stands for {name: word} */
    TS_KEY_QUANTITY, /* a number with its unit; extra: "or 0" if 0 is fine below the minimum */
    TS_KEY_NUMBER,
    TS_KEY_INTEGER, /* a count; its unit may be written or left out */
    TS_KEY_TEXT,
    TS_KEY_CHOICE,
    TS_KEY_BOOLEAN,
    TS_KEY_DISTRIBUTION, /* extra: "prompt" or "output" where {empirical: NAME} is possible */
    TS_KEY_REFERENCE,  /* extra: what is named: "tier", "link", "class", "hardware", "model", "quant", "price", "region"
                        */
    TS_KEY_REFERENCES, /* a list of them */
    TS_KEY_BOUND,      /* extra: ">=" or "<=": a text such as '>= 99 %' */
    TS_KEY_CURVE,      /* a name of a week curve, or 168 numbers */
    TS_KEY_GAPS,       /* a distribution of mean 1 */
    TS_KEY_NUMBERS,    /* a list of numbers within the range */
    TS_KEY_WEEKTIME,   /* "Monday 08:00" */
    TS_KEY_HOUR,       /* of the day: 17.5, or "17:30" */
    TS_KEY_MOMENT,     /* of a run: "36 min" from its start; "12:00" or "Monday 12:00", the first one in it */
    TS_N_KEY_TYPES
};

/* The kinds of tier that have a key, as a mask. */
enum {
    TS_FOR_ALL = 0, /* not about tiers, or every kind */
    TS_FOR_DEVICE = 1 << TS_TIER_DEVICE,
    TS_FOR_SERVER = 1 << TS_TIER_SERVER,
    TS_FOR_API = 1 << TS_TIER_API,
    TS_FOR_OWNED = TS_FOR_DEVICE | TS_FOR_SERVER,
    TS_FOR_KINDS = TS_FOR_OWNED | TS_FOR_API,
    TS_FOR_UNDIVIDED = TS_FOR_SERVER | 1 << TS_N_TIER_KINDS /* and not beside prefill and decode pools */
};

/* When a pool that does not write a key has its tier's value. */
enum ts_pool_rule {
    TS_RULE_NONE,        /* it is no key of both */
    TS_RULE_TAKES,       /* always; of a section: key by key */
    TS_RULE_HARDWARE,    /* always; a pool that writes it has other hardware than the tier */
    TS_RULE_SIZE,        /* always; a pool that writes it has replicas of another size, as one with other hardware */
    TS_RULE_OF_HARDWARE, /* unless the pool has other hardware */
    TS_RULE_OF_SIZE,     /* unless it has replicas of another size */
    TS_RULE_STEPS,       /* unless the pool writes step times, in this way or another */
    TS_RULE_TIMED,       /* the same; step times of the tier's hardware: nothing for replicas of another size */
    TS_RULE_IN_STEPS,    /* with the section that it stands in */
};

struct ts_key {
    enum ts_key_type type;
    double min, max;
    unsigned kinds; /* TS_FOR_* */
    enum ts_pool_rule rule;
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
/* Is there such a key, as it is written after --set: tiers.edge.replicas, workload.classes.chat.share,
 * workload.classes[0].prompt.fixed? Names of the user's are not looked up. */
bool ts_schema_takes(const char *key);
/* The row of that path, or -1. */
int ts_schema_find(const char *path);

/* The choice of that word, in capitals or not; NULL: none. */
const struct ts_choice *ts_schema_choice(const struct ts_choice *choices, const char *word);

/* What to write in place of a word that the section of that path does not have, or not for its kind of tier; NULL: no
 * advice. */
const char *ts_schema_advice(const char *section, const char *word);

/* The reference page and the JSON Schema, from the same table. */
void ts_schema_markdown(struct ts_text *out);
void ts_schema_json(struct ts_text *out);

#endif
