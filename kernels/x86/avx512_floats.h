/* Pieces of the AVX-512 kernels for weights of 16 bits: 32 rows x up to 12 tokens are 24 named sums (GCC 12 keeps
 * arrays of registers in memory). */
#ifndef TS_KERNELS_X86_AVX512_FLOATS_H
#define TS_KERNELS_X86_AVX512_FLOATS_H

#include <immintrin.h>

enum { HALF_ROWS = 16, ROWS = 32, MAX_TOK = 12, AHEAD = 8192 };

#define TOK_1(DO) DO(0)
#define TOK_2(DO) TOK_1(DO) DO(1)
#define TOK_3(DO) TOK_2(DO) DO(2)
#define TOK_4(DO) TOK_3(DO) DO(3)
#define TOK_5(DO) TOK_4(DO) DO(4)
#define TOK_6(DO) TOK_5(DO) DO(5)
#define TOK_7(DO) TOK_6(DO) DO(6)
#define TOK_8(DO) TOK_7(DO) DO(7)
#define TOK_9(DO) TOK_8(DO) DO(8)
#define TOK_10(DO) TOK_9(DO) DO(9)
#define TOK_11(DO) TOK_10(DO) DO(10)
#define TOK_12(DO) TOK_11(DO) DO(11)

#define EACH_WIDTH(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12)
#define BY_WIDTH(name)                                                                                                 \
    name##_1, name##_2, name##_3, name##_4, name##_5, name##_6, name##_7, name##_8, name##_9, name##_10, name##_11,    \
        name##_12

#define LOAD_SUMS(t)                                                                                                   \
    __m512 c##t##0 = accumulate ? _mm512_loadu_ps(c + (t)*ROWS) : _mm512_setzero_ps();                                 \
    __m512 c##t##1 = accumulate ? _mm512_loadu_ps(c + (t)*ROWS + HALF_ROWS) : _mm512_setzero_ps();
#define STORE_SUMS(t)                                                                                                  \
    _mm512_storeu_ps(c + (t)*ROWS, c##t##0);                                                                           \
    _mm512_storeu_ps(c + (t)*ROWS + HALF_ROWS, c##t##1);

/* Weights come from main memory in one long stream: ask for them well ahead, across pages. */
static inline void avx512_prefetch_line(const uint8_t *at, int ahead)
{
    if (ahead > 0) {
        _mm_prefetch((const char *)at + ahead, _MM_HINT_T0);
    }
}

#endif
