/* Catalogs of hardware, models, prices and regions: CSV files built into the program (scenarios/catalog/), every row
 * with source and date. */
#ifndef TS_SCENARIOS_CATALOG_CATALOG_H
#define TS_SCENARIOS_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

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
    bool own, broken;                        /* written in the scenario, no row of the catalog; with a mistake */
};

struct ts_llm {
    const char *name, *type;      /* "dense", "moe", "moe-mla" */
    double params, params_active; /* counts, not billions */
    unsigned layers, hidden, ffn, heads, kv_heads, head_dim, vocab, context;
    unsigned n_experts, top_k, moe_ffn, shared_experts;
    unsigned attention_layers, moe_layers; /* layers that attend, and with experts; 0: all */
    unsigned sliding_window;
    double kv_bytes_per_tok, kv_bytes_per_tok_beyond_window; /* at 16 bit */
    unsigned stored_bits;                                    /* of a weight as its files have it; 0: not said */
    double wide_params;  /* left at 16 bit by formats of linear layers, beside the tables */
    double tower_params; /* of the part that sees: held in memory at 16 bit, and no token of text meets them */
    double state_bytes;  /* of a sequence, however long: layers that keep a state in place of KV entries */
    double flop_per_tok; /* ex attention */
    const char *source;
    bool own, broken; /* written in the scenario, no row of the catalog; with a mistake */
};

static inline unsigned ts_llm_attention_layers(const struct ts_llm *llm)
{
    const unsigned of_a_layer = 4 * llm->kv_heads * llm->head_dim; /* bytes of a token's K and V at 16 bit */
    const bool hybrid = llm->attention_layers == 0 && of_a_layer > 0 && llm->type && strstr(llm->type, "hybrid");
    return hybrid                      ? (unsigned)(llm->kv_bytes_per_tok / of_a_layer)
           : llm->attention_layers > 0 ? llm->attention_layers
                                       : llm->layers;
}
/* A number of accelerators, at least `least`, among which its heads can be divided evenly: the least power of two, or
 * the least at all; 0: there is none. And the largest power of two up to `most` that divides them. */
static inline unsigned ts_llm_divisor(const struct ts_llm *llm, unsigned least)
{
    unsigned n = 1;
    while (n < least && n < llm->heads) {
        n *= 2;
    }
    for (n = n >= least && llm->heads % n == 0 ? n : least; n <= llm->heads && llm->heads % n != 0;) {
        n++;
    }
    return n <= llm->heads ? n : 0;
}
static inline unsigned ts_llm_divisor_below(const struct ts_llm *llm, unsigned most)
{
    unsigned n = 1;
    while (2 * n <= most && llm->heads % (2 * n) == 0) {
        n *= 2;
    }
    return n;
}
static inline unsigned ts_llm_moe_layers(const struct ts_llm *llm)
{
    return llm->moe_layers > 0 ? llm->moe_layers : llm->layers;
}

struct ts_price {
    const char *name; /* "provider/model"; "provider/model-200k+": of calls of that model with longer prompts */
    double input_usd_per_mtok, cached_input_usd_per_mtok, output_usd_per_mtok;
    double cache_write_usd_per_mtok, batch_input_usd_per_mtok, batch_output_usd_per_mtok; /* 0: not known */
    const char *date, *source;
};

/* How fast one sequence runs on a device under a runtime, as measured by whoever the source names. */
struct ts_device_rate {
    const char *hardware, *model; /* rows of hardware.csv and models.csv */
    const char *quant;            /* "": any of 4 bits */
    const char *runtime;
    double prefill_tok_per_s, decode_tok_per_s;
    double power_w; /* above idle, of what works at these rates; 0: not known */
    const char *source, *date, *confidence;
};

/* How fast a provider answers, as published or probed. */
struct ts_speed {
    const char *name;         /* as that of a price, or of others */
    double ttft_s, tok_per_s; /* of one stream; ttft_s 0: not known */
    const char *stat, *date, *confidence, *source;
};

