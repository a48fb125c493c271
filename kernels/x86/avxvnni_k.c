/* Q4_K and Q6_K in AVX-VNNI, packed as in pack_super.h, one half of 8 rows at a time.
 *   Q4_K  as in AVX2, but in 32 bits;
 *   Q6_K  both halves of the columns have accumulators, which start at -32 x the sum of their activations. They are
 * multiplied by their scales and added as floats, which is exact: everything stays below 2^24. */
#include "kernels/x86/avxvnni_k.h"

#include "kernels/x86/avx2_k_tiles.h"

#define DOT_LOW(t) a##t = _mm256_dpbusd_avx_epi32(a##t, weights, quad_of(values, t, quad));
#define DOT_HIGH(t) b##t = _mm256_dpbusd_avx_epi32(b##t, weights, quad_of(values, t, quad));

#define STEP_FOURS(tokens, p)                                                                                          \
    {                                                                                                                  \
        const __m256i both = load(half + (p)*VECTOR);                                                                  \
        {                                                                                                              \
            const int quad = (p);                                                                                      \
            const __m256i weights = _mm256_and_si256(both, low_mask);                                                  \
            tokens(DOT_LOW)                                                                                            \
        }                                                                                                              \
        {                                                                                                              \
            const int quad = (p) + 4;                                                                                  \
            const __m256i weights = _mm256_and_si256(_mm256_srli_epi16(both, 4), low_mask);                            \
            tokens(DOT_LOW)                                                                                            \
        }                                                                                                              \
    }
#define ADD_Q4_K(t) add_with_minima(c + (t)*ROWS + h * HALF_ROWS, a##t, scales, mins, meta + (t), fresh);

/* Accumulators a: columns 0..15 of the block, b: columns 16..31. */
#define START_HALVES(t)                                                                                                \
    __m256i a##t = _mm256_set1_epi32(-32 * meta[t].low_sum),                                                           \
            b##t = _mm256_set1_epi32(meta[t].start + 32 * meta[t].low_sum);
/* Vector p of nibbles; `low` and `high` move its upper bits, those of the low and of the high nibbles, to bits 4 and 5.
 */
#define STEP_SIXES(tokens, p, low, high)                                                                               \
    {                                                                                                                  \
        const __m256i both = load(half + (p)*VECTOR), upper = load(half + (4 + (p) / 2) * VECTOR);                     \
        {                                                                                                              \
            const int quad = (p);                                                                                      \
            const __m256i weights =                                                                                    \
                _mm256_or_si256(_mm256_and_si256(both, low_mask), _mm256_and_si256(low, high_mask));                   \
            tokens(DOT_LOW)                                                                                            \
        }                                                                                                              \
        {                                                                                                              \
            const int quad = (p) + 4;                                                                                  \
            const __m256i nibbles = _mm256_and_si256(_mm256_srli_epi16(both, 4), low_mask);                            \
            const __m256i weights = _mm256_or_si256(nibbles, _mm256_and_si256(high, high_mask));                       \
            tokens(DOT_HIGH)                                                                                           \
        }                                                                                                              \
    }
#define ADD_Q6_K(t)                                                                                                    \
    {                                                                                                                  \
        float *at = c + (t)*ROWS + h * HALF_ROWS;                                                                      \
        __m256 low = _mm256_mul_ps(_mm256_cvtepi32_ps(a##t), low_steps);                                               \
        __m256 whole = _mm256_fmadd_ps(_mm256_cvtepi32_ps(b##t), high_steps, low);                                     \
        __m256 sum = fresh ? _mm256_setzero_ps() : _mm256_loadu_ps(at);                                                \
        _mm256_storeu_ps(at, _mm256_fmadd_ps(whole, _mm256_mul_ps(scales, _mm256_set1_ps(meta[t].scale)), sum));       \
    }

#define DEFINE_Q4_K(n)                                                                                                 \
    static void q4_k_##n(float *c, const uint8_t *super, const int8_t *values, const struct ts_act_meta *meta,         \
                         uint32_t n_blocks, bool accumulate)                                                           \
    {                                                                                                                  \
        const __m256i low_mask = _mm256_set1_epi8(0xF);                                                                \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                      \
            const bool fresh = b == 0 && !accumulate;                                                                  \
            prefetch(super + b % SUPER * AVX2_Q4_K_BLOCK, AVX2_Q4_K_BLOCK);                                            \
            for (int h = 0; h < 2; h++) {                                                                              \
                const uint8_t *half = super + b % SUPER * NIBBLES + h * NIBBLES_HALF;                                  \
                const uint8_t *steps = super + Q4_STEPS + b % SUPER * 2 * ROWS + h * HALF_ROWS;                        \
                TOK_##n(ZERO) STEP_FOURS(TOK_##n, 0) STEP_FOURS(TOK_##n, 1) STEP_FOURS(TOK_##n, 2)                     \
                    STEP_FOURS(TOK_##n, 3) __m256 scales = steps_of(super + Q4_D + h * 2 * HALF_ROWS, steps);          \
                __m256 mins = steps_of(super + Q4_D + 2 * ROWS + h * 2 * HALF_ROWS, steps + ROWS);                     \
                TOK_##n(ADD_Q4_K)                                                                                      \
            }                                                                                                          \
            super += b % SUPER == SUPER - 1 ? Q4_SUPER : 0;                                                            \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
    }
#define DEFINE_Q6_K(n)                                                                                                 \
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
                TOK_##n(START_HALVES) STEP_SIXES(TOK_##n, 0, _mm256_slli_epi16(upper, 4), _mm256_slli_epi16(upper, 2)) \
                    STEP_SIXES(TOK_##n, 1, upper, _mm256_srli_epi16(upper, 2))                                         \
                        STEP_SIXES(TOK_##n, 2, _mm256_slli_epi16(upper, 4), _mm256_slli_epi16(upper, 2))               \
                            STEP_SIXES(TOK_##n, 3, upper, _mm256_srli_epi16(upper, 2))                                 \
                                __m256 low_steps = _mm256_cvtepi32_ps(from_i8(steps)),                                 \
                                       high_steps = _mm256_cvtepi32_ps(from_i8(steps + ROWS));                         \
                __m256 scales = half_scales(super + Q6_D + h * 2 * HALF_ROWS);                                         \
                TOK_##n(ADD_Q6_K)                                                                                      \
            }                                                                                                          \
            super += b % SUPER == SUPER - 1 ? Q6_SUPER : 0;                                                            \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
    }

DEFINE_Q4_K(1)
DEFINE_Q4_K(2)
DEFINE_Q4_K(3)
DEFINE_Q4_K(4)
DEFINE_Q4_K(5)
DEFINE_Q4_K(6)
DEFINE_Q6_K(1)
DEFINE_Q6_K(2)
DEFINE_Q6_K(3)
DEFINE_Q6_K(4)

typedef void tile_fn(float *c, const uint8_t *super, const int8_t *values, const struct ts_act_meta *meta,
                     uint32_t n_blocks, bool accumulate);

void ts_avxvnni_direct_q4_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                            uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[AVXVNNI_Q4_K_TOK] = {q4_k_1, q4_k_2, q4_k_3, q4_k_4, q4_k_5, q4_k_6};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

void ts_avxvnni_direct_q6_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                            uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[AVXVNNI_Q6_K_TOK] = {q6_k_1, q6_k_2, q6_k_3, q6_k_4};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}
