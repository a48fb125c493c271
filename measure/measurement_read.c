/* Hides how a measurement file is checked. Every field that is needed must be there, with its type and in a sane range;
 * the first few faults are reported by the path of the field, for example matmuls[3].seconds.median. */
#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "measure/measurement.h"
#include "measure/model_measurement.h"

enum { MAX_FILE_BYTES = 16 << 20, MAX_ITEMS = 100000, MAX_FAULTS = 8 };

/* Where the reader stands: one object, and what its fields are called from the root. */
struct at {
    struct reader *reader;
    const struct ts_json *object;
    const char *prefix; /* "" or "host." or "steps[2]." */
};

struct reader {
    struct ts_arena *arena;
    const char *path;
    struct ts_diags *diags;
    size_t n_faults;
    bool out_of_memory;
    bool imported; /* made elsewhere: only the fit of whole steps is there */
};

static const char hint[] = "measure this machine again with `tiersim bench`";

static void fault(const struct at *at, const char *key, const char *what)
{
    if (at->reader->n_faults++ < MAX_FAULTS) {
        (void)ts_fail(at->reader->diags, TS_EINPUT, ts_span_file(at->reader->path), hint, "%s%s %s", at->prefix, key,
                      what);
    }
}

static const char *get_string(const struct at *at, const char *key)
{
    const char *value = ts_json_string(ts_json_get(at->object, key));
    if (!value) {
        fault(at, key, ts_json_get(at->object, key) ? "must be a text" : "is missing");
        return "";
    }
    const char *copy = ts_arena_strdup(at->reader->arena, value);
    at->reader->out_of_memory |= copy == NULL;
    return copy ? copy : "";
}

static uint64_t get_uint(const struct at *at, const char *key, uint64_t min, uint64_t max)
{
    int64_t value = 0;
    const struct ts_json *json = ts_json_get(at->object, key);
    if (!ts_json_int(json, &value)) {
        fault(at, key, json ? "must be a whole number" : "is missing");
        return min;
    }
    if (value < 0 || (uint64_t)value < min || (uint64_t)value > max) {
        fault(at, key, "is out of range");
        return min;
    }
    return (uint64_t)value;
}

static double get_double(const struct at *at, const char *key, double min, double max)
{
    double value = 0.0;
    const struct ts_json *json = ts_json_get(at->object, key);
    if (!ts_json_double(json, &value)) {
        fault(at, key, json ? "must be a number" : "is missing");
        return min;
    }
    if (!(value >= min && value <= max)) {
        fault(at, key, "is out of range");
        return min;
    }
    return value;
}

/* The object of that key; its fields are reported as "<prefix><key>.". */
static struct at enter(const struct at *at, const char *key)
{
    struct at inner = {at->reader, ts_json_get(at->object, key), ""};
    if (!ts_json_is_object(inner.object)) {
        fault(at, key, inner.object ? "must be an object" : "is missing");
        inner.object = NULL;
    }
    const char *prefix = ts_arena_printf(at->reader->arena, "%s%s.", at->prefix, key);
    at->reader->out_of_memory |= prefix == NULL;
    inner.prefix = prefix ? prefix : "";
    return inner;
}

static struct at enter_item(const struct at *at, const char *key, size_t index)
{
    struct at inner = {at->reader, ts_json_at(ts_json_get(at->object, key), index), ""};
    const char *prefix = ts_arena_printf(at->reader->arena, "%s%s[%zu].", at->prefix, key, index);
    at->reader->out_of_memory |= prefix == NULL;
    inner.prefix = prefix ? prefix : "";
    return inner;
}

/* Room for the items of an array; n = 0 if there is none or it is too long. */
static void *get_array(const struct at *at, const char *key, size_t size, size_t min, size_t *n)
{
    const struct ts_json *array = ts_json_get(at->object, key);
    *n = 0;
    if (!ts_json_is_array(array)) {
        fault(at, key, array ? "must be a list" : "is missing");
        return NULL;
    }
    size_t length = ts_json_length(array);
    if (length < min || length > MAX_ITEMS) {
        fault(at, key, length < min ? "is empty" : "is too long");
        return NULL;
    }
    void *items = ts_arena_array(at->reader->arena, length + 1, size);
    at->reader->out_of_memory |= items == NULL;
    *n = items ? length : 0;
    return items;
}

static struct ts_spread get_spread(const struct at *at, const char *key, double max)
{
    struct at inner = enter(at, key);
    struct ts_spread spread = {0};
    if (!inner.object) {
        return spread;
    }
    spread.min = get_double(&inner, "min", 0.0, max);
    spread.median = get_double(&inner, "median", 0.0, max);
    spread.p90 = get_double(&inner, "p90", 0.0, max);
    spread.n_samples = (uint32_t)get_uint(&inner, "n_samples", 1, UINT32_MAX);
    if (spread.min > spread.median || spread.median > spread.p90) {
        fault(&inner, "median", "must lie between min and p90");
    }
    return spread;
}

