/* Packing of the formats with blocks of 256 weights, for kernels whose vectors hold 4 consecutive columns of several
 * rows. A group is two halves of `half_rows` rows, a vector is 4 x half_rows bytes; all rows of a matrix that are
 * missing become zero weights.
 *
 * Q4_K, per 256 columns: [8 blocks of 32 columns][half][4 vectors] nibbles, low = columns 4p.., high = columns 16 +
 * 4p..; then [8 blocks][scales of the group, minima of the group] as bytes; then the group's d and dmin as f16. Where a
 * scale is zero, the weights are. Q6_K, per 256 columns: [8 blocks][half][4 vectors of nibbles, as above, 2 vectors of
 * upper bits], then [8 blocks][scales of columns 0..15, scales of columns 16..31] as int8, then d as f16. Byte i of
 * upper vector v has the two bits of the four weights with nibbles in byte i of vectors 2v and 2v + 1: low and high
 * nibble of 2v, low and high of 2v + 1. Where d is zero, the scales are. */
#ifndef TS_KERNELS_PACK_PACK_SUPER_H
#define TS_KERNELS_PACK_PACK_SUPER_H

#include <stddef.h>
#include <stdint.h>

enum { TS_SUPER_BLOCKS = 8 };

/* Bytes of 256 columns of a group. */
#define TS_PACKED_Q4_K(half_rows) (TS_SUPER_BLOCKS * ((half_rows)*32 + (half_rows)*4) + (half_rows)*8)
#define TS_PACKED_Q6_K(half_rows) (TS_SUPER_BLOCKS * ((half_rows)*48 + (half_rows)*4) + (half_rows)*4)

/* n_blocks blocks of 32 columns, a multiple of 8, of n_rows <= 2*half_rows rows, row_bytes apart. */
void ts_pack_q4_k(uint8_t *packed, uint32_t half_rows, const uint8_t *rows, size_t row_bytes, uint32_t n_rows,
                  uint32_t n_blocks);
void ts_pack_q6_k(uint8_t *packed, uint32_t half_rows, const uint8_t *rows, size_t row_bytes, uint32_t n_rows,
                  uint32_t n_blocks);

#endif
