/* Hides which models of the catalog the engine can serve. */
#include "live/catalog_model.h"

#include <string.h>

enum ts_status ts_catalog_model_find(const struct ts_llm **out, struct ts_arena *arena, const char *name,
                                     struct ts_diags *diags)
{
    struct ts_catalog catalog;
    enum ts_status status = ts_catalog_load(&catalog, arena, diags);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_llm *llm = ts_catalog_llm(&catalog, name);
    if (!llm) {
        const char *near = ts_catalog_suggest(&catalog, "model", name);
        char *hint = near ? ts_arena_printf(arena, "did you mean '%s'?", near) : NULL;
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), hint ? hint : "'tiersim catalog models' lists them",
                       "no model is named '%s'", name);
    }
    if (strcmp(llm->type, "dense") != 0) {
        return ts_fail(diags, TS_EUNSUPPORTED, ts_span_none(),
                       "measure a dense model, for example --model Llama-3.2-1B",
                       "'%s' is a %s model: bench measures dense models", llm->name, llm->type);
    }
    *out = llm;
    return TS_OK;
}

enum ts_status ts_catalog_model_config(struct ts_model_config *out, struct ts_arena *arena, const char *name,
                                       struct ts_diags *diags)
{
    const struct ts_llm *llm = NULL;
    enum ts_status status = ts_catalog_model_find(&llm, arena, name, diags);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_model_shape shape = {
        .name = llm->name,
        .layers = llm->layers,
        .hidden = llm->hidden,
        .ffn = llm->ffn,
        .heads = llm->heads,
        .kv_heads = llm->kv_heads,
        .head_dim = llm->head_dim,
        .vocab = llm->vocab,
        .context = llm->context,
        .params = llm->params,
    };
    return ts_model_config_from_shape(out, &shape, diags);
}
