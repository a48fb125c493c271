/* What lines of cost against scale are made of: simulations, and searches for capacity, of one tier that gets all
 * calls.
 */
#ifndef TS_STUDY_SCALE_POINT_H
#define TS_STUDY_SCALE_POINT_H

#include "study/scale.h"

/* One simulation, or one search for capacity, of a tier alone. */
struct ts_scale_point {
    uint32_t tier, n_replicas; /* 0: as written */
    double calls_per_day;      /* capacity: found */
    bool is_search, keeps_rules;
    bool is_provisioned; /* of an API: by blocks of units, n_replicas of them; else by the token */
    /* what it came to */
    bool is_reached;
    double kept_frac, taken_frac; /* of all calls */
    double input_tok, output_tok; /* mean of a call */
    double usd[TS_SCALE_N_WAYS];  /* NaN: cannot be */
    struct ts_diags said[TS_SCALE_N_WAYS];
    const char *why[TS_SCALE_N_WAYS]; /* cannot be */
};

/* Points that are run together. */
struct ts_scale_pass {
    const struct ts_scale_spec *spec;
    struct ts_scale_point *points; /* [n_points] */
    uint32_t n_points;
    double per_day;         /* calls a day as written */
    const char *what;       /* for the progress */
    struct ts_arena *arena; /* of reasons */
    struct ts_diags *diags;
};

/* It takes so much and no more: replicas, or blocks of units. */
bool ts_scale_has_steps(enum ts_scale_way way);
/* Can the tier be had so? */
bool ts_scale_has_way(const struct ts_tier_model *tier, enum ts_scale_way way);

/* On the threads of the spec. The first failure that is none of a single design. */
enum ts_status ts_scale_run_pass(struct ts_scale_pass *pass);

#endif
