/* What the parts of a plan share: one design tried, whole or in a window, and bounds that can be relaxed. */
#ifndef TS_STUDY_PLAN_PARTS_H
#define TS_STUDY_PLAN_PARTS_H

#include "study/plan.h"

/* What a try came to. */
struct ts_plan_try {
    double usd_per_month;
    double machines_usd_per_month; /* of it what does not depend on calls: bought machines, their upkeep and staff */
    double requests;
    double attainment_frac;
    struct ts_plan_margin margins[TS_PLAN_MOST_MARGINS];
    uint32_t n_margins;
};

/* A bound of the scenario made `factor` times as wide, or all that it states. */
#define TS_PLAN_ALL_BOUNDS UINT32_MAX
struct ts_plan_relaxed {
    uint32_t bound; /* an index, or TS_PLAN_ALL_BOUNDS */
    double factor;
};

struct ts_plan_job {
    const struct ts_plan_spec *spec;
    uint32_t index;
    uint32_t replication;
    struct ts_plan_relaxed relaxed; /* factor 0: as written */
    bool slow;                      /* fitted step times at the slow end of their interval */
};

/* What costs so much more than the best may still turn out to be it. */
#define TS_PLAN_NEAR_FRAC 0.1

void ts_plan_tell(const struct ts_plan_spec *spec, const char *what, double done, double total);

/* Runs again what comes near to the best, with common random numbers, until one is it with the wanted probability;
 * sorts the plan's designs by cost and names the best, the second and the nearest. best_usd: of the cheapest that keeps
 * everything, INFINITY: none does. */
enum ts_status ts_plan_race(struct ts_plan *plan, const struct ts_plan_spec *spec, double best_usd,
                            struct ts_diags *diags);

/* Runs the design whole. What ts_trial_load and ts_trial_run return; TS_ESCENARIO and TS_ERANGE: it cannot be. */
enum ts_status ts_plan_try_whole(struct ts_plan_try *out, const struct ts_plan_job *job, struct ts_diags *diags);

/* Runs a short window at the rate of the hours in which and above which half of all calls come, and asks whether the
 * design can still keep slo.attainment over all hours. */
enum ts_status ts_plan_try_window(struct ts_plan_try *out, bool *can_keep, const struct ts_plan_job *job,
                                  struct ts_diags *diags);
/* Is there such a window? Not of a trace, a closed loop or a rate with bursts, nor where a whole run is hardly
 * longer. */
bool ts_plan_has_window(const struct ts_scenario *scenario);

/* Runs the beginning of it, for what its machines cost: that does not depend on calls. */
enum ts_status ts_plan_try_sample(struct ts_plan_try *out, const struct ts_plan_job *job, struct ts_diags *diags);
/* Is that little beside a whole run? Not of a trace, a closed loop or a rate with bursts. */
bool ts_plan_has_sample(const struct ts_scenario *scenario);

/* Everything is kept. */
bool ts_plan_keeps(const struct ts_plan_margin *margins, uint32_t n);
/* Something is missed that more replicas make worse: limits.power. */
bool ts_plan_grows_worse(const struct ts_plan_margin *margins, uint32_t n);
double ts_plan_least_margin(const struct ts_plan_margin *margins, uint32_t n);

/* Bounds that can be relaxed: how many there are, whether the scenario states one, and how it would read then. */
uint32_t ts_plan_n_bounds(void);
const char *ts_plan_bound_key(uint32_t bound);
bool ts_plan_bound_is_stated(uint32_t bound, const struct ts_model *model);
void ts_plan_bound_put(char *out, size_t size, const struct ts_model *model, struct ts_plan_relaxed relaxed);

/* Fills relaxations, or remedies where no design keeps all. */
enum ts_status ts_plan_explain(struct ts_plan *plan, const struct ts_plan_spec *spec, struct ts_diags *diags);

/* Several jobs, whole, on the threads of the spec. why[i]: what the scenario has against that design, in `arena`; its
 * try is left alone then. NULL: it was run. */
enum ts_status ts_plan_try_all(struct ts_plan_try *out, const char **why, const struct ts_plan_job *jobs, uint32_t n,
                               struct ts_arena *arena, struct ts_diags *diags);

#endif
