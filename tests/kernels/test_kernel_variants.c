/* One kernel variant, named on the command line (the reference without a name), against arithmetic done here.
 *
 * How the integer part is shown to be exact: the activations are integers with a largest magnitude of 127 in each
 * block, so that their scale is 1, and the weights' scales are powers of two. Then every product and every sum is a
 * multiple of 1/2 below 2^23, float arithmetic is exact, and a result has the right bits only if every integer
 * accumulator had. A single block per row shows each accumulator by itself, at the extremes of what fits. Blocks of 256
 * weights have scales that are whole numbers, and sums below 2^24. Weights of 16 bits are multiples of 1/2 below 32,
 * which makes their sums exact in any order; BF16 holds the activations as they are. */
#include "kernels_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/formats/half.h"
#include "kernels/matmul.h"

static const uint32_t some_rows[] = {1, 15, 16, 17, 31, 33, 48};
static const uint32_t some_cols[] = {32, 64, 96, 256, 768, 2080};
static const uint32_t some_n_tok[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 33, 47, 48, 49, 50, 67, 80, 83};

enum { MAX_ROWS = 48, MAX_COLS = 2080, MAX_TOK = 83 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
    const struct ts_kernel *kernel;
    struct ts_pool *pool;
    struct ts_matmul_space *space;
    uint8_t *blocks;
    float *weights;    /* dequantized */
    float *magnitudes; /* of the parts that a weight is made of */
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
    f->magnitudes = malloc((size_t)MAX_ROWS * MAX_COLS * sizeof(float));
    f->x = malloc((size_t)MAX_TOK * MAX_COLS * sizeof(float));
    f->y = malloc((size_t)MAX_TOK * MAX_ROWS * sizeof(float));
    f->expected = malloc((size_t)MAX_TOK * MAX_ROWS * sizeof(float));
    return f->blocks && f->weights && f->magnitudes && f->x && f->y && f->expected ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ts_matmul_space_destroy(f->space);
    ts_pool_destroy(f->pool);
    free(f->blocks);
    free(f->weights);
    free(f->magnitudes);
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

/* Where the f16 scales of a block stand. */
static void set_scales(uint8_t *block, const struct ts_quant_format *format, float d, float dmin)
{
    ts_quant_store_u16(block + (format->id == TS_QUANT_Q6_K ? 208 : 0), ts_half_from_float(d));
    if (format->id == TS_QUANT_Q4_K) {
        ts_quant_store_u16(block + 2, ts_half_from_float(dmin));
    }
}

/* Fills in weights and magnitudes from the blocks: with Q4_K, the two parts are rounded one by one. */
static void take_blocks(struct fixture *f, const struct ts_quant_format *format, size_t n)
{
    format->dequantize(f->weights, f->blocks, n);
    for (size_t i = 0; i < n; i++) {
        f->magnitudes[i] = fabsf(f->weights[i]);
    }
    for (size_t b = 0; format->id == TS_QUANT_Q4_K && b < n / 256; b++) {
        uint8_t *block = f->blocks + b * format->block_bytes;
        float d = ts_half_to_float(ts_quant_load_u16(block)), minima[256];
        ts_quant_store_u16(block, 0);
        format->dequantize(minima, block, 256);
        ts_quant_store_u16(block, ts_half_from_float(d));
        for (size_t i = 0; i < 256; i++) {
            f->magnitudes[b * 256 + i] = fabsf(f->weights[b * 256 + i] - minima[i]) + fabsf(minima[i]);
        }
    }
}

/* Multiples of 1/2. */
static void fill_halves(struct fixture *f, const struct ts_quant_format *format, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        f->weights[i] = (float)((int)next_below(&f->seed, 127) - 63) * 0.5F;
    }
    format->quantize(f->blocks, f->weights, n);
    take_blocks(f, format, n);
}

/* A variant that dequantizes to BF16 holds the weights of the smaller formats as they are if their scales are powers of
 * two. */
static bool rounds_weights(const struct fixture *f, enum ts_quant quant)
{
    return ts_kernel_format(f->kernel, quant)->act->kind == TS_ACT_RAISED_BFLOAT &&
           ts_quant_format(quant)->block_cols > 32;
}

/* What scales are multiplied by: such a variant takes weights up to 255 only. */
static float unit_of(const struct fixture *f, enum ts_quant quant)
{
    const bool small = ts_kernel_format(f->kernel, quant)->act->kind == TS_ACT_RAISED_BFLOAT;
    return !small ? 1.0F : ts_quant_format(quant)->block_cols > 32 ? 0x1p-4F : 0.5F;
}

/* Random quants under scales that are small powers of two, some negative, some zero. With larger blocks the scales
 * inside them make the sums large: all are whole numbers then, and Q6_K's are halved where there are many. */
