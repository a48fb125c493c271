/* A roofline from a catalog row of constants: what a step takes on hardware of that class under engines of that group.
 *
 *   step = step of the engine + sequences x sequence of the engine                        (the host)
 *        + layers x (layer x share of the engine + moe_layer x k/8 for a mixture with k experts a token)
 *        + (flop + expert flop/(experts x w/(w + expert_width)))/(peak x share) + weights/(bandwidth x share) + KV
 * bytes/(bandwidth x kv)
 *        + attention flop/(bandwidth x attention) + tokens x layers x hidden/(bandwidth x activation)
 *        + tokens x all-reduced bytes/(link bandwidth x link)
 *
 * With attention in parallel on d ranks (and experts spread over all n accelerators) every rank reads all weights but
 * the experts', activations are those of a rank's tokens, and in place of the all-reduces stands, for each of a rank's
 * tokens and layers of experts, the way to the experts and back:
 *   exchange of the engine x k/8 (in every step, however few tokens there are)
 *   + (n-1) x (1-(1-1/n)^k) other accelerators x hidden x (1 or 2 + 2 bytes)/(link bandwidth x 0.81)
 *
 * w: columns of an expert on one accelerator; tensor parallelism cuts each expert into as many parts, narrow matmuls
 * fill an accelerator badly. Where an engine fills up tiles of t tokens for each expert (below 16 bits), experts'
 * operations are those of sqrt(B^2
 * + (t x E/k x (1-(1-k/E)^B))^2) tokens instead of B. Peaks and bandwidth are those of all accelerators together, but
 * activations are not divided among them. */
#ifndef TS_SCENARIOS_CATALOG_EFFICIENCY_H
#define TS_SCENARIOS_CATALOG_EFFICIENCY_H

#include "scenarios/catalog/catalog.h"
#include "sim/model.h"

#define TS_ENGINES_SERVING "serving" /* vLLM, TensorRT-LLM, SGLang ...: many sequences, flash attention */
#define TS_ENGINES_LOCAL "local"     /* llama.cpp, ollama, ExecuTorch: one sequence */

/* What the constants are applied to. */
struct ts_efficiency_case {
    double peak_flop_per_s;  /* of one accelerator: ts_efficiency_peak */
    bool narrow;             /* that peak is one below 16 bits */
    double bytes_per_s;      /* of one accelerator */
    double link_bytes_per_s; /* among them; 0: all-reduces are counted elsewhere */
    double n_accelerators;
    uint32_t ranks; /* engines with attention in parallel, experts spread over all; 0, 1: tensors are cut among all */
    const struct ts_llm *llm;
    double bits_per_weight;
    double kv_bytes_per_tok; /* copies included */
};

/* "serving" or "local" for an engine's name as published.csv writes it. */
const char *ts_efficiency_group(const char *engine);

/* The row of that class and group, or NULL. Where a class has no row for "serving", another stands in: that of "hbm"
 * for "gddr", the class's own "local" row for the others. Which one was found is in the row itself. */
const struct ts_efficiency *ts_efficiency_find(const struct ts_catalog *catalog, const char *class_name,
                                               const char *engines);

/* The row of engines.csv of that name, or NULL. */
const struct ts_engine_cost *ts_efficiency_engine(const struct ts_catalog *catalog, const char *name);

/* How that row was checked where it stands in for another class; NULL: it was not. */
const char *ts_efficiency_check_of(const struct ts_efficiency *row, const char *class_name, const char *engines);

/* On what was left out of the fit, decode and prefill were met within a third (median): good enough to be the default.
 */
bool ts_efficiency_is_trusted(const struct ts_efficiency *row);

/* The peak that `compute` or `narrow` is a share of: the 16-bit peak; for "serving" engines on GPUs the 8-bit one where
 * the quant computes in 8 bits, and twice that for 4-bit floats on HBM accelerators of 2025 and later; for "local"
 * engines on "gddr" the rate with 16-bit accumulation, half the 8-bit one. 0: unknown. *narrow: below 16 bits under a
 * "serving" engine. hardware: of the chip, or NULL. */
double ts_efficiency_peak(bool *narrow, const struct ts_chip *chip, const struct ts_hardware *hardware,
                          const char *engines, const struct ts_weight_quant *quant);

/* Bytes of weights that a step reads always, and those of the experts that depend on the batch. */
void ts_efficiency_split_experts(const struct ts_llm *llm, double bits_per_weight, struct ts_steps_roofline *roof);

/* KV bytes per token at 16 bit, the mean over a sequence of that length: beyond a sliding window only part of the
 * layers keep on growing. */
double ts_efficiency_kv_bytes(const struct ts_llm *llm, double context_tok);
/* How often a KV entry is kept among the accelerators that share a layer. */
double ts_efficiency_kv_copies(const struct ts_llm *llm, double tensor_parallel);

/* Flop of attention for one query-key pair (both products), in the layers that have KV entries. */
double ts_efficiency_attention_flop(const struct ts_llm *llm);

/* What a request of which more than engine->graph_tok prompt tokens are computed takes beside its steps and first_s. */
double ts_efficiency_launch_s(const struct ts_engine_cost *engine, const struct ts_llm *llm);

/* The roofline, with the engine's host time (NULL: none). */
struct ts_steps_model ts_efficiency_steps(const struct ts_efficiency *constants, const struct ts_engine_cost *engine,
                                          const struct ts_efficiency_case *on);

/* What a published or recorded point was measured on. false: a name in it is not in the catalogs, or no peak is known.
 */
bool ts_efficiency_published_case(struct ts_efficiency_case *out, const struct ts_catalog *catalog,
                                  const struct ts_published *point);
bool ts_efficiency_serving_case(struct ts_efficiency_case *out, const struct ts_catalog *catalog,
                                const struct ts_serving *point);

#endif
