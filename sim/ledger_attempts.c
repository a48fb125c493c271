/* Hides how attempts are counted: each begins in the books of a tier and ends there for one reason; what came to
 * nothing is superseded. */
#include <stddef.h>

#include "base/check.h"
#include "sim/ledger_parts.h"

static void count_one(struct ts_cell *cell, size_t field)
{
    uint64_t *count = (uint64_t *)(void *)((char *)&cell->attempts + field);
    ++*count;
}

/* Counts one in the books of the tier, and of the kind of device there. field: of struct ts_attempts. */
static void count_attempt(struct ts_ledger *ledger, const struct ts_flight *flight, size_t field)
{
    struct ts_cell *of_kind = ts_ledger_cell_of_kind(ledger, flight->at, &flight->request);
    count_one(&ledger->result.tiers[flight->at].cells[flight->request.class_id], field);
    if (of_kind) {
        count_one(of_kind, field);
    }
}

#define ATTEMPTS(field) offsetof(struct ts_attempts, field)

void ts_ledger_send(struct ts_ledger *ledger, struct ts_flight *flight, uint32_t tier)
{
    flight->at = (uint8_t)tier;
    flight->reason = TS_REASON_NONE;
    count_attempt(ledger, flight, ATTEMPTS(sent));
}

void ts_ledger_end_attempt(struct ts_ledger *ledger, struct ts_flight *flight)
{
    if (flight->at == TS_NOT_SENT) {
        return;
    }
    count_attempt(ledger, flight,
                  flight->reason == TS_REASON_NONE ? ATTEMPTS(spared)
                                                   : ATTEMPTS(went_on) + flight->reason * sizeof(uint64_t));
    flight->at = TS_NOT_SENT;
    flight->reason = TS_REASON_NONE;
}

static size_t end_of(const struct ts_flight *flight, enum ts_outcome outcome)
{
    switch (outcome) {
    case TS_DONE:
        TS_CHECK(flight->at == flight->tier);
        return ATTEMPTS(answered);
    case TS_REJECTED:
        TS_CHECK(flight->reason != TS_REASON_NONE);
        return ATTEMPTS(lost) + flight->reason * sizeof(uint64_t);
    case TS_TIMED_OUT:
        return ATTEMPTS(lost) + TS_REASON_GAVE_UP * sizeof(uint64_t);
    case TS_UNFINISHED:
        return ATTEMPTS(open);
    case TS_N_OUTCOMES:
        break;
    }
    TS_CHECK(!"an outcome");
    return 0;
}

void ts_ledger_end_with_call(struct ts_ledger *ledger, struct ts_flight *flight, enum ts_outcome outcome)
{
    if (flight->at == TS_NOT_SENT) { /* it has not come to any tier */
        TS_CHECK(outcome != TS_DONE && outcome != TS_REJECTED);
        ts_ledger_send(ledger, flight, ledger->result.n_tiers);
    }
    count_attempt(ledger, flight, end_of(flight, outcome));
    flight->at = TS_NOT_SENT;
    flight->reason = TS_REASON_NONE;
}

/* What the provider charges for a call whose client went away: the prompt, which it has read. */
static double price_of_start_usd(const struct ts_offer *offer, const struct ts_flight *flight)
{
    struct ts_request prompt = flight->request;
    prompt.output_tok = 0;
    return ts_ledger_bill_usd(offer, &prompt, (struct ts_billed_tok){flight->found_tok, flight->written_tok, 0});
}

double ts_ledger_supersede(struct ts_ledger *ledger, const struct ts_flight *flight, int64_t now_ns, bool is_whole)
{
    const uint32_t tier = flight->tier;
    if (tier == ledger->result.n_tiers || ts_ledger_leaves_out(ledger, &flight->request)) {
        return 0.0;
    }
    struct ts_cell *cell = &ledger->result.tiers[tier].cells[flight->request.class_id];
    cell->superseded++;
    cell->superseded_tok += is_whole ? (uint64_t)flight->request.prompt_tok + flight->request.output_tok : 0;
    if (ledger->model->tiers[tier].kind != TS_TIER_API || flight->start_ns > now_ns) {
        return 0.0;
    }
    const struct ts_offer *offer = &ledger->model->tiers[tier].u.api.offers[flight->offer];
    const double usd = is_whole ? ts_ledger_bill_usd(offer, &flight->request, ts_ledger_billed_tok(flight))
                                : price_of_start_usd(offer, flight);
    cell->superseded_usd += usd;
    ledger->charged_usd += usd;
    return usd;
}

void ts_ledger_reply(struct ts_ledger *ledger, const struct ts_flight *flight)
{
    if (!ts_ledger_leaves_out(ledger, &flight->request)) {
        ledger->whole_tok += (uint64_t)flight->request.prompt_tok + flight->request.output_tok;
    }
}

void ts_ledger_verify(struct ts_ledger *ledger, const struct ts_flight *flight)
{
    if (!ts_ledger_leaves_out(ledger, &flight->request)) {
        ledger->result.tiers[flight->tier].cells[flight->request.class_id].router_usd +=
            ledger->model->router.verify.usd_per_call;
    }
}