static struct ts_host get_host(const struct at *at)
{
    struct at inner = enter(at, "host");
    struct ts_host host = {"", "", "", "", 0, 0, 0, 0, 0};
    if (!inner.object) {
        return host;
    }
    host.cpu = get_string(&inner, "cpu");
    host.os = get_string(&inner, "os");
    host.isa = get_string(&inner, "isa");
    host.compiler = get_string(&inner, "compiler");
    host.n_cpus = (uint32_t)get_uint(&inner, "n_cpus", 1, 1 << 20);
    host.memory_bytes = get_uint(&inner, "memory_bytes", 0, INT64_MAX);
    host.l1d_bytes = get_uint(&inner, "l1d_bytes", 0, INT64_MAX);
    host.l2_bytes = get_uint(&inner, "l2_bytes", 0, INT64_MAX);
    host.l3_bytes = get_uint(&inner, "l3_bytes", 0, INT64_MAX);
    return host;
}

/* What a measurement must have at least one of, and an import does without. */
static size_t least_items(const struct at *at)
{
    return at->reader->imported ? 0 : 1;
}

static void get_shapes(const struct at *at, struct ts_measurement *m)
{
    struct ts_matmul_shape *shapes = get_array(at, "shapes", sizeof *shapes, least_items(at), &m->n_shapes);
    for (size_t i = 0; i < m->n_shapes; i++) {
        struct at item = enter_item(at, "shapes", i);
        shapes[i].name = get_string(&item, "name");
        shapes[i].rows = (uint32_t)get_uint(&item, "rows", 1, 1 << 24);
        shapes[i].cols = (uint32_t)get_uint(&item, "cols", 1, 1 << 24);
        shapes[i].count = (uint32_t)get_uint(&item, "count", 1, 1 << 20);
    }
    m->shapes = shapes;
}

static const struct ts_matmul_sample *get_matmuls(const struct at *at, const char *key, size_t min, size_t n_shapes,
                                                  size_t *n)
{
    struct ts_matmul_sample *samples = get_array(at, key, sizeof *samples, min, n);
    for (size_t i = 0; i < *n; i++) {
        struct at item = enter_item(at, key, i);
        samples[i].shape = (uint32_t)get_uint(&item, "shape", 0, n_shapes > 0 ? n_shapes - 1 : 0);
        samples[i].n_tok = (uint32_t)get_uint(&item, "n_tok", 1, 1 << 24);
        samples[i].seconds = get_spread(&item, "seconds", 1e6);
        samples[i].gops = get_double(&item, "gops", 0.0, 1e9);
    }
    return samples;
}

static void get_bandwidths(const struct at *at, struct ts_measurement *m)
{
    struct ts_bandwidth_sample *samples = get_array(at, "bandwidths", sizeof *samples, 0, &m->n_bandwidths);
    for (size_t i = 0; i < m->n_bandwidths; i++) {
        struct at item = enter_item(at, "bandwidths", i);
        samples[i].bytes = get_uint(&item, "bytes", 1, INT64_MAX);
        samples[i].gb_per_s = get_spread(&item, "gb_per_s", 1e7);
    }
    m->bandwidths = samples;
}

static void get_steps(const struct at *at, struct ts_measurement *m)
{
    struct ts_step_sample *steps = get_array(at, "steps", sizeof *steps, least_items(at), &m->n_steps);
    for (size_t i = 0; i < m->n_steps; i++) {
        struct at item = enter_item(at, "steps", i);
        steps[i].n_tok = (uint32_t)get_uint(&item, "n_tok", 1, 1 << 24);
        steps[i].seconds = get_double(&item, "seconds", 1e-12, 1e6);
        steps[i].spread_frac = get_double(&item, "spread_frac", 0.0, 1e6);
        if (i > 0 && steps[i].n_tok <= steps[i - 1].n_tok) {
            fault(&item, "n_tok", "must be larger than that of the step before");
        }
    }
    m->steps = steps;
}

static void get_measurement(const struct at *at, struct ts_measurement *m)
{
    m->created = get_string(at, "created");
    m->tool_version = get_string(at, "tool_version");
    m->host = get_host(at);
    m->kernel = get_string(at, "kernel");
    m->model = get_string(at, "model");
    m->quant = get_string(at, "quant");
    m->n_threads = (uint32_t)get_uint(at, "n_threads", 1, 1 << 16);
    m->weight_bytes = get_uint(at, "weight_bytes", least_items(at), INT64_MAX);
    struct at energy = enter(at, "energy");
    if (energy.object) {
        m->energy_source = get_string(&energy, "source");
        m->idle_w = get_double(&energy, "idle_w", 0.0, 1e6);
        m->busy_w = get_double(&energy, "busy_w", 0.0, 1e6);
    }
    get_shapes(at, m);
    get_steps(at, m);
    if (ts_json_get(at->object, "peaks")) {
        struct at peaks = enter(at, "peaks");
        m->peak_dot_gops = peaks.object ? get_double(&peaks, "dot_gops", 0.0, 1e9) : 0.0;
        m->peak_fma_gflops = peaks.object ? get_double(&peaks, "fma_gflops", 0.0, 1e9) : 0.0;
        bool has_bf16 = peaks.object && ts_json_get(peaks.object, "bf16_gflops");
        m->peak_bf16_gflops = has_bf16 ? get_double(&peaks, "bf16_gflops", 0.0, 1e9) : 0.0;
    }
    get_bandwidths(at, m);
    m->matmuls = get_matmuls(at, "matmuls", least_items(at), m->n_shapes, &m->n_matmuls);
    m->baseline = get_matmuls(at, "baseline", 0, m->n_shapes, &m->n_baseline);
    m->baseline_name = ts_json_get(at->object, "baseline_name") ? get_string(at, "baseline_name") : "";
}

