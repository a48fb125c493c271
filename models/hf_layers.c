/* Hides the ways in which families say what each layer is: a list of kinds, a period, a string of letters, lists of
 * indices.
 *
 * Worked: Qwen3-Next-80B has 48 layers, of which every fourth attends: 12 x 2 x 2 heads x 256 x 2 B = 24,576 B of KV a
 * token, where 48 layers would have 98,304. */
#include <string.h>

#include "base/text.h"
#include "models/hf_config.h"
#include "models/hf_family.h"

enum { MAX_LAYERS = 4096 };

static const char write_by_hand[] = "write the model's numbers under models: by hand, with kv_per_token and parameters";

/* ---- what each layer is ---- */

static bool kind_of(const char *word, enum ts_hf_layer *out)
{
    static const struct {
        const char *word;
        enum ts_hf_layer kind;
    } words[] = {
        {"full_attention", TS_HF_FULL},
        {"attention", TS_HF_FULL},
        {"sliding_attention", TS_HF_WINDOW},
        {"chunked_attention", TS_HF_WINDOW},
        {"local_attention", TS_HF_WINDOW},
        {"linear_attention", TS_HF_LINEAR},
        {"mamba", TS_HF_MAMBA},
        {"mamba2", TS_HF_MAMBA},
        {"conv", TS_HF_CONV},
        {"recurrent", TS_HF_RECURRENT},
        {"mlp", TS_HF_NO_MIXER},
        {"moe", TS_HF_NO_MIXER},
        {"global_attention", TS_HF_FULL},
        {"deepseek_sparse_attention", TS_HF_FULL},
        {"global", TS_HF_FULL},
        {"local", TS_HF_WINDOW},
    };
    for (size_t i = 0; word && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].word, word) == 0) {
            *out = words[i].kind;
            return true;
        }
    }
    return false;
}

/* A list with a word for each layer; recurrentgemma's block_types is repeated over them, and a list of one word alone
 * may be of any length. */
static enum ts_status by_list(struct ts_hf_config *config, const struct ts_hf_file *file, const char *key)
{
    const struct ts_json *list = ts_hf_get(file, key);
    const size_t n = ts_json_length(list);
    for (uint32_t i = 0; n > 0 && i < config->layers; i++) {
        const char *word = ts_json_string(ts_json_at(list, i % n));
        enum ts_hf_layer kind = TS_HF_FULL;
        if (!kind_of(word, &kind)) {
            return ts_hf_refuse(file, key, write_by_hand, "%s: layers of kind '%s' are not known", key,
                                word ? word : "");
        }
        config->n_of[kind]++;
        config->n_kv_of[kind == TS_HF_WINDOW] += kind <= TS_HF_WINDOW && i + config->n_kv_shared < config->layers;
    }
    bool one_kind = false;
    for (int kind = 0; kind < TS_HF_N_LAYERS; kind++) {
        one_kind = one_kind || config->n_of[kind] == config->layers;
    }
    return (n == config->layers || one_kind || (n > 0 && ts_str_equal(key, "block_types")))
               ? TS_OK
               : ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, key, NULL), NULL, "%s has %zu words for %u layers", key,
                         n, config->layers);
}

/* Nemotron-H: a letter for each layer, which is attention, mamba or a feed-forward part alone. */
static enum ts_status by_pattern(struct ts_hf_config *config, const struct ts_hf_file *file, const char *key)
{
    const char *pattern = ts_hf_text(file, key);
    if (!pattern || strlen(pattern) != config->layers) {
        return ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, key, NULL), NULL,
                       "%s has no letter for each of %u layers", key, config->layers);
    }
    for (const char *c = pattern; *c; c++) {
        switch (*c) {
        case '*':
            config->n_of[TS_HF_FULL]++;
            break;
        case 'M':
            config->n_of[TS_HF_MAMBA]++;
            break;
        case '-':
        case 'E':
            config->n_of[TS_HF_NO_MIXER]++;
            break;
        default:
            return ts_hf_refuse(file, key, write_by_hand, "%s: layers of kind '%c' are not known", key, *c);
        }
    }
    return TS_OK;
}

