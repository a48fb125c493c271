/* F16 and BF16 in NEON, which every arm64 processor has: exact products of the weights with float activations. A group
 * is 16 rows, four vectors of 4 as floats; 4 tokens are 16 accumulators. Packed block (1024 bytes): [32 columns][16
 * rows]. Every sum is one chain in the order of the columns. */
#include <arm_neon.h>
#include <stdbool.h>

#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "kernels/pack/pack_halves.h"

enum { ROWS = 16, COLUMN = 2 * ROWS, BLOCK = TS_ACT_COLS * COLUMN, DIRECT_TOK = 4 };

#define TOK_1(DO) DO(0)
#define TOK_2(DO) TOK_1(DO) DO(1)
#define TOK_3(DO) TOK_2(DO) DO(2)
#define TOK_4(DO) TOK_3(DO) DO(3)

/* Weights at .. at + 3 of a column. */
static inline float32x4_t widen_f16(const uint8_t *column, int at)
{
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(column + 2 * at)));
}

static inline float32x4_t widen_bf16(const uint8_t *column, int at)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(column + 2 * at)), 16));
}

static inline float32x4_t load_sums(const float *c, bool accumulate)
{
    return accumulate ? vld1q_f32(c) : vdupq_n_f32(0.0F);
}

#define LOAD_SUMS(t)                                                                                                   \
    float32x4_t c##t##0 = load_sums(c + (t)*ROWS, accumulate), c##t##1 = load_sums(c + (t)*ROWS + 4, accumulate);      \
    float32x4_t c##t##2 = load_sums(c + (t)*ROWS + 8, accumulate), c##t##3 = load_sums(c + (t)*ROWS + 12, accumulate);
#define STORE_SUMS(t)                                                                                                  \
    vst1q_f32(c + (t)*ROWS, c##t##0);                                                                                  \
    vst1q_f32(c + (t)*ROWS + 4, c##t##1);                                                                              \
    vst1q_f32(c + (t)*ROWS + 8, c##t##2);                                                                              \
    vst1q_f32(c + (t)*ROWS + 12, c##t##3);
#define STEP(t)                                                                                                        \
    {                                                                                                                  \
        const float x = values[(t)*TS_ACT_COLS + k];                                                                   \
        c##t##0 = vfmaq_n_f32(c##t##0, w0, x);                                                                         \
        c##t##1 = vfmaq_n_f32(c##t##1, w1, x);                                                                         \
        c##t##2 = vfmaq_n_f32(c##t##2, w2, x);                                                                         \
        c##t##3 = vfmaq_n_f32(c##t##3, w3, x);                                                                         \
    }

#define DEFINE_TILE(name, widen, n)                                                                                    \
    static void name##_##n(float *c, const uint8_t *w, const float *values, uint32_t n_blocks, bool accumulate)        \
    {                                                                                                                  \
        TOK_##n(LOAD_SUMS) for (uint32_t b = 0; b < n_blocks; b++)                                                     \
        {                                                                                                              \
            for (uint32_t k = 0; k < TS_ACT_COLS; k++, w += COLUMN) {                                                  \
                const float32x4_t w0 = widen(w, 0), w1 = widen(w, 4), w2 = widen(w, 8), w3 = widen(w, 12);             \
                TOK_##n(STEP)                                                                                          \
            }                                                                                                          \
            values += (n)*TS_ACT_COLS;                                                                                 \
        }                                                                                                              \
        TOK_##n(STORE_SUMS)                                                                                            \
    }

typedef void tile_fn(float *c, const uint8_t *w, const float *values, uint32_t n_blocks, bool accumulate);

#define DEFINE_TILES(name, widen)                                                                                      \
    DEFINE_TILE(name, widen, 1)                                                                                        \
    DEFINE_TILE(name, widen, 2)                                                                                        \
    DEFINE_TILE(name, widen, 3)                                                                                        \
    DEFINE_TILE(name, widen, 4)                                                                                        \
    static void name(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,             \
                     uint32_t n_blocks, uint32_t width, bool accumulate)                                               \
    {                                                                                                                  \
        (void)meta;                                                                                                    \
        static tile_fn *const by_width[DIRECT_TOK] = {name##_1, name##_2, name##_3, name##_4};                         \
        by_width[width - 1](c, weights, values, n_blocks, accumulate);                                                 \
    }

DEFINE_TILES(direct_f16, widen_f16)
DEFINE_TILES(direct_bf16, widen_bf16)

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
        .direct_tok = DIRECT_TOK,
        .direct = direct_f16,
    },
    {
        .quant = TS_QUANT_BF16,
        .group_rows = ROWS,
        .act = &ts_act_float,
        .block_bytes = BLOCK,
        .pack = pack,
        .direct_tok = DIRECT_TOK,
        .direct = direct_bf16,
    },
};

const struct ts_kernel ts_kernel_neon = {
    .name = "neon",
    .needs = TS_CPU_NEON,
    .needs_text = "needs neon",
    .formats_text = "F16 BF16",
    .probes = &ts_probes_portable,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
