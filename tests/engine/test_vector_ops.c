/* The float arithmetic: every variant that this machine has against double precision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "engine/vector_ops.h"
#include "kernels/cpu.h"
#include "kernels/formats/half.h"

static bool usable(const struct ts_vector_ops *ops)
{
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    return (ops->needs & ~cpu.features) == 0;
}

static void randoms(float *out, size_t n, uint32_t seed, double scale)
{
    struct ts_rng rng;
    ts_rng_init(&rng, seed, 0, 0, 0);
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)(scale * ts_rng_normal(&rng));
    }
}

static void near(float got, double want, double tolerance)
{
    if (!(fabs((double)got - want) <= tolerance * (1.0 + fabs(want)))) {
        fail_msg("%g is not near %g", (double)got, want);
    }
}

#define FOR_VARIANTS(ops)                                                                                              \
    for (size_t variant = 0; variant < ts_vector_ops_count(); variant++)                                               \
        for (const struct ts_vector_ops *ops = ts_vector_ops_at(variant); ops && usable(ops); ops = NULL)

static void test_vector_ops__halves_go_both_ways_as_in_software(void **state)
{
    (void)state;
    FOR_VARIANTS(ops)
    {
        uint16_t halves[1024], back[1024];
        float floats[1024], wide[32 * 70];
        for (uint32_t first = 0; first < 65536; first += 1024) {
            for (uint32_t i = 0; i < 1024; i++) {
                halves[i] = (uint16_t)(first + i);
            }
            ops->widen_f16(floats, 1024, halves, 1024, 1, 1024);
            for (uint32_t i = 0; i < 1024; i++) {
                float want = ts_half_to_float(halves[i]);
                assert_true(floats[i] == want || (isnan(floats[i]) && isnan(want)));
            }
            if ((first & 0x7FFF) < 0x7C00) {
                ops->narrow_f16(back, floats, 1021);
                assert_memory_equal(back, halves, 1021 * sizeof back[0]);
            }
        }
        floats[0] = 1e9F;
        floats[1] = -1e9F;
        floats[2] = 1.0F + 0x1p-11F; /* a tie: to even */
        ops->narrow_f16(back, floats, 3);
        assert_int_equal(back[0], 0x7BFF);
        assert_int_equal(back[1], 0xFBFF);
        assert_int_equal(back[2], 0x3C00);
        for (uint32_t i = 0; i < 1024; i++) {
            halves[i] = ts_half_from_float((float)i);
        }
        ops->widen_f16(wide, 70, halves, 19, 32, 19);
        assert_true(wide[31 * 70 + 18] == 31 * 19 + 18);
    }
}

static void test_vector_ops__a_panel_is_a_matrix_product(void **state)
{
    (void)state;
    enum { MAX_ROWS = 15, K = 37, LD_A = 41, LD_B = 70, LD_C = 66 };
    static float a[MAX_ROWS * LD_A], b[K * LD_B], c[MAX_ROWS * LD_C], alone[LD_C];
    randoms(a, sizeof a / sizeof a[0], 1, 1.0);
    randoms(b, sizeof b / sizeof b[0], 2, 1.0);
    FOR_VARIANTS(ops)
    {
        for (uint32_t rows = 1; rows <= MAX_ROWS; rows++) {
            ops->panel(c, LD_C, a, LD_A, b, LD_B, rows, 20, false);
            ops->panel(c, LD_C, a + 20, LD_A, b + (size_t)20 * LD_B, LD_B, rows, K - 20, true);
            for (uint32_t r = 0; r < rows; r++) {
                for (uint32_t j = 0; j < TS_VECTOR_PANEL_COLS; j++) {
                    double want = 0.0;
                    for (uint32_t k = 0; k < K; k++) {
                        want += (double)a[r * LD_A + k] * (double)b[k * LD_B + j];
                    }
                    near(c[r * LD_C + j], want, 1e-5);
                }
                ops->panel(alone, LD_C, a + (size_t)r * LD_A, LD_A, b, LD_B, 1, K, false);
                assert_memory_equal(alone, c + (size_t)r * LD_C, TS_VECTOR_PANEL_COLS * sizeof(float));
            }
        }
    }
}

static void test_vector_ops__pages_give_the_bits_of_a_panel(void **state)
{
    (void)state;
    enum { ROWS = 8, DIM = 64, LD = 70 };
    static uint16_t memory[TS_VECTOR_PAGES][DIM * TS_VECTOR_PAGE_ROWS];
    static float a[ROWS * LD], keys[DIM * TS_VECTOR_PANEL_COLS], values[TS_VECTOR_PANEL_COLS * DIM], want[ROWS * LD],
        got[ROWS * LD];
    const uint16_t *pages[TS_VECTOR_PAGES];
    randoms(a, sizeof a / sizeof a[0], 1, 1.0);
    FOR_VARIANTS(ops)
    {
        for (uint32_t p = 0; p < TS_VECTOR_PAGES; p++) {
            float floats[DIM * TS_VECTOR_PAGE_ROWS];
            randoms(floats, sizeof floats / sizeof floats[0], 2 + p, 1.0);
            ops->narrow_f16(memory[p], floats, sizeof floats / sizeof floats[0]);
            pages[p] = memory[p];
            ops->widen_f16(keys + (size_t)p * TS_VECTOR_PAGE_ROWS, TS_VECTOR_PANEL_COLS, memory[p], TS_VECTOR_PAGE_ROWS,
                           DIM, TS_VECTOR_PAGE_ROWS);
            ops->widen_f16(values + (size_t)p * TS_VECTOR_PAGE_ROWS * DIM, DIM, memory[p], DIM, TS_VECTOR_PAGE_ROWS,
                           DIM);
        }
        for (uint32_t rows = 1; rows <= ROWS; rows++) {
            ops->panel(want, LD, a, LD, keys, TS_VECTOR_PANEL_COLS, rows, DIM, false);
            ops->panel_keys(got, LD, a, LD, pages, rows, DIM);
            for (uint32_t r = 0; r < rows; r++) {
                assert_memory_equal(want + (size_t)r * LD, got + (size_t)r * LD, TS_VECTOR_PANEL_COLS * sizeof(float));
            }
            for (uint32_t n = 1; n <= TS_VECTOR_PANEL_COLS; n += 9) {
                ops->panel(want, LD, a, LD, values, DIM, rows, n, true);
                ops->panel_values(got, LD, a, LD, pages, DIM, rows, n);
                for (uint32_t r = 0; r < rows; r++) {
                    assert_memory_equal(want + (size_t)r * LD, got + (size_t)r * LD,
                                        TS_VECTOR_PANEL_COLS * sizeof(float));
                }
            }
        }
    }
}