struct ts_region {
    const char *name, *country;
    double electricity_usd_per_kwh, carbon_g_per_kwh, pue, outage_h_per_year;
    const char *source;
};

/* How weights are stored. */
struct ts_weight_quant {
    const char *name;       /* "Q4_0", "Q8_0", "FP8", "FP16", "BF16", "INT4" */
    double bits_per_weight; /* scales included: Q4_0 = 4.5 */
    bool compute_int8;      /* computes at the int8/fp8 peak rather than the fp16 peak */
    bool linear_only;       /* as checkpoints for servers have it: the embedding and the head stay at 16 bit */
    const char *source;
};

/* A published score on MMLU-Pro of a row of the model or price catalog. */
struct ts_score {
    const char *name; /* the row's, exactly */
    double mmlu_pro;  /* share of its questions answered right, 0..1 */
    const char *evaluated, *date, *source;
};

/* A chip with published measurements, or one of hardware.csv: what its efficiency is looked up by. */
struct ts_chip {
    const char *name;       /* of a row of hardware.csv, if it has no peaks of its own */
    const char *class_name; /* "hbm" (NVIDIA's, and others'), "amd" (Instinct up to MI325X), "cdna4" (MI350X, MI355X),
                               "gddr" (and GPUs on LPDDR), "apple", "cpu", "phone" */
    double fp16_tflops, bytes_per_s; /* 0: hardware.csv has them; beside it: the peak that "local" engines work at */
    double link_bytes_per_s;         /* to others of its kind, one direction: NVLink, xGMI; 0: PCIe */
    unsigned link_count;             /* that it joins; 0: not known */
    const char *source;
};

/* What a class of hardware makes of its peaks under a group of engines: constants of scenarios/catalog/efficiency.h,
 * fitted. Shares are above 0 and at most 1. */
struct ts_efficiency {
    const char *class_name, *engine; /* engine: "serving" or "local" */
    double layer_s, moe_layer_s; /* fixed time of a step, per layer; more of it for a layer with 8 experts a token */
    double compute, narrow;      /* share of the peak that matmuls reach in 16 bits, and below */
    double experts;              /* share of that which the matmuls of wide experts reach */
    double expert_width;         /* columns of an expert on one accelerator at which half of it is reached; 0: none */
    double bandwidth, kv;        /* share of the bandwidth at which weights, and KV entries, are read */
    double activation;           /* a token costs layers x hidden / (activation x bandwidth) beside its matmuls */
    double attention;            /* flop of prefill attention per byte of bandwidth */
    double link;                 /* share of the bandwidth among accelerators that all-reduces reach */
    unsigned n_decode, n_prefill, n_hardware;
    double decode_error, prefill_error; /* median on what was left out of the fit; 0 = unknown. "serving": of the time
                                           per token and of that to the first */
    double low, high;                   /* where 9 of 10 measured over predicted times per token lie; 0: unknown */
    double first_low, first_high;       /* the same of times to the first token, or of prompts */
    const char *date, *source;
};

/* What an engine adds to the steps of its accelerators: fitted beside the constants of "serving". */
struct ts_engine_cost {
    const char *name, *group; /* "vllm"; "serving" or "local" */
    double step_s, seq_s;     /* the host's time for a step, and for each sequence in it; 0: beside the accelerator */
    double layers;            /* its kernels' own time per layer, as a share of the class's */
    double tile_tok;          /* to which experts' tokens are filled up in formats below 16 bits; 0: not */
    bool no_evict;            /* admits only with KV blocks for the whole reply, and preempts nobody */
    bool prompts_first;       /* prompts are computed in steps of their own, before replies go on */
    bool plans_ahead;         /* a step is planned when the one before it begins (asynchronous scheduling) */
    double graph_tok;         /* prompts of which no more is computed run as a recorded graph, launched at once */
    double first_s;           /* of a request beside its steps: HTTP, tokenizing, scheduling, sampling */
    double first_layer_s;     /* of longer ones, for each layer of the model: kernels are launched one by one */
    double first_moe_layer_s; /* more of it for each layer with 8 experts a token; 0: none */
    double exchange_s;   /* attention in parallel: a token's way to 8 experts and back, of each layer, however few */
    double memory_bytes; /* of an accelerator's memory that is neither weights nor KV cache */
    unsigned n_points;
    const char *versions, *date, *source;
};

