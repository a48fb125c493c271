/* The peaks of AMX: those of AVX-512, and products of whole tiles of BF16 with both operands in registers. */
#include <immintrin.h>

#include "kernels/x86/probes_x86.h"

enum { TILE_BYTES = 1024, PRODUCTS = 4 };

struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static uint64_t bf16_dot(uint64_t n_rounds)
{
    struct tile_config config = {.palette = 1, .row_bytes = {64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16}};
    uint8_t bytes[TILE_BYTES];
    for (int i = 0; i < TILE_BYTES; i++) {
        bytes[i] = (uint8_t)((uint64_t)i + n_rounds);
    }
    __asm__ volatile("" : : "r"(&config), "r"(bytes) : "memory"); /* GCC 12 takes the intrinsic to read 8 bytes only */
    _tile_loadconfig(&config);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, bytes, 64);
    _tile_loadd(5, bytes, 64);
    for (uint64_t r = 0; r < n_rounds; r++) {
        _tile_dpbf16ps(0, 4, 5);
        _tile_dpbf16ps(1, 4, 5);
        _tile_dpbf16ps(2, 4, 5);
        _tile_dpbf16ps(3, 4, 5);
    }
    _tile_stored(3, bytes, 64);
    _tile_release();
    return bytes[0];
}

const struct ts_probes ts_probes_amxbf16 = {
    .read = ts_probe_read_avx512,
    .bf16_dot = bf16_dot,
    .fma = ts_probe_fma_avx512,
    .bf16_ops_per_round = PRODUCTS * 2.0 * 16 * 16 * 32,
    .fma_ops_per_round = 12 * 32,
};
