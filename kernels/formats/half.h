/* 16-bit floats as GGUF stores them: IEEE 754 binary16 ("F16") and the upper half of a binary32 ("BF16"). Conversions
 * round to nearest even, keep infinities, signed zeros and subnormals, and turn every NaN into a quiet one. */
#ifndef TS_KERNELS_FORMATS_HALF_H
#define TS_KERNELS_FORMATS_HALF_H

#include <stdint.h>

uint16_t ts_half_from_float(float value);
float ts_half_to_float(uint16_t half);

uint16_t ts_bfloat_from_float(float value);
float ts_bfloat_to_float(uint16_t bfloat);

#endif
