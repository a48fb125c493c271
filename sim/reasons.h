/* What becomes of the attempts at calls, and for which reason: where the books of outcomes (arrived = done + rejected +
 * timed out + unfinished, by the tier where a call ended) tell what happened to calls, these tell what happened on the
 * way there.
 *
 * An attempt is a call's stay at one tier: one that the policy means for it, even if a rule keeps it away, and one that
 * is sent on to it. Each has one end: it answered the call; it ended for a reason, and the call went on or was lost by
 * it; it was spared, as another attempt answered first or a check rejected its reply; or it was open when the run
 * ended. Of the whole run, warm-up included:
 *
 *   sent = answered + spared + open + sum over reasons of (went on + lost)         of each tier and class
 *   rejected = sum over the reasons but GAVE_UP of lost,  timed out = lost by GAVE_UP,  unfinished = open,
 *   done = answered                                                                of each class, over all tiers */
#ifndef TS_SIM_REASONS_H
#define TS_SIM_REASONS_H

#include <stdint.h>

enum ts_reason {
#define TS_REASON(id, word, doc) TS_REASON_##id,
#include "sim/reasons.inc"
    TS_N_REASONS,
    TS_REASON_NONE = TS_N_REASONS
};

/* "too_long". */
const char *ts_reason_word(enum ts_reason reason);
/* A sentence: what it means. */
const char *ts_reason_doc(enum ts_reason reason);

struct ts_attempts {
    uint64_t sent, answered, spared, open;
    uint64_t went_on[TS_N_REASONS], lost[TS_N_REASONS];
};

void ts_attempts_add(struct ts_attempts *into, const struct ts_attempts *from);
/* Those that ended for any reason. */
uint64_t ts_attempts_ended(const struct ts_attempts *attempts);

#endif
