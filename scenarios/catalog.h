/* Catalogs of hardware, models, prices and regions: CSV files built into the program (scenarios/catalog/), every row
 * with source and date. */
#ifndef TS_SCENARIOS_CATALOG_H
#define TS_SCENARIOS_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/diag.h"

struct ts_hardware {
    const char *name, *class_name; /* "device", "edge", "cloud" */
    double fp16_tflops, int8_tops; /* dense peaks; 0 = unknown */
    double memory_bytes, bytes_per_s;
    double tdp_w, idle_w, list_price_usd;
    bool includes_host; /* a whole machine: its power needs no host adder */
    int year;
    const char *source, *notes, *confidence; /* confidence: "compute S, memory M, power S, idle E, price M" */
};

struct ts_llm {
    const char *name, *type;      /* "dense", "moe", "moe-mla" */
    double params, params_active; /* counts, not billions */
    unsigned layers, hidden, ffn, heads, kv_heads, head_dim, vocab, context;
    unsigned n_experts, top_k, moe_ffn, shared_experts;
    unsigned sliding_window;
    double kv_bytes_per_tok, kv_bytes_per_tok_beyond_window; /* at 16 bit */
    double flop_per_tok;                                     /* ex attention */
    const char *source;
};

struct ts_price {
    const char *name; /* "provider/model" */
    double input_usd_per_mtok, cached_input_usd_per_mtok, output_usd_per_mtok;
    const char *date, *source;
};

struct ts_region {
    const char *name, *country;
    double electricity_usd_per_kwh, carbon_g_per_kwh, pue, outage_h_per_year;
    const char *source;
};

struct ts_quant {
    const char *name;       /* "Q4_0", "Q8_0", "FP8", "FP16", "BF16", "INT4" */
    double bits_per_weight; /* scales included: Q4_0 = 4.5 */
    bool compute_int8;      /* computes at the int8/fp8 peak rather than the fp16 peak */
    const char *source;
};

struct ts_catalog {
    const struct ts_hardware *hardware;
    size_t n_hardware;
    const struct ts_llm *llms;
    size_t n_llms;
    const struct ts_price *prices;
    size_t n_prices;
    const struct ts_region *regions;
    size_t n_regions;
    const struct ts_quant *quants;
    size_t n_quants;
};

/* Parses the built-in catalogs into `arena`. */
enum ts_status ts_catalog_load(struct ts_catalog *out, struct ts_arena *arena, struct ts_diags *diags);

/* By name without regard to case; a unique prefix or a unique part of a name (3 characters or more) is enough ("H100
 * SXM", "Germany"). NULL if none or several fit. */
const struct ts_hardware *ts_catalog_hardware(const struct ts_catalog *catalog, const char *name);
const struct ts_llm *ts_catalog_llm(const struct ts_catalog *catalog, const char *name);
const struct ts_price *ts_catalog_price(const struct ts_catalog *catalog, const char *name);
const struct ts_region *ts_catalog_region(const struct ts_catalog *catalog, const char *name);
const struct ts_quant *ts_catalog_quant(const struct ts_catalog *catalog, const char *name);

/* How many rows of that kind `name` fits (0, 1 or more), and the first `cap` of their names in the order of the file.
 */
size_t ts_catalog_matches(const struct ts_catalog *catalog, const char *kind, const char *name, const char **names,
                          size_t cap);

/* Nearest name for a "did you mean", or NULL. kind: "hardware", "model", "price", "region", "quant". */
const char *ts_catalog_suggest(const struct ts_catalog *catalog, const char *kind, const char *name);

#endif
