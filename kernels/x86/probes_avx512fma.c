/* The peaks of AVX-512: 12 independent accumulators hide the latency of 4 cycles at two instructions per cycle. */
#include <immintrin.h>

#include "kernels/x86/probes_x86.h"

#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)

static uint64_t folded(__m512i v)
{
    uint64_t words[8];
    _mm512_storeu_si512(words, v);
    return words[0] ^ words[1] ^ words[2] ^ words[3] ^ words[4] ^ words[5] ^ words[6] ^ words[7];
}

uint64_t ts_probe_read_avx512(const uint8_t *bytes, size_t n)
{
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (size_t at = 0; at < n; at += 512) {
        a = _mm512_xor_si512(a, _mm512_loadu_si512(bytes + at));
        b = _mm512_xor_si512(b, _mm512_loadu_si512(bytes + at + 64));
        c = _mm512_xor_si512(c, _mm512_loadu_si512(bytes + at + 128));
        d = _mm512_xor_si512(d, _mm512_loadu_si512(bytes + at + 192));
        a = _mm512_xor_si512(a, _mm512_loadu_si512(bytes + at + 256));
        b = _mm512_xor_si512(b, _mm512_loadu_si512(bytes + at + 320));
        c = _mm512_xor_si512(c, _mm512_loadu_si512(bytes + at + 384));
        d = _mm512_xor_si512(d, _mm512_loadu_si512(bytes + at + 448));
    }
    return folded(_mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d)));
}

uint64_t ts_probe_fma_avx512(uint64_t n_rounds)
{
    __m512 x = _mm512_set1_ps((float)n_rounds * 1e-20F), y = _mm512_set1_ps(0.5F);
#define DECLARE(i) __m512 a##i = _mm512_set1_ps((float)(i));
#define STEP(i) a##i = _mm512_fmadd_ps(x, y, a##i);
#define TOTAL(i) total = _mm512_add_ps(total, a##i);
    EACH(DECLARE)
    for (uint64_t r = 0; r < n_rounds; r++) {
        EACH(STEP)
    }
    __m512 total = _mm512_setzero_ps();
    EACH(TOTAL)
    return _mm512_reduce_add_ps(total) > 1.0F;
}

const struct ts_probes ts_probes_avx512fma = {
    .read = ts_probe_read_avx512,
    .fma = ts_probe_fma_avx512,
    .fma_ops_per_round = 12 * 32,
};
