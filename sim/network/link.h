/* Network links: what a request's way to a tier and the tokens' way back cost in time. */
#ifndef TS_SIM_NETWORK_LINK_H
#define TS_SIM_NETWORK_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "sim/model.h"

struct ts_link_delays {
    int64_t up_ns;   /* rtt/2 + jitter + prompt_tok*bytes_per_tok/bytes_per_s */
    int64_t down_ns; /* rtt/2 + jitter + bytes_per_tok/bytes_per_s: of each token, so gaps between tokens are kept */
};

/* Draws rtt, jitter up, jitter down, in that order. */
struct ts_link_delays ts_link_draw(const struct ts_link_model *link, uint32_t prompt_tok, struct ts_rng *rng);
/* True if nothing is drawn: then rng may be NULL. */
bool ts_link_is_constant(const struct ts_link_model *link);

#endif
