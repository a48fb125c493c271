/* Hides Q4_K: 256 weights in 8 parts of 32, w = (d*s)*q - (dmin*m) with 6-bit s and m per part and 4-bit q; the layout
 * stands in quant.h. The search, per part: from ranges a little narrower and wider than [min(w, 0), max w], the nearest
 * q are taken, and scale and minimum fitted to them by least squares; the pair of least squared error wins. Then d and
 * dmin are the largest scale and minimum over 63, and for each part the neighbours of the rounded s and m are tried
 * too. A minimum is never positive: a part whose weights are all above zero starts at zero. Worked number: 32 weights
 * 0, 1, .. 15 twice over give scale 1 and minimum 0 and are kept to the rounding of d. */
#include "kernels/formats/quant.h"

#include <float.h>
#include <math.h>

#include "kernels/formats/half.h"

enum {
    PARTS = 8,
    PART = 32,
    BLOCK = PARTS * PART,
    BLOCK_BYTES = 144,
    SCALES_AT = 4,
    NIBBLES_AT = 16,
    MAX_Q = 15,
    MAX_SCALE = 63
};

struct line {
    float scale, min; /* w = scale*q - min */
    float error;      /* squared, summed */
};

static int nearest(float value, int max)
{
    int q = (int)(value + 0.5F); /* negative values become 0 below, wherever they are cut off */
    return value <= 0.0F ? 0 : q < max ? q : max;
}

static float error_of(const float *w, float scale, float min)
{
    float inverse = scale >= FLT_MIN ? 1.0F / scale : 0.0F;
    float sum = 0.0F;
    for (int i = 0; i < PART; i++) {
        float error = scale * (float)nearest((w[i] + min) * inverse, MAX_Q) - min - w[i];
        sum += error * error;
    }
    return sum;
}

/* The least-squares line through the q that are nearest under the given one; what it gives is kept if it is better than
 * `best`. */
static void refine(struct line *best, const float *w, float scale, float min)
{
    float inverse = scale >= FLT_MIN ? 1.0F / scale : 0.0F;
    float sum_q = 0.0F, sum_qq = 0.0F, sum_w = 0.0F, sum_qw = 0.0F;
    for (int i = 0; i < PART; i++) {
        float q = (float)nearest((w[i] + min) * inverse, MAX_Q);
        sum_q += q;
        sum_qq += q * q;
        sum_w += w[i];
        sum_qw += q * w[i];
    }
    float determinant = PART * sum_qq - sum_q * sum_q;
    if (determinant <= 0.0F) {
        return;
    }
    float fitted = (PART * sum_qw - sum_q * sum_w) / determinant;
    float fitted_min = (sum_q * sum_qw - sum_qq * sum_w) / determinant;
    if (fitted_min < 0.0F) {
        fitted_min = 0.0F;
        fitted = sum_qw / sum_qq;
    }
    float error = error_of(w, fitted, fitted_min);
    if (error < best->error) {
        *best = (struct line){fitted, fitted_min, error};
    }
}

static struct line best_line(const float *w)
{
    static const float widths[] = {0.85F, 0.9F, 0.95F, 1.0F, 1.05F};
    float low = 0.0F, high = w[0];
    for (int i = 0; i < PART; i++) {
        low = w[i] < low ? w[i] : low;
        high = w[i] > high ? w[i] : high;
    }
    high = high > low ? high : low;
    float middle = 0.5F * (low + high), half = 0.5F * (high - low);
    struct line best = {(high - low) / MAX_Q, -low, 0.0F};
    best.error = error_of(w, best.scale, best.min);
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        float min = low < 0.0F ? half * widths[i] - middle : 0.0F;
        refine(&best, w, 2.0F * half * widths[i] / MAX_Q, min > 0.0F ? min : 0.0F);
    }
    refine(&best, w, best.scale, best.min);
    return best;
}

void ts_q4_k_scales(uint8_t scales[8], uint8_t mins[8], const uint8_t *block)
{
    const uint8_t *packed = block + SCALES_AT;
    for (int p = 0; p < PARTS / 2; p++) {
        scales[p] = packed[p] & 0x3F;
        mins[p] = packed[p + 4] & 0x3F;
        scales[p + 4] = (uint8_t)((packed[p + 8] & 0xF) | (packed[p] >> 6) << 4);
        mins[p + 4] = (uint8_t)((packed[p + 8] >> 4) | (packed[p + 4] >> 6) << 4);
    }
}

