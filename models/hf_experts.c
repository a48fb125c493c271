/* Hides the names that families have for their experts, and which of the layers have some.
 *
 * Worked: DeepSeek-V3 has 61 layers, of which the first 3 are dense: 58 x (256 + 1) experts of 3 x 7168 x 2048 weights
 * are 656.5e9; with all 61 layers they would be 690.4e9. */
#include <string.h>

#include "base/text.h"
#include "models/hf_config.h"

static const char *const n_expert_keys[] = {"num_experts",     "num_local_experts",  "n_routed_experts",
                                            "moe_num_experts", "num_routed_experts", NULL};
static const char *const top_k_keys[] = {"num_experts_per_tok",
                                         "num_experts_per_token",
                                         "experts_per_token",
                                         "num_selected_experts",
                                         "moe_topk",
                                         "moe_k",
                                         "top_k_experts",
                                         NULL};
static const char *const width_keys[] = {"moe_intermediate_size", "moe_ffn_hidden_size", "expert_ffn_hidden_size",
                                         NULL};
static const char *const n_shared_keys[] = {"n_shared_experts", "num_shared_experts", "num_shared_expert",
                                            "moe_num_shared_experts", NULL};

/* The first of those keys that is there. */
static enum ts_status count_of(const struct ts_hf_file *file, const char *const *keys, uint32_t *out)
{
    const char *key = ts_hf_first(file, keys);
    return key ? ts_hf_count(file, key, 0, out) : TS_OK;
}

/* ---- which layers ---- */

struct counts {
    const struct ts_hf_file *file;
    enum ts_status status; /* the first failure */
};

static uint32_t value(struct counts *counts, const char *key, uint32_t fallback)
{
    uint32_t out = fallback;
    if (counts->status == TS_OK) {
        counts->status = ts_hf_count(counts->file, key, 0, &out);
    }
    return out;
}

/* Does a list of indices have it? */
static bool lists(const struct ts_hf_file *file, const char *key, uint32_t layer)
{
    const struct ts_json *list = ts_hf_get(file, key);
    bool found = false;
    for (size_t i = 0; i < ts_json_length(list); i++) {
        int64_t at = -1;
        found = found || (ts_json_int(ts_json_at(list, i), &at) && at == (int64_t)layer);
    }
    return found;
}

/* A list of what each layer is, in which feed-forward parts are layers of their own. */
static const struct ts_json *list_of_parts(const struct ts_hf_file *file)
{
    const struct ts_json *list = ts_hf_get(file, "layers_block_type");
    bool has = false;
    for (size_t i = 0; i < ts_json_length(list); i++) {
        const char *word = ts_json_string(ts_json_at(list, i));
        has = has || (word && (ts_str_equal(word, "moe") || ts_str_equal(word, "mlp")));
    }
    return has ? list : NULL;
}

/* A list with a flag or a word for each layer. */
static uint32_t n_flagged(const struct ts_json *list)
{
    uint32_t n = 0;
    for (size_t i = 0; i < ts_json_length(list); i++) {
        int64_t flag = 0;
        const char *word = ts_json_string(ts_json_at(list, i));
        n += (ts_json_int(ts_json_at(list, i), &flag) && flag != 0) ||
             (word && (ts_str_equal(word, "sparse") || ts_str_equal(word, "moe")));
    }
    return n;
}

static uint32_t n_letters(const char *text, char letter)
{
    uint32_t n = 0;
    for (; *text; text++) {
        n += *text == letter;
    }
    return n;
}

/* Layers from `first` to `last` at every `step`-th: (i + 1) mod step = 0, less those of a list without. */
static uint32_t n_stepped(const struct ts_hf_config *config, const struct ts_hf_file *file, uint32_t first,
                          uint32_t last, uint32_t step, const char *without)
{
    uint32_t n = 0;
    for (uint32_t i = first; step > 0 && i < config->layers && i <= last; i++) {
        n += (i + 1) % step == 0 && !(without && lists(file, without, i));
    }
    return n;
}

/* DeepSeek: after the first dense ones, those that the frequency divides. */
static uint32_t n_divided(const struct ts_hf_config *config, uint32_t first, uint32_t frequency)
{
    uint32_t n = 0;
    for (uint32_t i = first; frequency > 0 && i < config->layers; i++) {
        n += i % frequency == 0;
    }
    return n;
}

static uint32_t n_at_offset(const struct ts_hf_config *config, uint32_t period, uint32_t offset)
{
    uint32_t n = 0;
    for (uint32_t i = 0; period > 0 && i < config->layers; i++) {
        n += i % period == offset;
    }
    return n;
}

