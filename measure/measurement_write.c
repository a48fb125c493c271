/* Hides how a measurement and the objects "engine" and "router" in it are written down; the layout is
 * docs/MEASUREMENT.md. */
#include "measure/measurement.h"

#include "base/file.h"
#include "base/json.h"
#include "measure/model_measurement.h"

/* A reader wants every text to be there. */
static void put_string(struct ts_json_writer *json, const char *key, const char *value)
{
    ts_json_member_string(json, key, value ? value : "");
}

static void put_int(struct ts_json_writer *json, const char *key, uint64_t value)
{
    ts_json_member_int(json, key, (int64_t)value);
}

static void put_double(struct ts_json_writer *json, const char *key, double value)
{
    ts_json_member_double(json, key, value);
}

static void put_spread(struct ts_json_writer *json, const char *key, const struct ts_spread *spread)
{
    ts_json_key(json, key);
    ts_json_begin_object(json);
    put_double(json, "min", spread->min);
    put_double(json, "median", spread->median);
    put_double(json, "p90", spread->p90);
    put_int(json, "n_samples", spread->n_samples);
    ts_json_end_object(json);
}

static void put_host(struct ts_json_writer *json, const struct ts_host *host)
{
    ts_json_key(json, "host");
    ts_json_begin_object(json);
    put_string(json, "cpu", host->cpu);
    put_string(json, "os", host->os);
    put_string(json, "isa", host->isa);
    put_string(json, "compiler", host->compiler);
    put_int(json, "n_cpus", host->n_cpus);
    put_int(json, "memory_bytes", host->memory_bytes);
    put_int(json, "l1d_bytes", host->l1d_bytes);
    put_int(json, "l2_bytes", host->l2_bytes);
    put_int(json, "l3_bytes", host->l3_bytes);
    ts_json_end_object(json);
}

static void put_shapes(struct ts_json_writer *json, const struct ts_measurement *m)
{
    ts_json_key(json, "shapes");
    ts_json_begin_array(json);
    for (size_t i = 0; i < m->n_shapes; i++) {
        ts_json_begin_object(json);
        put_string(json, "name", m->shapes[i].name);
        put_int(json, "rows", m->shapes[i].rows);
        put_int(json, "cols", m->shapes[i].cols);
        put_int(json, "count", m->shapes[i].count);
        ts_json_end_object(json);
    }
    ts_json_end_array(json);
}

static void put_matmuls(struct ts_json_writer *json, const char *key, const struct ts_matmul_sample *samples, size_t n)
{
    ts_json_key(json, key);
    ts_json_begin_array(json);
    for (size_t i = 0; i < n; i++) {
        ts_json_begin_object(json);
        put_int(json, "shape", samples[i].shape);
        put_int(json, "n_tok", samples[i].n_tok);
        put_spread(json, "seconds", &samples[i].seconds);
        put_double(json, "gops", samples[i].gops);
        ts_json_end_object(json);
    }
    ts_json_end_array(json);
}

static void put_bandwidths(struct ts_json_writer *json, const struct ts_measurement *m)
{
    ts_json_key(json, "bandwidths");
    ts_json_begin_array(json);
    for (size_t i = 0; i < m->n_bandwidths; i++) {
        ts_json_begin_object(json);
        put_int(json, "bytes", m->bandwidths[i].bytes);
        put_spread(json, "gb_per_s", &m->bandwidths[i].gb_per_s);
        ts_json_end_object(json);
    }
    ts_json_end_array(json);
}

static void put_steps(struct ts_json_writer *json, const struct ts_measurement *m)
{
    ts_json_key(json, "steps");
    ts_json_begin_array(json);
    for (size_t i = 0; i < m->n_steps; i++) {
        ts_json_begin_object(json);
        put_int(json, "n_tok", m->steps[i].n_tok);
        put_double(json, "seconds", m->steps[i].seconds);
        put_double(json, "spread_frac", m->steps[i].spread_frac);
        ts_json_end_object(json);
    }
    ts_json_end_array(json);
}

static void put_energy(struct ts_json_writer *json, const struct ts_measurement *m)
{
    ts_json_key(json, "energy");
    ts_json_begin_object(json);
    put_string(json, "source", m->energy_source);
    put_double(json, "idle_w", m->idle_w);
    put_double(json, "busy_w", m->busy_w);
    ts_json_end_object(json);
}

static void put_peaks(struct ts_json_writer *json, const struct ts_measurement *m)
{
    ts_json_key(json, "peaks");
    ts_json_begin_object(json);
    put_double(json, "dot_gops", m->peak_dot_gops);
    put_double(json, "fma_gflops", m->peak_fma_gflops);
    put_double(json, "bf16_gflops", m->peak_bf16_gflops);
    ts_json_end_object(json);
}

/* ---- whole steps ---- */

static void put_model_step(struct ts_json_writer *json, const struct ts_model_step *step)
{
    ts_json_begin_object(json);
    put_int(json, "n_decode", step->n_decode);
    put_int(json, "depth_tok", step->depth);
    put_int(json, "prefill_tok", step->prefill);
    put_int(json, "prefill_depth_tok", step->prefill_depth);
    if (step->n_prompts > 1) {
        put_int(json, "prompts", step->n_prompts);
    }
    ts_json_member_bool(json, "held_out", step->held_out);
    ts_json_member_doubles(json, "samples_s", step->samples, step->n_samples);
    ts_json_end_object(json);
}

