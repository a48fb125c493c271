/* Q4_K and Q6_K in AVX2, packed as in pack_super.h.
 *   Q4_K  as Q4_0: nibbles stay in 16 bits for a block; the minima are one more multiply-add: minimum x (-(sum of the
 * activations) x their scale); Q6_K  0..63 by [-127, 127]: two vectors of pairs add up to at most 2 x 2 x 63 x 127 =
 * 32004 < 32767. Widening multiplies by the scale of the 16 columns at no cost. What the offset of 32 added goes off
 * with one multiplication of pairs: 32 x (scale x sum of the first 16 activations + scale x sum of the others).
 * |accumulator| < 2 x 16 x 128 x 63 x 127 < 2^25. */
#include "kernels/x86/avx2_k.h"

#include "kernels/x86/avx2_k_tiles.h"

enum { MAX_TOK = 6 };

/* Both 16-bit halves of every lane. */
static inline __m256i pair_of(__m256i low, __m256i high)
{
    return _mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0xAA);
}

#define ADD_Q4_K(t)                                                                                                    \
    add_with_minima(c + (t)*ROWS + h * HALF_ROWS, _mm256_madd_epi16(a##t, ones), scales, mins, meta + (t), fresh);

#define DOT_SIXES(t)                                                                                                   \
    a##t = _mm256_add_epi32(                                                                                           \
        a##t, _mm256_madd_epi16(_mm256_add_epi16(_mm256_maddubs_epi16(w0, quad_of(values, t, quad)),                   \
                                                 _mm256_maddubs_epi16(w1, quad_of(values, t, quad + 1))),              \
                                step));                                                                                \
    KEEP(a##t);
/* Vectors 2v and 2v + 1 of nibbles with their upper bits: columns 8v.. and 16 + 8v.. */
#define STEP_SIXES(tokens, v)                                                                                          \
    {                                                                                                                  \
        __m256i first = load(half + 2 * (v)*VECTOR), second = load(half + (2 * (v) + 1) * VECTOR);                     \
        __m256i upper = load(half + (4 + (v)) * VECTOR);                                                               \
        {                                                                                                              \
            const int quad = 2 * (v);                                                                                  \
            const __m256i step = low_step;                                                                             \
            __m256i w0 = _mm256_or_si256(_mm256_and_si256(first, low_mask),                                            \
                                         _mm256_and_si256(_mm256_slli_epi16(upper, 4), high_mask));                    \
            __m256i w1 = _mm256_or_si256(_mm256_and_si256(second, low_mask), _mm256_and_si256(upper, high_mask));      \
            tokens(DOT_SIXES)                                                                                          \
        }                                                                                                              \
        {                                                                                                              \
            const int quad = 2 * (v) + 4;                                                                              \
            const __m256i step = high_step;                                                                            \
            __m256i w0 = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(first, 4), low_mask),                      \
                                         _mm256_and_si256(_mm256_slli_epi16(upper, 2), high_mask));                    \
            __m256i w1 = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(second, 4), low_mask),                     \
                                         _mm256_and_si256(_mm256_srli_epi16(upper, 2), high_mask));                    \
            tokens(DOT_SIXES)                                                                                          \
        }                                                                                                              \
    }

/* The sums of both halves of the columns, as a pair of 16 bits: start is -(their sum). */
static inline __m256i sums_of(const struct ts_act_meta *meta)
{
    uint32_t low = (uint16_t)meta->low_sum, high = (uint16_t)(-meta->start - meta->low_sum);
    return _mm256_set1_epi32((int32_t)(low | high << 16));
}

