/* Every variant that this processor runs against plain arithmetic, bit by bit, without a test library: for processors
 * that are only emulated. Prints a line per variant and format; exits 1 at the first difference, 2 if a variant named
 * on the command line could not run; without names all that can are run. As in test_kernel_variants.c, scales are
 * powers of two and weights of 16 bits small, so that float arithmetic is exact. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/formats/half.h"
#include "kernels/matmul.h"

enum { MAX_ROWS = 33, MAX_COLS = 544, MAX_TOK = 50 };

static const uint32_t some_rows[] = {1, 15, 16, 17, 33};
static const uint32_t some_cols[] = {32, 96, 256, 544};
static const uint32_t some_n_tok[] = {1, 2, 3, 4, 5, 9, 50};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct data {
    uint8_t blocks[MAX_ROWS * MAX_COLS * 4];
    float weights[MAX_ROWS * MAX_COLS], x[MAX_TOK * MAX_COLS], y[MAX_TOK * MAX_ROWS];
    uint64_t seed;
    struct ts_pool *pool;
    struct ts_matmul_space *space;
};

static uint32_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*state >> 33);
}

/* Multiples of 1/2. */
static void fill_halves(struct data *d, const struct ts_quant_format *format, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        d->weights[i] = (float)((int)(next(&d->seed) % 127) - 63) * 0.5F;
    }
    format->quantize(d->blocks, d->weights, n);
}

static void fill(struct data *d, const struct ts_quant_format *format, uint32_t rows, uint32_t cols)
{
    static const float scales[] = {1.0F, -1.0F, 0.5F, 2.0F, 0.0F};
    if (format->block_cols == 1) {
        fill_halves(d, format, (size_t)rows * cols);
        return;
    }
    bool large = format->block_cols == 256; /* whole scales only, since sums are large */
    uint32_t d_at = format->id == TS_QUANT_Q6_K ? 208 : 0;
    for (size_t b = 0; b < (size_t)rows * cols / format->block_cols; b++) {
        uint8_t *block = d->blocks + b * format->block_bytes;
        for (uint32_t i = 0; i < format->block_bytes; i++) {
            block[i] = b % 7 == 3 ? 0x80 : (uint8_t)next(&d->seed);
        }
        ts_quant_store_u16(block + d_at, ts_half_from_float(scales[next(&d->seed) % (large ? 2 : COUNT(scales))]));
        if (format->id == TS_QUANT_Q4_K) {
            ts_quant_store_u16(block + 2, ts_half_from_float(scales[next(&d->seed) % 2]));
        }
    }
    format->dequantize(d->weights, d->blocks, (size_t)rows * cols);
}

static void fill_x(struct data *d, uint32_t cols)
{
    for (size_t i = 0; i < (size_t)MAX_TOK * cols; i++) {
        d->x[i] = i % 32 == 5 ? -127.0F : (float)((int)(next(&d->seed) % 255) - 127);
    }
}

static bool is_exact(struct data *d, const struct ts_kernel *kernel, enum ts_quant quant, uint32_t rows, uint32_t cols,
                     uint32_t n_tok)
{
    struct ts_matrix matrix;
    if (ts_matrix_create(&matrix, kernel, quant, d->blocks, rows, cols) != TS_OK) {
        return false;
    }
    ts_matmul(d->space, d->y, rows, &matrix, d->x, cols, n_tok);
    ts_matrix_deinit(&matrix);
    for (uint32_t t = 0; t < n_tok; t++) {
        for (uint32_t r = 0; r < rows; r++) {
            double sum = 0.0;
            for (uint32_t k = 0; k < cols; k++) {
                sum += (double)d->weights[r * cols + k] * (double)d->x[t * cols + k];
            }
            if ((double)d->y[t * rows + r] != sum) {
                printf("%s %s %ux%u, %u tokens: row %u of token %u is %g, not %g\n", kernel->name,
                       ts_quant_format(quant)->name, (unsigned)rows, (unsigned)cols, (unsigned)n_tok, (unsigned)r,
                       (unsigned)t, (double)d->y[t * rows + r], sum);
                return false;
            }
        }
    }
    return true;
}

static bool check_format(struct data *d, const struct ts_kernel *kernel, enum ts_quant quant)
{
    const struct ts_quant_format *format = ts_quant_format(quant);
    for (size_t r = 0; r < COUNT(some_rows); r++) {
        for (size_t c = 0; c < COUNT(some_cols); c++) {
            if (some_cols[c] % format->block_cols != 0) {
                continue;
            }
            fill(d, format, some_rows[r], some_cols[c]);
            fill_x(d, some_cols[c]);
            for (size_t n = 0; n < COUNT(some_n_tok); n++) {
                if (!is_exact(d, kernel, quant, some_rows[r], some_cols[c], some_n_tok[n])) {
                    return false;
                }
            }
        }
    }
    printf("%s %s: exact\n", kernel->name, format->name);
    return true;
}

/* Whether the variant is among the names, or there are none. */
static bool is_wanted(const struct ts_kernel *kernel, int n, char **names)
{
    bool found = n == 0;
    for (int i = 0; i < n; i++) {
        found = found || strcmp(kernel->name, names[i]) == 0;
    }
    return found;
}

int main(int argc, char **argv)
{
    static struct data d = {.seed = 1};
    struct ts_cpu cpu;
    int n_ran = 0;
    ts_cpu_detect(&cpu);
    if (ts_pool_create(&d.pool, 2) != TS_OK || ts_matmul_space_create(&d.space, d.pool, MAX_TOK, MAX_COLS) != TS_OK) {
        return EXIT_FAILURE;
    }
    for (size_t k = 0; k < ts_kernel_count(); k++) {
        const struct ts_kernel *kernel = ts_kernel_at(k);
        if ((kernel->needs & ~cpu.features) != 0 || !is_wanted(kernel, argc - 1, argv + 1)) {
            continue;
        }
        n_ran++;
        for (size_t f = 0; f < kernel->n_formats; f++) {
            if (!check_format(&d, kernel, kernel->formats[f].quant)) {
                return EXIT_FAILURE;
            }
        }
    }
    ts_matmul_space_destroy(d.space);
    ts_pool_destroy(d.pool);
    return n_ran >= argc - 1 ? EXIT_SUCCESS : 2;
}
