/* The activation quantizer for AVX2: a block is four registers. The sums of squared errors are integers below 2^24, so
 * that any order of additions gives the reference's float. */
#include <immintrin.h>

#include "kernels/x86/quantize_x86.h"

enum { PARTS = TS_ACT_COLS / 8 };

static __m256 rounded(__m256 value)
{
    return _mm256_round_ps(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static float horizontal_max(__m256 v)
{
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

static float horizontal_sum(__m256 v)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

static float block_max(const float *x)
{
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
    __m256 max = _mm256_setzero_ps();
    for (int i = 0; i < PARTS; i++) {
        max = _mm256_max_ps(max, _mm256_and_ps(magnitude, _mm256_loadu_ps(x + i * 8)));
    }
    return horizontal_max(max);
}

static float squared_error(const float *x, float inverse)
{
    __m256 sum = _mm256_setzero_ps();
    for (int i = 0; i < PARTS; i++) {
        __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x + i * 8), _mm256_set1_ps(inverse));
        __m256 error = rounded(_mm256_mul_ps(_mm256_sub_ps(scaled, rounded(scaled)), _mm256_set1_ps(128.0F)));
        sum = _mm256_add_ps(sum, _mm256_mul_ps(error, error));
    }
    return horizontal_sum(sum);
}

static int32_t sum_of_eight(__m256i v)
{
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

/* Writes the 32 bytes and the sums. */
static void store_values(int8_t *values, struct ts_act_meta *meta, const float *x, float inverse, int32_t offset)
{
    __m256i part[PARTS];
    for (int i = 0; i < PARTS; i++) {
        part[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i * 8), _mm256_set1_ps(inverse)));
    }
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(part[0], part[1]), _mm256_packs_epi32(part[2], part[3]));
    bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256((__m256i *)(void *)values, bytes);
    int32_t low = sum_of_eight(_mm256_add_epi32(part[0], part[1])),
            high = sum_of_eight(_mm256_add_epi32(part[2], part[3]));
    meta->start = -offset * (low + high);
    meta->low_sum = (int16_t)low;
}

static void quantize(void *out, struct ts_act_meta *meta, const struct ts_act_places *places, const float *x,
                     uint32_t n_blocks, int32_t offset)
{
    int8_t *values = out;
    for (uint32_t b = 0; b < n_blocks; b++, x += TS_ACT_COLS) {
        size_t at = ts_act_place(places, b);
        int32_t first = ts_act_first_step(block_max(x));
        float errors[TS_ACT_CANDIDATES];
        for (int c = 0; c < TS_ACT_CANDIDATES; c++) {
            errors[c] = squared_error(x, ts_act_inverse(first + c));
        }
        int32_t step = first + ts_act_best_candidate(errors);
        ts_act_set_scale(meta + at, step);
        store_values(values + at * TS_ACT_COLS, meta + at, x, ts_act_inverse(step), offset);
    }
}

const struct ts_act_form ts_act_int8_avx2 = {TS_ACT_INT8, TS_ACT_COLS, quantize};