static void test_vector_ops__softmax_in_steps_is_softmax(void **state)
{
    (void)state;
    enum { STEPS = 3, N = STEPS * TS_VECTOR_PANEL_COLS };
    FOR_VARIANTS(ops)
    {
        for (uint32_t last = 1; last <= TS_VECTOR_PANEL_COLS; last++) {
            float x[N], p[N], max = -INFINITY, sum = 0.0F, factors[STEPS];
            double top = -INFINITY, total = 0.0;
            uint32_t n = (STEPS - 1) * TS_VECTOR_PANEL_COLS + last;
            randoms(x, N, last, 5.0);
            memcpy(p, x, sizeof p);
            for (uint32_t i = 0; i < n; i++) {
                top = fmax(top, (double)x[i]);
            }
            for (uint32_t i = 0; i < n; i++) {
                total += exp((double)x[i] - top);
            }
            for (uint32_t s = 0; s < STEPS; s++) {
                factors[s] = ops->softmax(p + (size_t)s * TS_VECTOR_PANEL_COLS,
                                          s + 1 < STEPS ? TS_VECTOR_PANEL_COLS : last, &max, &sum);
            }
            near(max, top, 0.0);
            near(sum, total, 1e-5);
            for (uint32_t i = 0; i < N; i++) {
                double value = (double)p[i];
                for (uint32_t s = i / TS_VECTOR_PANEL_COLS + 1; s < STEPS; s++) {
                    value *= (double)factors[s];
                }
                near((float)value, i < n ? exp((double)x[i] - top) : 0.0, 1e-6);
            }
        }
    }
}

static void test_vector_ops__norm_activation_and_rotation(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 5, 16, 64, 100, 2048};
    static float x[2048], y[2048], w[2048], out[2048];
    FOR_VARIANTS(ops)
    {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            uint32_t n = sizes[s];
            double squares = 0.0;
            randoms(x, n, 1, 3.0);
            randoms(y, n, 2, 3.0);
            randoms(w, n, 3, 1.0);
            for (uint32_t i = 0; i < n; i++) {
                squares += (double)x[i] * (double)x[i];
            }
            ops->rms_norm(out, x, w, n, 1e-5F);
            for (uint32_t i = 0; i < n; i++) {
                near(out[i], (double)x[i] / sqrt(squares / n + 1e-5) * (double)w[i], 1e-5);
            }
            memcpy(out, x, n * sizeof *x);
            ops->swiglu(out, y, n);
            for (uint32_t i = 0; i < n; i++) {
                near(out[i], (double)x[i] / (1.0 + exp(-(double)x[i])) * (double)y[i], 1e-5);
            }
            memcpy(out, x, n * sizeof *x);
            ops->rotate(out, y, w, n / 2);
            for (uint32_t i = 0; i < n / 2; i++) {
                near(out[i], (double)x[i] * (double)y[i] - (double)x[i + n / 2] * (double)w[i], 1e-5);
                near(out[i + n / 2], (double)x[i] * (double)w[i] + (double)x[i + n / 2] * (double)y[i], 1e-5);
            }
            memcpy(out, x, n * sizeof *x);
            ops->add(out, y, n);
            ops->scale(out, 0.5F, n);
            for (uint32_t i = 0; i < n; i++) {
                near(out[i], ((double)x[i] + (double)y[i]) * 0.5, 1e-6);
            }
        }
    }
}

static void test_vector_ops__extremes_stay_finite(void **state)
{
    (void)state;
    FOR_VARIANTS(ops)
    {
        float gate[32], up[32];
        for (int i = 0; i < 32; i++) {
            gate[i] = i % 2 ? 1e6F : -1e6F;
            up[i] = 2.0F;
        }
        ops->swiglu(gate, up, 32);
        for (int i = 0; i < 32; i++) {
            near(gate[i], i % 2 ? 2e6 : 0.0, 1e-6);
        }
    }
}

static void test_vector_ops__selection_takes_the_best_that_runs(void **state)
{
    (void)state;
    assert_string_equal(ts_vector_ops_select(0)->name, "ref");
    assert_ptr_equal(ts_vector_ops_select(UINT32_MAX), ts_vector_ops_at(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_ops__halves_go_both_ways_as_in_software),
        cmocka_unit_test(test_vector_ops__a_panel_is_a_matrix_product),
        cmocka_unit_test(test_vector_ops__pages_give_the_bits_of_a_panel),
        cmocka_unit_test(test_vector_ops__softmax_in_steps_is_softmax),
        cmocka_unit_test(test_vector_ops__norm_activation_and_rotation),
        cmocka_unit_test(test_vector_ops__extremes_stay_finite),
        cmocka_unit_test(test_vector_ops__selection_takes_the_best_that_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
