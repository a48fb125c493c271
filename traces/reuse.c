/* Hides how one pass tells the hits of caches of all sizes: by stack distances (Mattson, Gecsei, Slutz and Traiger, IBM
 * Systems J. 9, 1970). An id was used so many different ids ago; a cache of at least so many still has it. The count is
 * a sum over a Fenwick tree of the last use of each id (Bennett and Kruskal, IBM J. Res. Dev. 19, 1975). A prompt's ids
 * are found from its beginning on, as long as all before them are found, so its k-th id needs a cache of the largest
 * distance of the first k; they are used from the last to the first, so that the end of a prompt is dropped before its
 * beginning. Ids are chained: an id counts as the same only after the same ones.
 * Check value: prompts of ids ABC, ABD, ABC: the third finds A and B in a cache of 2, and C in one of 4. */
#include "traces/reuse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { MAX_IDS = 1 << 24, FIRST_SLOTS = 1 << 12, N_SIZES = 64, PER_OCTAVE = 2, MAX_GROUPS = 4096 };

struct entry {
    uint64_t key;    /* chained hash; 0: free */
    uint32_t at;     /* position of its last use */
    uint32_t prompt; /* of its group, that used it last, counted from 1 */
};

struct ts_reuse {
    struct entry *entries; /* [n_slots], open addressing */
    uint32_t n_slots, n_ids;
    uint32_t *tree;  /* [n_positions + 1] Fenwick: 1 where an id was used last */
    uint32_t *slots; /* [n_positions] of that id; UINT32_MAX: of none any more */
    uint32_t n_positions, next;
    uint32_t n_prompts[MAX_GROUPS];
    double prompt_tok, found_tok;
    double tok_beyond[N_SIZES]; /* found in caches of more than 2^(i / PER_OCTAVE) ids, but not in smaller ones */
};

struct ts_reuse *ts_reuse_create(void)
{
    struct ts_reuse *reuse = calloc(1, sizeof *reuse);
    if (!reuse) {
        return NULL;
    }
    reuse->n_slots = reuse->n_positions = FIRST_SLOTS;
    reuse->entries = calloc(reuse->n_slots, sizeof *reuse->entries);
    reuse->tree = calloc((size_t)reuse->n_positions + 1, sizeof *reuse->tree);
    reuse->slots = malloc(reuse->n_positions * sizeof *reuse->slots);
    if (!reuse->entries || !reuse->tree || !reuse->slots) {
        ts_reuse_destroy(reuse);
        return NULL;
    }
    return reuse;
}

void ts_reuse_destroy(struct ts_reuse *reuse)
{
    if (reuse) {
        free(reuse->entries);
        free(reuse->tree);
        free(reuse->slots);
        free(reuse);
    }
}

/* ---- the tree of last uses ---- */

static void tree_add(struct ts_reuse *reuse, uint32_t at, uint32_t value)
{
    for (uint32_t i = at + 1; i <= reuse->n_positions; i += i & (~i + 1)) {
        reuse->tree[i] += value;
    }
}

/* Last uses before position `at`. */
static uint32_t tree_sum(const struct ts_reuse *reuse, uint32_t at)
{
    uint32_t sum = 0;
    for (uint32_t i = at; i > 0; i -= i & (~i + 1)) {
        sum += reuse->tree[i];
    }
    return sum;
}

/* Numbers the last uses anew, from 0 on, with room for as many again. */
static bool renumber(struct ts_reuse *reuse)
{
    const uint32_t wanted = 2 * reuse->n_ids > FIRST_SLOTS ? 2 * reuse->n_ids : FIRST_SLOTS;
    uint32_t *slots = malloc(wanted * sizeof *slots), *tree = calloc((size_t)wanted + 1, sizeof *tree);
    if (!slots || !tree) {
        free(slots);
        free(tree);
        return false;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < reuse->next; i++) {
        const uint32_t slot = reuse->slots[i];
        if (slot != UINT32_MAX) {
            reuse->entries[slot].at = n;
            slots[n++] = slot;
        }
    }
    free(reuse->slots);
    free(reuse->tree);
    reuse->slots = slots;
    reuse->tree = tree;
    reuse->n_positions = wanted;
    reuse->next = n;
    for (uint32_t i = 1; i <= wanted; i++) {
        tree[i] += i <= n;
        const uint32_t parent = i + (i & (~i + 1));
        if (parent <= wanted) {
            tree[parent] += tree[i];
        }
    }
    return true;
}

/* ---- ids ---- */

/* Where the key is, or would be. */
static uint32_t slot_of(const struct ts_reuse *reuse, uint64_t key)
{
    uint32_t slot = (uint32_t)(key >> 32) & (reuse->n_slots - 1);
    while (reuse->entries[slot].key != 0 && reuse->entries[slot].key != key) {
        slot = (slot + 1) & (reuse->n_slots - 1);
    }
    return slot;
}