static void fill_weights(struct fixture *f, const struct ts_quant_format *format, uint32_t rows, uint32_t cols)
{
    const float unit = unit_of(f, format->id);
    static const float small[] = {1.0F, -1.0F, 0.5F, 2.0F, 1.0F, -0.5F, 0.0F, 1.0F};
    static const float large[] = {1.0F, -1.0F, 0.0F, 1.0F};
    if (format->block_cols == 1) {
        fill_halves(f, format, (size_t)rows * cols);
        return;
    }
    size_t n_blocks = (size_t)rows * cols / format->block_cols;
    for (size_t b = 0; b < n_blocks; b++) {
        uint8_t *block = f->blocks + b * format->block_bytes;
        for (uint32_t i = 0; i < format->block_bytes; i++) {
            block[i] = (uint8_t)(next_u64(&f->seed) >> 40);
            if (format->id == TS_QUANT_Q6_K && i >= 192 && cols > 256) {
                block[i] = (uint8_t)((int8_t)block[i] / 2);
            }
        }
        if (format->block_cols == 32) {
            set_scales(block, format, unit * small[next_below(&f->seed, COUNT(small))], 0.0F);
        } else {
            set_scales(block, format, unit * large[next_below(&f->seed, COUNT(large))],
                       unit * large[next_below(&f->seed, COUNT(large))]);
        }
    }
    take_blocks(f, format, (size_t)rows * cols);
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
        *magnitude += (double)f->magnitudes[(size_t)row * cols + k] * fabs((double)f->x[(size_t)tok * cols + k]);
    }
    return sum;
}

