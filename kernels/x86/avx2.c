/* AVX2. A group is 16 rows, two halves of 8; a 32-byte vector holds 4 consecutive columns of 8 rows. VPMADDUBSW adds
 * pairs of products in 16 bits and saturates; nothing here can reach that: Q4_0  unsigned 0..15 by [-127, 127]: 8
 * vectors of pairs add up to at most 8 x 2 x 15 x 127 = 30480 < 32767, so a whole block stays in 16 bits and is widened
 * once; -8 x sum of the activations is added then; Q8_0  |w| <= 128 by sign(w) x activation: a pair is at most 2 x 128
 * x 127 = 32512 < 32767, widened at once. Packed block, Q4_0 (288 bytes): [half][4 vectors], low nibbles = columns
 * 4p.., high nibbles = columns 16 + 4p.., then 16 scales as f16. Packed block, Q8_0 (544 bytes): [half][8 vectors],
 * then 16 scales as f16. */
#include <immintrin.h>

#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "kernels/pack/pack_quads.h"
#include "kernels/x86/avx2_half.h"
#include "kernels/x86/avx2_k.h"
#include "kernels/x86/avx2_tiles.h"
#include "kernels/x86/quantize_x86.h"

enum {
    Q8_0_HALF = 8 * VECTOR,
    Q8_0_SCALES = 2 * Q8_0_HALF,
    Q8_0_BLOCK = Q8_0_SCALES + 2 * ROWS,
    Q4_0_HALF = 4 * VECTOR,
    Q4_0_SCALES = 2 * Q4_0_HALF,
    Q4_0_BLOCK = Q4_0_SCALES + 2 * ROWS,
    DIRECT_TOK = 6,
};

