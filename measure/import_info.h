/* What a measurement that was made elsewhere says about its origin: the object "import" of an engine's measurement
 * (measure/model_measurement.h). Its samples are mean steps: real numbers of sequences, cached tokens and prompt
 * tokens, because a serving benchmark sees averages of steps, never one step. */
#ifndef TS_MEASURE_IMPORT_INFO_H
#define TS_MEASURE_IMPORT_INFO_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/json.h"
#include "measure/step_fit.h"

enum { TS_IMPORT_MAX_REASONS = 16, TS_IMPORT_MAX_POINTS = 512 };

/* Rows that were left out for the same reason. */
struct ts_import_drop {
    const char *reason;
    uint64_t n, line; /* line of the first one */
};

struct ts_import_point {
    struct ts_step_load load;
    double seconds;
    uint32_t n_samples; /* after this point */
};

struct ts_import {
    const char *format;           /* "llama-bench" */
    const char *program;          /* "llama.cpp 8cf427ff"; "" where the source does not say */
    const char *file, *hash;      /* "results.json", "crc32:1a2b3c4d, 812 bytes" */
    const char *model, *hardware; /* as the source names them; "" where it does not */
    uint64_t n_rows, n_used;      /* rows or requests read and used; the others are in `drops` */
    struct ts_import_drop drops[TS_IMPORT_MAX_REASONS];
    size_t n_drops;
    const char *coefs[TS_STEP_LINEAR_COEFS]; /* how a, b, c, d, e were found: "fitted", "0: ...", "= d: ..." */
    const char *method;                      /* how steps were made from what the source has */
    const struct ts_import_point *points;
    size_t n_points;
    uint64_t n_far; /* points so far off that the fit leaves them out; its error counts them */
};

void ts_import_info_put(struct ts_json_writer *writer, const struct ts_import *import);
/* Into `arena`. TS_EINPUT with a diagnostic that names the field. */
enum ts_status ts_import_info_get(struct ts_import *out, struct ts_arena *arena, const struct ts_json *json,
                                  const char *file, struct ts_diags *diags);

#endif
