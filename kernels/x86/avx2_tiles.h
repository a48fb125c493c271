/* Pieces of the AVX2 and AVX-VNNI kernels: loads, the step over nibbles that stays in 16 bits (avx2.c says why it may),
 * and how a sum is updated. half, c, values and meta are as in the tiles. */
#ifndef TS_KERNELS_X86_AVX2_TILES_H
#define TS_KERNELS_X86_AVX2_TILES_H

#include <immintrin.h>
#include <string.h>

#include "kernels/kernel.h"

enum {
    HALF_ROWS = 8,
    ROWS = 16,
    VECTOR = 32,
    AHEAD = 8192,
};

#define TOK_1(DO) DO(0)
#define TOK_2(DO) TOK_1(DO) DO(1)
#define TOK_3(DO) TOK_2(DO) DO(2)
#define TOK_4(DO) TOK_3(DO) DO(3)
#define TOK_5(DO) TOK_4(DO) DO(4)
#define TOK_6(DO) TOK_5(DO) DO(5)

static inline __m256i load(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline __m256i quad_of(const int8_t *values, int t, int quad)
{
    int32_t bytes;
    memcpy(&bytes, values + t * TS_ACT_COLS + quad * 4, sizeof bytes);
    return _mm256_set1_epi32(bytes);
}

static inline __m256 half_scales(const uint8_t *scales)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)scales));
}

/* c += acc x (weight scales x activation scale), 8 rows. */
static inline void add_scaled(float *c, __m256i acc, __m256 weight_scales, float scale, bool fresh)
{
    __m256 sum = fresh ? _mm256_setzero_ps() : _mm256_loadu_ps(c);
    __m256 product = _mm256_mul_ps(weight_scales, _mm256_set1_ps(scale));
    _mm256_storeu_ps(c, _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc), product, sum));
}

/* Weights come from main memory in one long stream: ask for n_bytes well ahead, across pages. */
static inline void prefetch(const uint8_t *at, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n_bytes; i += 64) {
        _mm_prefetch((const char *)at + AHEAD + i, _MM_HINT_T0);
    }
}

/* Keeps an accumulator in its register from step to step: GCC would otherwise collect the products first and run out of
 * registers. */
#if defined(__GNUC__)
#define KEEP(v) __asm__("" : "+x"(v))
#else
#define KEEP(v) ((void)0)
#endif

/* One half of a group at a time: 6 accumulators, the weights and what they need fit into 16 registers. */
#define ZERO(t) __m256i a##t = _mm256_setzero_si256();

#define DOT_NIBBLES(t)                                                                                                 \
    a##t = _mm256_add_epi16(a##t, _mm256_maddubs_epi16(weights, quad_of(values, t, quad)));                            \
    KEEP(a##t);
#define STEP_NIBBLES(tokens, p)                                                                                        \
    {                                                                                                                  \
        __m256i both = load(half + (p)*VECTOR);                                                                        \
        {                                                                                                              \
            const int quad = (p);                                                                                      \
            __m256i weights = _mm256_and_si256(both, low_mask);                                                        \
            tokens(DOT_NIBBLES)                                                                                        \
        }                                                                                                              \
        {                                                                                                              \
            const int quad = (p) + 4;                                                                                  \
            __m256i weights = _mm256_and_si256(_mm256_srli_epi16(both, 4), low_mask);                                  \
            tokens(DOT_NIBBLES)                                                                                        \
        }                                                                                                              \
    }

#endif
