/* Processor sharing: n messages that are on a link at the same time each get a n-th of its bandwidth, as TCP
 * connections do in the mean. Whoever comes later slows down those that are there, so when one is through is known only
 * as far as nobody comes: the owner asks for the next departure again whenever something changes.
 *
 * Virtual time V grows by 1/n of real time; a message that alone would take s and comes at V is through at V + s. Mean
 * time on the link E[S]/(1 - rho), whatever the distribution of sizes (M/G/1-PS: Kleinrock 1976, Queueing Systems II,
 * 4.4). */
#ifndef TS_SIM_NETWORK_SHARING_H
#define TS_SIM_NETWORK_SHARING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* The owner's message: whose, and a stamp of it. */
struct ts_sharing_message {
    double until; /* in virtual nanoseconds */
    uint64_t number;
    uint32_t target, stamp;
};

struct ts_sharing {
    struct ts_sharing_message *heap; /* [cap] the first n: a binary heap by `until`, then by number */
    uint32_t n, cap;
    uint64_t n_messages; /* so far */
    double virtual_ns;   /* at at_ns */
    int64_t at_ns;       /* may lie ahead: the link is down until then */
};

void ts_sharing_deinit(struct ts_sharing *sharing);
/* A message that alone would take so long. TS_ENOMEM. */
enum ts_status ts_sharing_add(struct ts_sharing *sharing, int64_t now_ns, int64_t alone_ns, uint32_t target,
                              uint32_t stamp);
/* When the next one is through if nothing else comes, not before now; INT64_MAX: none is there. */
int64_t ts_sharing_next_ns(const struct ts_sharing *sharing, int64_t now_ns);
/* Takes out one that is through by now. False: none is. */
bool ts_sharing_take(struct ts_sharing *sharing, int64_t now_ns, struct ts_sharing_message *out);
/* Nothing moves until then. */
void ts_sharing_stop(struct ts_sharing *sharing, int64_t now_ns, int64_t until_ns);
/* Takes out any of those that are left, as they are lost. False: there is none. */
bool ts_sharing_lose(struct ts_sharing *sharing, struct ts_sharing_message *out);

#endif
