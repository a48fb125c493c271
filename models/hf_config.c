/* Hides the order of reading and the shape's keys. */
#include "models/hf_config.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "models/hf_family.h"

/* ---- numbers ---- */

static enum ts_status read_shape(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const struct {
        const char *key;
        uint32_t *to;
    } keys[] = {
        {"num_hidden_layers", &config->layers},
        {"hidden_size", &config->hidden},
        {"intermediate_size", &config->ffn},
        {"ffn_hidden_size", &config->ffn},
        {"num_attention_heads", &config->heads},
        {"num_key_value_heads", &config->kv_heads},
        {"num_kv_heads", &config->kv_heads},
        {"head_dim", &config->head_dim},
        {"vocab_size", &config->vocab},
        {"model_max_length", &config->context},
        {"max_position_embeddings", &config->context},
        {"num_kv_shared_layers", &config->n_kv_shared},
    };
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < sizeof keys / sizeof keys[0]; i++) {
        const bool may_be_none = keys[i].to == &config->n_kv_shared || keys[i].to == &config->ffn;
        status = ts_hf_count(file, keys[i].key, may_be_none ? 0 : 1, keys[i].to);
    }
    return status;
}

/* Falcon's flag: all heads of queries share one of keys and values. */
static enum ts_status read_multi_query(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    bool one = false, newer = false;
    enum ts_status status = ts_hf_flag(file, "multi_query", &one);
    if (status == TS_OK) {
        status = ts_hf_flag(file, "new_decoder_architecture", &newer);
    }
    config->kv_heads = one && !newer ? 1 : config->kv_heads;
    return status;
}

static enum ts_status read_latent(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const struct {
        const char *key;
        uint32_t *to;
    } keys[] = {{"q_lora_rank", &config->q_rank},
                {"kv_lora_rank", &config->kv_rank},
                {"qk_rope_head_dim", &config->rope_dim},
                {"qk_nope_head_dim", &config->nope_dim},
                {"v_head_dim", &config->v_dim}};
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < sizeof keys / sizeof keys[0]; i++) {
        status = ts_hf_count(file, keys[i].key, 0, keys[i].to);
    }
    config->kv_rank = ts_hf_get(file, "qk_rope_head_dim") ? config->kv_rank : 0;
    return status;
}

/* ---- family ---- */

/* A part's own word goes before the whole's; where both are silent, the family's. */
static enum ts_status read_tied(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    static const char key[] = "tie_word_embeddings";
    const struct ts_hf_family *family = ts_hf_family_find(config->type);
    const bool in_root = ts_hf_is_part(file) && ts_json_bool(ts_json_get(file->root, key), &config->tied);
    config->tied_known = in_root || ts_hf_get(file, key) || family;
    config->tied = in_root ? config->tied : family && family->tied;
    return ts_hf_flag(file, key, &config->tied);
}

static enum ts_status read_gates(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    static const char *const acts[] = {"mlp_hidden_act", "hidden_act", "hidden_activation", NULL};
    const struct ts_hf_family *family = ts_hf_family_find(config->type);
    const char *act_key = ts_hf_first(file, acts);
    const char *act = act_key ? ts_hf_text(file, act_key) : NULL;
    config->gated = !(family && family->ungated) && !(act && ts_str_equal(act, "relu2"));
    config->q_gated = family && family->q_gated;
    return ts_hf_flag(file, "attn_output_gate", &config->q_gated);
}

static void tell_of_strangers(const struct ts_hf_config *config, const struct ts_hf_file *file)
{
    if (!config->type_known) {
        ts_diags_add(
            file->diags, TS_WARNING, ts_hf_at(file, "model_type", NULL),
            "write parameters, active_parameters and kv_per_token under models: where they differ",
            "model_type '%s' is not known: attention in every layer, a feed-forward part with a gate%s are assumed",
            config->type, config->tied_known ? "" : " and a head of its own (tie_word_embeddings: false)");
    }
    if (config->sparse) {
        ts_diags_add(file->diags, TS_WARNING, ts_hf_at(file, "index_topk", NULL), NULL,
                     "attention to some tokens, which an indexer chooses, is computed as attention to all");
    }
}

/* ---- what has no place in the numbers above ---- */

