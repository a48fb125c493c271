/* F16 and BF16 in AVX-512, products of the exact weights with float activations: VDPBF16PS would not keep F16's 11 bits
 * (docs/KERNELS.md). A group is 32 rows, two vectors of 16; a token's column is broadcast. 12 tokens x 32 rows are 24
 * accumulators.
 *
 * Packed block (2048 bytes): [32 columns][32 rows], which is the panel, too: widening costs less than reading floats.
 * Every sum is one chain in the order of the columns. */
#include <immintrin.h>

#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "kernels/pack/pack_halves.h"
#include "kernels/x86/avx512_floats.h"
#include "kernels/x86/probes_x86.h"

enum {
    COLUMN = 2 * ROWS,
    BLOCK = TS_ACT_COLS * COLUMN,
    PANEL_BLOCKS = 8,
    WIDE_MIN_TOK = 96,
};

static inline __m512 widen_f16(const uint8_t *at)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)at));
}

static inline __m512 widen_bf16(const uint8_t *at)
{
    __m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(words, 16));
}

#define STEP(t)                                                                                                        \
    {                                                                                                                  \
        __m512 x = _mm512_set1_ps(values[(t)*TS_ACT_COLS + k]);                                                        \
        c##t##0 = _mm512_fmadd_ps(w0, x, c##t##0);                                                                     \
        c##t##1 = _mm512_fmadd_ps(w1, x, c##t##1);                                                                     \
    }

/* column: bytes of a column, half of them per vector; ahead: bytes of the stream to ask for in advance, or 0. */
#define DEFINE_TILE(name, widen, column, ahead, n)                                                                     \
    static void name##_##n(float *c, const uint8_t *w, const float *values, uint32_t n_blocks, bool accumulate)        \
    {                                                                                                                  \
        TOK_##n(LOAD_SUMS) for (uint32_t b = 0; b < n_blocks; b++)                                                     \
        {                                                                                                              \
            for (uint32_t k = 0; k < TS_ACT_COLS; k++, w += (column)) {                                                \
                avx512_prefetch_line(w, ahead);                                                                        \
                __m512 w0 = widen(w), w1 = widen(w + (column) / 2);                                                    \
                TOK_##n(STEP)                                                                                          \
            }                                                                                                          \
            values += (n)*TS_ACT_COLS;                                                                                 \
        }                                                                                                              \
        TOK_##n(STORE_SUMS)                                                                                            \
    }
#define DIRECT_F16(n) DEFINE_TILE(direct_f16, widen_f16, COLUMN, AHEAD, n)
#define DIRECT_BF16(n) DEFINE_TILE(direct_bf16, widen_bf16, COLUMN, AHEAD, n)
#define WIDE_F16(n) DEFINE_TILE(wide_f16, widen_f16, COLUMN, 0, n)
#define WIDE_BF16(n) DEFINE_TILE(wide_bf16, widen_bf16, COLUMN, 0, n)

typedef void tile_fn(float *c, const uint8_t *w, const float *values, uint32_t n_blocks, bool accumulate);

#define DEFINE_BY_WIDTH(name)                                                                                          \
    static void name(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,             \
                     uint32_t n_blocks, uint32_t width, bool accumulate)                                               \
    {                                                                                                                  \
        (void)meta;                                                                                                    \
        static tile_fn *const by_width[MAX_TOK] = {BY_WIDTH(name)};                                                    \
        by_width[width - 1](c, weights, values, n_blocks, accumulate);                                                 \
    }

EACH_WIDTH(DIRECT_F16)
EACH_WIDTH(DIRECT_BF16)
EACH_WIDTH(WIDE_F16)
EACH_WIDTH(WIDE_BF16)
DEFINE_BY_WIDTH(direct_f16)
DEFINE_BY_WIDTH(direct_bf16)
DEFINE_BY_WIDTH(wide_f16)
DEFINE_BY_WIDTH(wide_bf16)

static void pack(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    ts_pack_halves(packed, ROWS, 1, rows, row_bytes, n_rows, n_blocks);
}

static const struct ts_kernel_format formats[] = {
    {
        .quant = TS_QUANT_F16,
        .group_rows = ROWS,
        .act = &ts_act_float,
        .block_bytes = BLOCK,
        .pack = pack,
        .direct_tok = MAX_TOK,
        .direct = direct_f16,
        .wide_min_tok = WIDE_MIN_TOK,
        .wide_tok = MAX_TOK,
        .panel_block_bytes = BLOCK,
        .panel_blocks = PANEL_BLOCKS,
        .wide = wide_f16,
    },
    {
        .quant = TS_QUANT_BF16,
        .group_rows = ROWS,
        .act = &ts_act_float,
        .block_bytes = BLOCK,
        .pack = pack,
        .direct_tok = MAX_TOK,
        .direct = direct_bf16,
        .wide_min_tok = WIDE_MIN_TOK,
        .wide_tok = MAX_TOK,
        .panel_block_bytes = BLOCK,
        .panel_blocks = PANEL_BLOCKS,
        .wide = wide_bf16,
    },
};

const struct ts_kernel ts_kernel_avx512fma = {
    .name = "avx512fma",
    .needs = TS_CPU_AVX2 | TS_CPU_AVX512,
    .needs_text = "needs avx512f avx512bw avx512dq avx512vl",
    .formats_text = "F16 BF16",
    .probes = &ts_probes_avx512fma,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
