/* Hides weights beside those that every decoder has: Gemma's inputs of each layer, an indexer that chooses tokens.
 *
 * Worked: Gemma 3n E4B looks up 256 numbers for each of 35 layers and 262,144 words, 2.35e9 weights that no token is
 * multiplied with. */
#include "base/text.h"
#include "models/hf_config.h"

/* ---- Gemma 3n and 4 ---- */

static enum ts_status read_layer_inputs(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    uint32_t width = 0, words = config->vocab, rank = 0, inputs = 0;
    bool wide = false;
    enum ts_status status = ts_hf_count(file, "hidden_size_per_layer_input", 0, &width);
    status = status == TS_OK ? ts_hf_count(file, "vocab_size_per_layer_input", 0, &words) : status;
    status = status == TS_OK ? ts_hf_count(file, "laurel_rank", 0, &rank) : status;
    status = status == TS_OK ? ts_hf_count(file, "altup_num_inputs", 0, &inputs) : status;
    status = status == TS_OK ? ts_hf_flag(file, "use_double_wide_mlp", &wide) : status;
    const double layers = config->layers, hidden = config->hidden;
    config->table_weights = layers * words * width;
    config->more_weights = 3.0 * layers * hidden * width + 2.0 * layers * hidden * rank +
                           (inputs > 1 ? 2.0 * (inputs - 1.0) * hidden * hidden : 0.0) +
                           (wide ? 3.0 * config->n_kv_shared * hidden * config->ffn : 0.0);
    return status;
}

/* ---- sparse attention ---- */

/* Layers with an indexer of their own: all, or those of a list. */
static uint32_t n_indexers(const struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const struct ts_json *types = ts_hf_get(file, "indexer_types");
    uint32_t n = 0;
    for (size_t i = 0; i < ts_json_length(types) && i < config->layers; i++) {
        const char *word = ts_json_string(ts_json_at(types, i));
        n += word && ts_str_equal(word, "full");
    }
    return types ? n : config->layers;
}

static enum ts_status read_indexer(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    uint32_t heads = 0;
    config->sparse = ts_hf_get(file, "index_topk") || ts_hf_get(file, "sparse_attention_config");
    enum ts_status status = ts_hf_count(file, "index_head_dim", 0, &config->index_dim);
    status = status == TS_OK ? ts_hf_count(file, "index_n_heads", 0, &heads) : status;
    const bool compressed = ts_hf_get(file, "compress_ratios") != NULL; /* hf_compressed.c has it */
    config->n_index = config->index_dim > 0 && !compressed ? n_indexers(config, file) : 0;
    config->more_weights += (double)config->n_index * ((double)config->q_rank * heads * config->index_dim +
                                                       (double)config->hidden * (config->index_dim + heads));
    return status;
}

enum ts_status ts_hf_extras_read(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const enum ts_status status = read_layer_inputs(config, file);
    return status == TS_OK ? read_indexer(config, file) : status;
}
