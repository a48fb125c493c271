/* NEON with the dot product extension (Armv8.2). A group is 16 rows, four parts of 4; a 16-byte vector holds 4
 * consecutive columns of 4 rows as signed bytes, so one SDOT by a lane of a token's activations advances 4 rows by 4
 * columns. Signed by signed: no offset, and no overflow, since |accumulator| <= 32 x 128 x 127. Packed block, Q4_0 (288
 * bytes): [part][4 vectors], low nibbles = columns 4p.., high nibbles = columns 16 + 4p.., then 16 scales as f16.
 * Packed block, Q8_0 (544 bytes): [part][8 vectors], then 16 scales as f16. */
#include <arm_neon.h>

#include "kernels/arm/neon_dotprod_k.h"
#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "kernels/pack/pack_quads.h"

enum {
    PART_ROWS = 4,
    ROWS = 16,
    VECTOR = 16,
    Q8_0_PART = 8 * VECTOR,
    Q8_0_SCALES = 4 * Q8_0_PART,
    Q8_0_BLOCK = Q8_0_SCALES + 2 * ROWS,
    Q4_0_PART = 4 * VECTOR,
    Q4_0_SCALES = 4 * Q4_0_PART,
    Q4_0_BLOCK = Q4_0_SCALES + 2 * ROWS,
    DIRECT_TOK = 4,
};

#define TOK_1(DO) DO(0)
#define TOK_2(DO) TOK_1(DO) DO(1)
#define TOK_3(DO) TOK_2(DO) DO(2)
#define TOK_4(DO) TOK_3(DO) DO(3)

/* c += acc x (weight scales x activation scale), 4 rows. */
static inline void add_scaled(float *c, int32x4_t acc, const uint8_t *scales, float scale, bool fresh)
{
    float32x4_t sum = fresh ? vdupq_n_f32(0.0F) : vld1q_f32(c);
    float32x4_t weight = vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(scales)));
    vst1q_f32(c, vfmaq_f32(sum, vcvtq_f32_s32(acc), vmulq_n_f32(weight, scale)));
}

#define START(t)                                                                                                       \
    int32x4_t a##t##0 = vdupq_n_s32(0), a##t##1 = a##t##0, a##t##2 = a##t##0, a##t##3 = a##t##0;                       \
    const int8x16_t low##t = vld1q_s8(values + (t)*TS_ACT_COLS), high##t = vld1q_s8(values + (t)*TS_ACT_COLS + 16);

/* `dots` names the part and the lane: the lane of an instruction must be written as a number. */
#define DOT_LOW(t, part, lane) a##t##part = vdotq_laneq_s32(a##t##part, w, low##t, lane);
#define DOT_HIGH(t, part, lane) a##t##part = vdotq_laneq_s32(a##t##part, w, high##t, lane);
#define DOT_LOW_00(t) DOT_LOW(t, 0, 0)
#define DOT_LOW_01(t) DOT_LOW(t, 0, 1)
#define DOT_LOW_02(t) DOT_LOW(t, 0, 2)
#define DOT_LOW_03(t) DOT_LOW(t, 0, 3)
#define DOT_LOW_10(t) DOT_LOW(t, 1, 0)
#define DOT_LOW_11(t) DOT_LOW(t, 1, 1)
#define DOT_LOW_12(t) DOT_LOW(t, 1, 2)
#define DOT_LOW_13(t) DOT_LOW(t, 1, 3)
#define DOT_LOW_20(t) DOT_LOW(t, 2, 0)
#define DOT_LOW_21(t) DOT_LOW(t, 2, 1)
#define DOT_LOW_22(t) DOT_LOW(t, 2, 2)
#define DOT_LOW_23(t) DOT_LOW(t, 2, 3)
#define DOT_LOW_30(t) DOT_LOW(t, 3, 0)
#define DOT_LOW_31(t) DOT_LOW(t, 3, 1)
#define DOT_LOW_32(t) DOT_LOW(t, 3, 2)
#define DOT_LOW_33(t) DOT_LOW(t, 3, 3)
#define DOT_HIGH_00(t) DOT_HIGH(t, 0, 0)
#define DOT_HIGH_01(t) DOT_HIGH(t, 0, 1)
#define DOT_HIGH_02(t) DOT_HIGH(t, 0, 2)
#define DOT_HIGH_03(t) DOT_HIGH(t, 0, 3)
#define DOT_HIGH_10(t) DOT_HIGH(t, 1, 0)
#define DOT_HIGH_11(t) DOT_HIGH(t, 1, 1)
#define DOT_HIGH_12(t) DOT_HIGH(t, 1, 2)
#define DOT_HIGH_13(t) DOT_HIGH(t, 1, 3)
#define DOT_HIGH_20(t) DOT_HIGH(t, 2, 0)
#define DOT_HIGH_21(t) DOT_HIGH(t, 2, 1)
#define DOT_HIGH_22(t) DOT_HIGH(t, 2, 2)
#define DOT_HIGH_23(t) DOT_HIGH(t, 2, 3)
#define DOT_HIGH_30(t) DOT_HIGH(t, 3, 0)
#define DOT_HIGH_31(t) DOT_HIGH(t, 3, 1)
#define DOT_HIGH_32(t) DOT_HIGH(t, 3, 2)
#define DOT_HIGH_33(t) DOT_HIGH(t, 3, 3)

