/* Hides what a new record holds, and the storage of prefix ids. */
#include "sim/flight.h"

#include <stdlib.h>
#include <string.h>

void ts_calls_init(struct ts_calls *calls)
{
    *calls = (struct ts_calls){.n_prefixes = 0};
    ts_slots_init(&calls->slots, sizeof(struct ts_call), TS_CALL_MAX);
}

void ts_calls_deinit(struct ts_calls *calls)
{
    for (uint32_t id = 0; id < calls->n_prefixes; id++) {
        free(calls->prefixes[id].ids);
    }
    free(calls->prefixes);
    ts_slots_deinit(&calls->slots);
    ts_calls_init(calls);
}

static enum ts_status reserve_prefixes(struct ts_calls *calls, uint32_t n)
{
    if (n <= calls->n_prefixes) {
        return TS_OK;
    }
    struct ts_call_prefix *prefixes = realloc(calls->prefixes, (size_t)n * sizeof *prefixes);
    if (!prefixes) {
        return TS_ENOMEM;
    }
    memset(prefixes + calls->n_prefixes, 0, (size_t)(n - calls->n_prefixes) * sizeof *prefixes);
    calls->prefixes = prefixes;
    calls->n_prefixes = n;
    return TS_OK;
}

static enum ts_status reserve_ids(struct ts_call_prefix *prefix, uint32_t n_ids)
{
    if (n_ids <= prefix->cap) {
        return TS_OK;
    }
    uint64_t *ids = realloc(prefix->ids, (size_t)n_ids * sizeof *ids);
    if (!ids) {
        return TS_ENOMEM;
    }
    prefix->ids = ids;
    prefix->cap = n_ids;
    return TS_OK;
}

static enum ts_status keep_prefix(struct ts_calls *calls, uint32_t id, struct ts_prefix *prefix)
{
    enum ts_status status = reserve_prefixes(calls, calls->slots.cap);
    if (status == TS_OK) {
        status = reserve_ids(&calls->prefixes[id], prefix->n_ids);
    }
    if (status == TS_OK) {
        memcpy(calls->prefixes[id].ids, prefix->ids, (size_t)prefix->n_ids * sizeof *prefix->ids);
        prefix->ids = calls->prefixes[id].ids;
    }
    return status;
}

enum ts_status ts_calls_take(struct ts_calls *calls, uint32_t *id, const struct ts_request *request)
{
    enum ts_status status = ts_slots_take(&calls->slots, id);
    if (status != TS_OK) {
        return status;
    }
    struct ts_call *call = ts_calls_at(calls, *id);
    call->request = *request;
    call->timer_ns = TS_NEVER_NS;
    call->session.call = TS_SLOT_NONE;
    call->open = call->kept = TS_FLIGHT_NONE;
    if (request->prefix.n_ids > 0) {
        status = keep_prefix(calls, *id, &call->request.prefix);
    }
    if (status != TS_OK) {
        ts_slots_give(&calls->slots, *id);
    }
    return status;
}

void ts_calls_give(struct ts_calls *calls, uint32_t id)
{
    ts_slots_give(&calls->slots, id);
}

void ts_flights_init(struct ts_slots *flights)
{
    ts_slots_init(flights, sizeof(struct ts_flight), TS_FLIGHT_MAX);
}

enum ts_status ts_flights_take(struct ts_slots *flights, uint32_t *id, const struct ts_request *request)
{
    const enum ts_status status = ts_slots_take(flights, id);
    if (status != TS_OK) {
        return status;
    }
    struct ts_flight *flight = ts_flights_at(flights, *id);
    flight->request = *request;
    flight->sibling = flight->next = TS_FLIGHT_NONE;
    flight->at = TS_NOT_SENT;
    flight->reason = TS_REASON_NONE;
    flight->entered_ns = flight->noticed_ns = flight->start_ns = flight->first_ns = TS_NEVER_NS;
    return TS_OK;
}
