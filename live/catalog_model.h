/* A model of the catalog as the reference engine takes it. */
#ifndef TS_LIVE_CATALOG_MODEL_H
#define TS_LIVE_CATALOG_MODEL_H

#include "engine/model_config.h"
#include "scenarios/catalog/catalog.h"

/* A dense model of the catalog, in `arena`. TS_EUSAGE with the nearest name if there is none, TS_EUNSUPPORTED. */
enum ts_status ts_catalog_model_find(const struct ts_llm **out, struct ts_arena *arena, const char *name,
                                     struct ts_diags *diags);

/* The shape of such a model. */
enum ts_status ts_catalog_model_config(struct ts_model_config *out, struct ts_arena *arena, const char *name,
                                       struct ts_diags *diags);

#endif
