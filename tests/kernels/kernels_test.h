/* What the kernel tests share: the cmocka preamble and a small generator of numbers that are the same in every run. */
#ifndef TS_TESTS_KERNELS_TEST_H
#define TS_TESTS_KERNELS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* xorshift64* */
static inline uint64_t next_u64(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717ULL;
}

/* Uniform in [0, n). */
static inline uint32_t next_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((next_u64(state) >> 33) % n);
}

/* About normal, deviation 1: the sum of 12 uniforms less 6. */
static inline float next_normal(uint64_t *state)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++) {
        sum += (double)(next_u64(state) >> 11) * 0x1p-53;
    }
    return (float)sum;
}

#endif
