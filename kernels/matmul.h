/* Quantized matrix product: y[tok][row] = sum over col of W[row][col] * x[tok][col], W in a weight format, x and y
 * float. x is converted on the way to the form that the variant multiplies (kernels/formats/activation.h). Results do
 * not depend on the number of threads; between variants of one form they differ by float rounding only, and on the
 * number of tokens they depend only in a format with few_tok > 0 (kernels/kernel.h). */
#ifndef TS_KERNELS_MATMUL_H
#define TS_KERNELS_MATMUL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "kernels/kernel.h"
#include "kernels/pool.h"

/* Weights packed for one kernel. */
struct ts_matrix {
    const struct ts_kernel *kernel;
    const struct ts_kernel_format *format;
    uint32_t rows, cols, n_blocks, n_groups;
    uint8_t *packed; /* [n_groups][n_blocks][format->block_bytes] */
    size_t packed_bytes;
};

/* Packs rows x cols weights given in GGUF blocks. cols must be a multiple of the format's block and of 32; rows > 0.
 * TS_ERANGE, TS_ENOMEM, TS_EUNSUPPORTED (the kernel does not do the format, or not such large weights). */
enum ts_status ts_matrix_create(struct ts_matrix *out, const struct ts_kernel *kernel, enum ts_quant quant,
                                const uint8_t *blocks, uint32_t rows, uint32_t cols);
/* A copy in memory of its own. */
enum ts_status ts_matrix_clone(struct ts_matrix *out, const struct ts_matrix *matrix);
void ts_matrix_deinit(struct ts_matrix *matrix);

/* Working memory for products of up to max_tok tokens and max_cols columns with that pool. */
struct ts_matmul_space;
enum ts_status ts_matmul_space_create(struct ts_matmul_space **out, struct ts_pool *pool, uint32_t max_tok,
                                      uint32_t max_cols);
void ts_matmul_space_destroy(struct ts_matmul_space *space);

/* y: [n_tok] rows of matrix->rows values, ld_y floats apart; x: [n_tok] rows of matrix->cols finite values, ld_x floats
 * apart. 0 < n_tok <= max_tok, matrix->cols <= max_cols. */
void ts_matmul(struct ts_matmul_space *space, float *y, size_t ld_y, const struct ts_matrix *matrix, const float *x,
               size_t ld_x, uint32_t n_tok);

#endif
