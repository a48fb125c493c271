/* The peaks of AVX2, with 8 independent accumulators: enough to hide the latency, few enough for 16 registers. Its
 * cheapest dot product of bytes is VPMADDUBSW and a 16-bit addition. */
#include <immintrin.h>

#include "kernels/x86/probes_x86.h"

#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)

static inline __m256i load(const uint8_t *bytes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

static inline uint64_t first_of(__m256i v)
{
    return (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(v));
}

uint64_t ts_probe_read_avx2(const uint8_t *bytes, size_t n)
{
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (size_t at = 0; at < n; at += 256) {
        a = _mm256_xor_si256(a, load(bytes + at));
        b = _mm256_xor_si256(b, load(bytes + at + 32));
        c = _mm256_xor_si256(c, load(bytes + at + 64));
        d = _mm256_xor_si256(d, load(bytes + at + 96));
        a = _mm256_xor_si256(a, load(bytes + at + 128));
        b = _mm256_xor_si256(b, load(bytes + at + 160));
        c = _mm256_xor_si256(c, load(bytes + at + 192));
        d = _mm256_xor_si256(d, load(bytes + at + 224));
    }
    return first_of(_mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d)));
}

static uint64_t dot(uint64_t n_rounds)
{
    __m256i x = _mm256_set1_epi32((int)n_rounds & 0x0F0F0F0F), y = _mm256_set1_epi32(0x01020304);
#define DECLARE(i) __m256i a##i = _mm256_set1_epi16(i); /* all different, or a compiler merges them */
#define STEP(i)                                                                                                        \
    a##i = _mm256_add_epi16(a##i, _mm256_maddubs_epi16(x, y));                                                         \
    x = _mm256_xor_si256(x, y);
#define TOTAL(i) total = _mm256_add_epi16(total, a##i);
    EACH(DECLARE)
    for (uint64_t r = 0; r < n_rounds; r++) {
        EACH(STEP)
    }
    __m256i total = _mm256_setzero_si256();
    EACH(TOTAL)
    return first_of(total);
#undef DECLARE
#undef STEP
#undef TOTAL
}

uint64_t ts_probe_fma_avx2(uint64_t n_rounds)
{
    __m256 x = _mm256_set1_ps((float)n_rounds * 1e-20F), y = _mm256_set1_ps(0.5F);
#define DECLARE(i) __m256 a##i = _mm256_set1_ps((float)(i));
#define STEP(i) a##i = _mm256_fmadd_ps(x, y, a##i);
#define TOTAL(i) total = _mm256_add_ps(total, a##i);
    EACH(DECLARE)
    for (uint64_t r = 0; r < n_rounds; r++) {
        EACH(STEP)
    }
    __m256 total = _mm256_setzero_ps();
    EACH(TOTAL)
    return first_of(_mm256_castps_si256(total)) == 1;
}

const struct ts_probes ts_probes_avx2 = {
    .read = ts_probe_read_avx2,
    .dot = dot,
    .fma = ts_probe_fma_avx2,
    .dot_ops_per_round = 8 * 64,
    .fma_ops_per_round = 8 * 16,
};
