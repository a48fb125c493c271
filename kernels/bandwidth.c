/* Hides how memory is read as fast as it comes: plain sums over 64-bit words, 16 independent ones, which every compiler turns into vector
 * loads. Each worker reads a share of its own, so that private caches count once per worker. */
#include "kernels/bandwidth.h"

#include <string.h>

#include "kernels/pages.h"
#include "kernels/spread.h"

enum { LANES = 16, LANE_BYTES = LANES * 8 };

struct read_job {
    const struct ts_bandwidth *bandwidth;
    uint64_t share_bytes; /* per worker, a multiple of LANE_BYTES */
    uint32_t n_passes;
    uint64_t sums[TS_POOL_MAX_THREADS]; /* keeps the reads alive */
};

static uint64_t read_once(const uint8_t *memory, uint64_t bytes)
{
    uint64_t lanes[LANES] = {0};
    for (uint64_t at = 0; at < bytes; at += LANE_BYTES) {
        uint64_t words[LANES];
        memcpy(words, memory + at, sizeof words);
        for (int i = 0; i < LANES; i++) {
            lanes[i] += words[i];
        }
    }
    uint64_t sum = 0;
    for (int i = 0; i < LANES; i++) {
        sum += lanes[i];
    }
    return sum;
}

static void read_worker(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)n_workers;
    struct read_job *job = user;
    const uint8_t *share = job->bandwidth->memory + job->share_bytes * worker;
    uint64_t sum = 0;
    for (uint32_t pass = 0; pass < job->n_passes; pass++) {
        sum += read_once(share, job->share_bytes);
    }
    job->sums[worker] = sum;
}

enum ts_status ts_bandwidth_init(struct ts_bandwidth *out, struct ts_pool *pool, uint64_t max_bytes)
{
    uint8_t *memory = max_bytes <= SIZE_MAX ? ts_pages_alloc((size_t)max_bytes) : NULL;
    if (!memory) {
        return TS_ENOMEM;
    }
    memset(memory, 1, (size_t)max_bytes);
    *out = (struct ts_bandwidth){pool, memory, max_bytes};
    return TS_OK;
}

void ts_bandwidth_deinit(struct ts_bandwidth *bandwidth)
{
    ts_pages_free(bandwidth->memory, (size_t)bandwidth->memory_bytes);
    bandwidth->memory = NULL;
}

static double timed_passes(struct read_job *job, uint32_t n_passes)
{
    job->n_passes = n_passes;
    double start = ts_clock_s();
    ts_pool_run(job->bandwidth->pool, read_worker, job);
    return ts_clock_s() - start;
}

double ts_bandwidth_measure(const struct ts_bandwidth *bandwidth, uint64_t bytes, double min_seconds)
{
    uint32_t n_workers = ts_pool_size(bandwidth->pool);
    struct read_job job = {.bandwidth = bandwidth};
    job.share_bytes = bytes / n_workers / LANE_BYTES * LANE_BYTES;
    job.share_bytes = job.share_bytes > 0 ? job.share_bytes : LANE_BYTES;
    double once = timed_passes(&job, 1);
    double wanted = once > 0.0 ? min_seconds / once : 1000.0;
    uint32_t n_passes = wanted < 1.0 ? 1 : wanted > 1e6 ? 1000000 : (uint32_t)wanted;
    double seconds = timed_passes(&job, n_passes);
    return (double)job.share_bytes * n_workers * n_passes / seconds / 1e9;
}
