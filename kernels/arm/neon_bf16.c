/* NEON with the BF16 extension (Armv8.6). BFDOT multiplies pairs of BF16 and adds both products to a float, against
 * activations rounded to BF16, as coarse as the weights. Processors before Armv9.2 round its sums to odd and take
 * subnormal numbers as zero. A group is 16 rows; a 16-byte vector holds 2 consecutive columns of 4 rows, against a lane
 * with 2 activations of a token. 4 tokens are 16 accumulators. Packed block (1024 bytes): [16 pairs of columns][16
 * rows][2 columns]. Every sum is one chain in the order of the columns. */
#include <arm_neon.h>
#include <stdbool.h>

#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "kernels/pack/pack_halves.h"

enum {
    ROWS = 16,
    VECTOR = 16,
    PAIR = 4 * VECTOR,
    QUADS = TS_ACT_COLS / 8,
    BLOCK = TS_ACT_COLS / 2 * PAIR,
    DIRECT_TOK = 4
};

#define TOK_1(DO) DO(0)
#define TOK_2(DO) TOK_1(DO) DO(1)
#define TOK_3(DO) TOK_2(DO) DO(2)
#define TOK_4(DO) TOK_3(DO) DO(3)

static inline bfloat16x8_t load(const uint8_t *at)
{
    return vreinterpretq_bf16_u8(vld1q_u8(at));
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
#define LOAD_X(t) const bfloat16x8_t x##t = load(values + ((t)*TS_ACT_COLS + q * 8) * 2);
/* The lane of an instruction must be written as a number. */
#define DOT(t, lane)                                                                                                   \
    c##t##0 = vbfdotq_laneq_f32(c##t##0, w0, x##t, lane);                                                              \
    c##t##1 = vbfdotq_laneq_f32(c##t##1, w1, x##t, lane);                                                              \
    c##t##2 = vbfdotq_laneq_f32(c##t##2, w2, x##t, lane);                                                              \
    c##t##3 = vbfdotq_laneq_f32(c##t##3, w3, x##t, lane);
#define DOT_0(t) DOT(t, 0)
#define DOT_1(t) DOT(t, 1)
#define DOT_2(t) DOT(t, 2)
#define DOT_3(t) DOT(t, 3)
#define STEP(tokens, lane)                                                                                             \
    {                                                                                                                  \
        const bfloat16x8_t w0 = load(w), w1 = load(w + VECTOR), w2 = load(w + 2 * VECTOR), w3 = load(w + 3 * VECTOR);  \
        tokens(DOT_##lane) w += PAIR;                                                                                  \
    }

#define DEFINE_TILE(n)                                                                                                 \
    static void direct_##n(float *c, const uint8_t *w, const uint8_t *values, uint32_t n_blocks, bool accumulate)      \
    {                                                                                                                  \
        TOK_##n(LOAD_SUMS) for (uint32_t b = 0; b < n_blocks; b++)                                                     \
        {                                                                                                              \
            for (uint32_t q = 0; q < QUADS; q++) {                                                                     \
                TOK_##n(LOAD_X) STEP(TOK_##n, 0) STEP(TOK_##n, 1) STEP(TOK_##n, 2) STEP(TOK_##n, 3)                    \
            }                                                                                                          \
            values += (n)*TS_ACT_COLS * 2;                                                                             \
        }                                                                                                              \
        TOK_##n(STORE_SUMS)                                                                                            \
    }

DEFINE_TILE(1)
DEFINE_TILE(2)
DEFINE_TILE(3)
DEFINE_TILE(4)

typedef void tile_fn(float *c, const uint8_t *w, const uint8_t *values, uint32_t n_blocks, bool accumulate);

static void direct(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                   uint32_t n_blocks, uint32_t width, bool accumulate)
{
    (void)meta;
    static tile_fn *const by_width[DIRECT_TOK] = {direct_1, direct_2, direct_3, direct_4};
    by_width[width - 1](c, weights, values, n_blocks, accumulate);
}

static void pack(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    ts_pack_halves(packed, ROWS, 2, rows, row_bytes, n_rows, n_blocks);
}

static const struct ts_kernel_format formats[] = {
    {
        .quant = TS_QUANT_BF16,
        .group_rows = ROWS,
        .act = &ts_act_bfloat,
        .block_bytes = BLOCK,
        .pack = pack,
        .direct_tok = DIRECT_TOK,
        .direct = direct,
    },
};

const struct ts_kernel ts_kernel_neon_bf16 = {
    .name = "neon_bf16",
    .needs = TS_CPU_NEON | TS_CPU_NEONBF16,
    .needs_text = "needs neon bf16",
    .formats_text = "BF16",
    .probes = &ts_probes_portable,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
