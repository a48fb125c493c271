/* Which steps of a forward pass are worth measuring. */
#ifndef TS_ENGINE_MODEL_PLAN_H
#define TS_ENGINE_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/model_measurement.h"

struct ts_model_plan_limits {
    uint32_t max_batch, max_prefill, max_depth;
    uint64_t max_kv_tok;              /* cached tokens of a step, all sequences */
    bool check;                       /* also steps that are held out from the fit */
    const uint32_t *batches, *depths; /* what to measure instead of the plan's own; n = 0: its own */
    size_t n_batches, n_depths;
    const uint32_t *prompts; /* [n_prompts] whole prompts of these lengths, and nothing else; n_prompts 0: as above */
    size_t n_prompts;
};

/* At most `max` steps without samples, by tokens ascending; no two alike. A pure function. */
size_t ts_model_plan(struct ts_model_step *out, size_t max, const struct ts_model_plan_limits *limits);

/* Tokens of cache that a step needs, in whole pages. */
uint64_t ts_model_plan_kv_tok(const struct ts_model_step *step);

bool ts_model_plan_same(const struct ts_model_step *a, const struct ts_model_step *b);

#endif
