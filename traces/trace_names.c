/* Hides a hash table of names. */
#include "traces/trace_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { N_SLOTS = 4 * TS_TRACE_MAX_NAMES };

void ts_trace_names_deinit(struct ts_trace_names *names)
{
    for (uint32_t i = 0; i < names->n; i++) {
        free(names->names[i]);
    }
    free(names->names);
    free(names->slots);
    *names = (struct ts_trace_names){.n = 0};
}

static uint32_t hash(const char *name)
{
    uint64_t value = 0;
    for (; *name; name++) {
        value = ts_mix64(value ^ (unsigned char)*name);
    }
    return (uint32_t)value % N_SLOTS;
}

bool ts_trace_names_find(uint16_t *out, struct ts_trace_names *names, const char *name)
{
    if (!names->slots) {
        names->slots = calloc(N_SLOTS, sizeof *names->slots);
        names->names = calloc(TS_TRACE_MAX_NAMES, sizeof *names->names);
        if (!names->slots || !names->names) {
            return false;
        }
    }
    uint32_t slot = hash(name);
    while (names->slots[slot] && strcmp(names->names[names->slots[slot] - 1], name) != 0) {
        slot = (slot + 1) % N_SLOTS;
    }
    if (!names->slots[slot] && names->n == TS_TRACE_MAX_NAMES) {
        names->is_full = true;
        *out = TS_TRACE_MAX_NAMES - 1;
        return true;
    }
    if (!names->slots[slot]) {
        char *copy = strdup(name);
        if (!copy) {
            return false;
        }
        names->names[names->n++] = copy;
        names->slots[slot] = names->n;
    }
    *out = (uint16_t)(names->slots[slot] - 1);
    return true;
}
