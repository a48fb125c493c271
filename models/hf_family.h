/* What a family of models takes for granted where its config.json is silent: transformers writes only what differs from
 * the family's defaults. Source: the configuration classes of transformers 4.57 and of the models' own repositories,
 * recalled 2026-11. */
#ifndef TS_MODELS_HF_FAMILY_H
#define TS_MODELS_HF_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

struct ts_hf_family {
    const char *type;  /* model_type */
    bool tied;         /* the head is the embedding */
    bool ungated;      /* the feed-forward part has two matrices */
    bool q_gated;      /* attention has an output gate */
    bool all_window;   /* sliding_window is of every layer where no list of kinds is given */
    uint8_t every;     /* n: every n-th layer attends to all, the others to the window; 0: no such pattern */
    bool no_attention; /* layers are not attention, or not alone, and no key says which */
};

/* NULL: not known. */
const struct ts_hf_family *ts_hf_family_find(const char *type);

#endif
