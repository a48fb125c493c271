/* A trace that a command line names, and how it is read. */
#ifndef TS_APP_TRACE_ARGS_H
#define TS_APP_TRACE_ARGS_H

#include "app/options.h"
#include "base/arena.h"
#include "traces/trace.h"

struct ts_trace_args {
    const char *file, *format, *map;
};

#define TS_TRACE_ARGS_OPTIONS(type, field)                                                                             \
    {TS_INTO(type, field.file), "FILE", "a request trace, e.g. traces/samples/azure-like.csv; - is standard input",    \
     .operand = TS_NEEDED, .reads_stdin = true},                                                                       \
        {"format", 'f', TS_INTO(type, field.format), "NAME", TS_DOC_TRACE_FORMAT}, TS_OPTION_MAP(type, field.map)

/* --map as a map in `arena`; *out is NULL if it is not given. TS_EUSAGE, TS_ENOMEM. */
enum ts_status ts_trace_args_map(const struct ts_trace_map **out, const char *text, struct ts_arena *arena,
                                 struct ts_diags *diags);

/* Opens the trace and consumes it; if the file turns out not to be in order late, once more from its beginning, sorted:
 * `consume` begins anew then. *stream is there after it, whatever comes back, or NULL; the caller destroys it. What
 * somebody should know of the file is not told yet: ts_trace_counts_warn. */
struct ts_trace_consumer {
    enum ts_status (*consume)(void *user, struct ts_request_stream *stream, struct ts_diags *diags);
    void *user;
};
enum ts_status ts_trace_args_read(struct ts_request_stream **stream, const char *path, struct ts_trace_options *how,
                                  const struct ts_trace_consumer *consumer, struct ts_diags *diags);

#endif
