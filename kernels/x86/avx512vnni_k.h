/* The formats in AVX-512 VNNI: entries of the table in avx512vnni.c, which amxbf16.c shares. */
#ifndef TS_KERNELS_X86_AVX512VNNI_K_H
#define TS_KERNELS_X86_AVX512VNNI_K_H

#include "kernels/kernel.h"

/* Bytes per 32 columns of packed weights and of a panel; tokens of a tile, and from how many on panels are faster. */
enum {
    AVX512_Q4_0_BLOCK = 576,
    AVX512_Q8_0_BLOCK = 1088,
    AVX512_TOK = 6,
    AVX512_Q4_K_BLOCK = 592,
    AVX512_Q4_K_PANEL = 3200,
    AVX512_Q4_K_TOK = 6,
    AVX512_Q4_K_WIDE_MIN = 64,
    AVX512_Q6_K_BLOCK = 840,
    AVX512_Q6_K_PANEL = 1536,
    AVX512_Q6_K_TOK = 4,
    AVX512_Q6_K_WIDE_MIN = 32,
};

void ts_avx512_pack_q4_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks);
void ts_avx512_pack_q8_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks);
ts_kernel_tile_fn ts_avx512_direct_q4_0, ts_avx512_direct_q8_0;
/* The same, asking for weights less far ahead: PREFETCH_NEAR and PREFETCH_L2. */
ts_kernel_tile_fn ts_avx512_near_q4_0;

void ts_avx512_pack_q4_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks);
void ts_avx512_expand_q4_k(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks);
ts_kernel_tile_fn ts_avx512_direct_q4_k, ts_avx512_wide_q4_k;

void ts_avx512_pack_q6_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks);
void ts_avx512_expand_q6_k(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks);
ts_kernel_tile_fn ts_avx512_direct_q6_k, ts_avx512_wide_q6_k;

#endif
