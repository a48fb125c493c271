/* Other values of a key, by its type and range: for the test of all keys. */
#ifndef TS_TESTS_SCENARIOS_EVERY_KEY_VALUES_H
#define TS_TESTS_SCENARIOS_EVERY_KEY_VALUES_H

#include "scenarios/language/schema.h"

enum { MAX_VALUES = 64 };

struct values {
    char *items[MAX_VALUES];
    size_t n;
};

/* As they would be written in a file; `listed` "value|value" in place of those of the type, or NULL. Some may turn out
 * to be wrong in a scenario. Free them. */
void values_of(struct values *values, const struct ts_key *key, const char *listed);
void values_free(struct values *values);

#endif
