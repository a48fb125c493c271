/* Measured steps in llama-bench's own shapes, so that what reads those reads ours: Markdown, CSV, JSON, JSON Lines. A
 * prompt is a test "pp", decoding sequences are a test "tg" of one token at a depth; rows of several sequences have one
 * field more, n_seqs, and their rate is that of all together. Mixed steps have no row: llama-bench knows none. */
#ifndef TS_ENGINE_LLAMA_SHAPE_H
#define TS_ENGINE_LLAMA_SHAPE_H

#include "measure/model_measurement.h"

enum ts_llama_shape { TS_LLAMA_MARKDOWN, TS_LLAMA_CSV, TS_LLAMA_JSON, TS_LLAMA_JSONL };

/* "md", "csv", "json", "jsonl"; false if unknown. */
bool ts_llama_shape_parse(enum ts_llama_shape *out, const char *name);

/* What a row tells beside the measurement. */
struct ts_llama_names {
    const char *build; /* "tiersim 0.1.0" */
    const char *time;  /* "2026-11-22T18:00:00Z" */
    double n_params;   /* 0: unknown */
};

/* Appends all of it. Returns how many mixed steps were left out. */
size_t ts_llama_shape_put(struct ts_text *out, const struct ts_model_measurement *measurement,
                          const struct ts_llama_names *names, enum ts_llama_shape shape);

#endif
