/* Hides where the time of an engine's step comes from: coefficients that the user has, a measurement, or a roofline
 * over the catalog.
 *
 * The roofline's constants are those fitted for the hardware's class (scenarios/catalog/efficiency.h). Where the
 * scenario writes shares of its own, or no fit can be trusted, it is a plain one: overhead + max(flop/(peak x compute),
 * weights/(bandwidth x share)) + KV/bandwidth + attention at the speed of the matmuls. Mixture of experts: total =
 * shared
 * + experts, active = shared + experts x k/E, so experts = (total - active)/(1 - k/E). */
#include <math.h>

#include "measure/model_measurement.h"
#include "scenarios/catalog/efficiency.h"
#include "scenarios/language/loader.h"
#include "scenarios/resolve/steps_parts.h"

static const double overhead_server_s = 1.5e-3;
static const double overhead_device_s = 2e-3;
static const double overhead_measured_s = 1e-3;
static const double attention_slowdown = 4.0;

/* ---- linear ---- */

static void resolve_linear(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out)
{
    struct ts_value *linear = ts_value_at(ctx->value, "steps.linear");
    (void)loader;
    out->kind = TS_STEPS_LINEAR;
    out->origin = TS_ORIGIN_FITTED;
    out->source = "coefficients of the scenario";
    out->u.linear = (struct ts_steps_linear){
        .a_s = ts_value_number(linear, "a"),
        .b_s_per_seq = ts_value_number(linear, "b"),
        .c_s_per_kv_tok = ts_value_number(linear, "c"),
        .d_s_per_prefill_tok = ts_value_number(linear, "d"),
        .e_s_per_pair = ts_value_number(linear, "e"),
    };
}

/* ---- roofline ---- */

static double peak_flop(const struct ts_tier_context *ctx)
{
    const struct ts_hardware *hardware = ctx->hardware;
    double fp16 = hardware->fp16_tflops * 1e12;
    double int8 = hardware->int8_tops * 1e12;
    if (fp16 <= 0.0) {
        return int8;
    }
    return ctx->quant->compute_int8 && int8 > fp16 ? int8 : fp16;
}

/* The tier's hardware at its full peaks, where the catalog tells them. */
void ts_resolve_ideal(const struct ts_tier_context *ctx, struct ts_steps_roofline *out)
{
    if (!ctx->hardware) {
        return;
    }
    *out = (struct ts_steps_roofline){
        .flop_per_tok = ctx->llm->flop_per_tok,
        .flop_per_s = peak_flop(ctx) * ctx->n_accelerators,
        .bytes_per_s = ctx->hardware->bytes_per_s * ctx->n_accelerators,
        .kv_bytes_per_tok = ctx->kv_bytes_per_tok,
        .attention_flop_per_pair = ts_efficiency_attention_flop(ctx->llm),
    };
    ts_efficiency_split_experts(ctx->llm, ctx->quant->bits_per_weight, out);
}

static void resolve_plain(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out)
{
    struct ts_value *value = ctx->value;
    double peak = peak_flop(ctx);
    double compute = ts_value_number(value, "steps.roofline.compute");
    double bandwidth = ts_value_number(value, "steps.roofline.bandwidth");
    if (peak <= 0.0) {
        ts_loader_error(loader, ts_value_at(value, "hardware"), "write steps: {linear: {a: ...}} or measured: FILE",
                        "the catalog has no compute peak of %s", ctx->hardware_name);
        ctx->broken = true;
        return;
    }
    bool server = ctx->tier->kind == TS_TIER_SERVER;
    out->kind = TS_STEPS_ROOFLINE;
    out->origin = TS_ORIGIN_MODELLED;
    out->source =
        ts_loader_printf(loader, "roofline of %u x %s, %.0f %% of compute, %.0f %% of bandwidth",
                         (unsigned)ctx->n_accelerators, ctx->hardware->name, compute * 100.0, bandwidth * 100.0);
    struct ts_steps_roofline *roof = &out->u.roofline;
    *roof = (struct ts_steps_roofline){
        .fixed_s = ts_steps_overhead_s(loader, ctx, server ? overhead_server_s : overhead_device_s),
        .flop_per_tok = ctx->llm->flop_per_tok,
        .flop_per_s = peak * compute * ctx->tensor_parallel,
        .bytes_per_s = ctx->hardware->bytes_per_s * bandwidth * ctx->tensor_parallel,
        .kv_bytes_per_tok = ctx->kv_bytes_per_tok,
        .attention_flop_per_pair = ts_efficiency_attention_flop(ctx->llm),
    };
    ts_efficiency_split_experts(ctx->llm, ctx->quant->bits_per_weight, roof);
    ts_steps_join(loader, ctx, roof);
}

