/* Hides what layers have in place of attention: their weights, and the state that each sequence keeps in them, which
 * has the same size however long it is. It is kept in 16 bit unless the file has mamba_ssm_dtype: float32; the last
 * tokens of a convolution are in 16 bit.
 *
 * Worked: a linear layer of Qwen3-Next-80B has 2048 x (2 x 2048 + 2 x 4096) + 2048 x 64 + (2 x 2048 + 4096) x 4 + 4096
 * x 2048 = 33.7e6 weights, and a sequence 32 x 128 x 128 x 2 B + 8192 x 3 x 2 B = 1.098e6 B in it, 39.5 MB in 36 of
 * them. A mamba layer of Nemotron-H-8B: 128 x 64 x 128 x 2 B + (8192 + 2048) x 3 x 2 B = 2.159e6 B, 51.8 MB in 24. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "models/hf_config.h"

static const double half = 2.0; /* bytes of a number of 16 bit */

static double state_number_bytes(const struct ts_hf_file *file)
{
    static const char *const keys[] = {"mamba_ssm_dtype", "mamba_ssm_cache_dtype", NULL};
    const char *key = ts_hf_first(file, keys);
    const char *type = key ? ts_hf_text(file, key) : NULL;
    return type && ts_str_equal(type, "float32") ? 4.0 : half;
}

/* ---- linear attention ---- */

/* Gated delta rule (Qwen3-Next, Qwen3.5). */
static enum ts_status gated_delta(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const bool qwen = strcmp(config->type, "qwen3_next") == 0 || strncmp(config->type, "qwen3_5", 7) == 0;
    uint32_t n_k = qwen ? 16 : 0, n_v = qwen ? 32 : 0, d_k = qwen ? 128 : 0, d_v = qwen ? 128 : 0, kernel = 4;
    const struct {
        const char *key;
        uint32_t *to;
    } keys[] = {{"linear_num_key_heads", &n_k},
                {"linear_num_value_heads", &n_v},
                {"linear_key_head_dim", &d_k},
                {"linear_value_head_dim", &d_v},
                {"linear_conv_kernel_dim", &kernel}};
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < sizeof keys / sizeof keys[0]; i++) {
        status = ts_hf_count(file, keys[i].key, 1, keys[i].to);
    }
    const double k = (double)n_k * d_k, v = (double)n_v * d_v, h = config->hidden;
    const bool told = k > 0.0 && v > 0.0;
    config->mixer_weights[TS_HF_LINEAR] =
        told ? h * (2.0 * k + 2.0 * v) + h * 2.0 * n_v + (2.0 * k + v) * kernel + v * h : (double)NAN;
    config->state_bytes[TS_HF_LINEAR] =
        told ? v * d_k * state_number_bytes(file) + (2.0 * k + v) * (kernel - 1.0) * half : (double)NAN;
    return status;
}

/* Kimi's: gates of low rank, a state for each head and channel. */
static enum ts_status kimi_delta(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    static const char inside[] = "linear_attn_config";
    double heads = 0.0, dim = 0.0, kernel = 4.0;
    bool full_rank = false;
    (void)ts_json_bool(ts_json_get(ts_hf_get(file, inside), "use_full_rank_gate"), &full_rank);
    enum ts_status status = ts_hf_number(file, inside, "num_heads", &heads);
    status = status == TS_OK ? ts_hf_number(file, inside, "head_dim", &dim) : status;
    status = status == TS_OK ? ts_hf_number(file, inside, "short_conv_kernel_size", &kernel) : status;
    const double h = config->hidden, p = heads * dim;
    config->mixer_weights[TS_HF_LINEAR] =
        p > 0.0 ? 4.0 * h * p + 3.0 * p * kernel + dim * (h + p) + (full_rank ? h * p : dim * (h + p)) + h * heads
                : (double)NAN;
    config->state_bytes[TS_HF_LINEAR] = p > 0.0 ? p * dim * 4.0 + 3.0 * p * (kernel - 1.0) * half : (double)NAN;
    return status;
}

