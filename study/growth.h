/* What a plan uses at the volumes that its calls grow to: the scenario's whole window, or a sample of its calls, scaled
 * and simulated at some of them. */
#ifndef TS_STUDY_GROWTH_H
#define TS_STUDY_GROWTH_H

#include "econ/use_curve.h"
#include "study/capacity.h"

struct ts_growth_options {
    const struct ts_result *today;  /* the scenario's own run, all replications; its model has its month. NULL: it is
                                       simulated, too */
    enum ts_capacity_effort effort; /* quick or full */
    bool is_uncertain;              /* growth is drawn: the volumes at its p10 and p90 matter, too */
    uint32_t n_threads;
    const struct ts_progress *progress;
};

/* Capacities, and where calls grow (or fall) the line of what is used at other volumes; out->curve is `curve`, or NULL:
 * they do not grow, the first server is full already, or not one volume is affordable; use is in proportion to the
 * calls then. Nothing is looked at beyond the volume of the first full server: what becomes of the calls beyond it is
 * for owned.when_full to say.
 *
 * Volumes are the farthest, one between it and today's, and further ones while the line between them is off by more
 * than 1 % of a month's cost or energy; all together at most 8 times (full: 40 times) the requests of the run, or 2
 * million (20 million). A generated window of more than 40,000 (400,000) calls is sampled, unless something in it has
 * times of its own: docs/MODEL.md. The same random streams at every volume; the same on any number of threads. What
 * ts_capacity_find and ts_replicate return: with TS_EINTERRUPTED *out is good, without what was not found. */
enum ts_status ts_growth_find(struct ts_econ_capacity *out, struct ts_use_curve *curve,
                              const struct ts_scenario *scenario, const struct ts_growth_options *options,
                              struct ts_diags *diags);

#endif
