/* AVX-VNNI: VPDPBUSD in 256-bit registers, for processors without AVX-512. A group is 16 rows, two halves of 8; a
 * 32-byte vector holds 4 consecutive columns of 8 rows as unsigned bytes, raised by 8 (Q4_0) or 128 (Q8_0); the
 * accumulator starts at -offset x sum of the activations. |accumulator| < 32 x 255 x 127: no overflow. Packed block,
 * Q4_0 (288 bytes): [half][4 vectors], low nibbles = columns 4p.., high nibbles = columns 16 + 4p.., then 16 scales as
 * f16. Packed block, Q8_0 (544 bytes): [half][8 vectors], then 16 scales as f16. */
#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "kernels/pack/pack_quads.h"
#include "kernels/x86/avx2_k.h"
#include "kernels/x86/avx2_tiles.h"
#include "kernels/x86/avxvnni_k.h"
#include "kernels/x86/quantize_x86.h"

enum {
    Q8_0_HALF = 8 * VECTOR,
    Q8_0_SCALES = 2 * Q8_0_HALF,
    Q8_0_BLOCK = Q8_0_SCALES + 2 * ROWS,
    Q4_0_HALF = 4 * VECTOR,
    Q4_0_SCALES = 2 * Q4_0_HALF,
    Q4_0_BLOCK = Q4_0_SCALES + 2 * ROWS,
    DIRECT_TOK = 4,
};

#define START(t) __m256i a##t##0 = _mm256_set1_epi32(meta[t].start), a##t##1 = a##t##0;

#define DOT(t)                                                                                                         \
    {                                                                                                                  \
        __m256i x = quad_of(values, t, quad);                                                                          \
        a##t##0 = _mm256_dpbusd_avx_epi32(a##t##0, w0, x);                                                             \
        a##t##1 = _mm256_dpbusd_avx_epi32(a##t##1, w1, x);                                                             \
    }
#define STEP_Q4_0(tokens, p)                                                                                           \
    {                                                                                                                  \
        __m256i both0 = load(w + (p)*VECTOR), both1 = load(w + Q4_0_HALF + (p)*VECTOR);                                \
        {                                                                                                              \
            const int quad = (p);                                                                                      \
            __m256i w0 = _mm256_and_si256(both0, low_mask), w1 = _mm256_and_si256(both1, low_mask);                    \
            tokens(DOT)                                                                                                \
        }                                                                                                              \
        {                                                                                                              \
            const int quad = (p) + 4;                                                                                  \
            __m256i w0 = _mm256_and_si256(_mm256_srli_epi16(both0, 4), low_mask);                                      \
            __m256i w1 = _mm256_and_si256(_mm256_srli_epi16(both1, 4), low_mask);                                      \
            tokens(DOT)                                                                                                \
        }                                                                                                              \
    }
#define STEP_Q8_0(tokens, q)                                                                                           \
    {                                                                                                                  \
        const int quad = (q);                                                                                          \
        __m256i w0 = load(w + (q)*VECTOR), w1 = load(w + Q8_0_HALF + (q)*VECTOR);                                      \
        tokens(DOT)                                                                                                    \
    }
#define SCALE(t)                                                                                                       \
    add_scaled(c + (t)*ROWS, a##t##0, d0, meta[t].scale, fresh);                                                       \
    add_scaled(c + (t)*ROWS + HALF_ROWS, a##t##1, d1, meta[t].scale, fresh);

#define DEFINE_TILES(n)                                                                                                \
    static void direct_q4_0_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,      \
                                uint32_t n_blocks, bool accumulate)                                                    \
    {                                                                                                                  \
        const __m256i low_mask = _mm256_set1_epi8(0xF);                                                                \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                      \
            const bool fresh = b == 0 && !accumulate;                                                                  \
            prefetch(w, Q4_0_BLOCK);                                                                                   \
            TOK_##n(START) STEP_Q4_0(TOK_##n, 0) STEP_Q4_0(TOK_##n, 1) STEP_Q4_0(TOK_##n, 2) STEP_Q4_0(TOK_##n, 3)     \
                __m256 d0 = half_scales(w + Q4_0_SCALES),                                                              \
                       d1 = half_scales(w + Q4_0_SCALES + 2 * HALF_ROWS);                                              \
            TOK_##n(SCALE) w += Q4_0_BLOCK;                                                                            \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    static void direct_q8_0_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,      \
                                uint32_t n_blocks, bool accumulate)                                                    \
    {                                                                                                                  \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                      \
            const bool fresh = b == 0 && !accumulate;                                                                  \
            prefetch(w, Q8_0_BLOCK);                                                                                   \
            TOK_##n(START) STEP_Q8_0(TOK_##n, 0) STEP_Q8_0(TOK_##n, 1) STEP_Q8_0(TOK_##n, 2) STEP_Q8_0(TOK_##n, 3)     \
                STEP_Q8_0(TOK_##n, 4) STEP_Q8_0(TOK_##n, 5) STEP_Q8_0(TOK_##n, 6) STEP_Q8_0(TOK_##n, 7)                \
                    __m256 d0 = half_scales(w + Q8_0_SCALES),                                                          \
                           d1 = half_scales(w + Q8_0_SCALES + 2 * HALF_ROWS);                                          \
            TOK_##n(SCALE) w += Q8_0_BLOCK;                                                                            \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
    }

DEFINE_TILES(1)
DEFINE_TILES(2)
DEFINE_TILES(3)
DEFINE_TILES(4)

typedef void tile_fn(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,
                     uint32_t n_blocks, bool accumulate);

static void direct_q4_0(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                        uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[DIRECT_TOK] = {direct_q4_0_1, direct_q4_0_2, direct_q4_0_3, direct_q4_0_4};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

static void direct_q8_0(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                        uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[DIRECT_TOK] = {direct_q8_0_1, direct_q8_0_2, direct_q8_0_3, direct_q8_0_4};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

static void pack_q8_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        ts_pack_quads(packed + (size_t)b * Q8_0_BLOCK, &(struct ts_pack_shape){HALF_ROWS, ROWS, 8, 4, 0, 0x80},
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
        .offset = 128,
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
        .direct_tok = AVXVNNI_Q4_K_TOK,
        .direct = ts_avxvnni_direct_q4_k,
    },
    {
        .quant = TS_QUANT_Q6_K,
        .group_rows = ROWS,
        .act = &ts_act_int8_avx2,
        .offset = 32,
        .block_bytes = AVX2_Q6_K_BLOCK,
        .pack = ts_avx2_pack_q6_k,
        .direct_tok = AVXVNNI_Q6_K_TOK,
        .direct = ts_avxvnni_direct_q6_k,
    },
};

const struct ts_kernel ts_kernel_avxvnni = {
    .name = "avxvnni",
    .needs = TS_CPU_AVX2 | TS_CPU_AVXVNNI,
    .needs_text = "needs avx2 fma f16c avxvnni",
    .formats_text = "Q4_0 Q8_0 Q4_K Q6_K",
    .probes = &ts_probes_avxvnni,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
