/* Shapes of the small classifiers that route requests, for the engine to be timed at: only their sizes are these
 * models'; weights are made up. */
#ifndef TS_ENGINE_ROUTER_SHAPE_H
#define TS_ENGINE_ROUTER_SHAPE_H

#include "engine/model_config.h"

#define TS_ROUTER_SHAPE_DEFAULT "MiniLM-L6"

struct ts_router_shape {
    const char *name, *about;
    uint32_t layers, hidden, heads, vocab;
    uint32_t ffn;     /* of the engine's feed-forward block of three matrices: 2/3 of the encoder's, in whole blocks of
                         32, so that it has as many weights as the encoder's two */
    uint32_t context; /* tokens that it was made to read */
};

enum { TS_N_ROUTER_SHAPES = 3 };
extern const struct ts_router_shape ts_router_shapes[TS_N_ROUTER_SHAPES];

/* The row of that name; TS_EUSAGE with a diagnostic that lists them. */
enum ts_status ts_router_shape_find(const struct ts_router_shape **out, const char *name, struct ts_diags *diags);
/* A dense decoder of that size, its head tied: the last token's logits tell the class, as a causal language model that
 * classifies has it. TS_EINPUT never: rows are checked by a test. */
enum ts_status ts_router_shape_config(struct ts_model_config *out, const struct ts_router_shape *shape,
                                      struct ts_diags *diags);

#endif
