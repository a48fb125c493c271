/* What the files of ts_resolve_steps share. Private to scenarios/. */
#ifndef TS_SCENARIOS_RESOLVE_STEPS_PARTS_H
#define TS_SCENARIOS_RESOLVE_STEPS_PARTS_H

#include "scenarios/language/loader.h"

/* ---- resolve_interconnect.c ---- */

struct ts_steps_joint {
    double fixed_s, per_tok_s; /* a step; each of its tokens (of an engine's, with several) */
};

/* Written, or needed. */
bool ts_steps_has_interconnect(const struct ts_tier_context *ctx);
/* Several cards that no NVLink joins: what is not written of the link is PCIe's. */
bool ts_steps_takes_pcie(const struct ts_loader *loader, const struct ts_tier_context *ctx);
/* Nothing without one; told as an assumption. */
struct ts_steps_joint ts_steps_interconnect(struct ts_loader *loader, const struct ts_tier_context *ctx);
/* The link's time, and the stages, where there is an interconnect. */
void ts_steps_join(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_roofline *roof);
/* As written, or `plain` and the all-reduces that no interconnect is written for. */
double ts_steps_overhead_s(struct ts_loader *loader, const struct ts_tier_context *ctx, double plain);

/* ---- resolve_fitted.c: a roofline of fitted constants ---- */

/* Whether the catalog has constants for the tier's hardware that can be trusted; only then: */
bool ts_resolve_has_fit(const struct ts_loader *loader, const struct ts_tier_context *ctx);
void ts_resolve_fitted(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out);

/* ---- resolve_operators.c: steps: {operators: FOLDER} ---- */

void ts_resolve_operators(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out);

#endif
