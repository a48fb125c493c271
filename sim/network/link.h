/* Network links: what a request's way to a tier and the tokens' way back cost in time. A link with a bandwidth is
 * shared: each direction carries one message after another, in the order in which they come (FIFO), at its full
 * bandwidth. What waits, waits in front of the link; round trip and jitter come on top. Prompts may instead share it
 * equally, all at the same time: see sim/network/sharing.h.
 *
 * Up: a prompt is one message. Down: a reply is one message whose last token closes it, so that a reply which streams
 * through a free link costs nothing beyond its last token's own way; its first token waits until the replies that are
 * after schedule have left.
 *
 * A link may be down for a time that is known when it begins. What it is given then, and what it was carrying, goes on
 * when it is up again, or fails: see ts_link_fails. */
#ifndef TS_SIM_NETWORK_LINK_H
#define TS_SIM_NETWORK_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "sim/model.h"
#include "sim/network/sharing.h"

enum ts_link_way { TS_LINK_UP, TS_LINK_DOWN, TS_N_LINK_WAYS };

struct ts_link {
    const struct ts_link_model *model;
    uint32_t key;                    /* of its random streams: a hash of its name */
    bool may_fail;                   /* by itself, or in an incident */
    uint32_t n_outages;              /* of its own, so far */
    int64_t free_ns[TS_N_LINK_WAYS]; /* when it is through with what it was given; down until then at least */
    int64_t up_ns;                   /* down until then; not later than now: it is up */
    int64_t down_ns;                 /* sum of all outages so far, each to its end */
    struct ts_sharing prompts;       /* that are on it, if they share it; what is expected of them, an event, */
    uint32_t expectation;            /* has this stamp */
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
/* Do prompts share it equally? */
static inline bool ts_link_is_shared(const struct ts_link *link)
{
    return link->model->shares_equally && ts_link_is_limited(link);
}
/* Goes down until then, or stays down for longer. */
void ts_link_break(struct ts_link *link, int64_t now_ns, int64_t until_ns);
/* How long until it is up; 0: it is. */
static inline int64_t ts_link_down_ns(const struct ts_link *link, int64_t now_ns)
{
    return link->up_ns > now_ns ? link->up_ns - now_ns : 0;
}
/* Is what it carries or is given now lost, since it is down for longer than anybody waits? */
bool ts_link_fails(const struct ts_link *link, int64_t now_ns);
/* For how long a message of that size occupies it. */
int64_t ts_link_occupied_ns(const struct ts_link *link, double bytes);
/* How long what comes now waits until the link is free. */
static inline int64_t ts_link_wait_ns(const struct ts_link *link, enum ts_link_way way, int64_t now_ns)
{
    const int64_t free_ns = link->free_ns[way] > link->up_ns ? link->free_ns[way] : link->up_ns;
    return free_ns > now_ns ? free_ns - now_ns : 0;
}
/* Gives it a message that is whole now and has streamed for stream_ns until now (0: it comes at once): the link was
 * able to carry that much of it already. Returns how long it waits beyond what it takes on an idle link. */
int64_t ts_link_send(struct ts_link *link, enum ts_link_way way, int64_t now_ns, double bytes, int64_t stream_ns);

#endif