#define STEP_Q8_0(tokens, part, lane)                                                                                  \
    {                                                                                                                  \
        const int8x16_t w = vreinterpretq_s8_u8(vld1q_u8(block + (part)*Q8_0_PART + (lane)*VECTOR));                   \
        tokens(DOT_LOW_##part##lane)                                                                                   \
    }                                                                                                                  \
    {                                                                                                                  \
        const int8x16_t w = vreinterpretq_s8_u8(vld1q_u8(block + (part)*Q8_0_PART + ((lane) + 4) * VECTOR));           \
        tokens(DOT_HIGH_##part##lane)                                                                                  \
    }
#define STEP_Q4_0(tokens, part, lane)                                                                                  \
    {                                                                                                                  \
        const uint8x16_t both = vld1q_u8(block + (part)*Q4_0_PART + (lane)*VECTOR);                                    \
        {                                                                                                              \
            const int8x16_t w = vsubq_s8(vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(0xF))), vdupq_n_s8(8));         \
            tokens(DOT_LOW_##part##lane)                                                                               \
        }                                                                                                              \
        {                                                                                                              \
            const int8x16_t w = vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(both, 4)), vdupq_n_s8(8));                     \
            tokens(DOT_HIGH_##part##lane)                                                                              \
        }                                                                                                              \
    }
/* The formatter would move what has no end of statement a little further at every run. */
/* clang-format off */
#define STEPS(STEP, tokens)                                                                                            \
    STEP(tokens, 0, 0) STEP(tokens, 1, 0) STEP(tokens, 2, 0) STEP(tokens, 3, 0)                                        \
    STEP(tokens, 0, 1) STEP(tokens, 1, 1) STEP(tokens, 2, 1) STEP(tokens, 3, 1)                                        \
    STEP(tokens, 0, 2) STEP(tokens, 1, 2) STEP(tokens, 2, 2) STEP(tokens, 3, 2)                                        \
    STEP(tokens, 0, 3) STEP(tokens, 1, 3) STEP(tokens, 2, 3) STEP(tokens, 3, 3)
