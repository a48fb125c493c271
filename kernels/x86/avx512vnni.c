/* AVX-512 VNNI. A group is 32 rows, two halves of 16; a 64-byte vector holds 4 consecutive columns of 16 rows as unsigned bytes, so one VPDPBUSD
 * advances 16 rows by 4 columns against a broadcast of 4 activations. Weights are raised by 8 (Q4_0) or 128 (Q8_0) to be unsigned; the
 * accumulator starts at -offset x sum of the activations to make up for it. |accumulator| < 32 x 255 x 127: no overflow.
 *
 * Packed block, Q4_0 (576 bytes): [half][4 vectors], low nibbles = columns 4p.., high nibbles = columns 16 + 4p.., then 32 scales as f16.
 * Packed block, Q8_0 (1088 bytes): [half][8 vectors], then 32 scales as f16.
 * Panel block (3072 bytes): [half][8 vectors] of bytes, then [half][16 steps][16 rows] = weight scale x 2^(step/16) as float: the product with the
 * activation's scale is then an integer addition to the exponent (activation.h), off the multiplying ports. That needs scales that are not
 * zero: zero-scaled blocks have zero weights, and carry a tiny scale.
 *
 * Accumulators are named scalars: GCC 12 keeps arrays of registers in memory. */
#include <immintrin.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "kernels/pack_quads.h"
#include "kernels/x86/quantize_x86.h"

enum {
    HALF_ROWS = 16,
    ROWS = 32,
    VECTOR = 64,
    Q8_0_HALF = 8 * VECTOR,
    Q8_0_SCALES = 2 * Q8_0_HALF,
    Q8_0_BLOCK = Q8_0_SCALES + 2 * ROWS,
    Q4_0_HALF = 4 * VECTOR,
    Q4_0_SCALES = 2 * Q4_0_HALF,
    Q4_0_BLOCK = Q4_0_SCALES + 2 * ROWS,
    PANEL_HALF = 8 * VECTOR,
    PANEL_TABLE = 2 * PANEL_HALF,
    TABLE_HALF = TS_ACT_STEPS * VECTOR,
    PANEL_BLOCK = PANEL_TABLE + 2 * TABLE_HALF,
    PANEL_BLOCKS = 8,
    DIRECT_TOK = 6,
    WIDE_TOK = 6,
    WIDE_MIN_TOK = 80,
    PREFETCH_BYTES = 8192,
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
static inline void prefetch_block(const uint8_t *block, int n_bytes)
{
    for (int at = 0; at < n_bytes; at += VECTOR) {
        _mm_prefetch((const char *)block + PREFETCH_BYTES + at, _MM_HINT_T0);
    }
}

/* Shared pieces of the tiles: t is a token, a its two accumulators, c its two sums. */
#define LOAD_SUMS(t)                                                                    \
    __m512 c##t##0 = accumulate ? _mm512_loadu_ps(c + (t)*ROWS) : _mm512_setzero_ps();  \
    __m512 c##t##1 = accumulate ? _mm512_loadu_ps(c + (t)*ROWS + HALF_ROWS) : _mm512_setzero_ps();
#define STORE_SUMS(t)                        \
    _mm512_storeu_ps(c + (t)*ROWS, c##t##0); \
    _mm512_storeu_ps(c + (t)*ROWS + HALF_ROWS, c##t##1);
#define START(t)                                     \
    __m512i a##t##0 = _mm512_set1_epi32(meta[t].start); \
    __m512i a##t##1 = a##t##0;
#define DOT(t)                                            \
    {                                                     \
        __m512i x = quad_of(values, t, quad);             \
        a##t##0 = _mm512_dpbusd_epi32(a##t##0, w0, x);    \
        a##t##1 = _mm512_dpbusd_epi32(a##t##1, w1, x);    \
    }
#define SCALE_DIRECT(t)                                                                          \
    {                                                                                            \
        __m512 s = _mm512_set1_ps(meta[t].scale);                                                \
        c##t##0 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(a##t##0), _mm512_mul_ps(d0, s), c##t##0);   \
        c##t##1 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(a##t##1), _mm512_mul_ps(d1, s), c##t##1);   \
    }
#define SCALE_TABLE(t)                                                                                         \
    {                                                                                                          \
        const uint8_t *at = table + (size_t)meta[t].step * VECTOR;                                             \
        __m512i exponent = _mm512_set1_epi32(meta[t].exponent);                                                \
        __m512 s0 = _mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_loadu_si512(at)));                   \
        __m512 s1 = _mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_loadu_si512(at + TABLE_HALF)));      \
        c##t##0 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(a##t##0), s0, c##t##0);                                   \
        c##t##1 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(a##t##1), s1, c##t##1);                                   \
    }

/* Columns 4*q.. from byte vectors `half` bytes apart. */
#define STEP_BYTES(tokens, q, half)                                      \
    {                                                                    \
        const int quad = (q);                                            \
        __m512i w0 = _mm512_loadu_si512(w + (q)*VECTOR);                 \
        __m512i w1 = _mm512_loadu_si512(w + (half) + (q)*VECTOR);        \
        tokens(DOT)                                                      \
    }
