/* Pieces of a file of JSON, one after the other: its lines, or its objects. */
#ifndef TS_TRACES_TRACE_JSON_TEXT_H
#define TS_TRACES_TRACE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/gzip.h"

struct ts_trace_json_text {
    struct ts_gzip *file;
    char *path;
    char *data; /* [cap]: text read and not yet handed out from `begin` to `end` */
    size_t cap, begin, end;
    bool at_end, by_line, at_start;
    uint64_t line;      /* at which the current piece begins */
    uint64_t next_line; /* of data[begin] */
};

enum ts_status ts_trace_json_text_open(struct ts_trace_json_text *out, const char *path, bool by_line,
                                       const struct ts_progress *progress, struct ts_diags *diags);
void ts_trace_json_text_close(struct ts_trace_json_text *text);
/* The next piece, valid until the next call; *data = NULL at the end. */
enum ts_status ts_trace_json_text_next(struct ts_trace_json_text *text, const char **data, size_t *len,
                                       struct ts_diags *diags);
/* Adds an error at the current piece and returns `status`. */
enum ts_status ts_trace_json_text_fail(const struct ts_trace_json_text *text, enum ts_status status,
                                       struct ts_diags *diags, const char *hint, const char *message);

#endif
