/* The weights that a benchmark multiplies by: for every shape a matrix per use, as far as memory allows, so that a
 * token finds its weights in main memory as it would in a real model; and one float matrix per shape for the baseline.
 */
#ifndef TS_KERNELS_BENCH_BENCH_WEIGHTS_H
#define TS_KERNELS_BENCH_BENCH_WEIGHTS_H

#include "base/arena.h"
#include "kernels/matmul.h"
#include "measure/measurement.h"

struct ts_bench_shape_weights {
    struct ts_matrix *copies; /* [n_copies], all of the same contents */
    uint32_t n_copies;
    uint32_t next_copy; /* used in turn: each use finds its weights as far from the caches as can be */
    float *floats;      /* [rows][cols], or NULL */
    size_t floats_bytes;
};

struct ts_bench_weights {
    struct ts_bench_shape_weights *shapes; /* [n_shapes] */
    size_t n_shapes;
    uint64_t model_bytes; /* packed, all shapes x counts, whether held or not */
    uint64_t held_bytes;  /* packed, all copies */
    double pack_s;        /* packing one copy of every shape took, into fresh memory, one thread */
    uint64_t pack_bytes;  /* of these in the file's format */
};

/* Pseudo-random weights, normally distributed, the same in every run. At most about memory_bytes are used, but at least
 * one copy per shape. floats: also the float matrices. TS_ENOMEM, TS_ERANGE (a shape that the format does not allow).
 */
enum ts_status ts_bench_weights_create(struct ts_bench_weights *out, struct ts_arena *arena,
                                       const struct ts_kernel *kernel, enum ts_quant quant,
                                       const struct ts_matmul_shape *shapes, size_t n_shapes, uint64_t memory_bytes,
                                       bool floats);
void ts_bench_weights_deinit(struct ts_bench_weights *weights);

/* n pseudo-random numbers, normally distributed with deviation 1; the same for the same seed. */
void ts_bench_fill_normal(float *out, size_t n, uint64_t seed);

#endif