static void check_exact(struct fixture *f, enum ts_quant quant, uint32_t rows, uint32_t cols, uint32_t n_tok)
{
    const double limit = ts_quant_format(quant)->block_cols == 256 ? 0x1p24 : 0x1p23;
    multiply(f, quant, rows, cols, n_tok);
    for (uint32_t t = 0; t < n_tok; t++) {
        for (uint32_t r = 0; r < rows; r++) {
            double magnitude;
            double expected = exact(f, r, t, cols, &magnitude);
            assert_true(fabs(expected) < limit);
            if ((double)f->y[(size_t)t * rows + r] != expected) {
                fail_msg("%s %s %ux%u, %u tokens: row %u of token %u is %.1f, not %.1f", variant,
                         ts_quant_format(quant)->name, (unsigned)rows, (unsigned)cols, (unsigned)n_tok, (unsigned)r,
                         (unsigned)t, (double)f->y[(size_t)t * rows + r], expected);
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
                if (some_cols[c] % ts_quant_format(quant)->block_cols != 0 || rounds_weights(f, quant)) {
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

/* Of block number `row`, two neighbouring parts get the largest scales, all others none: more would not fit a float. */
static void set_extreme_parts(uint8_t *block, const struct ts_quant_format *format, size_t row)
{
    size_t part = row % 8;
    if (format->id == TS_QUANT_Q6_K) {
        memset(block + 192, 0, 16);
        block[192 + part * 2] = 0x80;
        block[192 + part * 2 + 1] = row < 8 ? 0x80 : 0x7F;
    } else if (format->id == TS_QUANT_Q4_K) {
        size_t other = (part + 1) % 8;
        memset(block + 4, 0, 12);
        block[4 + part % 4] = part < 4 ? 0x3F : 0xC0;
        block[12 + part % 4] = part < 4 ? 0 : 0x0F;
        block[8 + other % 4] = other < 4 ? 0x3F : 0xC0;
        block[12 + other % 4] = (uint8_t)(block[12 + other % 4] | (other < 4 ? 0 : 0xF0));
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
        if (f->kernel->formats[i].act->kind != TS_ACT_INT8) {
            continue;
        }
        for (size_t b = 0; b < COUNT(bytes); b++) {
            for (size_t s = 0; s < COUNT(signs); s++) {
                memset(f->blocks, bytes[b], (size_t)format->block_bytes * 17);
                for (size_t r = 0; r < 17; r++) {
                    set_extreme_parts(f->blocks + r * format->block_bytes, format, r);
                    set_scales(f->blocks + r * format->block_bytes, format, 1.0F, -1.0F);
                }
                take_blocks(f, format, (size_t)17 * format->block_cols);
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

/* What all variants of a format can hold, so that they multiply the same numbers. */
static void round_activations(struct fixture *f, enum ts_quant quant, size_t n)
{
    for (size_t k = 0; quant == TS_QUANT_BF16 && k < n; k++) {
        f->x[k] = ts_bfloat_to_float(ts_bfloat_from_float(f->x[k]));
    }
}

/* Roundings of a sum: two per block, three with minima; with weights of 16 bits two per column. */
static uint32_t roundings(enum ts_quant quant, uint32_t cols)
{
    return ts_quant_format(quant)->block_cols == 1 ? cols : quant == TS_QUANT_Q4_K ? cols / 16 : cols / 32;
}

/* Against the reference on the same numbers: each rounding is 2^-24 of the magnitudes' sum at most, on both sides. A
 * variant that rounds weights and activations to BF16 is held against the exact result: 2^-9 of a product for each of
 * them, 2^-12 for each FP16 rounding before. */
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
        take_blocks(f, format, (size_t)rows * cols);
        for (size_t k = 0; k < (size_t)MAX_TOK * cols; k++) {
            f->x[k] = next_normal(&f->seed) * (k % 77 == 0 ? 30.0F : 1.0F);
        }
        round_activations(f, quant, (size_t)MAX_TOK * cols);
        const bool rounds = f->kernel->formats[i].act->kind != TS_ACT_INT8 && format->block_cols > 1;
        const struct ts_kernel *kernel = f->kernel;
        f->kernel = reference;
        multiply(f, quant, rows, cols, MAX_TOK);
        memcpy(f->expected, f->y, (size_t)rows * MAX_TOK * sizeof(float));
        f->kernel = kernel;
        multiply(f, quant, rows, cols, MAX_TOK);
        for (uint32_t t = 0; t < MAX_TOK; t++) {
            for (uint32_t r = 0; r < rows; r++) {
                double magnitude;
                double sum = exact(f, r, t, cols, &magnitude);
                double bound = rounds ? magnitude * (2.0 * 0x1p-9 + 3.0 * 0x1p-12 + cols * 0x1p-23)
                                      : magnitude * 1.1 * (roundings(quant, cols) + 4) * 0x1p-23;
                double expected = rounds ? sum : (double)f->expected[t * rows + r];
                assert_true(fabs((double)f->y[t * rows + r] - expected) <= bound);
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

/* Tokens [0, n) of the most that are computed in the same arithmetic as n are, to `expected`. */
static void expect_of_most(struct fixture *f, enum ts_quant quant, uint32_t rows, uint32_t cols, uint32_t n)
{
    uint32_t few = ts_kernel_format(f->kernel, quant)->few_tok;
    multiply(f, quant, rows, cols, n <= few ? few : MAX_TOK);
    memcpy(f->expected, f->y, (size_t)rows * n * sizeof(float));
}

/* Few tokens go straight from packed weights, many through panels, some variants with other instructions: to the bit
 * the same, unless the variant says otherwise (`few_tok`). */
static void test_kernel_variants__a_result_does_not_depend_on_how_many_tokens_are_computed(void **state)
{
    struct fixture *f = usable(state);
    const uint32_t rows = 48, cols = 2048;
    for (size_t i = 0; i < f->kernel->n_formats; i++) {
        enum ts_quant quant = f->kernel->formats[i].quant;
        fill_weights(f, ts_quant_format(quant), rows, cols);
        for (size_t k = 0; k < (size_t)MAX_TOK * cols; k++) {
            f->x[k] = next_normal(&f->seed);
        }
        for (size_t n = 0; n < COUNT(some_n_tok); n++) {
            expect_of_most(f, quant, rows, cols, some_n_tok[n]);
            multiply(f, quant, rows, cols, some_n_tok[n]);
            assert_memory_equal(f->y, f->expected, (size_t)rows * some_n_tok[n] * sizeof(float));
        }
    }
}

/* Weights up to 255 fit every variant; of larger ones a variant says that it does not take them, or computes them. */
static void test_kernel_variants__large_weights_are_computed_or_refused(void **state)
{
    struct fixture *f = usable(state);
    const uint32_t rows = 3, cols = 256;
    for (size_t i = 0; i < f->kernel->n_formats; i++) {
        enum ts_quant quant = f->kernel->formats[i].quant;
        const struct ts_quant_format *format = ts_quant_format(quant);
        for (int octave = 5; octave <= 12; octave += 7) {
            struct ts_matrix matrix;
            for (uint32_t k = 0; k < rows * cols; k++) {
                f->weights[k] = ldexpf((k % 2 == 0 ? 1.0F : -1.0F) * (float)(1 + k % 3) / 3.0F, octave);
            }
            for (uint32_t k = 0; k < cols; k++) {
                f->x[k] = 1.0F + (float)(k % 2);
            }
            format->quantize(f->blocks, f->weights, (size_t)rows * cols);
            take_blocks(f, format, (size_t)rows * cols);
            enum ts_status status = ts_matrix_create(&matrix, f->kernel, quant, f->blocks, rows, cols);
            if (status != TS_OK) {
                assert_int_equal(status, TS_EUNSUPPORTED);
                assert_true(octave == 12);
                continue;
            }
            double magnitude, expected = exact(f, 2, 0, cols, &magnitude);
            ts_matmul(f->space, f->y, rows, &matrix, f->x, cols, 1);
            assert_true(fabs((double)f->y[2] - expected) < 0.01 * magnitude);
            ts_matrix_deinit(&matrix);
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
        cmocka_unit_test(test_kernel_variants__a_result_does_not_depend_on_how_many_tokens_are_computed),
        cmocka_unit_test(test_kernel_variants__large_weights_are_computed_or_refused),
        cmocka_unit_test(test_kernel_variants__y_and_x_may_be_parts_of_wider_arrays),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