static void resolve_roofline(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out)
{
    const bool own_shares = ts_value_is_written(ctx->value, "steps.roofline.compute") ||
                            ts_value_is_written(ctx->value, "steps.roofline.bandwidth");
    const bool fits = ts_resolve_has_fit(loader, ctx);
    if ((!fits || own_shares) && ctx->data_parallel > 1) {
        ts_loader_error(loader, ts_value_at(ctx->value, "data_parallel"),
                        "write steps: {operators: FOLDER}, or replicas",
                        "'data_parallel' needs step times from operator tables, or a roofline fitted to its like");
        ctx->broken = true;
    } else if (!fits || own_shares) {
        resolve_plain(loader, ctx, out);
    } else {
        ts_resolve_fitted(loader, ctx, out);
    }
}

/* ---- measured ---- */

/* Matmul operations per token of the measured model. */
static double measured_flop_per_tok(const struct ts_measurement *m)
{
    double sum = 0.0;
    for (size_t i = 0; i < m->n_shapes; i++) {
        sum += 2.0 * m->shapes[i].rows * m->shapes[i].cols * m->shapes[i].count;
    }
    return sum;
}

struct scaling {
    double weights, flop; /* of the tier's model over the measured one */
};

/* Another model or quant than was measured: steps that wait for memory scale with the weights, steps that compute with
 * the operations. */
static struct scaling scale_measured(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const struct ts_measurement *m = ctx->measurement;
    const struct ts_llm *llm = ts_catalog_llm(&loader->catalog, m->model);
    const struct ts_weight_quant *quant = ts_catalog_quant(&loader->catalog, m->quant);
    struct scaling scaling = {1.0, 1.0};
    if (llm == ctx->llm && quant == ctx->quant) {
        return scaling;
    }
    double weight_bytes = llm && quant ? llm->params * quant->bits_per_weight / 8.0 : (double)m->weight_bytes;
    double flop = llm ? llm->flop_per_tok : measured_flop_per_tok(m);
    if (weight_bytes > 0.0 && flop > 0.0) {
        scaling =
            (struct scaling){(ctx->weight_bytes - ctx->table_bytes) / weight_bytes, ctx->llm->flop_per_tok / flop};
    }
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.steps.scaled", ctx->value->path), TS_ORIGIN_MODELLED,
                     ts_loader_printf(loader, "measured with %s %s", m->model, m->quant),
                     "memory-bound steps x %.3f, compute-bound steps x %.3f", scaling.weights, scaling.flop);
    ts_loader_warning(
        loader, ts_value_at(ctx->value, "model"),
        ts_loader_printf(loader, "measure it: tiersim bench --model %s --quant %s", ctx->llm->name, ctx->quant->name),
        "the measurement is of %s %s: its step times are scaled to %s", m->model, m->quant, ctx->tier->model);
    return scaling;
}

