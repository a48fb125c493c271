/* Where weights come from, tensor by tensor under GGUF's names ("blk.3.attn_q.weight"): a GGUF file, or a generator.
 * Generated weights are seeded and of the right shapes and formats, so that a model can be measured without its
 * weights. Any row can be had at any time, from any thread. */
#ifndef TS_ENGINE_WEIGHT_SOURCE_H
#define TS_ENGINE_WEIGHT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "engine/gguf.h"
#include "engine/model_config.h"

struct ts_weight_source;

struct ts_tensor {
    const char *name;
    const struct ts_gguf_type *type;
    uint32_t rows, cols;
    uint32_t n_dims;     /* 1: rows = 1 */
    const uint8_t *data; /* NULL: generated */
    size_t row_bytes;
    uint32_t index; /* in the source */
};

/* `gguf` is borrowed until destroy. */
enum ts_status ts_weight_source_from_gguf(struct ts_weight_source **out, const struct ts_gguf *gguf);

/* Matrices are of type `quant` ("Q4_0", "F16", ..); norms and biases are F32. Weights are normal with deviation
 * 1/sqrt(columns), and a further 1/sqrt(2 layers) where a product is added to the residual stream. TS_EUNSUPPORTED for
 * an unknown type or one that the model's sizes do not fit. */
enum ts_status ts_weight_source_synthetic(struct ts_weight_source **out, const struct ts_model_config *config,
                                          const char *quant, uint64_t seed, struct ts_diags *diags);
/* As synthetic, with deviations under which the network predicts as a trained one does: rounding is not amplified from
 * layer to layer and, with a head of its own, one logit stands out at most positions. For comparing logits. */
enum ts_status ts_weight_source_lifelike(struct ts_weight_source **out, const struct ts_model_config *config,
                                         const char *quant, uint64_t seed, struct ts_diags *diags);

/* A GGUF file or, without one, a made-up model. */
struct ts_weight_origin {
    const char *gguf_path; /* NULL: made up */
    const struct ts_model_config *config;
    const char *quant;
    uint64_t seed;
};

/* Opens it; *config is the model's. *gguf (NULL before, and of a made-up model after) is to be closed after *out, also
 * after a failure. TS_EIO, TS_EINPUT, TS_EUNSUPPORTED, TS_ENOMEM. */
enum ts_status ts_weight_source_open(struct ts_weight_source **out, struct ts_gguf **gguf,
                                     struct ts_model_config *config, const struct ts_weight_origin *origin,
                                     struct ts_diags *diags);

void ts_weight_source_destroy(struct ts_weight_source *source);

size_t ts_weight_source_n_tensors(const struct ts_weight_source *source);
const struct ts_tensor *ts_weight_source_at(const struct ts_weight_source *source, size_t index);
/* NULL if there is none. */
const struct ts_tensor *ts_weight_source_find(const struct ts_weight_source *source, const char *name);

/* Copies rows [first, first + n) to out, row_bytes each. */
void ts_weight_source_rows(const struct ts_weight_source *source, const struct ts_tensor *tensor, uint32_t first,
                           uint32_t n, uint8_t *out);
/* The rows are not needed for now: memory may be given back. */
void ts_weight_source_forget(const struct ts_weight_source *source, const struct ts_tensor *tensor);

#endif
