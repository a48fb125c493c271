/* A pool of equal records, addressed by index, with a free list through it: last out, first in, so that a light load
 * stays in the cache. A record's stamp changes when it is given back, so that an event scheduled for something that has
 * left is recognised as stale. */
#ifndef TS_SIM_SLOTS_H
#define TS_SIM_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define TS_SLOT_NONE UINT32_MAX

/* The first member of every record; the pool's own. */
struct ts_slot {
    uint32_t stamp;
    uint32_t next_free;
    bool is_used;
};

struct ts_slots {
    unsigned char *items; /* [cap] records of `size` bytes */
    size_t size;
    uint32_t max, cap, n_used, free;
};

void ts_slots_init(struct ts_slots *slots, size_t record_bytes, uint32_t max);
void ts_slots_deinit(struct ts_slots *slots);
/* *id = a record that is zero but for its slot. TS_ERANGE when `max` are taken, TS_ENOMEM. May move the records:
 * pointers to them are stale. */
enum ts_status ts_slots_take(struct ts_slots *slots, uint32_t *id);
void ts_slots_give(struct ts_slots *slots, uint32_t id);

#endif
