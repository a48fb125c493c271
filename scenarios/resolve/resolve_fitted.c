/* Hides how constants fitted for a class of hardware become a tier's step times (scenarios/catalog/efficiency.h), and
 * what is said about them: class, engine and its age, error, interval. */
#include <math.h>

#include "scenarios/catalog/efficiency.h"
#include "scenarios/language/loader.h"
#include "scenarios/resolve/steps_parts.h"

/* What a fitted roofline is made of. row NULL: nothing that can be trusted. */
struct fitted {
    const struct ts_chip *chip;
    const struct ts_engine_cost *engine;
    const struct ts_efficiency *row;
    double peak;
    bool narrow;
};

static struct fitted fitted_constants(const struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    const struct ts_catalog *catalog = &loader->catalog;
    struct fitted fitted = {.chip = ts_catalog_chip(catalog, ctx->hardware->name),
                            .engine = ts_resolve_engine(loader, ctx)};
    if (!fitted.chip || !fitted.engine) {
        return fitted;
    }
    const struct ts_efficiency *row = ts_efficiency_find(catalog, fitted.chip->class_name, fitted.engine->group);
    fitted.peak = ts_efficiency_peak(&fitted.narrow, fitted.chip, ctx->hardware, fitted.engine->group, ctx->quant);
    fitted.row = row && ts_efficiency_is_trusted(row) && fitted.peak > 0.0 ? row : NULL;
    return fitted;
}

static const char *fitted_source(struct ts_loader *loader, const struct ts_tier_context *ctx, const struct fitted *by)
{
    const struct ts_efficiency *row = by->row;
    const bool own = ts_str_equal(row->class_name, by->chip->class_name);
    const char *check = ts_efficiency_check_of(row, by->chip->class_name, by->engine->group);
    const bool serving = ts_str_equal(row->engine, TS_ENGINES_SERVING);
    return ts_loader_printf(loader,
                            "roofline of %u x %s; efficiency.csv: class %s, %s engines (%s), fitted to %u published "
                            "points of %u chips; median error on what was left out of the fit: %s %.0f %%, %s %.0f "
                            "%%%s%s",
                            (unsigned)ctx->n_accelerators, ctx->hardware->name, row->class_name, row->engine,
                            by->engine->name, row->n_decode + row->n_prefill, row->n_hardware,
                            serving ? "time per token" : "decode", row->decode_error * 100.0,
                            serving ? "to the first token" : "prefill", row->prefill_error * 100.0, own ? "" : "; ",
                            own     ? ""
                            : check ? check
                                    : "unchecked on this class");
}

/* 9 of 10 measurements that the fit has not seen. */
static void assume_interval(struct ts_loader *loader, const struct ts_tier_context *ctx, const struct fitted *by,
                            struct ts_steps_model *out)
{
    const struct ts_efficiency *row = by->row;
    out->error = (struct ts_steps_error){row->low, row->high, row->first_low, row->first_high};
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.steps.interval", ctx->value->path), TS_ORIGIN_FITTED,
                     "9 of 10 measurements left out of the fit lie within these factors of the prediction",
                     "time per token x %.2f to %.2f, to the first token x %.2f to %.2f", row->low, row->high,
                     row->first_low, row->first_high);
}

static void assume_overhead(struct ts_loader *loader, const struct ts_tier_context *ctx, const struct fitted *by,
                            const struct ts_steps_model *steps)
{
    ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.overhead", ctx->value->path), TS_ORIGIN_FITTED,
                            ts_loader_printf(loader, "efficiency.csv: %.3g us a layer; engines.csv: %s %.3g us a step",
                                             by->row->layer_s * by->engine->layers * 1e6, by->engine->name,
                                             by->engine->step_s * 1e6),
                            steps->u.roofline.fixed_s + steps->host.fixed_s, "s");
    if (by->engine->seq_s > 0.0) {
        ts_loader_assume_number(
            loader, ts_loader_printf(loader, "%s.overhead.sequence", ctx->value->path), TS_ORIGIN_FITTED,
            ts_loader_printf(loader, "engines.csv: %s, per sequence", by->engine->name), by->engine->seq_s, "s");
    }
}

/* Of which versions the engine's costs are; for vLLM, how long those before them take. */
static void assume_age(struct ts_loader *loader, const struct ts_tier_context *ctx, const struct fitted *by,
                       const struct ts_efficiency_case *on)
{
    enum { N_SEQS = 32 };
    const struct ts_engine_cost *older = ts_efficiency_engine(&loader->catalog, "vllm-2025");
    const char *path = ts_loader_printf(loader, "%s.engine.versions", ctx->value->path);
    const char *source = "engines.csv: what its costs were fitted to";
    if (!older || !ts_str_equal(by->engine->name, "vllm")) {
        ts_loader_assume(loader, path, TS_ORIGIN_FITTED, source, "%s %s", by->engine->name, by->engine->versions);
        return;
    }
    const struct ts_steps_model now = ts_efficiency_steps(by->row, by->engine, on);
    const struct ts_steps_model then = ts_efficiency_steps(by->row, older, on);
    const double longer_s = then.u.roofline.fixed_s - now.u.roofline.fixed_s + then.host.fixed_s - now.host.fixed_s +
                            N_SEQS * (then.host.per_seq_s - now.host.per_seq_s);
    ts_loader_assume(loader, path, TS_ORIGIN_FITTED, source,
                     "%s %s; before, %s (engine: %s), a step of %d sequences took %.2g ms %s%s", by->engine->name,
                     by->engine->versions, older->versions, older->name, N_SEQS, fabs(longer_s) * 1e3,
                     longer_s < 0.0 ? "less" : "more",
                     then.u.roofline.expert_tile_tok > 0.0 ? ", and filled up tiles of experts" : "");
}

