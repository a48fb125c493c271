/* A trial: one simulation of a study. {scenario, key=value list, replication} in, a result and figures out. It knows of
 * no other trial: the same one gives bit-identical figures on any thread and in any order, so that a study
 * (replications, a sweep, a search, a shard of either) is a list of trials and what is made of their outcomes, one
 * after the other: see study/in_order.h. */
#ifndef TS_STUDY_TRIAL_H
#define TS_STUDY_TRIAL_H

#include "base/progress.h"
#include "reports/figures.h"
#include "reports/requests_csv.h"
#include "scenarios/language/scenario.h"
#include "study/early_stop.h"
#include "traces/tapes.h"

/* What all trials of a study share. Borrowed by each. */
struct ts_trial_base {
    const struct ts_scenario *scenario; /* as it was loaded */
    const char *path;                   /* from where, and how: needed by trials that have sets of their own */
    struct ts_scenario_options options;
};

struct ts_trial {
    const struct ts_trial_base *base;
    const char *const *sets; /* [n_sets] "key=value", over those of the base; the seed is a key as others are */
    size_t n_sets;
    uint32_t replication; /* which of the seed's random streams */
};

/* How it is run: nothing of this changes an outcome. */
struct ts_trial_options {
    bool single_steps;             /* see sim.h */
    bool read_ahead;               /* requests are read or drawn by a thread of their own, if there is one to be had */
    struct ts_progress progress;   /* see sim.h */
    struct ts_requests_part *rows; /* gets a row of every request; may be NULL */
    bool sorts_trace;              /* see ts_workload */
    struct ts_tapes *tapes;        /* where trials share generated requests; NULL: this one makes its own */
    bool skips_figures;            /* the outcome's figures stay NULL */
    const struct ts_early_stop *stop; /* TS_ELIMIT, and a diagnostic, once it holds; NULL or empty: it runs to its end.
                                         Not beside rows */
};

struct ts_trial_outcome {
    struct ts_result result; /* for ts_result_merge, in the order of the study's list */
    double *figures;         /* [n_figures] in the order of ts_figure_list_init(model, TS_FIGURES_OF_ONE) */
    uint32_t n_figures;
    struct ts_trace_counts trace; /* zero for a generated workload */
};

/* The base's scenario with sets[n_sets] after the base's own. As ts_scenario_load. */
enum ts_status ts_trial_load(struct ts_scenario *out, const struct ts_trial_base *base, const char *const *sets,
                             size_t n_sets, struct ts_diags *diags);

/* What ts_scenario_load, ts_workload_open and ts_sim_run return. On failure *out is untouched, but for trace.came_late:
 * rows of the trace are out of order so far on that it has to be sorted; run it again with sorts_trace. */
enum ts_status ts_trial_run(struct ts_trial_outcome *out, const struct ts_trial *trial,
                            const struct ts_trial_options *options, struct ts_diags *diags);
/* The status of a scenario that cannot be: a model that does not fit its memory, for example. */
bool ts_trial_is_impossible(enum ts_status status);
/* What it has against it: the first error, in `arena`. NULL: out of memory. */
const char *ts_trial_reason(const struct ts_diags *diags, struct ts_arena *arena);

void ts_trial_outcome_deinit(struct ts_trial_outcome *outcome);

/* Does the rate of calls have times or steps of its own (bursts, rates), of the workload or of a class? Part of the
 * window does not stand for the whole then. */
bool ts_trial_has_bursts(const struct ts_workload *workload);

#endif
