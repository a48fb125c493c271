/* Hides Hugging Face's config.json: which fields make a model another one than the engine computes, and which it may
 * pass over (torch_dtype: the weights' format is the caller's choice; dropout, token ids and the like). */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/source.h"
#include "engine/model_config.h"

enum { MAX_CONFIG_BYTES = 4 << 20 };

static const char text_config[] = "text_config";

struct reading {
    struct ts_model_config *config;
    const struct ts_json *json; /* of the text model: the document, or text_config in it */
    const struct ts_json *root;
    const struct ts_source *source;
    struct ts_diags *diags;
};

/* Where a field of the text model stands, or one inside it (inner not NULL). */
static struct ts_span at(const struct reading *r, const char *key, const char *inner)
{
    const char *const path[] = {text_config, key, inner, NULL};
    return ts_json_span(r->source, r->json == r->root ? path + 1 : path);
}

static enum ts_status unsupported(const struct reading *r, const char *key, const char *hint, const char *what)
{
    return ts_fail(r->diags, TS_EUNSUPPORTED, at(r, key, NULL), hint, "%s", what);
}

/* ---- fields ---- */

static bool is_given(const struct ts_json *value)
{
    return value && !ts_json_is_null(value);
}

struct field {
    const char *key;
    uint32_t *to;
    uint32_t missing; /* value where the key is absent or null; 0: it must be there */
};

static enum ts_status read_count(const struct reading *r, const struct field *field)
{
    int64_t value = 0;
    const struct ts_json *json = ts_json_get(r->json, field->key);
    if (!is_given(json) && field->missing > 0) {
        *field->to = field->missing;
        return TS_OK;
    }
    if (!ts_json_int(json, &value)) {
        return ts_fail(r->diags, TS_EINPUT, at(r, field->key, NULL), NULL, "%s is missing or not a whole number",
                       field->key);
    }
    if (value < 1 || value > UINT32_MAX) {
        return ts_fail(r->diags, TS_EINPUT, at(r, field->key, NULL), NULL, "%s is out of range", field->key);
    }
    *field->to = (uint32_t)value;
    return TS_OK;
}

static enum ts_status read_counts(const struct reading *r, const struct field *fields, size_t n)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < n && status == TS_OK; i++) {
        status = read_count(r, &fields[i]);
    }
    return status;
}

/* A field that may be absent or null: *out stays. `inside`: the field's own object, NULL for the model's. */
static enum ts_status read_number(const struct reading *r, const char *inside, const char *key, double *out)
{
    const struct ts_json *json = ts_json_get(inside ? ts_json_get(r->json, inside) : r->json, key);
    if (is_given(json) && !ts_json_double(json, out)) {
        return ts_fail(r->diags, TS_EINPUT, inside ? at(r, inside, key) : at(r, key, NULL), NULL, "%s is no number",
                       key);
    }
    return TS_OK;
}

static enum ts_status read_flag(const struct reading *r, const char *key, bool *out)
{
    const struct ts_json *json = ts_json_get(r->json, key);
    if (is_given(json) && !ts_json_bool(json, out)) {
        return ts_fail(r->diags, TS_EINPUT, at(r, key, NULL), NULL, "%s is neither true nor false", key);
    }
    return TS_OK;
}

/* ---- what the engine does not compute ---- */

static enum ts_status check_experts(const struct reading *r, const char *type)
{
    static const char *const counts[] = {"num_experts", "num_local_experts", "n_routed_experts"};
    static const char hint[] = "a scenario can have it: models: {NAME: {config: config.json}}";
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        int64_t n = 0;
        if (ts_json_int(ts_json_get(r->json, counts[i]), &n) && n > 1) {
            return unsupported(r, counts[i], hint, "a mixture of experts is not supported, only dense models");
        }
    }
    if (type && (strstr(type, "moe") || ts_str_equal(type, "mixtral"))) {
        return unsupported(r, "model_type", hint, "a mixture of experts is not supported, only dense models");
    }
    return TS_OK;
}

