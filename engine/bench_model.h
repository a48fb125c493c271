/* Measuring a real forward pass: prompts and decoding at depths and batches, in interleaved rounds, with weights from a
 * file or made up. The cache is filled with made-up keys and values: a step's time does not depend on them. */
#ifndef TS_ENGINE_BENCH_MODEL_H
#define TS_ENGINE_BENCH_MODEL_H

#include <stdbool.h>

#include "base/arena.h"
#include "engine/model_config.h"
#include "kernels/bench/bench.h"
#include "measure/model_measurement.h"

struct ts_model_bench_options {
    const struct ts_model_config *config; /* of a synthetic model; ignored with gguf_path */
    const char *quant;                    /* "Q4_0" */
    uint64_t seed;
    const char *gguf_path; /* NULL: synthetic */
    const char *isa;       /* NULL: best for this machine */
    uint32_t n_threads;    /* 0: all usable CPUs */
    uint32_t max_batch;    /* 0: 64 */
    uint32_t max_prefill;  /* 0: 512; tokens of a prompt's chunk */
    uint32_t max_depth;    /* 0: 4096, or the model's context; cached tokens */
    const uint32_t
        *batches; /* [n_batches] increasing: decode these numbers of sequences; n_batches 0: as the fit likes */
    size_t n_batches;
    const uint32_t *depths; /* [n_depths] increasing: at these depths; n_depths 0: as the fit likes */
    size_t n_depths;
    const uint32_t
        *prompts; /* [n_prompts] increasing: prompts of these lengths alone, without a fit; n_prompts 0: no */
    size_t n_prompts;
    uint64_t max_kv_bytes;   /* 0: a quarter of the memory, at most 8 GiB; larger steps are left out */
    double budget_s;         /* all in all, loading included */
    bool fit_means;          /* fit what steps take on the machine as it is, not when nothing disturbs them */
    bool check;              /* also measure steps that the fit has not seen */
    const char *resume_path; /* not NULL: samples are kept there after each round, and taken up from there */
    struct ts_progress progress;
};

/* Everything in *out lives in `arena`. TS_EUNSUPPORTED, TS_EINPUT, TS_EIO with diagnostics; TS_ENOMEM; TS_EINTERRUPTED
 * (samples so far are kept if there is a resume_path);
 * TS_ERANGE if the time was too short for any step. A resume file of another model, machine or kernel is an error
 * that says which. */
enum ts_status ts_bench_model_run(struct ts_model_measurement *out, struct ts_arena *arena,
                                  const struct ts_model_bench_options *options, struct ts_diags *diags);

#endif
