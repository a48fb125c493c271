/* A workload learned from a trace, as a section of the scenario language. */
#ifndef TS_TRACES_TRACE_FIT_H
#define TS_TRACES_TRACE_FIT_H

#include "base/progress.h"
#include "base/text.h"
#include "traces/trace_sample.h"

enum { TS_FIT_MAX_CLASSES = 32 };

struct ts_fit_options {
    const char *label;        /* of the file, for a comment */
    const char *const *names; /* [n_names] of the sample's classes; n_names = 0: there is one, without a name */
    uint32_t n_names;
    int64_t first_ns;     /* since 1970, of the first request; 0: not known */
    struct ts_text *told; /* what was chosen, and by how much, a line for each class; NULL: nobody asks */
    const struct ts_progress *progress;
};

/* Appends "workload:" with all that was learned. Classes beyond TS_FIT_MAX_CLASSES, the least frequent ones, become one
 * class 'rest'. TS_EINPUT: too few requests, or all at once. TS_ENOMEM, TS_EINTERRUPTED. */
enum ts_status ts_trace_fit(struct ts_text *out, const struct ts_trace_sample *sample,
                            const struct ts_fit_options *options, struct ts_diags *diags);

/* The time that a fit is of. */
struct ts_fit_span {
    int64_t first_ns; /* arrival of the sample's first request */
    double duration_s;
};

/* Appends the tables of some rows of a sample: `lengths` and `prefix_lag` of a class, each line after `indent` blanks.
 * rows: [n] of the class; they are sorted. False without memory. */
bool ts_fit_lengths(struct ts_text *out, struct ts_trace_sample_row *rows, size_t n, const struct ts_fit_span *span,
                    size_t indent);

#endif
