/* Hides the transposition; the layout stands in the header. */
#include "kernels/pack/pack_quads.h"

#include <stdbool.h>
#include <string.h>

static bool is_zero(const uint8_t *block)
{
    return block[0] == 0 && (block[1] & 0x7F) == 0;
}

static void pack_row(uint8_t *column, const struct ts_pack_shape *shape, const uint8_t *block)
{
    size_t vector_bytes = (size_t)shape->vector_rows * shape->unit_bytes;
    for (uint32_t unit = 0; unit < shape->n_units; unit++) {
        for (uint32_t i = 0; i < shape->unit_bytes; i++) {
            column[unit * vector_bytes + i] =
                (uint8_t)((block ? block[2 + unit * shape->unit_bytes + i] : shape->zero) ^ shape->flip);
        }
    }
}

void ts_pack_quads(uint8_t *packed, const struct ts_pack_shape *shape, const uint8_t *blocks, size_t row_bytes,
                   uint32_t n_rows)
{
    static const uint8_t no_scale[2] = {0, 0};
    const size_t row_bytes_kept = (size_t)shape->n_units * shape->unit_bytes;
    uint8_t *scales = packed + shape->group_rows * row_bytes_kept;
    for (uint32_t row = 0; row < shape->group_rows; row++) {
        const uint8_t *block = row < n_rows ? blocks + row * row_bytes : NULL;
        size_t part = row / shape->vector_rows * shape->vector_rows * row_bytes_kept;
        const uint8_t *kept = block && !is_zero(block) ? block : NULL;
        pack_row(packed + part + (size_t)(row % shape->vector_rows) * shape->unit_bytes, shape, kept);
        memcpy(scales + (size_t)row * 2, kept ? kept : no_scale, 2);
    }
}
