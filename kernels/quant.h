/* The weight formats, in GGUF's exact block layouts (ggml-common.h defines them; all fields little-endian):
 *   Q8_0  34 bytes per 32 weights: f16 d, int8 q[32]; w = d*q
 *   Q4_0  18 bytes per 32 weights: f16 d, 16 bytes whose low nibbles are q[0..15] and high nibbles q[16..31]; w = d*(q - 8)
 * A row of a matrix is cols/block_cols blocks; rows follow each other without gaps. */
#ifndef TS_KERNELS_QUANT_H
#define TS_KERNELS_QUANT_H

#include <stddef.h>
#include <stdint.h>

enum ts_quant { TS_QUANT_Q4_0, TS_QUANT_Q8_0, TS_QUANT_COUNT };

/* One format: a row of the table. */
struct ts_quant_format {
    enum ts_quant id;
    const char *name;     /* "Q4_0" */
    uint32_t block_cols;  /* weights per block */
    uint32_t block_bytes;
    /* n weights, a multiple of block_cols; `blocks` needs no alignment. Input must be finite. */
    void (*quantize)(uint8_t *blocks, const float *weights, size_t n);
    void (*dequantize)(float *weights, const uint8_t *blocks, size_t n);
};

const struct ts_quant_format *ts_quant_format(enum ts_quant id);
/* By name, in any case; NULL if there is none. */
const struct ts_quant_format *ts_quant_find(const char *name);
/* Bytes of a row of that many weights. */
size_t ts_quant_row_bytes(const struct ts_quant_format *format, uint32_t cols);

void ts_q8_0_quantize(uint8_t *blocks, const float *weights, size_t n);
void ts_q8_0_dequantize(float *weights, const uint8_t *blocks, size_t n);
void ts_q4_0_quantize(uint8_t *blocks, const float *weights, size_t n);
void ts_q4_0_dequantize(float *weights, const uint8_t *blocks, size_t n);

/* Little-endian 16-bit fields of a block. */
uint16_t ts_quant_load_u16(const uint8_t *bytes);
void ts_quant_store_u16(uint8_t *bytes, uint16_t value);

#endif
