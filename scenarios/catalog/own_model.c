/* Hides how weights and KV entries are counted.
 *
 * Worked: 32 layers of hidden 4096, 32 heads and 8 KV heads of 128, ffn 14336, 128256 words, head not tied: a layer has
 * 4096 x (4096 + 2 x 1024) + 4096 x 4096 + 3 x 4096 x 14336 = 218.1e6 weights; with the head 7.50e9 are multiplied by a
 * token, with the embedding there are 8.03e9. DeepSeek-V3: a layer's latent attention has 7168 x 1536 + 1536 x 128 x
 * (128 + 64) + 7168 x (512 + 64) + 512 x 128 x (128 + 128) + 128 x 128 x 7168 = 187.1e6, and the model 671.0e9. */
#include "scenarios/catalog/own_model.h"

#include <math.h>

/* ---- config.json ---- */

static unsigned n_attention(const struct ts_hf_config *config)
{
    return config->n_of[TS_HF_FULL] + config->n_of[TS_HF_WINDOW];
}

static double other_mixers(const struct ts_hf_config *config)
{
    double sum = 0.0;
    for (int kind = TS_HF_LINEAR; kind < TS_HF_N_LAYERS; kind++) {
        sum += config->n_of[kind] > 0 ? config->n_of[kind] * config->mixer_weights[kind] : 0.0;
    }
    return sum + (config->mamba_beside ? config->layers * config->mixer_weights[TS_HF_MAMBA] : 0.0);
}

static double states(const struct ts_hf_config *config)
{
    double sum = 0.0;
    for (int kind = TS_HF_LINEAR; kind < TS_HF_N_LAYERS; kind++) {
        sum += config->n_of[kind] > 0 ? config->n_of[kind] * config->state_bytes[kind] : 0.0;
    }
    return sum + (config->mamba_beside ? config->layers * config->state_bytes[TS_HF_MAMBA] : 0.0);
}

static void take_config(struct ts_own_model *model, const struct ts_hf_config *config)
{
    struct ts_llm *llm = &model->llm;
    model->config = *config;
    llm->layers = config->layers;
    llm->hidden = config->hidden;
    llm->ffn = config->ffn;
    llm->heads = config->heads;
    llm->kv_heads = config->kv_heads;
    llm->head_dim = config->head_dim;
    llm->vocab = config->vocab;
    llm->context = config->context;
    llm->n_experts = config->n_experts;
    llm->top_k = config->top_k;
    llm->moe_ffn = config->n_experts > 0 ? config->expert_ffn : 0;
    llm->shared_experts = config->n_shared;
    llm->sliding_window = config->window;
    llm->stored_bits = config->stored_bits;
    model->window_layers = config->n_of[TS_HF_WINDOW];
    model->tied = config->tied;
    llm->tower_params = isnan(config->tower_weights) ? 0.0 : config->tower_weights;
    llm->state_bytes = isnan(states(config)) ? 0.0 : states(config);
    model->latent = config->kv_rank > 0;
    model->uncountable =
        (model->latent && (config->nope_dim == 0 || config->v_dim == 0)) || isnan(other_mixers(config));
    if (model->latent) { /* one compressed entry and one rotary part per token and layer */
        llm->kv_bytes_per_tok = 2.0 * n_attention(config) * ((double)config->kv_rank + config->rope_dim);
        llm->kv_bytes_per_tok += config->n_index * (config->index_dim + 4.0); /* 8 bit, with a scale of 32 */
    }
}

/* Layers that keep a state. */
static enum ts_status check_states(const struct ts_hf_config *config, const char *path, struct ts_diags *diags)
{
    if (config->layers > 0 && n_attention(config) == 0) {
        return ts_fail(diags, TS_EUNSUPPORTED, ts_span_file(path), NULL,
                       "the model has no attention layers: not modelled");
    }
    if (isnan(states(config))) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(path), "write state under models:, its bytes for a sequence",
                     "%u of %u layers keep a state in place of KV entries, whose size cannot be told: it is not in the "
                     "memory plan",
                     config->layers - n_attention(config) - config->n_of[TS_HF_NO_MIXER], config->layers);
    }
    if (isnan(config->tower_weights)) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(path), "write parameters under models:, with all of the model",
                     "the weights of what sees or hears cannot be told: they are not in the memory plan");
    }
    return TS_OK;
}

enum ts_status ts_own_model_read(struct ts_own_model *model, const char *path, struct ts_diags *diags)
{
    struct ts_hf_file file;
    struct ts_hf_config config;
    enum ts_status status = ts_hf_open(&file, path, diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_hf_config_read(&config, &file);
    ts_hf_close(&file);
    if (status == TS_OK) {
        status = check_states(&config, path, diags);
    }
    if (status == TS_OK) {
        take_config(model, &config);
    }
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
        {"parameters", !model->uncountable || llm->params > 0.0},
        {"active_parameters", !model->uncountable || llm->n_experts == 0 || llm->params_active > 0.0},
        {"window", model->window_layers == 0 || llm->sliding_window > 0},
    };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (!needed[i].there) {
            return needed[i].key;
        }
    }
    return NULL;
}

