/* What kind of file a trace is: how it is laid out, and which format its columns are of. */
#ifndef TS_TRACES_TRACE_KIND_H
#define TS_TRACES_TRACE_KIND_H

#include "traces/trace_format.h"

struct ts_trace_layout {
    bool is_json, by_line;
    char separator;
    const char *line; /* [len] the header, or the first of JSON; of the head's data */
    size_t len;
    uint32_t at;        /* its number */
    uint32_t n_skipped; /* lines before it, where they are something else than blank */
};

struct ts_trace_kind {
    const struct ts_trace_format *format;
    struct ts_trace_layout layout;
    bool tells_sessions; /* the header, or the record at which the format was found, has something of sessions */
};

/* options->map: not NULL. TS_EINPUT with what the file lacks, TS_EIO, TS_ENOMEM. */
enum ts_status ts_trace_kind_find(struct ts_trace_kind *out, const struct ts_trace_head *head, const char *path,
                                  const struct ts_trace_options *options, struct ts_diags *diags);
/* The file, before its first row. TS_EINPUT: it has no column that options->where names. */
enum ts_status ts_trace_kind_open(struct ts_trace_container **out, const struct ts_trace_kind *kind, const char *path,
                                  const struct ts_trace_options *options, struct ts_diags *diags);

#endif
