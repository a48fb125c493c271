/* NEON with the matrix multiplication extension (Armv8.6). SMMLA multiplies 2 rows x 8 columns by 8 columns x 2 tokens:
 * four results of 8 products, twice the work of SDOT. A group is 16 rows, eight pairs; a 16-byte vector holds 8
 * consecutive columns of 2 rows as signed bytes. Tokens go in pairs; a single one uses SDOT, whose four lanes are then
 * two halves of two rows. |accumulator| <= 32 x 128 x 127. Packed block, Q4_0 (288 bytes): [pair][2 vectors], low
 * nibbles = columns 8v.., high nibbles = columns 16 + 8v.., then 16 scales as f16. Packed block, Q8_0 (544 bytes):
 * [pair][4 vectors], then 16 scales as f16. */
#include <arm_neon.h>
#include <stdbool.h>

#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "kernels/pack/pack_quads.h"

enum {
    ROWS = 16,
    PAIRS = ROWS / 2,
    VECTOR = 16,
    Q8_0_PAIR = 4 * VECTOR,
    Q8_0_SCALES = PAIRS * Q8_0_PAIR,
    Q8_0_BLOCK = Q8_0_SCALES + 2 * ROWS,
    Q4_0_PAIR = 2 * VECTOR,
    Q4_0_SCALES = PAIRS * Q4_0_PAIR,
    Q4_0_BLOCK = Q4_0_SCALES + 2 * ROWS,
    DIRECT_TOK = 8,
};

/* Four vectors of a pair of rows: columns 0.., 8.., 16.., 24.. */
struct pair {
    int8x16_t w0, w1, w2, w3;
};

static inline struct pair load_q8_0(const uint8_t *block, int pair)
{
    const int8_t *at = (const int8_t *)block + pair * Q8_0_PAIR;
    return (struct pair){vld1q_s8(at), vld1q_s8(at + VECTOR), vld1q_s8(at + 2 * VECTOR), vld1q_s8(at + 3 * VECTOR)};
}

static inline struct pair load_q4_0(const uint8_t *block, int pair)
{
    const uint8_t *at = block + pair * Q4_0_PAIR;
    const uint8x16_t first = vld1q_u8(at), second = vld1q_u8(at + VECTOR), low = vdupq_n_u8(0xF);
    const int8x16_t offset = vdupq_n_s8(8);
    return (struct pair){vsubq_s8(vreinterpretq_s8_u8(vandq_u8(first, low)), offset),
                         vsubq_s8(vreinterpretq_s8_u8(vandq_u8(second, low)), offset),
                         vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(first, 4)), offset),
                         vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(second, 4)), offset)};
}

/* The same 8 columns of two tokens. */
static inline int8x16_t both_of(const int8_t *values, uint32_t even, uint32_t odd, int at)
{
    return vcombine_s8(vld1_s8(values + even * TS_ACT_COLS + at), vld1_s8(values + odd * TS_ACT_COLS + at));
}

static inline float32x4_t scales_at(const uint8_t *scales, int row)
{
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(scales + 2 * row)));
}

/* c += acc x (weight scales x activation scale), 4 rows. */
static inline void add_scaled(float *c, int32x4_t acc, float32x4_t scales, float scale, bool fresh)
{
    float32x4_t sum = fresh ? vdupq_n_f32(0.0F) : vld1q_f32(c);
    vst1q_f32(c, vfmaq_f32(sum, vcvtq_f32_s32(acc), vmulq_n_f32(scales, scale)));
}

/* [row 0, token 0][row 0, token 1][row 1, token 0][row 1, token 1] */
static inline int32x4_t multiply(struct pair w, int8x16_t x0, int8x16_t x1, int8x16_t x2, int8x16_t x3)
{
    int32x4_t acc = vmmlaq_s32(vdupq_n_s32(0), w.w0, x0);
    acc = vmmlaq_s32(acc, w.w1, x1);
    acc = vmmlaq_s32(acc, w.w2, x2);
    return vmmlaq_s32(acc, w.w3, x3);
}