static void resolve_table(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out)
{
    const struct ts_measurement *m = ctx->measurement;
    double bandwidth = ts_measurement_memory_bytes_per_s(m);
    double *n_tok = ts_loader_array(loader, m->n_steps, sizeof *n_tok);
    double *seconds = ts_loader_array(loader, m->n_steps, sizeof *seconds);
    if (!n_tok || !seconds || m->n_steps == 0) {
        ctx->broken = true;
        return;
    }
    struct scaling scaling = scale_measured(loader, ctx);
    double floor_s = m->steps[0].seconds * scaling.weights;
    for (size_t i = 0; i < m->n_steps; i++) {
        n_tok[i] = m->steps[i].n_tok;
        seconds[i] = fmax(floor_s, m->steps[i].seconds * scaling.flop);
    }
    const struct ts_step_sample *largest = &m->steps[m->n_steps - 1];
    double flop_per_s = measured_flop_per_tok(m) * largest->n_tok / largest->seconds;
    bool scaled = scaling.weights != 1.0 || scaling.flop != 1.0;
    out->kind = TS_STEPS_TABLE;
    out->origin = scaled ? TS_ORIGIN_MODELLED : TS_ORIGIN_MEASURED;
    out->source = ts_loader_printf(loader, "tiersim bench on %s, %u threads, %s, %s", m->host.cpu,
                                   (unsigned)m->n_threads, m->kernel, m->created);
    out->u.table = (struct ts_steps_table){
        .fixed_s = ts_steps_overhead_s(loader, ctx, overhead_measured_s),
        .n_tok = n_tok,
        .seconds = seconds,
        .n = m->n_steps,
        .c_s_per_kv_tok = bandwidth > 0.0 ? ctx->kv_bytes_per_tok / bandwidth : 0.0,
        .e_s_per_pair =
            flop_per_s > 0.0 ? ts_efficiency_attention_flop(ctx->llm) * attention_slowdown / flop_per_s : 0.0,
    };
    ts_loader_assume(
        loader, ts_loader_printf(loader, "%s.steps.attention", ctx->value->path), TS_ORIGIN_MODELLED,
        "KV bytes over the measured memory bandwidth; prefill attention at a quarter of the measured matmul speed",
        "%.4g ns per KV token read, %.4g ns per query-key pair", out->u.table.c_s_per_kv_tok * 1e9,
        out->u.table.e_s_per_pair * 1e9);
}

/* Whole steps of the same model and format, fitted: better than matmuls with a modelled attention. */
static bool has_engine_fit(struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    const struct ts_model_measurement *engine = ctx->measurement->engine;
    return engine && engine->fitted && ts_catalog_llm(&loader->catalog, engine->model) == ctx->llm &&
           ts_catalog_quant(&loader->catalog, engine->quant) == ctx->quant;
}

static double overhead_s(const struct ts_tier_context *ctx)
{
    return ts_value_is_set(ctx->value, "overhead") ? ts_value_number(ctx->value, "overhead") : 0.0;
}

static void take_linear(const struct ts_tier_context *ctx, const struct ts_linear_fit *fit, struct ts_steps_model *out)
{
    const double *coef = fit->coef;
    out->kind = TS_STEPS_LINEAR;
    out->u.linear = (struct ts_steps_linear){coef[0] + overhead_s(ctx), coef[1], coef[2], coef[3], coef[4]};
}

static void take_table(const struct ts_tier_context *ctx, const struct ts_table_fit *fit, struct ts_steps_model *out)
{
    out->kind = TS_STEPS_TABLE;
    out->u.table = (struct ts_steps_table){
        .fixed_s = overhead_s(ctx),
        .b_s_per_seq = fit->b_s_per_seq,
        .n_tok = fit->tokens,
        .seconds = fit->seconds,
        .n = fit->n_knots,
        .c_s_per_kv_tok = fit->c_s_per_kv_tok,
        .e_s_per_pair = fit->e_s_per_pair,
    };
}

/* What `tiersim calibrate` found beside step times: every later report carries it. */
static void take_calibrated(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out)
{
    const struct ts_model_measurement *engine = ctx->measurement->engine;
    const struct ts_calibrated *calibrated = engine->calibrated;
    const char *held = calibrated->n_held > 0 ? "held out" : "that it is from";
    out->source = ts_loader_printf(
        loader, "calibrated from %s (%s): %s on %s; time per token off by %.1f %% in the median on %llu requests %s",
        engine->import->file, engine->import->hash, engine->model, engine->cpu, 100.0 * calibrated->tpot.after,
        (unsigned long long)(calibrated->n_held > 0 ? calibrated->n_held : calibrated->n_fitted), held);
    out->error =
        (struct ts_steps_error){calibrated->low, calibrated->high, calibrated->first_low, calibrated->first_high};
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.steps.interval", ctx->value->path), TS_ORIGIN_IMPORTED,
                     "9 of 10 requests of the log lie within these factors of the prediction",
                     "time per token x %.2f to %.2f, to the first token x %.2f to %.2f", calibrated->low,
                     calibrated->high, calibrated->first_low, calibrated->first_high);
    if (calibrated->request_s > 0.0 && ctx->tier->kind == TS_TIER_SERVER) {
        ctx->tier->request_s = calibrated->request_s;
        ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.request", ctx->value->path), TS_ORIGIN_IMPORTED,
                                "calibrated: per request in addition to its steps", calibrated->request_s, "s");
    }
}

