/* Operator profiles in the form that LLMServingSim writes them (its profiler/ of 2026): a folder with
 *   dense.csv         layer,tokens,time_us                                    one layer's operators over a step's
 * tokens per_sequence.csv  layer,sequences,time_us                                 output head and sampler
 *   attention.csv     prefill_chunk,kv_prefill,n_decode,kv_decode,time_us     one layer's attention kernel
 *   moe.csv           tokens,activated_experts,time_us                        mixture-of-experts models: one layer's
 * block
 *   linear_attention.csv  layer,prefill_tokens,n_decode,time_us               one layer without attention
 * profile_meta.yaml or meta.yaml (here or one folder up)                    what was measured, optional or with
 * one such folder for each tensor-parallel degree, tp1, tp2 ... Columns are found by name; rows in any order, names and
 * grids as they are. Private to scenarios/.
 *
 * A step runs every operator once a layer, but: `layernorm` twice (before attention and before the MLP), `embedding`,
 * `final_layernorm` and what per_sequence.csv names once in all; and what belongs to attention, or to layers without,
 * in those layers alone. A table in the folder that is not read is named. */
#ifndef TS_SCENARIOS_PROFILE_OPERATOR_PROFILE_H
#define TS_SCENARIOS_PROFILE_OPERATOR_PROFILE_H

#include "scenarios/language/loader.h"

struct ts_operator_profile {
    struct ts_steps_operators *operators; /* fixed_s = 0 */
    const char *folder;                   /* where the tables were found */
    const char *gpu, *model, *engine;     /* of the meta file, "" if it does not say */
    const char *variant;                  /* "bf16", "fp8-kvfp8": the same */
    bool skew_is_off;                     /* the meta file says that skew.csv does not count */
    const char *layers;                   /* "qkv_proj x 32, ..." */
    size_t n_rows;                        /* read, all tables */
    size_t n_unlike;                      /* rows about sequences of unlike length */
    size_t n_filled;                      /* points of the attention grid that no row gives: see operator_profile.c */
};

/* The folder of the tables for that many accelerators, and what the meta file says: the rest of *out is empty. */
bool ts_operator_profile_find(struct ts_operator_profile *out, struct ts_loader *loader, const struct ts_value *at,
                              const char *folder, uint32_t tensor_parallel);

/* Reads the profile in `folder` for the context's model and number of accelerators. False: a mistake was reported, at
 * `at` or in a file. */
bool ts_operator_profile_read(struct ts_operator_profile *out, struct ts_loader *loader, const struct ts_value *at,
                              const char *folder, const struct ts_tier_context *ctx);

#endif