#define STEPS_BYTES(tokens, half)                                                                       \
    STEP_BYTES(tokens, 0, half) STEP_BYTES(tokens, 1, half) STEP_BYTES(tokens, 2, half)                 \
    STEP_BYTES(tokens, 3, half) STEP_BYTES(tokens, 4, half) STEP_BYTES(tokens, 5, half)                 \
    STEP_BYTES(tokens, 6, half) STEP_BYTES(tokens, 7, half)

/* Columns 4*p.. and 16 + 4*p.. from nibble vectors. */
#define STEP_NIBBLES(tokens, p)                                          \
    {                                                                    \
        __m512i both0 = _mm512_loadu_si512(w + (p)*VECTOR);              \
        __m512i both1 = _mm512_loadu_si512(w + Q4_0_HALF + (p)*VECTOR);  \
        {                                                                \
            const int quad = (p);                                        \
            __m512i w0 = _mm512_and_si512(both0, low_mask);              \
            __m512i w1 = _mm512_and_si512(both1, low_mask);              \
            tokens(DOT)                                                  \
        }                                                                \
        {                                                                \
            const int quad = (p) + 4;                                    \
            __m512i w0 = _mm512_and_si512(_mm512_srli_epi16(both0, 4), low_mask); \
            __m512i w1 = _mm512_and_si512(_mm512_srli_epi16(both1, 4), low_mask); \
            tokens(DOT)                                                  \
        }                                                                \
    }
#define STEPS_NIBBLES(tokens) STEP_NIBBLES(tokens, 0) STEP_NIBBLES(tokens, 1) STEP_NIBBLES(tokens, 2) STEP_NIBBLES(tokens, 3)

#define DEFINE_TILES(n)                                                                                                           \
    static void wide_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta, uint32_t n_blocks,      \
                         bool accumulate)                                                                                         \
    {                                                                                                                             \
        TOK_##n(LOAD_SUMS)                                                                                                        \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                                 \
            const uint8_t *table = w + PANEL_TABLE;                                                                               \
            TOK_##n(START)                                                                                                        \
            STEPS_BYTES(TOK_##n, PANEL_HALF)                                                                                      \
            TOK_##n(SCALE_TABLE)                                                                                                  \
            w += PANEL_BLOCK;                                                                                                     \
            values += (n)*TS_ACT_COLS;                                                                                            \
            meta += (n);                                                                                                          \
        }                                                                                                                         \
        TOK_##n(STORE_SUMS)                                                                                                       \
    }                                                                                                                             \
    static void direct_q8_0_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,                  \
                                uint32_t n_blocks, bool accumulate)                                                               \
    {                                                                                                                             \
        TOK_##n(LOAD_SUMS)                                                                                                        \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                                 \
            prefetch_block(w, Q8_0_BLOCK);                                                                                        \
            TOK_##n(START)                                                                                                        \
            STEPS_BYTES(TOK_##n, Q8_0_HALF)                                                                                       \
            __m512 d0 = half_scales(w + Q8_0_SCALES), d1 = half_scales(w + Q8_0_SCALES + ROWS);                                   \
            TOK_##n(SCALE_DIRECT)                                                                                                 \
            w += Q8_0_BLOCK;                                                                                                      \
            values += (n)*TS_ACT_COLS;                                                                                            \
            meta += (n);                                                                                                          \
        }                                                                                                                         \
        TOK_##n(STORE_SUMS)                                                                                                       \
    }                                                                                                                             \
    static void direct_q4_0_##n(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta,                  \
                                uint32_t n_blocks, bool accumulate)                                                               \
    {                                                                                                                             \
        const __m512i low_mask = _mm512_set1_epi8(0xF);                                                                           \
        TOK_##n(LOAD_SUMS)                                                                                                        \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                                 \
            prefetch_block(w, Q4_0_BLOCK);                                                                                        \
            TOK_##n(START)                                                                                                        \
            STEPS_NIBBLES(TOK_##n)                                                                                                \
            __m512 d0 = half_scales(w + Q4_0_SCALES), d1 = half_scales(w + Q4_0_SCALES + ROWS);                                   \
            TOK_##n(SCALE_DIRECT)                                                                                                 \
            w += Q4_0_BLOCK;                                                                                                      \
            values += (n)*TS_ACT_COLS;                                                                                            \
            meta += (n);                                                                                                          \
        }                                                                                                                         \
        TOK_##n(STORE_SUMS)                                                                                                       \
    }

DEFINE_TILES(1)
DEFINE_TILES(2)
DEFINE_TILES(3)
DEFINE_TILES(4)
DEFINE_TILES(5)
DEFINE_TILES(6)

typedef void tile_fn(float *c, const uint8_t *w, const int8_t *values, const struct ts_act_meta *meta, uint32_t n_blocks,
                     bool accumulate);

