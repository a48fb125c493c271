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
    bool mamba_beside; /* each layer has attention and a state space model side by side */
    bool ffn_is_4;     /* the feed-forward part is four times as wide as the model where no width is written */
    bool ffn_is_half;  /* the width written is that of the up and gate matrices together */
    uint32_t context;  /* where none is written */
};

/* A part of another model leaves out all that is its family's default. */
struct ts_hf_shape {
    const char *type;
    uint32_t layers, hidden, ffn, heads, kv_heads, head_dim, vocab, context; /* 0: none */
};

/* NULL: not known. */
const struct ts_hf_family *ts_hf_family_find(const char *type);
const struct ts_hf_shape *ts_hf_shape_find(const char *type);

#endif
