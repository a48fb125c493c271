/* Hides the layout of traces that are written, and that ids of other than 512 or 16 tokens become ids of 512: a hash of
 * those that lie wholly within; what a prompt shares of such a block is lost, and said. */
#include "traces/trace_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/gzip.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/units.h"

enum { MOONCAKE_TOK = 512, BAILIAN_TOK = 16, FLUSH_BYTES = 1 << 16 };

struct ts_trace_writer {
    struct ts_trace_write_options options;
    struct ts_file_writer file;
    struct ts_gzip_writer *gzip; /* NULL: plain */
    struct ts_text text;
    char *path;
    bool is_json, any, loses_ids, merges_ids;
    uint64_t n;
};

static enum ts_status fail_write(const struct ts_trace_writer *writer, enum ts_status status, struct ts_diags *diags)
{
    return status == TS_ENOMEM ? ts_fail(diags, TS_ENOMEM, ts_span_file(writer->path), NULL, "out of memory")
                               : ts_fail_errno(diags, writer->path, "cannot write", errno ? errno : EIO);
}

enum ts_status ts_trace_writer_open(struct ts_trace_writer **out, const char *path,
                                    const struct ts_trace_write_options *options, struct ts_diags *diags)
{
    const bool zipped = ts_str_has_suffix(path, ".gz");
    const bool csv = ts_str_has_suffix(path, ".csv") || ts_str_has_suffix(path, ".csv.gz");
    if (!csv && !ts_str_has_suffix(path, ".jsonl") && !ts_str_has_suffix(path, ".jsonl.gz")) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(),
                       "call it NAME.csv, or NAME.jsonl, which keeps what prompts consist of; .gz behind it compresses",
                       "the name '%s' tells no format to write", path);
    }
    struct ts_trace_writer *writer = calloc(1, sizeof *writer);
    if (!writer || !(writer->path = strdup(path))) {
        free(writer);
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    writer->options = *options;
    writer->is_json = !csv;
    ts_text_init(&writer->text);
    enum ts_status status = ts_file_writer_open(&writer->file, path, diags);
    if (status == TS_OK && zipped) {
        status = ts_gzip_writer_open(&writer->gzip, writer->file.stream);
        status = status == TS_OK ? TS_OK : fail_write(writer, status, diags);
    }
    if (status != TS_OK) {
        ts_trace_writer_abort(writer);
        return status;
    }
    *out = writer;
    return TS_OK;
}

void ts_trace_writer_abort(struct ts_trace_writer *writer)
{
    if (writer) {
        ts_gzip_writer_abort(writer->gzip);
        ts_file_writer_abort(&writer->file);
        ts_text_deinit(&writer->text);
        free(writer->path);
        free(writer);
    }
}

static enum ts_status flush(struct ts_trace_writer *writer, struct ts_diags *diags)
{
    enum ts_status status = writer->text.failed ? TS_ENOMEM : TS_OK;
    errno = 0;
    if (status == TS_OK && writer->gzip) {
        status = ts_gzip_writer_write(writer->gzip, writer->text.data, writer->text.len);
    } else if (status == TS_OK) {
        status =
            fwrite(writer->text.data, 1, writer->text.len, writer->file.stream) == writer->text.len ? TS_OK : TS_EIO;
    }
    ts_text_clear(&writer->text);
    return status == TS_OK ? TS_OK : fail_write(writer, status, diags);
}

/* ---- rows ---- */

/* Whole units and nine decimals, without zeros at the end. */
static void put_decimal(struct ts_text *out, int64_t ns, int64_t unit_ns)
{
    const int64_t rest = ns % unit_ns;
    ts_text_printf(out, "%lld", (long long)(ns / unit_ns));
    if (rest > 0) {
        int width = 0;
        for (int64_t unit = unit_ns; unit > 1; unit /= 10) {
            width++;
        }
        ts_text_printf(out, ".%0*lld", width, (long long)rest);
        while (!out->failed && out->data[out->len - 1] == '0') {
            out->data[--out->len] = '\0';
        }
    }
}

static void put_date(struct ts_text *out, int64_t time_ns)
{
    const time_t seconds = (time_t)(time_ns / TS_NS_PER_S);
    struct tm parts;
    char text[32];
    if (gmtime_r(&seconds, &parts) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts) > 0) {
        ts_text_printf(out, "%s.%09lldZ", text, (long long)(time_ns % TS_NS_PER_S));
    }
}

static const char *class_of(const struct ts_trace_writer *writer, const struct ts_request *request)
{
    return request->class_id < writer->options.n_classes ? writer->options.classes[request->class_id] : "";
}

