/* What an instruction set can do at best, measured with loops that do nothing else: the roofline that kernels are held
 * against. */
#ifndef TS_KERNELS_PROBES_H
#define TS_KERNELS_PROBES_H

#include <stddef.h>
#include <stdint.h>

enum { TS_PROBE_READ_UNIT = 1024 };

struct ts_probes {
    /* Reads n bytes, a multiple of TS_PROBE_READ_UNIT, with the widest loads. The result only keeps the reads alive. */
    uint64_t (*read)(const uint8_t *bytes, size_t n);
    /* n_rounds of int8 dot products (float fused multiply-adds) on independent registers. NULL: the set has none to
     * speak of. */
    uint64_t (*dot)(uint64_t n_rounds);
    uint64_t (*fma)(uint64_t n_rounds);
    uint64_t (*bf16_dot)(uint64_t n_rounds); /* of BF16 pairs into floats */
    double dot_ops_per_round;                /* a multiplication and an addition count as two */
    double fma_ops_per_round;
    double bf16_ops_per_round;
};

extern const struct ts_probes ts_probes_portable;
extern const struct ts_probes ts_probes_avx2;
extern const struct ts_probes ts_probes_avxvnni;
extern const struct ts_probes ts_probes_avx512vnni;
extern const struct ts_probes ts_probes_amxbf16;
extern const struct ts_probes ts_probes_avx512fma;
extern const struct ts_probes ts_probes_avx512bf16;

#endif
