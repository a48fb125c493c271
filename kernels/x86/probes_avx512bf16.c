/* The peaks of AVX-512 BF16: those of AVX-512, and the dot product of BF16 pairs, whose latency is longer: 24
 * accumulators. */
#include <immintrin.h>

#include "kernels/x86/probes_x86.h"

/* The formatter would move what has no end of statement a little further at every run. */
/* clang-format off */
#define EACH(DO)                                                                                                       \
    DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)                                          \
    DO(12) DO(13) DO(14) DO(15) DO(16) DO(17) DO(18) DO(19) DO(20) DO(21) DO(22) DO(23)
/* clang-format on */

static uint64_t bf16_dot(uint64_t n_rounds)
{
    const __m512bh x = (__m512bh)_mm512_set1_epi32((int)(n_rounds & 0xFFU) | 0x3F800000),
                   y = (__m512bh)_mm512_set1_epi32(0x3F003F00);
#define DECLARE(i) __m512 a##i = _mm512_set1_ps((float)(i)); /* all different, or a compiler merges them */
#define STEP(i) a##i = _mm512_dpbf16_ps(a##i, x, y);
#define TOTAL(i) total = _mm512_add_ps(total, a##i);
    EACH(DECLARE)
    for (uint64_t r = 0; r < n_rounds; r++) {
        EACH(STEP)
    }
    __m512 total = _mm512_setzero_ps();
    EACH(TOTAL)
    return _mm512_reduce_add_ps(total) > 1.0F;
}

const struct ts_probes ts_probes_avx512bf16 = {
    .read = ts_probe_read_avx512,
    .fma = ts_probe_fma_avx512,
    .bf16_dot = bf16_dot,
    .fma_ops_per_round = 12 * 32,
    .bf16_ops_per_round = 24 * 64,
};
