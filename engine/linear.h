/* A linear map of the model, y = W x: one or more matrices stacked by rows, each in its own format (a fused q, k, v
 * whose parts a file keeps in different formats stays in parts). */
#ifndef TS_ENGINE_LINEAR_H
#define TS_ENGINE_LINEAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "engine/float_matrix.h"
#include "engine/weight_source.h"
#include "kernels/matmul.h"

enum { TS_LINEAR_MAX_PARTS = 3 };

struct ts_linear_part {
    const struct ts_gguf_type *type;
    uint32_t rows;
    struct ts_matrix quantized; /* packed = NULL for a float type */
    struct ts_float_matrix floats;
};

struct ts_linear {
    uint32_t rows, cols, n_parts;
    struct ts_linear_part parts[TS_LINEAR_MAX_PARTS];
};

/* One tensor of a stack. */
struct ts_linear_tensor {
    const struct ts_tensor *tensor;
    uint32_t unpair_dim; /* > 0: rows are heads of that size whose rotated pairs are neighbours; they become (i, i +
                            dim/2) */
};

/* What maps are computed with. `isa`: NULL = the best for this machine. */
struct ts_linear_tools {
    const struct ts_vector_ops *ops;
    uint32_t features; /* TS_CPU_ bits */
    const char *isa;
};

/* Stacks tensors of equal width; neighbours of one type become one matrix. Thread-safe. TS_EUNSUPPORTED with a
 * diagnostic, TS_ENOMEM. */
enum ts_status ts_linear_create(struct ts_linear *out, const struct ts_linear_tools *tools,
                                const struct ts_weight_source *source, const struct ts_linear_tensor *tensors,
                                uint32_t n_tensors, struct ts_diags *diags);
void ts_linear_deinit(struct ts_linear *linear);
size_t ts_linear_bytes(const struct ts_linear *linear);

/* As ts_matmul. */
void ts_linear_apply(const struct ts_linear *linear, const struct ts_vector_ops *ops, struct ts_matmul_space *space,
                     struct ts_pool *pool, float *y, size_t ld_y, const float *x, size_t ld_x, uint32_t n_tok);

/* The kernel of the first quantized part, or NULL. */
const struct ts_kernel *ts_linear_kernel(const struct ts_linear *linear);

#endif
