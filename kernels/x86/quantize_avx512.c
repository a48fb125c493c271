/* The activation quantizer for AVX-512: 16 blocks at a time. What is one number per block (largest value, step, errors,
 * sum) is computed for all 16 in one register; sums over a block are trees of shuffles that end with block i in lane i.
 * The sums of squared errors are integers (in units of 2^-14) below 2^24, so that any order of additions gives the
 * reference's float. */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/x86/quantize_x86.h"

enum { BATCH = 16, TO_NEAREST = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };

/* Halves of the tree: lanes of the result alternate between a and b, each the sum (largest) of two lanes. */
#define UNPACK_ADD(a, b) _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b))
#define UNPACK_MAX(a, b) _mm512_max_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b))

static inline __m512 pairs_low(__m512 a, __m512 b)
{
    return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

static inline __m512 pairs_high(__m512 a, __m512 b)
{
    return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

/* Four registers to one whose 128-bit lane l holds, for each of the four, the total of its lane l. */
static inline __m512 add_four(const __m512 *v)
{
    __m512 ab = UNPACK_ADD(v[0], v[1]), cd = UNPACK_ADD(v[2], v[3]);
    return _mm512_add_ps(pairs_low(ab, cd), pairs_high(ab, cd));
}

static inline __m512 max_four(const __m512 *v)
{
    __m512 ab = UNPACK_MAX(v[0], v[1]), cd = UNPACK_MAX(v[2], v[3]);
    return _mm512_max_ps(pairs_low(ab, cd), pairs_high(ab, cd));
}

/* 16 registers to one: lane i is the total of v[i]. */
static inline __m512 add_sixteen(const __m512 *v)
{
    __m512 a = add_four(v), b = add_four(v + 4), c = add_four(v + 8), d = add_four(v + 12);
    __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
    __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x88), _mm512_shuffle_f32x4(c, d, 0xDD));
    return _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
}

static inline __m512 max_sixteen(const __m512 *v)
{
    __m512 a = max_four(v), b = max_four(v + 4), c = max_four(v + 8), d = max_four(v + 12);
    __m512 ab = _mm512_max_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
    __m512 cd = _mm512_max_ps(_mm512_shuffle_f32x4(c, d, 0x88), _mm512_shuffle_f32x4(c, d, 0xDD));
    return _mm512_max_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
}

/* ts_act_first_step of 16 numbers. The steps' fractions are more than 1/32 apart, so the top five bits of a fraction
 * leave one comparison. */
static inline __m512i first_steps(__m512 max)
{
    static const int8_t below[32] = {0,  1,  2,  3,  3,  4,  4,  5,  6,  6,  7,  7,  8,  8,  9,  9,
                                     10, 10, 11, 11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 15, 16, 16};
    const __m512i fractions = _mm512_and_si512(_mm512_loadu_si512(ts_act_scales), _mm512_set1_epi32(0x7FFFFF));
    __m512i bits = _mm512_castps_si512(_mm512_mul_ps(max, _mm512_set1_ps(1.0F / 127.0F)));
    __m512i octave = _mm512_sub_epi32(_mm512_srli_epi32(bits, 23), _mm512_set1_epi32(127));
    __m512i fraction = _mm512_and_si512(bits, _mm512_set1_epi32(0x7FFFFF));
    __m512i table_low = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)below));
    __m512i table_high = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(below + 16)));
    __m512i step = _mm512_permutex2var_epi32(table_low, _mm512_srli_epi32(fraction, 18), table_high);
    __mmask16 inside = _mm512_cmplt_epi32_mask(step, _mm512_set1_epi32(TS_ACT_STEPS));
    __mmask16 more = _mm512_mask_cmplt_epi32_mask(inside, _mm512_permutexvar_epi32(step, fractions), fraction);
    step = _mm512_mask_add_epi32(step, more, step, _mm512_set1_epi32(1));
    step = _mm512_add_epi32(_mm512_slli_epi32(octave, 4), step);
    step = _mm512_max_epi32(step, _mm512_set1_epi32(-TS_ACT_MAX_OCTAVE * TS_ACT_STEPS));
    return _mm512_min_epi32(step, _mm512_set1_epi32((TS_ACT_MAX_OCTAVE - 1) * TS_ACT_STEPS));
}

/* table[step mod 16] x 2^(sign x floor(step/16)) */
static inline __m512 from_steps(const float *table, __m512i step, bool negative)
{
    __m512i octave = _mm512_srai_epi32(step, 4);
    __m512i within = _mm512_and_si512(step, _mm512_set1_epi32(15));
    __m512i bits = _mm512_castps_si512(_mm512_permutexvar_ps(within, _mm512_loadu_ps(table)));
    __m512i shift = _mm512_slli_epi32(octave, 23);
    return _mm512_castsi512_ps(negative ? _mm512_sub_epi32(bits, shift) : _mm512_add_epi32(bits, shift));
}

static inline __m512 squared_errors(__m512 low, __m512 high, __m512 inverse)
{
    __m512 a = _mm512_roundscale_ps(_mm512_reduce_ps(_mm512_mul_ps(low, inverse), TO_NEAREST), 7 << 4 | TO_NEAREST);
    __m512 b = _mm512_roundscale_ps(_mm512_reduce_ps(_mm512_mul_ps(high, inverse), TO_NEAREST), 7 << 4 | TO_NEAREST);
    return _mm512_fmadd_ps(a, a, _mm512_mul_ps(b, b));
}

