/* Readers of recorded traces. One row of a table per format: name, how to recognise it, how to open it. */
#ifndef TS_TRACES_TRACE_H
#define TS_TRACES_TRACE_H

#include "traces/request.h"

/* Opens a trace file; format NULL or "auto" recognises it by its header. Arrivals are relative to the first row. A row
 * with zero tokens is dropped and counted; a row that cannot be read is an error. Diagnostics: unknown format (lists
 * those known), empty file, binary file, truncated row, time going backwards by more than the format allows. TS_EIO,
 * TS_EINPUT, TS_ENOMEM. */
enum ts_status ts_trace_open(struct ts_request_stream **out, const char *path, const char *format,
                             struct ts_diags *diags);

/* Rows read and rows dropped so far by a stream of ts_trace_open, and why the last one was dropped. */
struct ts_trace_counts {
    uint64_t n_rows, n_kept, n_dropped;
    const char *drop_reason; /* of the first dropped row, NULL if none */
    uint64_t drop_line;
};
struct ts_trace_counts ts_trace_counts(const struct ts_request_stream *stream);

const char *const *ts_trace_format_names(void); /* NULL at the end */

#endif
