/* The roofline of `tiersim bench matmul`: products against what reading and arithmetic allow. */
#ifndef TS_APP_BENCH_ROOFLINE_H
#define TS_APP_BENCH_ROOFLINE_H

#include "base/progress.h"
#include "measure/measurement.h"

enum { TS_BENCH_MAX_LEVELS = 4 };

/* A level of the memory: all threads reading a working set that lies well inside it. */
struct ts_bench_level {
    const char *name; /* "L1", "L2", "L3", "memory" */
    double gb_per_s;
};

/* The levels that were measured and whose size is known, fastest first; returns how many. The largest working set
 * stands for main memory. */
size_t ts_bench_levels(struct ts_bench_level out[TS_BENCH_MAX_LEVELS], const struct ts_measurement *m);

/* The best of each instruction in n formats measured together; 0 where no kernel of theirs has it. */
struct ts_bench_peaks {
    double dot_gops, bf16_gflops, fma_gflops;
};
struct ts_bench_peaks ts_bench_peaks(const struct ts_measurement *m, size_t n);

/* Writes roofline.dat, roofline.gp and what gnuplot draws from them, roofline.svg and roofline.png, into `dir`, which
 * is made if need be. m[n]: formats measured beside the same limits. Without gnuplot a warning, and no pictures.
 * TS_EIO, TS_ENOMEM; TS_EINTERRUPTED in the middle of drawing. */
enum ts_status ts_bench_roofline(const char *dir, const struct ts_measurement *m, size_t n,
                                 const struct ts_progress *progress, struct ts_diags *diags);

#endif
