/* Q4_K in AVX-512 VNNI: per block of 32 columns one scale and one minimum. The nibbles are unsigned as they are, so
 * accumulators start at zero; the minima come as a float term, minimum x (-(sum of the activations) x their scale), one
 * more multiply-add: 8 of 10 slots for dot products.
 *
 * Packed as in pack_super.h (4736 bytes per 256 columns). Panel block: [half][8 vectors] of bytes, the table of d x
 * scale, 32 d x minimum as float. */
#include "kernels/x86/avx512vnni_k.h"

#include "kernels/pack/pack_super.h"
#include "kernels/x86/avx512vnni_tiles.h"

enum {
    SUPER = TS_SUPER_BLOCKS,
    NIBBLES = 2 * NIBBLES_HALF,
    STEPS_AT = SUPER * NIBBLES,
    D_AT = STEPS_AT + SUPER * 2 * ROWS,
    SUPER_BYTES = D_AT + 4 * ROWS,
    PANEL_MINS = PANEL_TABLE + 2 * TABLE_HALF,
    PANEL_BLOCK = PANEL_MINS + 4 * ROWS,
};

_Static_assert(SUPER_BYTES == TS_PACKED_Q4_K(HALF_ROWS) && SUPER_BYTES == SUPER * AVX512_Q4_K_BLOCK &&
                   PANEL_BLOCK == (int)AVX512_Q4_K_PANEL,
               "sizes of the table");

#define START_ZERO(t) __m512i a##t##0 = _mm512_setzero_si512(), a##t##1 = a##t##0;
#define ADD_MINS(t)                                                                                                    \
    {                                                                                                                  \
        __m512 s = _mm512_set1_ps((float)meta[t].start * meta[t].scale);                                               \
        c##t##0 = _mm512_fmadd_ps(m0, s, c##t##0);                                                                     \
        c##t##1 = _mm512_fmadd_ps(m1, s, c##t##1);                                                                     \
    }

#define DEFINE_TILES(n)                                                                                                \
    static void wide_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,             \
                         uint32_t n_blocks, bool accumulate)                                                           \
    {                                                                                                                  \
        TOK_##n(LOAD_SUMS) for (uint32_t b = 0; b < n_blocks; b++)                                                     \
        {                                                                                                              \
            const uint8_t *table = w + PANEL_TABLE;                                                                    \
            TOK_##n(START_ZERO) STEPS_BYTES(TOK_##n, PANEL_HALF) TOK_##n(SCALE_TABLE)                                  \
                __m512 m0 = _mm512_loadu_ps(w + PANEL_MINS),                                                           \
                       m1 = _mm512_loadu_ps(w + PANEL_MINS + VECTOR);                                                  \
            TOK_##n(ADD_MINS) w += PANEL_BLOCK;                                                                        \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
        TOK_##n(STORE_SUMS)                                                                                            \
    }                                                                                                                  \
    static void direct_##n(float *c, const uint8_t *super, const int8_t *values, const struct ts_act_meta *meta,       \
                           uint32_t n_blocks, bool accumulate, uint32_t ahead)                                         \
    {                                                                                                                  \
        const __m512i low_mask = _mm512_set1_epi8(0xF);                                                                \
        TOK_##n(LOAD_SUMS) for (uint32_t b = 0; b < n_blocks; b++)                                                     \
        {                                                                                                              \
            const uint8_t *w = super + b % SUPER * NIBBLES, *steps = super + STEPS_AT + b % SUPER * 2 * ROWS;          \
            prefetch_block(super + b % SUPER * AVX512_Q4_K_BLOCK, AVX512_Q4_K_BLOCK, ahead);                           \
            TOK_##n(START_ZERO) STEPS_NIBBLES(TOK_##n) __m512 d0 =                                                     \
                _mm512_mul_ps(half_scales(super + D_AT), avx512_from_u8(steps));                                       \
            __m512 d1 = _mm512_mul_ps(half_scales(super + D_AT + ROWS), avx512_from_u8(steps + HALF_ROWS));            \
            TOK_##n(SCALE_DIRECT) __m512 m0 =                                                                          \
                _mm512_mul_ps(half_scales(super + D_AT + 2 * ROWS), avx512_from_u8(steps + ROWS));                     \
            __m512 m1 = _mm512_mul_ps(half_scales(super + D_AT + 3 * ROWS), avx512_from_u8(steps + ROWS + HALF_ROWS)); \
            TOK_##n(ADD_MINS) super += b % SUPER == SUPER - 1 ? SUPER_BYTES : 0;                                       \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
        TOK_##n(STORE_SUMS)                                                                                            \
    }

DEFINE_TILES(1)
DEFINE_TILES(2)
DEFINE_TILES(3)
DEFINE_TILES(4)
DEFINE_TILES(5)
DEFINE_TILES(6)

typedef void tile_fn(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,
                     uint32_t n_blocks, bool accumulate);

void ts_avx512_wide_q4_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                         uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[AVX512_Q4_K_TOK] = {wide_1, wide_2, wide_3, wide_4, wide_5, wide_6};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

typedef void direct_fn(float *c, const uint8_t *super, const int8_t *values, const struct ts_act_meta *meta,
                       uint32_t n_blocks, bool accumulate, uint32_t ahead);

static direct_fn *const direct[AVX512_Q4_K_TOK] = {direct_1, direct_2, direct_3, direct_4, direct_5, direct_6};

void ts_avx512_direct_q4_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                           uint32_t n_blocks, uint32_t width, bool accumulate)
{
    direct[width - 1](c, weights, values, meta, n_blocks, accumulate, PREFETCH_FAR);
}

static void expand_block(uint8_t *bytes, uint8_t *scales, uint8_t *mins, const uint8_t *packed, uint32_t block)
{
    const uint8_t *super = packed + (size_t)(block / SUPER) * SUPER_BYTES;
    const uint8_t *steps = super + STEPS_AT + block % SUPER * 2 * ROWS;
    avx512_expand_nibbles(bytes, super + block % SUPER * NIBBLES);
    for (int half = 0; half < 2; half++) {
        __m512 d = half_scales(super + D_AT + half * ROWS), dmin = half_scales(super + D_AT + (2 + half) * ROWS);
        const uint8_t *at = steps + half * HALF_ROWS;
        _mm512_storeu_ps(scales + half * VECTOR, _mm512_mul_ps(d, avx512_from_u8(at)));
        _mm512_storeu_ps(mins + half * VECTOR, _mm512_mul_ps(dmin, avx512_from_u8(at + ROWS)));
    }
}

void ts_avx512_expand_q4_k(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++, panel += PANEL_BLOCK) {
        float scales[ROWS];
        expand_block(panel, (uint8_t *)scales, panel + PANEL_MINS, packed, b);
        avx512_scale_table(panel + PANEL_TABLE, _mm512_loadu_ps(scales));
        avx512_scale_table(panel + PANEL_TABLE + TABLE_HALF, _mm512_loadu_ps(scales + HALF_ROWS));
    }
}

void ts_avx512_pack_q4_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    ts_pack_q4_k(packed, HALF_ROWS, rows, row_bytes, n_rows, n_blocks);
}
