/* Requests into a file that the readers know. */
#ifndef TS_TRACES_TRACE_WRITE_H
#define TS_TRACES_TRACE_WRITE_H

#include <stdio.h>

#include "base/diag.h"
#include "traces/request.h"
#include "traces/trace_names.h"

/* What is written, by the end of the path (with or without .gz after it):
 *   .csv    arrival_s or timestamp (a date in UTC), prompt_tokens, output_tokens, class, sensitivity, difficulty,
 *           session_id
 *   .jsonl  the same with what prompts consist of and what requests wait for: timestamp (ms), input_length,
 *           output_length, hash_ids of 512 tokens, session_id, request_id, wait_for, delay, tool_wait_ms (Mooncake's
 *           format, agentic); or, of ids of 16 tokens without sessions, Qwen-Bailian's (timestamp in s)
 * Sessions and requests are named by their keys, 16 hexadecimal digits, which are read as the same keys again. */
struct ts_trace_writer;

struct ts_trace_write_options {
    const char *as; /* "csv" or "jsonl", whatever the path ends with; NULL: by its end */
    bool says_class, says_sensitivity, says_difficulty, says_sessions; /* columns there are */
    bool only_told;             /* of labels, those that a request has by itself (has_class ...): else all */
    const char *const *classes; /* [n_classes] names of the requests' classes */
    uint32_t n_classes;
    const struct ts_trace_names *learned; /* in place of these; may grow until commit */
    uint16_t block_tok; /* ids of prompts' content are written for so many tokens each: 16 or 512 (0 is 512), or, where
                           they go on to the end of each prompt so that a reader finds it out, another power of 2 */
    int64_t base_ns;    /* of the arrival 0; since 1970 where is_dated */
    bool is_dated;
    FILE *sink; /* where everything goes at commit, in place of a file of that path; NULL: there is one */
};

/* TS_EUSAGE for another end. */
enum ts_status ts_trace_writer_open(struct ts_trace_writer **out, const char *path,
                                    const struct ts_trace_write_options *options, struct ts_diags *diags);
enum ts_status ts_trace_writer_put(struct ts_trace_writer *writer, const struct ts_request *request,
                                   struct ts_diags *diags);
/* Puts the file in place. The writer is gone whatever comes back. A warning where the file cannot hold something. */
enum ts_status ts_trace_writer_commit(struct ts_trace_writer *writer, struct ts_diags *diags);
void ts_trace_writer_abort(struct ts_trace_writer *writer); /* NULL is fine */

#endif
