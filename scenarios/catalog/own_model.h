/* A model that is in no catalog: from a Hugging Face config.json and from numbers written in a scenario. Private to
 * scenarios/. */
#ifndef TS_SCENARIOS_CATALOG_OWN_MODEL_H
#define TS_SCENARIOS_CATALOG_OWN_MODEL_H

#include "models/hf_config.h"
#include "scenarios/catalog/catalog.h"

struct ts_own_model {
    struct ts_llm llm;      /* 0: not said */
    unsigned window_layers; /* layers that look back over llm.sliding_window only */
    bool tied;              /* the head is the embedding */
    bool latent;            /* multi-head latent attention */
    bool uncountable;       /* the weights of some layer cannot be told from these numbers */
    /* What config.json says beside the numbers that can be written; 0 without one. */
    struct ts_hf_config config;
};

/* Fills in what a config.json says (the language model of a multimodal one, too). TS_EINPUT and the like, reported
 * with file, line and column; what is counted and what is not of layers that do not attend is told. */
enum ts_status ts_own_model_read(struct ts_own_model *model, const char *path, struct ts_diags *diags);

/* The scenario's key of a number that is needed and was not said, or NULL. */
const char *ts_own_model_missing(const struct ts_own_model *model);

/* Computes what follows from the shape (head size, parameters, flop and KV bytes per token), where it was not said.
 * NULL, or what is wrong with the shape. */
const char *ts_own_model_finish(struct ts_own_model *model);

#endif