/* ---- weights ---- */

/* Heads of the layers that attend to all, or of those with a window. */
static struct ts_hf_heads heads_of(const struct ts_own_model *model, bool window)
{
    const struct ts_llm *llm = &model->llm;
    const struct ts_hf_config *config = &model->config;
    struct ts_hf_heads heads = {.heads = llm->heads,
                                .kv_heads = llm->kv_heads,
                                .head_dim = llm->head_dim,
                                .v_dim = config->v_dim,
                                .v_is_k = config->v_is_k};
    if (window && config->window_heads.heads > 0) {
        heads = config->window_heads;
    }
    heads.kv_heads = heads.kv_heads > 0 ? heads.kv_heads : heads.heads;
    heads.head_dim = heads.head_dim > 0 ? heads.head_dim : llm->head_dim;
    heads.v_dim = heads.v_dim > 0 ? heads.v_dim : heads.head_dim;
    return heads;
}

static double latent_weights(const struct ts_own_model *model)
{
    const struct ts_hf_config *config = &model->config;
    const double h = model->llm.hidden, heads = model->llm.heads,
                 q = heads * ((double)config->nope_dim + config->rope_dim);
    const double queries = config->q_rank > 0 ? config->q_rank * (h + q) : h * q;
    return queries + h * ((double)config->kv_rank + config->rope_dim) +
           config->kv_rank * heads * ((double)config->nope_dim + config->v_dim) + heads * config->v_dim * h;
}

static double layer_attention(const struct ts_own_model *model, bool window)
{
    const struct ts_hf_heads heads = heads_of(model, window);
    const double h = model->llm.hidden, q = (double)heads.heads * heads.head_dim, o = (double)heads.heads * heads.v_dim;
    const double k = (double)heads.kv_heads * heads.head_dim;
    const double v = heads.v_is_k ? 0.0 : (double)heads.kv_heads * heads.v_dim;
    const double gate = model->config.q_gated ? o : 0.0;
    return h * (q + gate + k + v) + o * h;
}

/* Of all layers that attend. */
static double attention_weights(const struct ts_own_model *model)
{
    if (model->config.attention_weights > 0.0) {
        return model->config.attention_weights;
    }
    const double n = ts_llm_attention_layers(&model->llm), n_window = model->config.n_of[TS_HF_WINDOW];
    const double gate =
        model->config.q_gated ? (double)model->llm.heads * model->config.v_dim * model->llm.hidden : 0.0;
    return model->latent ? n * (latent_weights(model) + gate)
                         : (n - n_window) * layer_attention(model, false) + n_window * layer_attention(model, true);
}

/* A feed-forward part of that width: up and down, and a gate. */
static double ffn_weights(const struct ts_own_model *model, double width)
{
    const bool ungated = model->config.layers > 0 && !model->config.gated;
    return (ungated ? 2.0 : 3.0) * model->llm.hidden * width;
}

/* All feed-forward parts, under `n_experts` of those of a layer. */
static double all_ffn_weights(const struct ts_own_model *model, double n_experts)
{
    const struct ts_llm *llm = &model->llm;
    const struct ts_hf_config *config = &model->config;
    const double width = config->n_shared > 0 ? (double)config->shared_ffn / config->n_shared : llm->moe_ffn;
    const double in = config->expert_width > 0 ? (double)config->expert_width / llm->hidden : 1.0;
    const double one = in * ffn_weights(model, llm->moe_ffn);
    const double in_and_out = config->expert_width > 0 ? 2.0 * config->expert_width * llm->hidden : 0.0;
    const double shared = ffn_weights(model, llm->shared_experts * width);
    const double with_ffn = config->layers > 0 ? (double)config->n_dense + config->n_moe : llm->layers;
    const double n_moe = llm->n_experts > 0 ? ts_llm_moe_layers(llm) : 0.0;
    return n_moe * (n_experts * one + shared + in_and_out + (double)llm->hidden * llm->n_experts) +
           (with_ffn - n_moe) * ffn_weights(model, llm->ffn);
}

static double all_weights(const struct ts_own_model *model, double n_experts, unsigned n_tables)
{
    const struct ts_llm *llm = &model->llm;
    const double norms = (2.0 * llm->layers + 1.0) * llm->hidden;
    return attention_weights(model) + other_mixers(&model->config) + model->config.more_weights +
           all_ffn_weights(model, n_experts) + (double)n_tables * llm->hidden * llm->vocab + norms;
}

/* ---- what follows ---- */

