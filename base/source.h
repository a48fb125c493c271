/* A text file in memory with a map of its lines: what diagnostics point into. */
#ifndef TS_BASE_SOURCE_H
#define TS_BASE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct ts_diags;

struct ts_source {
    char *name; /* as the user wrote it */
    char *data; /* NUL-terminated, `len` bytes before it */
    size_t len;
    uint32_t *line_start; /* [n_lines] byte offset of each line */
    uint32_t n_lines;
};

/* Reads at most max_bytes (a larger file is an error). TS_EIO, TS_ENOMEM, or TS_EINPUT for an embedded NUL byte. */
enum ts_status ts_source_read(struct ts_source *out, const char *path, size_t max_bytes, struct ts_diags *diags);

/* From memory; copies both. */
enum ts_status ts_source_from_text(struct ts_source *out, const char *name, const char *data, size_t len,
                                   struct ts_diags *diags);

void ts_source_deinit(struct ts_source *source);

/* The text of line `line` (from 1) without its newline; *len is set. "" and 0 if there is no such line. */
const char *ts_source_line(const struct ts_source *source, uint32_t line, size_t *len);

#endif
