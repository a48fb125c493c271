/* What generated prompts begin like: each one shares so many ids with one that came so many requests before it. */
#ifndef TS_TRACES_PREFIX_COPIES_H
#define TS_TRACES_PREFIX_COPIES_H

#include "traces/request.h"

enum { TS_PREFIX_MAX_LAG = 1 << 14 };

/* Of which prompts a beginning is taken. */
enum ts_prefix_kind {
    TS_PREFIX_ANY,
    TS_PREFIX_ONWARD, /* rather of one that no later prompt began like: the next turn of a talk */
    TS_PREFIX_BRANCH, /* rather of one that a later prompt began like, though not as far */
};

struct ts_prefix_copies;

/* `key` makes ids that no other object has. NULL without memory. */
struct ts_prefix_copies *ts_prefix_copies_create(uint64_t key);
void ts_prefix_copies_destroy(struct ts_prefix_copies *copies); /* NULL is fine */

/* The ids of the next prompt, of n_ids blocks: n_shared of them as the prompt begins that came `lag` prompts before (1:
 * the last one), or the nearest one to it that has so many, that no later prompt shares them with, and that is of that
 * kind; the others are new. Where there is none, as many as the longest one has; a prompt from before the first one
 * shares nothing. False without memory. out->ids are valid until the next call. */
bool ts_prefix_copies_next(struct ts_prefix *out, struct ts_prefix_copies *copies, uint32_t n_ids, uint32_t n_shared,
                           uint64_t lag, enum ts_prefix_kind kind);

/* How many prompts there were. */
uint64_t ts_prefix_copies_n(const struct ts_prefix_copies *copies);

#endif
