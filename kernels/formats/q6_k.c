/* Hides Q6_K: 256 weights in 16 parts of 16, w = (d*s)*(q - 32) with an 8-bit s per part and 6-bit q; the layout stands
 * in quant.h. The search, per part: scales around (the weight of largest magnitude, with its sign)/-32, each fitted by
 * least squares to the q that are nearest under it; the one of least squared error wins. Then d is the largest scale
 * over -128, and s the nearest multiple. Worked number: 16 weights -32, -31, .. -17 give scale 1, kept to the rounding
 * of d. */
#include "kernels/formats/quant.h"

#include <float.h>
#include <math.h>

#include "kernels/formats/half.h"

enum { PARTS = 16, PART = 16, BLOCK = PARTS * PART, BLOCK_BYTES = 210, HIGH_AT = 128, SCALES_AT = 192, D_AT = 208 };

static int nearest(float value)
{
    int q = (int)lrintf(value);
    return q < -32 ? -32 : q > 31 ? 31 : q;
}

/* The least-squares scale for the q that are nearest under `scale`, and its squared error less that of all zeros: -(sum
 * qw)^2 / (sum qq). */
static float fit(float *fitted, const float *w, float scale)
{
    float inverse = 1.0F / scale;
    float sum_qw = 0.0F, sum_qq = 0.0F;
    for (int i = 0; i < PART; i++) {
        float q = (float)nearest(w[i] * inverse);
        sum_qw += q * w[i];
        sum_qq += q * q;
    }
    *fitted = sum_qq > 0.0F ? sum_qw / sum_qq : 0.0F;
    return -*fitted * sum_qw;
}

static float best_scale(const float *w)
{
    float max = 0.0F; /* with its sign */
    for (int i = 0; i < PART; i++) {
        max = fabsf(w[i]) > fabsf(max) ? w[i] : max;
    }
    if (fabsf(max) / 34.0F < FLT_MIN) {
        return 0.0F; /* zero as f16 */
    }
    float best = max / -32.0F, best_error = INFINITY;
    for (int i = -8; i <= 8; i++) {
        float fitted;
        float error = fit(&fitted, w, max / (-32.0F + 0.25F * (float)i));
        if (error < best_error) {
            best_error = error;
            best = fitted;
        }
    }
    return best;
}

/* Where the low four and the high two bits of weight i stand. */
struct place {
    int low, low_shift, high, high_shift;
};

static struct place place_of(int i)
{
    int half = i / 128, quarter = i % 128 / 32, l = i % 32;
    return (struct place){half * 64 + quarter % 2 * 32 + l, quarter / 2 * 4, HIGH_AT + half * 32 + l, quarter * 2};
}

static void quantize_block(uint8_t *block, const float *weights)
{
    float scales[PARTS], max = 0.0F;
    for (int p = 0; p < PARTS; p++) {
        scales[p] = best_scale(weights + p * PART);
        max = fabsf(scales[p]) > fabsf(max) ? scales[p] : max;
    }
    ts_quant_store_u16(block + D_AT, ts_half_from_float(max / -128.0F));
    float d = ts_half_to_float(ts_quant_load_u16(block + D_AT));
    for (int i = 0; i < HIGH_AT + HIGH_AT / 2; i++) {
        block[i] = 0;
    }
    for (int p = 0; p < PARTS; p++) {
        long s = d != 0.0F ? lrintf(scales[p] / d) : 0;
        s = s < -128 ? -128 : s > 127 ? 127 : s;
        block[SCALES_AT + p] = (uint8_t)(int8_t)s;
        float scale = d * (float)s;
        float inverse = fabsf(scale) >= FLT_MIN ? 1.0F / scale : 0.0F;
        for (int i = p * PART; i < (p + 1) * PART; i++) {
            unsigned q = (unsigned)(nearest(weights[i] * inverse) + 32);
            struct place at = place_of(i);
            block[at.low] = (uint8_t)(block[at.low] | (q & 0xF) << at.low_shift);
            block[at.high] = (uint8_t)(block[at.high] | (q >> 4) << at.high_shift);
        }
    }
}

void ts_q6_k_quantize(uint8_t *blocks, const float *weights, size_t n)
{
    for (; n >= BLOCK; n -= BLOCK, weights += BLOCK, blocks += BLOCK_BYTES) {
        quantize_block(blocks, weights);
    }
}

void ts_q6_k_part(uint8_t q[32], const uint8_t *block, uint32_t part)
{
    for (int i = 0; i < 32; i++) {
        struct place at = place_of((int)part * 32 + i);
        q[i] = (uint8_t)((block[at.low] >> at.low_shift & 0xF) | (block[at.high] >> at.high_shift & 3) << 4);
    }
}

void ts_q6_k_dequantize(float *weights, const uint8_t *blocks, size_t n)
{
    for (; n >= BLOCK; n -= BLOCK, weights += BLOCK, blocks += BLOCK_BYTES) {
        float d = ts_half_to_float(ts_quant_load_u16(blocks + D_AT));
        for (uint32_t part = 0; part < BLOCK / 32; part++) {
            uint8_t q[32];
            ts_q6_k_part(q, blocks, part);
            for (uint32_t i = 0; i < 32; i++) {
                float scale = d * (float)(int8_t)blocks[SCALES_AT + part * 2 + i / PART];
                weights[part * 32 + i] = scale * (float)(q[i] - 32);
            }
        }
    }
}
