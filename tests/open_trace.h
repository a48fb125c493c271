/* A trace as most tests open it. */
#ifndef TS_TESTS_OPEN_TRACE_H
#define TS_TESTS_OPEN_TRACE_H

#include "traces/trace.h"

/* See ts_trace_open_as; with a format alone (NULL: found out). */
static inline enum ts_status open_trace(struct ts_request_stream **out, const char *path, const char *format,
                                        const struct ts_progress *progress, struct ts_diags *diags)
{
    const struct ts_trace_options options = {.format = format, .progress = progress};
    return ts_trace_open_as(out, path, &options, diags);
}

#endif
