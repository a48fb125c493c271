/* Hides how a provider's cache forgets without a list of what is old: entries stand in two tables, the young and the
 * old generation. Every use puts an entry into the young one; when that has lasted the time to live, it becomes the old
 * one, and the old one is emptied. So an entry used within the time to live is in one of both, and what is in both at
 * most two times to live old; which of that is too old, its time says. Memory follows what is in use. */
#include "sim/tiers/prompt_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/units.h"
#include "sim/serving/prefix_cache.h"

enum { FIRST_CAP = 256 };

struct ts_prompt_cache ts_prompt_cache_of(const struct ts_prompt_cache_model *model)
{
    return (struct ts_prompt_cache){.life_ns = ts_ns_from_s(model->life_s), .least_tok = model->least_tok};
}

void ts_prompt_cache_deinit(struct ts_prompt_cache *cache)
{
    free(cache->young.entries);
    free(cache->old.entries);
    cache->young = cache->old = (struct ts_prompt_cache_table){NULL, 0, 0};
}

/* ---- one table ---- */

/* The entry of that key, or the empty place where it would stand. */
static struct ts_prompt_cache_entry *place_of(const struct ts_prompt_cache_table *table, uint64_t key)
{
    uint32_t i = (uint32_t)(key >> 16) & (table->cap - 1);
    while (table->entries[i].key != 0 && table->entries[i].key != key) {
        i = (i + 1) & (table->cap - 1);
    }
    return &table->entries[i];
}

static struct ts_prompt_cache_entry *find(const struct ts_prompt_cache_table *table, uint64_t key)
{
    struct ts_prompt_cache_entry *entry = table->n > 0 ? place_of(table, key) : NULL;
    return entry && entry->key == key ? entry : NULL;
}

static enum ts_status grow(struct ts_prompt_cache_table *table)
{
    struct ts_prompt_cache_table grown = {.cap = table->cap ? table->cap * 2 : FIRST_CAP, .n = table->n};
    grown.entries = calloc(grown.cap, sizeof *grown.entries);
    if (!grown.entries) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < table->cap; i++) {
        if (table->entries[i].key != 0) {
            *place_of(&grown, table->entries[i].key) = table->entries[i];
        }
    }
    free(table->entries);
    *table = grown;
    return TS_OK;
}

static void clear(struct ts_prompt_cache_table *table)
{
    if (table->n > 0) {
        memset(table->entries, 0, table->cap * sizeof *table->entries);
        table->n = 0;
    }
}

/* ---- generations ---- */

static void turn(struct ts_prompt_cache *cache, int64_t now_ns)
{
    const struct ts_prompt_cache_table emptied = cache->old;
    cache->old = cache->young;
    cache->young = emptied;
    clear(&cache->young);
    cache->turned_ns = now_ns;
}

static void age(struct ts_prompt_cache *cache, int64_t now_ns)
{
    if (now_ns - cache->turned_ns >= cache->life_ns) {
        const bool long_ago = now_ns - cache->turned_ns >= 2 * cache->life_ns;
        turn(cache, now_ns);
        if (long_ago) {
            clear(&cache->old);
        }
    }
}

/* The entry in use of that key, young or old; NULL. */
static struct ts_prompt_cache_entry *find_alive(const struct ts_prompt_cache *cache, uint64_t key, int64_t now_ns)
{
    struct ts_prompt_cache_entry *entry = find(&cache->young, key);
    entry = entry ? entry : find(&cache->old, key);
    return entry && now_ns - entry->used_ns <= cache->life_ns ? entry : NULL;
}

/* Writes it to the young generation. */
static enum ts_status use(struct ts_prompt_cache *cache, struct ts_prompt_cache_entry entry)
{
    if (cache->young.n >= TS_PROMPT_CACHE_MAX_BLOCKS) {
        turn(cache, entry.used_ns);
    }
    if (cache->young.n >= cache->young.cap / 2) {
        const enum ts_status status = grow(&cache->young);
        if (status != TS_OK) {
            return status;
        }
    }
    struct ts_prompt_cache_entry *place = place_of(&cache->young, entry.key);
    cache->young.n += place->key == 0;
    *place = entry;
    return TS_OK;
}

/* ---- a call ---- */

enum ts_status ts_prompt_cache_meet(uint32_t *found_tok, struct ts_prompt_cache *cache, uint64_t salt,
                                    const struct ts_request *request, int64_t now_ns, int64_t ready_ns)
{
    const struct ts_prefix *prefix = &request->prefix;
    *found_tok = 0;
    if (cache->life_ns <= 0 || prefix->n_ids == 0 || request->prompt_tok < cache->least_tok) {
        return TS_OK;
    }
    TS_CHECK(now_ns >= cache->turned_ns);
    const uint32_t block_tok =
        prefix->block_tok > TS_PROMPT_CACHE_BLOCK_TOK ? prefix->block_tok : TS_PROMPT_CACHE_BLOCK_TOK;
    const uint64_t known_tok = (uint64_t)prefix->n_ids * prefix->block_tok;
    const uint64_t whole_tok = known_tok < request->prompt_tok ? known_tok : request->prompt_tok;
    const uint32_t n = (uint32_t)(whole_tok / block_tok);
    uint64_t key = TS_PREFIX_ROOT + salt;
    uint32_t n_found = 0;
    age(cache, now_ns);
    for (uint32_t i = 0; i < n; i++) {
        key = ts_prefix_key(key, prefix, request->prompt_tok, 0, i, block_tok);
        const struct ts_prompt_cache_entry *alive = find_alive(cache, key, now_ns);
        const struct ts_prompt_cache_entry entry = {.key = key,
                                                    .ready_ns = alive && alive->ready_ns < ready_ns ? alive->ready_ns
                                                                                                    : ready_ns,
                                                    .used_ns = now_ns};
        n_found += alive && alive->ready_ns <= now_ns && n_found == i;
        const enum ts_status status = use(cache, entry);
        if (status != TS_OK) {
            return status;
        }
    }
    *found_tok = n_found * block_tok >= cache->least_tok ? n_found * block_tok : 0;
    return TS_OK;
}
