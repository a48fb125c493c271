/* Hides how a calibration is written down. */
#include "measure/calibrated.h"

#include <math.h>

#include "base/text.h"

static const struct {
    const char *key;
    size_t offset;
    double least, most;
} numbers[] = {
    {"request_s", offsetof(struct ts_calibrated, request_s), 0.0, 1e4},
    {"low", offsetof(struct ts_calibrated, low), 1e-6, 1e6},
    {"high", offsetof(struct ts_calibrated, high), 1e-6, 1e6},
    {"first_low", offsetof(struct ts_calibrated, first_low), 0.0, 1e6},
    {"first_high", offsetof(struct ts_calibrated, first_high), 0.0, 1e6},
};

static const struct {
    const char *key;
    size_t offset;
} constant_numbers[] = {
    {"prior", offsetof(struct ts_calibrated_constant, prior)},
    {"prior_sd", offsetof(struct ts_calibrated_constant, prior_sd)},
    {"value", offsetof(struct ts_calibrated_constant, value)},
    {"sd", offsetof(struct ts_calibrated_constant, sd)},
    {"told_frac", offsetof(struct ts_calibrated_constant, told_frac)},
};

#define N_OF(array) (sizeof(array) / sizeof(array)[0])

/* What there is none of is null. */
static const struct {
    const char *key;
    size_t offset;
} errors[] = {
    {"tpot_error_before_frac", offsetof(struct ts_calibrated, tpot.before)},
    {"tpot_error_after_frac", offsetof(struct ts_calibrated, tpot.after)},
    {"ttft_error_before_frac", offsetof(struct ts_calibrated, ttft.before)},
    {"ttft_error_after_frac", offsetof(struct ts_calibrated, ttft.after)},
};

static double *at(void *object, size_t offset)
{
    return (double *)((char *)object + offset);
}

static double value_at(const void *object, size_t offset)
{
    return *(const double *)((const char *)object + offset);
}

void ts_calibrated_put(struct ts_json_writer *writer, const struct ts_calibrated *calibrated)
{
    ts_json_begin_object(writer);
    for (size_t i = 0; i < N_OF(numbers); i++) {
        ts_json_member_double(writer, numbers[i].key, value_at(calibrated, numbers[i].offset));
    }
    ts_json_member_int(writer, "n_fitted", (int64_t)calibrated->n_fitted);
    ts_json_member_int(writer, "n_held", (int64_t)calibrated->n_held);
    for (size_t i = 0; i < N_OF(errors); i++) {
        const double value = value_at(calibrated, errors[i].offset);
        if (!isnan(value)) {
            ts_json_member_double(writer, errors[i].key, value);
        }
    }
    ts_json_key(writer, "constants");
    ts_json_begin_array(writer);
    for (size_t i = 0; i < calibrated->n; i++) {
        const struct ts_calibrated_constant *constant = &calibrated->constants[i];
        ts_json_begin_object(writer);
        ts_json_member_string(writer, "name", constant->name);
        for (size_t k = 0; k < N_OF(constant_numbers); k++) {
            ts_json_member_double(writer, constant_numbers[k].key, value_at(constant, constant_numbers[k].offset));
        }
        ts_json_end_object(writer);
    }
    ts_json_end_array(writer);
    ts_json_end_object(writer);
}

struct input {
    struct ts_arena *arena;
    const char *file;
    struct ts_diags *diags;
    enum ts_status status;
};

static void bad(struct input *in, const char *key)
{
    if (in->status == TS_OK) {
        in->status = ts_fail(in->diags, TS_EINPUT, ts_span_file(in->file), "make it again with 'tiersim calibrate'",
                             "engine.calibrated.%s is missing or out of range", key);
    }
}

static void get_number(struct input *in, double *out, const struct ts_json *json, const char *key, double least,
                       double most)
{
    if (!ts_json_double(ts_json_get(json, key), out) || !(*out >= least && *out <= most)) {
        bad(in, key);
    }
}

static uint64_t get_count(struct input *in, const struct ts_json *json, const char *key)
{
    int64_t value = 0;
    if (!ts_json_int(ts_json_get(json, key), &value) || value < 0) {
        bad(in, key);
    }
    return (uint64_t)value;
}

static void get_constants(struct input *in, struct ts_calibrated *out, const struct ts_json *array)
{
    out->n = ts_json_length(array);
    if (out->n == 0 || out->n > TS_CALIBRATED_MAX) {
        bad(in, "constants");
        out->n = 0;
    }
    for (size_t i = 0; i < out->n && in->status == TS_OK; i++) {
        const struct ts_json *item = ts_json_at(array, i);
        const char *name = ts_json_string(ts_json_get(item, "name"));
        out->constants[i].name = name ? ts_arena_strdup(in->arena, name) : NULL;
        if (!name) {
            bad(in, "constants.name");
        } else if (!out->constants[i].name) {
            in->status = TS_ENOMEM;
        }
        for (size_t k = 0; k < N_OF(constant_numbers); k++) {
            get_number(in, at(&out->constants[i], constant_numbers[k].offset), item, constant_numbers[k].key, 0.0, 1e9);
        }
    }
}

enum ts_status ts_calibrated_get(struct ts_calibrated *out, struct ts_arena *arena, const struct ts_json *json,
                                 const char *file, struct ts_diags *diags)
{
    struct input in = {arena, file, diags, TS_OK};
    struct ts_calibrated got = {.n = 0};
    for (size_t i = 0; i < N_OF(numbers); i++) {
        get_number(&in, at(&got, numbers[i].offset), json, numbers[i].key, numbers[i].least, numbers[i].most);
    }
    if (in.status == TS_OK && !(got.low <= got.high && got.first_low <= got.first_high)) {
        bad(&in, "low");
    }
    got.n_fitted = get_count(&in, json, "n_fitted");
    got.n_held = get_count(&in, json, "n_held");
    for (size_t i = 0; i < N_OF(errors); i++) {
        double *value = at(&got, errors[i].offset);
        if (!ts_json_double(ts_json_get(json, errors[i].key), value) || !(*value >= 0.0)) {
            *value = NAN;
        }
    }
    get_constants(&in, &got, ts_json_get(json, "constants"));
    if (in.status == TS_OK) {
        *out = got;
    }
    return in.status;
}