/* MiniMax-01: queries, keys, values, a gate; a state of 32 bit. */
static void lightning(struct ts_hf_config *config)
{
    const double dim = config->head_dim > 0 ? config->head_dim : (double)config->hidden / config->heads;
    const double p = config->heads * dim;
    config->mixer_weights[TS_HF_LINEAR] = 5.0 * config->hidden * p;
    config->state_bytes[TS_HF_LINEAR] = p * dim * 4.0;
}

static enum ts_status read_linear(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    if (ts_hf_get(file, "linear_attn_config")) {
        return kimi_delta(config, file);
    }
    if (strncmp(config->type, "minimax", 7) == 0 && config->heads > 0) {
        lightning(config);
        return TS_OK;
    }
    return gated_delta(config, file);
}

/* ---- state space models ---- */

/* The first of two names, where a family has its own. */
static enum ts_status either(const struct ts_hf_file *file, const char *a, const char *b, uint32_t *out)
{
    return ts_hf_count(file, ts_hf_get(file, a) ? a : b, 1, out);
}

/* Mamba 2, as Nemotron-H, Granite and Bamba have it; Jamba's is the first one. */
static enum ts_status read_mamba(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const bool first = strcmp(config->type, "jamba") == 0, nemotron = strcmp(config->type, "nemotron_h") == 0;
    uint32_t heads = 128, groups = nemotron ? 8 : 1, state = first ? 16 : nemotron ? 128 : 256, conv = 4, head_dim = 0;
    uint32_t expand = 2, rank = (config->hidden + 15) / 16;
    const char *const sizes[][2] = {{"mamba_n_heads", "mamba_num_heads"},
                                    {"mamba_n_groups", "n_groups"},
                                    {"mamba_d_state", "ssm_state_size"},
                                    {"mamba_d_conv", "conv_kernel"},
                                    {"mamba_expand", "expand"}};
    uint32_t *const to[] = {&heads, &groups, &state, &conv, &expand};
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < sizeof to / sizeof to[0]; i++) {
        status = either(file, sizes[i][0], sizes[i][1], to[i]);
    }
    if (status == TS_OK && !ts_hf_text(file, "mamba_d_head") && !ts_hf_text(file, "mamba_dt_rank")) { /* "auto" */
        status = either(file, "mamba_d_head", "mamba_head_dim", &head_dim);
        status = status == TS_OK ? ts_hf_count(file, "mamba_dt_rank", 1, &rank) : status;
    }
    const double h = config->hidden, inner = head_dim > 0 && !first ? (double)heads * head_dim : (double)expand * h;
    const double both = 2.0 * groups * state;
    config->mixer_weights[TS_HF_MAMBA] =
        first ? h * 2.0 * inner + inner * (conv + (rank + 2.0 * state) + rank + state) + inner * h
              : h * (2.0 * inner + both + heads) + (inner + both) * conv + inner * h;
    config->state_bytes[TS_HF_MAMBA] =
        inner * state * state_number_bytes(file) + (inner + (first ? 0.0 : both)) * (conv - 1.0) * half;
    return status;
}

/* RecurrentGemma's gated linear recurrence: two matrices in, one out, gates within heads; a state of 32 bit. */
static enum ts_status read_recurrent(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    uint32_t width = config->hidden, kernel = 4;
    enum ts_status status = ts_hf_count(file, "lru_width", 1, &width);
    status = status == TS_OK ? ts_hf_count(file, "conv1d_width", 1, &kernel) : status;
    const double w = width, heads = config->heads > 0 ? config->heads : 1.0;
    config->mixer_weights[TS_HF_RECURRENT] = 3.0 * config->hidden * w + 2.0 * w * w / heads + w * kernel;
    config->state_bytes[TS_HF_RECURRENT] = w * 4.0 + w * (kernel - 1.0) * half;
    return status;
}

/* ---- all of it ---- */

enum ts_status ts_hf_mixers_read(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    uint32_t kernel = 3;
    enum ts_status status = ts_hf_count(file, "conv_L_cache", 1, &kernel);
    config->mixer_weights[TS_HF_CONV] = (4.0 * config->hidden + kernel) * config->hidden;
    config->state_bytes[TS_HF_CONV] = config->hidden * (kernel - 1.0) * half;
    if (status == TS_OK) {
        status = read_recurrent(config, file);
    }
    if (status == TS_OK) {
        status = read_linear(config, file);
    }
    return status == TS_OK ? read_mamba(config, file) : status;
}
