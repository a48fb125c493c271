/* The peaks of AVX-512 VNNI: those of AVX-512, and the dot product of bytes. */
#include <immintrin.h>

#include "kernels/x86/probes_x86.h"

#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)

static uint64_t folded(__m512i v)
{
    uint64_t words[8];
    _mm512_storeu_si512(words, v);
    return words[0] ^ words[1] ^ words[2] ^ words[3] ^ words[4] ^ words[5] ^ words[6] ^ words[7];
}

static uint64_t dot(uint64_t n_rounds)
{
    __m512i x = _mm512_set1_epi32((int)n_rounds), y = _mm512_set1_epi32(0x01020304);
#define DECLARE(i) __m512i a##i = _mm512_set1_epi32(i); /* all different, or a compiler merges them */
#define STEP(i) a##i = _mm512_dpbusd_epi32(a##i, x, y);
#define TOTAL(i) total = _mm512_add_epi32(total, a##i);
    EACH(DECLARE)
    for (uint64_t r = 0; r < n_rounds; r++) {
        EACH(STEP)
    }
    __m512i total = _mm512_setzero_si512();
    EACH(TOTAL)
    return folded(total);
#undef DECLARE
#undef STEP
#undef TOTAL
}

const struct ts_probes ts_probes_avx512vnni = {
    .read = ts_probe_read_avx512,
    .dot = dot,
    .fma = ts_probe_fma_avx512,
    .dot_ops_per_round = 12 * 128,
    .fma_ops_per_round = 12 * 32,
};
