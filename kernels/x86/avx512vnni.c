/* AVX-512 VNNI. A group is 32 rows, two halves of 16; a 64-byte vector holds 4 consecutive columns of 16 rows as
 * unsigned bytes, so one VPDPBUSD advances 16 rows by 4 columns against a broadcast of 4 activations. Weights are
 * raised by 8 (Q4_0) or 128 (Q8_0) to be unsigned; the accumulator starts at -offset x sum of the activations to make
 * up for it. |accumulator| < 32 x 255 x 127: no overflow.
 *
 * Packed block, Q4_0 (576 bytes): [half][4 vectors], low nibbles = columns 4p.., high nibbles = columns 16 + 4p.., then
 * 32 scales as f16. Packed block, Q8_0 (1088 bytes): [half][8 vectors], then 32 scales as f16. Panel block (3072
 * bytes): [half][8 vectors] of bytes, then [half][16 steps][16 rows] = weight scale x 2^(step/16) as float: the product
 * with the activation's scale is then an integer addition to the exponent (activation.h), off the multiplying ports.
 * That needs scales that are not zero: zero-scaled blocks have zero weights, and carry a tiny scale.
 *
 * Accumulators are named scalars: GCC 12 keeps arrays of registers in memory. */
#include <immintrin.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "kernels/pack/pack_quads.h"
#include "kernels/x86/avx512vnni_k.h"
#include "kernels/x86/avx512vnni_tiles.h"
#include "kernels/x86/quantize_x86.h"

enum {
    Q8_0_HALF = 8 * VECTOR,
    Q8_0_SCALES = 2 * Q8_0_HALF,
    Q8_0_BLOCK = Q8_0_SCALES + 2 * ROWS,
    Q4_0_SCALES = 2 * NIBBLES_HALF,
    Q4_0_BLOCK = Q4_0_SCALES + 2 * ROWS,
    PANEL_BLOCK = PANEL_TABLE + 2 * TABLE_HALF,
    DIRECT_TOK = AVX512_TOK,
    WIDE_TOK = 6,
    WIDE_MIN_TOK = 80,
};

_Static_assert(Q4_0_BLOCK == (int)AVX512_Q4_0_BLOCK && Q8_0_BLOCK == (int)AVX512_Q8_0_BLOCK, "sizes of the table");

#define DEFINE_TILES(n)                                                                                                \
    static void wide_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,             \
                         uint32_t n_blocks, bool accumulate)                                                           \
    {                                                                                                                  \
        TOK_##n(LOAD_SUMS) for (uint32_t b = 0; b < n_blocks; b++)                                                     \
        {                                                                                                              \
            const uint8_t *table = w + PANEL_TABLE;                                                                    \
            TOK_##n(START) STEPS_BYTES(TOK_##n, PANEL_HALF) TOK_##n(SCALE_TABLE) w += PANEL_BLOCK;                     \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
        TOK_##n(STORE_SUMS)                                                                                            \
    }                                                                                                                  \
    static void direct_q8_0_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,      \
                                uint32_t n_blocks, bool accumulate, uint32_t ahead)                                    \
    {                                                                                                                  \
        TOK_##n(LOAD_SUMS) for (uint32_t b = 0; b < n_blocks; b++)                                                     \
        {                                                                                                              \
            prefetch_block(w, Q8_0_BLOCK, ahead);                                                                      \
            TOK_##n(START) STEPS_BYTES(TOK_##n, Q8_0_HALF) __m512 d0 = half_scales(w + Q8_0_SCALES),                   \
                                                                  d1 = half_scales(w + Q8_0_SCALES + ROWS);            \
            TOK_##n(SCALE_DIRECT) w += Q8_0_BLOCK;                                                                     \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
        TOK_##n(STORE_SUMS)                                                                                            \
    }                                                                                                                  \
    static void direct_q4_0_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,      \
                                uint32_t n_blocks, bool accumulate, uint32_t ahead)                                    \
    {                                                                                                                  \
        const __m512i low_mask = _mm512_set1_epi8(0xF);                                                                \
        TOK_##n(LOAD_SUMS) for (uint32_t b = 0; b < n_blocks; b++)                                                     \
        {                                                                                                              \
            prefetch_block(w, Q4_0_BLOCK, ahead);                                                                      \
            TOK_##n(START) STEPS_NIBBLES(TOK_##n) __m512 d0 = half_scales(w + Q4_0_SCALES),                            \
                                                         d1 = half_scales(w + Q4_0_SCALES + ROWS);                     \
            TOK_##n(SCALE_DIRECT) w += Q4_0_BLOCK;                                                                     \
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

typedef void direct_fn(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,
                       uint32_t n_blocks, bool accumulate, uint32_t ahead);

static void wide(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                 uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[WIDE_TOK] = {wide_1, wide_2, wide_3, wide_4, wide_5, wide_6};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

static direct_fn *const direct_q8_0[DIRECT_TOK] = {direct_q8_0_1, direct_q8_0_2, direct_q8_0_3,
                                                   direct_q8_0_4, direct_q8_0_5, direct_q8_0_6};

void ts_avx512_direct_q8_0(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                           uint32_t n_blocks, uint32_t width, bool accumulate)
{
    direct_q8_0[width - 1](c, weights, values, meta, n_blocks, accumulate, PREFETCH_FAR);
}

static direct_fn *const direct_q4_0[DIRECT_TOK] = {direct_q4_0_1, direct_q4_0_2, direct_q4_0_3,
                                                   direct_q4_0_4, direct_q4_0_5, direct_q4_0_6};

void ts_avx512_direct_q4_0(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                           uint32_t n_blocks, uint32_t width, bool accumulate)
{
    direct_q4_0[width - 1](c, weights, values, meta, n_blocks, accumulate, PREFETCH_FAR);
}

void ts_avx512_near_q4_0(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                         uint32_t n_blocks, uint32_t width, bool accumulate)
{
    direct_q4_0[width - 1](c, weights, values, meta, n_blocks, accumulate, PREFETCH_NEAR);
}

static void expand_scales(uint8_t *table, const uint8_t *scales)
{
    avx512_scale_table(table, half_scales(scales));
    avx512_scale_table(table + TABLE_HALF, half_scales(scales + ROWS));
}

static void expand_q8_0(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++, panel += PANEL_BLOCK, packed += Q8_0_BLOCK) {
        memcpy(panel, packed, PANEL_TABLE);
        expand_scales(panel + PANEL_TABLE, packed + Q8_0_SCALES);
    }
}

static void expand_q4_0(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++, panel += PANEL_BLOCK, packed += Q4_0_BLOCK) {
        avx512_expand_nibbles(panel, packed);
        expand_scales(panel + PANEL_TABLE, packed + Q4_0_SCALES);
    }
}

void ts_avx512_pack_q8_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        ts_pack_quads(packed + (size_t)b * Q8_0_BLOCK, &(struct ts_pack_shape){HALF_ROWS, ROWS, 8, 4, 0, 0x80},
                      rows + (size_t)b * 34, row_bytes, n_rows);
    }
}

