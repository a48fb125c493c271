/* A table of 64-bit numbers by 64-bit keys: open addressing with linear probing, at most half full, so that something
 * is found within some places next to one another. Keys are spread by the caller's hashing or not: they are mixed here.
 * Any key but TS_KEY_NONE. */
#ifndef TS_BASE_KEY_TABLE_H
#define TS_BASE_KEY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define TS_KEY_NONE UINT64_MAX

struct ts_key_entry {
    uint64_t key;
    uint64_t value;
};

struct ts_key_table {
    struct ts_key_entry *entries; /* [cap], a power of two; NULL before the first */
    size_t cap, n;
};

/* An empty table is all zero. */
void ts_key_table_deinit(struct ts_key_table *table);
/* The value of that key, or NULL. Good until the next put or remove. */
uint64_t *ts_key_table_find(const struct ts_key_table *table, uint64_t key);
/* Sets the value of that key, in place of the one that it had. TS_ENOMEM leaves the table as it was. */
enum ts_status ts_key_table_put(struct ts_key_table *table, uint64_t key, uint64_t value);
/* Nothing, if the key is not there. */
void ts_key_table_remove(struct ts_key_table *table, uint64_t key);

#endif
