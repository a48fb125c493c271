/* What this processor can do, found out at run time: which kernel variants may run, how large its caches are, what it
 * is called. */
#ifndef TS_KERNELS_CPU_H
#define TS_KERNELS_CPU_H

#include <stddef.h>
#include <stdint.h>

/* Feature bits; a variant states which it needs. A bit is set only if the operating system keeps the registers too. */
enum {
    TS_CPU_AVX2 = 1 << 0, /* with FMA and F16C, as every AVX2 processor has */
    TS_CPU_AVXVNNI = 1 << 1,
    TS_CPU_AVX512 = 1 << 2, /* F, BW, DQ and VL */
    TS_CPU_AVX512VNNI = 1 << 3,
    TS_CPU_AVX512BF16 = 1 << 4,
    TS_CPU_NEON = 1 << 5,
    TS_CPU_DOTPROD = 1 << 6,
    TS_CPU_I8MM = 1 << 7,
    TS_CPU_NEONBF16 = 1 << 8,
    TS_CPU_AVX512FP16 = 1 << 9,
    TS_CPU_AMXBF16 = 1 << 10, /* tiles and their products of BF16, and the system lets this process use them */
    TS_CPU_AVX512VBMI = 1 << 11,
    TS_CPU_FEATURE_COUNT = 12,
};

struct ts_cpu {
    uint32_t features;
    uint64_t l1d_bytes, l2_bytes, l3_bytes; /* 0 = unknown */
    char name[64];                          /* "AMD EPYC 9654"; "" = unknown */
};

/* Of the processor that runs the call. */
void ts_cpu_detect(struct ts_cpu *out);

/* The name of one feature bit: "avx512vnni". */
const char *ts_cpu_feature_name(uint32_t bit);

/* Hides the architecture: x86/cpu_x86.c, arm/cpu_arm.c, or cpu_other.c; fills in what it can find. */
void ts_cpu_detect_arch(struct ts_cpu *cpu);

#endif
