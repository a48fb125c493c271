/* Hides how a link is shared. A message of b bytes occupies it for b/bandwidth. One that streamed until now may have
 * begun to cross that long ago, but not before the link was free:
 *   begin = max(free, now - min(stream, b/bandwidth)),  free' = begin + b/bandwidth,  wait = free' - now - rest,
 * rest = b/bandwidth - min(stream, b/bandwidth): what it would take on an idle link. Worked: 1,000 tokens of 4 bytes
 * over 1 MB/s with an rtt of 40 ms: 20 + 4 = 24 ms up; a second prompt like it at the same instant: 28 ms. Messages of
 * equal size at random instants wait as M/D/1 has it: rho/(2 (1 - rho)) of a message's time.
 *
 * Outages. While it is down nothing moves: all that waits or crosses is through later by as long. */
#include "sim/network/link.h"

#include "base/units.h"

/* The end of a queue that a slow link would need centuries for: what is added to it stays an int64_t. */
#define LATEST_NS (INT64_MAX / 2)

bool ts_link_is_constant(const struct ts_link_model *link)
{
    return ts_dist_is_constant(&link->rtt_s) && ts_dist_is_constant(&link->jitter_s);
}

struct ts_link_delays ts_link_draw(const struct ts_link_model *link, uint32_t prompt_tok, struct ts_rng *rng)
{
    const double half_rtt_s = ts_dist_sample(&link->rtt_s, rng) / 2.0;
    const double up_jitter_s = ts_dist_sample(&link->jitter_s, rng);
    const double down_jitter_s = ts_dist_sample(&link->jitter_s, rng);
    const double tok_s = link->bytes_per_s > 0.0 ? link->bytes_per_tok / link->bytes_per_s : 0.0;
    return (struct ts_link_delays){
        .up_ns = ts_ns_from_s(half_rtt_s + up_jitter_s + tok_s * prompt_tok),
        .down_ns = ts_ns_from_s(half_rtt_s + down_jitter_s + tok_s),
    };
}

int64_t ts_link_occupied_ns(const struct ts_link *link, double bytes)
{
    return ts_link_is_limited(link) ? ts_ns_from_s(bytes / link->model->bytes_per_s) : 0;
}

int64_t ts_link_send(struct ts_link *link, enum ts_link_way way, int64_t now_ns, double bytes, int64_t stream_ns)
{
    if (!ts_link_is_limited(link)) {
        return ts_link_down_ns(link, now_ns);
    }
    const int64_t occupied_ns = ts_link_occupied_ns(link, bytes);
    const int64_t ahead_ns = stream_ns < occupied_ns ? stream_ns : occupied_ns;
    const int64_t wanted_ns = now_ns - ahead_ns;
    const int64_t begin_ns = link->free_ns[way] > wanted_ns ? link->free_ns[way] : wanted_ns;
    const int64_t free_ns = begin_ns + occupied_ns;
    link->free_ns[way] = free_ns < LATEST_NS ? free_ns : LATEST_NS;
    return begin_ns - wanted_ns;
}

void ts_link_break(struct ts_link *link, int64_t now_ns, int64_t until_ns)
{
    const int64_t from_ns = link->up_ns > now_ns ? link->up_ns : now_ns;
    if (until_ns <= from_ns) {
        return;
    }
    for (int way = 0; way < TS_N_LINK_WAYS; way++) {
        const int64_t free_ns = (link->free_ns[way] > from_ns ? link->free_ns[way] : from_ns) + (until_ns - from_ns);
        link->free_ns[way] = free_ns < LATEST_NS ? free_ns : LATEST_NS;
    }
    ts_sharing_stop(&link->prompts, now_ns, until_ns);
    link->down_ns += until_ns - from_ns;
    link->up_ns = until_ns;
}

bool ts_link_fails(const struct ts_link *link, int64_t now_ns)
{
    return link->up_ns > now_ns && !link->model->stores && link->up_ns - now_ns > ts_ns_from_s(link->model->detect_s);
}
