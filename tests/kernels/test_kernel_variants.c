/* One kernel variant, named on the command line (the reference without a name), against arithmetic done here.
 *
 * How the integer part is shown to be exact: the activations are integers with a largest magnitude of 127 in each block, so that their scale is 1,
 * and the weights' scales are powers of two. Then every product and every sum is a multiple of 1/2 below 2^23, float arithmetic is exact, and
 * a result has the right bits only if every integer accumulator had. A single block per row shows each accumulator by itself, at the extremes of
 * what fits. */
#include "kernels_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/half.h"
#include "kernels/matmul.h"

static const uint32_t some_rows[] = {1, 15, 16, 17, 31, 33, 48};
static const uint32_t some_cols[] = {32, 64, 96, 2080};
static const uint32_t some_n_tok[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 47, 48, 49, 50, 64, 67};

enum { MAX_ROWS = 48, MAX_COLS = 2080, MAX_TOK = 67 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
    const struct ts_kernel *kernel;
    struct ts_pool *pool;
    struct ts_matmul_space *space;
    uint8_t *blocks;
    float *weights; /* dequantized */
    float *x, *y, *expected;
    uint64_t seed;
};

static const char *variant;

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    for (size_t k = 0; f && k < ts_kernel_count(); k++) {
        f->kernel = strcmp(ts_kernel_at(k)->name, variant) == 0 ? ts_kernel_at(k) : f->kernel;
    }
    if (!f || !f->kernel || ts_pool_create(&f->pool, 2) != TS_OK ||
        ts_matmul_space_create(&f->space, f->pool, MAX_TOK, MAX_COLS) != TS_OK) {
        return -1;
    }
    f->seed = 1;
    f->blocks = malloc((size_t)MAX_ROWS * MAX_COLS * 4);
    f->weights = malloc((size_t)MAX_ROWS * MAX_COLS * sizeof(float));
    f->x = malloc((size_t)MAX_TOK * MAX_COLS * sizeof(float));
    f->y = malloc((size_t)MAX_TOK * MAX_ROWS * sizeof(float));
    f->expected = malloc((size_t)MAX_TOK * MAX_ROWS * sizeof(float));
    return f->blocks && f->weights && f->x && f->y && f->expected ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ts_matmul_space_destroy(f->space);
    ts_pool_destroy(f->pool);
    free(f->blocks);
    free(f->weights);
    free(f->x);
    free(f->y);
    free(f->expected);
    free(f);
    return 0;
}

/* Skips visibly on a machine that lacks the instructions. */
static struct fixture *usable(void **state)
{
    struct fixture *f = *state;
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    if ((f->kernel->needs & ~cpu.features) != 0) {
        print_message("%s: this machine cannot run it (%s)\n", variant, f->kernel->needs_text);
        skip();
    }
    return f;
}

/* Random quants under scales that are small powers of two, some negative, some zero. */
static void fill_weights(struct fixture *f, const struct ts_quant_format *format, uint32_t rows, uint32_t cols)
{
    static const float scales[] = {1.0F, -1.0F, 0.5F, 2.0F, 1.0F, -0.5F, 0.0F, 1.0F};
    size_t n_blocks = (size_t)rows * cols / format->block_cols;
    for (size_t b = 0; b < n_blocks; b++) {
        uint8_t *block = f->blocks + b * format->block_bytes;
        for (uint32_t i = 2; i < format->block_bytes; i++) {
            block[i] = (uint8_t)(next_u64(&f->seed) >> 40);
        }
        ts_quant_store_u16(block, ts_half_from_float(scales[next_below(&f->seed, COUNT(scales))]));
    }
    format->dequantize(f->weights, f->blocks, (size_t)rows * cols);
}

static void fill_integers(struct fixture *f, uint32_t n_tok, uint32_t cols)
{
    for (size_t i = 0; i < (size_t)n_tok * cols; i++) {
        f->x[i] = (float)((int)next_below(&f->seed, 255) - 127);
        f->x[i] = i % 32 == (i / 32) % 32 ? 127.0F : f->x[i];
    }
}

static void multiply(struct fixture *f, enum ts_quant quant, uint32_t rows, uint32_t cols, uint32_t n_tok)
{
    struct ts_matrix matrix;
    assert_int_equal(ts_matrix_create(&matrix, f->kernel, quant, f->blocks, rows, cols), TS_OK);
    for (size_t i = 0; i < (size_t)n_tok * rows; i++) {
        f->y[i] = -12345.0F;
    }
    ts_matmul(f->space, f->y, rows, &matrix, f->x, cols, n_tok);
    ts_matrix_deinit(&matrix);
}

