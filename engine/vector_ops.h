/* Float arithmetic of a transformer layer, one table row per instruction set: what stands between the quantized matrix
 * products.
 *
 * A result never depends on how work is cut: every element of `panel` is one chain of additions in the order of k,
 * every other function works on one token. Between instruction sets results differ by float rounding only. */
#ifndef TS_ENGINE_VECTOR_OPS_H
#define TS_ENGINE_VECTOR_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TS_VECTOR_PANEL_COLS = 64, TS_VECTOR_PAGE_ROWS = 16, TS_VECTOR_PAGES = 4 };

struct ts_vector_ops {
    const char *name;
    uint32_t needs; /* TS_CPU_ bits */

    /* n_rows x n_cols binary16 values to float; rows are ld_out and ld_in elements apart. */
    void (*widen_f16)(float *out, size_t ld_out, const uint16_t *in, size_t ld_in, uint32_t n_rows, uint32_t n_cols);
    /* And back: round to nearest even, finite values beyond the range become +-65504. */
    void (*narrow_f16)(uint16_t *out, const float *in, size_t n);

    /* c[r][j] (+)= sum over k of a[r][k] * b[k][j] for 64 columns j: c, a and b rows are ld_c, ld_a, ld_b floats apart.
     */
    void (*panel)(float *c, size_t ld_c, const float *a, size_t ld_a, const float *b, size_t ld_b, uint32_t n_rows,
                  uint32_t n_k, bool accumulate);

    /* The same, to the bit, with b straight from 4 pages of binary16. As keys, a page holds 16 columns of b: b[k][16*p
     * + j] = pages[p][16*k + j]; c is overwritten. As values, a page holds 16 rows of b, ld_page apart: b[16*p + i][j]
     * = pages[p][i*ld_page + j]; c is added to. */
    void (*panel_keys)(float *c, size_t ld_c, const float *a, size_t ld_a, const uint16_t *const *pages,
                       uint32_t n_rows, uint32_t n_k);
    void (*panel_values)(float *c, size_t ld_c, const float *a, size_t ld_a, const uint16_t *const *pages,
                         size_t ld_page, uint32_t n_rows, uint32_t n_k);

    /* One step of the online softmax (Milakov and Gimelshein, 2018) over 64 scores of which the first n_valid (1..64)
     * count: raises *max to their maximum, turns scores into exp(score - *max) and zeros, updates *sum, and returns
     * what sums made before must be multiplied by. */
    float (*softmax)(float *scores, uint32_t n_valid, float *max, float *sum);

    /* out = x / sqrt(mean(x^2) + eps) * weight; out may be x. */
    void (*rms_norm)(float *out, const float *x, const float *weight, size_t n, float eps);
    /* gate = gate / (1 + exp(-gate)) * up */
    void (*swiglu)(float *gate, const float *up, size_t n);
    /* Rotates the pairs (x[i], x[i + half]) by the angle whose cosine is cosines[i] and sine is sines[i]. */
    void (*rotate)(float *x, const float *cosines, const float *sines, uint32_t half);
    void (*add)(float *x, const float *y, size_t n);
    void (*scale)(float *x, float factor, size_t n);
};

#if defined(TS_HAVE_X86)
extern const struct ts_vector_ops ts_vector_ops_avx2;
extern const struct ts_vector_ops ts_vector_ops_avx512;
#endif
#if defined(TS_HAVE_ARM64)
extern const struct ts_vector_ops ts_vector_ops_neon;
#endif

/* Best first; the last is the reference. */
size_t ts_vector_ops_count(void);
const struct ts_vector_ops *ts_vector_ops_at(size_t index);
/* The best that needs no feature beyond `features`. */
const struct ts_vector_ops *ts_vector_ops_select(uint32_t features);

#endif
