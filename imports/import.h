/* Measurements made by other programs: files of llama-bench, llama-batched-bench, vllm bench serve, guidellm and aiperf
 * become the fit of an engine's step times (measure/step_fit.h), with their origin. docs/MEASUREMENT.md tells how. */
#ifndef TS_IMPORTS_IMPORT_H
#define TS_IMPORTS_IMPORT_H

#include <stdbool.h>

#include "measure/import_info.h"
#include "measure/model_measurement.h"

/* Reads a file by field names; unknown fields are passed over. Rows that cannot be used are counted with their reason
 * and line. format: NULL to find it out. Everything is in `arena`; out->import is `info`; out->model, quant and cpu are
 * what the source says, or "". TS_EIO; TS_EUSAGE for an unknown format name; TS_EINPUT with file and line if the file
 * is not what it should be, or if nothing in it can be used; TS_ENOMEM. */
enum ts_status ts_import_read(struct ts_model_measurement *out, struct ts_import *info, struct ts_arena *arena,
                              const char *path, const char *format, struct ts_diags *diags);

/* A request of a serving benchmark, times in seconds. */
struct ts_import_request {
    double start_s, ttft_s, latency_s;
    double prompt_tok, output_tok;
    uint32_t run; /* requests of the same run were served together */
};

/* The requests of a benchmark's file, by run and start, without a fit, into `arena`; of averages alone none. *known:
 * false if it is no such file: then nothing is read. Otherwise as ts_import_read. */
enum ts_status ts_import_requests(const struct ts_import_request **out, size_t *n, bool *known, struct ts_import *info,
                                  struct ts_arena *arena, const char *path, struct ts_diags *diags);

/* Steps that something else than a benchmark gave the times of, for instance tables of operators. */
struct ts_import_steps {
    const struct ts_import_point *points; /* [n_fitted + n_held], at most TS_IMPORT_MAX_POINTS; kept by the caller */
    size_t n_fitted, n_held;              /* the last n_held are not fitted to, but checked on */
    const double *knots;                  /* token counts at which the table of the fit may bend: ts_step_fit_table */
    size_t n_knots;
};

/* Fits them as `tiersim bench model` fits steps: out->linear, table and their checks; out->import is `info`, with the
 * points. The rest of both is the caller's. TS_ERANGE: too few steps; TS_ENOMEM. */
enum ts_status ts_import_fit_steps(struct ts_model_measurement *out, struct ts_import *info,
                                   const struct ts_import_steps *steps);

/* A whole measurement around it; created: "2026-11-22T18:00:00Z". */
void ts_import_measurement(struct ts_measurement *out, const struct ts_model_measurement *engine, const char *created,
                           const char *tool_version);

#endif
