/* Pieces of the AVX-512 VNNI kernels: the tile of 32 rows x a few tokens, and the table of scales (avx512vnni.c says
 * how they work). w, c, values and meta are those of ts_kernel_tile_fn. */
#ifndef TS_KERNELS_X86_AVX512VNNI_TILES_H
#define TS_KERNELS_X86_AVX512VNNI_TILES_H

#include <immintrin.h>
#include <string.h>

#include "kernels/kernel.h"

enum {
    HALF_ROWS = 16,
    ROWS = 32,
    VECTOR = 64,
    NIBBLES_HALF = 4 * VECTOR,
    PANEL_HALF = 8 * VECTOR,
    PANEL_TABLE = 2 * PANEL_HALF,
    TABLE_HALF = TS_ACT_STEPS * VECTOR,
    PANEL_BLOCKS = 8,
    PREFETCH_FAR = 8192,  /* for AMD's servers */
    PREFETCH_NEAR = 1024, /* for Intel's, beside PREFETCH_L2 into the second-level cache */
    PREFETCH_L2 = 4096,
};

#define TOK_1(DO) DO(0)
#define TOK_2(DO) TOK_1(DO) DO(1)
#define TOK_3(DO) TOK_2(DO) DO(2)
#define TOK_4(DO) TOK_3(DO) DO(3)
#define TOK_5(DO) TOK_4(DO) DO(4)
#define TOK_6(DO) TOK_5(DO) DO(5)

/* Four activations of token t, from column 4*quad. */
static inline __m512i quad_of(const int8_t *values, int t, int quad)
{
    int32_t bytes;
    memcpy(&bytes, values + t * TS_ACT_COLS + quad * 4, sizeof bytes);
    return _mm512_set1_epi32(bytes);
}

static inline __m512 half_scales(const uint8_t *scales)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)scales));
}

/* Weights come from main memory, in one long stream: ask for them well ahead, across pages. */
static inline void prefetch_block(const uint8_t *block, int n_bytes, uint32_t ahead)
{
    for (int at = 0; at < n_bytes; at += VECTOR) {
        _mm_prefetch((const char *)block + ahead + at, _MM_HINT_T0);
        if (ahead == PREFETCH_NEAR) {
            _mm_prefetch((const char *)block + PREFETCH_L2 + at, _MM_HINT_T1);
        }
    }
}

/* Shared pieces of the tiles: t is a token, a its two accumulators, c its two sums. */
#define LOAD_SUMS(t)                                                                                                   \
    __m512 c##t##0 = accumulate ? _mm512_loadu_ps(c + (t)*ROWS) : _mm512_setzero_ps();                                 \
    __m512 c##t##1 = accumulate ? _mm512_loadu_ps(c + (t)*ROWS + HALF_ROWS) : _mm512_setzero_ps();
#define STORE_SUMS(t)                                                                                                  \
    _mm512_storeu_ps(c + (t)*ROWS, c##t##0);                                                                           \
    _mm512_storeu_ps(c + (t)*ROWS + HALF_ROWS, c##t##1);
#define START(t)                                                                                                       \
    __m512i a##t##0 = _mm512_set1_epi32(meta[t].start);                                                                \
    __m512i a##t##1 = a##t##0;
#define DOT(t)                                                                                                         \
    {                                                                                                                  \
        __m512i x = quad_of(values, t, quad);                                                                          \
        a##t##0 = _mm512_dpbusd_epi32(a##t##0, w0, x);                                                                 \
        a##t##1 = _mm512_dpbusd_epi32(a##t##1, w1, x);                                                                 \
    }
#define SCALE_DIRECT(t)                                                                                                \
    {                                                                                                                  \
        __m512 s = _mm512_set1_ps(meta[t].scale);                                                                      \
        c##t##0 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(a##t##0), _mm512_mul_ps(d0, s), c##t##0);                         \
        c##t##1 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(a##t##1), _mm512_mul_ps(d1, s), c##t##1);                         \
    }
#define SCALE_TABLE(t)                                                                                                 \
    {                                                                                                                  \
        const uint8_t *at = table + (size_t)meta[t].step * VECTOR;                                                     \
        __m512i exponent = _mm512_set1_epi32(meta[t].exponent);                                                        \
        __m512 s0 = _mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_loadu_si512(at)));                           \
        __m512 s1 = _mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_loadu_si512(at + TABLE_HALF)));              \
        c##t##0 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(a##t##0), s0, c##t##0);                                           \
        c##t##1 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(a##t##1), s1, c##t##1);                                           \
    }