static bool grow(struct ts_reuse *reuse)
{
    struct entry *old = reuse->entries;
    const uint32_t n_old = reuse->n_slots;
    struct entry *entries = calloc((size_t)n_old * 2, sizeof *entries);
    if (!entries) {
        return false;
    }
    reuse->entries = entries;
    reuse->n_slots = n_old * 2;
    for (uint32_t i = 0; i < n_old; i++) {
        if (old[i].key != 0) {
            const uint32_t slot = slot_of(reuse, old[i].key);
            entries[slot] = old[i];
            reuse->slots[old[i].at] = slot;
        }
    }
    free(old);
    return true;
}

static uint64_t chain(uint64_t before, uint64_t id)
{
    const uint64_t key = ts_mix64(before ^ ts_mix64(id + UINT64_C(0x9e3779b97f4a7c15)));
    return key != 0 ? key : 1;
}

static bool use(struct ts_reuse *reuse, uint64_t key, uint32_t prompt)
{
    if (reuse->next == reuse->n_positions && !renumber(reuse)) {
        return false;
    }
    uint32_t slot = slot_of(reuse, key);
    struct entry *entry = &reuse->entries[slot];
    if (entry->key == 0) {
        if (reuse->n_ids == MAX_IDS) {
            return true;
        }
        if (2 * (reuse->n_ids + 1) > reuse->n_slots) {
            if (!grow(reuse)) {
                return false;
            }
            slot = slot_of(reuse, key);
            entry = &reuse->entries[slot];
        }
        reuse->n_ids++;
        entry->key = key;
    } else {
        tree_add(reuse, entry->at, UINT32_MAX); /* -1 */
        reuse->slots[entry->at] = UINT32_MAX;
    }
    entry->at = reuse->next;
    entry->prompt = prompt;
    reuse->slots[reuse->next] = slot;
    tree_add(reuse, reuse->next++, 1);
    return true;
}

/* ---- prompts ---- */

static void count_found(struct ts_reuse *reuse, uint32_t distance, double tok)
{
    const double size = PER_OCTAVE * log2((double)distance);
    const int i = (int)ceil(size - 1e-9);
    reuse->tok_beyond[i < 0 ? 0 : i < N_SIZES ? i : N_SIZES - 1] += tok;
    reuse->found_tok += tok;
}

bool ts_reuse_add(struct ts_reuse_found *out, struct ts_reuse *reuse, uint32_t group, const struct ts_prefix *prefix,
                  uint32_t prompt_tok)
{
    uint32_t *n_prompts = &reuse->n_prompts[group % MAX_GROUPS];
    const uint32_t prompt = ++*n_prompts;
    uint64_t key = ts_mix64(group);
    uint32_t most = 0;
    *out = (struct ts_reuse_found){.n_before = prompt - 1};
    reuse->prompt_tok += prompt_tok;
    for (; out->n_ids < prefix->n_ids && out->tok < prompt_tok; out->n_ids++) {
        key = chain(key, prefix->ids[out->n_ids]);
        const struct entry *entry = &reuse->entries[slot_of(reuse, key)];
        if (entry->key == 0) {
            break;
        }
        const uint32_t distance = reuse->n_ids - tree_sum(reuse, entry->at);
        const uint64_t end = (uint64_t)(out->n_ids + 1) * prefix->block_tok;
        const uint64_t upto = end < prompt_tok ? end : prompt_tok;
        most = distance > most ? distance : most;
        count_found(reuse, most, (double)(upto - out->tok));
        out->tok = upto;
        out->lag = prompt - entry->prompt;
    }
    uint64_t *keys = prefix->n_ids > 0 ? malloc(prefix->n_ids * sizeof *keys) : NULL;
    if (prefix->n_ids > 0 && !keys) {
        return false;
    }
    key = ts_mix64(group);
    for (uint32_t i = 0; i < prefix->n_ids; i++) {
        key = keys[i] = chain(key, prefix->ids[i]);
    }
    bool ok = true;
    for (uint32_t i = prefix->n_ids; i > 0 && ok; i--) {
        ok = use(reuse, keys[i - 1], prompt);
    }
    free(keys);
    return ok;
}

uint64_t ts_reuse_n_ids(const struct ts_reuse *reuse)
{
    return reuse->n_ids;
}

double ts_reuse_hit_frac(const struct ts_reuse *reuse, double n_blocks)
{
    double tok = 0.0;
    for (int i = 0; i < N_SIZES && exp2((double)i / PER_OCTAVE) <= n_blocks * (1.0 + 1e-9); i++) {
        tok += reuse->tok_beyond[i];
    }
    return reuse->prompt_tok > 0.0 ? tok / reuse->prompt_tok : NAN;
}
