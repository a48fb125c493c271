/* A decoder in double precision, written from the definition and sharing nothing with the engine but the tensors'
 * values. */
#ifndef TS_TESTS_ENGINE_PLAIN_DECODER_H
#define TS_TESTS_ENGINE_PLAIN_DECODER_H

#include "engine/weight_source.h"

/* logits[n][vocab] of all positions of a sequence of n tokens. Tensors of any type, dequantized. */
void plain_decoder_run(double *logits, const struct ts_model_config *config, const struct ts_weight_source *source,
                       const uint32_t *tokens, uint32_t n);

#endif
