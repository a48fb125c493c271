/* The scalar reference: defines what every other variant must compute. One row at a time, straight from GGUF's blocks:
 * c = sum over blocks of (float)(integer dot product) x (weight scale x activation scale), in float, in order; Q4_K and
 * Q6_K as said there. */
#include <string.h>

#include "kernels/formats/half.h"
#include "kernels/kernel.h"

enum { Q8_0_BYTES = 34, Q4_0_BYTES = 18, Q4_K_BYTES = 144, Q6_K_BYTES = 210, HALF_BYTES = 2 * TS_ACT_COLS };

/* The larger blocks are kept whole in 8 packed ones. */
enum { SUPER = 8, Q4_K_PART = Q4_K_BYTES / SUPER, Q6_K_PART = (Q6_K_BYTES + SUPER - 1) / SUPER };

static void pack_rows(uint8_t *packed, const uint8_t *rows, uint32_t n_rows, uint32_t n_blocks, uint32_t block_bytes)
{
    memset(packed, 0, (size_t)n_blocks * block_bytes);
    if (n_rows > 0) {
        memcpy(packed, rows, (size_t)n_blocks * block_bytes);
    }
}

static void pack_q8_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    (void)row_bytes;
    pack_rows(packed, rows, n_rows, n_blocks, Q8_0_BYTES);
}

static void pack_q4_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    (void)row_bytes;
    pack_rows(packed, rows, n_rows, n_blocks, Q4_0_BYTES);
}

static int32_t dot_q8_0(const uint8_t *block, const int8_t *values)
{
    int32_t sum = 0;
    for (int i = 0; i < TS_ACT_COLS; i++) {
        sum += (int8_t)block[2 + i] * values[i];
    }
    return sum;
}

static int32_t dot_q4_0(const uint8_t *block, const int8_t *values)
{
    int32_t sum = 0;
    for (int i = 0; i < TS_ACT_COLS / 2; i++) {
        sum += ((block[2 + i] & 0xF) - 8) * values[i] + ((block[2 + i] >> 4) - 8) * values[i + TS_ACT_COLS / 2];
    }
    return sum;
}

typedef int32_t dot_fn(const uint8_t *block, const int8_t *values);

static void tile(float *c, const uint8_t *weights, const int8_t *values, const struct ts_act_meta *meta,
                 uint32_t n_blocks, uint32_t width, bool accumulate, dot_fn *dot, uint32_t block_bytes)
{
    for (uint32_t t = 0; t < width; t++) {
        float sum = accumulate ? c[t] : 0.0F;
        for (uint32_t b = 0; b < n_blocks; b++) {
            const uint8_t *block = weights + (size_t)b * block_bytes;
            size_t at = (size_t)b * width + t;
            float scale = ts_half_to_float(ts_quant_load_u16(block));
            int32_t acc = scale != 0.0F ? dot(block, values + at * TS_ACT_COLS) : 0;
            sum += (float)acc * (scale * meta[at].scale);
        }
        c[t] = sum;
    }
}

static void tile_q8_0(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                      uint32_t n_blocks, uint32_t width, bool accumulate)
{
    tile(c, weights, values, meta, n_blocks, width, accumulate, dot_q8_0, Q8_0_BYTES);
}

static void tile_q4_0(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                      uint32_t n_blocks, uint32_t width, bool accumulate)
{
    tile(c, weights, values, meta, n_blocks, width, accumulate, dot_q4_0, Q4_0_BYTES);
}

static void pack_q4_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    (void)row_bytes;
    pack_rows(packed, rows, n_rows, n_blocks, Q4_K_PART);
}

static void pack_q6_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    (void)row_bytes;
    memset(packed, 0, (size_t)n_blocks * Q6_K_PART);
    for (uint32_t b = 0; b < n_blocks / SUPER && n_rows > 0; b++) {
        memcpy(packed + (size_t)b * SUPER * Q6_K_PART, rows + (size_t)b * Q6_K_BYTES, Q6_K_BYTES);
    }
}

/* c = sum over blocks of (float)(dot product) x (scale x activation scale) + minimum x (-(sum of the activations) x
 * activation scale). */
static void tile_q4_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                      uint32_t n_blocks, uint32_t width, bool accumulate)
{
    for (uint32_t t = 0; t < width; t++) {
        const int8_t *x = values;
        float sum = accumulate ? c[t] : 0.0F;
        uint8_t scales[SUPER], mins[SUPER], q[TS_ACT_COLS];
        for (uint32_t b = 0; b < n_blocks; b++) {
            const uint8_t *block = weights + (size_t)(b / SUPER) * Q4_K_BYTES;
            size_t at = (size_t)b * width + t;
            ts_q4_k_scales(scales, mins, block);
            ts_q4_k_part(q, block, b % SUPER);
            int32_t acc = 0;
            for (int i = 0; i < TS_ACT_COLS; i++) {
                acc += q[i] * x[at * TS_ACT_COLS + (size_t)i];
            }
            float scale = ts_half_to_float(ts_quant_load_u16(block)) * (float)scales[b % SUPER];
            float min = ts_half_to_float(ts_quant_load_u16(block + 2)) * (float)mins[b % SUPER];
            sum += (float)acc * (scale * meta[at].scale);
            sum += min * ((float)meta[at].start * meta[at].scale);
        }
        c[t] = sum;
    }
}

