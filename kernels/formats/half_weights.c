/* Hides how weights of 16 bits stand in memory: one after the other, little-endian. Rounding is to nearest even: an
 * error of at most 2^-11 |w| for F16 within its range, 2^-9 |w| for BF16. */
#include "kernels/formats/half.h"
#include "kernels/formats/quant.h"

void ts_f16_quantize(uint8_t *blocks, const float *weights, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ts_quant_store_u16(blocks + 2 * i, ts_half_from_float(weights[i]));
    }
}

void ts_f16_dequantize(float *weights, const uint8_t *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        weights[i] = ts_half_to_float(ts_quant_load_u16(blocks + 2 * i));
    }
}

void ts_bf16_quantize(uint8_t *blocks, const float *weights, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ts_quant_store_u16(blocks + 2 * i, ts_bfloat_from_float(weights[i]));
    }
}

void ts_bf16_dequantize(float *weights, const uint8_t *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        weights[i] = ts_bfloat_to_float(ts_quant_load_u16(blocks + 2 * i));
    }
}
