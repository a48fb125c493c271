/* F16 and BF16 in AVX2, exact products of the weights with float activations. A group is 32 rows, two halves of 16 that
 * take turns block by block: 6 tokens x 16 rows are 12 accumulators. A single token has all 32 rows at once, since two
 * chains of additions would be slower than main memory.
 *
 * Packed block (2048 bytes): [32 columns][32 rows]; panel block (4096 bytes): the same as floats. Every sum is one
 * chain in the order of the columns. */
#include "kernels/x86/avx2_half.h"

#include <immintrin.h>

#include "kernels/pack/pack_halves.h"

enum {
    ROWS = AVX2_HALF_ROWS,
    HALF_ROWS = ROWS / 2,
    LANES = 8,
    COLUMN = 2 * ROWS,
    PANEL_COLUMN = 4 * ROWS,
    AHEAD = 4096,
};

_Static_assert(AVX2_HALF_BLOCK == TS_ACT_COLS * COLUMN && AVX2_HALF_PANEL == TS_ACT_COLS * PANEL_COLUMN,
               "sizes of the table");

#define TOK_1(DO) DO(0)
#define TOK_2(DO) TOK_1(DO) DO(1)
#define TOK_3(DO) TOK_2(DO) DO(2)
#define TOK_4(DO) TOK_3(DO) DO(3)
#define TOK_5(DO) TOK_4(DO) DO(4)
#define TOK_6(DO) TOK_5(DO) DO(5)

/* 8 weights; `at` counts weights. */
static inline __m256 widen_f16(const uint8_t *w, int at)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(w + 2 * at)));
}

static inline __m256 widen_bf16(const uint8_t *w, int at)
{
    __m256i words = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)(w + 2 * at)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(words, 16));
}

static inline __m256 widen_none(const uint8_t *w, int at)
{
    return _mm256_loadu_ps((const float *)(const void *)w + at);
}

static inline __m256 load_sums(const float *c, bool fresh)
{
    return fresh ? _mm256_setzero_ps() : _mm256_loadu_ps(c);
}

#define LOAD_SUMS(t)                                                                                                   \
    __m256 c##t##0 = load_sums(c + (t)*ROWS + h * HALF_ROWS, fresh);                                                   \
    __m256 c##t##1 = load_sums(c + (t)*ROWS + h * HALF_ROWS + LANES, fresh);
#define STORE_SUMS(t)                                                                                                  \
    _mm256_storeu_ps(c + (t)*ROWS + h * HALF_ROWS, c##t##0);                                                           \
    _mm256_storeu_ps(c + (t)*ROWS + h * HALF_ROWS + LANES, c##t##1);
#define STEP(t)                                                                                                        \
    {                                                                                                                  \
        __m256 x = _mm256_set1_ps(values[(t)*TS_ACT_COLS + k]);                                                        \
        c##t##0 = _mm256_fmadd_ps(w0, x, c##t##0);                                                                     \
        c##t##1 = _mm256_fmadd_ps(w1, x, c##t##1);                                                                     \
    }

#define DEFINE_TILE(name, widen, column, n)                                                                            \
    static void name##_##n(float *c, const uint8_t *w, const float *values, uint32_t n_blocks, bool accumulate)        \
    {                                                                                                                  \
        for (uint32_t b = 0; b < n_blocks; b++, w += TS_ACT_COLS * (column)) {                                         \
            const bool fresh = b == 0 && !accumulate;                                                                  \
            for (int h = 0; h < 2; h++) {                                                                              \
                TOK_##n(LOAD_SUMS) for (uint32_t k = 0; k < TS_ACT_COLS; k++)                                          \
                {                                                                                                      \
                    const uint8_t *at = w + (size_t)k * (column);                                                      \
                    __m256 w0 = widen(at, h * HALF_ROWS), w1 = widen(at, h * HALF_ROWS + LANES);                       \
                    TOK_##n(STEP)                                                                                      \
                }                                                                                                      \
                TOK_##n(STORE_SUMS)                                                                                    \
            }                                                                                                          \
            values += (n)*TS_ACT_COLS;                                                                                 \
        }                                                                                                              \
    }

#define DEFINE_ONE(name, widen, column, ahead)                                                                         \
    static void name##_1(float *c, const uint8_t *w, const float *values, uint32_t n_blocks, bool accumulate)          \
    {                                                                                                                  \
        __m256 c0 = load_sums(c, !accumulate), c1 = load_sums(c + LANES, !accumulate);                                 \
        __m256 c2 = load_sums(c + 2 * LANES, !accumulate), c3 = load_sums(c + 3 * LANES, !accumulate);                 \
        for (size_t k = 0; k < (size_t)n_blocks * TS_ACT_COLS; k++, w += (column)) {                                   \
            _mm_prefetch((const char *)w + (ahead), _MM_HINT_T0);                                                      \
            __m256 x = _mm256_set1_ps(values[k]);                                                                      \
            c0 = _mm256_fmadd_ps(widen(w, 0), x, c0);                                                                  \
            c1 = _mm256_fmadd_ps(widen(w, LANES), x, c1);                                                              \
            c2 = _mm256_fmadd_ps(widen(w, 2 * LANES), x, c2);                                                          \
            c3 = _mm256_fmadd_ps(widen(w, 3 * LANES), x, c3);                                                          \
        }                                                                                                              \
        _mm256_storeu_ps(c, c0);                                                                                       \
        _mm256_storeu_ps(c + LANES, c1);                                                                               \
        _mm256_storeu_ps(c + 2 * LANES, c2);                                                                           \
        _mm256_storeu_ps(c + 3 * LANES, c3);                                                                           \
    }

typedef void tile_fn(float *c, const uint8_t *w, const float *values, uint32_t n_blocks, bool accumulate);

#define DEFINE_ALL(name, widen, column)                                                                                \
    DEFINE_ONE(name, widen, column, AHEAD)                                                                             \
    DEFINE_TILE(name, widen, column, 2)                                                                                \
    DEFINE_TILE(name, widen, column, 3)                                                                                \
    DEFINE_TILE(name, widen, column, 4)                                                                                \
    DEFINE_TILE(name, widen, column, 5)                                                                                \
    DEFINE_TILE(name, widen, column, 6)                                                                                \
    void ts_avx2_##name(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,          \
                        uint32_t n_blocks, uint32_t width, bool accumulate)                                            \
    {                                                                                                                  \
        (void)meta;                                                                                                    \
        static tile_fn *const by_width[] = {name##_1, name##_2, name##_3, name##_4, name##_5, name##_6};               \
        by_width[width - 1](c, weights, values, n_blocks, accumulate);                                                 \
    }

DEFINE_ALL(direct_f16, widen_f16, COLUMN)
DEFINE_ALL(direct_bf16, widen_bf16, COLUMN)
DEFINE_ALL(wide_floats, widen_none, PANEL_COLUMN)

void ts_avx2_expand_f16(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)
{
    float *out = (float *)(void *)panel;
    for (int at = 0; at < (int)n_blocks * TS_ACT_COLS * ROWS; at += LANES) {
        _mm256_storeu_ps(out + at, widen_f16(packed, at));
    }
}

void ts_avx2_expand_bf16(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)
{
    float *out = (float *)(void *)panel;
    for (int at = 0; at < (int)n_blocks * TS_ACT_COLS * ROWS; at += LANES) {
        _mm256_storeu_ps(out + at, widen_bf16(packed, at));
    }
}

void ts_avx2_pack_halves(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    ts_pack_halves(packed, ROWS, 1, rows, row_bytes, n_rows, n_blocks);
}
