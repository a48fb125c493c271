/* Hides what a step is, and how step times and fits are read. Everything derived (spreads) is computed again. */
#include "measure/model_measurement.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "measure/spread.h"

enum { MAX_FILE_BYTES = 32 << 20, MAX_STEPS = 4096 };

uint32_t ts_model_step_prompts(const struct ts_model_step *step)
{
    return step->prefill == 0 ? 0 : step->n_prompts > 1 ? step->n_prompts : 1;
}

uint32_t ts_model_step_chunk(const struct ts_model_step *step, uint32_t i)
{
    const uint32_t n = ts_model_step_prompts(step);
    return step->prefill / n + (i < step->prefill % n);
}

struct ts_step_load ts_model_step_load(const struct ts_model_step *step)
{
    const uint32_t n_prompts = ts_model_step_prompts(step);
    struct ts_step_load load = {
        .seqs = (double)step->n_decode + n_prompts,
        .kv_tok = (double)step->n_decode * (step->depth + 1.0),
        .prefill_tok = step->prefill,
        .tokens = (double)step->n_decode + step->prefill,
    };
    for (uint32_t i = 0; i < n_prompts; i++) {
        const double chunk = ts_model_step_chunk(step, i);
        load.pairs += chunk * (step->prefill_depth + (chunk + 1.0) / 2.0);
    }
    return load;
}

double ts_model_step_tok_per_s(const struct ts_model_step *step)
{
    return (step->prefill > 0 ? step->prefill : step->n_decode) / step->undisturbed_s;
}

void ts_model_step_name(struct ts_text *out, const struct ts_model_step *step)
{
    const char *between = "";
    if (step->prefill > 0) {
        ts_text_printf(out, "pp%u", step->prefill);
        if (step->n_prompts > 1) {
            ts_text_printf(out, " of %u prompts", step->n_prompts);
        }
        if (step->prefill_depth > 0) {
            ts_text_printf(out, " @ d%u", step->prefill_depth);
        }
        between = " + ";
    }
    if (step->n_decode > 0) {
        ts_text_printf(out, "%stg B=%u @ d%u", between, step->n_decode, step->depth);
    }
}

/* ---- reading ---- */

struct input {
    struct ts_arena *arena;
    const char *name, *file;
    struct ts_diags *diags;
    enum ts_status status;
};

static void bad(struct input *in, const char *key, const char *what)
{
    if (in->status == TS_OK) {
        const bool is_router = strcmp(in->name, "router") == 0;
        in->status = ts_fail(in->diags, TS_EINPUT, ts_span_file(in->file),
                             is_router ? "measure again with 'tiersim bench router'"
                                       : "measure again with 'tiersim bench model'",
                             "%s.%s %s", in->name, key, what);
    }
}

static const char *get_string(struct input *in, const struct ts_json *json, const char *key)
{
    const char *value = ts_json_string(ts_json_get(json, key));
    if (!value) {
        bad(in, key, "is missing or not a string");
        return "";
    }
    const char *copy = ts_arena_strdup(in->arena, value);
    if (!copy) {
        in->status = TS_ENOMEM;
        return "";
    }
    return copy;
}

static uint64_t get_int(struct input *in, const struct ts_json *json, const char *key, uint64_t max)
{
    int64_t value = 0;
    if (!ts_json_int(ts_json_get(json, key), &value) || value < 0 || (uint64_t)value > max) {
        bad(in, key, "is missing or out of range");
        return 0;
    }
    return (uint64_t)value;
}

static double checked_double(struct input *in, const struct ts_json *json, const char *key)
{
    double value = 0.0;
    if (!ts_json_double(json, &value) || !(fabs(value) < 1e15)) {
        bad(in, key, "is missing or not a number");
    }
    return value;
}

static void get_doubles(struct input *in, const struct ts_json *json, const char *key, double *out, size_t n)
{
    const struct ts_json *array = ts_json_get(json, key);
    if (ts_json_length(array) != n) {
        bad(in, key, "has the wrong length");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = checked_double(in, ts_json_at(array, i), key);
    }
}