/* Models that give no tokens, or read with one part and write with another. */
static enum ts_status refuse_encoders(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    static const char *const encoders[] = {"bert",    "roberta", "xlm-roberta", "distilbert", "albert",
                                           "electra", "mpnet",   "deberta-v2",  "modernbert", "nomic_bert"};
    bool both = false;
    const enum ts_status status = ts_hf_flag(file, "is_encoder_decoder", &both);
    if (status != TS_OK) {
        return status;
    }
    if (both) {
        return ts_hf_refuse(file, "is_encoder_decoder", "only models that are a decoder alone are simulated",
                            "models of an encoder and a decoder are not modelled");
    }
    for (size_t i = 0; i < sizeof encoders / sizeof encoders[0]; i++) {
        if (ts_str_equal(config->type, encoders[i])) {
            return ts_hf_refuse(file, "model_type", "name a model that generates text",
                                "a model of type '%s' is an encoder: it generates no tokens", config->type);
        }
    }
    return TS_OK;
}

static enum ts_status refuse_others(const struct ts_hf_config *config, const struct ts_hf_file *file)
{
    static const struct {
        const char *key, *what;
    } keys[] = {{"block_configs", "layers of different shapes"},
                {"global_head_dim", "heads of another size in some layers"},
                {"num_global_key_value_heads", "another number of key-value heads in some layers"},
                {"moe_latent_size", "experts of a smaller width than the model's"},
                {"ssm_cfg", "layers that are not attention"}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (ts_hf_get(file, keys[i].key)) {
            return ts_hf_refuse(file, keys[i].key,
                                "write the model's numbers under models: by hand, with kv_per_token and parameters",
                                "%s (%s) are not modelled", keys[i].what, keys[i].key);
        }
    }
    return config->n_kv_shared >= config->layers && config->layers > 0
               ? ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, "num_kv_shared_layers", NULL), NULL,
                         "num_kv_shared_layers is out of range")
               : TS_OK;
}

/* LFM2 writes the width before it is cut to two thirds. */
static enum ts_status adjust_ffn(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    bool adjusts = ts_str_equal(config->type, "lfm2");
    uint32_t multiple = 256;
    double factor = 1.0;
    enum ts_status status = ts_hf_flag(file, "block_auto_adjust_ff_dim", &adjusts);
    if (status == TS_OK && adjusts) {
        status = ts_hf_count(file, "block_multiple_of", 1, &multiple);
    }
    if (status == TS_OK && adjusts) {
        status = ts_hf_number(file, NULL, "block_ffn_dim_multiplier", &factor);
    }
    if (status == TS_OK && adjusts && factor > 0.0 && factor < 100.0) {
        const uint32_t width = (uint32_t)((double)(uint32_t)(2.0 * config->ffn / 3.0) * factor);
        config->ffn = (width + multiple - 1) / multiple * multiple;
    }
    return status;
}

/* ---- whole ---- */

enum ts_status ts_hf_config_read(struct ts_hf_config *out, const struct ts_hf_file *file)
{
    enum ts_status (*const parts[])(struct ts_hf_config *, const struct ts_hf_file *) = {
        refuse_encoders, read_shape, read_multi_query, read_latent, read_tied, read_gates, adjust_ffn};
    struct ts_hf_config config = {.layers = 0};
    const char *type = ts_hf_text(file, "model_type");
    if (!ts_json_is_object(file->json)) {
        return ts_fail(file->diags, TS_EINPUT, ts_span_file(file->path), NULL,
                       "it is not an object of keys and values");
    }
    (void)snprintf(config.type, sizeof config.type, "%s", type ? type : "");
    config.type_known = ts_hf_family_find(config.type) != NULL;
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < sizeof parts / sizeof parts[0]; i++) {
        status = parts[i](&config, file);
    }
    if (status == TS_OK) {
        status = refuse_others(&config, file);
    }
    if (status == TS_OK && config.layers > 0) {
        status = ts_hf_layers_read(&config, file);
    }
    if (status == TS_OK) {
        status = ts_hf_mixers_read(&config, file);
    }
    if (status == TS_OK) {
        status = ts_hf_experts_read(&config, file);
    }
    if (status == TS_OK) {
        config.sparse = ts_hf_get(file, "index_topk") != NULL;
        tell_of_strangers(&config, file);
        *out = config;
    }
    return status;
}
