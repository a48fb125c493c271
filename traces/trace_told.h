/* What a user is told about how a trace was read. */
#ifndef TS_TRACES_TRACE_TOLD_H
#define TS_TRACES_TRACE_TOLD_H

#include "traces/trace_format.h"

enum { TS_TRACE_TOLD_ROWS = 3 };

struct ts_trace_told {
    struct ts_trace_row rows[TS_TRACE_TOLD_ROWS]; /* the first; without ids */
    size_t n;
    int64_t last_ns;
};

/* With the first record that is a request: sets rows->unused. */
void ts_trace_told_unused(struct ts_trace_rows *rows);
void ts_trace_told_put(struct ts_text *out, const struct ts_trace_told *told, const struct ts_trace_rows *rows);

#endif