static void store_scales(uint8_t *block, const int scales[PARTS], const int mins[PARTS])
{
    uint8_t *packed = block + SCALES_AT;
    for (int p = 0; p < PARTS / 2; p++) {
        packed[p] = (uint8_t)(scales[p] | (scales[p + 4] >> 4) << 6);
        packed[p + 4] = (uint8_t)(mins[p] | (mins[p + 4] >> 4) << 6);
        packed[p + 8] = (uint8_t)((scales[p + 4] & 0xF) | (mins[p + 4] & 0xF) << 4);
    }
}

/* The 6-bit scale and minimum of a part: the rounded ones or one of their neighbours. */
static void choose_steps(int *scale, int *min, const float *w, const struct line *line, float d, float dmin)
{
    int s0 = d > 0.0F ? nearest(line->scale / d, MAX_SCALE) : 0;
    int m0 = dmin > 0.0F ? nearest(line->min / dmin, MAX_SCALE) : 0;
    float best = INFINITY;
    *scale = s0;
    *min = m0;
    for (int s = s0 > 0 ? s0 - 1 : 0; s <= s0 + 1 && s <= MAX_SCALE; s++) {
        for (int m = m0 > 0 ? m0 - 1 : 0; m <= m0 + 1 && m <= MAX_SCALE; m++) {
            float error = error_of(w, d * (float)s, dmin * (float)m);
            if (error < best) {
                best = error;
                *scale = s;
                *min = m;
            }
        }
    }
}

static void store_nibbles(uint8_t *block, int part, const float *w, float scale, float min)
{
    uint8_t *nibbles = block + NIBBLES_AT + part / 2 * PART;
    float inverse = scale >= FLT_MIN ? 1.0F / scale : 0.0F;
    for (int i = 0; i < PART; i++) {
        unsigned q = (unsigned)nearest((w[i] + min) * inverse, MAX_Q);
        nibbles[i] = (uint8_t)(part % 2 == 0 ? q : nibbles[i] | q << 4);
    }
}

static void quantize_block(uint8_t *block, const float *weights)
{
    struct line lines[PARTS];
    float max_scale = 0.0F, max_min = 0.0F;
    for (int p = 0; p < PARTS; p++) {
        lines[p] = best_line(weights + p * PART);
        max_scale = lines[p].scale > max_scale ? lines[p].scale : max_scale;
        max_min = lines[p].min > max_min ? lines[p].min : max_min;
    }
    ts_quant_store_u16(block, ts_half_from_float(max_scale / MAX_SCALE));
    ts_quant_store_u16(block + 2, ts_half_from_float(max_min / MAX_SCALE));
    float d = ts_half_to_float(ts_quant_load_u16(block)), dmin = ts_half_to_float(ts_quant_load_u16(block + 2));
    int scales[PARTS], mins[PARTS];
    for (int p = 0; p < PARTS; p++) {
        choose_steps(&scales[p], &mins[p], weights + p * PART, &lines[p], d, dmin);
        store_nibbles(block, p, weights + p * PART, d * (float)scales[p], dmin * (float)mins[p]);
    }
    store_scales(block, scales, mins);
}

void ts_q4_k_quantize(uint8_t *blocks, const float *weights, size_t n)
{
    for (; n >= BLOCK; n -= BLOCK, weights += BLOCK, blocks += BLOCK_BYTES) {
        quantize_block(blocks, weights);
    }
}

void ts_q4_k_part(uint8_t q[32], const uint8_t *block, uint32_t part)
{
    const uint8_t *nibbles = block + NIBBLES_AT + (size_t)(part / 2) * PART;
    for (int i = 0; i < PART; i++) {
        q[i] = part % 2 == 0 ? nibbles[i] & 0xF : nibbles[i] >> 4;
    }
}

void ts_q4_k_dequantize(float *weights, const uint8_t *blocks, size_t n)
{
    for (; n >= BLOCK; n -= BLOCK, weights += BLOCK, blocks += BLOCK_BYTES) {
        float d = ts_half_to_float(ts_quant_load_u16(blocks)), dmin = ts_half_to_float(ts_quant_load_u16(blocks + 2));
        uint8_t scales[PARTS], mins[PARTS], q[PART];
        ts_q4_k_scales(scales, mins, blocks);
        for (uint32_t p = 0; p < PARTS; p++) {
            ts_q4_k_part(q, blocks, p);
            for (uint32_t i = 0; i < PART; i++) {
                weights[p * PART + i] = d * (float)scales[p] * (float)q[i] - dmin * (float)mins[p];
            }
        }
    }
}
