/* What a calibration found out about a deployment, beside its step times: the object "calibrated" of an engine's
 * measurement (measure/model_measurement.h, docs/MEASUREMENT.md). */
#ifndef TS_MEASURE_CALIBRATED_H
#define TS_MEASURE_CALIBRATED_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/json.h"

enum { TS_CALIBRATED_MAX = 8 };

struct ts_calibrated_constant {
    const char *name;
    double prior, prior_sd; /* as a factor on what the scenario had; of "request" seconds */
    double value, sd;
    double told_frac; /* of the prior's variance, what the log took away: 0: nothing was learned of it */
};

/* Median of |predicted/recorded - 1|; NAN: there are none. */
struct ts_calibrated_error {
    double before, after;
};

struct ts_calibrated {
    double request_s;                      /* of every request beside its steps */
    double low, high;                      /* 9 of 10 times per token lie between these times the predicted one */
    double first_low, first_high;          /* times to the first token; 0: the log has none */
    uint64_t n_fitted, n_held;             /* requests */
    struct ts_calibrated_error tpot, ttft; /* over those held out, or else those fitted */
    struct ts_calibrated_constant constants[TS_CALIBRATED_MAX];
    size_t n;
};

void ts_calibrated_put(struct ts_json_writer *writer, const struct ts_calibrated *calibrated);
/* Into `arena`. TS_EINPUT with a diagnostic that names the field. */
enum ts_status ts_calibrated_get(struct ts_calibrated *out, struct ts_arena *arena, const struct ts_json *json,
                                 const char *file, struct ts_diags *diags);

#endif