/* Layers with experts, by whichever key says so; without one, all. */
static uint32_t n_with_experts(const struct ts_hf_config *config, struct counts *counts)
{
    static const char *const flags[] = {"mlp_layer_types", "moe_layer_freq", NULL};
    const struct ts_hf_file *file = counts->file;
    const char *flag = ts_hf_first(file, flags);
    const char *pattern = ts_hf_text(file, "hybrid_override_pattern");
    if (flag && ts_json_is_array(ts_hf_get(file, flag))) {
        return n_flagged(ts_hf_get(file, flag));
    }
    if (list_of_parts(file)) {
        return n_flagged(list_of_parts(file));
    }
    if (pattern) {
        return n_letters(pattern, 'E');
    }
    if (ts_json_is_array(ts_hf_get(file, "moe_layers"))) {
        return (uint32_t)ts_json_length(ts_hf_get(file, "moe_layers"));
    }
    if (ts_hf_text(file, "moe_layers_enum")) {
        return n_letters(ts_hf_text(file, "moe_layers_enum"), ',') + 1;
    }
    if (ts_hf_get(file, "interleave_moe_layer_step") || ts_str_equal(config->type, "llama4_text")) {
        return n_stepped(config, file, 0, UINT32_MAX, value(counts, "interleave_moe_layer_step", 1), NULL);
    }
    if (ts_hf_get(file, "expert_layer_period") || ts_str_equal(config->type, "jamba")) {
        return n_at_offset(config, value(counts, "expert_layer_period", 2), value(counts, "expert_layer_offset", 1));
    }
    if (ts_hf_get(file, "decoder_sparse_step") || ts_hf_get(file, "mlp_only_layers")) {
        return n_stepped(config, file, 0, UINT32_MAX, value(counts, "decoder_sparse_step", 1), "mlp_only_layers");
    }
    if (ts_hf_get(file, "first_k_dense_replace") || ts_hf_get(file, "moe_layer_freq")) {
        return n_divided(config, value(counts, "first_k_dense_replace", 0), value(counts, "moe_layer_freq", 1));
    }
    if (ts_hf_get(file, "num_dense_layers")) {
        return n_divided(config, value(counts, "num_dense_layers", 0), 1);
    }
    return n_stepped(config, file, value(counts, "moe_layer_start_index", 0),
                     value(counts, "moe_layer_end_index", UINT32_MAX), value(counts, "moe_layer_interval", 1), NULL);
}

/* ---- how wide ---- */

static uint32_t width_of_shared(const struct ts_hf_config *config, struct counts *counts)
{
    static const char *const in_all[] = {"shared_expert_intermediate_size", "shared_intermediate_size",
                                         "share_expert_dim", NULL};
    const char *key = ts_hf_first(counts->file, in_all);
    if (key) {
        return value(counts, key, 0);
    }
    return config->n_shared * value(counts, "moe_shared_expert_intermediate_size", config->expert_ffn);
}

static enum ts_status read_widths(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const bool llama4 = ts_str_equal(config->type, "llama4_text");
    struct counts counts = {.file = file};
    config->expert_ffn = config->ffn;
    if (ts_hf_get(file, "dense_intermediate_size")) { /* then intermediate_size is an expert's */
        counts.status = ts_hf_count(file, "intermediate_size", 0, &config->expert_ffn);
    }
    counts.status = counts.status == TS_OK ? count_of(file, width_keys, &config->expert_ffn) : counts.status;
    config->n_shared = llama4 ? 1 : 0;
    if (counts.status == TS_OK) {
        counts.status = count_of(file, n_shared_keys, &config->n_shared);
    }
    config->shared_ffn = width_of_shared(config, &counts);
    config->n_shared = config->shared_ffn > 0 && config->n_shared == 0 ? 1 : config->n_shared;
    if (llama4) { /* its intermediate_size is an expert's */
        config->ffn = value(&counts, "intermediate_size_mlp", config->ffn);
    }
    static const char *const latent[] = {"moe_latent_size", "routed_expert_hidden_size", NULL};
    return counts.status == TS_OK ? count_of(file, latent, &config->expert_width) : counts.status;
}

/* A hybrid's layers that are attention or mamba alone have no feed-forward part; else every layer has one, unless its
 * block says otherwise. */
static uint32_t n_feed_forward(const struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const bool apart = ts_hf_text(file, "hybrid_override_pattern") || list_of_parts(file);
    return apart ? config->n_of[TS_HF_NO_MIXER] : config->n_dense > 0 ? config->n_dense : config->layers;
}

/* A dense part beside the experts of each layer is a shared expert of its width. */
static enum ts_status add_dense_beside(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    bool gemma = ts_str_equal(config->type, "gemma4_text"), arctic = false, grok = false;
    enum ts_status status = ts_hf_flag(file, "enable_moe_block", &gemma);
    status = status == TS_OK ? ts_hf_flag(file, "use_residual", &arctic) : status;
    status = status == TS_OK ? ts_hf_flag(file, "residual_moe", &grok) : status;
    if (status == TS_OK && (gemma || arctic || grok)) {
        config->n_shared = 1;
        config->shared_ffn = arctic ? config->hidden : config->ffn;
    }
    return status;
}

enum ts_status ts_hf_experts_read(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    enum ts_status status = count_of(file, n_expert_keys, &config->n_experts);
    if (status == TS_OK && ts_hf_first(file, n_expert_keys)) { /* of experts without a number, hf_strangers.c tells */
        status = count_of(file, top_k_keys, &config->top_k);
    }
    config->n_experts = config->n_experts > 1 ? config->n_experts : 0;
    config->n_dense = n_feed_forward(config, file);
    if (status != TS_OK || config->n_experts == 0) {
        return status;
    }
    status = read_widths(config, file);
    status = status == TS_OK ? add_dense_beside(config, file) : status;
    struct counts counts = {.file = file, .status = status};
    const uint32_t n_moe = status == TS_OK ? n_with_experts(config, &counts) : 0;
    if (counts.status == TS_OK && n_moe > config->n_dense) {
        return ts_fail(file->diags, TS_EINPUT, ts_span_file(file->path), NULL,
                       "%u layers with experts, of %u with a feed-forward part", n_moe, config->n_dense);
    }
    config->n_moe = n_moe;
    config->n_dense -= n_moe;
    return counts.status;
}
