/* Q6_K in AVX-512 VNNI: per block of 32 columns two integer scales. Both halves of the columns have accumulators of
 * their own; these are multiplied by their scales as integers (the sum stays below 2^24, so it is exact as float, too)
 * and one multiply-add with d follows. Weights are raised by 32; an accumulator starts at -32 x the sum of its 16
 * activations. 4 tokens x 32 rows x 2 accumulators and 8 sums are 24 registers.
 *
 * Packed as in pack_super.h (6720 bytes per 256 columns). Panel, 256 columns: [8 blocks][[half][8 vectors] of bytes, 2
 * x 32 scales as int32], then the table of d. */
#include "kernels/x86/avx512vnni_k.h"

#include "kernels/pack/pack_super.h"
#include "kernels/x86/avx512vnni_tiles.h"

enum {
    SUPER = TS_SUPER_BLOCKS,
    SIXES_HALF = 6 * VECTOR,
    SIXES = 2 * SIXES_HALF,
    STEPS_AT = SUPER * SIXES,
    D_AT = STEPS_AT + SUPER * 2 * ROWS,
    SUPER_BYTES = D_AT + 2 * ROWS,
    PANEL_STEPS = 2 * PANEL_HALF,
    PANEL_BLOCK = PANEL_STEPS + 4 * VECTOR,
    SUPER_TABLE = SUPER * PANEL_BLOCK,
    SUPER_PANEL = SUPER_TABLE + 2 * TABLE_HALF,
};

_Static_assert(SUPER_BYTES == TS_PACKED_Q6_K(HALF_ROWS) && SUPER_BYTES == SUPER * AVX512_Q6_K_BLOCK &&
                   SUPER_PANEL == SUPER * AVX512_Q6_K_PANEL,
               "sizes of the table");

/* Accumulators a: columns 0..15 of the block, b: columns 16..31. */
#define START_HALVES(t)                                                                                                \
    __m512i a##t##0 = _mm512_set1_epi32(-32 * meta[t].low_sum), a##t##1 = a##t##0;                                     \
    __m512i b##t##0 = _mm512_set1_epi32(meta[t].start + 32 * meta[t].low_sum), b##t##1 = b##t##0;
#define DOT_HIGH(t)                                                                                                    \
    {                                                                                                                  \
        __m512i x = quad_of(values, t, quad);                                                                          \
        b##t##0 = _mm512_dpbusd_epi32(b##t##0, w0, x);                                                                 \
        b##t##1 = _mm512_dpbusd_epi32(b##t##1, w1, x);                                                                 \
    }
/* Both accumulators times their scales, in a. */
#define JOIN(t)                                                                                                        \
    a##t##0 = _mm512_add_epi32(_mm512_mullo_epi32(a##t##0, low0), _mm512_mullo_epi32(b##t##0, high0));                 \
    a##t##1 = _mm512_add_epi32(_mm512_mullo_epi32(a##t##1, low1), _mm512_mullo_epi32(b##t##1, high1));

#define STEP_PANEL(dot, q)                                                                                             \
    {                                                                                                                  \
        const int quad = (q);                                                                                          \
        __m512i w0 = _mm512_loadu_si512(w + (q)*VECTOR);                                                               \
        __m512i w1 = _mm512_loadu_si512(w + PANEL_HALF + (q)*VECTOR);                                                  \
        dot                                                                                                            \
    }

static inline __m512i low_sixes(__m512i nibbles, __m512i upper, int p)
{
    __m512i bits = p % 2 == 0 ? _mm512_slli_epi16(upper, 4) : upper;
    return _mm512_or_si512(_mm512_and_si512(nibbles, _mm512_set1_epi8(0xF)),
                           _mm512_and_si512(bits, _mm512_set1_epi8(0x30)));
}

static inline __m512i high_sixes(__m512i nibbles, __m512i upper, int p)
{
    __m512i bits = p % 2 == 0 ? _mm512_slli_epi16(upper, 2) : _mm512_srli_epi16(upper, 2);
    return _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(nibbles, 4), _mm512_set1_epi8(0xF)),
                           _mm512_and_si512(bits, _mm512_set1_epi8(0x30)));
}

/* Vector p of nibbles of a half. */
static inline __m512i nibbles_of(const uint8_t *w, int half, int p)
{
    return _mm512_loadu_si512(w + half * SIXES_HALF + p * VECTOR);
}

static inline __m512i upper_of(const uint8_t *w, int half, int p)
{
    return _mm512_loadu_si512(w + half * SIXES_HALF + (4 + p / 2) * VECTOR);
}

#define STEP_SIXES(tokens, p)                                                                                          \
    {                                                                                                                  \
        __m512i nibbles0 = nibbles_of(w, 0, p), nibbles1 = nibbles_of(w, 1, p);                                        \
        __m512i upper0 = upper_of(w, 0, p), upper1 = upper_of(w, 1, p);                                                \
        {                                                                                                              \
            const int quad = (p);                                                                                      \
            __m512i w0 = low_sixes(nibbles0, upper0, p);                                                               \
            __m512i w1 = low_sixes(nibbles1, upper1, p);                                                               \
            tokens(DOT)                                                                                                \
        }                                                                                                              \
        {                                                                                                              \
            const int quad = (p) + 4;                                                                                  \
            __m512i w0 = high_sixes(nibbles0, upper0, p);                                                              \
            __m512i w1 = high_sixes(nibbles1, upper1, p);                                                              \
            tokens(DOT_HIGH)                                                                                           \
        }                                                                                                              \
    }

