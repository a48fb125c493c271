/* The cheapest design of many that keeps the SLO and every limit of the scenario, in three stages.
 *
 * 1. Families: designs that differ by the number of replicas alone (the axis whose key ends in `replicas`; without one
 *    each design is a family). Of each the fewest replicas are found, by bisection, that keep up in an hour that half
 * of all calls come in or in busier ones: attainment over the window is at most q + (1 - q) x attainment at that rate,
 * q = 1/2 or a little more, so what is below there misses for good. A short window at that rate is simulated, which
 *    says what a month costs, too. A family whose machines alone cost more than a design that keeps everything is not
 *    looked at further. Without such a window the first calls tell what the machines cost; not possible with a trace
 *    or a closed loop: all of it is simulated then.
 * 2. Families are run whole, the ones that seem cheapest first, with more and more replicas until everything is kept;
 *    until what is left seems at least a tenth dearer than the best.
 * 3. The best and what comes near to it are run again, with common random numbers, until the probability of having the
 *    best is high enough (study/selection.h).
 *
 * It rests on more replicas keeping whatever fewer keep, but for limits.power, at which a climb ends. Cost is what a
 * month costs in the first full service
 * (`cost.total`). The same on any number of threads. */
#ifndef TS_STUDY_PLAN_H
#define TS_STUDY_PLAN_H

#include "reports/report.h"
#include "scenarios/language/axis.h"
#include "study/trial.h"

enum {
    TS_PLAN_MOST_AXES = 16,
    TS_PLAN_MOST_DESIGNS = 1000000,
    TS_PLAN_MOST_MARGINS = 12,
    TS_PLAN_FINALISTS = 8,
    TS_PLAN_MOST_REPLICATIONS = 64
};

/* How far the search went with a design. */
enum ts_plan_fate {
    TS_PLAN_UNTRIED,    /* after what was found: more replicas than needed, or seemed dearer by more than a tenth */
    TS_PLAN_IMPOSSIBLE, /* the scenario refuses it: does not fit its memory */
    TS_PLAN_TOO_WEAK,   /* misses the SLO in the hours that half of the calls come in */
    TS_PLAN_TOO_DEAR,   /* its machines alone cost more than the best */
    TS_PLAN_MISSES,     /* run whole: misses the SLO or a limit */
    TS_PLAN_KEEPS,      /* run whole: keeps all */
    TS_PLAN_N_FATES
};
/* "untried", "impossible", ... */
extern const char *const ts_plan_fate_names[TS_PLAN_N_FATES];

/* A bound of the scenario and how far from it a design is: 0.1: a tenth of the bound to spare; below 0: missed. */
struct ts_plan_margin {
    const char *key; /* "slo.attainment" */
    const char *label, *unit;
    bool at_least, is_limit;
    double wanted, got, margin;
};

/* A design that was run whole; of several replications the means. */
struct ts_plan_design {
    uint32_t index; /* in the grid of the axes: the last one changes first */
    enum ts_plan_fate fate;
    double usd_per_month;
    struct ts_plan_margin margins[TS_PLAN_MOST_MARGINS];
    uint32_t n_margins, n_runs;
    double probability; /* of being the best; 0: no finalist */
    double usd_half;    /* half of the 95 % interval of its cost; NaN with one run */
};

/* What it would be worth to ask a tenth less. */
struct ts_plan_relaxation {
    const char *key;
    char wanted[64];             /* "3.3 s" */
    double saving_usd_per_month; /* 0: none that was found */
    uint32_t index;              /* of the design that does */
};

/* What a bound would have to be for the nearest design, where no design keeps all. */
struct ts_plan_remedy {
    const char *key;
    char wanted[64];
};

struct ts_plan_spec {
    const struct ts_trial_base *base;
    /* A setting may be several: "tiers.edge.hardware=L40S\ntiers.edge.accelerators=4". */
    const struct ts_axis *axes; /* [n_axes], each with n >= 1 settings */
    uint32_t n_axes;
    uint32_t n_threads;
    double confidence;          /* 0.95: until the best is the best with that probability */
    uint32_t most_replications; /* or each finalist was run so often */
    uint32_t most_runs;         /* whole runs in stage 2, about */
    struct ts_progress progress;
};

struct ts_plan {
    struct ts_arena arena; /* owns what follows */
    uint32_t n_designs, n_families;
    uint8_t *fates;                 /* [n_designs] enum ts_plan_fate */
    double *estimates;              /* [n_designs] USD a month by a short window; NaN: none */
    const char **why;               /* [n_designs] of the impossible ones; else NULL */
    struct ts_plan_design *designs; /* [n] run whole, the cheapest first */
    uint32_t n;
    uint32_t best, second;          /* into designs; UINT32_MAX: there is none */
    uint32_t nearest;               /* where none keeps all: the one that misses least; UINT32_MAX: none was run */
    uint32_t n_windows, n_runs;     /* simulated */
    double requests, grid_requests; /* simulated; what the grid would have taken with one run of each design */
    bool gave_up;                   /* most_runs was reached */
    double base_usd_per_month;      /* of the scenario as it stands; NaN: it cannot be */
    bool base_keeps;
    struct ts_plan_relaxation relaxations[TS_PLAN_MOST_MARGINS];
    uint32_t n_relaxations;
    struct ts_plan_remedy remedies[TS_PLAN_MOST_MARGINS];
    uint32_t n_remedies;
};

/* TS_EUSAGE with a diagnostic: too many designs; the first failure that is none of a design; TS_EINTERRUPTED. On
 * failure *out is untouched. */
enum ts_status ts_plan_make(struct ts_plan *out, const struct ts_plan_spec *spec, struct ts_diags *diags);
void ts_plan_deinit(struct ts_plan *plan);

/* The settings of a design, [*n]; borrowed from the axes, or in `arena` where a setting was several. NULL: out of
 * memory. */
const char *const *ts_plan_settings(size_t *n, const struct ts_plan_spec *spec, uint32_t index, struct ts_arena *arena);

#endif
