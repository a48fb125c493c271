/* Capacity by simulation: up to which volume the calls of each server tier meet the SLO at the peak of the week. The
 * load is the scenario's own, scaled, at the rate of the busiest hour of its week curve (a trace: its arrivals closer
 * together); devices come with their users, so their number is scaled too. The same random streams at every volume. A
 * tier meets the SLO where the share of its calls that do is at least slo.attainment. */
#ifndef TS_STUDY_CAPACITY_H
#define TS_STUDY_CAPACITY_H

#include "base/progress.h"
#include "econ/econ.h"
#include "scenarios/language/scenario.h"

enum ts_capacity_effort { TS_CAPACITY_OFF, TS_CAPACITY_QUICK, TS_CAPACITY_FULL, TS_N_CAPACITY_EFFORTS };

/* "off", "quick", "full". */
extern const char *const ts_capacity_efforts[TS_N_CAPACITY_EFFORTS];

/* How closely: 0.05, 0.02. */
double ts_capacity_tolerance_frac(enum ts_capacity_effort effort);

/* Can it be asked of the scenario? Not of a closed loop, whose load follows the replies, nor without a server. */
bool ts_capacity_applies(const struct ts_scenario *scenario);

/* The rate in the busiest hour of the week over the mean rate. */
double ts_capacity_peak_weight(const struct ts_workload *workload);

/* The scenario with so many times as many calls, and as many more devices: they come with their users. A shallow copy.
 */
struct ts_scenario ts_capacity_scaled(const struct ts_scenario *scenario, double volume);

/* Volumes double (or halve) until every server tier has both kept and missed the SLO, and are then bisected to within
 * 5 % (full: 2 %). Bounded by requests, not by time, so that the answer does not depend on the machine: 2 million
 * (full: 20 million). What was not found within that bound is the largest volume that was tried. */
enum ts_status ts_capacity_find(struct ts_econ_capacity *out, const struct ts_scenario *scenario,
                                enum ts_capacity_effort effort, const struct ts_progress *progress,
                                struct ts_diags *diags);

/* The volume that a scenario's servers take, whichever of them breaks first. */
struct ts_capacity_limit {
    double volume; /* times the scenario's; NaN: none was found up to which they keep the SLO, or none beyond it */
    uint32_t tier; /* breaks first */
    enum ts_slo_bound bound;
};

/* The same for one tier of any kind, or for the first server tier that breaks (TS_CAPACITY_SERVERS), however far from
 * the scenario's volume: looks around `guess` times that first, and goes on from where it was not far enough. */
#define TS_CAPACITY_SERVERS UINT32_MAX
enum ts_status ts_capacity_find_limit(struct ts_capacity_limit *out, const struct ts_scenario *scenario, uint32_t tier,
                                      double guess, enum ts_capacity_effort effort, const struct ts_progress *progress,
                                      struct ts_diags *diags);

/* TS_EUSAGE with a diagnostic: there is no server, a closed loop, or no bound in slo: any load is kept then. */
enum ts_status ts_capacity_check(const struct ts_scenario *scenario, struct ts_diags *diags);

#endif
