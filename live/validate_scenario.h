/* The scenario that a validation serves: its server tier on this machine, before and after that machine is measured. */
#ifndef TS_LIVE_VALIDATE_SCENARIO_H
#define TS_LIVE_VALIDATE_SCENARIO_H

#include "measure/model_measurement.h"
#include "scenarios/language/scenario.h"

/* Which scenario, and what is changed in it. */
struct ts_validate_source {
    const char *path;        /* NULL: the built-in one */
    const char *const *sets; /* [n_sets] "key=value" */
    size_t n_sets;
    const char *trace_path, *trace_map; /* NULL: as the scenario says */
};

/* Loads it; *tier is the first server tier on this machine. `engine` has
 * its step times; NULL: nothing is measured yet, the step times mean nothing and warnings about them are dropped.
 * `arena` must outlive *out. TS_ESCENARIO and what loading can come to, with diagnostics. */
enum ts_status ts_validate_scenario_load(struct ts_scenario *out, uint32_t *tier,
                                         const struct ts_validate_source *source,
                                         const struct ts_model_measurement *engine, struct ts_arena *arena,
                                         struct ts_diags *diags);

/* TS_ESCENARIO if the reference engine cannot do what the tier asks of a server. */
enum ts_status ts_validate_scenario_check(const struct ts_tier_model *tier, struct ts_diags *diags);

#endif
