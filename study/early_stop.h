/* The early stop of a point that cannot win: of N calls M have missed the SLO, so that attainment is at most 1 - M/N
 * whatever becomes of the others. Once that is below what the scenario wants, the rest of the run could not change the
 * verdict. N is the number of calls of all replications, those in a warm-up among them; so the bound is never too
 * strict. Each replication is judged by itself, so that where a point stops does not depend on threads. */
#ifndef TS_STUDY_EARLY_STOP_H
#define TS_STUDY_EARLY_STOP_H

#include "scenarios/language/scenario.h"
#include "sim/record.h"
#include "traces/tapes.h"

struct ts_early_stop {
    const char *key; /* "slo.attainment"; NULL: nothing is wanted */
    double wanted_frac;
    uint64_t n_calls, most_missed; /* more of them, and it is over */
};

/* What the scenario wants of attainment, and how many calls there are: generated ones, without sessions. */
bool ts_early_stop_applies(const struct ts_scenario *scenario);
/* Of one that applies; else *out is empty. */
enum ts_status ts_early_stop_find(struct ts_early_stop *out, const struct ts_scenario *scenario, struct ts_tapes *tapes,
                                  const struct ts_progress *progress, struct ts_diags *diags);

/* One replication under it. */
struct ts_early_stop_watch {
    const struct ts_early_stop *stop;
    const struct ts_model *model;
    uint64_t n_missed;
    int64_t at_ns; /* arrival of the call that was one too many */
};
/* For ts_sim_options.on_request; TS_ELIMIT: it is over. */
enum ts_status ts_early_stop_look(void *watch, const struct ts_request_record *record);
/* "slo.attainment of 95 % is missed for certain: 4,001 of 80,000 calls have missed the SLO after 3.2 h" as an error. */
void ts_early_stop_tell(const struct ts_early_stop_watch *watch, struct ts_diags *diags);

#endif
