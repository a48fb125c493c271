/* Read bandwidth by the size of the working set: from the first-level caches to main memory. */
#ifndef TS_KERNELS_BANDWIDTH_H
#define TS_KERNELS_BANDWIDTH_H

#include <stdint.h>

#include "base/status.h"
#include "kernels/pool.h"

struct ts_bandwidth {
    struct ts_pool *pool;
    uint8_t *memory;
    uint64_t memory_bytes; /* the largest working set */
};

/* Memory for working sets of up to max_bytes, all of it touched. TS_ENOMEM. */
enum ts_status ts_bandwidth_init(struct ts_bandwidth *out, struct ts_pool *pool, uint64_t max_bytes);
void ts_bandwidth_deinit(struct ts_bandwidth *bandwidth);

/* All workers read their share of the first `bytes` bytes, again and again until about min_seconds have passed, but at least twice, the first
 * time not counted. Returns GB/s (1e9) of all together. */
double ts_bandwidth_measure(const struct ts_bandwidth *bandwidth, uint64_t bytes, double min_seconds);

#endif
