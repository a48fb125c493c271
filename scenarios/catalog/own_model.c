/* Hides the names that model families have for the same number in config.json, and how weights are counted.
 *
 * Worked: 32 layers of hidden 4096, 32 heads and 8 KV heads of 128, ffn 14336, 128256 words, head not tied: a layer has
 * 4096 x (4096 + 2 x 1024) + 4096 x 4096 + 3 x 4096 x 14336 = 218.1e6 weights; with the head 7.50e9 are multiplied by a
 * token, with the embedding there are 8.03e9. */
#include "scenarios/catalog/own_model.h"

#include "base/json.h"

enum { CONFIG_MAX_BYTES = 4 << 20 };

static const struct {
    const char *key;
    size_t offset;
} config_keys[] = {
    {"num_hidden_layers", offsetof(struct ts_own_model, llm.layers)},
    {"hidden_size", offsetof(struct ts_own_model, llm.hidden)},
    {"intermediate_size", offsetof(struct ts_own_model, llm.ffn)},
    {"num_attention_heads", offsetof(struct ts_own_model, llm.heads)},
    {"num_key_value_heads", offsetof(struct ts_own_model, llm.kv_heads)},
    {"head_dim", offsetof(struct ts_own_model, llm.head_dim)},
    {"vocab_size", offsetof(struct ts_own_model, llm.vocab)},
    {"max_position_embeddings", offsetof(struct ts_own_model, llm.context)},
    {"num_experts", offsetof(struct ts_own_model, llm.n_experts)},
    {"num_local_experts", offsetof(struct ts_own_model, llm.n_experts)},
    {"n_routed_experts", offsetof(struct ts_own_model, llm.n_experts)},
    {"num_experts_per_tok", offsetof(struct ts_own_model, llm.top_k)},
    {"moe_intermediate_size", offsetof(struct ts_own_model, llm.moe_ffn)},
    {"n_shared_experts", offsetof(struct ts_own_model, llm.shared_experts)},
};

static enum ts_status read_counts(struct ts_own_model *model, const struct ts_json *config, const char *path,
                                  struct ts_diags *diags)
{
    for (size_t i = 0; i < sizeof config_keys / sizeof config_keys[0]; i++) {
        const struct ts_json *value = ts_json_get(config, config_keys[i].key);
        int64_t count = 0;
        if (!ts_json_int(value, &count)) {
            continue; /* absent, or null */
        }
        if (count < 0 || count > INT32_MAX) {
            return ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "%s is %lld", config_keys[i].key,
                           (long long)count);
        }
        *(unsigned *)((char *)model + config_keys[i].offset) = (unsigned)count;
    }
    return TS_OK;
}

/* Newer files list each layer's kind; of those without a list only Mistral's have the window in every layer. */
static unsigned windowed_layers(const struct ts_json *config, unsigned n_layers)
{
    const struct ts_json *kinds = ts_json_get(config, "layer_types");
    if (ts_json_is_array(kinds)) {
        unsigned n = 0;
        for (size_t i = 0; i < ts_json_length(kinds); i++) {
            const char *kind = ts_json_string(ts_json_at(kinds, i));
            n += kind && ts_str_equal(kind, "sliding_attention");
        }
        return n;
    }
    const char *type = ts_json_string(ts_json_get(config, "model_type"));
    return type && (ts_str_equal(type, "mistral") || ts_str_equal(type, "mixtral")) ? n_layers : 0;
}

static void read_window(struct ts_own_model *model, const struct ts_json *config)
{
    int64_t window = 0;
    bool in_use = true;
    (void)ts_json_bool(ts_json_get(config, "use_sliding_window"), &in_use);
    if (ts_json_int(ts_json_get(config, "sliding_window"), &window) && in_use && window > 0 && window < INT32_MAX) {
        model->window_layers = windowed_layers(config, model->llm.layers);
        model->llm.sliding_window = model->window_layers > 0 ? (unsigned)window : 0;
    }
}

/* Latent attention (DeepSeek): one compressed entry and one rotary part per token and layer. */
static void read_latent(struct ts_own_model *model, const struct ts_json *config)
{
    int64_t rank = 0;
    int64_t rope = 0;
    if (ts_json_int(ts_json_get(config, "kv_lora_rank"), &rank) && rank > 0 &&
        ts_json_int(ts_json_get(config, "qk_rope_head_dim"), &rope) && rope >= 0) {
        model->latent = true;
        model->llm.kv_bytes_per_tok = 2.0 * model->llm.layers * (double)(rank + rope);
    }
}

enum ts_status ts_own_model_read(struct ts_own_model *model, const char *path, struct ts_diags *diags)
{
    struct ts_json_doc doc;
    enum ts_status status = ts_json_read(&doc, path, CONFIG_MAX_BYTES, diags);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_json *config = ts_json_root(&doc);
    const struct ts_json *text = ts_json_get(config, "text_config");
    config = ts_json_is_object(text) ? text : config;
    status = read_counts(model, config, path, diags);
    (void)ts_json_bool(ts_json_get(config, "tie_word_embeddings"), &model->tied);
    read_window(model, config);
    read_latent(model, config);
    ts_json_deinit(&doc);
    return status;
}