void ts_avx512_pack_q4_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        ts_pack_quads(packed + (size_t)b * Q4_0_BLOCK, &(struct ts_pack_shape){HALF_ROWS, ROWS, 4, 4, 0x88, 0},
                      rows + (size_t)b * 18, row_bytes, n_rows);
    }
}

static const struct ts_kernel_format formats[] = {
    {
        .quant = TS_QUANT_Q4_0,
        .group_rows = ROWS,
        .act = &ts_act_int8_avx512,
        .offset = 8,
        .block_bytes = Q4_0_BLOCK,
        .pack = ts_avx512_pack_q4_0,
        .direct_tok = DIRECT_TOK,
        .direct = ts_avx512_direct_q4_0,
        .wide_min_tok = WIDE_MIN_TOK,
        .wide_tok = WIDE_TOK,
        .panel_block_bytes = PANEL_BLOCK,
        .panel_blocks = PANEL_BLOCKS,
        .expand = expand_q4_0,
        .wide = wide,
    },
    {
        .quant = TS_QUANT_Q8_0,
        .group_rows = ROWS,
        .act = &ts_act_int8_avx512,
        .offset = 128,
        .block_bytes = Q8_0_BLOCK,
        .pack = ts_avx512_pack_q8_0,
        .direct_tok = DIRECT_TOK,
        .direct = ts_avx512_direct_q8_0,
        .wide_min_tok = WIDE_MIN_TOK,
        .wide_tok = WIDE_TOK,
        .panel_block_bytes = PANEL_BLOCK,
        .panel_blocks = PANEL_BLOCKS,
        .expand = expand_q8_0,
        .wide = wide,
    },
    {
        .quant = TS_QUANT_Q4_K,
        .group_rows = ROWS,
        .act = &ts_act_int8_avx512,
        .offset = 1,
        .block_bytes = AVX512_Q4_K_BLOCK,
        .pack = ts_avx512_pack_q4_k,
        .direct_tok = AVX512_Q4_K_TOK,
        .direct = ts_avx512_direct_q4_k,
        .wide_min_tok = AVX512_Q4_K_WIDE_MIN,
        .wide_tok = AVX512_Q4_K_TOK,
        .panel_block_bytes = AVX512_Q4_K_PANEL,
        .panel_blocks = PANEL_BLOCKS,
        .expand = ts_avx512_expand_q4_k,
        .wide = ts_avx512_wide_q4_k,
    },
    {
        .quant = TS_QUANT_Q6_K,
        .group_rows = ROWS,
        .act = &ts_act_int8_avx512,
        .offset = 32,
        .block_bytes = AVX512_Q6_K_BLOCK,
        .pack = ts_avx512_pack_q6_k,
        .direct_tok = AVX512_Q6_K_TOK,
        .direct = ts_avx512_direct_q6_k,
        .wide_min_tok = AVX512_Q6_K_WIDE_MIN,
        .wide_tok = AVX512_Q6_K_TOK,
        .panel_block_bytes = AVX512_Q6_K_PANEL,
        .panel_blocks = PANEL_BLOCKS,
        .expand = ts_avx512_expand_q6_k,
        .wide = ts_avx512_wide_q6_k,
    },
};

const struct ts_kernel ts_kernel_avx512vnni = {
    .name = "avx512vnni",
    .needs = TS_CPU_AVX2 | TS_CPU_AVX512 | TS_CPU_AVX512VNNI,
    .needs_text = "needs avx512f avx512bw avx512dq avx512vl avx512vnni",
    .formats_text = "Q4_0 Q8_0 Q4_K Q6_K",
    .probes = &ts_probes_avx512vnni,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
