/* The weight formats, in GGUF's exact block layouts (ggml-common.h defines them; all fields little-endian):
 *   Q8_0  34 bytes per 32 weights: f16 d, int8 q[32]; w = d*q
 *   Q4_0  18 bytes per 32 weights: f16 d, 16 bytes whose low nibbles are q[0..15] and high nibbles q[16..31]; w = d*(q
 * - 8) Q4_K  144 bytes per 256 weights: f16 d, f16 dmin, 12 bytes of 6-bit scales s[8] and minima m[8] (s[0..3] and
 * m[0..3] in the low bits of bytes 0..3 and 4..7, whose top two bits are those of s[4..7] and m[4..7]; these have their
 * other four bits in the low and high nibbles of bytes 8..11), 128 bytes of nibbles: of 32 bytes, the low nibbles are
 * 32 weights and the high ones the next 32; w = d*s[i/32]*q - dmin*m[i/32] Q6_K  210 bytes per 256 weights: 128 bytes
 * of low nibbles, 64 of upper two bits, int8 s[16], f16 d; w = d*s[i/16]*(q - 32). For weights 128h + 32k + l, k < 4, l
 * < 32: nibble k/2 of byte 64h + 32(k%2) + l, bit pair k of upper byte 32h + l F16, BF16  2 bytes per weight A row of a
 * matrix is cols/block_cols blocks; rows follow each other without gaps. */
#ifndef TS_KERNELS_FORMATS_QUANT_H
#define TS_KERNELS_FORMATS_QUANT_H

#include <stddef.h>
#include <stdint.h>

enum ts_quant {
    TS_QUANT_Q4_0,
    TS_QUANT_Q8_0,
    TS_QUANT_Q4_K,
    TS_QUANT_Q6_K,
    TS_QUANT_F16,
    TS_QUANT_BF16,
    TS_QUANT_COUNT
};

/* One format: a row of the table. */
struct ts_quant_format {
    enum ts_quant id;
    const char *name;    /* "Q4_0" */
    uint32_t block_cols; /* weights per block */
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
void ts_q4_k_quantize(uint8_t *blocks, const float *weights, size_t n);
void ts_q4_k_dequantize(float *weights, const uint8_t *blocks, size_t n);
void ts_q6_k_quantize(uint8_t *blocks, const float *weights, size_t n);
void ts_q6_k_dequantize(float *weights, const uint8_t *blocks, size_t n);
void ts_f16_quantize(uint8_t *blocks, const float *weights, size_t n);
void ts_f16_dequantize(float *weights, const uint8_t *blocks, size_t n);
void ts_bf16_quantize(uint8_t *blocks, const float *weights, size_t n);
void ts_bf16_dequantize(float *weights, const uint8_t *blocks, size_t n);

/* The larger blocks taken apart: the integers of 32 consecutive weights (part < 8), unsigned as they are stored, and
 * Q4_K's scales and minima. */
void ts_q4_k_part(uint8_t q[32], const uint8_t *block, uint32_t part);
void ts_q4_k_scales(uint8_t scales[8], uint8_t mins[8], const uint8_t *block);
void ts_q6_k_part(uint8_t q[32], const uint8_t *block, uint32_t part);

/* Little-endian 16-bit fields of a block. */
static inline uint16_t ts_quant_load_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | (unsigned)bytes[1] << 8);
}

static inline void ts_quant_store_u16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value & 0xFFU);
    bytes[1] = (uint8_t)(value >> 8);
}

#endif
