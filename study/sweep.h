/* Runs the points of a design that a study has not, or a shard of them, on several threads, and puts them into its file
 * as they come. */
#ifndef TS_STUDY_SWEEP_H
#define TS_STUDY_SWEEP_H

#include "study/study_db.h"

struct ts_sweep_spec {
    const struct ts_trial_base *base;
    const struct ts_design *design;
    uint32_t shard, n_shards; /* the points at positions shard, shard + n_shards ... */
    uint32_t n_threads;       /* >= 1 */
    enum ts_capacity_effort effort;
    const struct ts_until *until; /* see replicate.h; may be NULL */
    bool stops_early;             /* see point.h: such a point is kept without figures, as stopped */
    struct ts_study_goal goal;    /* for the progress */
    struct ts_progress progress;
};

struct ts_sweep_outcome {
    uint32_t n_points;  /* of this shard */
    uint32_t n_had;     /* before */
    uint32_t n_run;     /* now, those that cannot be or were stopped among them */
    uint32_t n_inexact; /* of those: the rule did not hold with the last replication */
    double wall_s;
};

/* Can some point be? Else what the first of 64 all over the design has: that is a mistake. */
enum ts_status ts_sweep_check(const struct ts_sweep_spec *spec, struct ts_diags *diags);

/* What the scenario says of a point that cannot be (a model that does not fit its memory) is kept in place of its
 * figures. Another failure ends the sweep; TS_EINTERRUPTED. What was finished is in the file in every case, and in
 * *out. */
enum ts_status ts_sweep_run(struct ts_sweep_outcome *out, const struct ts_sweep_spec *spec, struct ts_study_db *db,
                            struct ts_diags *diags);

#endif
