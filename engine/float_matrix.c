/* Hides the packing of float weights: groups of 64 rows, column by column, which is the panel that ts_vector_ops.panel
 * multiplies with. 16-bit weights are widened PANEL_COLS columns at a time, into the first-level cache, and used by all
 * tokens of a tile. */
#include "engine/float_matrix.h"

#include <stdatomic.h>
#include <string.h>

#include "kernels/formats/half.h"
#include "kernels/pages.h"

enum { ROWS = TS_VECTOR_PANEL_COLS, PANEL_COLS = 64, TILE_TOK = 32 };

struct float_job {
    const struct ts_vector_ops *ops;
    const struct ts_float_matrix *matrix;
    const float *x;
    float *y;
    size_t ld_x, ld_y;
    uint32_t n_tok;
    atomic_uint next;
};

bool ts_float_type_by_name(enum ts_float_type *out, const char *name)
{
    static const char *const names[] = {[TS_FLOAT_F32] = "F32", [TS_FLOAT_F16] = "F16", [TS_FLOAT_BF16] = "BF16"};
    for (int i = TS_FLOAT_F32; i <= TS_FLOAT_BF16; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (enum ts_float_type)i;
            return true;
        }
    }
    return false;
}

static uint32_t type_bytes(enum ts_float_type type)
{
    return type == TS_FLOAT_F32 ? 4 : 2;
}

void ts_float_type_widen(const struct ts_vector_ops *ops, enum ts_float_type type, float *out, const uint8_t *in,
                         size_t n)
{
    uint16_t halves[64];
    switch (type) {
    case TS_FLOAT_F32:
        memcpy(out, in, n * sizeof *out);
        return;
    case TS_FLOAT_F16:
        for (size_t i = 0; i < n; i += 64) {
            size_t step = n - i < 64 ? n - i : 64;
            memcpy(halves, in + 2 * i, 2 * step);
            ops->widen_f16(out + i, step, halves, step, 1, (uint32_t)step);
        }
        return;
    case TS_FLOAT_BF16:
        for (size_t i = 0; i < n; i++) {
            uint16_t value;
            memcpy(&value, in + 2 * i, sizeof value);
            out[i] = ts_bfloat_to_float(value);
        }
        return;
    }
}

enum ts_status ts_float_matrix_create(struct ts_float_matrix *out, enum ts_float_type type, const uint8_t *values,
                                      uint32_t rows, uint32_t cols)
{
    struct ts_float_matrix matrix = {.type = type, .rows = rows, .cols = cols, .n_groups = (rows + ROWS - 1) / ROWS};
    size_t bytes = type_bytes(type);
    matrix.packed_bytes = (size_t)matrix.n_groups * cols * ROWS * bytes;
    matrix.packed = ts_pages_alloc(matrix.packed_bytes);
    if (!matrix.packed) {
        return TS_ENOMEM;
    }
    for (uint32_t r = 0; r < rows; r++) {
        const uint8_t *from = values + (size_t)r * cols * bytes;
        uint8_t *to = matrix.packed + ((size_t)(r / ROWS) * cols * ROWS + r % ROWS) * bytes;
        for (uint32_t c = 0; c < cols; c++) {
            memcpy(to + (size_t)c * ROWS * bytes, from + c * bytes, bytes);
        }
    }
    *out = matrix;
    return TS_OK;
}

void ts_float_matrix_deinit(struct ts_float_matrix *matrix)
{
    ts_pages_free(matrix->packed, matrix->packed_bytes);
    matrix->packed = NULL;
}

static void store_rows(const struct float_job *job, float sums[TILE_TOK][ROWS], uint32_t group, uint32_t first_tok,
                       uint32_t n_tok)
{
    uint32_t first = group * ROWS;
    uint32_t rows = job->matrix->rows - first < ROWS ? job->matrix->rows - first : ROWS;
    for (uint32_t t = 0; t < n_tok; t++) {
        memcpy(job->y + (first_tok + t) * job->ld_y + first, sums[t], rows * sizeof(float));
    }
}

static void tile_of_group(const struct float_job *job, uint32_t group, uint32_t first_tok, uint32_t n_tok)
{
    float sums[TILE_TOK][ROWS];
    float panel[PANEL_COLS * ROWS];
    const struct ts_float_matrix *matrix = job->matrix;
    size_t bytes = type_bytes(matrix->type);
    const uint8_t *packed = matrix->packed + (size_t)group * matrix->cols * ROWS * bytes;
    for (uint32_t c = 0; c < matrix->cols; c += PANEL_COLS) {
        uint32_t cols = matrix->cols - c < PANEL_COLS ? matrix->cols - c : PANEL_COLS;
        ts_float_type_widen(job->ops, matrix->type, panel, packed + (size_t)c * ROWS * bytes, (size_t)cols * ROWS);
        job->ops->panel(sums[0], ROWS, job->x + first_tok * job->ld_x + c, job->ld_x, panel, ROWS, n_tok, cols, c > 0);
    }
    store_rows(job, sums, group, first_tok, n_tok);
}

static void float_worker(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)worker;
    (void)n_workers;
    struct float_job *job = user;
    for (;;) {
        uint32_t group = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
        if (group >= job->matrix->n_groups) {
            return;
        }
        for (uint32_t t = 0; t < job->n_tok; t += TILE_TOK) {
            tile_of_group(job, group, t, job->n_tok - t < TILE_TOK ? job->n_tok - t : TILE_TOK);
        }
    }
}

void ts_float_matmul(const struct ts_vector_ops *ops, struct ts_pool *pool, float *y, size_t ld_y,
                     const struct ts_float_matrix *matrix, const float *x, size_t ld_x, uint32_t n_tok)
{
    struct float_job job = {.ops = ops, .matrix = matrix, .x = x, .y = y, .ld_x = ld_x, .ld_y = ld_y, .n_tok = n_tok};
    atomic_init(&job.next, 0);
    ts_pool_run(pool, float_worker, &job);
}
