/* Hides what is kept to make prompts that begin like earlier ones: the ids of the last 16,384 prompts, in a ring. A
 * prompt's new ids are nobody else's, so it shares exactly n_shared ids with all that went before: the reuse that a
 * cache without bounds finds is the one that was asked for, and what smaller caches find follows from the lags: the
 * prompt that is copied is the last one to begin so, as in a talk whose next turn begins with the one before. */
#include "traces/prefix_copies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

struct kept {
    uint64_t *ids; /* [n_ids] of [cap] */
    uint32_t n_ids, cap;
    uint32_t n_copied; /* so many of its ids a later prompt has */
};

struct ts_prefix_copies {
    uint64_t key, n_new; /* ids made so far */
    uint64_t n_prompts;  /* so far: prompt i is at i modulo TS_PREFIX_MAX_LAG */
    struct kept kept[TS_PREFIX_MAX_LAG];
};

struct ts_prefix_copies *ts_prefix_copies_create(uint64_t key)
{
    struct ts_prefix_copies *copies = calloc(1, sizeof *copies);
    if (copies) {
        copies->key = ts_mix64(key);
    }
    return copies;
}

void ts_prefix_copies_destroy(struct ts_prefix_copies *copies)
{
    for (size_t i = 0; copies && i < TS_PREFIX_MAX_LAG; i++) {
        free(copies->kept[i].ids);
    }
    free(copies);
}

static struct kept *at_lag(struct ts_prefix_copies *copies, uint64_t lag)
{
    return &copies->kept[(copies->n_prompts - lag) % TS_PREFIX_MAX_LAG];
}

struct wanted {
    uint32_t n; /* ids */
    uint64_t lag;
    enum ts_prefix_kind kind;
};

/* How far a prompt at lag `at` is from what is looked for: the logarithm of the lags' ratio, and the part of it that is
 * not begun with. A turn of a talk begins with nearly all of the one before it, and that one is soon taken by another
 * if its length does not count; prompts that share a system prompt all have about the same part to spare, and the lag
 * decides. The kind of prompt keeps talks from crossing: where two go on with the same one, a small cache finds what
 * they have in common, since the other has used it of late. */
static double distance(const struct kept *kept, const struct wanted *wanted, uint64_t at)
{
    const double weight = 4.0, of_kind = 3.0; /* another kind is as far as 20 times the lag */
    const bool other = wanted->kind != TS_PREFIX_ANY && (kept->n_copied > 0) != (wanted->kind == TS_PREFIX_BRANCH);
    return fabs(log((double)at / (double)wanted->lag)) +
           weight * (double)(kept->n_ids - wanted->n) / (double)kept->n_ids + (other ? of_kind : 0.0);
}

/* The prompt that is next to that lag and length among those that have at least n ids, and are the last ones to begin
 * with them; else the longest of those who are the last; else the last one at all. NULL: there are none yet. */
static struct kept *find(struct ts_prefix_copies *copies, struct wanted wanted)
{
    const uint64_t most = copies->n_prompts < TS_PREFIX_MAX_LAG - 1 ? copies->n_prompts : TS_PREFIX_MAX_LAG - 1;
    struct kept *longest = most > 0 ? at_lag(copies, 1) : NULL, *best = NULL;
    double least = INFINITY;
    const uint64_t lag = wanted.lag = wanted.lag < 1 ? 1 : wanted.lag > most ? most : wanted.lag;
    for (uint64_t away = 0; away < most; away++) {
        const uint64_t lags[2] = {lag + away, lag > away ? lag - away : 0};
        if (log((double)lags[0] / (double)lag) >= least) {
            break; /* shorter lags are farther yet */
        }
        for (size_t side = away == 0; side < 2; side++) {
            if (lags[side] < 1 || lags[side] > most) {
                continue;
            }
            struct kept *kept = at_lag(copies, lags[side]);
            if (kept->n_ids >= wanted.n && kept->n_copied < wanted.n) {
                const double far = distance(kept, &wanted, lags[side]);
                best = far < least ? kept : best;
                least = far < least ? far : least;
            }
            longest = kept->n_copied < wanted.n && kept->n_ids > longest->n_ids ? kept : longest;
        }
    }
    return best ? best : longest;
}

bool ts_prefix_copies_next(struct ts_prefix *out, struct ts_prefix_copies *copies, uint32_t n_ids, uint32_t n_shared,
                           uint64_t lag, enum ts_prefix_kind kind)
{
    struct kept *own = &copies->kept[copies->n_prompts % TS_PREFIX_MAX_LAG];
    if (n_ids > own->cap) {
        uint64_t *grown = realloc(own->ids, n_ids * sizeof *grown);
        if (!grown) {
            return false;
        }
        own->ids = grown;
        own->cap = n_ids;
    }
    struct kept *source =
        n_shared > 0 && lag <= copies->n_prompts ? find(copies, (struct wanted){n_shared, lag, kind}) : NULL;
    uint32_t n = source ? (n_shared < source->n_ids ? n_shared : source->n_ids) : 0;
    n = n < n_ids ? n : n_ids;
    for (uint32_t i = 0; i < n; i++) {
        own->ids[i] = source->ids[i];
    }
    if (source && n > source->n_copied) {
        source->n_copied = n;
    }
    for (uint32_t i = n; i < n_ids; i++) {
        own->ids[i] = ts_mix64(copies->key ^ ++copies->n_new);
    }
    own->n_ids = n_ids;
    own->n_copied = 0;
    copies->n_prompts++;
    out->ids = own->ids;
    out->n_ids = n_ids;
    return true;
}

uint64_t ts_prefix_copies_n(const struct ts_prefix_copies *copies)
{
    return copies->n_prompts;
}