static void wide(float *c, const uint8_t *weights, const int8_t *values, const struct ts_act_meta *meta, uint32_t n_blocks,
                 uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[WIDE_TOK] = {wide_1, wide_2, wide_3, wide_4, wide_5, wide_6};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

static void direct_q8_0(float *c, const uint8_t *weights, const int8_t *values, const struct ts_act_meta *meta, uint32_t n_blocks,
                        uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[DIRECT_TOK] = {direct_q8_0_1, direct_q8_0_2, direct_q8_0_3,
                                                  direct_q8_0_4, direct_q8_0_5, direct_q8_0_6};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

static void direct_q4_0(float *c, const uint8_t *weights, const int8_t *values, const struct ts_act_meta *meta, uint32_t n_blocks,
                        uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[DIRECT_TOK] = {direct_q4_0_1, direct_q4_0_2, direct_q4_0_3,
                                                  direct_q4_0_4, direct_q4_0_5, direct_q4_0_6};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

/* weight scale x 2^(step/16), never zero. */
static void expand_scales(uint8_t *table, const uint8_t *scales)
{
    const __m512 tiny = _mm512_set1_ps(0x1p-60F);
    for (int half = 0; half < 2; half++) {
        __m512 d = half_scales(scales + half * ROWS);
        d = _mm512_mask_mov_ps(d, _mm512_cmp_ps_mask(d, _mm512_setzero_ps(), _CMP_EQ_OQ), tiny);
        for (int step = 0; step < TS_ACT_STEPS; step++) {
            _mm512_storeu_ps(table + half * TABLE_HALF + step * VECTOR, _mm512_mul_ps(d, _mm512_set1_ps(ts_act_scales[step])));
        }
    }
}

static void expand_q8_0(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++, panel += PANEL_BLOCK, packed += Q8_0_BLOCK) {
        memcpy(panel, packed, PANEL_TABLE);
        expand_scales(panel + PANEL_TABLE, packed + Q8_0_SCALES);
    }
}

static void expand_q4_0(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)
{
    const __m512i low_mask = _mm512_set1_epi8(0xF);
    for (uint32_t b = 0; b < n_blocks; b++, panel += PANEL_BLOCK, packed += Q4_0_BLOCK) {
        for (int half = 0; half < 2; half++) {
            for (int p = 0; p < 4; p++) {
                __m512i both = _mm512_loadu_si512(packed + half * Q4_0_HALF + p * VECTOR);
                uint8_t *out = panel + half * PANEL_HALF + p * VECTOR;
                _mm512_storeu_si512(out, _mm512_and_si512(both, low_mask));
                _mm512_storeu_si512(out + 4 * VECTOR, _mm512_and_si512(_mm512_srli_epi16(both, 4), low_mask));
            }
        }
        expand_scales(panel + PANEL_TABLE, packed + Q4_0_SCALES);
    }
}

static void pack_q8_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        ts_pack_quads(packed + (size_t)b * Q8_0_BLOCK, &(struct ts_pack_shape){HALF_ROWS, ROWS, 8, 34, 0, 0x80},
                      rows + (size_t)b * 34, row_bytes, n_rows);
    }
}

static void pack_q4_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        ts_pack_quads(packed + (size_t)b * Q4_0_BLOCK, &(struct ts_pack_shape){HALF_ROWS, ROWS, 4, 18, 0x88, 0},
                      rows + (size_t)b * 18, row_bytes, n_rows);
    }
}

static const struct ts_kernel_format formats[] = {
    {
        .quant = TS_QUANT_Q4_0,
        .group_rows = ROWS,
        .offset = 8,
        .block_bytes = Q4_0_BLOCK,
        .pack = pack_q4_0,
        .direct_tok = DIRECT_TOK,
        .direct = direct_q4_0,
        .wide_min_tok = WIDE_MIN_TOK,
        .wide_tok = WIDE_TOK,
        .panel_block_bytes = PANEL_BLOCK,
        .panel_blocks = PANEL_BLOCKS,
        .expand = expand_q4_0,
        .wide = wide,
    },
    {
        .quant = TS_QUANT_Q8_0,
        .group_rows = ROWS,
        .offset = 128,
        .block_bytes = Q8_0_BLOCK,
        .pack = pack_q8_0,
        .direct_tok = DIRECT_TOK,
        .direct = direct_q8_0,
        .wide_min_tok = WIDE_MIN_TOK,
        .wide_tok = WIDE_TOK,
        .panel_block_bytes = PANEL_BLOCK,
        .panel_blocks = PANEL_BLOCKS,
        .expand = expand_q8_0,
        .wide = wide,
    },
};

const struct ts_kernel ts_kernel_avx512vnni = {
    .name = "avx512vnni",
    .needs = TS_CPU_AVX2 | TS_CPU_AVX512 | TS_CPU_AVX512VNNI,
    .needs_text = "needs avx512f avx512bw avx512dq avx512vl avx512vnni",
    .formats_text = "Q4_0 Q8_0",
    .quantize = ts_act_quantize_avx512,
    .probes = &ts_probes_avx512vnni,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
