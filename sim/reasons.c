/* Hides the words of reasons. */
#include "sim/reasons.h"

const char *ts_reason_word(enum ts_reason reason)
{
    static const char *const words[TS_N_REASONS] = {
#define TS_REASON(id, word, doc) word,
#include "sim/reasons.inc"
    };
    return words[reason];
}

const char *ts_reason_doc(enum ts_reason reason)
{
    static const char *const docs[TS_N_REASONS] = {
#define TS_REASON(id, word, doc) doc,
#include "sim/reasons.inc"
    };
    return docs[reason];
}

void ts_attempts_add(struct ts_attempts *into, const struct ts_attempts *from)
{
    into->sent += from->sent;
    into->answered += from->answered;
    into->spared += from->spared;
    into->open += from->open;
    for (int r = 0; r < TS_N_REASONS; r++) {
        into->went_on[r] += from->went_on[r];
        into->lost[r] += from->lost[r];
    }
}

uint64_t ts_attempts_ended(const struct ts_attempts *attempts)
{
    uint64_t n = 0;
    for (int r = 0; r < TS_N_REASONS; r++) {
        n += attempts->went_on[r] + attempts->lost[r];
    }
    return n;
}
