/* The formats with blocks of 256 weights with NEON dot products: entries of the table in neon_dotprod.c. Tiles of up to
 * 4 tokens. */
#ifndef TS_KERNELS_ARM_NEON_DOTPROD_K_H
#define TS_KERNELS_ARM_NEON_DOTPROD_K_H

#include "kernels/kernel.h"

/* Packed bytes per 32 columns of 8 rows. */
enum { DOTPROD_K_ROWS = 8, DOTPROD_Q4_K_BLOCK = 148, DOTPROD_Q6_K_BLOCK = 210 };

void ts_dotprod_pack_q4_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks);
void ts_dotprod_pack_q6_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks);
ts_kernel_tile_fn ts_dotprod_direct_q4_k, ts_dotprod_direct_q6_k;

#endif