/* What the file says of each layer holds for as many as it has. False: there are others now. */
static bool settle_layers(struct ts_own_model *model)
{
    struct ts_hf_config *config = &model->config;
    struct ts_llm *llm = &model->llm;
    const unsigned n = config->layers;
    const bool mixed = n_attention(config) < n || config->n_kv_shared > 0 || config->attention_weights > 0.0 ||
                       (config->n_dense > 0 && config->n_moe > 0);
    if (n == 0 || (n != llm->layers && mixed)) {
        return n == 0;
    }
    if (n != llm->layers) {
        config->n_dense = config->n_moe > 0 ? 0 : llm->layers;
        config->n_moe = config->n_moe > 0 ? llm->layers : 0;
        config->layers = config->n_of[TS_HF_FULL] = config->n_kv_of[0] = llm->layers;
        config->n_of[TS_HF_WINDOW] = config->n_kv_of[1] = 0; /* window_layers has them */
    }
    llm->attention_layers = n_attention(config);
    llm->moe_layers = config->n_moe;
    return true;
}

static const char *check_shape(const struct ts_own_model *model)
{
    const struct ts_llm *llm = &model->llm;
    if (llm->kv_heads > llm->heads || llm->heads % llm->kv_heads != 0) {
        return "its heads cannot share its kv_heads evenly";
    }
    if (llm->top_k > llm->n_experts) {
        return "experts_per_token is larger than experts";
    }
    if (model->window_layers > ts_llm_attention_layers(llm)) {
        return "more window_layers than layers that attend";
    }
    return llm->params_active > llm->params ? "more active parameters than parameters" : NULL;
}

/* Of a token in one layer, at 16 bit. */
static double layer_kv(const struct ts_own_model *model, bool window)
{
    const struct ts_hf_heads heads = heads_of(model, window);
    return 2.0 * heads.kv_heads * ((double)heads.head_dim + heads.v_dim);
}

/* KV entries of a token, and beyond the window. */
static void count_kv(struct ts_own_model *model)
{
    struct ts_llm *llm = &model->llm;
    const struct ts_hf_config *config = &model->config;
    const bool as_in_file = config->layers > 0 && model->window_layers == config->n_of[TS_HF_WINDOW];
    if (as_in_file && !(llm->kv_bytes_per_tok > 0.0)) {
        const double shared = config->kv_beyond_bytes > 0.0 ? 0.5 : 1.0; /* an entry is key and value */
        llm->kv_bytes_per_tok_beyond_window = config->kv_beyond_bytes + config->n_kv_of[0] * layer_kv(model, false);
        llm->kv_bytes_per_tok =
            llm->kv_bytes_per_tok_beyond_window + shared * config->n_kv_of[1] * layer_kv(model, true);
        return;
    }
    const unsigned n = ts_llm_attention_layers(llm);
    const double window_frac = llm->sliding_window > 0 ? (double)model->window_layers / n : 0.0;
    if (!(llm->kv_bytes_per_tok > 0.0)) {
        const unsigned n_own = config->layers > 0 ? config->n_kv_of[0] + config->n_kv_of[1] : n;
        llm->kv_bytes_per_tok = n_own * layer_kv(model, false);
    }
    llm->kv_bytes_per_tok_beyond_window = llm->kv_bytes_per_tok * (1.0 - window_frac);
}

static void count_weights(struct ts_own_model *model)
{
    struct ts_llm *llm = &model->llm;
    const unsigned n_tables = model->tied ? 1 : 2;
    const double experts = llm->n_experts > 0 ? llm->n_experts : 1.0;
    const double active = llm->n_experts > 0 ? llm->top_k : 1.0;
    const double norms = (2.0 * llm->layers + 1.0) * llm->hidden;
    const double tables = model->config.table_weights;
    llm->tower_params = llm->params > 0.0 ? 0.0 : llm->tower_params; /* written parameters are of all */
    llm->params = llm->params > 0.0 ? llm->params : all_weights(model, experts, n_tables) + tables;
    if (!(llm->params_active > 0.0)) {
        llm->params_active = llm->n_experts > 0 ? all_weights(model, active, n_tables) + tables : llm->params;
    }
    llm->wide_params = model->config.attention_wide ? attention_weights(model) : 0.0;
    llm->flop_per_tok = model->uncountable
                            ? 2.0 * (llm->params_active - (double)llm->hidden * llm->vocab * (n_tables - 1))
                            : 2.0 * (all_weights(model, active, 1) - norms);
}

const char *ts_own_model_finish(struct ts_own_model *model)
{
    struct ts_llm *llm = &model->llm;
    llm->kv_heads = llm->kv_heads > 0 ? llm->kv_heads : llm->heads;
    llm->head_dim = llm->head_dim > 0 ? llm->head_dim : llm->hidden / llm->heads;
    llm->moe_ffn = llm->n_experts > 0 && llm->moe_ffn == 0 ? llm->ffn : llm->moe_ffn;
    llm->ffn = llm->ffn > 0 ? llm->ffn : llm->moe_ffn;
    llm->top_k = llm->n_experts > 0 ? llm->top_k : 0;
    if (!settle_layers(model)) {
        return "its config.json says what each of its layers is: another number of layers cannot be written beside it";
    }
    count_weights(model);
    count_kv(model);
    llm->type = model->latent ? llm->n_experts > 0 ? "moe-mla" : "mla" : llm->n_experts > 0 ? "moe" : "dense";
    llm->own = true;
    return check_shape(model);
}
