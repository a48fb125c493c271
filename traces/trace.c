/* Hides which formats there are and how one is recognised: by the first line of the file. What all formats share is
 * here too: arrivals relative to the first row, the order of time, rows without tokens, and the counts of rows. */
#include "traces/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/gzip.h"
#include "base/units.h"
#include "traces/trace_format.h"

enum { HEAD_BYTES = 4096, SHOWN_CHARS = 60 };

static const struct ts_trace_format formats[] = {
    {
        .name = "azure",
        .fields = {"TIMESTAMP", "ContextTokens", "GeneratedTokens"},
        .time_example = "2023-11-16 18:15:46.6805900 or 2024-05-10 00:00:00.009930+00:00",
        .parse_time = ts_trace_azure_time,
        .max_backwards_ns = 0,
        .matches = ts_trace_csv_matches,
        .open = ts_trace_csv_open,
    },
    {
        .name = "qwen-bailian",
        .fields = {"timestamp", "input_length", "output_length"},
        .time_example = "a time in seconds, like 12.5",
        .parse_time = ts_trace_seconds,
        .time_unit_s = 1.0,
        .prefix_tok = 16,
        .marker = "parent_chat_id",
        .matches = ts_trace_jsonl_matches,
        .open = ts_trace_jsonl_open,
    },
    {
        .name = "ragpulse",
        .fields = {"timestamp", "input_length", "output_length"},
        .time_example = "a time in seconds, like \"82\"",
        .parse_time = ts_trace_seconds,
        .time_unit_s = 1.0,
        .prefix_tok = 512,
        .marker = "sys_prompt",
        .sorts = true,
        .matches = ts_trace_jsonl_matches,
        .open = ts_trace_jsonl_open,
    },
    {
        .name = "mooncake",
        .fields = {"timestamp", "input_length", "output_length"},
        .time_example = "a time in milliseconds, like 3000",
        .parse_time = ts_trace_seconds,
        .time_unit_s = 1e-3,
        .prefix_tok = 512,
        .matches = ts_trace_jsonl_matches,
        .open = ts_trace_jsonl_open,
    },
    {
        .name = "llmservingsim",
        .fields = {"arrival_time_ns", "input_toks", "output_toks"},
        .time_example = "a time in nanoseconds, like 46926808",
        .parse_time = ts_trace_seconds,
        .time_unit_s = 1e-9,
        .prefix_tok = 16,
        .tokens_key = "input_tok_ids",
        .matches = ts_trace_jsonl_matches,
        .open = ts_trace_jsonl_open,
    },
};
static const char *const format_names[] = {"azure", "qwen-bailian", "ragpulse", "mooncake", "llmservingsim", NULL};

enum { N_FORMATS = sizeof formats / sizeof formats[0] };
_Static_assert(sizeof format_names / sizeof format_names[0] == N_FORMATS + 1,
               "each format has its name in the list, in the same order");

struct trace_stream {
    struct ts_request_stream base;
    struct ts_trace_reader *reader;
    const struct ts_trace_format *format;
    char *path;
    struct ts_trace_counts counts;
    int64_t first_ns, last_ns; /* of the first row and the last one kept, on the file's clock */
    enum ts_status ended;      /* sticky error */
    bool at_end;
    bool looks_at_classes;
};

const char *const *ts_trace_format_names(void)
{
    return format_names;
}

bool ts_trace_format_tells_prompts(const char *format)
{
    bool any = false;
    for (size_t i = 0; i < N_FORMATS; i++) {
        const bool meant = ts_str_equal(format, "auto") || ts_str_equal(format, formats[i].name);
        any = any || (meant && formats[i].prefix_tok > 0);
    }
    return any;
}

/* The first bytes of a file, decompressed. */
struct head {
    char data[HEAD_BYTES];
    size_t len;
};

static enum ts_status check_regular(const char *path, struct ts_diags *diags)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return ts_fail_errno(diags, path, "cannot open", errno);
    }
    if (S_ISDIR(info.st_mode)) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "cannot read: it is a folder");
    }
    if (!S_ISREG(info.st_mode)) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), "a trace is opened more than once: write it to a file first",
                       "cannot read: it is not a regular file");
    }
    return TS_OK;
}