/* A published fit of energy per output token: E(b) = c + a/b at batch b. */
struct ts_energy {
    const char *model, *hardware, *task;
    double params;
    unsigned n_gpus, n_points;
    double c_j_per_tok, a_j, r2;
    double min_w, max_w; /* of one GPU, over the measured batches */
    const char *source;
};

/* A published rate (median where one was published more than once). prompt_tok and output_tok are the lengths of the
 * test; prompt 0: it began with an empty context. */
struct ts_published {
    const char *hardware; /* a chip */
    unsigned n_accelerators;
    const char *model, *quant, *engine;
    double batch; /* mean number of running sequences */
    unsigned prompt_tok, output_tok;
    double decode_tok_s, prefill_tok_s; /* one of them is 0; decode: of all sequences together */
    const char *source;
};

/* Recorded serving: `users` who each send the next request when the reply before it is there. 0: not recorded. */
struct ts_serving {
    const char *hardware;
    unsigned n_accelerators, data_parallel; /* the latter: groups that attend to sequences of their own */
    const char *model, *quant, *engine;
    double users, prompt_tok, output_tok; /* prompt 0: not published */
    double spread;                        /* of the replies' lengths, width over mean; 0: all of that length */
    double budget_tok;                    /* of a step, as the benchmark set it */
    double wait_steps;                    /* that the benchmark's settings hold a request back, on the average */
    double ttft_s, tpot_s, itl_s, tok_s;  /* itl: the median gap, a step that only decodes */
    double j_per_tok, power_w;            /* of all accelerators */
    const char *source;
};

/* Recorded serving with prompts and replies on workers of their own. */
struct ts_pooled {
    const char *hardware, *model, *quant, *engine;
    /* Of each kind: how many workers, accelerators of one, engines among these that attend to sequences of their own.
     */
    unsigned prefill_workers, prefill_count, prefill_parallel;
    unsigned prefill_seqs, prefill_tok; /* an engine's sequences and tokens in a step; 0: not known */
    unsigned decode_workers, decode_count, decode_parallel, decode_seqs;
    double users, prompt_tok, output_tok, ttft_s, tpot_s;
    const char *source;
};

/* A recorded stage of an open loop: requests at random times at a steady rate, whatever the server does. The same
 * `n_prompts` prompts come in turn, so that after the first round all but their last block is in the prefix cache. */
struct ts_open_stage {
    const char *hardware;
    unsigned n_accelerators; /* which share every layer */
    const char *model, *quant, *engine;
    double rate_per_s, duration_s;
    double prompt_tok, n_prompts, output_tok;
    double budget_tok, n_seqs; /* of a step at most */
    double e2e_s, e2e_p90_s, ttft_s, ttft_p90_s;
    const char *run, *source;
};

/* Recorded output of a server that all requests are queued at from the beginning. */
struct ts_saturated {
    const char *hardware;
    unsigned n_accelerators; /* which share every layer */
    const char *model, *quant, *kv, *engine;
    double n_requests, prompt_tok, output_tok;
    double tok_per_s; /* of all accelerators together, the first request to the last */
    const char *source;
};

/* What an accelerator costs to rent, host and power included. 0: not offered. */
struct ts_rental {
    const char *hardware, *provider; /* a row of hardware.csv */
    unsigned n_gpus;                 /* of the machine that is rented */
    double usd_per_h, spot_usd_per_h, reserved_usd_per_h;
    const char *date, *source, *confidence;
};

