/* Hides how a request's times are taken from its record:
 *   wait = start of service - arrival at the tier
 *   TTFT = first token at the tier (of a reply that was held back: when it was shown) + way back - arrival (router, way
 *          there and queue lie between)
 *   the engine's TTFT = first token at the tier - when the engine looked at its queue
 *   E2E  = last token, or when it was shown, + way back - arrival
 *   TPOT = (E2E - TTFT)/(output - 1), to the nearest nanosecond; none for one token */
#include "sim/record.h"

#include "sim/flight.h"
#include "sim/model.h"

const char *ts_outcome_name(enum ts_outcome outcome)
{
    static const char *const names[TS_N_OUTCOMES] = {"done", "rejected", "timed-out", "unfinished"};
    return names[outcome];
}

static enum ts_reason reason_of(const struct ts_flight *flight, enum ts_outcome outcome)
{
    return outcome == TS_REJECTED    ? (enum ts_reason)flight->reason
           : outcome == TS_TIMED_OUT ? TS_REASON_GAVE_UP
                                     : TS_REASON_NONE;
}

struct ts_request_record ts_record_of(const struct ts_flight *flight, enum ts_outcome outcome, int64_t now_ns)
{
    const struct ts_request *request = &flight->request;
    struct ts_request_record record = {.request = request,
                                       .outcome = outcome,
                                       .reason = reason_of(flight, outcome),
                                       .tier = flight->tier,
                                       .unit = flight->unit,
                                       .n_preemptions = flight->n_preemptions,
                                       .wait_ns = TS_NEVER_NS,
                                       .ttft_ns = TS_NEVER_NS,
                                       .tpot_ns = TS_NEVER_NS,
                                       .e2e_ns = TS_NEVER_NS,
                                       .engine_ttft_ns = TS_NEVER_NS};
    if (flight->entered_ns == TS_NEVER_NS) {
        return record;
    }
    if (flight->start_ns <= now_ns) {
        record.wait_ns = flight->start_ns - flight->entered_ns;
    }
    if (flight->first_ns <= now_ns && flight->crossed_ns != TS_NEVER_NS) {
        const int64_t sent_ns = flight->first_ns + flight->crossed_ns + flight->first_wait_ns;
        record.ttft_ns =
            (sent_ns > flight->shown_ns ? sent_ns : flight->shown_ns) + flight->down_ns - request->arrival_ns;
        if (flight->noticed_ns <= flight->first_ns) {
            record.engine_ttft_ns = flight->first_ns - flight->noticed_ns;
        }
    }
    if (outcome == TS_DONE) {
        record.e2e_ns = now_ns + flight->last_wait_ns + flight->down_ns - request->arrival_ns;
    }
    if (outcome == TS_DONE && request->output_tok > 1) {
        const int64_t n_gaps = (int64_t)request->output_tok - 1;
        record.tpot_ns = (record.e2e_ns - record.ttft_ns + n_gaps / 2) / n_gaps;
    }
    return record;
}

static bool keeps(int64_t latency_ns, double bound_s)
{
    return !(bound_s > 0.0) || (double)latency_ns * 1e-9 <= bound_s;
}

bool ts_record_meets(const struct ts_request_record *record, const struct ts_slo_model *slo)
{
    return record->outcome == TS_DONE && keeps(record->ttft_ns, slo->ttft_s) && keeps(record->e2e_ns, slo->e2e_s) &&
           (record->tpot_ns == TS_NEVER_NS || keeps(record->tpot_ns, slo->tpot_s));
}
