/* What a Hugging Face config.json says of a decoder: its shape, what each of its layers is, its experts. The one reader
 * of that file: a scenario counts weights and KV entries from it (scenarios/catalog/own_model.h), the engine takes what
 * it can compute (engine/model_config.h).
 *
 * Files leave out what is the default of their family, and families differ in it: models/hf_family.h. Nothing is
 * guessed in silence: a key or a word that makes layers other than what is known here is refused, a family that is not
 * known is told. */
#ifndef TS_MODELS_HF_CONFIG_H
#define TS_MODELS_HF_CONFIG_H

#include "models/hf_file.h"

/* How a layer looks back. */
enum ts_hf_layer {
    TS_HF_FULL,      /* attention over all tokens */
    TS_HF_WINDOW,    /* attention over the last ones, or those of a chunk */
    TS_HF_LINEAR,    /* linear attention: a state of constant size in place of KV entries */
    TS_HF_MAMBA,     /* a state space model: the same */
    TS_HF_CONV,      /* a convolution over the last tokens */
    TS_HF_RECURRENT, /* another recurrence */
    TS_HF_NO_MIXER,  /* not at all: a feed-forward part alone */
    TS_HF_N_LAYERS
};

/* Heads of a layer that attends; of latent attention, see below. */
struct ts_hf_heads {
    uint32_t heads, kv_heads, head_dim; /* 0: not said */
    uint32_t v_dim;                     /* of a head's values, where its keys have another width; else 0 */
    bool v_is_k;                        /* values are the keys before they are rotated: no matrix of their own */
};

struct ts_hf_config {
    char type[64]; /* model_type of the text model */
    bool type_known;
    uint32_t layers, hidden, ffn, heads, kv_heads, head_dim, vocab, context; /* 0: not said */
    uint32_t n_of[TS_HF_N_LAYERS];                                           /* layers of each kind: `layers` in all */
    double
        mixer_weights[TS_HF_N_LAYERS];  /* of one layer of that kind, beside FULL's and WINDOW's; NAN: cannot be told */
    double state_bytes[TS_HF_N_LAYERS]; /* of one layer of that kind and a sequence, in place of KV entries; 0 of
                                           attention; NAN: cannot be told */
    bool mamba_beside;                  /* every layer has a state space model beside its attention */
    uint32_t n_kv_of[2];  /* of layers that attend to all, and over a window: those with KV entries of their own */
    uint32_t n_kv_shared; /* the last layers, which read the KV entries of earlier ones */
    uint32_t window;
    struct ts_hf_heads window_heads; /* where layers with a window have others than the rest; heads 0: the same */
    uint32_t v_dim;                  /* of a head's values; 0: as its keys */
    bool v_is_k;                     /* of layers that attend to all */
    bool tied;                       /* the head is the embedding */
    bool gated;                      /* the feed-forward part has three matrices; else two */
    bool q_gated;                    /* attention has a gate as large as its queries */
    bool tied_known;                 /* by a key, or by the family */
    /* feed-forward parts; other layers have none */
    uint32_t n_dense, n_moe;                      /* layers with a dense one, and with experts */
    uint32_t n_experts, top_k, expert_ffn;        /* 0: no experts */
    uint32_t n_shared, shared_ffn;                /* experts that all tokens meet: how many, and their width in all */
    uint32_t expert_width;                        /* of what experts read and write; 0: hidden */
    uint32_t q_rank, kv_rank, rope_dim, nope_dim; /* latent attention (DeepSeek); kv_rank 0: none */
    bool sparse;                                  /* attention to some of the tokens, chosen by an indexer */
    uint32_t n_index, index_dim;                  /* layers with an indexer of their own, and the width of its keys */
    bool attention_wide;                          /* quantization_config leaves attention at 16 bit */
    uint32_t stored_bits;                         /* of a weight in the files (quantization_config); 0: not said */
    double table_weights;                         /* of tables beside the embedding: looked up, not multiplied */
    double attention_weights, kv_beyond_bytes; /* of all layers, a token's beyond the window: where KV entries stand for
                                                  several tokens; else 0 */
    double more_weights;                       /* that each token is multiplied with, beside all of the above */
    double tower_weights;                      /* of what sees; NAN: of some part they cannot be told */
};

/* TS_EINPUT, TS_EUNSUPPORTED (reported with file, line and column). Shape numbers that are absent are 0. */
enum ts_status ts_hf_config_read(struct ts_hf_config *out, const struct ts_hf_file *file);

/* ---- its parts, called by it ---- */

/* hf_layers.c: n_of, window. */
enum ts_status ts_hf_layers_read(struct ts_hf_config *config, const struct ts_hf_file *file);
/* hf_mixers.c: mixer_weights, state_bytes. */
enum ts_status ts_hf_mixers_read(struct ts_hf_config *config, const struct ts_hf_file *file);
/* hf_experts.c: n_dense, n_moe and what follows. */
enum ts_status ts_hf_experts_read(struct ts_hf_config *config, const struct ts_hf_file *file);
/* hf_extras.c: table_weights, more_weights, n_index. */
enum ts_status ts_hf_extras_read(struct ts_hf_config *config, const struct ts_hf_file *file);
/* hf_compressed.c: attention_weights, kv_beyond_bytes. */
enum ts_status ts_hf_compressed_read(struct ts_hf_config *config, const struct ts_hf_file *file);
/* hf_heads.c: window_heads, v_dim, v_is_k; heads, kv_heads and head_dim of the other layers. */
enum ts_status ts_hf_heads_read(struct ts_hf_config *config, const struct ts_hf_file *file);
/* hf_blocks.c, of models whose layers were searched (block_configs): n_of, kv_heads, ffn (their mean), n_dense. */
enum ts_status ts_hf_blocks_read(struct ts_hf_config *config, const struct ts_hf_file *file);
/* hf_stored.c: stored_bits, attention_wide. */
void ts_hf_stored_read(struct ts_hf_config *config, const struct ts_hf_file *file);
/* hf_strangers.c: tells of keys that nobody asked for and that sound of shapes. */
void ts_hf_tell_strangers(const struct ts_hf_file *file);
/* hf_tower.c: tower_weights. */
enum ts_status ts_hf_tower_read(struct ts_hf_config *config, const struct ts_hf_file *file);

#endif
