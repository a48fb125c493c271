/* What AVX2 and AVX-VNNI share of Q4_K and Q6_K: where things stand in a packed block of 256 columns (pack_super.h),
 * and how a scale is used. */
#ifndef TS_KERNELS_X86_AVX2_K_TILES_H
#define TS_KERNELS_X86_AVX2_K_TILES_H

#include "kernels/pack/pack_super.h"
#include "kernels/x86/avx2_k.h"
#include "kernels/x86/avx2_tiles.h"

enum {
    SUPER = TS_SUPER_BLOCKS,
    NIBBLES_HALF = 4 * VECTOR,
    NIBBLES = 2 * NIBBLES_HALF,
    Q4_STEPS = SUPER * NIBBLES,
    Q4_D = Q4_STEPS + SUPER * 2 * ROWS,
    Q4_SUPER = Q4_D + 4 * ROWS,
    SIXES_HALF = 6 * VECTOR,
    SIXES = 2 * SIXES_HALF,
    Q6_STEPS = SUPER * SIXES,
    Q6_D = Q6_STEPS + SUPER * 2 * ROWS,
    Q6_SUPER = Q6_D + 2 * ROWS,
};

_Static_assert(Q4_SUPER == TS_PACKED_Q4_K(HALF_ROWS) && Q4_SUPER == SUPER * AVX2_Q4_K_BLOCK, "sizes of the table");
_Static_assert(Q6_SUPER == TS_PACKED_Q6_K(HALF_ROWS) && Q6_SUPER == SUPER * AVX2_Q6_K_BLOCK, "sizes of the table");

/* 8 small integers. */
static inline __m256i from_i8(const uint8_t *bytes)
{
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)bytes));
}

/* f16 x a byte below 64. */
static inline __m256 steps_of(const uint8_t *d, const uint8_t *steps)
{
    return _mm256_mul_ps(half_scales(d), _mm256_cvtepi32_ps(from_i8(steps)));
}

/* c += acc x (weight scales x activation scale) + minima x (-(sum of the activations) x activation scale), 8 rows. */
static inline void add_with_minima(float *c, __m256i acc, __m256 scales, __m256 minima, const struct ts_act_meta *meta,
                                   bool fresh)
{
    __m256 sum = fresh ? _mm256_setzero_ps() : _mm256_loadu_ps(c);
    sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc), _mm256_mul_ps(scales, _mm256_set1_ps(meta->scale)), sum);
    _mm256_storeu_ps(c, _mm256_fmadd_ps(minima, _mm256_set1_ps((float)meta->start * meta->scale), sum));
}

#endif