static void put_error(struct ts_json_writer *json, const char *key, const struct ts_fit_error *error)
{
    ts_json_key(json, key);
    ts_json_begin_object(json);
    put_double(json, "r2", error->r2);
    put_double(json, "median_frac", error->median_frac);
    put_double(json, "worst_frac", error->worst_frac);
    put_int(json, "n", error->n);
    put_int(json, "worst", error->worst);
    ts_json_end_object(json);
}

static void put_linear(struct ts_json_writer *json, const struct ts_linear_fit *fit)
{
    ts_json_key(json, "linear");
    ts_json_begin_object(json);
    ts_json_member_doubles(json, "coef_s", fit->coef, TS_STEP_LINEAR_COEFS);
    ts_json_member_doubles(json, "covariance", fit->covariance[0], (size_t)TS_STEP_LINEAR_COEFS * TS_STEP_LINEAR_COEFS);
    put_error(json, "error", &fit->error);
    ts_json_end_object(json);
}

static void put_table(struct ts_json_writer *json, const struct ts_table_fit *fit)
{
    ts_json_key(json, "table");
    ts_json_begin_object(json);
    ts_json_member_doubles(json, "tokens", fit->tokens, fit->n_knots);
    ts_json_member_doubles(json, "seconds", fit->seconds, fit->n_knots);
    put_double(json, "b_s_per_seq", fit->b_s_per_seq);
    put_double(json, "c_s_per_kv_tok", fit->c_s_per_kv_tok);
    put_double(json, "e_s_per_pair", fit->e_s_per_pair);
    put_double(json, "sd_b", fit->sd_b);
    put_double(json, "sd_c", fit->sd_c);
    put_double(json, "sd_e", fit->sd_e);
    put_error(json, "error", &fit->error);
    ts_json_end_object(json);
}

static void put_model(struct ts_json_writer *json, const char *name, const struct ts_model_measurement *m)
{
    ts_json_key(json, name);
    ts_json_begin_object(json);
    put_int(json, "version", TS_MODEL_MEASUREMENT_VERSION);
    put_string(json, "model", m->model);
    put_string(json, "quant", m->quant);
    put_string(json, "kernel", m->kernel);
    put_string(json, "cpu", m->cpu);
    put_string(json, "weights", m->weights);
    put_int(json, "n_threads", m->n_threads);
    put_int(json, "weight_bytes", m->weight_bytes);
    put_int(json, "kv_bytes_per_tok", m->kv_bytes_per_tok);
    put_int(json, "working_bytes", m->working_bytes);
    ts_json_key(json, "steps");
    ts_json_begin_array(json);
    for (size_t i = 0; i < m->n_steps; i++) {
        put_model_step(json, &m->steps[i]);
    }
    ts_json_end_array(json);
    if (m->fitted) {
        put_linear(json, &m->linear);
    }
    if (m->fitted && m->table.n_knots > 0) {
        put_table(json, &m->table);
    }
    if (m->checked) {
        put_error(json, "linear_check", &m->linear_check);
        put_error(json, "table_check", &m->table_check);
    }
    if (m->import) {
        ts_json_key(json, "import");
        ts_import_info_put(json, m->import);
    }
    if (m->calibrated) {
        ts_json_key(json, "calibrated");
        ts_calibrated_put(json, m->calibrated);
    }
    ts_json_end_object(json);
}

/* ---- the files ---- */

static void put_measurement(struct ts_json_writer *json, const struct ts_measurement *m)
{
    ts_json_begin_object(json);
    put_int(json, "format_version", TS_MEASUREMENT_VERSION);
    put_string(json, "created", m->created);
    put_string(json, "tool_version", m->tool_version);
    put_host(json, &m->host);
    put_string(json, "kernel", m->kernel);
    put_string(json, "model", m->model);
    put_string(json, "quant", m->quant);
    put_int(json, "n_threads", m->n_threads);
    put_int(json, "weight_bytes", m->weight_bytes);
    put_energy(json, m);
    put_shapes(json, m);
    put_steps(json, m);
    put_peaks(json, m);
    put_bandwidths(json, m);
    put_matmuls(json, "matmuls", m->matmuls, m->n_matmuls);
    put_string(json, "baseline_name", m->baseline_name);
    put_matmuls(json, "baseline", m->baseline, m->n_baseline);
    if (m->engine) {
        put_model(json, "engine", m->engine);
    }
    if (m->router) {
        put_model(json, "router", m->router);
    }
    ts_json_end_object(json);
}

static enum ts_status save(struct ts_text *text, const char *path, struct ts_diags *diags)
{
    ts_text_puts(text, "\n");
    enum ts_status status =
        text->failed ? ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "not enough memory to write the measurement")
                     : ts_file_write(path, text->data, text->len, diags);
    ts_text_deinit(text);
    return status;
}

enum ts_status ts_measurement_write(const struct ts_measurement *measurement, const char *path, struct ts_diags *diags)
{
    struct ts_text text;
    struct ts_json_writer json;
    ts_text_init(&text);
    ts_json_writer_init(&json, &text);
    put_measurement(&json, measurement);
    return save(&text, path, diags);
}

enum ts_status ts_model_measurement_write(const struct ts_model_measurement *measurement, const char *path,
                                          struct ts_diags *diags)
{
    struct ts_text text;
    struct ts_json_writer json;
    ts_text_init(&text);
    ts_json_writer_init(&json, &text);
    ts_json_begin_object(&json);
    put_model(&json, "engine", measurement);
    ts_json_end_object(&json);
    return save(&text, path, diags);
}
