/* Hides the storage: one array that doubles. */
#include "sim/slots.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { FIRST_CAP = 64 };

void ts_slots_init(struct ts_slots *slots, size_t record_bytes, uint32_t max)
{
    *slots = (struct ts_slots){.size = record_bytes, .max = max, .free = TS_SLOT_NONE};
}

void ts_slots_deinit(struct ts_slots *slots)
{
    free(slots->items);
    ts_slots_init(slots, slots->size, slots->max);
}

static struct ts_slot *slot_at(const struct ts_slots *slots, uint32_t id)
{
    return (struct ts_slot *)(void *)(slots->items + (size_t)id * slots->size);
}

static enum ts_status grow(struct ts_slots *slots)
{
    const uint32_t cap = slots->cap ? slots->cap * 2 : FIRST_CAP;
    if (cap > slots->max) {
        return TS_ERANGE;
    }
    unsigned char *items = realloc(slots->items, (size_t)cap * slots->size);
    if (!items) {
        return TS_ENOMEM;
    }
    slots->items = items;
    for (uint32_t i = cap; i-- > slots->cap;) {
        *slot_at(slots, i) = (struct ts_slot){.next_free = slots->free};
        slots->free = i;
    }
    slots->cap = cap;
    return TS_OK;
}

enum ts_status ts_slots_take(struct ts_slots *slots, uint32_t *id)
{
    const enum ts_status status = slots->free == TS_SLOT_NONE ? grow(slots) : TS_OK;
    if (status != TS_OK) {
        return status;
    }
    *id = slots->free;
    struct ts_slot *slot = slot_at(slots, *id);
    const uint32_t stamp = slot->stamp;
    slots->free = slot->next_free;
    slots->n_used++;
    memset(slot, 0, slots->size);
    *slot = (struct ts_slot){.stamp = stamp, .next_free = TS_SLOT_NONE, .is_used = true};
    return TS_OK;
}

void ts_slots_give(struct ts_slots *slots, uint32_t id)
{
    TS_CHECK(id < slots->cap && slots->n_used > 0);
    struct ts_slot *slot = slot_at(slots, id);
    TS_CHECK(slot->is_used);
    slot->is_used = false;
    slot->stamp++;
    slot->next_free = slots->free;
    slots->free = id;
    slots->n_used--;
}
