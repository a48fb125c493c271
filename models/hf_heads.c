/* Hides what families call the heads of layers with a window, where these have others than the layers that attend to
 * all.
 *
 * Worked: Gemma 4 26B A4B has 25 layers with a window, of 8 KV heads of 256, and 5 that attend to all, of 2 of 512:
 * 25 x 4 x 8 x 256 + 5 x 4 x 2 x 512 = 225,280 B of KV a token, 20,480 B of them beyond the window. */
#include "base/text.h"
#include "models/hf_config.h"

/* Gemma 4: head_dim and num_key_value_heads are those of windows. */
static enum ts_status read_global(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    if (!ts_hf_get(file, "global_head_dim") && !ts_hf_get(file, "num_global_key_value_heads")) {
        return TS_OK;
    }
    config->window_heads =
        (struct ts_hf_heads){.heads = config->heads, .kv_heads = config->kv_heads, .head_dim = config->head_dim};
    enum ts_status status = ts_hf_flag(file, "attention_k_eq_v", &config->v_is_k);
    if (status == TS_OK) {
        status = ts_hf_count(file, "num_global_key_value_heads", 1, &config->kv_heads);
    }
    return status == TS_OK ? ts_hf_count(file, "global_head_dim", 1, &config->head_dim) : status;
}

/* MiMo: keys of their own. */
static enum ts_status read_swa(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    struct ts_hf_heads window = {
        .heads = config->heads, .kv_heads = config->kv_heads, .head_dim = config->head_dim, .v_dim = config->v_dim};
    const struct {
        const char *key;
        uint32_t *to;
    } keys[] = {{"swa_num_attention_heads", &window.heads},
                {"swa_num_key_value_heads", &window.kv_heads},
                {"swa_head_dim", &window.head_dim},
                {"swa_v_head_dim", &window.v_dim}};
    enum ts_status status = TS_OK;
    bool any = false;
    for (size_t i = 0; status == TS_OK && i < sizeof keys / sizeof keys[0]; i++) {
        any = any || ts_hf_get(file, keys[i].key);
        status = ts_hf_count(file, keys[i].key, 1, keys[i].to);
    }
    config->window_heads = any ? window : config->window_heads;
    return status;
}

/* Step 3.5: a part for the layers of the other kind. */
static enum ts_status read_other(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    static const char inside[] = "attention_other_setting";
    double heads = config->heads, kv_heads = config->kv_heads, head_dim = config->head_dim;
    if (!ts_hf_get(file, inside)) {
        return TS_OK;
    }
    enum ts_status status = ts_hf_number(file, inside, "num_attention_heads", &heads);
    status = status == TS_OK ? ts_hf_number(file, inside, "num_attention_groups", &kv_heads) : status;
    status = status == TS_OK ? ts_hf_number(file, inside, "head_dim", &head_dim) : status;
    if (status == TS_OK &&
        !(heads >= 1.0 && kv_heads >= 1.0 && head_dim >= 1.0 && heads + head_dim < 1e6 && kv_heads <= heads)) {
        return ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, inside, NULL), NULL, "%s: heads are out of range",
                       inside);
    }
    config->window_heads =
        (struct ts_hf_heads){.heads = (uint32_t)heads, .kv_heads = (uint32_t)kv_heads, .head_dim = (uint32_t)head_dim};
    return status;
}

enum ts_status ts_hf_heads_read(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    enum ts_status status = read_global(config, file);
    if (status == TS_OK) {
        status = read_swa(config, file);
    }
    return status == TS_OK ? read_other(config, file) : status;
}