/* [row 0, even][row 0, odd][row 1, even][row 1, odd] quads of columns; a sum of neighbours is a row's result. */
static inline int32x4_t multiply_one(struct pair w, int8x16_t x0, int8x16_t x1, int8x16_t x2, int8x16_t x3)
{
    int32x4_t acc = vdotq_s32(vdupq_n_s32(0), w.w0, x0);
    acc = vdotq_s32(acc, w.w1, x1);
    acc = vdotq_s32(acc, w.w2, x2);
    return vdotq_s32(acc, w.w3, x3);
}

/* Four rows at a time: two pairs of rows against all tokens of the tile. */
#define DEFINE_TILE(name, load, block_bytes, scales_at_byte)                                                           \
    static void name(float *c, const uint8_t *block, const void *activations, const struct ts_act_meta *meta,          \
                     uint32_t n_blocks, uint32_t width, bool accumulate)                                               \
    {                                                                                                                  \
        const int8_t *values = activations;                                                                            \
        for (uint32_t b = 0; b < n_blocks; b++, block += (block_bytes)) {                                              \
            const bool fresh = b == 0 && !accumulate;                                                                  \
            for (int row = 0; row < ROWS; row += 4) {                                                                  \
                const struct pair first = load(block, row / 2), second = load(block, row / 2 + 1);                     \
                const float32x4_t scales = scales_at(block + (scales_at_byte), row);                                   \
                uint32_t t = 0;                                                                                        \
                for (; t + 2 <= width; t += 2) {                                                                       \
                    const int8x16_t x0 = both_of(values, t, t + 1, 0), x1 = both_of(values, t, t + 1, 8);              \
                    const int8x16_t x2 = both_of(values, t, t + 1, 16), x3 = both_of(values, t, t + 1, 24);            \
                    const int32x4_t low = multiply(first, x0, x1, x2, x3), high = multiply(second, x0, x1, x2, x3);    \
                    add_scaled(c + t * ROWS + row, vuzp1q_s32(low, high), scales, meta[t].scale, fresh);               \
                    add_scaled(c + (t + 1) * ROWS + row, vuzp2q_s32(low, high), scales, meta[t + 1].scale, fresh);     \
                }                                                                                                      \
                if (t < width) {                                                                                       \
                    const int8x16_t x0 = both_of(values, t, t, 0), x1 = both_of(values, t, t, 8);                      \
                    const int8x16_t x2 = both_of(values, t, t, 16), x3 = both_of(values, t, t, 24);                    \
                    const int32x4_t low = multiply_one(first, x0, x1, x2, x3),                                         \
                                    high = multiply_one(second, x0, x1, x2, x3);                                       \
                    add_scaled(c + t * ROWS + row, vpaddq_s32(low, high), scales, meta[t].scale, fresh);               \
                }                                                                                                      \
            }                                                                                                          \
            values += (size_t)width * TS_ACT_COLS;                                                                     \
            meta += width;                                                                                             \
        }                                                                                                              \
    }

DEFINE_TILE(direct_q4_0, load_q4_0, Q4_0_BLOCK, Q4_0_SCALES)
DEFINE_TILE(direct_q8_0, load_q8_0, Q8_0_BLOCK, Q8_0_SCALES)

static void pack_q8_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        ts_pack_quads(packed + (size_t)b * Q8_0_BLOCK, &(struct ts_pack_shape){2, ROWS, 4, 8, 0, 0},
                      rows + (size_t)b * 34, row_bytes, n_rows);
    }
}

static void pack_q4_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        ts_pack_quads(packed + (size_t)b * Q4_0_BLOCK, &(struct ts_pack_shape){2, ROWS, 2, 8, 0x88, 0},
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
};

const struct ts_kernel ts_kernel_neon_i8mm = {
    .name = "neon_i8mm",
    .needs = TS_CPU_NEON | TS_CPU_DOTPROD | TS_CPU_I8MM,
    .needs_text = "needs neon dotprod i8mm",
    .formats_text = "Q4_0 Q8_0",
    .probes = &ts_probes_portable,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