static void get_error(struct input *in, struct ts_fit_error *out, const struct ts_json *json)
{
    if (!ts_json_is_object(json)) {
        bad(in, "error", "is missing");
        return;
    }
    out->r2 = checked_double(in, ts_json_get(json, "r2"), "r2");
    out->median_frac = checked_double(in, ts_json_get(json, "median_frac"), "median_frac");
    out->worst_frac = checked_double(in, ts_json_get(json, "worst_frac"), "worst_frac");
    out->n = (size_t)get_int(in, json, "n", MAX_STEPS);
    out->worst = (size_t)get_int(in, json, "worst", MAX_STEPS);
}

static void get_samples(struct input *in, struct ts_model_step *step, const struct ts_json *array)
{
    size_t n = ts_json_length(array);
    if (n == 0 || n > TS_MODEL_STEP_MAX_SAMPLES) {
        bad(in, "steps.samples_s", "is missing, empty or too long");
        return;
    }
    double *samples = ts_arena_array(in->arena, n, sizeof *samples),
           *sorted = ts_arena_array(in->arena, n, sizeof *sorted);
    if (!samples || !sorted) {
        in->status = TS_ENOMEM;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        samples[i] = checked_double(in, ts_json_at(array, i), "steps.samples_s");
        if (!(samples[i] > 0.0)) {
            bad(in, "steps.samples_s", "must be above 0");
        }
    }
    memcpy(sorted, samples, n * sizeof *samples);
    step->samples = samples;
    step->n_samples = (uint32_t)n;
    step->seconds = ts_spread_of(sorted, n);
    step->undisturbed_s = ts_spread_undisturbed(sorted, n);
}

static void get_steps(struct input *in, struct ts_model_measurement *out, const struct ts_json *array)
{
    size_t n = ts_json_length(array);
    if (n == 0 || n > MAX_STEPS) {
        bad(in, "steps", "is missing, empty or too long");
        return;
    }
    struct ts_model_step *steps = ts_arena_array(in->arena, n, sizeof *steps);
    if (!steps) {
        in->status = TS_ENOMEM;
        return;
    }
    for (size_t i = 0; i < n && in->status == TS_OK; i++) {
        const struct ts_json *json = ts_json_at(array, i);
        steps[i].n_decode = (uint32_t)get_int(in, json, "n_decode", 1 << 20);
        steps[i].depth = (uint32_t)get_int(in, json, "depth_tok", 1 << 28);
        steps[i].prefill = (uint32_t)get_int(in, json, "prefill_tok", 1 << 20);
        steps[i].prefill_depth = (uint32_t)get_int(in, json, "prefill_depth_tok", 1 << 28);
        const struct ts_json *prompts = ts_json_get(json, "prompts");
        steps[i].n_prompts = prompts ? (uint32_t)get_int(in, json, "prompts", 1 << 20) : 0;
        if (steps[i].n_decode == 0 && steps[i].prefill == 0) {
            bad(in, "steps", "has a step without tokens");
        }
        if (steps[i].n_prompts > steps[i].prefill) {
            bad(in, "steps.prompts", "is more than there are prompt tokens");
        }
        if (!ts_json_bool(ts_json_get(json, "held_out"), &steps[i].held_out)) {
            bad(in, "steps.held_out", "is missing");
        }
        get_samples(in, &steps[i], ts_json_get(json, "samples_s"));
    }
    out->steps = steps;
    out->n_steps = n;
}

static void get_linear(struct input *in, struct ts_linear_fit *out, const struct ts_json *json)
{
    get_doubles(in, json, "coef_s", out->coef, TS_STEP_LINEAR_COEFS);
    get_doubles(in, json, "covariance", out->covariance[0], (size_t)TS_STEP_LINEAR_COEFS * TS_STEP_LINEAR_COEFS);
    get_error(in, &out->error, ts_json_get(json, "error"));
}

static void get_table(struct input *in, struct ts_table_fit *out, const struct ts_json *json)
{
    out->n_knots = ts_json_length(ts_json_get(json, "tokens"));
    if (out->n_knots == 0 || out->n_knots > TS_STEP_MAX_KNOTS) {
        bad(in, "table.tokens", "is missing, empty or too long");
        return;
    }
    get_doubles(in, json, "tokens", out->tokens, out->n_knots);
    get_doubles(in, json, "seconds", out->seconds, out->n_knots);
    for (size_t k = 1; k < out->n_knots; k++) {
        if (!(out->tokens[k] > out->tokens[k - 1])) {
            bad(in, "table.tokens", "must increase");
        }
    }
    out->b_s_per_seq = checked_double(in, ts_json_get(json, "b_s_per_seq"), "b_s_per_seq");
    out->c_s_per_kv_tok = checked_double(in, ts_json_get(json, "c_s_per_kv_tok"), "c_s_per_kv_tok");
    out->e_s_per_pair = checked_double(in, ts_json_get(json, "e_s_per_pair"), "e_s_per_pair");
    out->sd_b = checked_double(in, ts_json_get(json, "sd_b"), "sd_b");
    out->sd_c = checked_double(in, ts_json_get(json, "sd_c"), "sd_c");
    out->sd_e = checked_double(in, ts_json_get(json, "sd_e"), "sd_e");
    get_error(in, &out->error, ts_json_get(json, "error"));
}

