/* Hides whether a file is a benchmark's or rows, and that the requests of a run are in order of their start, which is
 * counted from the first of them. */
#include "study/log_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "imports/import.h"

static enum ts_status take_benchmark(struct ts_log *log, const struct ts_import *info,
                                     const struct ts_import_request *requests, size_t n, const char *path,
                                     struct ts_diags *diags)
{
    uint32_t last = 0;
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < n && status == TS_OK; i++) {
        const struct ts_import_request *r = &requests[i];
        const struct ts_log_request request = {.start_s = r->start_s,
                                               .ttft_s = r->ttft_s,
                                               .latency_s = r->latency_s,
                                               .prompt_tok = (uint32_t)r->prompt_tok,
                                               .output_tok = (uint32_t)r->output_tok,
                                               .run = log->n_runs + r->run};
        last = r->run;
        status = ts_log_add(log, &request, path, diags);
    }
    log->n_runs += last + 1;
    log->n_rows += info->n_rows;
    for (size_t i = 0; i < info->n_drops; i++) {
        for (uint64_t k = 0; k < info->drops[i].n; k++) {
            ts_log_drop(log, info->drops[i].line, info->drops[i].reason);
        }
    }
    return status;
}

static enum ts_status read_file(struct ts_log *log, struct ts_arena *arena, const char *path, struct ts_diags *diags)
{
    const struct ts_import_request *requests = NULL;
    struct ts_import info;
    size_t n = 0;
    bool known = false;
    enum ts_status status = ts_import_requests(&requests, &n, &known, &info, arena, path, diags);
    if (status != TS_OK) {
        return status;
    }
    log->format = known ? info.format : "rows";
    log->program = known ? info.program : "";
    if (known) {
        (void)snprintf(log->model, sizeof log->model, "%s", info.model);
    }
    if (!known) {
        return ts_log_rows(log, path, diags);
    }
    if (n == 0) {
        const bool steps = strncmp(info.format, "llama", 5) == 0;
        return ts_fail(diags, TS_EINPUT, ts_span_file(path),
                       steps ? "tiersim import FILE makes a measurement of it"
                             : "vllm bench serve writes its requests with --save-detailed, sglang's bench_serving with "
                               "--output-details; without start_times they can be used at the rate inf alone",
                       steps ? "%s times steps, not requests" : "%s: averages alone, or requests without their times",
                       info.format);
    }
    return take_benchmark(log, &info, requests, n, path, diags);
}

static int by_start(const void *a, const void *b)
{
    const struct ts_log_request *x = a, *y = b;
    if (x->run != y->run) {
        return x->run < y->run ? -1 : 1;
    }
    return (x->start_s > y->start_s) - (x->start_s < y->start_s);
}

static void count_from_first(struct ts_log *log)
{
    double first_s = 0.0;
    if (log->n > 0) {
        qsort(log->requests, log->n, sizeof *log->requests, by_start);
    }
    for (size_t i = 0; i < log->n; i++) {
        const bool begins = i == 0 || log->requests[i].run != log->requests[i - 1].run;
        first_s = begins ? log->requests[i].start_s : first_s;
        log->requests[i].start_s -= first_s;
    }
}

enum ts_status ts_log_read(struct ts_log *out, struct ts_arena *arena, const char *const *paths, size_t n_paths,
                           struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < n_paths && status == TS_OK; i++) {
        const size_t n = out->n;
        status = read_file(out, arena, paths[i], diags);
        if (status == TS_OK && out->n == n) {
            const struct ts_import_drop *first = out->n_drops > 0 ? &out->drops[0] : NULL;
            status = ts_fail(diags, TS_EINPUT, ts_span_file(paths[i]), NULL, "no request of the log can be used%s%s",
                             first ? ": " : "", first ? first->reason : "");
        }
    }
    count_from_first(out);
    return status;
}
