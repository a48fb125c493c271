/* The formats of 16-bit floats in AVX2: entries of the table in avx2.c. Tiles of up to 6 tokens. */
#ifndef TS_KERNELS_X86_AVX2_HALF_H
#define TS_KERNELS_X86_AVX2_HALF_H

#include "kernels/kernel.h"

/* Bytes per 32 columns of packed weights and of a panel; from how many tokens on panels are faster. */
enum {
    AVX2_HALF_ROWS = 32,
    AVX2_HALF_BLOCK = 2048,
    AVX2_HALF_PANEL = 4096,
    AVX2_HALF_PANEL_BLOCKS = 4,
    AVX2_HALF_WIDE_MIN = 12
};

void ts_avx2_pack_halves(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks);
void ts_avx2_expand_f16(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks);
void ts_avx2_expand_bf16(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks);
ts_kernel_tile_fn ts_avx2_direct_f16, ts_avx2_direct_bf16, ts_avx2_wide_floats;

#endif
