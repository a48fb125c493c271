/* What `tiersim bench` found out about one machine, and the file it is kept in (measurement.json, format_version 1;
 * docs/MEASUREMENT.md). The file is the only thing that the kernels hand to the simulator: scenarios/ turns it into a
 * step-time model. */
#ifndef TS_MEASURE_MEASUREMENT_H
#define TS_MEASURE_MEASUREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

enum { TS_MEASUREMENT_VERSION = 1 };

/* Order statistics of one quantity's samples. */
struct ts_spread {
    double min, median, p90;
    uint32_t n_samples;
};

struct ts_host {
    const char *cpu;      /* "AMD EPYC 9654" as the system names it */
    const char *os;       /* "Linux 6.1 x86_64" */
    const char *isa;      /* space-separated features found: "avx2 fma avx512f avx512vnni ..." */
    const char *compiler; /* "gcc 12.2.0, Release" */
    uint32_t n_cpus;      /* usable by this process */
    uint64_t memory_bytes;
    uint64_t l1d_bytes, l2_bytes, l3_bytes; /* 0 = unknown */
};

/* One matrix shape of the model: rows outputs x cols inputs, used `count` times per forward pass (e.g. 16 layers x 1).
 */
struct ts_matmul_shape {
    const char *name; /* "attn_qkv", "ffn_gate_up", "ffn_down", "output" */
    uint32_t rows, cols, count;
};

/* Time of rows x cols times cols x n_tok, activations quantized inside the time. */
struct ts_matmul_sample {
    uint32_t shape; /* index into shapes */
    uint32_t n_tok;
    struct ts_spread seconds;
    double gops; /* 2*rows*cols*n_tok / median / 1e9 */
};

/* Read bandwidth of a working set of that size. */
struct ts_bandwidth_sample {
    uint64_t bytes;
    struct ts_spread gb_per_s;
};

/* All matmuls of one forward pass over n_tok tokens: sum over shapes of count x median. What a step costs without
 * attention. */
struct ts_step_sample {
    uint32_t n_tok;
    double seconds;
    double spread_frac; /* (p90 - min)/median, weighted over the shapes: how noisy the machine was */
};

struct ts_model_measurement;

struct ts_measurement {
    const char *created;      /* "2026-11-22T18:00:00Z" */
    const char *tool_version; /* tiersim's version */
    struct ts_host host;
    const char *kernel; /* variant: "avx512vnni" */
    const char *model;  /* catalog name: "Llama-3.2-1B" */
    const char *quant;  /* "Q4_0" */
    uint32_t n_threads;
    uint64_t weight_bytes;     /* packed, all shapes x counts */
    const char *energy_source; /* "unavailable", "rapl" */
    double idle_w, busy_w;     /* package power, 0 where unavailable */
    const struct ts_matmul_shape *shapes;
    size_t n_shapes;
    const struct ts_matmul_sample *matmuls;
    size_t n_matmuls;
    double peak_dot_gops;    /* int8 dot products at best, all threads; 0 where unknown (the field may be missing in a
                                file) */
    double peak_fma_gflops;  /* float multiply-adds at best, all threads; 0 where unknown */
    double peak_bf16_gflops; /* dot products of BF16 at best, all threads; 0 where the kernel has none, or unknown */
    /* Not in the file, 0 where unknown: */
    double wake_spin_s;      /* an empty job of all threads while they spin; 0 with one thread */
    double wake_sleep_s;     /* the same after they have gone to sleep */
    double pack_bytes_per_s; /* weights in the file's format, packed by one thread into fresh memory */
    uint64_t held_bytes;     /* packed weights in memory, all copies that are used in turn */
    const struct ts_bandwidth_sample *bandwidths;
    size_t n_bandwidths;
    const struct ts_step_sample *steps; /* n_tok increasing */
    size_t n_steps;
    const char *baseline_name; /* "OpenBLAS 0.3.21 SkylakeX"; "" where unknown (the field may be missing in a file) */
    const struct ts_matmul_sample *baseline; /* OpenBLAS float matmul at the same shapes; n = 0 if not built in */
    size_t n_baseline;
    const struct ts_model_measurement
        *engine; /* steps of a whole forward pass (measure/model_measurement.h), or NULL */
    const struct ts_model_measurement
        *router; /* a small classifier: each step is one prompt, lengths increase, there is no fit; or NULL */
};

/* True if it was made elsewhere (tiersim import): then there are no shapes, matmuls, steps and bandwidths, `host.cpu`
 * is the hardware as the source names it, and sizes that the source does not tell are 0. */
bool ts_measurement_is_import(const struct ts_measurement *measurement);

/* Reads and checks a file; everything lives in `arena`. A version that is not 1, a missing field or a value out of
 * range is a diagnostic that names the field and says to measure again with `tiersim bench`. TS_EIO, TS_EINPUT,
 * TS_ENOMEM. */
enum ts_status ts_measurement_read(struct ts_measurement *out, struct ts_arena *arena, const char *path,
                                   struct ts_diags *diags);

/* Writes atomically. */
enum ts_status ts_measurement_write(const struct ts_measurement *measurement, const char *path, struct ts_diags *diags);

/* The peak of the instruction that the kernel multiplies this format with, 1e9 operations/s; 0 where unknown. Formats
 * of integers: int8 dot products, or where the kernel has none, it dequantizes: BF16 ones. */
double ts_measurement_peak_gops(const struct ts_measurement *measurement);

/* Bandwidth of the largest working set measured (main memory), bytes/s; 0 if there is none. */
double ts_measurement_memory_bytes_per_s(const struct ts_measurement *measurement);

#endif
