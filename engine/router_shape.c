/* Hides which classifiers are known and what the engine computes for them. An encoder's layer has 4 h^2 weights of
 * attention and 2 h f of its feed-forward block; the engine's has 4 h^2 and 3 h f'. Worked: MiniLM-L6, h 384, f 1536:
 * f' 1024, 1,769,472 weights a layer in both. */
#include "engine/router_shape.h"

#include <stdio.h>
#include <string.h>

const struct ts_router_shape ts_router_shapes[TS_N_ROUTER_SHAPES] = {
    {"BERT-tiny", "2 layers of 128 (Turc et al. 2019)", 2, 128, 2, 30522, 352, 512},
    {"MiniLM-L6", "6 layers of 384 (Wang et al. 2020)", 6, 384, 12, 30522, 1024, 512},
    {"BERT-base", "12 layers of 768 (Devlin et al. 2019)", 12, 768, 12, 30522, 2048, 512},
};

enum ts_status ts_router_shape_find(const struct ts_router_shape **out, const char *name, struct ts_diags *diags)
{
    for (size_t i = 0; i < TS_N_ROUTER_SHAPES; i++) {
        if (strcmp(ts_router_shapes[i].name, name) == 0) {
            *out = &ts_router_shapes[i];
            return TS_OK;
        }
    }
    return ts_fail(diags, TS_EUSAGE, ts_span_none(), "BERT-tiny, MiniLM-L6 or BERT-base", "no router's shape is '%s'",
                   name);
}

enum ts_status ts_router_shape_config(struct ts_model_config *out, const struct ts_router_shape *shape,
                                      struct ts_diags *diags)
{
    const struct ts_model_shape as = {.name = shape->name,
                                      .layers = shape->layers,
                                      .hidden = shape->hidden,
                                      .ffn = shape->ffn,
                                      .heads = shape->heads,
                                      .kv_heads = shape->heads,
                                      .head_dim = shape->hidden / shape->heads,
                                      .vocab = shape->vocab,
                                      .context = shape->context};
    const enum ts_status status = ts_model_config_from_shape(out, &as, diags);
    if (status == TS_OK) {
        out->tied = true;
    }
    return status;
}
