/* Hides DeepSeek-V4's attention: one entry is both key and value of all heads; each layer keeps those of a short
 * window, and before it one for every 4 or 128 tokens (compress_ratios; 0: none). An indexer chooses among those of 4,
 * with entries of its own. The output goes through groups of low rank.
 *
 * Worked, V4-Flash: a layer has 4096 x 1024 + 1024 x 64 x 512 + 4096 x 512 + 64 x 512 x 1024 + 8 x 1024 x 4096 =
 * 107.0e6 weights beside compressors; 21 layers of 4 keep 2 x 512/4 + 132/4 = 289 B of a token at 16 bit, 20 of 128 8
 * B: 6,229 B. In 8 bit with 64 rotary numbers in 16, as DeepSeek keeps it, 3.5 kB: 7 % of V3.2's 48 kB, as published.
 */
#include "models/hf_config.h"

static const char key[] = "compress_ratios";

enum { WITH_INDEXER = 4 };

struct widths {
    uint32_t o_rank, o_groups, index_heads, index_dim;
};

static enum ts_status read_widths(struct widths *out, const struct ts_hf_file *file)
{
    const struct {
        const char *key;
        uint32_t *to;
    } keys[] = {{"o_lora_rank", &out->o_rank},
                {"o_groups", &out->o_groups},
                {"index_n_heads", &out->index_heads},
                {"index_head_dim", &out->index_dim}};
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < sizeof keys / sizeof keys[0]; i++) {
        status = ts_hf_count(file, keys[i].key, 1, keys[i].to);
    }
    return status;
}

static double base_weights(const struct ts_hf_config *config, const struct widths *w)
{
    const double h = config->hidden, q = (double)config->heads * config->head_dim;
    return config->q_rank * (h + q) + h * config->head_dim + q * w->o_rank + (double)w->o_groups * w->o_rank * h;
}

/* Keys and gates of compressed entries; of those with an indexer twice, for they overlap, and the indexer. */
static double ratio_weights(const struct ts_hf_config *config, const struct widths *w, int64_t ratio)
{
    const double h = config->hidden, compressor = 2.0 * h * config->head_dim;
    const double indexer =
        (double)config->q_rank * w->index_heads * w->index_dim + h * w->index_heads + 4.0 * h * w->index_dim;
    return ratio == 0 ? 0.0 : ratio == WITH_INDEXER ? 2.0 * compressor + indexer : compressor;
}

static double ratio_bytes(const struct ts_hf_config *config, const struct widths *w, int64_t ratio)
{
    const double index_bytes = ratio == WITH_INDEXER ? w->index_dim + 4.0 : 0.0;
    return ratio == 0 ? 0.0 : (2.0 * config->head_dim + index_bytes) / (double)ratio;
}

enum ts_status ts_hf_compressed_read(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const struct ts_json *list = ts_hf_get(file, key);
    struct widths w = {0};
    if (!list) {
        return TS_OK;
    }
    const enum ts_status status = read_widths(&w, file);
    if (status != TS_OK) {
        return status;
    }
    if (ts_json_length(list) < config->layers || config->q_rank == 0 || config->head_dim == 0 || w.o_rank == 0 ||
        w.o_groups == 0 || config->window == 0) {
        return ts_hf_refuse(file, key,
                            "write the model's numbers under models: by hand, with kv_per_token and parameters",
                            "KV entries that stand for several tokens, without a ratio for each of %u layers, "
                            "q_lora_rank, o_lora_rank, o_groups, head_dim or sliding_window",
                            config->layers);
    }
    for (uint32_t i = 0; i < config->layers; i++) {
        int64_t ratio = -1;
        if (!ts_json_int(ts_json_at(list, i), &ratio) || ratio < 0 || ratio > INT32_MAX) {
            return ts_fail(file->diags, TS_EINPUT, ts_hf_at(file, key, NULL), NULL, "%s: item %u is no ratio", key,
                           i + 1);
        }
        config->attention_weights += base_weights(config, &w) + ratio_weights(config, &w, ratio);
        config->kv_beyond_bytes += ratio_bytes(config, &w, ratio);
    }
    return TS_OK;
}
