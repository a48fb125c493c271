/* Hides how a measurement is written down; the layout is docs/MEASUREMENT.md. */
#include "measure/measurement.h"

#include "base/file.h"
#include "base/json.h"
#include "measure/model_measurement.h"

static void put_string(struct ts_json_writer *json, const char *key, const char *value)
{
    ts_json_key(json, key);
    ts_json_put_string(json, value ? value : "");
}

static void put_int(struct ts_json_writer *json, const char *key, uint64_t value)
{
    ts_json_key(json, key);
    ts_json_put_int(json, (int64_t)value);
}

static void put_double(struct ts_json_writer *json, const char *key, double value)
{
    ts_json_key(json, key);
    ts_json_put_double(json, value);
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
        ts_json_key(json, "engine");
        ts_model_measurement_put(json, m->engine);
    }
    ts_json_end_object(json);
}

enum ts_status ts_measurement_write(const struct ts_measurement *measurement, const char *path, struct ts_diags *diags)
{
    struct ts_text text;
    ts_text_init(&text);
    struct ts_json_writer json;
    ts_json_writer_init(&json, &text);
    put_measurement(&json, measurement);
    ts_text_puts(&text, "\n");
    enum ts_status status = TS_OK;
    if (text.failed) {
        status = ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "not enough memory to write the measurement");
    } else {
        status = ts_file_write(path, text.data, text.len, diags);
    }
    ts_text_deinit(&text);
    return status;
}
