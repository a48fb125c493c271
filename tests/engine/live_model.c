#include "tests/engine/live_model.h"

#include <string.h>

static enum ts_status open_all(struct live_model *model, const char *path, const struct live_limits *limits,
                               struct ts_diags *diags)
{
    const struct ts_model_config *config = &model->config;
    enum ts_status status = ts_pool_create(&model->pool, limits->n_threads);
    if (status == TS_OK) {
        status = ts_gguf_open(&model->gguf, path, diags);
    }
    if (status == TS_OK) {
        status = ts_model_config_from_gguf(&model->config, model->gguf, diags);
    }
    if (status == TS_OK) {
        status = ts_weight_source_from_gguf(&model->source, model->gguf);
    }
    if (status == TS_OK) {
        status = ts_weights_create(&model->weights, config, model->source, NULL, model->pool, diags);
    }
    if (status == TS_OK) {
        status = ts_kv_cache_create(&model->cache, TS_KV_F16, config->layers, config->kv_heads, config->head_dim,
                                    ts_kv_pages_for(limits->kv_tok));
    }
    if (status == TS_OK) {
        status = ts_transformer_create(&model->transformer, model->weights, &model->cache, model->pool, limits->max_tok,
                                       limits->max_logits);
    }
    return status;
}

enum ts_status live_model_open(struct live_model *out, const char *path, const struct live_limits *limits,
                               struct ts_diags *diags)
{
    memset(out, 0, sizeof *out);
    enum ts_status status = open_all(out, path, limits, diags);
    if (status != TS_OK) {
        live_model_close(out);
    }
    return status;
}

void live_model_close(struct live_model *model)
{
    ts_transformer_destroy(model->transformer);
    ts_kv_cache_deinit(&model->cache);
    ts_weights_destroy(model->weights);
    ts_weight_source_destroy(model->source);
    ts_gguf_close(model->gguf);
    ts_pool_destroy(model->pool);
}

uint32_t live_token(uint64_t *x, uint32_t vocab)
{
    *x = *x * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*x >> 33) % vocab;
}
