/* Hides the storage of requests on their way: one array that doubles, a free list through it, last out first in, so
 * that a light load stays in the cache. */
#include "sim/flight.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void ts_flights_init(struct ts_flights *flights)
{
    *flights = (struct ts_flights){.free = TS_FLIGHT_NONE};
}

void ts_flights_deinit(struct ts_flights *flights)
{
    for (uint32_t id = 0; id < flights->n_prefixes; id++) {
        free(flights->prefixes[id].ids);
    }
    free(flights->prefixes);
    free(flights->items);
    ts_flights_init(flights);
}

static enum ts_status grow(struct ts_flights *flights)
{
    const uint32_t cap = flights->cap ? flights->cap * 2 : 64;
    if (cap > TS_FLIGHT_MAX) {
        return TS_ERANGE;
    }
    struct ts_flight *items = realloc(flights->items, (size_t)cap * sizeof *items);
    if (!items) {
        return TS_ENOMEM;
    }
    flights->items = items;
    for (uint32_t i = cap; i-- > flights->cap;) {
        items[i] = (struct ts_flight){.next = flights->free};
        flights->free = i;
    }
    flights->cap = cap;
    return TS_OK;
}

enum ts_status ts_flights_take(struct ts_flights *flights, uint32_t *id)
{
    const enum ts_status status = flights->free == TS_FLIGHT_NONE ? grow(flights) : TS_OK;
    if (status != TS_OK) {
        return status;
    }
    *id = flights->free;
    struct ts_flight *flight = &flights->items[*id];
    flights->free = flight->next;
    flights->n_used++;
    *flight = (struct ts_flight){.stamp = flight->stamp,
                                 .is_used = true,
                                 .next = TS_FLIGHT_NONE,
                                 .noticed_ns = TS_NEVER_NS,
                                 .start_ns = TS_NEVER_NS,
                                 .first_ns = TS_NEVER_NS};
    return TS_OK;
}

void ts_flights_give(struct ts_flights *flights, uint32_t id)
{
    TS_CHECK(id < flights->cap && flights->n_used > 0);
    TS_CHECK(flights->items[id].is_used);
    flights->items[id].is_used = false;
    flights->items[id].stamp++;
    flights->items[id].next = flights->free;
    flights->free = id;
    flights->n_used--;
}

static enum ts_status reserve_prefixes(struct ts_flights *flights, uint32_t n)
{
    if (n <= flights->n_prefixes) {
        return TS_OK;
    }
    struct ts_flight_prefix *prefixes = realloc(flights->prefixes, (size_t)n * sizeof *prefixes);
    if (!prefixes) {
        return TS_ENOMEM;
    }
    memset(prefixes + flights->n_prefixes, 0, (size_t)(n - flights->n_prefixes) * sizeof *prefixes);
    flights->prefixes = prefixes;
    flights->n_prefixes = n;
    return TS_OK;
}

static enum ts_status reserve_ids(struct ts_flight_prefix *prefix, uint32_t n_ids)
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

enum ts_status ts_flights_keep_prefix(struct ts_flights *flights, uint32_t id)
{
    struct ts_prefix *prefix = &flights->items[id].request.prefix;
    const struct ts_prefix borrowed = *prefix;
    *prefix = (struct ts_prefix){.n_ids = 0};
    enum ts_status status = reserve_prefixes(flights, flights->cap);
    if (status == TS_OK) {
        status = reserve_ids(&flights->prefixes[id], borrowed.n_ids);
    }
    if (status != TS_OK) {
        return status;
    }
    memcpy(flights->prefixes[id].ids, borrowed.ids, (size_t)borrowed.n_ids * sizeof *borrowed.ids);
    *prefix = borrowed;
    prefix->ids = flights->prefixes[id].ids;
    return TS_OK;
}