static enum ts_status check_layers(const struct reading *r)
{
    const char *act = ts_json_string(ts_json_get(r->json, "hidden_act"));
    double rotary = 1.0;
    bool mlp_bias = false;
    enum ts_status status = read_number(r, NULL, "partial_rotary_factor", &rotary);
    if (status == TS_OK) {
        status = read_flag(r, "mlp_bias", &mlp_bias);
    }
    if (status != TS_OK) {
        return status;
    }
    if (act && !ts_str_equal(act, "silu") && !ts_str_equal(act, "swish")) {
        return ts_fail(r->diags, TS_EUNSUPPORTED, at(r, "hidden_act", NULL), NULL,
                       "hidden_act '%s' is not supported (silu)", act);
    }
    if (rotary != 1.0) {
        return unsupported(r, "partial_rotary_factor", NULL, "heads that are rotated in part are not supported");
    }
    return mlp_bias ? unsupported(r, "mlp_bias", NULL, "biases in the feed-forward block are not supported") : TS_OK;
}

/* Whether some layers attend to the last `sliding_window` tokens alone. Qwen's say use_sliding_window, and its newer
 * ones, as others, name each layer's kind. */
static bool has_window(const struct reading *r)
{
    bool in_use = true;
    const struct ts_json *kinds = ts_json_get(r->json, "layer_types");
    (void)ts_json_bool(ts_json_get(r->json, "use_sliding_window"), &in_use);
    for (size_t i = 0; i < ts_json_length(kinds); i++) {
        const char *kind = ts_json_string(ts_json_at(kinds, i));
        if (kind && ts_str_equal(kind, "sliding_attention")) {
            return in_use;
        }
    }
    return in_use && ts_json_length(kinds) == 0;
}

/* A window that is shorter than the context: the engine attends to all, so it is the same model up to the window. */
static enum ts_status read_window(const struct reading *r)
{
    uint32_t window = r->config->context;
    if (!is_given(ts_json_get(r->json, "sliding_window"))) {
        return TS_OK;
    }
    enum ts_status status = read_count(r, &(struct field){"sliding_window", &window, 0});
    if (status == TS_OK && window < r->config->context && has_window(r)) {
        ts_diags_add(r->diags, TS_WARNING, at(r, "sliding_window", NULL),
                     "write null to have every layer attend to all tokens",
                     "a sliding window is not supported: the model is taken up to %u of its %u tokens", window,
                     r->config->context);
        r->config->context = window;
    }
    return status;
}

/* ---- rotary positions ---- */

static enum ts_status rope_kind(const struct reading *r, const char *inside, bool *scaled)
{
    const struct ts_json *rope = ts_json_get(r->json, inside);
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
        return ts_fail(r->diags, TS_EUNSUPPORTED, at(r, inside, key),
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
        status = read_number(r, inside, numbers[i].key, numbers[i].to);
    }
    r->config->rope_original_context = original >= 1.0 && original < INT32_MAX ? (uint32_t)original : 0;
    return status;
}

