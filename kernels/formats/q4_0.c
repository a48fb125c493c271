/* Hides Q4_0: per 32 weights d = (the weight of largest magnitude, with its sign)/-8, so that this weight is exactly q
 * = 0 and the other side reaches 15; q = min(15, trunc(w/d + 8.5)); nibble order as in quant.h. Error: |w - d*(q - 8)|
 * <= |d|/2 but for weights of the side opposite to the largest, which may be cut off at 7 d: <= |d|; plus 8 times the
 * f16 rounding of d. Worked number: weights 0, 1, .. 31 give d = -3.875 (f16 0xC3C0), q[31] = 0, q[0] = 8. */
#include "kernels/formats/quant.h"

#include <float.h>
#include <math.h>

#include "kernels/formats/half.h"

enum { BLOCK = 32, BLOCK_BYTES = 18 };

static unsigned nibble(float scaled)
{
    int q = (int)(scaled + 8.5F);
    return q < 15 ? (unsigned)q : 15U;
}

void ts_q4_0_quantize(uint8_t *blocks, const float *weights, size_t n)
{
    for (; n >= BLOCK; n -= BLOCK, weights += BLOCK, blocks += BLOCK_BYTES) {
        float max = 0.0F; /* with its sign */
        for (int i = 0; i < BLOCK; i++) {
            if (fabsf(weights[i]) > fabsf(max)) {
                max = weights[i];
            }
        }
        float d = max / -8.0F;
        float inverse = fabsf(d) >= FLT_MIN ? 1.0F / d : 0.0F; /* such a d is zero as f16 */
        ts_quant_store_u16(blocks, ts_half_from_float(d));
        for (int i = 0; i < BLOCK / 2; i++) {
            unsigned low = nibble(weights[i] * inverse);
            unsigned high = nibble(weights[i + BLOCK / 2] * inverse);
            blocks[2 + i] = (uint8_t)(low | high << 4);
        }
    }
}

void ts_q4_0_dequantize(float *weights, const uint8_t *blocks, size_t n)
{
    for (; n >= BLOCK; n -= BLOCK, weights += BLOCK, blocks += BLOCK_BYTES) {
        float d = ts_half_to_float(ts_quant_load_u16(blocks));
        for (int i = 0; i < BLOCK / 2; i++) {
            weights[i] = d * (float)((blocks[2 + i] & 0xF) - 8);
            weights[i + BLOCK / 2] = d * (float)((blocks[2 + i] >> 4) - 8);
        }
    }
}
