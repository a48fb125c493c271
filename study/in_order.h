/* Many pieces of work on several threads, whose outcomes are handed over in the order of their index, one at a time:
 * what is made of them does not depend on threads. A piece is begun only when the one `window` before it has been
 * taken, so that what is held depends on the window, however many pieces there are. */
#ifndef TS_STUDY_IN_ORDER_H
#define TS_STUDY_IN_ORDER_H

#include <stdint.h>

#include "base/status.h"

struct ts_in_order {
    uint64_t n;         /* pieces */
    uint32_t n_threads; /* >= 1; the caller's is one of them */
    uint32_t window;    /* >= 1; with less than twice the threads these wait for each other more often */
    void *user;
    /* Does piece `index` on any thread, and keeps what it came to in a slot, 0 <= slot < window, that is its own until
     * it has been taken. */
    enum ts_status (*work)(void *user, uint64_t index, uint32_t slot);
    /* Takes it over, with work's status; never two at once. Is called for every piece that was begun. */
    enum ts_status (*take)(void *user, uint64_t index, uint32_t slot, enum ts_status worked);
};

/* After a status other than TS_OK, of either, no further piece is begun, and those that were end and are taken. Returns
 * the first such status that take returned; TS_ENOMEM. */
enum ts_status ts_in_order_run(const struct ts_in_order *job);

#endif