/* rope_theta and rope_scaling, or since transformers 5 both in rope_parameters. */
static enum ts_status read_rope(const struct reading *r)
{
    static const char *const places[] = {"rope_scaling", "rope_parameters"};
    enum ts_status status = read_number(r, NULL, "rope_theta", &r->config->rope_base);
    for (size_t i = 0; i < sizeof places / sizeof places[0] && status == TS_OK; i++) {
        const struct ts_json *rope = ts_json_get(r->json, places[i]);
        bool scaled = false;
        if (!is_given(rope)) {
            continue;
        }
        if (!ts_json_is_object(rope)) {
            return ts_fail(r->diags, TS_EINPUT, at(r, places[i], NULL), "null, or {\"rope_type\": .., \"factor\": ..}",
                           "%s is neither null nor an object", places[i]);
        }
        status = read_number(r, places[i], "rope_theta", &r->config->rope_base);
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
    const char *type = ts_json_string(ts_json_get(r->json, "model_type"));
    enum ts_status status = check_experts(r, type);
    if (status != TS_OK) {
        return status;
    }
    if (!type || !ts_model_config_family(&family, type)) {
        return ts_fail(r->diags, TS_EUNSUPPORTED, at(r, "model_type", NULL), NULL,
                       "model_type '%s' is not supported (llama, mistral, qwen2, qwen3)", type ? type : "");
    }
    ts_model_config_set_family(r->config, family);
    return TS_OK;
}

static enum ts_status read_shape(const struct reading *r)
{
    struct ts_model_config *config = r->config;
    const struct field fields[] = {
        {"num_hidden_layers", &config->layers, 0}, {"hidden_size", &config->hidden, 0},
        {"intermediate_size", &config->ffn, 0},    {"num_attention_heads", &config->heads, 0},
        {"vocab_size", &config->vocab, 0},         {"max_position_embeddings", &config->context, 0},
    };
    enum ts_status status = read_counts(r, fields, sizeof fields / sizeof fields[0]);
    if (status != TS_OK) {
        return status;
    }
    const uint32_t equal_heads = config->hidden / config->heads;
    const struct field derived[] = {
        {"num_key_value_heads", &config->kv_heads, config->heads},
        {"head_dim", &config->head_dim, equal_heads > 0 ? equal_heads : 1},
    };
    return read_counts(r, derived, sizeof derived / sizeof derived[0]);
}

static enum ts_status read_rest(const struct reading *r)
{
    struct ts_model_config *config = r->config;
    double eps = (double)config->norm_eps;
    const bool family_bias = config->qkv_bias;
    enum ts_status status = read_number(r, NULL, "rms_norm_eps", &eps);
    config->norm_eps = (float)eps;
    if (status == TS_OK) {
        status = read_flag(r, "tie_word_embeddings", &config->tied);
    }
    if (status == TS_OK) {
        status = read_flag(r, "attention_bias", &config->qkv_bias);
    }
    if (status == TS_OK && config->qkv_bias && !family_bias) {
        ts_diags_add(r->diags, TS_WARNING, at(r, "attention_bias", NULL), NULL,
                     "biases are added to queries, keys and values; that of the attention's output is left out");
    }
    return status;
}

static enum ts_status read_config(struct reading *r)
{
    enum ts_status (*const parts[])(const struct reading *r) = {read_shape, check_layers, read_window, read_rest,
                                                                read_rope};
    const struct ts_json *text = ts_json_get(r->root, text_config);
    if (ts_json_is_object(text)) {
        r->json = text;
        (void)ts_json_bool(ts_json_get(r->root, "tie_word_embeddings"), &r->config->tied);
    }
    enum ts_status status = read_family(r);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && status == TS_OK; i++) {
        status = parts[i](r);
    }
    if (status == TS_OK && r->json != r->root) {
        ts_diags_add(r->diags, TS_NOTE, ts_json_span(r->source, (const char *const[]){text_config, NULL}), NULL,
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
    struct ts_source source;
    struct ts_json_doc doc;
    struct ts_model_config config = {0};
    enum ts_status status = ts_source_read(&source, path, MAX_CONFIG_BYTES, diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_json_parse(&doc, path, source.data, source.len, diags);
    if (status == TS_OK) {
        const struct ts_json *root = ts_json_root(&doc);
        struct reading reading = {.config = &config, .json = root, .root = root, .source = &source, .diags = diags};
        choose_name(&config, root, path);
        status = read_config(&reading);
        ts_json_deinit(&doc);
    }
    ts_source_deinit(&source);
    if (status == TS_OK) {
        status = ts_model_config_check(&config, path, diags);
    }
    if (status == TS_OK) {
        *out = config;
    }
    return status;
}