static void get_import(struct input *in, struct ts_model_measurement *out, const struct ts_json *json)
{
    struct ts_import *import = json ? ts_arena_alloc(in->arena, sizeof *import) : NULL;
    if (!json || in->status != TS_OK) {
        return;
    }
    in->status = import ? ts_import_info_get(import, in->arena, json, in->file, in->diags) : TS_ENOMEM;
    out->import = import;
}

static void get_calibrated(struct input *in, struct ts_model_measurement *out, const struct ts_json *json)
{
    struct ts_calibrated *calibrated = json ? ts_arena_alloc(in->arena, sizeof *calibrated) : NULL;
    if (!json || in->status != TS_OK) {
        return;
    }
    if (!out->import) {
        bad(in, "calibrated", "is there, but nothing of the log that it is from (import)");
        return;
    }
    in->status = calibrated ? ts_calibrated_get(calibrated, in->arena, json, in->file, in->diags) : TS_ENOMEM;
    out->calibrated = calibrated;
}

enum ts_status ts_model_measurement_get(struct ts_model_measurement *out, struct ts_arena *arena,
                                        const struct ts_json *json, const char *name, const char *file,
                                        struct ts_diags *diags)
{
    struct input in = {arena, name, file, diags, TS_OK};
    struct ts_model_measurement m = {0};
    if (!ts_json_is_object(json)) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(file), NULL, "there is no object \"%s\"", name);
    }
    if (get_int(&in, json, "version", INT32_MAX) != TS_MODEL_MEASUREMENT_VERSION) {
        bad(&in, "version", "is not known to this program");
    }
    m.model = get_string(&in, json, "model");
    m.quant = get_string(&in, json, "quant");
    m.kernel = get_string(&in, json, "kernel");
    m.cpu = get_string(&in, json, "cpu");
    m.weights = get_string(&in, json, "weights");
    m.n_threads = (uint32_t)get_int(&in, json, "n_threads", 1 << 16);
    m.weight_bytes = get_int(&in, json, "weight_bytes", INT64_MAX);
    m.kv_bytes_per_tok = get_int(&in, json, "kv_bytes_per_tok", INT64_MAX);
    m.working_bytes = get_int(&in, json, "working_bytes", INT64_MAX);
    get_import(&in, &m, ts_json_get(json, "import"));
    get_calibrated(&in, &m, ts_json_get(json, "calibrated"));
    if (!m.import) {
        get_steps(&in, &m, ts_json_get(json, "steps"));
    }
    m.fitted = ts_json_is_object(ts_json_get(json, "linear"));
    if (m.fitted) {
        get_linear(&in, &m.linear, ts_json_get(json, "linear"));
    }
    if (m.fitted && (!m.import || ts_json_get(json, "table"))) {
        get_table(&in, &m.table, ts_json_get(json, "table"));
    }
    m.checked = ts_json_is_object(ts_json_get(json, "linear_check"));
    if (m.checked) {
        get_error(&in, &m.linear_check, ts_json_get(json, "linear_check"));
        get_error(&in, &m.table_check, ts_json_get(json, "table_check"));
    }
    if (in.status == TS_OK) {
        *out = m;
    }
    return in.status;
}

enum ts_status ts_model_measurement_read(struct ts_model_measurement *out, struct ts_arena *arena, const char *path,
                                         struct ts_diags *diags)
{
    struct ts_json_doc doc;
    enum ts_status status = ts_json_read(&doc, path, MAX_FILE_BYTES, diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_model_measurement_get(out, arena, ts_json_get(ts_json_root(&doc), "engine"), "engine", path, diags);
    ts_json_deinit(&doc);
    return status;
}
