/* What a trace format is made of: one row of the table in trace.c. A format that is CSV with a time and two token
 * columns needs its column names and a function that reads its time; another layout (one JSON object a line) brings its
 * own `matches` and `open`. */
#ifndef TS_TRACES_TRACE_FORMAT_H
#define TS_TRACES_TRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/progress.h"
#include "base/text.h"
#include "traces/request.h"
#include "traces/trace.h"

enum { TS_TRACE_MAX_TOK = 10000000 }; /* more in one request is a mistake of the file */

enum ts_trace_field { TS_TRACE_TIME, TS_TRACE_PROMPT, TS_TRACE_OUTPUT, TS_TRACE_N_FIELDS };

struct ts_trace_row {
    int64_t time_ns;                 /* on the file's own clock */
    uint32_t prompt_tok, output_tok; /* may be 0 here */
    uint64_t line;
    bool names_class;
    uint16_t class_id;       /* of the classes that the reader was opened with */
    struct ts_prefix prefix; /* its ids belong to the reader, until the next row */
};

struct ts_trace_reader;

struct ts_trace_reader_ops {
    /* TS_OK with *got, or an error with its diagnostics. */
    enum ts_status (*next)(struct ts_trace_reader *reader, struct ts_trace_row *out, bool *got, struct ts_diags *diags);
    /* One field of the current row is wrong: adds the diagnostic with its place and returns TS_EINPUT. */
    enum ts_status (*fail_field)(struct ts_trace_reader *reader, enum ts_trace_field field, struct ts_diags *diags,
                                 const char *hint, const char *message);
    void (*close)(struct ts_trace_reader *reader);
};

/* Embedded as the first member of every kind of reader. */
struct ts_trace_reader {
    const struct ts_trace_reader_ops *ops;
};

struct ts_trace_format {
    const char *name;
    const char *fields[TS_TRACE_N_FIELDS]; /* columns or keys by exact name */
    const char *time_example;
    /* False if the text is not a time of this format. */
    bool (*parse_time)(int64_t *out_ns, const char *text, size_t len);
    double time_unit_s;       /* JSON: of a time written as a number */
    uint32_t prefix_tok;      /* JSON: tokens that one of "hash_ids" stands for */
    const char *tokens_key;   /* JSON: an array of the prompt's tokens instead of ids, where a row has it; or NULL */
    const char *marker;       /* JSON: a key that tells the format from its relatives, or NULL */
    bool sorts;               /* the rows are not in order of time: they are read ahead and sorted */
    int64_t max_backwards_ns; /* arrivals this much out of order are taken as simultaneous with the one before */
    /* Does a file whose first line is this one have the format? */
    bool (*matches)(const struct ts_trace_format *format, const char *line, size_t len);
    enum ts_status (*open)(struct ts_trace_reader **out, const struct ts_trace_format *format, const char *path,
                           const struct ts_trace_classes *classes, const struct ts_progress *progress,
                           struct ts_diags *diags);
};

/* Index of a class by its name; one that is not among them fails, with what to write in *hint (deinit it). */
bool ts_trace_class_find(uint16_t *out, const struct ts_trace_classes *classes, const char *name, struct ts_text *hint);

/* CSV with a header (trace_csv.c). */
bool ts_trace_csv_matches(const struct ts_trace_format *format, const char *line, size_t len);
enum ts_status ts_trace_csv_open(struct ts_trace_reader **out, const struct ts_trace_format *format, const char *path,
                                 const struct ts_trace_classes *classes, const struct ts_progress *progress,
                                 struct ts_diags *diags);

/* JSON Lines (trace_jsonl.c), and a time in seconds written as a text: "82", "82.5". */
bool ts_trace_jsonl_matches(const struct ts_trace_format *format, const char *line, size_t len);
enum ts_status ts_trace_jsonl_open(struct ts_trace_reader **out, const struct ts_trace_format *format, const char *path,
                                   const struct ts_trace_classes *classes, const struct ts_progress *progress,
                                   struct ts_diags *diags);
bool ts_trace_seconds(int64_t *out_ns, const char *text, size_t len);

/* Replaces a reader by one that gives the same rows in order of time (rows of equal time in order of the file); all of
 * them are in memory then, at most TS_TRACE_MAX_SORTED. On failure *reader is as it was. */
enum { TS_TRACE_MAX_SORTED = 1000000 };
enum ts_status ts_trace_sort(struct ts_trace_reader **reader, const char *path, struct ts_diags *diags);

/* "2023-11-16 18:15:46.6805900" and its relatives (trace_azure.c). */
bool ts_trace_azure_time(int64_t *out_ns, const char *text, size_t len);

#endif
