/* The scenario that a command line names, with what the command line changes in it. */
#ifndef TS_APP_LOAD_SCENARIO_H
#define TS_APP_LOAD_SCENARIO_H

#include "app/options.h"
#include "kernels/host.h"
#include "scenarios/language/scenario.h"
#include "study/trial.h"

struct ts_scenario_args {
    const char *path, *trace, *measurement;
    struct ts_option_texts sets;
    const char *map;   /* NULL: as the scenario says */
    const char *space; /* NULL: as the scenario says */
};

#define TS_SCENARIO_OPTIONS(type, field)                                                                               \
    {TS_INTO(type, field.path), "SCENARIO", "a scenario file, e.g. scenarios/hybrid-enterprise.yaml",                  \
     .operand = TS_NEEDED},                                                                                            \
        TS_OPTION_TRACE(type, field.trace), TS_OPTION_MAP(type, field.map), TS_OPTION_SETS(type, field.sets),          \
        TS_OPTION_MEASUREMENT(type, field)
#define TS_OPTION_UNTIL(type, field)                                                                                   \
    {                                                                                                                  \
        "until", 0, TS_INTO(type, field), "FIGURE",                                                                    \
            "add replications until its 95 % interval is this narrow, e.g. 'ttft.p99 +-2 %'; --replications is the "   \
            "most then (default: 1000)"                                                                                \
    }
#define TS_OPTION_MEASUREMENT(type, field)                                                                             \
    {                                                                                                                  \
        "measurement", 'm', TS_INTO(type, field.measurement), "FILE",                                                  \
            "the measurement for `hardware: this-machine` (default: what `tiersim bench` wrote)"                       \
    }

/* last_set: one more override after the others, or NULL. A warning if --measurement does nothing. As ts_scenario_load.
 */
enum ts_status ts_load_scenario(struct ts_scenario *out, const struct ts_scenario_args *args, const char *last_set,
                                struct ts_diags *diags);

/* The same for many trials: read once. */
struct ts_loaded_base {
    struct ts_trial_base base;
    struct ts_scenario scenario;
    struct ts_arena arena;
    struct ts_host host;
    struct ts_measurement measurement;
    const char *sets[TS_MAX_SETS + 1];
    char *text;
};

/* Stays where it is. Call ts_loaded_base_deinit on TS_OK alone. */
enum ts_status ts_load_base(struct ts_loaded_base *out, const struct ts_scenario_args *args, const char *last_set,
                            struct ts_diags *diags);
void ts_loaded_base_deinit(struct ts_loaded_base *loaded);

#endif