static double exact(const struct fixture *f, uint32_t row, uint32_t tok, uint32_t cols, double *magnitude)
{
    double sum = 0.0;
    *magnitude = 0.0;
    for (uint32_t k = 0; k < cols; k++) {
        double product = (double)f->weights[(size_t)row * cols + k] * (double)f->x[(size_t)tok * cols + k];
        sum += product;
        *magnitude += fabs(product);
    }
    return sum;
}

static void check_exact(struct fixture *f, enum ts_quant quant, uint32_t rows, uint32_t cols, uint32_t n_tok)
{
    multiply(f, quant, rows, cols, n_tok);
    for (uint32_t t = 0; t < n_tok; t++) {
        for (uint32_t r = 0; r < rows; r++) {
            double magnitude;
            double expected = exact(f, r, t, cols, &magnitude);
            assert_true(fabs(expected) < 0x1p23);
            if ((double)f->y[(size_t)t * rows + r] != expected) {
                fail_msg("%s %s %ux%u, %u tokens: row %u of token %u is %.1f, not %.1f", variant, ts_quant_format(quant)->name,
                         (unsigned)rows, (unsigned)cols, (unsigned)n_tok, (unsigned)r, (unsigned)t, (double)f->y[(size_t)t * rows + r],
                         expected);
            }
        }
    }
}

static void test_kernel_variants__integer_part_is_exact_at_every_edge_shape(void **state)
{
    struct fixture *f = usable(state);
    for (size_t i = 0; i < f->kernel->n_formats; i++) {
        enum ts_quant quant = f->kernel->formats[i].quant;
        for (size_t r = 0; r < COUNT(some_rows); r++) {
            for (size_t c = 0; c < COUNT(some_cols); c++) {
                if (some_cols[c] % ts_quant_format(quant)->block_cols != 0) {
                    continue;
                }
                fill_weights(f, ts_quant_format(quant), some_rows[r], some_cols[c]);
                fill_integers(f, MAX_TOK, some_cols[c]);
                for (size_t n = 0; n < COUNT(some_n_tok); n++) {
                    check_exact(f, quant, some_rows[r], some_cols[c], some_n_tok[n]);
                }
            }
        }
    }
}

static void test_kernel_variants__integer_part_is_exact_at_the_extremes(void **state)
{
    struct fixture *f = usable(state);
    static const uint8_t bytes[] = {0x80, 0x7F, 0x81, 0xFF, 0x00, 0xF0, 0x0F, 0x88};
    static const int signs[][2] = {{127, 127}, {-127, -127}, {127, -127}};
    for (size_t i = 0; i < f->kernel->n_formats; i++) {
        enum ts_quant quant = f->kernel->formats[i].quant;
        const struct ts_quant_format *format = ts_quant_format(quant);
        for (size_t b = 0; b < COUNT(bytes); b++) {
            for (size_t s = 0; s < COUNT(signs); s++) {
                memset(f->blocks, bytes[b], (size_t)format->block_bytes * 17);
                for (size_t r = 0; r < 17; r++) {
                    ts_quant_store_u16(f->blocks + r * format->block_bytes, 0x3C00);
                }
                format->dequantize(f->weights, f->blocks, (size_t)17 * format->block_cols);
                for (size_t k = 0; k < (size_t)MAX_TOK * format->block_cols; k++) {
                    f->x[k] = (float)signs[s][k % 2];
                }
                check_exact(f, quant, 17, format->block_cols, 1);
                check_exact(f, quant, 17, format->block_cols, 6);
                check_exact(f, quant, 17, format->block_cols, MAX_TOK);
            }
        }
    }
}

/* Against exact arithmetic on the same quantized numbers: n_blocks additions and two roundings per block, each 2^-24 of the magnitudes' sum;
 * activations are off by at most half a scale, which the second part of the bound allows for. */
