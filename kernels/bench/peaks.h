/* The machine's own limits, with all workers of a pool: read bandwidth by the size of the working set, from the
 * first-level caches to main memory, and the rate of int8 dot products and float multiply-adds. */
#ifndef TS_KERNELS_BENCH_PEAKS_H
#define TS_KERNELS_BENCH_PEAKS_H

#include <stdint.h>

#include "base/status.h"
#include "kernels/pool.h"
#include "kernels/probes.h"

struct ts_peaks {
    struct ts_pool *pool;
    const struct ts_probes *probes;
    uint8_t *memory;
    uint64_t memory_bytes; /* the largest working set */
};

/* Memory for working sets of up to max_bytes, all of it touched. TS_ENOMEM. */
enum ts_status ts_peaks_init(struct ts_peaks *out, struct ts_pool *pool, const struct ts_probes *probes,
                             uint64_t max_bytes);
void ts_peaks_deinit(struct ts_peaks *peaks);

/* All workers read their share of the first `bytes` bytes, again and again until about min_seconds have passed, but at
 * least twice, the first time not counted. Returns GB/s (1e9) of all together. */
double ts_peaks_read_gb_per_s(const struct ts_peaks *peaks, uint64_t bytes, double min_seconds);

/* 1e9 operations per second of all workers together, a multiplication and an addition counted as two; 0 where there is
 * no probe. */
double ts_peaks_dot_gops(const struct ts_peaks *peaks, double min_seconds);
double ts_peaks_fma_gflops(const struct ts_peaks *peaks, double min_seconds);
double ts_peaks_bf16_gflops(const struct ts_peaks *peaks, double min_seconds);

#endif
