/* From the user's text to a checked model: scenario.yaml -> entries with origins -> schema table -> const struct
 * ts_model + struct ts_workload. All mistakes of a file are found in one pass and reported with file:line:col, a caret
 * and what to write instead. */
#ifndef TS_SCENARIOS_LANGUAGE_SCENARIO_H
#define TS_SCENARIOS_LANGUAGE_SCENARIO_H

#include "base/arena.h"
#include "base/uncertain.h"
#include "measure/measurement.h"
#include "scenarios/language/axis.h"
#include "sim/model.h"
#include "traces/workload.h"

struct ts_catalog;

/* The section `sweep`. */
struct ts_sweep_words {
    struct ts_axes axes;
    int design;                        /* enum ts_design_kind of study/design.h */
    uint32_t n_points, n_replications; /* 0: not said */
};

struct ts_scenario {
    struct ts_arena arena; /* owns everything below */
    struct ts_model model;
    struct ts_workload workload;
    struct ts_sweep_words sweep;
    struct ts_axes search;        /* the section `search`: each axis has its values */
    uint32_t replications;        /* key `replications`, default 1 */
    const char *measurement_path; /* the file after hardware: this-machine, NULL if no tier asks for it */
    const char *const *files;     /* [n_files] files and folders that the text names, a trace among them */
    size_t n_files;
    const struct ts_uncertain *uncertain; /* [n_uncertain] inputs that are written as such, in the order of their keys:
                                             the model has their medians */
    size_t n_uncertain;
    const struct ts_catalog *catalog; /* the built-in catalogs, as they are; NULL: it looked into others */
};

struct ts_scenario_options {
    const char *const *sets; /* "key=value" of --set, in order */
    size_t n_sets;
    const char *trace_path; /* --trace: replaces the workload's trace file; NULL: as written */
    const char *trace_map;  /* --map: as ts_trace_map_parse reads it; replaces the trace's map; NULL: as written */
    const char *measurement_path; /* measurement for `hardware: this-machine` and `measured: this-machine`; NULL: none
                                     was found */
    const struct ts_host *host;   /* the machine that runs, to compare `this-machine` with; NULL: not compared */
    const struct ts_measurement *measurement; /* what a file at measurement_path would say; NULL: it is read */
    const char *text;                         /* the scenario's text; NULL: it is read from the path */
    const struct ts_catalog *catalog;         /* the same of a scenario that outlives this one; NULL: they are parsed */
    const char *space_path; /* a file whose section `search` replaces the scenario's; NULL: as written */
    bool is_point;          /* of a study that is under way: the sections `sweep` and `search` are passed over */
};

/* Loads and checks. On failure (TS_ESCENARIO, TS_EIO, TS_EINPUT, TS_ENOMEM) *out is untouched and every mistake found
 * is in `diags`. Warnings may be there on success. Opens: the scenario, what it includes, the measurement. Does not
 * open the trace. */
enum ts_status ts_scenario_load(struct ts_scenario *out, const char *path, const struct ts_scenario_options *options,
                                struct ts_diags *diags);
void ts_scenario_deinit(struct ts_scenario *scenario);

/* A word that may be written, and what it means: a value of the model's enumeration, whatever its place among others.
 */
struct ts_choice {
    const char *word; /* NULL: after the last */
    int value;
};

/* One key of the language: drives the binder, --set, `tiersim explain`, the reference page and the JSON Schema. */
struct ts_key_doc {
    const char *path; /* "tiers.*.scheduler.batched_tokens"; * stands for a name of the user's, [] for a list's item */
    const char *type; /* "quantity", "number", "integer", "text", "choice", "boolean", "distribution", "reference",
                         "section", "list" */
    const char *unit; /* "s", "USD/kWh", NULL */
    const struct ts_choice *choices; /* or NULL */
    const char *dflt;                /* as text; NULL: required or no default */
    bool required;
    const char *doc;     /* one sentence */
    const char *applies; /* "server" where it is for one kind of tier, NULL: everywhere */
};
/* All keys, in the order of the reference page; *n is set. */
const struct ts_key_doc *ts_scenario_keys(size_t *n);

#endif