static void test_kernel_variants__floats_stay_within_the_bound_of_the_reference(void **state)
{
    struct fixture *f = usable(state);
    const struct ts_kernel *reference = ts_kernel_at(ts_kernel_count() - 1);
    const uint32_t rows = 33, cols = 1024;
    for (size_t i = 0; i < f->kernel->n_formats; i++) {
        enum ts_quant quant = f->kernel->formats[i].quant;
        const struct ts_quant_format *format = ts_quant_format(quant);
        for (size_t k = 0; k < (size_t)rows * cols; k++) {
            f->weights[k] = next_normal(&f->seed) * 0.02F;
        }
        format->quantize(f->blocks, f->weights, (size_t)rows * cols);
        format->dequantize(f->weights, f->blocks, (size_t)rows * cols);
        for (size_t k = 0; k < (size_t)MAX_TOK * cols; k++) {
            f->x[k] = next_normal(&f->seed) * (k % 77 == 0 ? 30.0F : 1.0F);
        }
        const struct ts_kernel *kernel = f->kernel;
        f->kernel = reference;
        multiply(f, quant, rows, cols, MAX_TOK);
        memcpy(f->expected, f->y, (size_t)rows * MAX_TOK * sizeof(float));
        f->kernel = kernel;
        multiply(f, quant, rows, cols, MAX_TOK);
        for (uint32_t t = 0; t < MAX_TOK; t++) {
            for (uint32_t r = 0; r < rows; r++) {
                double magnitude;
                (void)exact(f, r, t, cols, &magnitude);
                double bound = magnitude * 1.1 * (cols / 32 + 4) * 0x1p-23;
                assert_true(fabs((double)f->y[t * rows + r] - (double)f->expected[t * rows + r]) <= bound);
            }
        }
    }
}

static void test_kernel_variants__results_do_not_depend_on_the_number_of_threads(void **state)
{
    struct fixture *f = usable(state);
    const uint32_t rows = 48, cols = 2048;
    for (size_t i = 0; i < f->kernel->n_formats; i++) {
        enum ts_quant quant = f->kernel->formats[i].quant;
        fill_weights(f, ts_quant_format(quant), rows, cols);
        for (size_t k = 0; k < (size_t)MAX_TOK * cols; k++) {
            f->x[k] = next_normal(&f->seed);
        }
        multiply(f, quant, rows, cols, MAX_TOK);
        memcpy(f->expected, f->y, (size_t)rows * MAX_TOK * sizeof(float));
        for (uint32_t n_threads = 1; n_threads <= 5; n_threads += 2) {
            struct ts_matmul_space *space = f->space;
            struct ts_pool *pool;
            assert_int_equal(ts_pool_create(&pool, n_threads), TS_OK);
            assert_int_equal(ts_matmul_space_create(&f->space, pool, MAX_TOK, MAX_COLS), TS_OK);
            multiply(f, quant, rows, cols, MAX_TOK);
            assert_memory_equal(f->y, f->expected, (size_t)rows * MAX_TOK * sizeof(float));
            ts_matmul_space_destroy(f->space);
            ts_pool_destroy(pool);
            f->space = space;
        }
    }
}

static void test_kernel_variants__y_and_x_may_be_parts_of_wider_arrays(void **state)
{
    struct fixture *f = usable(state);
    const uint32_t rows = 17, cols = 64, n_tok = 7, ld_y = 20, ld_x = 70;
    for (size_t i = 0; i < f->kernel->n_formats; i++) {
        enum ts_quant quant = f->kernel->formats[i].quant;
        if (cols % ts_quant_format(quant)->block_cols != 0) {
            continue;
        }
        fill_weights(f, ts_quant_format(quant), rows, cols);
        fill_integers(f, n_tok, cols);
        multiply(f, quant, rows, cols, n_tok);
        static float x[7 * 70], y[7 * 20];
        for (uint32_t t = 0; t < n_tok; t++) {
            memcpy(x + t * ld_x, f->x + t * cols, cols * sizeof *x);
        }
        for (size_t k = 0; k < COUNT(y); k++) {
            y[k] = -7.0F;
        }
        struct ts_matrix matrix;
        assert_int_equal(ts_matrix_create(&matrix, f->kernel, quant, f->blocks, rows, cols), TS_OK);
        ts_matmul(f->space, y, ld_y, &matrix, x, ld_x, n_tok);
        ts_matrix_deinit(&matrix);
        for (uint32_t t = 0; t < n_tok; t++) {
            assert_memory_equal(y + t * ld_y, f->y + t * rows, rows * sizeof *y);
            assert_true(y[t * ld_y + rows] == -7.0F);
        }
    }
}

int main(int argc, char **argv)
{
    variant = argc > 1 ? argv[1] : "ref";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_variants__integer_part_is_exact_at_every_edge_shape),
        cmocka_unit_test(test_kernel_variants__integer_part_is_exact_at_the_extremes),
        cmocka_unit_test(test_kernel_variants__floats_stay_within_the_bound_of_the_reference),
        cmocka_unit_test(test_kernel_variants__results_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(test_kernel_variants__y_and_x_may_be_parts_of_wider_arrays),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
