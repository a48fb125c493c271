/* AVX-512 BF16. VDPBF16PS multiplies pairs of BF16 and adds both products to a float, twice the work of a float
 * multiply-add. Activations are rounded to BF16, as coarse as the weights: the error is 1.4 times that of the weights'
 * format alone. Subnormal numbers count as zero. A group is 32 rows; a 64-byte vector holds 2 consecutive columns of 16
 * rows, against a broadcast of 2 activations. 12 tokens x 32 rows are 24 accumulators.
 *
 * Packed block (2048 bytes): [16 pairs of columns][32 rows][2 columns], which is the panel, too. Every sum is one chain
 * in the order of the columns. */
#include <immintrin.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "kernels/pack/pack_halves.h"
#include "kernels/x86/avx512_floats.h"
#include "kernels/x86/probes_x86.h"

enum {
    VECTOR = 64,
    PAIR = 2 * VECTOR,
    N_PAIRS = TS_ACT_COLS / 2,
    BLOCK = N_PAIRS * PAIR,
    PANEL_BLOCKS = 8,
    WIDE_MIN_TOK = 96,
};

/* The pair of token t's activations. */
static inline __m512bh pair_of(const uint16_t *values, int t, uint32_t pair)
{
    int32_t both;
    memcpy(&both, values + t * TS_ACT_COLS + pair * 2, sizeof both);
    return (__m512bh)_mm512_set1_epi32(both);
}

#define STEP(t)                                                                                                        \
    {                                                                                                                  \
        __m512bh x = pair_of(values, t, p);                                                                            \
        c##t##0 = _mm512_dpbf16_ps(c##t##0, w0, x);                                                                    \
        c##t##1 = _mm512_dpbf16_ps(c##t##1, w1, x);                                                                    \
    }

/* ahead: bytes of the stream to ask for in advance, or 0. */
#define DEFINE_TILE(name, ahead, n)                                                                                    \
    static void name##_##n(float *c, const uint8_t *w, const uint16_t *values, uint32_t n_blocks, bool accumulate)     \
    {                                                                                                                  \
        TOK_##n(LOAD_SUMS) for (uint32_t b = 0; b < n_blocks; b++)                                                     \
        {                                                                                                              \
            for (uint32_t p = 0; p < N_PAIRS; p++, w += PAIR) {                                                        \
                avx512_prefetch_line(w, ahead);                                                                        \
                avx512_prefetch_line(w + VECTOR, ahead);                                                               \
                const __m512bh w0 = (__m512bh)_mm512_loadu_si512(w), w1 = (__m512bh)_mm512_loadu_si512(w + VECTOR);    \
                TOK_##n(STEP)                                                                                          \
            }                                                                                                          \
            values += (n)*TS_ACT_COLS;                                                                                 \
        }                                                                                                              \
        TOK_##n(STORE_SUMS)                                                                                            \
    }
#define DIRECT(n) DEFINE_TILE(direct, AHEAD, n)
#define WIDE(n) DEFINE_TILE(wide, 0, n)

typedef void tile_fn(float *c, const uint8_t *w, const uint16_t *values, uint32_t n_blocks, bool accumulate);

#define DEFINE_BY_WIDTH(name)                                                                                          \
    static void name(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,             \
                     uint32_t n_blocks, uint32_t width, bool accumulate)                                               \
    {                                                                                                                  \
        (void)meta;                                                                                                    \
        static tile_fn *const by_width[MAX_TOK] = {BY_WIDTH(name)};                                                    \
        by_width[width - 1](c, weights, values, n_blocks, accumulate);                                                 \
    }

EACH_WIDTH(DIRECT)
EACH_WIDTH(WIDE)
DEFINE_BY_WIDTH(direct)
DEFINE_BY_WIDTH(wide)

static void pack(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    ts_pack_halves(packed, ROWS, 2, rows, row_bytes, n_rows, n_blocks);
}

static void round_floats(void *out, struct ts_act_meta *meta, const struct ts_act_places *places, const float *x,
                         uint32_t n_blocks, int32_t offset)
{
    (void)meta;
    (void)offset;
    uint16_t *values = out;
    for (uint32_t b = 0; b < n_blocks; b++, x += TS_ACT_COLS) {
        __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + TS_ACT_COLS / 2), _mm512_loadu_ps(x));
        _mm512_storeu_si512(values + ts_act_place(places, b) * TS_ACT_COLS, (__m512i)both);
    }
}

static const struct ts_act_form bfloats = {TS_ACT_BFLOAT, TS_ACT_COLS * 2, round_floats};

static const struct ts_kernel_format formats[] = {
    {
        .quant = TS_QUANT_BF16,
        .group_rows = ROWS,
        .act = &bfloats,
        .block_bytes = BLOCK,
        .pack = pack,
        .direct_tok = MAX_TOK,
        .direct = direct,
        .wide_min_tok = WIDE_MIN_TOK,
        .wide_tok = MAX_TOK,
        .panel_block_bytes = BLOCK,
        .panel_blocks = PANEL_BLOCKS,
        .wide = wide,
    },
};

const struct ts_kernel ts_kernel_avx512bf16 = {
    .name = "avx512bf16",
    .needs = TS_CPU_AVX2 | TS_CPU_AVX512 | TS_CPU_AVX512BF16,
    .needs_text = "needs avx512f avx512bw avx512dq avx512vl avx512bf16",
    .formats_text = "BF16",
    .probes = &ts_probes_avx512bf16,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