static void put_csv(struct ts_trace_writer *writer, const struct ts_request *request, int64_t base_ns)
{
    struct ts_text *out = &writer->text;
    if (writer->n == 0) {
        ts_text_printf(out, "%s,prompt_tokens,output_tokens%s%s\n", base_ns > 0 ? "timestamp" : "arrival_s",
                       writer->options.n_classes > 0 ? ",class" : "",
                       writer->options.says_labels ? ",sensitivity,difficulty" : "");
    }
    if (base_ns > 0) {
        put_date(out, base_ns + request->arrival_ns);
    } else {
        put_decimal(out, request->arrival_ns, TS_NS_PER_S);
    }
    ts_text_printf(out, ",%u,%u", (unsigned)request->prompt_tok, (unsigned)request->output_tok);
    if (writer->options.n_classes > 0) {
        ts_csv_put(out, class_of(writer, request), false);
    }
    if (writer->options.says_labels) {
        ts_csv_put(out, ts_sensitivity_name((enum ts_sensitivity)request->sensitivity), false);
        ts_csv_put_number(out, (double)request->difficulty, false);
    }
    ts_text_puts(out, "\n");
    writer->loses_ids = writer->loses_ids || request->prefix.n_ids > 0;
}

/* Ids of so many tokens each. */
static void put_ids(struct ts_trace_writer *writer, const struct ts_prefix *prefix, uint32_t block_tok)
{
    struct ts_text *out = &writer->text;
    if (prefix->n_ids == 0 || prefix->block_tok == block_tok) {
        for (uint32_t i = 0; i < prefix->n_ids; i++) {
            ts_text_printf(out, "%s%llu", i > 0 ? ", " : "", (unsigned long long)(prefix->ids[i] >> 1));
        }
        return;
    }
    writer->merges_ids = true;
    uint64_t hash = 0;
    uint64_t n_blocks = 0;
    for (uint32_t i = 0; i < prefix->n_ids; i++) {
        hash = ts_mix64(hash ^ prefix->ids[i]);
        const uint64_t end = (uint64_t)(i + 1) * prefix->block_tok;
        for (; n_blocks < end / block_tok; n_blocks++) {
            ts_text_printf(out, "%s%llu", n_blocks > 0 ? ", " : "",
                           (unsigned long long)(ts_mix64(hash + n_blocks) >> 1));
        }
    }
}

static void put_json(struct ts_trace_writer *writer, const struct ts_request *request, int64_t base_ns)
{
    struct ts_text *out = &writer->text;
    const bool bailian = request->prefix.n_ids > 0 && request->prefix.block_tok == BAILIAN_TOK;
    ts_text_puts(out, "{");
    if (bailian) {
        ts_text_printf(out, "\"chat_id\": %llu, \"parent_chat_id\": -1, ", (unsigned long long)writer->n);
    }
    ts_text_puts(out, "\"timestamp\": ");
    put_decimal(out, base_ns + request->arrival_ns, bailian ? TS_NS_PER_S : TS_NS_PER_S / 1000);
    ts_text_printf(out, ", \"input_length\": %u, \"output_length\": %u", (unsigned)request->prompt_tok,
                   (unsigned)request->output_tok);
    if (bailian) {
        ts_text_puts(out, ", \"type\": \"text\", \"turn\": 1");
    }
    ts_text_puts(out, ", \"hash_ids\": [");
    put_ids(writer, &request->prefix, bailian ? BAILIAN_TOK : MOONCAKE_TOK);
    ts_text_puts(out, "]");
    if (writer->options.n_classes > 0) {
        struct ts_json_writer json;
        ts_text_puts(out, ", \"class\": ");
        ts_json_writer_init(&json, out);
        ts_json_put_string(&json, class_of(writer, request));
    }
    if (writer->options.says_labels) {
        ts_text_printf(out, ", \"sensitivity\": \"%s\", \"difficulty\": ",
                       ts_sensitivity_name((enum ts_sensitivity)request->sensitivity));
        ts_text_double(out, (double)request->difficulty);
    }
    ts_text_puts(out, "}\n");
}

enum ts_status ts_trace_writer_put(struct ts_trace_writer *writer, const struct ts_request *request, int64_t base_ns,
                                   struct ts_diags *diags)
{
    if (writer->is_json) {
        put_json(writer, request, base_ns);
    } else {
        put_csv(writer, request, base_ns);
    }
    writer->n++;
    return writer->text.len > FLUSH_BYTES || writer->text.failed ? flush(writer, diags) : TS_OK;
}

enum ts_status ts_trace_writer_commit(struct ts_trace_writer *writer, struct ts_diags *diags)
{
    enum ts_status status = flush(writer, diags);
    if (status == TS_OK && writer->gzip) {
        status = ts_gzip_writer_finish(writer->gzip);
        writer->gzip = NULL;
        status = status == TS_OK ? TS_OK : fail_write(writer, status, diags);
    }
    if (status == TS_OK) {
        status = ts_file_writer_commit(&writer->file, diags);
        writer->file = (struct ts_file_writer){.stream = NULL};
    }
    if (status == TS_OK && writer->loses_ids) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(writer->path), "write a file NAME.jsonl to keep it",
                     "a CSV does not hold what prompts consist of: it is left out");
    }
    if (status == TS_OK && writer->merges_ids) {
        ts_diags_add(diags, TS_NOTE, ts_span_file(writer->path), NULL,
                     "ids of what prompts consist of are written for every %d tokens: the rest behind the last is not "
                     "shared",
                     (int)MOONCAKE_TOK);
    }
    ts_trace_writer_abort(writer);
    return status;
}