/* The errors of 16 blocks for the candidate of these inverses, times its weight. */
static inline __m512 candidate_costs(const float *x, __m512i step, float weight)
{
    float inverses[BATCH];
    __m512 errors[BATCH];
    _mm512_storeu_ps(inverses, from_steps(ts_act_inverses, step, true));
    for (int b = 0; b < BATCH; b++) {
        errors[b] = squared_errors(_mm512_loadu_ps(x + b * TS_ACT_COLS), _mm512_loadu_ps(x + b * TS_ACT_COLS + 16),
                                   _mm512_set1_ps(inverses[b]));
    }
    return _mm512_mul_ps(add_sixteen(errors), _mm512_set1_ps(weight));
}

static inline __m512i best_steps(const float *x)
{
    __m512 maxima[BATCH];
    for (int b = 0; b < BATCH; b++) {
        const float *ahead =
            x + (BATCH + b) * TS_ACT_COLS; /* of this token, needed after the other tokens of the tile */
        _mm_prefetch((const char *)ahead, _MM_HINT_T0);
        _mm_prefetch((const char *)(ahead + 16), _MM_HINT_T0);
        __m512 low = _mm512_abs_ps(_mm512_loadu_ps(x + b * TS_ACT_COLS));
        maxima[b] = _mm512_max_ps(low, _mm512_abs_ps(_mm512_loadu_ps(x + b * TS_ACT_COLS + 16)));
    }
    __m512i first = first_steps(max_sixteen(maxima));
    __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(1)),
            third = _mm512_add_epi32(first, _mm512_set1_epi32(2));
    __m512 cost = candidate_costs(x, first, 1.0F);
    __m512 other = candidate_costs(x, second, TS_ACT_COST_SECOND);
    __m512i step = _mm512_mask_mov_epi32(first, _mm512_cmp_ps_mask(other, cost, _CMP_LT_OQ), second);
    cost = _mm512_min_ps(cost, other);
    other = candidate_costs(x, third, TS_ACT_COST_THIRD);
    return _mm512_mask_mov_epi32(step, _mm512_cmp_ps_mask(other, cost, _CMP_LT_OQ), third);
}

static void quantize_batch(int8_t *values, struct ts_act_meta *meta, const struct ts_act_places *places,
                           uint32_t first_block, const float *x, int32_t offset)
{
    __m512i step = best_steps(x);
    float inverses[BATCH], scales[BATCH];
    int32_t exponents[BATCH], steps[BATCH], starts[BATCH], low_sums[BATCH];
    __m512 sums[BATCH], halves[BATCH];
    size_t at[BATCH];
    _mm512_storeu_ps(inverses, from_steps(ts_act_inverses, step, true));
    for (uint32_t b = 0; b < BATCH; b++) {
        at[b] = ts_act_place(places, first_block + b);
        int8_t *out = values + at[b] * TS_ACT_COLS;
        __m512 inverse = _mm512_set1_ps(inverses[b]);
        __m512i low = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + b * TS_ACT_COLS), inverse));
        __m512i high = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + b * TS_ACT_COLS + 16), inverse));
        _mm_storeu_si128((__m128i *)(void *)out, _mm512_cvtepi32_epi8(low));
        _mm_storeu_si128((__m128i *)(void *)(out + 16), _mm512_cvtepi32_epi8(high));
        sums[b] = _mm512_cvtepi32_ps(_mm512_add_epi32(low, high));
        halves[b] = _mm512_cvtepi32_ps(low);
    }
    __m512i total = _mm512_cvtps_epi32(add_sixteen(sums));
    _mm512_storeu_si512(starts, _mm512_mullo_epi32(total, _mm512_set1_epi32(-offset)));
    _mm512_storeu_si512(low_sums, _mm512_cvtps_epi32(add_sixteen(halves)));
    _mm512_storeu_ps(scales, from_steps(ts_act_scales, step, false));
    _mm512_storeu_si512(exponents, _mm512_slli_epi32(_mm512_srai_epi32(step, 4), 23));
    _mm512_storeu_si512(steps, _mm512_and_si512(step, _mm512_set1_epi32(15)));
    for (int b = 0; b < BATCH; b++) {
        meta[at[b]] =
            (struct ts_act_meta){starts[b], exponents[b], (uint16_t)steps[b], (int16_t)low_sums[b], scales[b]};
    }
}

static void quantize(void *out, struct ts_act_meta *meta, const struct ts_act_places *places, const float *x,
                     uint32_t n_blocks, int32_t offset)
{
    int8_t *values = out;
    uint32_t b = 0;
    for (; b + BATCH <= n_blocks; b += BATCH) {
        quantize_batch(values, meta, places, b, x + (size_t)b * TS_ACT_COLS, offset);
    }
    if (b == n_blocks) {
        return;
    }
    float padded[BATCH * TS_ACT_COLS] = {0};
    int8_t rest_values[BATCH * TS_ACT_COLS];
    struct ts_act_meta rest_meta[BATCH];
    const struct ts_act_places dense = {1, BATCH, BATCH};
    memcpy(padded, x + (size_t)b * TS_ACT_COLS, (n_blocks - b) * TS_ACT_COLS * sizeof *x);
    quantize_batch(rest_values, rest_meta, &dense, 0, padded, offset);
    for (uint32_t i = 0; b + i < n_blocks; i++) {
        size_t at = ts_act_place(places, b + i);
        memcpy(values + at * TS_ACT_COLS, rest_values + i * TS_ACT_COLS, TS_ACT_COLS);
        meta[at] = rest_meta[i];
    }
}

const struct ts_act_form ts_act_int8_avx512 = {TS_ACT_INT8, TS_ACT_COLS, quantize};