#define ADD_Q6_K(t)                                                                                                    \
    add_scaled(c + (t)*ROWS + h * HALF_ROWS,                                                                           \
               _mm256_sub_epi32(a##t, _mm256_slli_epi32(_mm256_madd_epi16(both_steps, sums_of(meta + (t))), 5)),       \
               scales, meta[t].scale, fresh);

#define DEFINE_TILES(n)                                                                                                \
    static void q4_k_##n(float *c, const uint8_t *super, const int8_t *values, const struct ts_act_meta *meta,         \
                         uint32_t n_blocks, bool accumulate)                                                           \
    {                                                                                                                  \
        const __m256i low_mask = _mm256_set1_epi8(0xF), ones = _mm256_set1_epi16(1);                                   \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                      \
            const bool fresh = b == 0 && !accumulate;                                                                  \
            prefetch(super + b % SUPER * AVX2_Q4_K_BLOCK, AVX2_Q4_K_BLOCK);                                            \
            for (int h = 0; h < 2; h++) {                                                                              \
                const uint8_t *half = super + b % SUPER * NIBBLES + h * NIBBLES_HALF;                                  \
                const uint8_t *steps = super + Q4_STEPS + b % SUPER * 2 * ROWS + h * HALF_ROWS;                        \
                TOK_##n(ZERO) STEP_NIBBLES(TOK_##n, 0) STEP_NIBBLES(TOK_##n, 1) STEP_NIBBLES(TOK_##n, 2)               \
                    STEP_NIBBLES(TOK_##n, 3) __m256 scales = steps_of(super + Q4_D + h * 2 * HALF_ROWS, steps);        \
                __m256 mins = steps_of(super + Q4_D + 2 * ROWS + h * 2 * HALF_ROWS, steps + ROWS);                     \
                TOK_##n(ADD_Q4_K)                                                                                      \
            }                                                                                                          \
            super += b % SUPER == SUPER - 1 ? Q4_SUPER : 0;                                                            \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    static void q6_k_##n(float *c, const uint8_t *super, const int8_t *values, const struct ts_act_meta *meta,         \
                         uint32_t n_blocks, bool accumulate)                                                           \
    {                                                                                                                  \
        const __m256i low_mask = _mm256_set1_epi8(0xF), high_mask = _mm256_set1_epi8(0x30);                            \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                      \
            const bool fresh = b == 0 && !accumulate;                                                                  \
            prefetch(super + b % SUPER * AVX2_Q6_K_BLOCK, AVX2_Q6_K_BLOCK);                                            \
            for (int h = 0; h < 2; h++) {                                                                              \
                const uint8_t *half = super + b % SUPER * SIXES + h * SIXES_HALF;                                      \
                const uint8_t *steps = super + Q6_STEPS + b % SUPER * 2 * ROWS + h * HALF_ROWS;                        \
                __m256i low = from_i8(steps), high = from_i8(steps + ROWS), both_steps = pair_of(low, high);           \
                const __m256i low_step = pair_of(low, low), high_step = pair_of(high, high);                           \
                TOK_##n(ZERO) STEP_SIXES(TOK_##n, 0) STEP_SIXES(TOK_##n, 1) __m256 scales =                            \
                    half_scales(super + Q6_D + h * 2 * HALF_ROWS);                                                     \
                TOK_##n(ADD_Q6_K)                                                                                      \
            }                                                                                                          \
            super += b % SUPER == SUPER - 1 ? Q6_SUPER : 0;                                                            \
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

typedef void tile_fn(float *c, const uint8_t *super, const int8_t *values, const struct ts_act_meta *meta,
                     uint32_t n_blocks, bool accumulate);

void ts_avx2_direct_q4_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                         uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[MAX_TOK] = {q4_k_1, q4_k_2, q4_k_3, q4_k_4, q4_k_5, q4_k_6};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

void ts_avx2_direct_q6_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                         uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[MAX_TOK] = {q6_k_1, q6_k_2, q6_k_3, q6_k_4, q6_k_5, q6_k_6};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

void ts_avx2_pack_q4_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    ts_pack_q4_k(packed, HALF_ROWS, rows, row_bytes, n_rows, n_blocks);
}

void ts_avx2_pack_q6_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    ts_pack_q6_k(packed, HALF_ROWS, rows, row_bytes, n_rows, n_blocks);
}
