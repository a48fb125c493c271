/* Hides block_configs, with which Nemotron's searched models say what each layer has: an attention with its share of KV
 * heads, none, or a linear part in its place; a feed-forward part of its own width, or none.
 *
 * Worked: ffn_mult 2.625 of 8192 is 2 x 2.625 x 8192/3 = 14,336, up to a multiple of 256. */
#include <math.h>

#include "models/hf_config.h"

static const char key[] = "block_configs";

static bool is_set(const struct ts_json *part, const char *name)
{
    bool flag = false;
    return ts_json_bool(ts_json_get(part, name), &flag) && flag;
}

struct blocks {
    uint32_t n_attention, n_ffn, group;
    double ffn;
    bool odd; /* a part that is neither there nor left out */
};

static void add_block(struct blocks *sum, const struct ts_json *block, double hidden)
{
    const struct ts_json *attention = ts_json_get(block, "attention");
    const struct ts_json *ffn = ts_json_get(block, "ffn");
    int64_t group = 0, width = 0;
    double mult = 0.0;
    sum->odd = sum->odd || is_set(attention, "replace_with_linear") || is_set(ffn, "replace_with_linear");
    if (!is_set(attention, "no_op")) {
        sum->odd = sum->odd || !ts_json_int(ts_json_get(attention, "n_heads_in_group"), &group) || group < 1 ||
                   (sum->group > 0 && group != (int64_t)sum->group) || group > INT32_MAX;
        sum->group = sum->odd ? sum->group : (uint32_t)group;
        sum->n_attention++;
    }
    if (!is_set(ffn, "no_op")) {
        const bool told = ts_json_int(ts_json_get(ffn, "intermediate_size"), &width);
        sum->odd = sum->odd || !(told || ts_json_double(ts_json_get(ffn, "ffn_mult"), &mult));
        sum->ffn += told ? (double)width : ceil(floor(2.0 * mult * hidden / 3.0) / 256.0) * 256.0;
        sum->n_ffn++;
    }
}

enum ts_status ts_hf_blocks_read(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    const struct ts_json *list = ts_hf_get(file, key);
    struct blocks sum = {.odd = ts_json_length(list) != config->layers};
    for (size_t i = 0; i < ts_json_length(list); i++) {
        add_block(&sum, ts_json_at(list, i), config->hidden);
    }
    const double mean = sum.n_ffn > 0 ? sum.ffn / sum.n_ffn : 0.0;
    if (sum.odd || sum.n_attention == 0 || sum.group == 0 || config->heads % sum.group != 0 || !(mean < 1e7)) {
        return ts_hf_refuse(file, key,
                            "write the model's numbers under models: by hand, with kv_per_token and parameters",
                            "layers of different shapes (%s) that are not attention with equal heads and feed-forward "
                            "parts are not modelled",
                            key);
    }
    config->n_of[TS_HF_FULL] = sum.n_attention;
    config->n_of[TS_HF_NO_MIXER] = config->layers - sum.n_attention;
    config->kv_heads = config->heads / sum.group;
    config->ffn = (uint32_t)lround(mean);
    config->n_dense = sum.n_ffn;
    return TS_OK;
}
