/* The float arithmetic of a layer for AVX2 with FMA and F16C: a tile of 6 rows x 16 columns is 12 of the 16 registers.
 */
#include "engine/vector_ops.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/formats/half.h"

static inline float reduce_add(__m256 x)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

static inline float reduce_max(__m256 x)
{
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/* p * 2^n for normal results. */
static inline __m256 pow2(__m256 p, __m256 n)
{
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23)));
}

#define NAME(x) avx2_##x
#define VF __m256
#define VW 8
#define TILE_VECS 2
#define VECS(DO, r) DO(r, 0) DO(r, 1)
#define V_LOAD _mm256_loadu_ps
#define V_STORE _mm256_storeu_ps
#define V_SET1 _mm256_set1_ps
#define V_ZERO _mm256_setzero_ps
#define V_FMA _mm256_fmadd_ps
#define V_ADD _mm256_add_ps
#define V_SUB _mm256_sub_ps
#define V_MUL _mm256_mul_ps
#define V_DIV _mm256_div_ps
#define V_MAX _mm256_max_ps
#define V_MIN _mm256_min_ps
#define V_ROUND(x) _mm256_round_ps((x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define V_POW2 pow2
#define V_REDUCE_ADD reduce_add
#define V_REDUCE_MAX reduce_max
#define V_WIDEN(in) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(in)))
#define V_NARROW(out, x)                                                                                               \
    _mm_storeu_si128((__m128i *)(void *)(out), _mm256_cvtps_ph((x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))

#include "engine/vector_ops_body.inc"

const struct ts_vector_ops ts_vector_ops_avx2 = {.name = "avx2", .needs = TS_CPU_AVX2, VECTOR_OPS_ROWS};
