/* The API tier: somebody else's capacity. A call goes to the first offer whose rate limits have room and which is up;
 * if none is, the client backs off and tries again. Each offer has three token buckets (requests, input tokens, output
 * tokens) that hold one minute's worth and start full. */
#ifndef TS_SIM_TIERS_API_H
#define TS_SIM_TIERS_API_H

#include "sim/engine.h"

extern const struct ts_tier_ops ts_api_ops;

/* A token bucket; rate 0 is without limit. */
struct ts_bucket {
    double per_s;
    double capacity;
    double level;
    int64_t filled_ns; /* up to when the level is accounted */
};

struct ts_bucket ts_bucket_of_rate(double per_s); /* one minute's worth, full at time 0 */
/* Fills up to now; true if the amount is there. */
bool ts_bucket_has(struct ts_bucket *bucket, int64_t now_ns, double amount);
void ts_bucket_take(struct ts_bucket *bucket, double amount);

#endif
