/* The peaks of AVX-VNNI: those of AVX2, but for the dot product. */
#include <immintrin.h>

#include "kernels/x86/probes_x86.h"

#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)

static uint64_t dot(uint64_t n_rounds)
{
    __m256i x = _mm256_set1_epi32((int)n_rounds), y = _mm256_set1_epi32(0x01020304);
#define DECLARE(i) __m256i a##i = _mm256_set1_epi32(i); /* all different, or a compiler merges them */
#define STEP(i) a##i = _mm256_dpbusd_avx_epi32(a##i, x, y);
#define TOTAL(i) total = _mm256_add_epi32(total, a##i);
    EACH(DECLARE)
    for (uint64_t r = 0; r < n_rounds; r++) {
        EACH(STEP)
    }
    __m256i total = _mm256_setzero_si256();
    EACH(TOTAL)
    return (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(total));
}

const struct ts_probes ts_probes_avxvnni = {
    .read = ts_probe_read_avx2,
    .dot = dot,
    .fma = ts_probe_fma_avx2,
    .dot_ops_per_round = 8 * 64,
    .fma_ops_per_round = 8 * 16,
};