#define SCALE_Q4_0(t)                                                                                                  \
    add_scaled(c + (t)*ROWS + h * HALF_ROWS,                                                                           \
               _mm256_add_epi32(_mm256_set1_epi32(meta[t].start), _mm256_madd_epi16(a##t, ones)), scales,              \
               meta[t].scale, fresh);

#define DOT_Q8_0(t)                                                                                                    \
    a##t = _mm256_add_epi32(                                                                                           \
        a##t, _mm256_madd_epi16(_mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(quad_of(values, t, quad), weights)), \
                                ones));                                                                                \
    KEEP(a##t);
#define STEP_Q8_0(tokens, q)                                                                                           \
    {                                                                                                                  \
        const int quad = (q);                                                                                          \
        __m256i weights = load(half + (q)*VECTOR);                                                                     \
        __m256i magnitudes = _mm256_abs_epi8(weights);                                                                 \
        tokens(DOT_Q8_0)                                                                                               \
    }
#define SCALE_Q8_0(t) add_scaled(c + (t)*ROWS + h * HALF_ROWS, a##t, scales, meta[t].scale, fresh);

#define DEFINE_TILES(n)                                                                                                \
    static void direct_q4_0_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,      \
                                uint32_t n_blocks, bool accumulate)                                                    \
    {                                                                                                                  \
        const __m256i low_mask = _mm256_set1_epi8(0xF), ones = _mm256_set1_epi16(1);                                   \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                      \
            const bool fresh = b == 0 && !accumulate;                                                                  \
            prefetch(w, Q4_0_BLOCK);                                                                                   \
            for (int h = 0; h < 2; h++) {                                                                              \
                const uint8_t *half = w + h * Q4_0_HALF;                                                               \
                TOK_##n(ZERO) STEP_NIBBLES(TOK_##n, 0) STEP_NIBBLES(TOK_##n, 1) STEP_NIBBLES(TOK_##n, 2)               \
                    STEP_NIBBLES(TOK_##n, 3) __m256 scales = half_scales(w + Q4_0_SCALES + h * 2 * HALF_ROWS);         \
                TOK_##n(SCALE_Q4_0)                                                                                    \
            }                                                                                                          \
            w += Q4_0_BLOCK;                                                                                           \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    static void direct_q8_0_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,      \
                                uint32_t n_blocks, bool accumulate)                                                    \
    {                                                                                                                  \
        const __m256i ones = _mm256_set1_epi16(1);                                                                     \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                      \
            const bool fresh = b == 0 && !accumulate;                                                                  \
            prefetch(w, Q8_0_BLOCK);                                                                                   \
            for (int h = 0; h < 2; h++) {                                                                              \
                const uint8_t *half = w + h * Q8_0_HALF;                                                               \
                TOK_##n(ZERO) STEP_Q8_0(TOK_##n, 0) STEP_Q8_0(TOK_##n, 1) STEP_Q8_0(TOK_##n, 2) STEP_Q8_0(TOK_##n, 3)  \
                    STEP_Q8_0(TOK_##n, 4) STEP_Q8_0(TOK_##n, 5) STEP_Q8_0(TOK_##n, 6) STEP_Q8_0(TOK_##n, 7)            \
                        __m256 scales = half_scales(w + Q8_0_SCALES + h * 2 * HALF_ROWS);                              \
                TOK_##n(SCALE_Q8_0)                                                                                    \
            }                                                                                                          \
            w += Q8_0_BLOCK;                                                                                           \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
    }

DEFINE_TILES(1)
DEFINE_TILES(2)
DEFINE_TILES(3)
DEFINE_TILES(4)
DEFINE_TILES(5)
DEFINE_TILES(6)

typedef void tile_fn(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,
                     uint32_t n_blocks, bool accumulate);

static void direct_q4_0(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                        uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[DIRECT_TOK] = {direct_q4_0_1, direct_q4_0_2, direct_q4_0_3,
                                                  direct_q4_0_4, direct_q4_0_5, direct_q4_0_6};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

static void direct_q8_0(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                        uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[DIRECT_TOK] = {direct_q8_0_1, direct_q8_0_2, direct_q8_0_3,
                                                  direct_q8_0_4, direct_q8_0_5, direct_q8_0_6};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

static void pack_q8_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        ts_pack_quads(packed + (size_t)b * Q8_0_BLOCK, &(struct ts_pack_shape){HALF_ROWS, ROWS, 8, 4, 0, 0},
                      rows + (size_t)b * 34, row_bytes, n_rows);
    }
}

static void pack_q4_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
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
        .act = &ts_act_int8_avx2,
        .offset = 8,
        .block_bytes = Q4_0_BLOCK,
        .pack = pack_q4_0,
        .direct_tok = DIRECT_TOK,
        .direct = direct_q4_0,
    },
    {
        .quant = TS_QUANT_Q8_0,
        .group_rows = ROWS,
        .act = &ts_act_int8_avx2,
        .offset = 0,
        .block_bytes = Q8_0_BLOCK,
        .pack = pack_q8_0,
        .direct_tok = DIRECT_TOK,
        .direct = direct_q8_0,
    },
    {
        .quant = TS_QUANT_Q4_K,
        .group_rows = ROWS,
        .act = &ts_act_int8_avx2,
        .offset = 1,
        .block_bytes = AVX2_Q4_K_BLOCK,
        .pack = ts_avx2_pack_q4_k,
        .direct_tok = DIRECT_TOK,
        .direct = ts_avx2_direct_q4_k,
    },
    {
        .quant = TS_QUANT_Q6_K,
        .group_rows = ROWS,
        .act = &ts_act_int8_avx2,
        .offset = 1,
        .block_bytes = AVX2_Q6_K_BLOCK,
        .pack = ts_avx2_pack_q6_k,
        .direct_tok = DIRECT_TOK,
        .direct = ts_avx2_direct_q6_k,
    },
    {
        .quant = TS_QUANT_F16,
        .group_rows = AVX2_HALF_ROWS,
        .act = &ts_act_float,
        .block_bytes = AVX2_HALF_BLOCK,
        .pack = ts_avx2_pack_halves,
        .direct_tok = DIRECT_TOK,
        .direct = ts_avx2_direct_f16,
        .wide_min_tok = AVX2_HALF_WIDE_MIN,
        .wide_tok = DIRECT_TOK,
        .panel_block_bytes = AVX2_HALF_PANEL,
        .panel_blocks = AVX2_HALF_PANEL_BLOCKS,
        .expand = ts_avx2_expand_f16,
        .wide = ts_avx2_wide_floats,
    },
    {
        .quant = TS_QUANT_BF16,
        .group_rows = AVX2_HALF_ROWS,
        .act = &ts_act_float,
        .block_bytes = AVX2_HALF_BLOCK,
        .pack = ts_avx2_pack_halves,
        .direct_tok = DIRECT_TOK,
        .direct = ts_avx2_direct_bf16,
        .wide_min_tok = AVX2_HALF_WIDE_MIN,
        .wide_tok = DIRECT_TOK,
        .panel_block_bytes = AVX2_HALF_PANEL,
        .panel_blocks = AVX2_HALF_PANEL_BLOCKS,
        .expand = ts_avx2_expand_bf16,
        .wide = ts_avx2_wide_floats,
    },
};

const struct ts_kernel ts_kernel_avx2 = {
    .name = "avx2",
    .needs = TS_CPU_AVX2,
    .needs_text = "needs avx2 fma f16c",
    .formats_text = "Q4_0 Q8_0 Q4_K Q6_K F16 BF16",
    .probes = &ts_probes_avx2,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
