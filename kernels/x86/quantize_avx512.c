/* The activation quantizer for AVX-512: a block is two registers. The sums of squared errors are integers below 2^24, so that any order of
 * additions gives the reference's float. */
#include <immintrin.h>
#include <string.h>

#include "kernels/x86/quantize_x86.h"

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* ts_act_first_step with the 16 comparisons at once. */
static int32_t first_step(float max)
{
    const __m512i fractions = _mm512_and_si512(_mm512_loadu_si512(ts_act_scales), _mm512_set1_epi32(0x7FFFFF));
    uint32_t bits = bits_of(max * (1.0F / 127.0F));
    int32_t octave = (int32_t)(bits >> 23) - 127;
    if (octave < -TS_ACT_MAX_OCTAVE || octave >= TS_ACT_MAX_OCTAVE - 1) {
        return ts_act_first_step(max);
    }
    __mmask16 below = _mm512_cmplt_epi32_mask(fractions, _mm512_set1_epi32((int32_t)(bits & 0x7FFFFFU)));
    return octave * TS_ACT_STEPS + __builtin_popcount(below);
}

static __m512 rounded(__m512 value)
{
    return _mm512_roundscale_ps(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static __m512 squared_errors(__m512 x, __m512 inverse)
{
    __m512 scaled = _mm512_mul_ps(x, inverse);
    __m512 error = rounded(_mm512_mul_ps(_mm512_sub_ps(scaled, rounded(scaled)), _mm512_set1_ps(128.0F)));
    return _mm512_mul_ps(error, error);
}

static void quantize_block(int8_t *values, struct ts_act_meta *meta, const float *x, int32_t offset)
{
    __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16);
    int32_t first = first_step(_mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high))));
    float errors[TS_ACT_CANDIDATES];
    for (int c = 0; c < TS_ACT_CANDIDATES; c++) {
        __m512 inverse = _mm512_set1_ps(ts_act_inverse(first + c));
        errors[c] = _mm512_reduce_add_ps(_mm512_add_ps(squared_errors(low, inverse), squared_errors(high, inverse)));
    }
    int32_t step = first + ts_act_best_candidate(errors);
    __m512 inverse = _mm512_set1_ps(ts_act_inverse(step));
    __m512i low_int = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
    __m512i high_int = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
    _mm_storeu_si128((__m128i *)(void *)values, _mm512_cvtepi32_epi8(low_int));
    _mm_storeu_si128((__m128i *)(void *)(values + 16), _mm512_cvtepi32_epi8(high_int));
    ts_act_set_scale(meta, step);
    meta->start = -offset * _mm512_reduce_add_epi32(_mm512_add_epi32(low_int, high_int));
}

void ts_act_quantize_avx512(int8_t *values, struct ts_act_meta *meta, uint32_t stride, const float *x, uint32_t n_blocks,
                            int32_t offset)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        quantize_block(values, meta, x, offset);
        values += (size_t)stride * TS_ACT_COLS;
        meta += stride;
        x += TS_ACT_COLS;
    }
}
