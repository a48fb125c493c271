/* What a deployment's own log says of the requests that it served: lengths, and when each came, gave its first token
 * and its last. Files of vLLM's bench, guidellm and aiperf as `tiersim import` reads them; and rows of CSV or JSON
 * (gateways' spend logs, spans, vLLM's request statistics, requests.csv of `tiersim probe` and `tiersim run
 * --requests`) by the names of their columns: see log_rows.c. */
#ifndef TS_STUDY_LOG_READ_H
#define TS_STUDY_LOG_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "measure/import_info.h"

enum { TS_LOG_MAX_REQUESTS = 200000 };

struct ts_log_request {
    double start_s;           /* since the first of its run */
    double ttft_s, latency_s; /* NAN: not told; without latency it is a load on the others alone */
    uint32_t prompt_tok, output_tok;
    uint32_t run; /* requests of one run were served together: a file, or a part of it */
};

struct ts_log {
    struct ts_log_request *requests; /* [n] by run and start */
    size_t n;
    uint32_t n_runs;
    uint64_t n_rows; /* read */
    struct ts_import_drop drops[TS_IMPORT_MAX_REASONS];
    size_t n_drops;
    const char *format, *program; /* "rows", "vllm"; "" where it is not said */
    char model[128];              /* that the requests went to, as the log names it; "" where it does not */
};

/* All files, each with runs of its own. Names live in `arena`, requests on the heap. TS_EIO; TS_EINPUT for a file that
 * is no log, or where nothing can be used; TS_ENOMEM. Deinit in either case; zero it before. */
enum ts_status ts_log_read(struct ts_log *out, struct ts_arena *arena, const char *const *paths, size_t n_paths,
                           struct ts_diags *diags);
void ts_log_deinit(struct ts_log *log);

/* ---- for its readers ---- */

/* TS_ENOMEM; TS_EINPUT beyond TS_LOG_MAX_REQUESTS. start_s may begin anywhere. */
enum ts_status ts_log_add(struct ts_log *log, const struct ts_log_request *request, const char *path,
                          struct ts_diags *diags);
/* A row that is left out; the reason outlives the log. */
void ts_log_drop(struct ts_log *log, uint64_t line, const char *reason);
/* Rows by their columns; runs are numbered from log->n_runs on, which is raised. */
enum ts_status ts_log_rows(struct ts_log *log, const char *path, struct ts_diags *diags);

#endif
