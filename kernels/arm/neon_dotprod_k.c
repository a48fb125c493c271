/* Q4_K and Q6_K with NEON dot products, packed as in pack_super.h. A group is 8 rows, two halves of 4; a 16-byte vector
 * holds 4 consecutive columns of 4 rows. SDOT is signed by signed: nibbles fit as they are, Q6_K's weights are lowered
 * by 32. Q4_K  the minima are one more multiply-add: minimum x (-(sum of the activations) x their scale); Q6_K  both
 * halves of the columns have accumulators, which are multiplied by their scales as integers: the sum stays below 2^24.
 */
#include "kernels/arm/neon_dotprod_k.h"

#include <arm_neon.h>
#include <stdbool.h>

#include "kernels/pack/pack_super.h"

enum {
    SUPER = TS_SUPER_BLOCKS,
    ROWS = DOTPROD_K_ROWS,
    HALF_ROWS = 4,
    VECTOR = 16,
    DIRECT_TOK = 4,
    NIBBLES_HALF = 4 * VECTOR,
    NIBBLES = 2 * NIBBLES_HALF,
    Q4_STEPS = SUPER * NIBBLES,
    Q4_D = Q4_STEPS + SUPER * 2 * ROWS,
    Q4_SUPER = Q4_D + 4 * ROWS,
    SIXES_HALF = 6 * VECTOR,
    SIXES = 2 * SIXES_HALF,
    Q6_STEPS = SUPER * SIXES,
    Q6_D = Q6_STEPS + SUPER * 2 * ROWS,
    Q6_SUPER = Q6_D + 2 * ROWS,
};

_Static_assert(Q4_SUPER == TS_PACKED_Q4_K(HALF_ROWS) && Q4_SUPER == SUPER * DOTPROD_Q4_K_BLOCK, "sizes of the table");
_Static_assert(Q6_SUPER == TS_PACKED_Q6_K(HALF_ROWS) && Q6_SUPER == SUPER * DOTPROD_Q6_K_BLOCK, "sizes of the table");

#define TOK_1(DO) DO(0)
#define TOK_2(DO) TOK_1(DO) DO(1)
#define TOK_3(DO) TOK_2(DO) DO(2)
#define TOK_4(DO) TOK_3(DO) DO(3)

/* 4 small integers. */
static inline int32x4_t steps_of(const uint8_t *bytes)
{
    return (int32x4_t){(int8_t)bytes[0], (int8_t)bytes[1], (int8_t)bytes[2], (int8_t)bytes[3]};
}

static inline float32x4_t halves_of(const uint8_t *d)
{
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(d)));
}

/* c += acc x (weight scales x activation scale), 4 rows. */
static inline void add_scaled(float *c, int32x4_t acc, float32x4_t scales, float scale, bool fresh)
{
    float32x4_t sum = fresh ? vdupq_n_f32(0.0F) : vld1q_f32(c);
    vst1q_f32(c, vfmaq_f32(sum, vcvtq_f32_s32(acc), vmulq_n_f32(scales, scale)));
}

#define LOAD_X(t)                                                                                                      \
    const int8x16_t low##t = vld1q_s8(values + (t)*TS_ACT_COLS), high##t = vld1q_s8(values + (t)*TS_ACT_COLS + 16);
/* Accumulators a: columns 0..15 of the block, b: columns 16..31. The lane of an instruction must be written as a
 * number. */
#define ZERO(t) int32x4_t a##t = vdupq_n_s32(0), b##t = a##t;
#define DOT(t, lane)                                                                                                   \
    a##t = vdotq_laneq_s32(a##t, w0, low##t, lane);                                                                    \
    b##t = vdotq_laneq_s32(b##t, w1, high##t, lane);
#define DOT_0(t) DOT(t, 0)
#define DOT_1(t) DOT(t, 1)
#define DOT_2(t) DOT(t, 2)
#define DOT_3(t) DOT(t, 3)

#define STEP_NIBBLES(tokens, p)                                                                                        \
    {                                                                                                                  \
        const uint8x16_t both = vld1q_u8(half + (p)*VECTOR);                                                           \
        const int8x16_t w0 = vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(0xF)));                                     \
        const int8x16_t w1 = vreinterpretq_s8_u8(vshrq_n_u8(both, 4));                                                 \
        tokens(DOT_##p)                                                                                                \
    }

/* Weights less 32 from nibbles and, in bits 4 and 5 of `upper`, their upper bits. */
static inline int8x16_t six_of(uint8x16_t nibbles, uint8x16_t upper)
{
    return vsubq_s8(vreinterpretq_s8_u8(vorrq_u8(nibbles, vandq_u8(upper, vdupq_n_u8(0x30)))), vdupq_n_s8(32));
}