/* Layers i with i mod period = offset attend, the others are `others`. */
static enum ts_status by_period(struct ts_hf_config *config, const struct ts_hf_file *file, const char *key,
                                uint32_t period, uint32_t offset, enum ts_hf_layer others)
{
    enum ts_status status = ts_hf_count(file, key, 1, &period);
    if (status == TS_OK && period == 0) {
        status = ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, key, NULL), NULL, "%s is out of range", key);
    }
    for (uint32_t i = 0; status == TS_OK && i < config->layers; i++) {
        config->n_of[i % period == (offset == UINT32_MAX ? period - 1 : offset) ? TS_HF_FULL : others]++;
    }
    return status;
}

static enum ts_status by_offset(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    uint32_t offset = 0;
    const enum ts_status status = ts_hf_count(file, "attn_layer_offset", 0, &offset);
    return status == TS_OK ? by_period(config, file, "attn_layer_period", 0, offset, TS_HF_MAMBA) : status;
}

/* The layers of a list attend, the others are `others`. */
static enum ts_status by_indices(struct ts_hf_config *config, const struct ts_hf_file *file, const char *inside,
                                 const char *key, enum ts_hf_layer others)
{
    const struct ts_json *list = inside ? ts_json_get(ts_hf_get(file, inside), key) : ts_hf_get(file, key);
    const size_t n = ts_json_length(list);
    if (!ts_json_is_array(list) || n > config->layers) {
        return ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, inside ? inside : key, inside ? key : NULL), NULL,
                       "%s is no list of at most %u layers", key, config->layers);
    }
    config->n_of[TS_HF_FULL] = (uint32_t)n;
    config->n_of[others] = config->layers - (uint32_t)n;
    return TS_OK;
}

/* A number for each layer: 0 or 1. */
static enum ts_status by_types(struct ts_hf_config *config, const struct ts_hf_file *file, const char *key,
                               enum ts_hf_layer zero, enum ts_hf_layer one)
{
    const struct ts_json *list = ts_hf_get(file, key);
    const size_t n = ts_json_length(list);
    uint32_t n_of[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        int64_t type = 0;
        if (!ts_json_int(ts_json_at(list, i), &type) || type < 0 || type > 1) {
            return ts_hf_refuse(file, key, write_by_hand, "%s: layers of a type other than 0 and 1 are not known", key);
        }
        n_of[type]++;
    }
    config->n_of[zero] = n_of[0];
    config->n_of[one] = n_of[1];
    return n == config->layers ? TS_OK
                               : ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, key, NULL), NULL,
                                         "%s has %zu numbers for %u layers", key, n, config->layers);
}

/* ---- windows, where no list of kinds is given ---- */

/* Exaone 4's pattern is a string of L and G, others' a number. */
static uint32_t pattern_length(const struct ts_hf_file *file, const struct ts_hf_family *family)
{
    uint32_t every = family ? family->every : 0;
    const char *letters = ts_hf_text(file, "sliding_window_pattern");
    int64_t given = 0;
    if (letters) {
        every = (uint32_t)strlen(letters);
    } else if (ts_json_int(ts_hf_get(file, "sliding_window_pattern"), &given) && given > 0 && given < MAX_LAYERS) {
        every = (uint32_t)given;
    }
    return every;
}

/* Which layers have the window: those that the family's pattern says, all of them, or (Qwen) those after the first. */
static uint32_t n_windowed(const struct ts_hf_config *config, const struct ts_hf_file *file,
                           const struct ts_hf_family *family)
{
    const uint32_t every = pattern_length(file, family);
    uint32_t first = 0;
    if (every > 0) {
        return config->layers - config->layers / every;
    }
    if (ts_hf_get(file, "max_window_layers") && ts_hf_count(file, "max_window_layers", 0, &first) == TS_OK) {
        return first < config->layers ? config->layers - first : 0;
    }
    return family && family->all_window ? config->layers : 0;
}