static enum ts_status read_head(struct head *out, const char *path, struct ts_diags *diags)
{
    enum ts_status status = check_regular(path, diags);
    if (status != TS_OK) {
        return status;
    }
    struct ts_gzip *file = NULL;
    status = ts_gzip_open(&file, path, diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_gzip_read(file, out->data, HEAD_BYTES, &out->len, diags);
    ts_gzip_close(file);
    return status;
}

/* What to do about a file that is known by its first bytes. */
static const char *binary_hint(const struct head *head)
{
    static const struct {
        const char *magic, *hint;
    } kinds[] = {
        {"PK\x03\x04", "it is a zip archive: unpack it first"},
        {"PAR1", "it is a Parquet file: convert it to CSV first"},
        {"\x28\xb5\x2f\xfd", "it is compressed with zstd: unpack it first (gzip is read as it is)"},
        {"\xfd"
         "7zXZ",
         "it is compressed with xz: unpack it first (gzip is read as it is)"},
        {"\xff\xfe", "it is text in UTF-16; convert it with: iconv -f UTF-16 -t UTF-8"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t len = strlen(kinds[i].magic);
        if (head->len >= len && memcmp(head->data, kinds[i].magic, len) == 0) {
            return kinds[i].hint;
        }
    }
    return "a trace is a text file, plain or compressed with gzip";
}

static enum ts_status check_text(const struct head *head, const char *path, struct ts_diags *diags)
{
    if (head->len == 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "the file is empty: a trace begins with a header");
    }
    for (size_t i = 0; i < head->len; i++) {
        unsigned char c = (unsigned char)head->data[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
            return ts_fail(diags, TS_EINPUT, ts_span_file(path), binary_hint(head), "a binary file, not a trace");
        }
    }
    return TS_OK;
}

/* The first line that is not blank, without byte-order mark, blanks around and line end. */
static const char *first_line(const struct head *head, size_t *len, uint32_t *line)
{
    const char *at = head->data;
    const char *end = head->data + head->len;
    *line = 1;
    if (head->len >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) {
        at += 3;
    }
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        *line += *at == '\n';
        at++;
    }
    const char *stop = at;
    while (stop < end && *stop != '\n' && *stop != '\r') {
        stop++;
    }
    *len = (size_t)(stop - at);
    return at;
}

static void list_formats(struct ts_text *out)
{
    ts_text_puts(out, "known formats: ");
    for (size_t i = 0; i < N_FORMATS; i++) {
        const char *const *fields = formats[i].fields;
        ts_text_printf(out, "%s%s (%s,%s,%s)", i > 0 ? "; " : "", formats[i].name, fields[TS_TRACE_TIME],
                       fields[TS_TRACE_PROMPT], fields[TS_TRACE_OUTPUT]);
    }
}

static enum ts_status fail_unknown(struct ts_span at, struct ts_diags *diags, const char *what, const char *text,
                                   size_t len)
{
    struct ts_text hint;
    ts_text_init(&hint);
    list_formats(&hint);
    bool cut = len > SHOWN_CHARS;
    return ts_fail_hint(diags, TS_EINPUT, at, &hint, "%s '%.*s%s'", what, cut ? SHOWN_CHARS : (int)len, text,
                        cut ? "..." : "");
}

static enum ts_status recognise(const struct ts_trace_format **out, const struct head *head, const char *path,
                                struct ts_diags *diags)
{
    size_t len = 0;
    struct ts_span at = ts_span_file(path);
    const char *line = first_line(head, &len, &at.line);
    if (len == 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "the file is blank: a trace begins with a header");
    }
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (formats[i].matches(&formats[i], line, len)) {
            *out = &formats[i];
            return TS_OK;
        }
    }
    return fail_unknown(at, diags, "no known trace format has the header", line, len);
}

static enum ts_status choose_format(const struct ts_trace_format **out, const char *path, const char *name,
                                    struct ts_diags *diags)
{
    struct head head = {.len = 0};
    enum ts_status status = read_head(&head, path, diags);
    if (status == TS_OK) {
        status = check_text(&head, path, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    if (name == NULL || ts_str_equal(name, "auto")) {
        return recognise(out, &head, path, diags);
    }
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (ts_str_equal(formats[i].name, name)) {
            *out = &formats[i];
            return TS_OK;
        }
    }
    return fail_unknown(ts_span_none(), diags, "no trace format is named", name, strlen(name));
}

static void count_drop(struct trace_stream *trace, uint64_t line, const char *reason)
{
    if (trace->counts.n_dropped++ == 0) {
        trace->counts.drop_reason = reason;
        trace->counts.drop_line = line;
    }
}

static enum ts_status fail_backwards(struct trace_stream *trace, int64_t by_ns, struct ts_diags *diags)
{
    struct ts_text message;
    struct ts_text hint;
    ts_text_init(&message);
    ts_text_init(&hint);
    ts_text_puts(&message, "time goes backwards by ");
    ts_units_format(&message, ts_s_from_ns(by_ns), "s");
    ts_text_printf(&hint, "sort the trace by %s", trace->format->fields[TS_TRACE_TIME]);
    enum ts_status status =
        hint.failed || message.failed
            ? ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory")
            : trace->reader->ops->fail_field(trace->reader, TS_TRACE_TIME, diags, hint.data, message.data);
    ts_text_deinit(&message);
    ts_text_deinit(&hint);
    return status;
}

/* A trace that gives no request at all is an error: a simulation of nothing would look like a good result. */
static enum ts_status finish(struct trace_stream *trace, struct ts_diags *diags)
{
    const struct ts_trace_counts *counts = &trace->counts;
    trace->at_end = true;
    if (counts->n_kept > 0) {
        return TS_OK;
    }
    if (counts->n_rows == 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(trace->path), NULL, "a trace with a header and no rows");
    }
    struct ts_span at = {.file = trace->path,
                         .line = counts->drop_line <= UINT32_MAX ? (uint32_t)counts->drop_line : 0};
    return ts_fail(diags, TS_EINPUT, at, NULL, "no usable row: all %llu were dropped, this one first: %s",
                   (unsigned long long)counts->n_rows, counts->drop_reason);
}

