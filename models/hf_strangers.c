/* Hides which keys of a config.json sound as if they changed a model's shape though nothing here reads them: they are
 * told, for the numbers may be wrong without them. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "models/hf_config.h"

enum { MAX_NAMES = 160 };

/* Keys that say nothing of weights and KV entries, or what another key says too. */
static const char *const harmless[] = {
    "activation_sparsity_pattern",
    "attention_head_dim",
    "attention_hidden_size",
    "attention_types",
    "attn_layer_offset",
    "attn_layer_period",
    "attn_res_block_size",
    "bad_words_ids",
    "block_size",
    "chunk_size",
    "chunk_size_feed_forward",
    "decoder_sparse_step",
    "dense_attention_every_n_layers",
    "ep_size",
    "expert_layer_offset",
    "expert_layer_period",
    "first_k_dense_replace",
    "full_attention_interval",
    "hybrid_layer_ids",
    "hidden_size_per_layer_input",
    "image_seq_length",
    "interleave_moe_layer_step",
    "kda_layers",
    "layers_block_type",
    "mamba_chunk_size",
    "max_window_layers",
    "mlp_only_layers",
    "moe_layer_freq",
    "mtp_layers_block_type",
    "mtp_num_hidden_layers",
    "mtp_transformer_layers",
    "n_ctx",
    "n_group",
    "no_rope_layers",
    "num_beam_groups",
    "num_beams",
    "num_expert_group",
    "num_expert_groups",
    "num_hash_layers",
    "num_image_tokens",
    "num_logits_to_keep",
    "num_mtp_modules",
    "num_mtp_layers",
    "num_nextn_predict_layers",
    "num_return_sequences",
    "qk_head_dim",
    "rotary_dim",
    "sliding_window_pattern",
    "sliding_window_size",
    "spatial_merge_size",
    "topk_group",
    "word_embed_proj_dim",
    "image_size",
    "patch_size",
    "n_routed_groups",
    "num_limited_groups",
    "mla_layers",
    "time_step_rank",
    "num_global_layers",
    "indexer_types",
    "max_num_tiles",
    "num_attention_groups",
};

static bool has_end(const char *key, const char *end)
{
    const size_t n = strlen(key), m = strlen(end);
    return n >= m && strcmp(key + n - m, end) == 0;
}

static bool is_shape(const char *key)
{
    static const char *const ends[] = {"_size",    "_dim",    "_rank", "_width",   "_heads", "_layers",
                                       "_experts", "_groups", "_ffn",  "_pattern", "_types", "_configs"};
    bool yes = strncmp(key, "num_", 4) == 0 || strncmp(key, "n_", 2) == 0;
    for (size_t i = 0; !yes && i < sizeof ends / sizeof ends[0]; i++) {
        yes = has_end(key, ends[i]);
    }
    for (size_t i = 0; yes && i < sizeof harmless / sizeof harmless[0]; i++) {
        yes = strcmp(harmless[i], key) != 0;
    }
    return yes && strncmp(key, "mtp_", 4) != 0;
}

struct strangers {
    const struct ts_hf_file *file;
    const char *first;
    char names[MAX_NAMES];
};

/* A flag or a one changes no shape. */
static bool take(void *user, const char *key, const struct ts_json *value)
{
    struct strangers *found = user;
    int64_t number = 0;
    const bool says = (ts_json_int(value, &number) && number > 1) || ts_json_length(value) > 0;
    if (says && is_shape(key) && !ts_hf_was_asked(found->file, key)) {
        const size_t n = strlen(found->names);
        (void)snprintf(found->names + n, sizeof found->names - n, "%s%s", n > 0 ? ", " : "", key);
        found->first = found->first ? found->first : key;
    }
    return true;
}

void ts_hf_tell_strangers(const struct ts_hf_file *file)
{
    struct strangers found = {.file = file};
    ts_json_each(file->json, take, &found);
    if (found.first) {
        ts_diags_add(file->diags, TS_WARNING, ts_hf_at(file, found.first, NULL),
                     "write parameters, active_parameters and kv_per_token under models: where it does",
                     "keys that are not known may change what is counted: %s", found.names);
    }
}
