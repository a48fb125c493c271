/* Network links: what a request's way to a tier and the tokens' way back cost in time. A link with a bandwidth is
 * shared: each direction carries one message after another, in the order in which they come (FIFO), at its full
 * bandwidth. What waits, waits in front of the link; round trip and jitter come on top.
 *
 * Up: a prompt is one message. Down: a reply is one message whose last token closes it, so that a reply which streams
 * through a free link costs nothing beyond its last token's own way; its first token waits until the replies that are
 * behind schedule have left. */
#ifndef TS_SIM_NETWORK_LINK_H
#define TS_SIM_NETWORK_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "sim/model.h"

enum ts_link_way { TS_LINK_UP, TS_LINK_DOWN, TS_N_LINK_WAYS };

struct ts_link {
    const struct ts_link_model *model;
    int64_t free_ns[TS_N_LINK_WAYS]; /* when it is through with what it was given */
};

struct ts_link_delays {
    int64_t up_ns;   /* rtt/2 + jitter + prompt_tok*bytes_per_tok/bytes_per_s */
    int64_t down_ns; /* rtt/2 + jitter + bytes_per_tok/bytes_per_s: of each token, so gaps between tokens are kept */
};

/* Delays on an idle link. Draws rtt, jitter up, jitter down, in that order. */
struct ts_link_delays ts_link_draw(const struct ts_link_model *link, uint32_t prompt_tok, struct ts_rng *rng);
/* True if nothing is drawn: then rng may be NULL. */
bool ts_link_is_constant(const struct ts_link_model *link);

/* Has it a bandwidth? */
static inline bool ts_link_is_limited(const struct ts_link *link)
{
    return link->model->bytes_per_s > 0.0;
}
/* For how long a message of that size occupies it. */
int64_t ts_link_occupied_ns(const struct ts_link *link, double bytes);
/* How long what comes now waits until the link is free. */
static inline int64_t ts_link_wait_ns(const struct ts_link *link, enum ts_link_way way, int64_t now_ns)
{
    return link->free_ns[way] > now_ns ? link->free_ns[way] - now_ns : 0;
}
/* Gives it a message that is whole now and has streamed for stream_ns until now (0: it comes at once): the link was
 * able to carry that much of it already. Returns how long it waits beyond what it takes on an idle link. */
int64_t ts_link_send(struct ts_link *link, enum ts_link_way way, int64_t now_ns, double bytes, int64_t stream_ns);

#endif