static void resolve_import(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out)
{
    const struct ts_model_measurement *engine = ctx->measurement->engine;
    const struct ts_import *import = engine->import;
    const struct ts_hardware *measured_on = ts_catalog_hardware(&loader->catalog, engine->cpu);
    const bool table = engine->table.n_knots > 0;
    const struct ts_fit_error *error = !table            ? &engine->linear.error
                                       : engine->checked ? &engine->table_check
                                                         : &engine->table.error;
    if (measured_on && measured_on != ctx->hardware) {
        ts_loader_warning(loader, ts_value_at(ctx->value, "measured"), "measure it on the tier's hardware",
                          "the step times were measured on %s, not on %s", measured_on->name, ctx->hardware_name);
    }
    out->origin = TS_ORIGIN_IMPORTED;
    out->source = ts_loader_printf(
        loader, "%s of %s (%s, %s) on %s; %sfit off by %.1f %% in the median, %.1f %% at worst, on %zu %s; b %s; c %s",
        import->format, engine->model, import->file, import->hash,
        engine->cpu[0] ? engine->cpu : "hardware that it does not name",
        table ? "step times derived from operator profiles; " : "", 100.0 * error->median_frac,
        100.0 * error->worst_frac, error->n, table ? "steps" : "points", import->coefs[1], import->coefs[2]);
    if (engine->calibrated) {
        take_calibrated(loader, ctx, out);
    }
    if (table) {
        take_table(ctx, &engine->table, out);
    } else {
        take_linear(ctx, &engine->linear, out);
    }
}

/* An import has whole steps of one model in one format; there is nothing to scale from. */
static void refuse_import(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const struct ts_model_measurement *engine = ctx->measurement->engine;
    ts_loader_error(
        loader, ts_value_at(ctx->value, ts_value_is_set(ctx->value, "measured") ? "measured" : "hardware"),
        ts_loader_printf(loader, "write model: %s and quant: %s, or import it again with --model and --quant",
                         engine->model[0] ? engine->model : "NAME", engine->quant[0] ? engine->quant : "NAME"),
        "the measurement is an import of %s %s: it says nothing about %s",
        engine->model[0] ? engine->model : "an unknown model", engine->quant, ctx->tier->model);
    ctx->broken = true;
}

static void resolve_engine_fit(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out)
{
    const struct ts_model_measurement *engine = ctx->measurement->engine;
    const struct ts_table_fit *fit = &engine->table;
    const struct ts_fit_error *error = engine->checked ? &engine->table_check : &fit->error;
    out->origin = TS_ORIGIN_MEASURED;
    out->source = ts_loader_printf(loader,
                                   "tiersim bench model on %s, %u threads, %s; fit off by %.1f %% in the median, %.1f "
                                   "%% at worst, on %zu steps %s",
                                   engine->cpu, (unsigned)engine->n_threads, engine->kernel, 100.0 * error->median_frac,
                                   100.0 * error->worst_frac, error->n, engine->checked ? "held out" : "fitted");
    take_table(ctx, fit, out);
}

static void resolve_measurement(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out)
{
    bool fit = has_engine_fit(loader, ctx), import = ts_measurement_is_import(ctx->measurement);
    if (import && !fit) {
        refuse_import(loader, ctx);
    } else if (import) {
        resolve_import(loader, ctx, out);
    } else if (fit) {
        resolve_engine_fit(loader, ctx, out);
    } else {
        resolve_table(loader, ctx, out);
    }
}

/* Rates that somebody measured on this device: they go before any roofline. */
static const struct ts_device_rate *device_rate(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const char *runtime = ts_value_text(ctx->value, "runtime");
    const struct ts_device_rate *row =
        ctx->hardware && !ctx->hardware->own && !ctx->llm->own
            ? ts_catalog_device_rate(&loader->catalog, ctx->hardware->name, ctx->llm->name, ctx->quant, runtime)
            : NULL;
    if (runtime && !row) {
        ts_loader_error(loader, ts_value_at(ctx->value, "runtime"), "leave it out: the hardware's roofline is used",
                        "the catalog has no rates of %s on %s under '%s'", ctx->tier->model, ctx->hardware_name,
                        runtime);
        ctx->broken = true;
    }
    return row;
}

/* A prompt of p tokens takes p/prefill until its first token, but no less than a step of decoding; each further token
 * 1/decode: a table that is level until prefill/decode tokens and rises from there. */
