/* Hides what an operator profile says about itself against what the tier says: of another model, card or number format,
 * or of smaller steps than the scheduler makes. All of that may be meant, so it is warned of. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "scenarios/profile/operator_profile.h"
#include "scenarios/resolve/steps_parts.h"

/* The model number of a card, as people tell them apart: its first word with a digit that does not count gigabytes.
 * "NVIDIA GeForce RTX 4090" -> "4090", "H100 SXM 80GB" -> "H100". *len = 0: none. */
static const char *card_number(const char *name, size_t *len)
{
    for (const char *word = name; *word; word += *len + strspn(word + *len, " -()")) {
        *len = strcspn(word, " -()");
        if (memchr(word, 'G', *len) && *len > 2 && strncasecmp(word + *len - 2, "GB", 2) == 0) {
            continue;
        }
        for (size_t i = 0; i < *len; i++) {
            if (isdigit((unsigned char)word[i])) {
                return word;
            }
        }
        if (*len == 0) {
            break;
        }
    }
    *len = 0;
    return name;
}

static bool same_card(const char *a, const char *b)
{
    size_t n_a, n_b;
    const char *of_a = card_number(a, &n_a);
    const char *of_b = card_number(b, &n_b);
    return n_a == 0 || n_b == 0 || (n_a == n_b && strncasecmp(of_a, of_b, n_a) == 0);
}

/* "meta-llama/Llama-3.1-8B-Instruct" is Llama-3.1-8B. */
static bool same_model(const struct ts_loader *loader, const char *profiled, const struct ts_llm *llm)
{
    const char *base = ts_path_base(profiled);
    const size_t n = strlen(llm->name);
    for (size_t i = 0; i + n <= strlen(base); i++) {
        if (strncasecmp(base + i, llm->name, n) == 0) {
            return true;
        }
    }
    return ts_catalog_llm(&loader->catalog, base) == llm;
}

static void warn_other_model(struct ts_loader *loader, const struct ts_tier_context *ctx,
                             const struct ts_operator_profile *profile)
{
    if (profile->model[0] && !same_model(loader, profile->model, ctx->llm)) {
        ts_loader_warning(loader, ts_value_at(ctx->value, "model"), NULL,
                          "the operator profile is of %s: its tables are used for %s", profile->model, ctx->llm->name);
    }
}

/* "bf16", "fp8-kvfp8": the weights' format comes first. */
static void warn_other_format(struct ts_loader *loader, const struct ts_tier_context *ctx,
                              const struct ts_operator_profile *profile)
{
    const struct ts_weight_quant *quant = NULL;
    char name[32];
    const size_t n = strcspn(profile->variant, "-");
    for (size_t i = 0; n > 0 && n < sizeof name && i < loader->catalog.n_quants && !quant; i++) {
        const char *candidate = loader->catalog.quants[i].name;
        quant = strlen(candidate) == n && strncasecmp(candidate, profile->variant, n) == 0 ? &loader->catalog.quants[i]
                                                                                           : NULL;
    }
    if (quant && quant->bits_per_weight != ctx->quant->bits_per_weight) {
        ts_loader_warning(
            loader, ts_value_at(ctx->value, "quant"),
            ts_loader_printf(loader, "write quant: %s, or name a profile of %s", quant->name, ctx->quant->name),
            "the operator profile is of weights in %s (%s), the tier's are %s", quant->name, profile->variant,
            ctx->quant->name);
    }
}

/* Beyond the tables the last slope goes on, which is a guess. `unit`: "tokens" of scheduler.batched_tokens. */
static void warn_small_table(struct ts_loader *loader, const struct ts_tier_context *ctx, const char *key,
                             const char *unit, double end, double most)
{
    if (most > 1.5 * end) {
        ts_loader_warning(
            loader, ts_value_at(ctx->value, ts_loader_printf(loader, "scheduler.%s", key)),
            ts_loader_printf(loader, "write scheduler: {%s: %g} if that is what the engine was started with", key, end),
            "the operator profile ends at %g %s, a step may have %g: the last slope goes on", end, unit, most);
    }
}

static void warn_small_tables(struct ts_loader *loader, const struct ts_tier_context *ctx,
                              const struct ts_steps_operators *ops)
{
    if (!ctx->pool) {
        return;
    }
    const struct ts_replica_model *replica = &ctx->pool->replica;
    const double n_tok = ops->per_tok_s.n > 0 ? ops->per_tok_s.x[ops->per_tok_s.n - 1] : 0.0;
    const double n_seqs = ops->axes[TS_ATTENTION_DECODE].at[ops->axes[TS_ATTENTION_DECODE].n - 1];
    warn_small_table(loader, ctx, "batched_tokens", "tokens", n_tok, replica->max_batched_tok / ctx->data_parallel);
    warn_small_table(loader, ctx, "sequences", "sequences", n_seqs, replica->max_seqs / ctx->data_parallel);
}