/* What a request takes beside its steps. */
static void take_request_times(struct ts_loader *loader, struct ts_tier_context *ctx,
                               const struct ts_engine_cost *engine)
{
    struct ts_replica_model *replica = &ctx->pool->replica;
    const char *path = ctx->value->path;
    ctx->tier->request_s = engine->first_s;
    replica->launch_s = ts_efficiency_launch_s(engine, ctx->llm);
    replica->graph_tok = (uint32_t)engine->graph_tok;
    if (engine->first_s > 0.0) {
        ts_loader_assume_number(
            loader, ts_loader_printf(loader, "%s.request", path), TS_ORIGIN_FITTED,
            ts_loader_printf(loader, "engines.csv: %s, per request in addition to its steps", engine->name),
            engine->first_s, "s");
    }
    if (replica->launch_s > 0.0) {
        ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.launch", path), TS_ORIGIN_FITTED,
                                ts_loader_printf(loader,
                                                 "engines.csv: %s, more of it where over %u tokens of the prompt are "
                                                 "computed: kernels are launched layer by layer",
                                                 engine->name, replica->graph_tok),
                                replica->launch_s, "s");
    }
}

/* What a link joins is a node, or a rack: beyond, something else does, which no recording of the fit has. */
static bool stays_on_link(struct ts_loader *loader, struct ts_tier_context *ctx, const struct ts_chip *chip)
{
    if (chip->link_count == 0 || ctx->n_accelerators <= chip->link_count) {
        return true;
    }
    ts_loader_error(loader, ts_value_at(ctx->value, "accelerators"),
                    "write interconnect: {bandwidth: 50 GB/s, latency: 5 us} of the network between nodes, or fewer "
                    "accelerators and more replicas",
                    "%u x %s reach over several nodes: its link joins %u, and what joins nodes is in no catalog",
                    (unsigned)ctx->n_accelerators, chip->name, chip->link_count);
    ctx->broken = true;
    return false;
}

void ts_resolve_fitted(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out)
{
    const struct fitted found = fitted_constants(loader, ctx), *by = &found;
    ctx->takes_pcie = ctx->tier->kind == TS_TIER_SERVER && ts_steps_takes_pcie(loader, ctx);
    /* The class's constants know what joins accelerators, ranks that share experts too. */
    const bool link_is_fitted = !ts_steps_has_interconnect(ctx) || (ctx->pipeline_parallel == 1 && !ctx->takes_pcie &&
                                                                    !ts_value_is_written(ctx->value, "interconnect"));
    if (link_is_fitted && !stays_on_link(loader, ctx, by->chip)) {
        return;
    }
    const struct ts_efficiency_case on = {
        .peak_flop_per_s = by->peak,
        .narrow = by->narrow,
        .bytes_per_s = ctx->hardware->bytes_per_s,
        .link_bytes_per_s = link_is_fitted ? by->chip->link_bytes_per_s : 0.0,
        .n_accelerators = (double)ctx->tensor_parallel * ctx->data_parallel,
        .ranks = ctx->data_parallel,
        .llm = ctx->llm,
        .bits_per_weight = ctx->quant->bits_per_weight,
        .kv_bytes_per_tok = ctx->kv_bytes_per_tok,
    };
    if (ctx->pool && ctx->pool->replica.policy == TS_SCHEDULER_VLLM) {
        ctx->pool->replica.plans_ahead = ts_resolve_as_engine(loader, ctx, "scheduler.async", by->engine->plans_ahead);
    }
    *out = ts_efficiency_steps(by->row, by->engine, &on);
    out->host.overlaps = ctx->pool && ctx->pool->replica.plans_ahead;
    out->source = fitted_source(loader, ctx, by);
    if (ts_value_is_set(ctx->value, "overhead")) {
        out->u.roofline.fixed_s = ts_value_number(ctx->value, "overhead");
        out->host.fixed_s = 0.0;
    } else {
        assume_overhead(loader, ctx, by, out);
    }
    if (ctx->pool) {
        take_request_times(loader, ctx, by->engine);
    }
    assume_interval(loader, ctx, by, out);
    if (by->engine->versions && by->engine->versions[0]) {
        assume_age(loader, ctx, by, &on);
    }
    if (!link_is_fitted) {
        ts_steps_join(loader, ctx, &out->u.roofline);
    }
}

bool ts_resolve_has_fit(const struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    return fitted_constants(loader, ctx).row != NULL;
}
