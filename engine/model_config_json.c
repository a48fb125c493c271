/* Hides which models of Hugging Face's config.json are others than the engine computes, and what it passes over
 * (torch_dtype: the weights' format is the caller's choice; dropout, token ids and the like). The file itself is read
 * in models/. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "engine/model_config.h"
#include "models/hf_config.h"

struct reading {
    struct ts_model_config *config;
    struct ts_hf_config shape;
    const struct ts_hf_file *file;
};

static enum ts_status unsupported(const struct reading *r, const char *key, const char *hint, const char *what)
{
    return ts_hf_refuse(r->file, key, hint, "%s", what);
}

/* ---- what the engine does not compute ---- */

static enum ts_status check_experts(const struct reading *r, const char *type)
{
    static const char *const counts[] = {"num_experts", "num_local_experts", "n_routed_experts", NULL};
    static const char hint[] = "a scenario can have it: models: {NAME: {config: config.json}}";
    const char *key = ts_hf_first(r->file, counts);
    int64_t n = 0;
    if (key && ts_json_int(ts_hf_get(r->file, key), &n) && n > 1) {
        return unsupported(r, key, hint, "a mixture of experts is not supported, only dense models");
    }
    if (type && (strstr(type, "moe") || ts_str_equal(type, "mixtral"))) {
        return unsupported(r, "model_type", hint, "a mixture of experts is not supported, only dense models");
    }
    return TS_OK;
}

static enum ts_status check_layers(const struct reading *r)
{
    const char *act = ts_hf_text(r->file, "hidden_act");
    double rotary = 1.0;
    bool mlp_bias = false;
    enum ts_status status = ts_hf_number(r->file, NULL, "partial_rotary_factor", &rotary);
    if (status == TS_OK) {
        status = ts_hf_flag(r->file, "mlp_bias", &mlp_bias);
    }
    if (status != TS_OK) {
        return status;
    }
    if (act && !ts_str_equal(act, "silu") && !ts_str_equal(act, "swish")) {
        return ts_hf_refuse(r->file, "hidden_act", NULL, "hidden_act '%s' is not supported (silu)", act);
    }
    if (rotary != 1.0) {
        return unsupported(r, "partial_rotary_factor", NULL, "heads that are rotated in part are not supported");
    }
    return mlp_bias ? unsupported(r, "mlp_bias", NULL, "biases in the feed-forward block are not supported") : TS_OK;
}

/* A window that is shorter than the context: the engine attends to all, so it is the same model up to the window. */
static enum ts_status read_window(const struct reading *r)
{
    const uint32_t window = r->shape.window;
    if (window > 0 && window < r->config->context) {
        ts_diags_add(r->file->diags, TS_WARNING, ts_hf_at(r->file, "sliding_window", NULL),
                     "write null to have every layer attend to all tokens",
                     "a sliding window is not supported: the model is taken up to %u of its %u tokens", window,
                     r->config->context);
        r->config->context = window;
    }
    return TS_OK;
}

/* ---- rotary positions ---- */

static enum ts_status rope_kind(const struct reading *r, const char *inside, bool *scaled)
{
    const struct ts_json *rope = ts_hf_get(r->file, inside);
    const char *key = ts_json_get(rope, "rope_type") ? "rope_type" : "type";
    const char *type = ts_json_string(ts_json_get(rope, key));
    *scaled = type && !ts_str_equal(type, "default") && !ts_str_equal(type, "mrope"); /* mrope: of text, the same */
    if (!*scaled) {
        return TS_OK;
    }
    if (ts_str_equal(type, "llama3")) {
        r->config->rope_scaling = TS_ROPE_LLAMA3;
    } else if (ts_str_equal(type, "linear")) {
        r->config->rope_scaling = TS_ROPE_LINEAR;
    } else {
        return ts_fail(r->file->diags, TS_EUNSUPPORTED, ts_hf_at(r->file, inside, key),
                       "take it out of the file: a step takes as long without it",
                       "rope scaling '%s' is not supported (llama3, linear)", type);
    }
    return TS_OK;
}

static enum ts_status read_scaling(const struct reading *r, const char *inside)
{
    double original = 0.0;
    const struct {
        const char *key;
        double *to;
    } numbers[] = {
        {"factor", &r->config->rope_factor},
        {"low_freq_factor", &r->config->rope_low_freq},
        {"high_freq_factor", &r->config->rope_high_freq},
        {"original_max_position_embeddings", &original},
    };
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && status == TS_OK; i++) {
        status = ts_hf_number(r->file, inside, numbers[i].key, numbers[i].to);
    }
    r->config->rope_original_context = original >= 1.0 && original < INT32_MAX ? (uint32_t)original : 0;
    return status;
}

/* rope_theta and rope_scaling, or since transformers 5 both in rope_parameters. */
static enum ts_status read_rope(const struct reading *r)
{
    static const char *const places[] = {"rope_scaling", "rope_parameters"};
    enum ts_status status = ts_hf_number(r->file, NULL, "rope_theta", &r->config->rope_base);
    for (size_t i = 0; i < sizeof places / sizeof places[0] && status == TS_OK; i++) {
        const struct ts_json *rope = ts_hf_get(r->file, places[i]);
        bool scaled = false;
        if (!rope) {
            continue;
        }
        if (!ts_json_is_object(rope)) {
            return ts_fail(r->file->diags, TS_EINPUT, ts_hf_at(r->file, places[i], NULL),
                           "null, or {\"rope_type\": .., \"factor\": ..}", "%s is neither null nor an object",
                           places[i]);
        }
        status = ts_hf_number(r->file, places[i], "rope_theta", &r->config->rope_base);
        if (status == TS_OK) {
            status = rope_kind(r, places[i], &scaled);
        }
        if (status == TS_OK && scaled) {
            status = read_scaling(r, places[i]);
        }
    }
    return status;
}

