/* Hides the order of reading and the shape's keys: those of today, and what GPT-2 and its time called them. */
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
        /* the last one that is there counts */
        {"n_layer", &config->layers},
        {"n_layers", &config->layers},
        {"num_layers", &config->layers},
        {"num_hidden_layers", &config->layers},
        {"n_embed", &config->hidden},
        {"n_embd", &config->hidden},
        {"d_model", &config->hidden},
        {"hidden_size", &config->hidden},
        {"n_inner", &config->ffn},
        {"ffn_dim", &config->ffn},
        {"ff_intermediate_size", &config->ffn},
        {"intermediate_size", &config->ffn},
        {"dense_intermediate_size", &config->ffn},
        {"ffn_hidden_size", &config->ffn},
        {"n_head", &config->heads},
        {"n_heads", &config->heads},
        {"num_heads", &config->heads},
        {"num_attention_heads", &config->heads},
        {"num_attention_groups", &config->kv_heads},
        {"multi_query_group_num", &config->kv_heads},
        {"num_key_value_heads", &config->kv_heads},
        {"num_kv_heads", &config->kv_heads},
        {"kv_channels", &config->head_dim},
        {"head_dim", &config->head_dim},
        {"padded_vocab_size", &config->vocab},
        {"vocab_size", &config->vocab},
        {"n_positions", &config->context},
        {"seq_length", &config->context},
        {"max_seq_len", &config->context},
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

/* Databricks' files have parts for attention and for experts. */
static enum ts_status read_parts(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const struct {
        const char *part, *key;
        uint32_t *to;
    } keys[] = {{"attn_config", "kv_n_heads", &config->kv_heads},
                {"ffn_config", "ffn_hidden_size", &config->ffn},
                {"ffn_config", "moe_num_experts", &config->n_experts},
                {"ffn_config", "moe_top_k", &config->top_k}};
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < sizeof keys / sizeof keys[0]; i++) {
        double number = *keys[i].to;
        status = ts_hf_get(file, keys[i].part) ? ts_hf_number(file, keys[i].part, keys[i].key, &number) : TS_OK;
        if (status == TS_OK && !(number >= 0.0 && number < INT32_MAX)) {
            status = ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, keys[i].part, keys[i].key), NULL,
                             "%s is out of range", keys[i].key);
        }
        *keys[i].to = status == TS_OK ? (uint32_t)number : 0;
    }
    return status;
}

/* What the family takes for granted of a shape. */
static enum ts_status complete_shape(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const struct ts_hf_family *family = ts_hf_family_find(config->type);
    const struct ts_hf_shape *shape = ts_hf_is_part(file) ? ts_hf_shape_find(config->type) : NULL;
    const struct ts_hf_shape none = {.type = NULL};
    const struct ts_hf_shape *given = shape ? shape : &none;
    const struct {
        uint32_t *to, value;
    } fields[] = {{&config->layers, given->layers},
                  {&config->hidden, given->hidden},
                  {&config->ffn, given->ffn},
                  {&config->kv_heads, config->heads > 0 ? 0 : given->kv_heads},
                  {&config->heads, given->heads},
                  {&config->head_dim, given->head_dim},
                  {&config->vocab, given->vocab},
                  {&config->context, given->context},
                  {&config->context, family ? family->context : 0}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        *fields[i].to = *fields[i].to > 0 ? *fields[i].to : fields[i].value;
    }
    if (family && family->ffn_is_4 && config->ffn == 0 && config->hidden < INT32_MAX / 4) {
        config->ffn = 4 * config->hidden;
    }
    config->ffn /= family && family->ffn_is_half ? 2 : 1;
    return TS_OK;
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
    if (config->kv_rank > 0 && config->v_dim == 0 && ts_str_equal(config->type, "minicpm3") && config->heads > 0) {
        config->v_dim = config->hidden / config->heads; /* its file has no key for it */
    }
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
    config->gated = family ? !family->ungated : !(act && ts_str_equal(act, "relu2"));
    config->q_gated = family && family->q_gated;
    const enum ts_status status = ts_hf_flag(file, "attn_output_gate", &config->q_gated);
    return status == TS_OK ? ts_hf_flag(file, "mla_use_output_gate", &config->q_gated) : status;
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
        ts_diags_add(file->diags, TS_WARNING,
                     ts_hf_at(file, ts_hf_get(file, "index_topk") ? "index_topk" : "sparse_attention_config", NULL),
                     NULL, "attention to some tokens, which an indexer chooses, is computed as attention to all");
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

static enum ts_status refuse_others(const struct ts_hf_file *file)
{
    static const struct {
        const char *key, *what;
    } keys[] = {{"num_query_heads", "layers of different shapes"},
                {"zero_expert_num", "experts that compute nothing, and two attentions in a layer"},
                {"ssm_cfg", "layers that are not attention"}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (ts_hf_get(file, keys[i].key)) {
            return ts_hf_refuse(file, keys[i].key,
                                "write the model's numbers under models: by hand, with kv_per_token and parameters",
                                "%s (%s) are not modelled", keys[i].what, keys[i].key);
        }
    }
    return TS_OK;
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
        refuse_encoders,   read_shape,         read_parts,        complete_shape,
        read_multi_query,  read_latent,        read_tied,         read_gates,
        adjust_ffn,        ts_hf_layers_read,  ts_hf_heads_read,  ts_hf_compressed_read,
        ts_hf_mixers_read, ts_hf_experts_read, ts_hf_extras_read, ts_hf_tower_read};
    struct ts_hf_config config = {.layers = 0};
    const char *type = ts_hf_text(file, "model_type");
    if (!ts_json_is_object(file->json)) {
        return ts_fail(file->diags, TS_EINPUT, ts_span_file(file->path), NULL,
                       "it is not an object of keys and values");
    }
    (void)snprintf(config.type, sizeof config.type, "%s", type ? type : "");
    config.type_known = ts_hf_family_find(config.type) != NULL;
    enum ts_status status = refuse_others(file);
    for (size_t i = 0; status == TS_OK && i < sizeof parts / sizeof parts[0]; i++) {
        status = parts[i](&config, file);
    }
    if (status == TS_OK) {
        ts_hf_stored_read(&config, file);
        tell_of_strangers(&config, file);
        ts_hf_tell_strangers(file);
        *out = config;
    }
    return status;
}