static bool check_version(const struct at *root)
{
    int64_t version = 0;
    const struct ts_json *json = ts_json_get(root->object, "format_version");
    if (!ts_json_is_object(root->object) || !ts_json_int(json, &version)) {
        fault(root, "format_version", "is missing: this is not a measurement file");
        return false;
    }
    if (version != TS_MEASUREMENT_VERSION) {
        struct reader *reader = root->reader;
        reader->n_faults++;
        (void)ts_fail(reader->diags, TS_EINPUT, ts_span_file(reader->path), hint,
                      "format_version is %lld, but this program reads version %d", (long long)version,
                      (int)TS_MEASUREMENT_VERSION);
        return false;
    }
    return true;
}

/* The object "engine" or "router", which may be missing: then *out stays NULL. */
static enum ts_status get_model(const struct at *root, const char *name, const struct ts_model_measurement **out)
{
    const struct ts_json *json = ts_json_get(root->object, name);
    if (!json) {
        return TS_OK;
    }
    struct ts_model_measurement *model = ts_arena_alloc(root->reader->arena, sizeof *model);
    *out = model;
    return model ? ts_model_measurement_get(model, root->reader->arena, json, name, root->reader->path,
                                            root->reader->diags)
                 : TS_ENOMEM;
}

/* A router reads one prompt at a time. */
static enum ts_status check_router(const struct at *root, const struct ts_model_measurement *router)
{
    bool is_right = router->import == NULL;
    for (size_t i = 0; is_right && i < router->n_steps; i++) {
        const struct ts_model_step *step = &router->steps[i];
        is_right = step->n_decode == 0 && step->prefill_depth == 0 && step->n_prompts <= 1 &&
                   (i == 0 || step->prefill > router->steps[i - 1].prefill);
    }
    return is_right ? TS_OK
                    : ts_fail(root->reader->diags, TS_EINPUT, ts_span_file(root->reader->path),
                              "measure again with 'tiersim bench router'",
                              "router.steps must be single prompts of increasing length");
}

enum ts_status ts_measurement_read(struct ts_measurement *out, struct ts_arena *arena, const char *path,
                                   struct ts_diags *diags)
{
    struct ts_json_doc doc;
    enum ts_status status = ts_json_read(&doc, path, MAX_FILE_BYTES, diags);
    if (status != TS_OK) {
        return status;
    }
    struct reader reader = {arena, path, diags, 0, false, false};
    struct at root = {&reader, ts_json_root(&doc), ""};
    reader.imported = ts_json_is_object(ts_json_get(ts_json_get(root.object, "engine"), "import"));
    struct ts_measurement m = {0};
    if (check_version(&root)) {
        get_measurement(&root, &m);
    }
    if (reader.n_faults == 0) {
        status = get_model(&root, "engine", &m.engine);
    }
    if (reader.n_faults == 0 && status == TS_OK) {
        status = get_model(&root, "router", &m.router);
    }
    if (status == TS_OK && m.router) {
        status = check_router(&root, m.router);
    }
    ts_json_deinit(&doc);
    if (status != TS_OK) {
        return status;
    }
    if (reader.out_of_memory) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "not enough memory to read the measurement");
    }
    if (reader.n_faults > 0) {
        return TS_EINPUT;
    }
    *out = m;
    return TS_OK;
}

double ts_measurement_peak_gops(const struct ts_measurement *measurement)
{
    bool bf16 = strcmp(measurement->quant, "BF16") == 0;
    if (bf16 && measurement->peak_bf16_gflops > 0.0) {
        return measurement->peak_bf16_gflops;
    }
    if (bf16 || strcmp(measurement->quant, "F16") == 0) {
        return measurement->peak_fma_gflops;
    }
    return measurement->peak_dot_gops > 0.0 ? measurement->peak_dot_gops : measurement->peak_bf16_gflops;
}

double ts_measurement_memory_bytes_per_s(const struct ts_measurement *measurement)
{
    const struct ts_bandwidth_sample *largest = NULL;
    for (size_t i = 0; i < measurement->n_bandwidths; i++) {
        if (!largest || measurement->bandwidths[i].bytes > largest->bytes) {
            largest = &measurement->bandwidths[i];
        }
    }
    return largest ? largest->gb_per_s.median * 1e9 : 0.0;
}

bool ts_measurement_is_import(const struct ts_measurement *measurement)
{
    return measurement->engine && measurement->engine->import;
}