static void warn_differences(struct ts_loader *loader, const struct ts_tier_context *ctx,
                             const struct ts_operator_profile *profile)
{
    warn_other_model(loader, ctx, profile);
    warn_other_format(loader, ctx, profile);
    warn_small_tables(loader, ctx, profile->operators);
    if (ctx->hardware && profile->gpu[0] && !same_card(profile->gpu, ctx->hardware->name)) {
        ts_loader_warning(loader, ts_value_at(ctx->value, "hardware"), NULL,
                          "the operator profile is of %s: step times are from that, memory, power and price from %s",
                          profile->gpu, ctx->hardware->name);
    }
}

/* The tables are of one accelerator: what joins several is not in them. */
static void warn_no_interconnect(struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    if (ctx->n_accelerators == 1 || ts_value_is_written(ctx->value, "interconnect") ||
        ts_value_is_set(ctx->value, "overhead")) {
        return;
    }
    ts_loader_warning(
        loader, ts_value_at(ctx->value, "accelerators"),
        "write interconnect: {bandwidth: 450 GB/s, latency: 3 us} (NVLink), {bandwidth: 18 GB/s, latency: "
        "10 us} (PCIe through the host), {bandwidth: 35 GB/s, latency: 10 us} (with peer access), or what you measured",
        "an operator profile does not time the interconnect of %u accelerators: %s", (unsigned)ctx->n_accelerators,
        ctx->takes_pcie                  ? "PCIe through the host is assumed, 18 GB/s and 10 us per message"
        : ts_steps_has_interconnect(ctx) ? "NVLink is assumed, 450 GB/s and 3 us per message"
                                         : "15 us per all-reduce are assumed");
}

void ts_resolve_operators(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out)
{
    struct ts_operator_profile profile;
    if (ctx->pipeline_parallel > 1) {
        ts_loader_error(loader, ts_value_at(ctx->value, "pipeline_parallel"), "leave it out, or use steps: roofline",
                        "operator tables cannot be combined with pipeline stages");
        ctx->broken = true;
        return;
    }
    const char *folder = ts_loader_beside(loader, ts_value_text(ctx->value, "steps.operators"));
    if (!ts_operator_profile_read(&profile, loader, ts_value_at(ctx->value, "steps.operators"), folder, ctx)) {
        ctx->broken = true;
        return;
    }
    warn_differences(loader, ctx, &profile);
    ctx->takes_pcie = ts_steps_takes_pcie(loader, ctx);
    out->kind = TS_STEPS_OPERATORS;
    out->origin = TS_ORIGIN_MEASURED;
    out->source = ts_loader_printf(loader, "operator profile%s%s%s%s, %zu rows", profile.gpu[0] ? " of " : "",
                                   profile.gpu, profile.engine[0] ? ", vLLM " : "", profile.engine, profile.n_rows);
    warn_no_interconnect(loader, ctx);
    const struct ts_steps_joint joint = ts_steps_interconnect(loader, ctx);
    profile.operators->fixed_s = ts_value_is_set(ctx->value, "overhead") || ctx->n_accelerators > 1
                                     ? ts_steps_overhead_s(loader, ctx, 0.0)
                                     : 0.0;
    profile.operators->fixed_s += joint.fixed_s;
    profile.operators->joined_s_per_tok = joint.per_tok_s;
    out->u.operators = profile.operators;
    ts_loader_assume(
        loader, ts_loader_printf(loader, "%s.steps.layers", ctx->value->path), TS_ORIGIN_MEASURED,
        ts_loader_printf(loader, "times of each operator in a step; attention x %u", ts_llm_attention_layers(ctx->llm)),
        "%s", profile.layers);
    if (profile.n_unlike > 0) {
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.steps.unlike", ctx->value->path), TS_ORIGIN_MEASURED,
                         "skew.csv: batches of sequences of unlike length, beside batches of equals", "%zu",
                         profile.n_unlike);
    }
    if (profile.skew_is_off) {
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.steps.unlike", ctx->value->path), TS_ORIGIN_MEASURED,
                         "the profile's meta file: skew_profile or skew_fit says enabled: false",
                         "skew.csv is not read");
    }
    if (profile.n_filled > 0) {
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.steps.filled", ctx->value->path), TS_ORIGIN_MODELLED,
                         "points of the attention grid without a measurement, on the line through their neighbours",
                         "%zu", profile.n_filled);
    }
}
