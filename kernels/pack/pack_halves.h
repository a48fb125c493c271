/* Packing of weights of 16 bits, F16 and BF16 alike: the bytes are only moved. */
#ifndef TS_KERNELS_PACK_PACK_HALVES_H
#define TS_KERNELS_PACK_PACK_HALVES_H

#include <stddef.h>
#include <stdint.h>

/* n_blocks blocks of 32 columns of n_rows <= group_rows rows, row_bytes apart, into [column /
 * n_cols][group_rows][column % n_cols]: n_cols neighbouring columns of a row (1, 2 or 4) stay together. Missing rows
 * become zeros. */
void ts_pack_halves(uint8_t *packed, uint32_t group_rows, uint32_t n_cols, const uint8_t *rows, size_t row_bytes,
                    uint32_t n_rows, uint32_t n_blocks);

#endif
