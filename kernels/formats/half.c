/* Hides how 16-bit floats are converted without any help from the hardware, so that every machine reads a file alike.
 * binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits; binary32: 1, 8 (bias 127), 23. Worked numbers: 0x3C00 = 1,
 * 0xC000 = -2, 0x0001 = 2^-24 (smallest subnormal), 0x7BFF = 65504 (largest); 1/3 -> 0x3555. */
#include "kernels/formats/half.h"

#include <string.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* value >> shift, rounded to nearest even; 0 < shift < 32. */
static uint32_t shift_rounded(uint32_t value, unsigned shift)
{
    uint32_t kept = value >> shift;
    uint32_t rest = value & ((1U << shift) - 1U);
    uint32_t half = 1U << (shift - 1U);
    return kept + ((rest > half || (rest == half && (kept & 1U))) ? 1U : 0U);
}

uint16_t ts_half_from_float(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t sign = (bits >> 16) & 0x8000U;
    uint32_t magnitude = bits & 0x7FFFFFFFU;
    if (magnitude > 0x7F800000U) {
        return (uint16_t)(sign | 0x7E00U);
    }
    if (magnitude >= 0x477FF000U) { /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7C00U);
    }
    if (magnitude >=
        0x38800000U) { /* 2^-14 and above: normal; a carry out of the fraction rightly bumps the exponent */
        return (uint16_t)(sign | shift_rounded(magnitude - 0x38000000U, 13));
    }
    if (magnitude <= 0x33000000U) { /* 2^-25 and below round to zero */
        return (uint16_t)sign;
    }
    uint32_t fraction = (magnitude & 0x7FFFFFU) | 0x800000U;
    return (uint16_t)(sign | shift_rounded(fraction, 126U - (magnitude >> 23)));
}

float ts_half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000U) << 16;
    uint32_t exponent = (half >> 10) & 0x1FU;
    uint32_t fraction = half & 0x3FFU;
    if (exponent == 0x1FU) {
        return float_of(sign | 0x7F800000U | (fraction << 13) | (fraction ? 0x400000U : 0U));
    }
    if (exponent != 0) {
        return float_of(sign | ((exponent + 112U) << 23) | (fraction << 13));
    }
    float tiny = (float)fraction * 0x1p-24F;
    return float_of(sign | bits_of(tiny));
}

uint16_t ts_bfloat_from_float(float value)
{
    uint32_t bits = bits_of(value);
    if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {
        return (uint16_t)((bits >> 16) | 0x40U);
    }
    return (uint16_t)((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

float ts_bfloat_to_float(uint16_t bfloat)
{
    return float_of((uint32_t)bfloat << 16);
}