static enum ts_status read_window(struct ts_hf_config *config, const struct ts_hf_file *file, bool *in_use)
{
    *in_use = true;
    enum ts_status status = ts_hf_flag(file, "use_sliding_window", in_use);
    static const char *const keys[] = {"window_size", "attention_window_size", "attention_chunk_size",
                                       "sliding_window"};
    for (size_t i = 0; status == TS_OK && i < sizeof keys / sizeof keys[0]; i++) {
        status = ts_hf_count(file, keys[i], 0, &config->window);
    }
    return status;
}

static void by_family(struct ts_hf_config *config, const struct ts_hf_file *file, const struct ts_hf_family *family)
{
    const uint32_t windowed = config->window > 0 ? n_windowed(config, file, family) : 0;
    config->n_of[TS_HF_WINDOW] = windowed;
    config->n_of[TS_HF_FULL] = config->layers - windowed;
    if (config->window > 0 && windowed == 0) {
        ts_diags_add(file->diags, TS_WARNING, ts_hf_at(file, "sliding_window", NULL),
                     "write window and window_layers under models:",
                     "a sliding window, and no key says in which layers: it is ignored");
        config->window = 0;
    }
}

/* Llama 4: chunks in layers with rotary positions, which is three of four unless a list says which. */
static enum ts_status by_chunks(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const struct ts_json *list = ts_hf_get(file, "no_rope_layers");
    uint32_t interval = 4, n_chunked = 0;
    const enum ts_status status = ts_hf_count(file, "no_rope_layer_interval", 1, &interval);
    if (ts_json_length(list) == config->layers) {
        for (uint32_t i = 0; i < config->layers; i++) {
            int64_t has_rope = 0;
            n_chunked += ts_json_int(ts_json_at(list, i), &has_rope) && has_rope != 0;
        }
    } else {
        n_chunked = config->layers - config->layers / interval;
    }
    config->n_of[TS_HF_WINDOW] = n_chunked;
    config->n_of[TS_HF_FULL] = config->layers - n_chunked;
    return status;
}

/* ---- all of it ---- */

/* Keys of layers that are no attention, in a file that does not say which these are. */
static enum ts_status refuse_unsaid(const struct ts_hf_config *config, const struct ts_hf_file *file,
                                    const struct ts_hf_family *family)
{
    static const char *const hints[] = {
        "mamba_d_state", "mamba_d_ssm", "ssm_state_size",       "state_size",    "mamba_num_heads", "ssm_cfg",
        "conv_L_cache",  "lru_width",   "linear_num_key_heads", "block_configs", "mamba_n_heads",   "kda_layers",
        "mamba_expand",  NULL};
    const char *key = ts_hf_first(file, hints);
    if (family && family->mamba_beside) {
        return TS_OK;
    }
    if (key) {
        return ts_hf_refuse(file, key, write_by_hand,
                            "layers that are not, or not only, attention (%s), and no known key says which", key);
    }
    return family && family->no_attention
               ? ts_hf_refuse(file, "model_type", write_by_hand,
                              "layers of model_type '%s' are not, or not only, attention", config->type)
               : TS_OK;
}

static enum ts_status read_kinds(struct ts_hf_config *config, const struct ts_hf_file *file, bool in_use)
{
    static const char *const lists[] = {"layer_types", "layers_block_type", "block_types", "attention_layers", NULL};
    const struct ts_hf_family *family = ts_hf_family_find(config->type);
    const char *list = ts_hf_first(file, lists);
    if (list) {
        return by_list(config, file, list);
    }
    if (ts_hf_get(file, "hybrid_override_pattern")) {
        return by_pattern(config, file, "hybrid_override_pattern");
    }
    if (ts_hf_get(file, "attn_type_list")) {
        return by_types(config, file, "attn_type_list", TS_HF_LINEAR, TS_HF_FULL); /* MiniMax */
    }
    if (ts_hf_get(file, "hybrid_layer_pattern")) {
        return by_types(config, file, "hybrid_layer_pattern", TS_HF_FULL, TS_HF_WINDOW); /* MiMo */
    }
    if (ts_hf_get(file, "compress_ratios")) { /* DeepSeek-V4: a window in each, and more */
        config->n_of[TS_HF_WINDOW] = config->layers;
        return TS_OK;
    }
    if (ts_hf_get(file, "block_configs")) {
        return ts_hf_blocks_read(config, file);
    }
    if (ts_hf_get(file, "linear_attn_config")) {
        return by_indices(config, file, "linear_attn_config", "full_attn_layers", TS_HF_LINEAR);
    }
    if (ts_hf_get(file, "attn_layer_indices")) {
        return by_indices(config, file, NULL, "attn_layer_indices", TS_HF_MAMBA);
    }
    if (ts_hf_get(file, "attn_layer_period")) {
        return by_offset(config, file);
    }
    if (ts_hf_get(file, "full_attention_interval") || strcmp(config->type, "qwen3_next") == 0) {
        return by_period(config, file, "full_attention_interval", 4, UINT32_MAX, TS_HF_LINEAR);
    }
    const enum ts_status status = refuse_unsaid(config, file, family);
    if (status != TS_OK) {
        return status;
    }
    if (ts_hf_get(file, "attention_chunk_size")) {
        return by_chunks(config, file);
    }
    config->window = in_use ? config->window : 0;
    by_family(config, file, family);
    return TS_OK;
}

