/* Scenarios from text, for the tests of this folder. */
#ifndef TS_TESTS_SCENARIO_FIXTURE_H
#define TS_TESTS_SCENARIO_FIXTURE_H

#include "scenarios/language/scenario.h"

/* Writes `text` to a file of its own in the working folder and loads it. Everything said is in `said` (may be NULL). */
enum ts_status load_text(struct ts_scenario *out, const char *text, const struct ts_scenario_options *options,
                         struct ts_text *said);

/* The same, and it must succeed without a word. */
void load_good(struct ts_scenario *out, const char *text);

/* The same, and what is said has `says` in it ("": warnings are fine). */
enum ts_status load_saying(struct ts_scenario *out, const char *text, const char *says);

/* It must succeed; warnings are fine. */
void load_ok(struct ts_scenario *out, const char *text);

/* It is wrong, and that is said. */
void refuse(const char *text, const char *says);

/* The assumption of that key, or NULL. */
const struct ts_assumption *assumption(const struct ts_scenario *scenario, const char *key);

#endif
