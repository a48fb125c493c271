/* Matrix product with weights that are floats of 32 or 16 bits: tiny models in full precision, and F16 and BF16 files.
 * y[tok][row] = sum over col of W[row][col] * x[tok][col], each a chain of float additions in the order of the columns,
 * whatever the threads and tokens. */
#ifndef TS_ENGINE_FLOAT_MATRIX_H
#define TS_ENGINE_FLOAT_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "engine/vector_ops.h"
#include "kernels/pool.h"

enum ts_float_type { TS_FLOAT_F32, TS_FLOAT_F16, TS_FLOAT_BF16 };

struct ts_float_matrix {
    enum ts_float_type type;
    uint32_t rows, cols, n_groups;
    uint8_t *packed; /* [n_groups][cols][64 rows]; rows beyond the matrix are zero */
    size_t packed_bytes;
};

/* "F32", "F16", "BF16"; false for any other. */
bool ts_float_type_by_name(enum ts_float_type *out, const char *name);
void ts_float_type_widen(const struct ts_vector_ops *ops, enum ts_float_type type, float *out, const uint8_t *in,
                         size_t n);

/* From rows x cols values as GGUF stores them; rows, cols > 0. TS_ENOMEM. */
enum ts_status ts_float_matrix_create(struct ts_float_matrix *out, enum ts_float_type type, const uint8_t *values,
                                      uint32_t rows, uint32_t cols);
void ts_float_matrix_deinit(struct ts_float_matrix *matrix);

/* As ts_matmul, n_tok > 0; without working memory of its own. */
void ts_float_matmul(const struct ts_vector_ops *ops, struct ts_pool *pool, float *y, size_t ld_y,
                     const struct ts_float_matrix *matrix, const float *x, size_t ld_x, uint32_t n_tok);

#endif