/* The next row with tokens; *got = false at the end. */
static enum ts_status next_kept(struct trace_stream *trace, struct ts_trace_row *row, bool *got, struct ts_diags *diags)
{
    for (;;) {
        enum ts_status status = trace->reader->ops->next(trace->reader, row, got, diags);
        if (status != TS_OK || !*got) {
            return status != TS_OK ? status : finish(trace, diags);
        }
        if (trace->counts.n_rows++ == 0) {
            trace->first_ns = row->time_ns;
            trace->last_ns = row->time_ns;
        }
        if (row->prompt_tok > 0 && row->output_tok > 0) {
            return TS_OK;
        }
        count_drop(trace, row->line, row->prompt_tok == 0 ? "no prompt tokens" : "no output tokens");
    }
}

static enum ts_status advance(struct trace_stream *trace, struct ts_request *out, int *got, struct ts_diags *diags)
{
    struct ts_trace_row row = {.line = 0};
    bool any = false;
    enum ts_status status = next_kept(trace, &row, &any, diags);
    *got = any && status == TS_OK;
    if (!*got) {
        return status;
    }
    if (row.time_ns < trace->last_ns) {
        if (trace->last_ns - row.time_ns > trace->format->max_backwards_ns) {
            *got = 0;
            return fail_backwards(trace, trace->last_ns - row.time_ns, diags);
        }
        row.time_ns = trace->last_ns;
    }
    trace->last_ns = row.time_ns;
    trace->counts.names_classes = trace->counts.names_classes || row.names_class;
    *out = (struct ts_request){.id = trace->counts.n_kept++,
                               .arrival_ns = row.time_ns - trace->first_ns,
                               .prompt_tok = row.prompt_tok,
                               .output_tok = row.output_tok,
                               .class_id = row.class_id,
                               .has_class = row.names_class && trace->looks_at_classes,
                               .prefix = row.prefix};
    return TS_OK;
}

static enum ts_status trace_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                 struct ts_diags *diags)
{
    struct trace_stream *trace = (struct trace_stream *)stream;
    *got = 0;
    if (trace->ended != TS_OK || trace->at_end) {
        return trace->ended;
    }
    trace->ended = advance(trace, out, got, diags);
    return trace->ended;
}

static void trace_destroy(struct ts_request_stream *stream)
{
    struct trace_stream *trace = (struct trace_stream *)stream;
    if (trace->reader != NULL) {
        trace->reader->ops->close(trace->reader);
    }
    free(trace->path);
    free(trace);
}

static const struct ts_request_stream_ops trace_ops = {.next = trace_next, .destroy = trace_destroy};

enum ts_status ts_trace_open(struct ts_request_stream **out, const char *path, const char *format,
                             const struct ts_progress *progress, struct ts_diags *diags)
{
    return ts_trace_open_labelled(out, path, format, NULL, progress, diags);
}

enum ts_status ts_trace_open_labelled(struct ts_request_stream **out, const char *path, const char *format,
                                      const struct ts_trace_classes *classes, const struct ts_progress *progress,
                                      struct ts_diags *diags)
{
    const struct ts_trace_format *chosen = NULL;
    enum ts_status status = choose_format(&chosen, path, format, diags);
    if (status != TS_OK) {
        return status;
    }
    struct trace_stream *trace = calloc(1, sizeof *trace);
    char *path_copy = strdup(path);
    if (trace == NULL || path_copy == NULL) {
        free(trace);
        free(path_copy);
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    trace->base.ops = &trace_ops;
    trace->format = chosen;
    trace->path = path_copy;
    trace->looks_at_classes = classes != NULL;
    status = chosen->open(&trace->reader, chosen, path, classes, progress, diags);
    if (status == TS_OK && chosen->sorts) {
        status = ts_trace_sort(&trace->reader, path, diags);
    }
    if (status != TS_OK) {
        trace_destroy(&trace->base);
        return status;
    }
    *out = &trace->base;
    return TS_OK;
}

struct ts_trace_counts ts_trace_counts(const struct ts_request_stream *stream)
{
    TS_CHECK(stream->ops == &trace_ops);
    return ((const struct trace_stream *)stream)->counts;
}
