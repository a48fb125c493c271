/* What the parts of the benchmark share: bench_check.c checks what is asked for, bench_plan.c makes the items of a
 * round, bench.c takes the samples, bench_progress.c tells how far it is, bench_collect.c turns them into a
 * measurement. */
#ifndef TS_KERNELS_BENCH_BENCH_RUN_H
#define TS_KERNELS_BENCH_BENCH_RUN_H

#include "kernels/bench/bench.h"
#include "kernels/bench/bench_weights.h"
#include "kernels/bench/peaks.h"
#include "kernels/cpu.h"

enum { TS_BENCH_MAX_N_TOK = 4096, TS_BENCH_MAX_SAMPLES = 1024 };

/* What is measured in a round. Samples are seconds for products and wake-ups, rates for the others. */
enum ts_bench_item_kind {
    TS_BENCH_MATMUL,
    TS_BENCH_BANDWIDTH,
    TS_BENCH_PEAK_DOT,
    TS_BENCH_PEAK_FMA,
    TS_BENCH_PEAK_BF16,
    TS_BENCH_WAKE_SPIN,
    TS_BENCH_WAKE_SLEEP,
    TS_BENCH_BASELINE
};

struct ts_bench_item {
    enum ts_bench_item_kind kind;
    uint32_t shape, n_tok;
    uint64_t bytes;
    uint32_t rows;    /* measured */
    uint32_t repeats; /* per round */
    bool streamed;    /* taken by passes through the whole model instead, see bench.c */
    double estimate_s;
    double *samples;
    size_t n_samples;
};

/* One format. Of several the first one, `leader`, has the pool and measures what all share: bandwidths, wake-ups,
 * energy. */
struct ts_bench {
    struct ts_bench *leader;
    uint32_t n_formats;
    const struct ts_bench_options *options;
    struct ts_arena *arena;
    struct ts_diags *diags;
    const struct ts_kernel *kernel;
    const struct ts_quant_format *quant;
    uint32_t n_threads, max_tok, max_rows, max_cols;
    struct ts_pool *pool; /* the leader's */
    struct ts_matmul_space *space;
    struct ts_bench_weights weights;
    struct ts_peaks peaks; /* in the leader's memory */
    float *x, *y;
    size_t x_bytes, y_bytes;
    struct ts_bench_item *items;
    size_t n_items;
    double start_s, last_report_s;
    double idle_w, busy_w;
    bool has_energy;
    bool stopped;
};

/* Chooses format and variant and checks the lists; a diagnostic says what to write instead. */
enum ts_status ts_bench_check(struct ts_bench *bench, uint32_t features);

/* Threads, weights and the items of all formats. ts_bench_deinit each in either case, and the leader's pool. */
enum ts_status ts_bench_prepare(struct ts_bench *leader, const struct ts_cpu *cpu);
void ts_bench_deinit(struct ts_bench *bench);

double ts_bench_elapsed_s(const struct ts_bench *bench);
/* Progress, now and then; NULL: weights are being prepared. Sets `stopped` if that is asked for. */
void ts_bench_report(struct ts_bench *bench, const struct ts_bench_item *item);

/* Order statistics of all samples. */
enum ts_status ts_bench_collect(struct ts_measurement *out, const struct ts_bench *bench, const struct ts_cpu *cpu);

enum ts_status ts_bench_fail_no_memory(const struct ts_bench *bench);

#endif
