/* Hides the formats of a stack of matrices, and the order of rotated pairs: files of the llama family keep the two rows
 * of a pair next to each other, the kernels want them half a head apart. Rows are independent in every format, so their
 * order may change on loading. */
#include "engine/linear.h"

#include <string.h>

#include "kernels/pages.h"

/* The row of the file that becomes row `row`. */
static uint32_t unpaired(uint32_t row, uint32_t dim)
{
    uint32_t head = row / dim * dim, at = row % dim, half = dim / 2;
    return head + (at < half ? 2 * at : 2 * (at - half) + 1);
}

static void copy_tensor(uint8_t *out, const struct ts_weight_source *source, const struct ts_linear_tensor *from)
{
    if (from->unpair_dim == 0) {
        ts_weight_source_rows(source, from->tensor, 0, from->tensor->rows, out);
        return;
    }
    for (uint32_t r = 0; r < from->tensor->rows; r++) {
        ts_weight_source_rows(source, from->tensor, unpaired(r, from->unpair_dim), 1,
                              out + r * from->tensor->row_bytes);
    }
}

/* With `kernel`, or where it does not take these weights and was not asked for by name, with the best after it that
 * does. */
static enum ts_status pack_quantized(struct ts_linear_part *part, const struct ts_kernel *kernel,
                                     const struct ts_linear_tools *tools, enum ts_quant quant, const uint8_t *rows,
                                     const struct ts_tensor *first, struct ts_diags *diags)
{
    enum ts_status status = ts_matrix_create(&part->quantized, kernel, quant, rows, part->rows, first->cols);
    const struct ts_kernel *next = kernel;
    while (status == TS_EUNSUPPORTED && !tools->isa && (next = ts_kernel_after(next, tools->features, quant)) != NULL) {
        status = ts_matrix_create(&part->quantized, next, quant, rows, part->rows, first->cols);
    }
    if (status != TS_EUNSUPPORTED) {
        return status;
    }
    return ts_fail(diags, status, ts_span_none(), "leave out --isa: another variant takes them then",
                   "tensor '%s' has weights of type %s that are too large for kernel variant %s", first->name,
                   part->type->name, kernel->name);
}

/* Packs the rows; the kernel is the best that knows the format. Floats that no kernel takes (F32, odd widths, a variant
 * asked for by name that has no floats) go the float path. */
static enum ts_status pack_part(struct ts_linear_part *part, const struct ts_linear_tools *tools, const uint8_t *rows,
                                const struct ts_tensor *first, struct ts_diags *diags)
{
    const uint32_t cols = first->cols;
    const struct ts_quant_format *format = ts_quant_find(part->type->name);
    const char *why = "the format is unknown to the kernels";
    const struct ts_kernel *kernel = format ? ts_kernel_select(tools->features, format->id, tools->isa, &why) : NULL;
    enum ts_float_type type;
    bool is_float = ts_float_type_by_name(&type, part->type->name);
    if (kernel && !(is_float && cols % TS_ACT_COLS != 0)) {
        return pack_quantized(part, kernel, tools, format->id, rows, first, diags);
    }
    if (is_float) {
        return ts_float_matrix_create(&part->floats, type, rows, part->rows, cols);
    }
    return ts_fail(diags, TS_EUNSUPPORTED, ts_span_none(), NULL, "no kernel for weights of type %s%s%s: %s",
                   part->type->name, tools->isa ? " with " : "", tools->isa ? tools->isa : "", why);
}

static enum ts_status create_part(struct ts_linear_part *part, const struct ts_linear_tools *tools,
                                  const struct ts_weight_source *source, const struct ts_linear_tensor *tensors,
                                  uint32_t n, struct ts_diags *diags)
{
    const struct ts_tensor *first = tensors[0].tensor;
    part->type = first->type;
    part->rows = 0;
    for (uint32_t i = 0; i < n; i++) {
        part->rows += tensors[i].tensor->rows;
    }
    if (n == 1 && first->data && tensors[0].unpair_dim == 0) {
        enum ts_status status = pack_part(part, tools, first->data, first, diags);
        ts_weight_source_forget(source, first);
        return status;
    }
    size_t bytes = part->rows * first->row_bytes;
    uint8_t *rows =
        ts_pages_alloc(bytes); /* given back to the system at once: a model's peak of memory is its weights */
    if (!rows) {
        return TS_ENOMEM;
    }
    uint8_t *to = rows;
    for (uint32_t i = 0; i < n; i++) {
        copy_tensor(to, source, &tensors[i]);
        ts_weight_source_forget(source, tensors[i].tensor);
        to += tensors[i].tensor->rows * first->row_bytes;
    }
    enum ts_status status = pack_part(part, tools, rows, first, diags);
    ts_pages_free(rows, bytes);
    return status;
}

enum ts_status ts_linear_create(struct ts_linear *out, const struct ts_linear_tools *tools,
                                const struct ts_weight_source *source, const struct ts_linear_tensor *tensors,
                                uint32_t n_tensors, struct ts_diags *diags)
{
    struct ts_linear linear = {.cols = tensors[0].tensor->cols};
    enum ts_status status = n_tensors <= TS_LINEAR_MAX_PARTS ? TS_OK : TS_ERANGE;
    for (uint32_t i = 0; i < n_tensors && status == TS_OK;) {
        uint32_t n = 1;
        while (i + n < n_tensors && tensors[i + n].tensor->type == tensors[i].tensor->type) {
            n++;
        }
        struct ts_linear_part *part = &linear.parts[linear.n_parts++];
        status = create_part(part, tools, source, tensors + i, n, diags);
        linear.rows += part->rows;
        i += n;
    }
    if (status != TS_OK) {
        ts_linear_deinit(&linear);
        return status;
    }
    *out = linear;
    return TS_OK;
}

void ts_linear_deinit(struct ts_linear *linear)
{
    for (uint32_t i = 0; i < linear->n_parts; i++) {
        ts_matrix_deinit(&linear->parts[i].quantized);
        ts_float_matrix_deinit(&linear->parts[i].floats);
    }
    linear->n_parts = 0;
}

size_t ts_linear_bytes(const struct ts_linear *linear)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < linear->n_parts; i++) {
        bytes += linear->parts[i].quantized.packed_bytes + linear->parts[i].floats.packed_bytes;
    }
    return bytes;
}

void ts_linear_apply(const struct ts_linear *linear, const struct ts_vector_ops *ops, struct ts_matmul_space *space,
                     struct ts_pool *pool, float *y, size_t ld_y, const float *x, size_t ld_x, uint32_t n_tok)
{
    for (uint32_t i = 0; i < linear->n_parts; i++) {
        const struct ts_linear_part *part = &linear->parts[i];
        if (part->quantized.packed) {
            ts_matmul(space, y, ld_y, &part->quantized, x, ld_x, n_tok);
        } else {
            ts_float_matmul(ops, pool, y, ld_y, &part->floats, x, ld_x, n_tok);
        }
        y += part->rows;
    }
}

const struct ts_kernel *ts_linear_kernel(const struct ts_linear *linear)
{
    for (uint32_t i = 0; i < linear->n_parts; i++) {
        if (linear->parts[i].quantized.packed) {
            return linear->parts[i].quantized.kernel;
        }
    }
    return NULL;
}
