/* Hides the table of weight formats; each format's arithmetic is in a file of its own (q8_0.c, q4_k.c ..). */
#include "kernels/formats/quant.h"

#include <strings.h>

static const struct ts_quant_format formats[TS_QUANT_COUNT] = {
    [TS_QUANT_Q4_0] = {TS_QUANT_Q4_0, "Q4_0", 32, 18, ts_q4_0_quantize, ts_q4_0_dequantize},
    [TS_QUANT_Q8_0] = {TS_QUANT_Q8_0, "Q8_0", 32, 34, ts_q8_0_quantize, ts_q8_0_dequantize},
    [TS_QUANT_Q4_K] = {TS_QUANT_Q4_K, "Q4_K", 256, 144, ts_q4_k_quantize, ts_q4_k_dequantize},
    [TS_QUANT_Q6_K] = {TS_QUANT_Q6_K, "Q6_K", 256, 210, ts_q6_k_quantize, ts_q6_k_dequantize},
    [TS_QUANT_F16] = {TS_QUANT_F16, "F16", 1, 2, ts_f16_quantize, ts_f16_dequantize},
    [TS_QUANT_BF16] = {TS_QUANT_BF16, "BF16", 1, 2, ts_bf16_quantize, ts_bf16_dequantize},
};

const struct ts_quant_format *ts_quant_format(enum ts_quant id)
{
    return &formats[id];
}

const struct ts_quant_format *ts_quant_find(const char *name)
{
    for (size_t i = 0; i < TS_QUANT_COUNT; i++) {
        if (strcasecmp(formats[i].name, name) == 0) {
            return &formats[i];
        }
    }
    return NULL;
}

size_t ts_quant_row_bytes(const struct ts_quant_format *format, uint32_t cols)
{
    return (size_t)(cols / format->block_cols) * format->block_bytes;
}
