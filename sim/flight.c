/* Hides the storage of requests on their way: one array that doubles, a free list through it, last out first in, so
 * that a light load stays in the cache. */
#include "sim/flight.h"

#include <stdlib.h>

#include "base/check.h"

void ts_flights_init(struct ts_flights *flights)
{
    *flights = (struct ts_flights){.free = TS_FLIGHT_NONE};
}

void ts_flights_deinit(struct ts_flights *flights)
{
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
