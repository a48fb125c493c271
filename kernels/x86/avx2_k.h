/* The formats with blocks of 256 weights in AVX2: entries of the table in avx2.c. Tiles of up to 6 tokens. */
#ifndef TS_KERNELS_X86_AVX2_K_H
#define TS_KERNELS_X86_AVX2_K_H

#include "kernels/kernel.h"

/* Packed bytes per 32 columns. */
enum { AVX2_Q4_K_BLOCK = 296, AVX2_Q6_K_BLOCK = 420 };

void ts_avx2_pack_q4_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks);
void ts_avx2_pack_q6_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks);
ts_kernel_tile_fn ts_avx2_direct_q4_k, ts_avx2_direct_q6_k;

#endif
