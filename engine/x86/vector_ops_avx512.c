/* The float arithmetic of a layer for AVX-512: a tile of 6 rows x 64 columns is 24 of the 32 registers. */
#include "engine/vector_ops.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/formats/half.h"

#define NAME(x) avx512_##x
#define VF __m512
#define VW 16
#define TILE_VECS 4
#define VECS(DO, r) DO(r, 0) DO(r, 1) DO(r, 2) DO(r, 3)
#define V_LOAD _mm512_loadu_ps
#define V_STORE _mm512_storeu_ps
#define V_SET1 _mm512_set1_ps
#define V_ZERO _mm512_setzero_ps
#define V_FMA _mm512_fmadd_ps
#define V_ADD _mm512_add_ps
#define V_SUB _mm512_sub_ps
#define V_MUL _mm512_mul_ps
#define V_DIV _mm512_div_ps
#define V_MAX _mm512_max_ps
#define V_MIN _mm512_min_ps
#define V_ROUND(x) _mm512_roundscale_ps((x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define V_POW2 _mm512_scalef_ps
#define V_REDUCE_ADD _mm512_reduce_add_ps
#define V_REDUCE_MAX _mm512_reduce_max_ps
#define V_WIDEN(in) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(in)))
#define V_NARROW(out, x)                                                                                               \
    _mm256_storeu_si256((__m256i *)(void *)(out), _mm512_cvtps_ph((x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))

#include "engine/vector_ops_body.inc"

const struct ts_vector_ops ts_vector_ops_avx512 = {
    .name = "avx512", .needs = TS_CPU_AVX2 | TS_CPU_AVX512, VECTOR_OPS_ROWS};
