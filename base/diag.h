/* Diagnostics: a user's mistakes, gcc-shaped, several in one run:
 *
 *   hybrid.yaml:12:14: error: unknown tier 'egde'
 *      12 |   replaces: egde
 *         |             ^~~~
 *   help: did you mean 'edge'?
 *
 * A ts_diags copies everything it is given, so sources may be freed before it is printed. At most TS_DIAGS_MAX are
 * kept; the rest are counted. Not thread-safe: one list per thread. */
#ifndef TS_BASE_DIAG_H
#define TS_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

struct ts_source;

enum { TS_DIAGS_MAX = 20 };

enum ts_severity { TS_NOTE, TS_WARNING, TS_ERROR };

/* Where: line and col count from 1, 0 = unknown. `len` bytes are underlined. `source` gives the file name and the
 * line's text; where only a name is known (a stream of rows), leave it NULL and set `file`. */
struct ts_span {
    const struct ts_source *source;
    const char *file;
    uint32_t line;
    uint32_t col;
    uint32_t len;
};

struct ts_diag {
    enum ts_severity severity;
    char *file; /* NULL: not about a file */
    uint32_t line, col, len;
    char *message;
    char *hint;      /* "did you mean 'edge'?" or NULL; printed after "help: " */
    char *line_text; /* NULL: no caret */
};

struct ts_diags {
    struct ts_diag items[TS_DIAGS_MAX];
    size_t n_items;
    size_t n_errors; /* all, also those beyond the cap */
    size_t n_warnings;
    size_t n_dropped;
    bool no_memory; /* one of them could not be kept as it was meant */
};

void ts_diags_init(struct ts_diags *diags);
void ts_diags_deinit(struct ts_diags *diags);

/* Adds one; what is known in the same words of the same place is not kept twice. `hint` may be NULL. `diags` may be
 * NULL: then it is dropped. */
void ts_diags_add(struct ts_diags *diags, enum ts_severity severity, struct ts_span at, const char *hint,
                  const char *fmt, ...) TS_PRINTF(5, 6);

/* The common case: an error and the status to return with it: return ts_fail(diags, TS_EIO, at, NULL, "cannot open").
 */
enum ts_status ts_fail(struct ts_diags *diags, enum ts_status status, struct ts_span at, const char *hint,
                       const char *fmt, ...) TS_PRINTF(5, 6);

/* The same with a hint that was put together, which is freed. */
enum ts_status ts_fail_hint(struct ts_diags *diags, enum ts_status status, struct ts_span at, struct ts_text *hint,
                            const char *fmt, ...) TS_PRINTF(5, 6);

/* Something about a file that the system did not do, "cannot open", and its errno: TS_ENOMEM if that says so, else
 * TS_EIO. */
enum ts_status ts_fail_errno(struct ts_diags *diags, const char *path, const char *what, int error);

/* Moves everything from `from` after what `to` has, source lines included; `from` is empty then. `to` may be NULL:
 * then it is dropped. */
void ts_diags_move(struct ts_diags *to, struct ts_diags *from);
/* The message of the first error, borrowed; "" if there is none. */
const char *ts_diags_first_error(const struct ts_diags *diags);

/* A span that names a file only, or nothing at all. */
struct ts_span ts_span_file(const char *file);
struct ts_span ts_span_none(void);

/* Appends all of them as text, in order of addition, with "N more" if some were dropped. */
void ts_diags_render(const struct ts_diags *diags, struct ts_text *out);

#endif
