/* Hides what joins a replica's accelerators, and the fixed time of a step beside what is computed. */
#include "scenarios/resolve/steps_parts.h"

static const double all_reduce_s = 15e-6;

/* Cards on GDDR and those on PCIe have no NVLink: PCIe through the host, where nothing is written. What NCCL reaches
 * there, not what the bus could carry: docs/OPERATOR-PROFILES.md, "What joins two cards". */
static const double pcie_bytes_per_s = 18e9;
static const double pcie_latency_s = 10e-6;

/* Written, or needed. */
bool ts_steps_has_interconnect(const struct ts_tier_context *ctx)
{
    return ctx->tier->kind == TS_TIER_SERVER && (ctx->pipeline_parallel > 1 || ctx->data_parallel > 1 ||
                                                 ctx->takes_pcie || ts_value_is_written(ctx->value, "interconnect"));
}

bool ts_steps_takes_pcie(const struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    const struct ts_chip *chip = ctx->hardware ? ts_catalog_chip(&loader->catalog, ctx->hardware->name) : NULL;
    return chip && ctx->n_accelerators > 1 && chip->link_bytes_per_s <= 0.0 &&
           (ts_str_equal(chip->class_name, "gddr") || ts_str_equal(chip->class_name, "hbm"));
}

/* As written; else the default, or PCIe's. */
static double link_number(struct ts_loader *loader, const struct ts_tier_context *ctx, const char *key, double pcie,
                          const char *unit)
{
    if (!ctx->takes_pcie || ts_value_is_written(ctx->value, key)) {
        return ts_value_number(ctx->value, key);
    }
    ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.%s.pcie", ctx->value->path, key), TS_ORIGIN_MODELLED,
                            "PCIe through the host: the card has no NVLink", pcie, unit);
    return pcie;
}

/* Ring all-reduces (Thakur et al. 2005), two a layer, of 16-bit activations among t accelerators: 2(t-1) messages of
 * 1/t of them; and a hop between stages. Engines that share experts gather all tokens before a block of them, and
 * scatter its sums: (d-1) messages each. */
struct ts_steps_joint ts_steps_interconnect(struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    if (!ts_steps_has_interconnect(ctx)) {
        return (struct ts_steps_joint){0.0, 0.0};
    }
    double bandwidth = link_number(loader, ctx, "interconnect.bandwidth", pcie_bytes_per_s, "B/s");
    double latency_s = link_number(loader, ctx, "interconnect.latency", pcie_latency_s, "s");
    double t = ctx->tensor_parallel;
    double bytes = 2.0 * ctx->llm->hidden;
    double reduces = 2.0 * ctx->llm->layers;
    double others = (ctx->pipeline_parallel - 1.0) + reduces * (ctx->data_parallel - 1.0);
    struct ts_steps_joint joint = {(reduces * 2.0 * (t - 1.0) + others) * latency_s,
                                   (reduces * 2.0 * (t - 1.0) / t + others) * bytes / bandwidth};
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.interconnect.time", ctx->value->path), TS_ORIGIN_MODELLED,
                     ctx->data_parallel > 1 ? "two ring all-reduces a layer; tokens gathered for the experts, scattered"
                                            : "two ring all-reduces a layer, a hop between stages",
                     "%.4g us a step, %.4g us a token", joint.fixed_s * 1e6, joint.per_tok_s * 1e6);
    return joint;
}

double ts_steps_overhead_s(struct ts_loader *loader, const struct ts_tier_context *ctx, double plain)
{
    if (ts_value_is_set(ctx->value, "overhead")) {
        return ts_value_number(ctx->value, "overhead");
    }
    double reduce =
        ctx->tensor_parallel > 1 && !ts_steps_has_interconnect(ctx) ? 2.0 * ctx->llm->layers * all_reduce_s : 0.0;
    ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.overhead", ctx->value->path), TS_ORIGIN_DEFAULT,
                            reduce > 0.0 ? "fixed time of a step, and two all-reduces a layer" : "fixed time of a step",
                            plain + reduce, "s");
    return plain + reduce;
}

void ts_steps_join(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_roofline *roof)
{
    if (ts_steps_has_interconnect(ctx)) {
        const struct ts_steps_joint joint = ts_steps_interconnect(loader, ctx);
        roof->fixed_s += joint.fixed_s;
        roof->per_tok_s = joint.per_tok_s;
        roof->stages = ctx->pipeline_parallel;
    }
}