static bool put_rates(struct ts_loader *loader, const struct ts_device_rate *row, struct ts_steps_table *out)
{
    enum { KNOTS = 3 };
    const double step_s = 1.0 / row->decode_tok_per_s;
    const double level_tok = fmax(row->prefill_tok_per_s * step_s, 1.0 + 1e-6);
    double *n_tok = ts_loader_array(loader, KNOTS, sizeof *n_tok);
    double *seconds = ts_loader_array(loader, KNOTS, sizeof *seconds);
    if (!n_tok || !seconds) {
        return false;
    }
    n_tok[0] = 1.0;
    n_tok[1] = level_tok;
    n_tok[2] = 2.0 * level_tok;
    seconds[0] = seconds[1] = step_s;
    seconds[2] = step_s + level_tok / row->prefill_tok_per_s;
    *out = (struct ts_steps_table){.n_tok = n_tok, .seconds = seconds, .n = KNOTS};
    return true;
}

static void take_device_rate(struct ts_loader *loader, struct ts_tier_context *ctx, const struct ts_device_rate *row,
                             struct ts_steps_model *out)
{
    out->kind = TS_STEPS_TABLE;
    out->origin = TS_ORIGIN_CATALOG;
    out->source = ts_loader_printf(
        loader, "devices.csv: %.4g and %.4g tok/s in prefill and decode under %s; %s, %s, confidence %s",
        row->prefill_tok_per_s, row->decode_tok_per_s, row->runtime, row->source, row->date, row->confidence);
    ctx->broken = !put_rates(loader, row, &out->u.table);
    ctx->rate = row;
    ts_value_counts_if(ctx->value, "overhead", false, "measured rates have it");
}

static void assume_steps(struct ts_loader *loader, const struct ts_tier_context *ctx,
                         const struct ts_steps_model *steps)
{
    static const char *const what[TS_N_STEPS_KINDS] = {[TS_STEPS_LINEAR] = "linear",
                                                       [TS_STEPS_TABLE] = "table of measured steps",
                                                       [TS_STEPS_ROOFLINE] = "roofline",
                                                       [TS_STEPS_OPERATORS] = "tables of measured operators"};
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.step_times", ctx->value->path), steps->origin, steps->source,
                     "%s", what[steps->kind]);
}

void ts_resolve_steps(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out)
{
    struct ts_value *value = ctx->value;
    bool linear = ts_value_is_written(value, "steps.linear");
    bool roofline = ts_value_is_written(value, "steps.roofline");
    bool operators = ts_value_is_written(value, "steps.operators");
    if (ctx->broken) {
        return;
    }
    if (linear + roofline + operators > 1) {
        ts_loader_error(loader, ts_value_at(value, "steps"), "keep the one that you mean",
                        "'linear', 'roofline' and 'operators' exclude each other");
        return;
    }
    const bool may_be_listed = ctx->tier->kind == TS_TIER_DEVICE && !linear && !roofline && !operators;
    const struct ts_device_rate *rate = may_be_listed && !ctx->measurement ? device_rate(loader, ctx) : NULL;
    if (operators) {
        ts_resolve_operators(loader, ctx, out);
    } else if (linear) {
        resolve_linear(loader, ctx, out);
        if (ts_value_is_set(value, "overhead")) {
            ts_value_counts_if(value, "overhead", false, "linear step times include it: add it to a");
        }
    } else if (ctx->measurement && !roofline) {
        resolve_measurement(loader, ctx, out);
    } else if (rate) {
        take_device_rate(loader, ctx, rate, out);
    } else if (ctx->hardware) {
        resolve_roofline(loader, ctx, out);
    } else {
        ts_loader_error(loader, ts_value_at(value, "steps"), "leave 'steps' out: the measurement has them",
                        "no catalog row has the peaks of this-machine");
        ctx->broken = true;
    }
    if (ctx->tier->kind == TS_TIER_SERVER) {
        ts_value_counts_if(value, "engine",
                           (out->origin == TS_ORIGIN_FITTED && out->error.high > 0.0) ||
                               !ts_value_is_set(value, "kv_blocks"),
                           "it determines what a fitted roofline adds to its steps, and the engine's memory overhead");
    }
    if (!ctx->broken) {
        assume_steps(loader, ctx, out);
    }
}
