/* Hides how much memory the weights of a benchmark take and what stands in them. SAMPLE_ROWS rows are drawn and
 * quantized; the matrix repeats them, since a product takes the same time whatever the numbers are. */
#include "kernels/bench/bench_weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "kernels/pages.h"
#include "measure/spread.h"

enum { SAMPLE_ROWS = 64 };

void ts_bench_fill_normal(float *out, size_t n, uint64_t seed)
{
    struct ts_rng rng;
    ts_rng_init(&rng, seed, 0, 0, 0);
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)ts_rng_normal(&rng);
    }
}

static uint64_t packed_bytes(const struct ts_kernel_format *format, const struct ts_matmul_shape *shape)
{
    uint64_t groups = (shape->rows + format->group_rows - 1) / format->group_rows;
    return groups * (shape->cols / TS_ACT_COLS) * format->block_bytes;
}

/* Copies of a shape, when all copies of all shapes would take `all` bytes and may take `allowed`. */
static uint32_t n_copies(uint32_t count, uint64_t all, uint64_t allowed)
{
    if (all <= allowed) {
        return count;
    }
    uint32_t n = (uint32_t)((double)count * ((double)allowed / (double)all));
    return n > 0 ? n : 1;
}

static enum ts_status create_first(struct ts_bench_weights *weights, struct ts_matrix *out, const float *sample,
                                   const struct ts_kernel *kernel, enum ts_quant quant,
                                   const struct ts_matmul_shape *shape)
{
    const struct ts_quant_format *format = ts_quant_format(quant);
    if (shape->cols % format->block_cols != 0 || shape->cols % TS_ACT_COLS != 0) {
        return TS_ERANGE;
    }
    size_t row_bytes = ts_quant_row_bytes(format, shape->cols);
    size_t all_bytes = row_bytes * shape->rows;
    uint8_t *blocks = ts_pages_alloc(all_bytes);
    if (!blocks) {
        return TS_ENOMEM;
    }
    for (uint32_t row = 0; row < shape->rows; row++) {
        uint8_t *at = blocks + row_bytes * row;
        if (row < SAMPLE_ROWS) {
            format->quantize(at, sample + (size_t)row * shape->cols, shape->cols);
        } else {
            memcpy(at, at - row_bytes * SAMPLE_ROWS, row_bytes);
        }
    }
    double start = ts_clock_now_s();
    enum ts_status status = ts_matrix_create(out, kernel, quant, blocks, shape->rows, shape->cols);
    weights->pack_s += ts_clock_now_s() - start;
    weights->pack_bytes += all_bytes;
    ts_pages_free(blocks, all_bytes);
    return status;
}

static enum ts_status create_floats(struct ts_bench_shape_weights *weights, const float *sample,
                                    const struct ts_matmul_shape *shape)
{
    size_t row_floats = shape->cols;
    weights->floats_bytes = row_floats * shape->rows * sizeof(float);
    weights->floats = ts_pages_alloc(weights->floats_bytes);
    if (!weights->floats) {
        return TS_ENOMEM;
    }
    for (uint32_t row = 0; row < shape->rows; row++) {
        memcpy(weights->floats + row * row_floats, sample + (row % SAMPLE_ROWS) * row_floats,
               row_floats * sizeof(float));
    }
    return TS_OK;
}

static enum ts_status create_shape(struct ts_bench_weights *weights, struct ts_bench_shape_weights *out,
                                   struct ts_arena *arena, const float *sample, const struct ts_kernel *kernel,
                                   enum ts_quant quant, const struct ts_matmul_shape *shape, uint32_t n)
{
    out->copies = ts_arena_array(arena, n, sizeof *out->copies);
    if (!out->copies) {
        return TS_ENOMEM;
    }
    enum ts_status status = create_first(weights, &out->copies[0], sample, kernel, quant, shape);
    while (status == TS_OK) {
        weights->held_bytes += out->copies[out->n_copies++].packed_bytes;
        if (out->n_copies == n) {
            break;
        }
        status = ts_matrix_clone(&out->copies[out->n_copies], &out->copies[0]);
    }
    return status;
}

enum ts_status ts_bench_weights_create(struct ts_bench_weights *out, struct ts_arena *arena,
                                       const struct ts_kernel *kernel, enum ts_quant quant,
                                       const struct ts_matmul_shape *shapes, size_t n_shapes, uint64_t memory_bytes,
                                       bool floats)
{
    const struct ts_kernel_format *format = ts_kernel_format(kernel, quant);
    struct ts_bench_weights weights = {.shapes = ts_arena_array(arena, n_shapes, sizeof *weights.shapes),
                                       .n_shapes = n_shapes};
    uint64_t float_bytes = 0;
    uint32_t max_cols = 0;
    for (size_t i = 0; i < n_shapes; i++) {
        weights.model_bytes += packed_bytes(format, &shapes[i]) * shapes[i].count;
        float_bytes += floats ? (uint64_t)shapes[i].rows * shapes[i].cols * sizeof(float) : 0;
        max_cols = shapes[i].cols > max_cols ? shapes[i].cols : max_cols;
    }
    uint64_t allowed = memory_bytes > float_bytes ? memory_bytes - float_bytes : 0;
    float *sample = malloc((size_t)max_cols * SAMPLE_ROWS * sizeof *sample);
    enum ts_status status = sample && weights.shapes ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        ts_bench_fill_normal(sample, (size_t)max_cols * SAMPLE_ROWS, 1);
    }
    for (size_t i = 0; status == TS_OK && i < n_shapes; i++) {
        uint32_t n = n_copies(shapes[i].count, weights.model_bytes, allowed);
        status = create_shape(&weights, &weights.shapes[i], arena, sample, kernel, quant, &shapes[i], n);
        if (status == TS_OK && floats) {
            status = create_floats(&weights.shapes[i], sample, &shapes[i]);
        }
    }
    free(sample);
    if (status != TS_OK) {
        ts_bench_weights_deinit(&weights);
        return status;
    }
    *out = weights;
    return TS_OK;
}

void ts_bench_weights_deinit(struct ts_bench_weights *weights)
{
    for (size_t i = 0; weights->shapes && i < weights->n_shapes; i++) {
        struct ts_bench_shape_weights *shape = &weights->shapes[i];
        for (uint32_t c = 0; c < shape->n_copies; c++) {
            ts_matrix_deinit(&shape->copies[c]);
        }
        ts_pages_free(shape->floats, shape->floats_bytes);
    }
    weights->shapes = NULL;
}