/* c = sum over blocks of (float)(sum over the two parts of scale x dot product) x (d x activation scale); the integer
 * stays below 2^24. */
static void tile_q6_k(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                      uint32_t n_blocks, uint32_t width, bool accumulate)
{
    for (uint32_t t = 0; t < width; t++) {
        const int8_t *x = values;
        float sum = accumulate ? c[t] : 0.0F;
        uint8_t q[TS_ACT_COLS];
        for (uint32_t b = 0; b < n_blocks; b++) {
            const uint8_t *block = weights + (size_t)(b / SUPER) * SUPER * Q6_K_PART;
            const uint8_t *scales = block + Q6_K_BYTES - 18 + b % SUPER * 2;
            size_t at = (size_t)b * width + t;
            ts_q6_k_part(q, block, b % SUPER);
            int32_t acc = 0;
            for (int i = 0; i < TS_ACT_COLS; i++) {
                acc += (int8_t)scales[i / (TS_ACT_COLS / 2)] * ((q[i] - 32) * x[at * TS_ACT_COLS + (size_t)i]);
            }
            float d = ts_half_to_float(ts_quant_load_u16(block + Q6_K_BYTES - 2));
            sum += (float)acc * (d * meta[at].scale);
        }
        c[t] = sum;
    }
}

/* Weights of 16 bits: c = sum over the columns of w x activation, in float, in order. */
static void pack_halves(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    (void)row_bytes;
    pack_rows(packed, rows, n_rows, n_blocks, HALF_BYTES);
}

typedef void widen_fn(float *weights, const uint8_t *blocks, size_t n);

static void tile_halves(float *c, const uint8_t *weights, const float *x, uint32_t n_blocks, uint32_t width,
                        bool accumulate, widen_fn *widen)
{
    if (!accumulate) {
        memset(c, 0, width * sizeof *c);
    }
    for (uint32_t b = 0; b < n_blocks; b++, weights += HALF_BYTES) {
        float w[TS_ACT_COLS];
        widen(w, weights, TS_ACT_COLS);
        for (uint32_t t = 0; t < width; t++, x += TS_ACT_COLS) {
            for (int i = 0; i < TS_ACT_COLS; i++) {
                c[t] += w[i] * x[i];
            }
        }
    }
}

static void tile_f16(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                     uint32_t n_blocks, uint32_t width, bool accumulate)
{
    (void)meta;
    tile_halves(c, weights, values, n_blocks, width, accumulate, ts_f16_dequantize);
}

static void tile_bf16(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                      uint32_t n_blocks, uint32_t width, bool accumulate)
{
    (void)meta;
    tile_halves(c, weights, values, n_blocks, width, accumulate, ts_bf16_dequantize);
}

static const struct ts_kernel_format formats[] = {
    {.quant = TS_QUANT_Q4_0,
     .group_rows = 1,
     .act = &ts_act_int8,
     .block_bytes = Q4_0_BYTES,
     .pack = pack_q4_0,
     .direct_tok = 8,
     .direct = tile_q4_0},
    {.quant = TS_QUANT_Q8_0,
     .group_rows = 1,
     .act = &ts_act_int8,
     .block_bytes = Q8_0_BYTES,
     .pack = pack_q8_0,
     .direct_tok = 8,
     .direct = tile_q8_0},
    {.quant = TS_QUANT_Q4_K,
     .group_rows = 1,
     .act = &ts_act_int8,
     .offset = 1,
     .block_bytes = Q4_K_PART,
     .pack = pack_q4_k,
     .direct_tok = 8,
     .direct = tile_q4_k},
    {.quant = TS_QUANT_Q6_K,
     .group_rows = 1,
     .act = &ts_act_int8,
     .block_bytes = Q6_K_PART,
     .pack = pack_q6_k,
     .direct_tok = 8,
     .direct = tile_q6_k},
    {.quant = TS_QUANT_F16,
     .group_rows = 1,
     .act = &ts_act_float,
     .block_bytes = HALF_BYTES,
     .pack = pack_halves,
     .direct_tok = 8,
     .direct = tile_f16},
    {.quant = TS_QUANT_BF16,
     .group_rows = 1,
     .act = &ts_act_float,
     .block_bytes = HALF_BYTES,
     .pack = pack_halves,
     .direct_tok = 8,
     .direct = tile_bf16},
};

const struct ts_kernel ts_kernel_ref = {
    .name = "ref",
    .needs = 0,
    .needs_text = "needs nothing",
    .formats_text = "Q4_0 Q8_0 Q4_K Q6_K F16 BF16",
    .probes = &ts_probes_portable,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