/* Vector p of nibbles with its upper bits: `low` and `high` move those of the low and high nibbles to bits 4 and 5. */
#define STEP_SIXES(tokens, p, low, high)                                                                               \
    {                                                                                                                  \
        const uint8x16_t both = vld1q_u8(half + (p)*VECTOR), upper = vld1q_u8(half + (4 + (p) / 2) * VECTOR);          \
        const int8x16_t w0 = six_of(vandq_u8(both, vdupq_n_u8(0xF)), low);                                             \
        const int8x16_t w1 = six_of(vshrq_n_u8(both, 4), high);                                                        \
        tokens(DOT_##p)                                                                                                \
    }

#define ADD_Q4_K(t)                                                                                                    \
    {                                                                                                                  \
        float *at = c + (t)*ROWS + h * HALF_ROWS;                                                                      \
        add_scaled(at, vaddq_s32(a##t, b##t), scales, meta[t].scale, fresh);                                           \
        vst1q_f32(at, vfmaq_n_f32(vld1q_f32(at), mins, (float)meta[t].start *meta[t].scale));                          \
    }
#define ADD_Q6_K(t)                                                                                                    \
    add_scaled(c + (t)*ROWS + h * HALF_ROWS, vmlaq_s32(vmulq_s32(a##t, low_steps), b##t, high_steps), scales,          \
               meta[t].scale, fresh);

#define DEFINE_TILES(n)                                                                                                \
    static void q4_k_##n(float *c, const uint8_t *super, const int8_t *values, const struct ts_act_meta *meta,         \
                         uint32_t n_blocks, bool accumulate)                                                           \
    {                                                                                                                  \
        for (uint32_t i = 0; i < n_blocks; i++) {                                                                      \
            const bool fresh = i == 0 && !accumulate;                                                                  \
            TOK_##n(LOAD_X) for (int h = 0; h < 2; h++)                                                                \
            {                                                                                                          \
                const uint8_t *half = super + i % SUPER * NIBBLES + h * NIBBLES_HALF;                                  \
                const uint8_t *steps = super + Q4_STEPS + i % SUPER * 2 * ROWS + h * HALF_ROWS,                        \
                              *d = super + Q4_D + h * 2 * HALF_ROWS;                                                   \
                TOK_##n(ZERO) STEP_NIBBLES(TOK_##n, 0) STEP_NIBBLES(TOK_##n, 1) STEP_NIBBLES(TOK_##n, 2)               \
                    STEP_NIBBLES(TOK_##n, 3) const float32x4_t scales =                                                \
                        vmulq_f32(halves_of(d), vcvtq_f32_s32(steps_of(steps)));                                       \
                const float32x4_t mins = vmulq_f32(halves_of(d + 2 * ROWS), vcvtq_f32_s32(steps_of(steps + ROWS)));    \
                TOK_##n(ADD_Q4_K)                                                                                      \
            }                                                                                                          \
            super += i % SUPER == SUPER - 1 ? Q4_SUPER : 0;                                                            \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    static void q6_k_##n(float *c, const uint8_t *super, const int8_t *values, const struct ts_act_meta *meta,         \
                         uint32_t n_blocks, bool accumulate)                                                           \
    {                                                                                                                  \
        for (uint32_t i = 0; i < n_blocks; i++) {                                                                      \
            const bool fresh = i == 0 && !accumulate;                                                                  \
            TOK_##n(LOAD_X) for (int h = 0; h < 2; h++)                                                                \
            {                                                                                                          \
                const uint8_t *half = super + i % SUPER * SIXES + h * SIXES_HALF;                                      \
                const uint8_t *steps = super + Q6_STEPS + i % SUPER * 2 * ROWS + h * HALF_ROWS;                        \
                TOK_##n(ZERO) STEP_SIXES(TOK_##n, 0, vshlq_n_u8(upper, 4), vshlq_n_u8(upper, 2))                       \
                    STEP_SIXES(TOK_##n, 1, upper, vshrq_n_u8(upper, 2))                                                \
                        STEP_SIXES(TOK_##n, 2, vshlq_n_u8(upper, 4), vshlq_n_u8(upper, 2))                             \
                            STEP_SIXES(TOK_##n, 3, upper, vshrq_n_u8(upper, 2))                                        \
                                const int32x4_t low_steps = steps_of(steps),                                           \
                                                high_steps = steps_of(steps + ROWS);                                   \
                const float32x4_t scales = halves_of(super + Q6_D + h * 2 * HALF_ROWS);                                \
                TOK_##n(ADD_Q6_K)                                                                                      \
            }                                                                                                          \
            super += i % SUPER == SUPER - 1 ? Q6_SUPER : 0;                                                            \
            values += (n)*TS_ACT_COLS;                                                                                 \
            meta += (n);                                                                                               \
        }                                                                                                              \
    }

DEFINE_TILES(1)
DEFINE_TILES(2)
DEFINE_TILES(3)
DEFINE_TILES(4)

typedef void tile_fn(float *c, const uint8_t *super, const int8_t *values, const struct ts_act_meta *meta,
                     uint32_t n_blocks, bool accumulate);

void ts_dotprod_direct_q4_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                            uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[DIRECT_TOK] = {q4_k_1, q4_k_2, q4_k_3, q4_k_4};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

void ts_dotprod_direct_q6_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                            uint32_t n_blocks, uint32_t width, bool accumulate)
{
    static tile_fn *const by_width[DIRECT_TOK] = {q6_k_1, q6_k_2, q6_k_3, q6_k_4};
    by_width[width - 1](c, weights, values, meta, n_blocks, accumulate);
}

void ts_dotprod_pack_q4_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    ts_pack_q4_k(packed, HALF_ROWS, rows, row_bytes, n_rows, n_blocks);
}

void ts_dotprod_pack_q6_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    ts_pack_q6_k(packed, HALF_ROWS, rows, row_bytes, n_rows, n_blocks);
}
