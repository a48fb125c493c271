/* Readers of recorded traces. One row of a table per format: name, how to recognise it, how to open it. */
#ifndef TS_TRACES_TRACE_H
#define TS_TRACES_TRACE_H

#include <stdbool.h>

#include "base/progress.h"
#include "traces/request.h"

/* Opens a trace file; format NULL or "auto" recognises it by its header. Arrivals are relative to the first row. A row
 * with zero tokens is dropped and counted; a row that cannot be read is an error. Diagnostics: unknown format (lists
 * those known), empty file, binary file, truncated row, time going backwards by more than the format allows. TS_EIO,
 * TS_EINPUT, TS_ENOMEM. Whoever listens at `progress` (NULL: nobody; borrowed until the stream is destroyed) is asked
 * with every piece that is read, now and later: TS_EINTERRUPTED. */
enum ts_status ts_trace_open(struct ts_request_stream **out, const char *path, const char *format,
                             const struct ts_progress *progress, struct ts_diags *diags);

/* Names that the rows' classes may have. */
struct ts_trace_classes {
    const char *const *names; /* [n] */
    uint32_t n;
};
/* The same; where rows name a class (a column "Class" or "class" of a CSV, a key "class" of a JSON object), requests
 * get its index, and another name than those is an error. `classes` is borrowed until destroy. */
enum ts_status ts_trace_open_labelled(struct ts_request_stream **out, const char *path, const char *format,
                                      const struct ts_trace_classes *classes, const struct ts_progress *progress,
                                      struct ts_diags *diags);

/* Rows read and rows dropped so far by a stream of ts_trace_open, and why the last one was dropped. */
struct ts_trace_counts {
    uint64_t n_rows, n_kept, n_dropped;
    const char *drop_reason; /* of the first dropped row, NULL if none */
    uint64_t drop_line;
    bool names_classes; /* rows name a class, whether it was looked at or not */
};
struct ts_trace_counts ts_trace_counts(const struct ts_request_stream *stream);

const char *const *ts_trace_format_names(void); /* NULL at the end */
/* May requests of that format ("auto": of some format) say what their prompts consist of? */
bool ts_trace_format_tells_prompts(const char *format);

#endif
