/* Hides which variants of the float arithmetic are built in, and holds the plain one. */
#include "engine/vector_ops.h"

#include <math.h>
#include <string.h>

#include "kernels/formats/half.h"

static void widen_f16(float *out, size_t ld_out, const uint16_t *in, size_t ld_in, uint32_t n_rows, uint32_t n_cols)
{
    for (uint32_t r = 0; r < n_rows; r++) {
        for (uint32_t c = 0; c < n_cols; c++) {
            out[r * ld_out + c] = ts_half_to_float(in[r * ld_in + c]);
        }
    }
}

static void narrow_f16(uint16_t *out, const float *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = ts_half_from_float(fmaxf(-65504.0F, fminf(65504.0F, in[i])));
    }
}

static void panel(float *c, size_t ld_c, const float *a, size_t ld_a, const float *b, size_t ld_b, uint32_t n_rows,
                  uint32_t n_k, bool accumulate)
{
    for (uint32_t r = 0; r < n_rows; r++) {
        float *row = c + r * ld_c;
        if (!accumulate) {
            memset(row, 0, TS_VECTOR_PANEL_COLS * sizeof *row);
        }
        for (uint32_t k = 0; k < n_k; k++) {
            float factor = a[r * ld_a + k];
            const float *from = b + k * ld_b;
            for (uint32_t j = 0; j < TS_VECTOR_PANEL_COLS; j++) {
                row[j] += factor * from[j];
            }
        }
    }
}

static void panel_keys(float *c, size_t ld_c, const float *a, size_t ld_a, const uint16_t *const *pages,
                       uint32_t n_rows, uint32_t n_k)
{
    for (uint32_t r = 0; r < n_rows; r++) {
        for (uint32_t j = 0; j < TS_VECTOR_PANEL_COLS; j++) {
            const uint16_t *column = pages[j / TS_VECTOR_PAGE_ROWS] + j % TS_VECTOR_PAGE_ROWS;
            float sum = 0.0F;
            for (uint32_t k = 0; k < n_k; k++) {
                sum += a[r * ld_a + k] * ts_half_to_float(column[(size_t)k * TS_VECTOR_PAGE_ROWS]);
            }
            c[r * ld_c + j] = sum;
        }
    }
}

static void panel_values(float *c, size_t ld_c, const float *a, size_t ld_a, const uint16_t *const *pages,
                         size_t ld_page, uint32_t n_rows, uint32_t n_k)
{
    for (uint32_t k = 0; k < n_k; k++) {
        const uint16_t *from = pages[k / TS_VECTOR_PAGE_ROWS] + k % TS_VECTOR_PAGE_ROWS * ld_page;
        for (uint32_t j = 0; j < TS_VECTOR_PANEL_COLS; j++) {
            float value = ts_half_to_float(from[j]);
            for (uint32_t r = 0; r < n_rows; r++) {
                c[r * ld_c + j] += a[r * ld_a + k] * value;
            }
        }
    }
}

static float softmax(float *scores, uint32_t n_valid, float *max, float *sum)
{
    float new_max = *max;
    for (uint32_t i = 0; i < n_valid; i++) {
        new_max = fmaxf(new_max, scores[i]);
    }
    float total = 0.0F;
    for (uint32_t i = 0; i < n_valid; i++) {
        scores[i] = expf(scores[i] - new_max);
        total += scores[i];
    }
    memset(scores + n_valid, 0, (TS_VECTOR_PANEL_COLS - n_valid) * sizeof *scores);
    float factor = *max < new_max ? expf(*max - new_max) : 1.0F;
    *max = new_max;
    *sum = *sum * factor + total;
    return factor;
}

static void rms_norm(float *out, const float *x, const float *weight, size_t n, float eps)
{
    double squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        squares += (double)x[i] * (double)x[i];
    }
    float factor = (float)(1.0 / sqrt(squares / (double)n + (double)eps));
    for (size_t i = 0; i < n; i++) {
        out[i] = x[i] * factor * weight[i];
    }
}

static void swiglu(float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        gate[i] = gate[i] / (1.0F + expf(-gate[i])) * up[i];
    }
}

static void rotate(float *x, const float *cosines, const float *sines, uint32_t half)
{
    for (uint32_t i = 0; i < half; i++) {
        float first = x[i], second = x[i + half];
        x[i] = first * cosines[i] - second * sines[i];
        x[i + half] = first * sines[i] + second * cosines[i];
    }
}

static void add(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] += y[i];
    }
}

static void scale(float *x, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] *= factor;
    }
}

static const struct ts_vector_ops reference = {
    .name = "ref",
    .needs = 0,
    .widen_f16 = widen_f16,
    .narrow_f16 = narrow_f16,
    .panel = panel,
    .panel_keys = panel_keys,
    .panel_values = panel_values,
    .softmax = softmax,
    .rms_norm = rms_norm,
    .swiglu = swiglu,
    .rotate = rotate,
    .add = add,
    .scale = scale,
};

static const struct ts_vector_ops *const variants[] = {
#if defined(TS_HAVE_X86)
    &ts_vector_ops_avx512,
    &ts_vector_ops_avx2,
#endif
#if defined(TS_HAVE_ARM64)
    &ts_vector_ops_neon,
#endif
    &reference,
};

size_t ts_vector_ops_count(void)
{
    return sizeof variants / sizeof variants[0];
}

const struct ts_vector_ops *ts_vector_ops_at(size_t index)
{
    return variants[index];
}

const struct ts_vector_ops *ts_vector_ops_select(uint32_t features)
{
    size_t i = 0;
    while ((variants[i]->needs & ~features) != 0) {
        i++;
    }
    return variants[i];
}
