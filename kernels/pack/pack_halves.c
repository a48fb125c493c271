/* Hides the transposition; the layout stands in the header. */
#include "kernels/pack/pack_halves.h"

#include <string.h>

#include "kernels/formats/activation.h"

void ts_pack_halves(uint8_t *packed, uint32_t group_rows, uint32_t n_cols, const uint8_t *rows, size_t row_bytes,
                    uint32_t n_rows, uint32_t n_blocks)
{
    const size_t unit = (size_t)n_cols * 2, n_units = (size_t)n_blocks * TS_ACT_COLS / n_cols;
    for (size_t i = 0; i < n_units; i++, packed += group_rows * unit) {
        for (uint32_t row = 0; row < n_rows; row++) {
            memcpy(packed + row * unit, rows + row * row_bytes + i * unit, unit);
        }
        memset(packed + n_rows * unit, 0, (group_rows - n_rows) * unit);
    }
}
