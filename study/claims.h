/* Claims about where AI should run, each tested by simulation: what our number is, within which interval, whether
 * the claim holds, and which input would change the verdict at which value. Nothing of a verdict is written down: a
 * claim is a scenario, figures of its report and bounds on them. */
#ifndef TS_STUDY_CLAIMS_H
#define TS_STUDY_CLAIMS_H

#include "base/progress.h"
#include "scenarios/language/scenario.h"

enum { TS_CLAIM_MAX_SETS = 6, TS_CLAIM_MAX_BOUNDS = 2, TS_CLAIM_MAX_KEYS = 3, TS_CLAIM_DRAWS = 16 };

/* A figure and the bound that the claim puts on it. */
struct ts_claim_bound {
    const char *label;  /* "payback"; NULL after the last */
    const char *figure; /* "payback.value@all", of docs/FIGURES.md; "a@x / b@y" is the ratio of two; "fits": 1 if the
                           scenario is accepted, else 0 */
    const char *unit;   /* as in reports/metric.h */
    double scale;       /* on the figure; 0: 1 */
    bool of_other;      /* over that of the run with `other` */
    bool at_least;      /* else: at most */
    double bound;
};

/* An input that may decide, and between which values it may plausibly be. */
struct ts_claim_key {
    const char *key, *unit; /* NULL after the last; unit as in base/units.h */
    double from, to;        /* > 0: searched on a logarithmic scale */
    bool is_whole;
};

struct ts_claim {
    const char *id;       /* "5b": the second reading of claim 5 */
    const char *text;     /* the claim */
    const char *reading;  /* how it is tested by a run */
    const char *scenario; /* file in scenarios/claims */
    const char *sets[TS_CLAIM_MAX_SETS];
    const char *other[TS_CLAIM_MAX_SETS];                  /* of the run that bounds may compare with, beside `sets` */
    struct ts_claim_bound bounds[TS_CLAIM_MAX_BOUNDS + 1]; /* all must be kept; the first is the number of the claim */
    struct ts_claim_key keys[TS_CLAIM_MAX_KEYS + 1];
    const char *source; /* who says so, and what else is said */
};

extern const struct ts_claim ts_claims[];
extern const size_t ts_n_claims;

enum ts_claim_verdict { TS_CLAIM_HOLDS, TS_CLAIM_HOLDS_IF, TS_CLAIM_FAILS };
/* "holds", "holds if", "does not hold". */
const char *ts_claim_verdict_name(enum ts_claim_verdict verdict);

/* Where an input changes the verdict, in the key's unit: the values between which the claim holds, those about where
 * the input is now, or else the nearest to it. */
struct ts_claim_flip {
    bool turns;       /* it holds at some of the values that were tried, and not at others */
    double now;       /* NaN: it is not one number */
    double low, high; /* -INFINITY and INFINITY: to the end of the range */
};

struct ts_claim_outcome {
    double value[TS_CLAIM_MAX_BOUNDS], p10[TS_CLAIM_MAX_BOUNDS], p90[TS_CLAIM_MAX_BOUNDS];
    bool held;                /* all bounds, all inputs at their medians */
    uint32_t n_drawn, n_held; /* draws of all uncertain inputs, and those in which it held; 0 drawn: no input
                                 is uncertain */
    struct ts_claim_flip flips[TS_CLAIM_MAX_KEYS];
    int decides; /* the key whose flip is nearest to where it is now, on its own scale; -1: none flips */
    enum ts_claim_verdict verdict;
};

/* Runs each claim: at the medians, at 16 points of the uncertain inputs, and along each key, at 9 points of its range
 * and where the verdict turns. holds: at the medians, in 9 draws of 10, and no key turns it; does not hold: neither at
 * the medians, nor in more than 1 draw of 10, nor anywhere along a key; else: holds if. On that many threads:
 * out[ts_n_claims]. */
enum ts_status ts_claims_judge(struct ts_claim_outcome *out, uint32_t n_threads, const struct ts_progress *progress,
                               struct ts_diags *diags);

#endif