const char *ts_own_model_missing(const struct ts_own_model *model)
{
    const struct ts_llm *llm = &model->llm;
    const struct {
        const char *key;
        bool there;
    } needed[] = {
        {"layers", llm->layers > 0},
        {"hidden", llm->hidden > 0},
        {"heads", llm->heads > 0},
        {"vocab", llm->vocab > 0},
        {"context", llm->context > 0},
        {"ffn", llm->ffn > 0 || llm->moe_ffn > 0},
        {"experts_per_token", llm->n_experts == 0 || llm->top_k > 0},
        {"parameters", !model->latent || llm->params > 0.0},
        {"active_parameters", !model->latent || llm->n_experts == 0 || llm->params_active > 0.0},
        {"window", model->window_layers == 0 || llm->sliding_window > 0},
    };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (!needed[i].there) {
            return needed[i].key;
        }
    }
    return NULL;
}

static double attention_weights(const struct ts_llm *llm)
{
    const double q = (double)llm->heads * llm->head_dim;
    const double kv = (double)llm->kv_heads * llm->head_dim;
    return (double)llm->hidden * (q + 2.0 * kv) + q * llm->hidden;
}

/* Weights of a layer's feed-forward part under `n_experts` of its experts, with gate, up and down projections. */
static double ffn_weights(const struct ts_llm *llm, double n_experts)
{
    if (llm->n_experts == 0) {
        return 3.0 * llm->hidden * llm->ffn;
    }
    const double one = 3.0 * llm->hidden * llm->moe_ffn;
    return (n_experts + llm->shared_experts) * one + (double)llm->hidden * llm->n_experts;
}

static double all_weights(const struct ts_llm *llm, double n_experts, unsigned n_tables)
{
    const double norms = (2.0 * llm->layers + 1.0) * llm->hidden;
    return llm->layers * (attention_weights(llm) + ffn_weights(llm, n_experts)) +
           (double)n_tables * llm->hidden * llm->vocab + norms;
}

static const char *check_shape(const struct ts_own_model *model)
{
    const struct ts_llm *llm = &model->llm;
    if (llm->kv_heads > llm->heads || llm->heads % llm->kv_heads != 0) {
        return "its heads cannot share its kv_heads evenly";
    }
    if (llm->top_k > llm->n_experts) {
        return "a token cannot take more experts than there are";
    }
    if (model->window_layers > llm->layers) {
        return "more window_layers than layers";
    }
    return llm->params_active > llm->params ? "more active parameters than parameters" : NULL;
}

const char *ts_own_model_finish(struct ts_own_model *model)
{
    struct ts_llm *llm = &model->llm;
    llm->kv_heads = llm->kv_heads > 0 ? llm->kv_heads : llm->heads;
    llm->head_dim = llm->head_dim > 0 ? llm->head_dim : llm->hidden / llm->heads;
    llm->moe_ffn = llm->n_experts > 0 && llm->moe_ffn == 0 ? llm->ffn : llm->moe_ffn;
    llm->ffn = llm->ffn > 0 ? llm->ffn : llm->moe_ffn;
    llm->top_k = llm->n_experts > 0 ? llm->top_k : 0;
    const unsigned n_tables = model->tied ? 1 : 2;
    const double experts = llm->n_experts > 0 ? llm->n_experts : 1.0;
    const double active = llm->n_experts > 0 ? llm->top_k : 1.0;
    const bool said = llm->params > 0.0;
    llm->params = said ? llm->params : all_weights(llm, experts, n_tables);
    if (!(llm->params_active > 0.0)) {
        llm->params_active = llm->n_experts > 0 ? all_weights(llm, active, n_tables) : llm->params;
    }
    const double norms = (2.0 * llm->layers + 1.0) * llm->hidden;
    llm->flop_per_tok = model->latent ? 2.0 * (llm->params_active - (double)llm->hidden * llm->vocab * (n_tables - 1))
                                      : 2.0 * (all_weights(llm, active, 1) - norms);
    if (!(llm->kv_bytes_per_tok > 0.0)) {
        llm->kv_bytes_per_tok = 4.0 * llm->layers * llm->kv_heads * llm->head_dim;
    }
    const double window_frac = llm->sliding_window > 0 ? (double)model->window_layers / llm->layers : 0.0;
    llm->kv_bytes_per_tok_beyond_window = llm->kv_bytes_per_tok * (1.0 - window_frac);
    llm->type = model->latent ? llm->n_experts > 0 ? "moe-mla" : "mla" : llm->n_experts > 0 ? "moe" : "dense";
    llm->own = true;
    return check_shape(model);
}
