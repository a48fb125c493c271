/* Hides how the probes are run by all workers and for how long. Each worker reads a share of its own, so that private
 * caches count once per worker. */
#include "kernels/bench/peaks.h"
#include "base/clock.h"

#include <string.h>

#include "kernels/pages.h"
#include "measure/spread.h"

enum { FIRST_ROUNDS = 2000, MAX_PASSES = 1000000 };

struct probe_job {
    const struct ts_peaks *peaks;
    uint64_t share_bytes;                      /* per worker */
    uint64_t n_passes;                         /* over the share, or rounds of arithmetic */
    uint64_t (*arithmetic)(uint64_t n_rounds); /* NULL: read */
    uint64_t sinks[TS_POOL_MAX_THREADS];
};

static void probe_worker(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)n_workers;
    struct probe_job *job = user;
    if (job->arithmetic) {
        job->sinks[worker] = job->arithmetic(job->n_passes);
        return;
    }
    const uint8_t *share = job->peaks->memory + job->share_bytes * worker;
    uint64_t sum = 0;
    for (uint64_t pass = 0; pass < job->n_passes; pass++) {
        sum += job->peaks->probes->read(share, (size_t)job->share_bytes);
    }
    job->sinks[worker] = sum;
}

enum ts_status ts_peaks_init(struct ts_peaks *out, struct ts_pool *pool, const struct ts_probes *probes,
                             uint64_t max_bytes)
{
    uint8_t *memory = max_bytes <= SIZE_MAX ? ts_pages_alloc((size_t)max_bytes) : NULL;
    if (!memory) {
        return TS_ENOMEM;
    }
    memset(memory, 1, (size_t)max_bytes);
    *out = (struct ts_peaks){pool, probes, memory, max_bytes};
    return TS_OK;
}

void ts_peaks_deinit(struct ts_peaks *peaks)
{
    ts_pages_free(peaks->memory, (size_t)peaks->memory_bytes);
    peaks->memory = NULL;
}

static double timed_passes(struct probe_job *job, uint64_t n_passes)
{
    job->n_passes = n_passes;
    double start = ts_clock_now_s();
    ts_pool_run(job->peaks->pool, probe_worker, job);
    double seconds = ts_clock_now_s() - start;
    return seconds > 0.0 ? seconds : 1e-9;
}

/* Passes per second: a first run says how many fit into min_seconds. */
static double passes_per_s(struct probe_job *job, uint64_t first_passes, double min_seconds)
{
    double once = timed_passes(job, first_passes) / (double)first_passes;
    double wanted = min_seconds / once;
    double max = (double)MAX_PASSES * (double)first_passes;
    uint64_t n = wanted < 1.0 ? 1 : (uint64_t)(wanted < max ? wanted : max);
    return (double)n / timed_passes(job, n);
}

double ts_peaks_read_gb_per_s(const struct ts_peaks *peaks, uint64_t bytes, double min_seconds)
{
    uint32_t n_workers = ts_pool_size(peaks->pool);
    struct probe_job job = {.peaks = peaks};
    job.share_bytes = bytes / n_workers / TS_PROBE_READ_UNIT * TS_PROBE_READ_UNIT;
    job.share_bytes = job.share_bytes > 0 ? job.share_bytes : TS_PROBE_READ_UNIT;
    return passes_per_s(&job, 1, min_seconds) * (double)job.share_bytes * n_workers / 1e9;
}

static double arithmetic_rate(const struct ts_peaks *peaks, uint64_t (*arithmetic)(uint64_t), double ops_per_round,
                              double min_seconds)
{
    if (!arithmetic) {
        return 0.0;
    }
    struct probe_job job = {.peaks = peaks, .arithmetic = arithmetic};
    return passes_per_s(&job, FIRST_ROUNDS, min_seconds) * ops_per_round * ts_pool_size(peaks->pool) / 1e9;
}

double ts_peaks_dot_gops(const struct ts_peaks *peaks, double min_seconds)
{
    return arithmetic_rate(peaks, peaks->probes->dot, peaks->probes->dot_ops_per_round, min_seconds);
}

double ts_peaks_fma_gflops(const struct ts_peaks *peaks, double min_seconds)
{
    return arithmetic_rate(peaks, peaks->probes->fma, peaks->probes->fma_ops_per_round, min_seconds);
}

double ts_peaks_bf16_gflops(const struct ts_peaks *peaks, double min_seconds)
{
    return arithmetic_rate(peaks, peaks->probes->bf16_dot, peaks->probes->bf16_ops_per_round, min_seconds);
}