/* A server to buy: chassis, CPUs, network cards, and its part of the network. */
struct ts_server_row {
    const char *name;
    const char *accelerator; /* a row of hardware.csv; "": a host for others */
    unsigned n_cards;        /* that it has, or room for */
    double price_usd, network_usd;
    bool includes_cards;
    const char *date, *source, *confidence, *notes;
};

/* How much a unit of provisioned throughput takes, and how units are sold. */
struct ts_provision {
    const char *model;      /* after the slash of an offer's name */
    double input_tok_per_s; /* prompt tokens; a token of reply counts several */
    unsigned minimum, step;
    const char *date, *source;
};

/* What a provider lets a customer of that standing call; 0: not limited. */
struct ts_provider_account {
    const char *offer, *account; /* "OpenAI/gpt-4o", "Tier 4" */
    double requests_per_s, input_tok_per_s, output_tok_per_s;
    const char *source;
};

struct ts_catalog {
    const struct ts_hardware *hardware;
    size_t n_hardware;
    const struct ts_llm *llms;
    size_t n_llms;
    const struct ts_price *prices;
    size_t n_prices;
    const struct ts_device_rate *device_rates;
    size_t n_device_rates;
    const struct ts_speed *speeds;
    size_t n_speeds;
    const struct ts_region *regions;
    size_t n_regions;
    const struct ts_rental *rentals;
    size_t n_rentals;
    const struct ts_server_row *servers;
    size_t n_servers;
    const struct ts_weight_quant *quants;
    size_t n_quants;
    const struct ts_provision *provisions;
    size_t n_provisions;
    const struct ts_provider_account *accounts;
    size_t n_accounts;
    const struct ts_score *scores;
    size_t n_scores;
    const struct ts_chip *chips;
    size_t n_chips;
    const struct ts_efficiency *efficiencies;
    size_t n_efficiencies;
    const struct ts_engine_cost *engines;
    size_t n_engines;
    const struct ts_energy *energies;
    size_t n_energies;
    const struct ts_published *published; /* ts_catalog_load_published */
    size_t n_published;
    const struct ts_serving *servings; /* ts_catalog_load_published */
    size_t n_servings;
    const struct ts_pooled *pooled; /* ts_catalog_load_published */
    size_t n_pooled;
    const struct ts_open_stage *open_stages; /* ts_catalog_load_published */
    size_t n_open_stages;
    const struct ts_saturated *saturated; /* ts_catalog_load_published */
    size_t n_saturated;
};

/* Parses the built-in catalogs into `arena`. Of rows that differ in their date alone, the newest. */
enum ts_status ts_catalog_load(struct ts_catalog *out, struct ts_arena *arena, struct ts_diags *diags);

struct ts_catalog_choice {
    const char *include; /* a folder of files as the built-in ones (prices.csv, ...), whose rows take the place of the
                            built-in ones of the same name, or join them; NULL: none */
    const char *as_of;   /* "2026", "2026-08", "2026-08-31": rows of a later date are not there; NULL: all are */
};

/* The same with a choice. Every mistake of a user's file is told with its line: a missing column, a cell, a row that
 * cannot be (dearer cached than not), one that is there twice, an unknown name of another catalog. */
enum ts_status ts_catalog_load_chosen(struct ts_catalog *out, const struct ts_catalog_choice *choice,
                                      struct ts_arena *arena, struct ts_diags *diags);
bool ts_catalog_is_date(const char *date);

enum ts_catalog_what { TS_CATALOG_CHANGED, TS_CATALOG_NEW, TS_CATALOG_GONE };

/* A number of a row that two catalogs have, or a row that only one of them has. Borrowed. */
struct ts_catalog_change {
    enum ts_catalog_what what;
    const char *kind, *name; /* "price", "OpenAI/gpt-4o" */
    const char *column;      /* of the file, and its unit; NULL: the whole row */
    double before, after;
};
typedef void ts_catalog_change_fn(void *context, const struct ts_catalog_change *change);