/* clang-format on */
#define SCALE(t)                                                                                                       \
    add_scaled(c + (t)*ROWS, a##t##0, scales, meta[t].scale, fresh);                                                   \
    add_scaled(c + (t)*ROWS + 4, a##t##1, scales + 8, meta[t].scale, fresh);                                           \
    add_scaled(c + (t)*ROWS + 8, a##t##2, scales + 16, meta[t].scale, fresh);                                          \
    add_scaled(c + (t)*ROWS + 12, a##t##3, scales + 24, meta[t].scale, fresh);

#define DEFINE_TILE(format, STEP, block_bytes, scales_at, n)                                                           \
    static void format##_##n(float *c, const uint8_t *block, const int8_t *values, const struct ts_act_meta *meta,     \
                             uint32_t n_blocks, bool accumulate)                                                       \
    {                                                                                                                  \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                      \
            const bool fresh = b == 0 && !accumulate;                                                                  \
            const uint8_t *scales = block + (scales_at);                                                               \
            TOK_##n(START) STEPS(STEP, TOK_##n) TOK_##n(SCALE) block += (block_bytes);                                 \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
    }

DEFINE_TILE(direct_q4_0, STEP_Q4_0, Q4_0_BLOCK, Q4_0_SCALES, 1)
DEFINE_TILE(direct_q4_0, STEP_Q4_0, Q4_0_BLOCK, Q4_0_SCALES, 2)
DEFINE_TILE(direct_q4_0, STEP_Q4_0, Q4_0_BLOCK, Q4_0_SCALES, 3)
DEFINE_TILE(direct_q4_0, STEP_Q4_0, Q4_0_BLOCK, Q4_0_SCALES, 4)
DEFINE_TILE(direct_q8_0, STEP_Q8_0, Q8_0_BLOCK, Q8_0_SCALES, 1)
DEFINE_TILE(direct_q8_0, STEP_Q8_0, Q8_0_BLOCK, Q8_0_SCALES, 2)
DEFINE_TILE(direct_q8_0, STEP_Q8_0, Q8_0_BLOCK, Q8_0_SCALES, 3)
DEFINE_TILE(direct_q8_0, STEP_Q8_0, Q8_0_BLOCK, Q8_0_SCALES, 4)

typedef void tile_fn(float *c, const uint8_t *block, const int8_t *values, const struct ts_act_meta *meta,
                     uint32_t n_blocks, bool accumulate);

static void direct_q4_0(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                        uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[DIRECT_TOK] = {direct_q4_0_1, direct_q4_0_2, direct_q4_0_3, direct_q4_0_4};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

static void direct_q8_0(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                        uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[DIRECT_TOK] = {direct_q8_0_1, direct_q8_0_2, direct_q8_0_3, direct_q8_0_4};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

static void pack_q8_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        ts_pack_quads(packed + (size_t)b * Q8_0_BLOCK, &(struct ts_pack_shape){PART_ROWS, ROWS, 8, 4, 0, 0},
                      rows + (size_t)b * 34, row_bytes, n_rows);
    }
}

static void pack_q4_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        ts_pack_quads(packed + (size_t)b * Q4_0_BLOCK, &(struct ts_pack_shape){PART_ROWS, ROWS, 4, 4, 0x88, 0},
                      rows + (size_t)b * 18, row_bytes, n_rows);
    }
}

static const struct ts_kernel_format formats[] = {
    {
        .quant = TS_QUANT_Q4_0,
        .group_rows = ROWS,
        .act = &ts_act_int8,
        .block_bytes = Q4_0_BLOCK,
        .pack = pack_q4_0,
        .direct_tok = DIRECT_TOK,
        .direct = direct_q4_0,
    },
    {
        .quant = TS_QUANT_Q8_0,
        .group_rows = ROWS,
        .act = &ts_act_int8,
        .block_bytes = Q8_0_BLOCK,
        .pack = pack_q8_0,
        .direct_tok = DIRECT_TOK,
        .direct = direct_q8_0,
    },
    {
        .quant = TS_QUANT_Q4_K,
        .group_rows = DOTPROD_K_ROWS,
        .act = &ts_act_int8,
        .offset = 1,
        .block_bytes = DOTPROD_Q4_K_BLOCK,
        .pack = ts_dotprod_pack_q4_k,
        .direct_tok = DIRECT_TOK,
        .direct = ts_dotprod_direct_q4_k,
    },
    {
        .quant = TS_QUANT_Q6_K,
        .group_rows = DOTPROD_K_ROWS,
        .act = &ts_act_int8,
        .offset = 0,
        .block_bytes = DOTPROD_Q6_K_BLOCK,
        .pack = ts_dotprod_pack_q6_k,
        .direct_tok = DIRECT_TOK,
        .direct = ts_dotprod_direct_q6_k,
    },
};

const struct ts_kernel ts_kernel_neon_dotprod = {
    .name = "neon_dotprod",
    .needs = TS_CPU_NEON | TS_CPU_DOTPROD,
    .needs_text = "needs neon dotprod",
    .formats_text = "Q4_0 Q8_0 Q4_K Q6_K",
    .probes = &ts_probes_portable,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
