/* A bound scenario: one value per key of the schema, checked and in the schema's unit, each knowing where it was
 * written. Private to scenarios/. Resolvers read values by path ("scheduler.batched_tokens"); what is read becomes an
 * assumption of the model, what was written and never read gets a warning: nothing is accepted and ignored in silence.
 */
#ifndef TS_SCENARIOS_LANGUAGE_VALUE_H
#define TS_SCENARIOS_LANGUAGE_VALUE_H

#include "base/uncertain.h"
#include "scenarios/language/schema.h"
#include "scenarios/language/yaml_tree.h"

enum ts_value_state {
    TS_VALUE_ABSENT, /* not written, no default */
    TS_VALUE_DEFAULT,
    TS_VALUE_WRITTEN,
    TS_VALUE_BROKEN, /* a mistake was reported */
};

/* Seconds since the start; hours since midnight; hours since Monday 00:00. */
enum ts_moment { TS_MOMENT_SINCE_START, TS_MOMENT_OF_DAY, TS_MOMENT_OF_WEEK };

/* One of the numbers of a value that is written as uncertain. */
struct ts_uncertain_input {
    struct ts_uncertain input;
    struct ts_uncertain_input *next;
};

struct ts_value {
    struct ts_key key;
    enum ts_value_state state;
    bool broken;                /* this or something below it has a mistake */
    bool used;                  /* a resolver has read it */
    bool ignored;               /* it has no effect, and that is fine */
    const char *moot;           /* why it has no effect, written as it is; NULL: it has one if it is read */
    bool is_item;               /* of a list or of a section of names */
    const struct ts_node *node; /* NULL unless written */
    struct ts_span at;          /* its value, or its section's key */
    const char *path;           /* with the user's names: "tiers.edge.replicas" */
    const char *name;           /* of an item */
    int index;                  /* of an item whose name stands for a tier or a class: which */
    const char *shown;          /* for the manifest */
    double number;
    struct ts_uncertain_input *uncertain; /* NULL: nothing is */
    const char *text;
    bool flag;
    struct ts_value *original; /* of a copy: reading the one marks the other. NULL: it is none */
    int choice;                /* CHOICE: what the word means; REFERENCE to a tier, link or class: index; MOMENT: enum
                                  ts_moment, what `number` is */
    struct ts_dist dist;
    const double *curve; /* CURVE: [168]; NUMBERS: [n_numbers] */
    size_t n_numbers;
    struct ts_value *children; /* SECTION: one per row of the schema; NAMES, LIST, REFERENCES: items */
    size_t n_children;
};

/* A value below `section` by path; NULL if a section on the way is absent. The path must be in the schema. */
struct ts_value *ts_value_at(struct ts_value *section, const char *path);

/* Reads: mark the value as used. Absent or broken: 0, NULL, false. */
double ts_value_number(struct ts_value *section, const char *path);
double ts_value_number_or(struct ts_value *section, const char *path, double fallback);
uint32_t ts_value_count(struct ts_value *section, const char *path);
const char *ts_value_text(struct ts_value *section, const char *path);
bool ts_value_flag(struct ts_value *section, const char *path);
/* What a choice's word means, or which tier, link or class is named; -1 if absent. */
int ts_value_choice(struct ts_value *section, const char *path);
struct ts_dist ts_value_dist(struct ts_value *section, const char *path);

/* There is a value, written or by default. / It was written. Neither counts as reading it. */
bool ts_value_is_set(struct ts_value *section, const char *path);
bool ts_value_is_written(struct ts_value *section, const char *path);

/* Says whether a written value, and what is below it, has an effect here; if not, reading it does not count as that,
 * and the warning about unread values says why: "policy slots chunks all prompts". Of a value that several pools take
 * from their tier it is enough that it counts for one. */
void ts_value_counts_if(struct ts_value *section, const char *path, bool counts, const char *why);

/* Says that this value and what is below it has no effect and needs no warning. */
void ts_value_ignore(struct ts_value *value);

#endif