/* ---- whole ---- */

static enum ts_status read_family(const struct reading *r)
{
    enum ts_model_family family;
    const char *type = ts_hf_text(r->file, "model_type");
    enum ts_status status = check_experts(r, type);
    if (status != TS_OK) {
        return status;
    }
    if (!type || !ts_model_config_family(&family, type)) {
        return ts_hf_refuse(r->file, "model_type", NULL,
                            "model_type '%s' is not supported (llama, mistral, qwen2, qwen3)", type ? type : "");
    }
    ts_model_config_set_family(r->config, family);
    return TS_OK;
}

/* Layers that are no attention, or attend in another way. */
static enum ts_status check_kinds(const struct reading *r)
{
    const struct ts_hf_config *shape = &r->shape;
    const char *const kinds[] = {"layer_types", "model_type", NULL};
    if (shape->n_of[TS_HF_FULL] + shape->n_of[TS_HF_WINDOW] < shape->layers) {
        return unsupported(r, ts_hf_first(r->file, kinds), NULL, "layers without attention are not supported");
    }
    return shape->kv_rank > 0 ? unsupported(r, "kv_lora_rank", NULL, "latent attention is not supported") : TS_OK;
}

static enum ts_status read_shape(const struct reading *r)
{
    struct ts_model_config *config = r->config;
    const struct ts_hf_config *shape = &r->shape;
    const struct {
        const char *key;
        uint32_t value, *to;
    } fields[] = {
        {"num_hidden_layers", shape->layers, &config->layers},
        {"hidden_size", shape->hidden, &config->hidden},
        {"intermediate_size", shape->ffn, &config->ffn},
        {"num_attention_heads", shape->heads, &config->heads},
        {"vocab_size", shape->vocab, &config->vocab},
        {"max_position_embeddings", shape->context, &config->context},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].value == 0) {
            return ts_fail(r->file->diags, TS_EINPUT, ts_hf_at(r->file, fields[i].key, NULL), NULL,
                           "%s is missing or not a whole number", fields[i].key);
        }
        *fields[i].to = fields[i].value;
    }
    const uint32_t equal_heads = config->hidden / config->heads;
    config->kv_heads = shape->kv_heads > 0 ? shape->kv_heads : config->heads;
    config->head_dim = shape->head_dim > 0 ? shape->head_dim : equal_heads > 0 ? equal_heads : 1;
    config->tied = shape->tied;
    return check_kinds(r);
}

static enum ts_status read_rest(const struct reading *r)
{
    struct ts_model_config *config = r->config;
    double eps = (double)config->norm_eps;
    const bool family_bias = config->qkv_bias;
    enum ts_status status = ts_hf_number(r->file, NULL, "rms_norm_eps", &eps);
    config->norm_eps = (float)eps;
    if (status == TS_OK) {
        status = ts_hf_flag(r->file, "attention_bias", &config->qkv_bias);
    }
    if (status == TS_OK && config->qkv_bias && !family_bias) {
        ts_diags_add(r->file->diags, TS_WARNING, ts_hf_at(r->file, "attention_bias", NULL), NULL,
                     "biases are added to queries, keys and values; that of the attention's output is left out");
    }
    return status;
}

static enum ts_status read_config(struct reading *r)
{
    enum ts_status (*const parts[])(const struct reading *r) = {read_shape, check_layers, read_window, read_rest,
                                                                read_rope};
    enum ts_status status = read_family(r);
    if (status == TS_OK) {
        status = ts_hf_config_read(&r->shape, r->file);
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && status == TS_OK; i++) {
        status = parts[i](r);
    }
    if (status == TS_OK && ts_hf_is_part(r->file)) {
        ts_diags_add(r->file->diags, TS_NOTE,
                     ts_json_span(&r->file->source, (const char *const[]){"text_config", NULL}), NULL,
                     "the text model alone is taken, without what sees or hears");
    }
    return status;
}

/* The file is named config.json whatever the model: then its folder names it. */
static void choose_name(struct ts_model_config *config, const struct ts_json *root, const char *path)
{
    const char *given = ts_json_string(ts_json_get(root, "_name_or_path"));
    const char *base = ts_path_base(path);
    const char *end = base > path && ts_str_equal(base, "config.json") ? base - 1 : path + strlen(path);
    const char *start = end;
    while (start > path && start[-1] != '/') {
        start--;
    }
    if (given && ts_path_base(given)[0]) {
        (void)snprintf(config->name, sizeof config->name, "%s", ts_path_base(given));
    } else if (end > start && start[0] != '.') {
        (void)snprintf(config->name, sizeof config->name, "%.*s", (int)(end - start), start);
    } else {
        (void)snprintf(config->name, sizeof config->name, "%s", base);
    }
}

enum ts_status ts_model_config_read(struct ts_model_config *out, const char *path, struct ts_diags *diags)
{
    struct ts_hf_file file;
    struct ts_model_config config = {0};
    enum ts_status status = ts_hf_open(&file, path, diags);
    if (status != TS_OK) {
        return status;
    }
    struct reading reading = {.config = &config, .file = &file};
    choose_name(&config, file.root, path);
    status = read_config(&reading);
    ts_hf_close(&file);
    if (status == TS_OK) {
        status = ts_model_config_check(&config, path, diags);
    }
    if (status == TS_OK) {
        *out = config;
    }
    return status;
}
