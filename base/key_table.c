/* Hides how places are found and given back: what stands after a removed entry moves up (Knuth, "The Art of Computer
 * Programming" 3, 6.4, algorithm R), so that no marks of removed ones are left over. */
#include "base/key_table.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/rng.h"

enum { FIRST_CAP = 64 };

void ts_key_table_deinit(struct ts_key_table *table)
{
    free(table->entries);
    *table = (struct ts_key_table){NULL, 0, 0};
}

static size_t home_of(const struct ts_key_table *table, uint64_t key)
{
    return (size_t)ts_mix64(key) & (table->cap - 1);
}

/* Where the key stands, or the empty place where it would. */
static size_t place_of(const struct ts_key_table *table, uint64_t key)
{
    size_t i = home_of(table, key);
    while (table->entries[i].key != TS_KEY_NONE && table->entries[i].key != key) {
        i = (i + 1) & (table->cap - 1);
    }
    return i;
}

uint64_t *ts_key_table_find(const struct ts_key_table *table, uint64_t key)
{
    if (table->n == 0) {
        return NULL;
    }
    struct ts_key_entry *entry = &table->entries[place_of(table, key)];
    return entry->key == key ? &entry->value : NULL;
}

static enum ts_status grow(struct ts_key_table *table)
{
    struct ts_key_table grown = {.cap = table->cap > 0 ? 2 * table->cap : FIRST_CAP, .n = table->n};
    grown.entries = malloc(grown.cap * sizeof *grown.entries);
    if (!grown.entries) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < grown.cap; i++) {
        grown.entries[i].key = TS_KEY_NONE;
    }
    for (size_t i = 0; i < table->cap; i++) {
        if (table->entries[i].key != TS_KEY_NONE) {
            grown.entries[place_of(&grown, table->entries[i].key)] = table->entries[i];
        }
    }
    free(table->entries);
    *table = grown;
    return TS_OK;
}

enum ts_status ts_key_table_put(struct ts_key_table *table, uint64_t key, uint64_t value)
{
    TS_CHECK(key != TS_KEY_NONE);
    if (2 * table->n >= table->cap && grow(table) != TS_OK) {
        return TS_ENOMEM;
    }
    struct ts_key_entry *entry = &table->entries[place_of(table, key)];
    table->n += entry->key == TS_KEY_NONE;
    *entry = (struct ts_key_entry){key, value};
    return TS_OK;
}

void ts_key_table_remove(struct ts_key_table *table, uint64_t key)
{
    if (!ts_key_table_find(table, key)) {
        return;
    }
    size_t hole = place_of(table, key);
    for (size_t i = (hole + 1) & (table->cap - 1); table->entries[i].key != TS_KEY_NONE;
         i = (i + 1) & (table->cap - 1)) {
        const size_t home = home_of(table, table->entries[i].key);
        if (((i - home) & (table->cap - 1)) >= ((i - hole) & (table->cap - 1))) {
            table->entries[hole] = table->entries[i];
            hole = i;
        }
    }
    table->entries[hole].key = TS_KEY_NONE;
    table->n--;
}
