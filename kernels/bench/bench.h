/* Measuring: matmuls at a model's shapes, memory bandwidth by size, the OpenBLAS float baseline. Interleaves its
 * samples in rounds, so that a noisy neighbour hits all of them alike. */
#ifndef TS_KERNELS_BENCH_BENCH_H
#define TS_KERNELS_BENCH_BENCH_H

#include <stdbool.h>

#include "base/progress.h"
#include "measure/measurement.h"

struct ts_bench_options {
    const char *model;  /* its name, for the record */
    const char *quant;  /* "q4_0", "q8_0" (any case) */
    const char *isa;    /* NULL: best for this machine; else a variant's name */
    uint32_t n_threads; /* 0: all usable CPUs */
    const struct ts_matmul_shape *shapes;
    size_t n_shapes;
    const uint32_t *n_tok; /* token counts to measure, increasing */
    size_t n_n_tok;
    double budget_s; /* wall-clock target; rounds are fitted into it */
    bool baseline;   /* also OpenBLAS */
    bool bind;       /* each thread to a processor of its own */
    struct ts_progress progress;
};

/* Measures this machine. Everything in *out lives in `arena`. TS_EUNSUPPORTED with a diagnostic for an unknown quant or
 * an ISA that this machine lacks (listing those it has), TS_ENOMEM, TS_EINTERRUPTED. */
enum ts_status ts_bench_run(struct ts_measurement *out, struct ts_arena *arena, const struct ts_bench_options *options,
                            struct ts_diags *diags);

enum { TS_BENCH_MAX_FORMATS = 8 };

/* The same for several formats, out[n] from options[n]: all of them are measured in the same rounds, beside the same
 * limits of the machine, so that they can be compared with one another. Threads, binding, time and progress are those
 * of options[0]. Besides, the read bandwidth is measured with working sets of the size of each format's weights
 * (held_bytes). 1 <= n <= TS_BENCH_MAX_FORMATS. */
enum ts_status ts_bench_run_formats(struct ts_measurement *out, struct ts_arena *arena,
                                    const struct ts_bench_options *options, size_t n, struct ts_diags *diags);

/* The shapes of a dense Llama-like decoder, into `arena`: fused qkv, attention output, fused gate+up, down, output
 * head. q rows = heads*head_dim, kv rows = kv_heads*head_dim each. */
enum ts_status ts_bench_model_shapes(const struct ts_matmul_shape **out, size_t *out_n, struct ts_arena *arena,
                                     uint32_t layers, uint32_t hidden, uint32_t ffn, uint32_t heads, uint32_t kv_heads,
                                     uint32_t head_dim, uint32_t vocab);

#endif
