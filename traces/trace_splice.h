/* A trace made of parts of others: files are cut, thinned out, overlaid and put one after the other, in
 * order of time and without holding any of them in memory. */
#ifndef TS_TRACES_TRACE_SPLICE_H
#define TS_TRACES_TRACE_SPLICE_H

#include "traces/trace.h"

/* What is taken of a file, and what becomes of it. All fields count: ts_trace_part_whole is the file as it is. */
struct ts_trace_part {
    const char *path;
    struct ts_trace_options how;
    bool has_label;         /* all of its requests are of the class label_id, whatever the file says */
    uint16_t label_id;      /* of how.learns of the other parts */
    int64_t from_ns, to_ns; /* [from, to) of the arrivals since the file's first row; since 1970 where is_by_date */
    bool is_by_date;
    uint64_t first, last; /* requests of these, the first of all is 1 */
    double keep_frac;     /* of these, at random and in the same way for the same seed; sessions as a whole */
    uint64_t seed;
    int64_t shift_ns; /* added to arrivals */
    uint64_t salt;    /* not 0: its sessions and what its prompts consist of are like those of no other salt */
    double prompt_factor, output_factor; /* of tokens; ids of prompts' content are stretched along */
};
struct ts_trace_part ts_trace_part_whole(const char *path, const struct ts_trace_options *how);

/* Requests of a part that the file has and the new trace has not. */
struct ts_trace_left {
    uint64_t n_outside, n_other_rows, n_thinned;
};

/* Opens the parts (borrowed). Each is on its own file's clock; is_aligned: all files begin when the first one does.
 * *out is there whatever comes back, unless TS_ENOMEM, and is to be destroyed. TS_EINPUT where some files have dates
 * and others not, and whatever ts_trace_open_as tells. A part whose file turns out late not to be in order ends the
 * stream with TS_EINPUT, see ts_trace_splice_late. */
enum ts_status ts_trace_splice_open(struct ts_request_stream **out, const struct ts_trace_part *parts, size_t n_parts,
                                    bool is_aligned, struct ts_diags *diags);
/* The part that came late: open again with its how.sorts; -1: none. */
int ts_trace_splice_late(const struct ts_request_stream *stream);

/* Of the new trace: the time of the arrival 0 (since 1970 if dated, else on the files' clock), and what its requests
 * tell of themselves. */
struct ts_trace_origin {
    int64_t base_ns;
    bool is_dated;
    struct ts_trace_tells tells;
};
struct ts_trace_origin ts_trace_splice_origin(const struct ts_request_stream *stream);

/* What was read of a part so far, and left out. */
struct ts_trace_counts ts_trace_splice_counts(struct ts_trace_left *left, const struct ts_request_stream *stream,
                                              size_t part);

#endif
