/* Hides the transposition; the layouts stand in the header. */
#include "kernels/pack/pack_super.h"

#include <stdbool.h>
#include <string.h>

#include "kernels/formats/activation.h"
#include "kernels/formats/quant.h"

enum { HALF_COLS = TS_ACT_COLS / 2, Q4_K_BYTES = 144, Q6_K_BYTES = 210, Q6_K_SCALES = 192, Q6_K_D = 208 };

static bool is_zero(const uint8_t *half)
{
    return (ts_quant_load_u16(half) & 0x7FFF) == 0;
}

/* Into memory that is all zeros. */
static void pack_q4_k_row(uint8_t *super, uint32_t half_rows, const uint8_t *block, uint32_t row)
{
    uint32_t rows = 2 * half_rows, vector = 4 * half_rows;
    uint8_t *all_steps = super + (size_t)TS_SUPER_BLOCKS * 8 * vector,
            *d = all_steps + (size_t)TS_SUPER_BLOCKS * 2 * rows;
    uint8_t scales[TS_SUPER_BLOCKS], mins[TS_SUPER_BLOCKS], q[TS_ACT_COLS];
    ts_q4_k_scales(scales, mins, block);
    memcpy(d + (size_t)2 * row, block, 2);
    memcpy(d + (size_t)2 * (rows + row), block + 2, 2);
    for (uint32_t part = 0; part < TS_SUPER_BLOCKS; part++) {
        uint8_t *steps = all_steps + (size_t)part * 2 * rows + row;
        steps[rows] = mins[part];
        if (is_zero(block) || scales[part] == 0) {
            continue;
        }
        steps[0] = scales[part];
        ts_q4_k_part(q, block, part);
        uint8_t *column = super + (size_t)(part * 8 + row / half_rows * 4) * vector + (size_t)(row % half_rows) * 4;
        for (uint32_t i = 0; i < HALF_COLS; i++) {
            column[i / 4 * vector + i % 4] = (uint8_t)(q[i] | q[i + HALF_COLS] << 4);
        }
    }
}

/* Into memory that is all zeros. */
static void pack_q6_k_row(uint8_t *super, uint32_t half_rows, const uint8_t *block, uint32_t row)
{
    uint32_t rows = 2 * half_rows, vector = 4 * half_rows;
    uint8_t *all_steps = super + (size_t)TS_SUPER_BLOCKS * 12 * vector,
            *d = all_steps + (size_t)TS_SUPER_BLOCKS * 2 * rows;
    uint8_t q[TS_ACT_COLS];
    if (is_zero(block + Q6_K_D)) {
        return;
    }
    memcpy(d + (size_t)2 * row, block + Q6_K_D, 2);
    for (uint32_t part = 0; part < TS_SUPER_BLOCKS; part++) {
        uint8_t *steps = all_steps + (size_t)part * 2 * rows + row;
        steps[0] = block[Q6_K_SCALES + part * 2];
        steps[rows] = block[Q6_K_SCALES + part * 2 + 1];
        ts_q6_k_part(q, block, part);
        uint8_t *column = super + (size_t)(part * 12 + row / half_rows * 6) * vector + (size_t)(row % half_rows) * 4;
        for (uint32_t i = 0; i < HALF_COLS; i++) {
            uint32_t low = q[i], high = q[i + HALF_COLS], p = i / 4;
            uint8_t *upper = &column[(4 + p / 2) * vector + i % 4];
            column[p * vector + i % 4] = (uint8_t)((low & 0xF) | (high & 0xF) << 4);
            *upper = (uint8_t)(*upper | (low >> 4 | high >> 4 << 2) << (p % 2 * 4));
        }
    }
}

/* A row's super-block, into memory that is all zeros. */
typedef void pack_row_fn(uint8_t *super, uint32_t half_rows, const uint8_t *block, uint32_t row);

static void pack_rows(uint8_t *packed, size_t super_bytes, pack_row_fn *pack_row, uint32_t half_rows,
                      const uint8_t *rows, size_t row_bytes, size_t block_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    memset(packed, 0, n_blocks / TS_SUPER_BLOCKS * super_bytes);
    for (uint32_t b = 0; b < n_blocks / TS_SUPER_BLOCKS; b++) {
        for (uint32_t row = 0; row < n_rows; row++) {
            pack_row(packed + b * super_bytes, half_rows, rows + row * row_bytes + b * block_bytes, row);
        }
    }
}

void ts_pack_q4_k(uint8_t *packed, uint32_t half_rows, const uint8_t *rows, size_t row_bytes, uint32_t n_rows,
                  uint32_t n_blocks)
{
    pack_rows(packed, TS_PACKED_Q4_K(half_rows), pack_q4_k_row, half_rows, rows, row_bytes, Q4_K_BYTES, n_rows,
              n_blocks);
}

void ts_pack_q6_k(uint8_t *packed, uint32_t half_rows, const uint8_t *rows, size_t row_bytes, uint32_t n_rows,
                  uint32_t n_blocks)
{
    pack_rows(packed, TS_PACKED_Q6_K(half_rows), pack_q6_k_row, half_rows, rows, row_bytes, Q6_K_BYTES, n_rows,
              n_blocks);
}