static inline __m512i steps_of(const uint8_t *steps)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)steps));
}

#define DEFINE_TILES(n)                                                                                                \
    static void wide_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,             \
                         uint32_t n_blocks, bool accumulate)                                                           \
    {                                                                                                                  \
        const uint8_t *table = w + SUPER_TABLE;                                                                        \
        TOK_##n(LOAD_SUMS) for (uint32_t b = 0; b < n_blocks; b++)                                                     \
        {                                                                                                              \
            TOK_##n(START_HALVES) STEP_PANEL(TOK_##n(DOT), 0) STEP_PANEL(TOK_##n(DOT_HIGH), 4)                         \
                STEP_PANEL(TOK_##n(DOT), 1) STEP_PANEL(TOK_##n(DOT_HIGH), 5) STEP_PANEL(TOK_##n(DOT), 2)               \
                    STEP_PANEL(TOK_##n(DOT_HIGH), 6) STEP_PANEL(TOK_##n(DOT), 3) STEP_PANEL(TOK_##n(DOT_HIGH), 7)      \
                        const uint8_t *steps = w + PANEL_STEPS;                                                        \
            __m512i low0 = _mm512_loadu_si512(steps), low1 = _mm512_loadu_si512(steps + VECTOR);                       \
            __m512i high0 = _mm512_loadu_si512(steps + 2 * VECTOR), high1 = _mm512_loadu_si512(steps + 3 * VECTOR);    \
            TOK_##n(JOIN) TOK_##n(SCALE_TABLE) w += PANEL_BLOCK;                                                       \
            if (b % SUPER == SUPER - 1) {                                                                              \
                w += 2 * TABLE_HALF;                                                                                   \
                table += SUPER_PANEL;                                                                                  \
            }                                                                                                          \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
        TOK_##n(STORE_SUMS)                                                                                            \
    }                                                                                                                  \
    static void direct_##n(float *c, const uint8_t *super, const int8_t *values, const struct ts_act_meta *meta,       \
                           uint32_t n_blocks, bool accumulate)                                                         \
    {                                                                                                                  \
        TOK_##n(LOAD_SUMS) for (uint32_t b = 0; b < n_blocks; b++)                                                     \
        {                                                                                                              \
            const uint8_t *w = super + b % SUPER * SIXES, *steps = super + STEPS_AT + b % SUPER * 2 * ROWS;            \
            prefetch_block(super + b % SUPER * AVX512_Q6_K_BLOCK, AVX512_Q6_K_BLOCK, PREFETCH_FAR);                    \
            TOK_##n(START_HALVES) STEP_SIXES(TOK_##n, 0) STEP_SIXES(TOK_##n, 1) STEP_SIXES(TOK_##n, 2)                 \
                STEP_SIXES(TOK_##n, 3) __m512i low0 = steps_of(steps),                                                 \
                                               low1 = steps_of(steps + HALF_ROWS);                                     \
            __m512i high0 = steps_of(steps + ROWS), high1 = steps_of(steps + ROWS + HALF_ROWS);                        \
            TOK_##n(JOIN) __m512 d0 = half_scales(super + D_AT), d1 = half_scales(super + D_AT + ROWS);                \
            TOK_##n(SCALE_DIRECT) super += b % SUPER == SUPER - 1 ? SUPER_BYTES : 0;                                   \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
        TOK_##n(STORE_SUMS)                                                                                            \
    }

DEFINE_TILES(1)
DEFINE_TILES(2)
DEFINE_TILES(3)
DEFINE_TILES(4)

typedef void tile_fn(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,
                     uint32_t n_blocks, bool accumulate);

void ts_avx512_wide_q6_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                         uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[AVX512_Q6_K_TOK] = {wide_1, wide_2, wide_3, wide_4};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

void ts_avx512_direct_q6_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                           uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[AVX512_Q6_K_TOK] = {direct_1, direct_2, direct_3, direct_4};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

static void expand_block(uint8_t *panel, const uint8_t *w, const uint8_t *steps)
{
    for (int half = 0; half < 2; half++) {
        for (int p = 0; p < 4; p++) {
            uint8_t *out = panel + half * PANEL_HALF + p * VECTOR;
            __m512i nibbles = nibbles_of(w, half, p), upper = upper_of(w, half, p);
            _mm512_storeu_si512(out, low_sixes(nibbles, upper, p));
            _mm512_storeu_si512(out + 4 * VECTOR, high_sixes(nibbles, upper, p));
        }
    }
    for (int i = 0; i < 4; i++) {
        _mm512_storeu_si512(panel + PANEL_STEPS + i * VECTOR, steps_of(steps + i * HALF_ROWS));
    }
}

void ts_avx512_expand_q6_k(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b += SUPER, panel += SUPER_PANEL, packed += SUPER_BYTES) {
        for (uint32_t i = 0; i < SUPER; i++) {
            expand_block(panel + i * PANEL_BLOCK, packed + i * SIXES, packed + STEPS_AT + i * 2 * ROWS);
        }
        avx512_scale_table(panel + SUPER_TABLE, half_scales(packed + D_AT));
        avx512_scale_table(panel + SUPER_TABLE + TABLE_HALF, half_scales(packed + D_AT + ROWS));
    }
}

void ts_avx512_pack_q6_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    ts_pack_q6_k(packed, HALF_ROWS, rows, row_bytes, n_rows, n_blocks);
}
