/* Hides the delay of a link: half of one drawn round trip each way, a drawn jitter each way, and the time that the
 * bytes take. Transfers do not queue behind each other: a prompt is some kilobytes, a token some bytes. Worked: 1,000
 * tokens of 4 bytes over 1 MB/s with an rtt of 40 ms: 20 + 4 = 24 ms up. */
#include "sim/network/link.h"

#include "base/units.h"

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
