/* What `tiersim bench model` found out: times of steps of a real forward pass, and the fits made from them. Kept as the
 * object "engine" of a measurement file; its raw samples allow a measurement to be taken up again where it stopped. */
#ifndef TS_MEASURE_MODEL_MEASUREMENT_H
#define TS_MEASURE_MODEL_MEASUREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/json.h"
#include "measure/calibrated.h"
#include "measure/import_info.h"
#include "measure/measurement.h"
#include "measure/step_fit.h"

enum { TS_MODEL_MEASUREMENT_VERSION = 1, TS_MODEL_STEP_MAX_SAMPLES = 256, TS_MODEL_N_KNOTS = 21 };

/* Batches that are measured, and token counts at which the table of a fit may bend; increasing. */
extern const uint32_t ts_model_knots[TS_MODEL_N_KNOTS];

/* n_decode sequences with `depth` cached tokens each decode one token; a prompt with prefill_depth cached tokens adds a
 * chunk of `prefill`: or n_prompts of them, a share of it each, as equal as whole tokens allow. */
struct ts_model_step {
    uint32_t n_decode, depth;
    uint32_t prefill, prefill_depth;
    uint32_t n_prompts;    /* 0 means 1 if there is a chunk */
    bool held_out;         /* measured to check the fit, not used by it */
    const double *samples; /* [n_samples] seconds, in the order taken */
    uint32_t n_samples;
    struct ts_spread seconds;
    double undisturbed_s; /* mean of the fastest third of the samples: what is fitted */
};

/* What the step is: how many prompts, and the chunk of each of them, i < ts_model_step_prompts(). */
uint32_t ts_model_step_prompts(const struct ts_model_step *step);
uint32_t ts_model_step_chunk(const struct ts_model_step *step, uint32_t i);

struct ts_model_measurement {
    const char *model, *quant, *kernel; /* "Llama-3.2-1B", "Q4_0", "avx512vnni" */
    const char *cpu;
    const char *weights; /* "synthetic, seed 1" or the file's name */
    uint32_t n_threads;
    uint64_t weight_bytes, kv_bytes_per_tok, working_bytes;
    const struct ts_model_step *steps;
    size_t n_steps;
    bool fit_means; /* the fits are to the mean of a step's samples, disturbances and all; else to undisturbed_s */
    bool fitted;
    struct ts_linear_fit linear;
    struct ts_table_fit table; /* n_knots = 0: there is none (most imports have the linear fit alone) */
    bool checked;              /* the errors over the steps held out */
    struct ts_fit_error linear_check, table_check;
    const struct ts_calibrated *calibrated; /* tiersim calibrate: there is an import, too; else NULL */
    const struct ts_import *import; /* made elsewhere (measure/import_info.h): there are no steps then; else NULL */
};

struct ts_step_load ts_model_step_load(const struct ts_model_step *step);

/* Fills in the fits from the steps that are not held out, and the checks from those that are. With too few steps there
 * is no fit, which is not an error. TS_ENOMEM. */
enum ts_status ts_model_measurement_fit(struct ts_model_measurement *measurement, struct ts_arena *arena);

/* Tokens per undisturbed second: of the prompt where there is one, else of the sequences that decode. */
double ts_model_step_tok_per_s(const struct ts_model_step *step);

/* "pp512", "tg B=8 @ d512", as people say it. */
void ts_model_step_name(struct ts_text *out, const struct ts_model_step *step);

/* Reads the value of the object of that name ("engine", "router"), into `arena`. TS_EINPUT with a diagnostic that names
 * the field. */
enum ts_status ts_model_measurement_get(struct ts_model_measurement *out, struct ts_arena *arena,
                                        const struct ts_json *json, const char *name, const char *file,
                                        struct ts_diags *diags);

/* A file with that object alone. */
enum ts_status ts_model_measurement_write(const struct ts_model_measurement *measurement, const char *path,
                                          struct ts_diags *diags);
enum ts_status ts_model_measurement_read(struct ts_model_measurement *out, struct ts_arena *arena, const char *path,
                                         struct ts_diags *diags);

#endif