/* Tells of all that differs in the catalogs that a user may write, names of rows from `arena`. */
enum ts_status ts_catalog_diff(const struct ts_catalog *from, const struct ts_catalog *to, ts_catalog_change_fn *tell,
                               void *context, struct ts_arena *arena);

/* The published measurements, which no scenario needs, on top of a loaded catalog. */
enum ts_status ts_catalog_load_published(struct ts_catalog *catalog, struct ts_arena *arena, struct ts_diags *diags);

/* By name without regard to case; a unique prefix or a unique part of a name (3 characters or more) is enough ("H100
 * SXM", "Germany"). NULL if none or several fit. */
const struct ts_hardware *ts_catalog_hardware(const struct ts_catalog *catalog, const char *name);
const struct ts_llm *ts_catalog_llm(const struct ts_catalog *catalog, const char *name);
const struct ts_price *ts_catalog_price(const struct ts_catalog *catalog, const char *name);
/* The first of that hardware, model and format, and of a runtime whose name begins so (NULL: of any), or NULL. */
const struct ts_device_rate *ts_catalog_device_rate(const struct ts_catalog *catalog, const char *hardware,
                                                    const char *model, const struct ts_weight_quant *quant,
                                                    const char *runtime);
/* That of exactly that offer, or NULL. */
const struct ts_speed *ts_catalog_speed(const struct ts_catalog *catalog, const char *offer);
/* The prices of an offer's calls with long prompts, and from how many tokens on; NULL: there are no others. */
const struct ts_price *ts_catalog_long_price(uint32_t *over_tok, const struct ts_catalog *catalog, const char *offer);
/* The cheapest offer of a model's own weights, by names ("Llama-3.1-70B": "meta.llama3-1-70b-instruct-v1:0"), at three
 * tokens of prompt to one of reply; NULL: there is none. */
const struct ts_price *ts_catalog_same_weights(const struct ts_catalog *catalog, const char *model);
/* Of that offer ("Azure/gpt-4.1"), or NULL. */
const struct ts_provision *ts_catalog_provision(const struct ts_catalog *catalog, const char *offer);
/* Of that offer and standing, or NULL; *known: the standings that there are of the offer, "'Tier 1', 'Tier 3'". */
const struct ts_provider_account *ts_catalog_account(const struct ts_catalog *catalog, const char *offer,
                                                     const char *account, struct ts_text *known);
const struct ts_region *ts_catalog_region(const struct ts_catalog *catalog, const char *name);
const struct ts_weight_quant *ts_catalog_quant(const struct ts_catalog *catalog, const char *name);

const struct ts_server_row *ts_catalog_server(const struct ts_catalog *catalog, const char *name);

enum ts_rental_kind { TS_RENTAL_ON_DEMAND, TS_RENTAL_RESERVED, TS_RENTAL_SPOT };

/* The median over the providers of one accelerator, an hour; *n of them; 0 if there is none. */
double ts_catalog_rental(unsigned *n, const struct ts_catalog *catalog, const char *hardware, enum ts_rental_kind kind);

/* By exact name; NULL if there is none. */
const struct ts_score *ts_catalog_score(const struct ts_catalog *catalog, const char *name);
const struct ts_chip *ts_catalog_chip(const struct ts_catalog *catalog, const char *name);

/* A class of chips whose accelerators are cards of their own: hbm, amd, cdna4, gddr. */
bool ts_catalog_is_gpu(const char *class_name);

/* How many rows of that kind `name` fits (0, 1 or more), and the first `cap` of their names in the order of the file.
 */
size_t ts_catalog_matches(const struct ts_catalog *catalog, const char *kind, const char *name, const char **names,
                          size_t cap);

/* Nearest name for a "did you mean", or NULL. kind: "hardware", "model", "price", "region", "server", "quant". */
const char *ts_catalog_suggest(const struct ts_catalog *catalog, const char *kind, const char *name);

#endif
