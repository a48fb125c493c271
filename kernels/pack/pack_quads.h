/* Packing shared by the kernels whose vectors hold 4 or 8 consecutive columns of several rows: a pure transposition of
 * units of so many bytes. */
#ifndef TS_KERNELS_PACK_PACK_QUADS_H
#define TS_KERNELS_PACK_PACK_QUADS_H

#include <stddef.h>
#include <stdint.h>

struct ts_pack_shape {
    uint32_t vector_rows; /* rows that share a vector */
    uint32_t group_rows;  /* a multiple of vector_rows */
    uint32_t n_units;     /* of a block after its f16 scale */
    uint32_t unit_bytes;  /* 4 or 8 */
    uint8_t zero;         /* a byte of weights that are zero, before `flip` */
    uint8_t flip;         /* xor-ed into every byte: 0x80 makes signed bytes unsigned, raised by 128 */
};

/* One block of n_rows <= group_rows rows, row_bytes apart, into
 * [group_rows/vector_rows][n_units][vector_rows][unit_bytes] and after that group_rows f16 scales. Rows that are
 * missing and blocks of scale zero become zero weights. */
void ts_pack_quads(uint8_t *packed, const struct ts_pack_shape *shape, const uint8_t *blocks, size_t row_bytes,
                   uint32_t n_rows);

#endif
