/* A run of a scenario of every_key/, in figures and in words: for the test of all keys. */
#ifndef TS_TESTS_SCENARIOS_EVERY_KEY_OUTCOME_H
#define TS_TESTS_SCENARIOS_EVERY_KEY_OUTCOME_H

#include <stddef.h>

#include "base/status.h"
#include "base/text.h"

enum { EVERY_KEY_PARTS = 3, EVERY_KEY_WORD = 2048 };

struct outcome {
    enum ts_status status;  /* of loading, simulating and the plan */
    struct ts_text figures; /* every metric of every tier, class and pool, the plan, the series, verdicts, errors */
    struct ts_text words;   /* names and sources */
    struct ts_text keys;    /* of the manifest, a line each, after an empty one */
    struct ts_text said;    /* all diagnostics */
};

/* Runs FIXTURE.yaml of the working folder with the sets of all parts, each "key=value|key=value" or NULL. */
void every_key_run(struct outcome *out, const char *fixture, const char *const parts[EVERY_KEY_PARTS]);
void outcome_deinit(struct outcome *outcome);

/* The pieces of a text divided by '|', blanks around them taken off; cuts up the text. How many there are. */
size_t every_key_divide(char *text, char **out, size_t cap);

#endif