/* Columns 4*q.. from byte vectors `half` bytes apart. */
#define STEP_BYTES(tokens, q, half)                                                                                    \
    {                                                                                                                  \
        const int quad = (q);                                                                                          \
        __m512i w0 = _mm512_loadu_si512(w + (q)*VECTOR);                                                               \
        __m512i w1 = _mm512_loadu_si512(w + (half) + (q)*VECTOR);                                                      \
        tokens(DOT)                                                                                                    \
    }
/* The formatter would move what has no end of statement a little further at every run. */
/* clang-format off */
#define STEPS_BYTES(tokens, half)                                                                                      \
    STEP_BYTES(tokens, 0, half) STEP_BYTES(tokens, 1, half) STEP_BYTES(tokens, 2, half) STEP_BYTES(tokens, 3, half)    \
    STEP_BYTES(tokens, 4, half) STEP_BYTES(tokens, 5, half) STEP_BYTES(tokens, 6, half) STEP_BYTES(tokens, 7, half)
/* clang-format on */

/* Columns 4*p.. and 16 + 4*p.. from nibble vectors. */
#define STEP_NIBBLES(tokens, p)                                                                                        \
    {                                                                                                                  \
        __m512i both0 = _mm512_loadu_si512(w + (p)*VECTOR);                                                            \
        __m512i both1 = _mm512_loadu_si512(w + NIBBLES_HALF + (p)*VECTOR);                                             \
        {                                                                                                              \
            const int quad = (p);                                                                                      \
            __m512i w0 = _mm512_and_si512(both0, low_mask);                                                            \
            __m512i w1 = _mm512_and_si512(both1, low_mask);                                                            \
            tokens(DOT)                                                                                                \
        }                                                                                                              \
        {                                                                                                              \
            const int quad = (p) + 4;                                                                                  \
            __m512i w0 = _mm512_and_si512(_mm512_srli_epi16(both0, 4), low_mask);                                      \
            __m512i w1 = _mm512_and_si512(_mm512_srli_epi16(both1, 4), low_mask);                                      \
            tokens(DOT)                                                                                                \
        }                                                                                                              \
    }
#define STEPS_NIBBLES(tokens)                                                                                          \
    STEP_NIBBLES(tokens, 0) STEP_NIBBLES(tokens, 1) STEP_NIBBLES(tokens, 2) STEP_NIBBLES(tokens, 3)

/* Scale x 2^(step/16) for 16 rows and all steps, never zero: what is added to the exponent must find a normal number.
 */
static inline void avx512_scale_table(uint8_t *table, __m512 d)
{
    d = _mm512_mask_mov_ps(d, _mm512_cmp_ps_mask(d, _mm512_setzero_ps(), _CMP_EQ_OQ), _mm512_set1_ps(0x1p-60F));
    for (int step = 0; step < TS_ACT_STEPS; step++) {
        _mm512_storeu_ps(table + step * VECTOR, _mm512_mul_ps(d, _mm512_set1_ps(ts_act_scales[step])));
    }
}

/* Nibble vectors of both halves to the 16 byte vectors of a panel. */
static inline void avx512_expand_nibbles(uint8_t *panel, const uint8_t *packed)
{
    const __m512i low_mask = _mm512_set1_epi8(0xF);
    for (int half = 0; half < 2; half++) {
        for (int p = 0; p < 4; p++) {
            __m512i both = _mm512_loadu_si512(packed + half * NIBBLES_HALF + p * VECTOR);
            uint8_t *out = panel + half * PANEL_HALF + p * VECTOR;
            _mm512_storeu_si512(out, _mm512_and_si512(both, low_mask));
            _mm512_storeu_si512(out + 4 * VECTOR, _mm512_and_si512(_mm512_srli_epi16(both, 4), low_mask));
        }
    }
}

/* 16 small integers as floats. */
static inline __m512 avx512_from_u8(const uint8_t *bytes)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)bytes)));
}

#endif
