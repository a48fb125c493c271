/* Hides how a log grows. */
#include <stdlib.h>

#include "base/text.h"
#include "study/log_read.h"

void ts_log_drop(struct ts_log *log, uint64_t line, const char *reason)
{
    size_t i = 0;
    while (i < log->n_drops && !ts_str_equal(log->drops[i].reason, reason)) {
        i++;
    }
    if (i == log->n_drops && i < TS_IMPORT_MAX_REASONS) {
        log->drops[log->n_drops++] = (struct ts_import_drop){reason, 0, line};
    }
    if (i < log->n_drops) {
        log->drops[i].n++;
    }
}

enum ts_status ts_log_add(struct ts_log *log, const struct ts_log_request *request, const char *path,
                          struct ts_diags *diags)
{
    enum { FIRST = 256 };
    if (log->n == TS_LOG_MAX_REQUESTS) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(path), "take a part of it: an hour says as much as a day",
                       "more than %d requests", TS_LOG_MAX_REQUESTS);
    }
    if (log->n == 0 || (log->n >= FIRST && (log->n & (log->n - 1)) == 0)) { /* powers of two: full */
        void *moved = realloc(log->requests, (log->n == 0 ? FIRST : 2 * log->n) * sizeof *log->requests);
        if (!moved) {
            return TS_ENOMEM;
        }
        log->requests = moved;
    }
    log->requests[log->n++] = *request;
    return TS_OK;
}

void ts_log_deinit(struct ts_log *log)
{
    free(log->requests);
    *log = (struct ts_log){.requests = NULL};
}
