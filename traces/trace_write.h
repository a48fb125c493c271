/* Requests into a file that the readers know. */
#ifndef TS_TRACES_TRACE_WRITE_H
#define TS_TRACES_TRACE_WRITE_H

#include "base/progress.h"
#include "traces/request.h"

/* What is written, by the end of the path (with or without .gz behind it):
 *   .csv    arrival_s or timestamp (a date in UTC), prompt_tokens, output_tokens, class, sensitivity, difficulty
 *   .jsonl  the same with what prompts consist of: timestamp (ms), input_length, output_length, hash_ids of 512 tokens
 *           (Mooncake's format), or of 16 (Qwen-Bailian's; timestamp in s) */
struct ts_trace_writer;

struct ts_trace_write_options {
    const char *const *classes; /* [n_classes] names of the requests' classes; n_classes = 0: none are written */
    uint32_t n_classes;
    bool says_labels; /* sensitivity and difficulty are written */
};

/* TS_EUSAGE for another end. */
enum ts_status ts_trace_writer_open(struct ts_trace_writer **out, const char *path,
                                    const struct ts_trace_write_options *options, struct ts_diags *diags);
/* base_ns: since 1970, of the arrival 0; 0: times are relative. Of all requests the same. */
enum ts_status ts_trace_writer_put(struct ts_trace_writer *writer, const struct ts_request *request, int64_t base_ns,
                                   struct ts_diags *diags);
/* Puts the file in place. The writer is gone whatever comes back. A warning where the file cannot hold something. */
enum ts_status ts_trace_writer_commit(struct ts_trace_writer *writer, struct ts_diags *diags);
void ts_trace_writer_abort(struct ts_trace_writer *writer); /* NULL is fine */

#endif