/* A list or pattern with something for each layer says how many there are, where no key does. */
static void count_layers(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    static const char *const lists[] = {"layer_types", "layers_block_type", NULL};
    const char *list = ts_hf_first(file, lists);
    const char *pattern = ts_hf_text(file, "hybrid_override_pattern");
    const size_t n = list ? ts_json_length(ts_hf_get(file, list)) : pattern ? strlen(pattern) : 0;
    config->layers = config->layers > 0 || n > MAX_LAYERS ? config->layers : (uint32_t)n;
}

/* Layers with KV entries of their own, where no list said so: the last ones share; Llama 3.2's that look at an image
 * have none of the text. */
static void count_kv_layers(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const uint32_t crossing = (uint32_t)ts_json_length(ts_hf_get(file, "cross_attention_layers"));
    uint32_t *n = config->n_kv_of;
    if (n[0] + n[1] == 0) {
        n[1] = config->n_of[TS_HF_WINDOW];
        n[0] = config->n_of[TS_HF_FULL];
        const uint32_t shared = config->n_kv_shared < n[0] + n[1] ? config->n_kv_shared : 0;
        const uint32_t of_window = (uint32_t)((double)shared * n[1] / (n[0] + n[1] > 0 ? n[0] + n[1] : 1) + 0.5);
        n[1] -= of_window;
        n[0] -= shared - of_window;
    }
    n[0] -= crossing < n[0] ? crossing : 0;
}

enum ts_status ts_hf_layers_read(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const struct ts_hf_family *family = ts_hf_family_find(config->type);
    bool in_use = true;
    count_layers(config, file);
    enum ts_status status = read_window(config, file, &in_use);
    if (status == TS_OK && config->layers > MAX_LAYERS) {
        status = ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, "num_hidden_layers", NULL), NULL,
                         "num_hidden_layers is out of range");
    }
    if (status != TS_OK || config->layers == 0) {
        return status;
    }
    config->mamba_beside = family && family->mamba_beside;
    status = read_kinds(config, file, in_use);
    if (status == TS_OK && config->n_kv_shared >= config->layers) {
        return ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, "num_kv_shared_layers", NULL), NULL,
                       "num_kv_shared_layers is out of range");
    }
    if (!in_use || config->window == 0) {
        config->n_of[TS_HF_FULL] += config->n_of[TS_HF_WINDOW];
        config->n_kv_of[0] += config->n_kv_of[1];
        config->n_of[TS_HF_WINDOW] = config->n_kv_of[1] = 0;
    } else if (config->window > 0 && family && strcmp(config->type, "recurrent_gemma") == 0) {
        config->n_of[TS_HF_WINDOW] += config->n_of[TS_HF_FULL]; /* all of its attention is local */
        config->n_of[TS_HF_FULL] = 0;
        config->n_kv_of[1] += config->n_kv_of[0];
        config->n_kv_of[0] = 0;
    }
    config->window = config->n_of[TS_HF_WINDOW] > 0 ? config->window : 0;
    count_kv_layers(config, file);
    return status;
}
