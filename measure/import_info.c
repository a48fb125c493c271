/* Hides how an import's origin and points are written down. */
#include "measure/import_info.h"

static const char *const coef_names[TS_STEP_LINEAR_COEFS] = {"a", "b", "c", "d", "e"};

/* Texts of the object, by where they are kept. */
static const struct {
    const char *key;
    size_t offset;
} texts[] = {
    {"format", offsetof(struct ts_import, format)}, {"program", offsetof(struct ts_import, program)},
    {"file", offsetof(struct ts_import, file)},     {"hash", offsetof(struct ts_import, hash)},
    {"model", offsetof(struct ts_import, model)},   {"hardware", offsetof(struct ts_import, hardware)},
    {"method", offsetof(struct ts_import, method)},
};

enum { N_TEXTS = sizeof texts / sizeof texts[0] };

/* -- writing -- */

static void put_drops(struct ts_json_writer *writer, const struct ts_import *import)
{
    ts_json_key(writer, "dropped");
    ts_json_begin_array(writer);
    for (size_t i = 0; i < import->n_drops; i++) {
        ts_json_begin_object(writer);
        ts_json_member_string(writer, "reason", import->drops[i].reason);
        ts_json_member_int(writer, "n", (int64_t)import->drops[i].n);
        ts_json_member_int(writer, "first_line", (int64_t)import->drops[i].line);
        ts_json_end_object(writer);
    }
    ts_json_end_array(writer);
}

static void put_points(struct ts_json_writer *writer, const struct ts_import *import)
{
    ts_json_key(writer, "points");
    ts_json_begin_array(writer);
    for (size_t i = 0; i < import->n_points; i++) {
        const struct ts_import_point *point = &import->points[i];
        const struct {
            const char *key;
            double value;
        } fields[] = {
            {"seqs", point->load.seqs},     {"kv_tok", point->load.kv_tok}, {"prefill_tok", point->load.prefill_tok},
            {"tokens", point->load.tokens}, {"pairs", point->load.pairs},   {"seconds", point->seconds}};
        ts_json_begin_object(writer);
        for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) {
            ts_json_member_double(writer, fields[k].key, fields[k].value);
        }
        ts_json_member_int(writer, "n_samples", point->n_samples);
        ts_json_end_object(writer);
    }
    ts_json_end_array(writer);
}

void ts_import_info_put(struct ts_json_writer *writer, const struct ts_import *import)
{
    ts_json_begin_object(writer);
    for (size_t i = 0; i < N_TEXTS; i++) {
        ts_json_member_string(writer, texts[i].key, *(const char *const *)((const char *)import + texts[i].offset));
    }
    ts_json_member_int(writer, "n_rows", (int64_t)import->n_rows);
    ts_json_member_int(writer, "n_used", (int64_t)import->n_used);
    put_drops(writer, import);
    ts_json_key(writer, "coefficients");
    ts_json_begin_object(writer);
    for (size_t i = 0; i < TS_STEP_LINEAR_COEFS; i++) {
        ts_json_member_string(writer, coef_names[i], import->coefs[i]);
    }
    ts_json_end_object(writer);
    ts_json_member_int(writer, "n_far", (int64_t)import->n_far);
    put_points(writer, import);
    ts_json_end_object(writer);
}

/* -- reading -- */

struct input {
    struct ts_arena *arena;
    const char *file;
    struct ts_diags *diags;
    enum ts_status status;
};

static void bad(struct input *in, const char *key)
{
    if (in->status == TS_OK) {
        in->status =
            ts_fail(in->diags, TS_EINPUT, ts_span_file(in->file), "import the source again with 'tiersim import'",
                    "engine.import.%s is missing or out of range", key);
    }
}

static const char *get_string(struct input *in, const struct ts_json *json, const char *key)
{
    const char *value = ts_json_string(ts_json_get(json, key));
    const char *copy = value ? ts_arena_strdup(in->arena, value) : NULL;
    if (!value) {
        bad(in, key);
    } else if (!copy) {
        in->status = TS_ENOMEM;
    }
    return copy ? copy : "";
}

static uint64_t get_count(struct input *in, const struct ts_json *json, const char *key)
{
    int64_t value = 0;
    if (!ts_json_int(ts_json_get(json, key), &value) || value < 0) {
        bad(in, key);
        return 0;
    }
    return (uint64_t)value;
}

static double get_double(struct input *in, const struct ts_json *json, const char *key, double max)
{
    double value = 0.0;
    if (!ts_json_double(ts_json_get(json, key), &value) || !(value >= 0.0 && value <= max)) {
        bad(in, key);
        return 0.0;
    }
    return value;
}

static void get_drops(struct input *in, struct ts_import *out, const struct ts_json *array)
{
    out->n_drops = ts_json_length(array);
    if (!ts_json_is_array(array) || out->n_drops > TS_IMPORT_MAX_REASONS) {
        bad(in, "dropped");
        out->n_drops = 0;
    }
    for (size_t i = 0; i < out->n_drops; i++) {
        const struct ts_json *item = ts_json_at(array, i);
        out->drops[i] = (struct ts_import_drop){get_string(in, item, "reason"), get_count(in, item, "n"),
                                                get_count(in, item, "first_line")};
    }
}

static void get_points(struct input *in, struct ts_import *out, const struct ts_json *array)
{
    size_t n = ts_json_length(array);
    struct ts_import_point *points = ts_arena_array(in->arena, n + 1, sizeof *points);
    if (n == 0 || n > TS_IMPORT_MAX_POINTS || !points) {
        bad(in, "points");
        return;
    }
    for (size_t i = 0; i < n && in->status == TS_OK; i++) {
        const struct ts_json *item = ts_json_at(array, i);
        points[i].load = (struct ts_step_load){
            .seqs = get_double(in, item, "seqs", 1e7),
            .kv_tok = get_double(in, item, "kv_tok", 1e15),
            .prefill_tok = get_double(in, item, "prefill_tok", 1e9),
            .tokens = get_double(in, item, "tokens", 1e9),
            .pairs = get_double(in, item, "pairs", 1e18),
        };
        points[i].seconds = get_double(in, item, "seconds", 1e6);
        points[i].n_samples = (uint32_t)get_count(in, item, "n_samples");
        if (!(points[i].seconds > 0.0)) {
            bad(in, "points.seconds");
        }
    }
    out->points = points;
    out->n_points = n;
}

enum ts_status ts_import_info_get(struct ts_import *out, struct ts_arena *arena, const struct ts_json *json,
                                  const char *file, struct ts_diags *diags)
{
    struct input in = {arena, file, diags, TS_OK};
    struct ts_import import = {0};
    for (size_t i = 0; i < N_TEXTS; i++) {
        *(const char **)((char *)&import + texts[i].offset) = get_string(&in, json, texts[i].key);
    }
    import.n_rows = get_count(&in, json, "n_rows");
    import.n_used = get_count(&in, json, "n_used");
    get_drops(&in, &import, ts_json_get(json, "dropped"));
    for (size_t i = 0; i < TS_STEP_LINEAR_COEFS; i++) {
        import.coefs[i] = get_string(&in, ts_json_get(json, "coefficients"), coef_names[i]);
    }
    import.n_far = get_count(&in, json, "n_far");
    get_points(&in, &import, ts_json_get(json, "points"));
    if (in.status == TS_OK) {
        *out = import;
    }
    return in.status;
}
