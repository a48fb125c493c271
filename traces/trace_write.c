/* Hides the layout of traces that are written, and that ids of other than 512 or 16 tokens become ids of one of these:
 * a hash of those that begin within; what a prompt shares of a block that is not whole is lost, and said. */
#include "traces/trace_write.h"

#include <errno.h>
#include <math.h>
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
    bool is_json, is_bailian;
    bool loses_ids, merges_ids, loses_waits;
    uint64_t n;
};

static enum ts_status fail_write(const struct ts_trace_writer *writer, enum ts_status status, struct ts_diags *diags)
{
    return status == TS_ENOMEM ? ts_fail(diags, TS_ENOMEM, ts_span_file(writer->path), NULL, "out of memory")
                               : ts_fail_errno(diags, writer->path, "cannot write", errno ? errno : EIO);
}

/* Does that text go as JSON? False in *known if nothing says. */
static bool goes_as_json(bool *known, const char *path, const char *as)
{
    const bool csv =
        as ? ts_str_equal(as, "csv") : ts_str_has_suffix(path, ".csv") || ts_str_has_suffix(path, ".csv.gz");
    const bool json =
        as ? ts_str_equal(as, "jsonl") : ts_str_has_suffix(path, ".jsonl") || ts_str_has_suffix(path, ".jsonl.gz");
    *known = csv || json;
    return json;
}

static enum ts_status open_file(struct ts_trace_writer *writer, struct ts_diags *diags)
{
    enum ts_status status = writer->options.sink ? ts_file_temp(&writer->file.stream, "/tmp/tiersim", diags)
                                                 : ts_file_writer_open(&writer->file, writer->path, diags);
    if (status == TS_OK && ts_str_has_suffix(writer->path, ".gz")) {
        status = ts_gzip_writer_open(&writer->gzip, writer->file.stream);
        status = status == TS_OK ? TS_OK : fail_write(writer, status, diags);
    }
    return status;
}

enum ts_status ts_trace_writer_open(struct ts_trace_writer **out, const char *path,
                                    const struct ts_trace_write_options *options, struct ts_diags *diags)
{
    bool known = false;
    const bool is_json = goes_as_json(&known, path, options->as);
    if (!known) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(),
                       "call it NAME.csv, or NAME.jsonl, which keeps what prompts consist of; append .gz to compress",
                       "the name '%s' does not imply a format", path);
    }
    struct ts_trace_writer *writer = calloc(1, sizeof *writer);
    if (!writer || !(writer->path = strdup(path))) {
        free(writer);
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    writer->options = *options;
    writer->options.block_tok = options->block_tok > 0 ? options->block_tok : MOONCAKE_TOK;
    writer->is_json = is_json;
    writer->is_bailian = options->block_tok == BAILIAN_TOK && !options->says_sessions;
    ts_text_init(&writer->text);
    const enum ts_status status = open_file(writer, diags);
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
        if (writer->options.sink && writer->file.stream) {
            fclose(writer->file.stream);
        } else {
            ts_file_writer_abort(&writer->file);
        }
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
    const uint64_t size_ns = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns, unit = (uint64_t)unit_ns, rest = size_ns % unit;
    ts_text_printf(out, "%s%llu", ns < 0 ? "-" : "", (unsigned long long)(size_ns / unit));
    if (rest > 0) {
        int width = 0;
        for (uint64_t left = unit; left > 1; left /= 10) {
            width++;
        }
        ts_text_printf(out, ".%0*llu", width, (unsigned long long)rest);
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

/* "" where it has none. */
static const char *class_of(const struct ts_trace_writer *writer, const struct ts_request *request)
{
    const struct ts_trace_write_options *options = &writer->options;
    const struct ts_trace_names *learned = options->learned;
    if (!options->says_class || (options->only_told && !request->has_class)) {
        return "";
    }
    if (learned) {
        return request->class_id < learned->n ? learned->names[request->class_id] : "";
    }
    return request->class_id < options->n_classes ? options->classes[request->class_id] : "";
}

static bool has_sensitivity(const struct ts_trace_writer *writer, const struct ts_request *request)
{
    return writer->options.says_sensitivity && (request->has_sensitivity || !writer->options.only_told);
}

static bool has_difficulty(const struct ts_trace_writer *writer, const struct ts_request *request)
{
    return writer->options.says_difficulty && (request->has_difficulty || !writer->options.only_told);
}

static const struct ts_turn *turn_of(const struct ts_trace_writer *writer, const struct ts_request *request)
{
    return writer->options.says_sessions && request->turn && request->turn->session != 0 ? request->turn : NULL;
}

/* Is what its prompt consists of told by its ids, and not by its session alone? */
static bool has_ids(const struct ts_trace_writer *writer, const struct ts_request *request)
{
    return request->prefix.n_ids > 0 && !(request->prefix.has_reply && turn_of(writer, request));
}

static bool waits(const struct ts_turn *turn)
{
    return turn && (turn->follows || turn->n_waits > 0);
}

static void put_header(struct ts_trace_writer *writer)
{
    const struct ts_trace_write_options *options = &writer->options;
    ts_text_printf(&writer->text, "%s,prompt_tokens,output_tokens%s%s%s%s\n",
                   options->is_dated ? "timestamp" : "arrival_s", options->says_class ? ",class" : "",
                   options->says_sensitivity ? ",sensitivity" : "", options->says_difficulty ? ",difficulty" : "",
                   options->says_sessions ? ",session_id" : "");
}

static void put_csv(struct ts_trace_writer *writer, const struct ts_request *request)
{
    struct ts_text *out = &writer->text;
    const struct ts_trace_write_options *options = &writer->options;
    const struct ts_turn *turn = turn_of(writer, request);
    if (writer->n == 0) {
        put_header(writer);
    }
    if (options->is_dated) {
        put_date(out, options->base_ns + request->arrival_ns);
    } else {
        put_decimal(out, options->base_ns + request->arrival_ns, TS_NS_PER_S);
    }
    ts_text_printf(out, ",%u,%u", (unsigned)request->prompt_tok, (unsigned)request->output_tok);
    if (options->says_class) {
        ts_csv_put(out, class_of(writer, request), false);
    }
    if (options->says_sensitivity) {
        ts_csv_put(
            out, has_sensitivity(writer, request) ? ts_sensitivity_name((enum ts_sensitivity)request->sensitivity) : "",
            false);
    }
    if (options->says_difficulty) {
        ts_csv_put_number(out, has_difficulty(writer, request) ? (double)request->difficulty : NAN, false);
    }
    if (options->says_sessions) {
        ts_text_printf(out, turn ? ",%016llx" : ",", turn ? (unsigned long long)turn->session : 0);
    }
    ts_text_puts(out, "\n");
    writer->loses_ids = writer->loses_ids || has_ids(writer, request);
    writer->loses_waits = writer->loses_waits || waits(turn);
}

/* An id as it was read; what has no sign of its own to lose stays within 63 bits, which is what others read. */
static unsigned long long shown_id(uint64_t id)
{
    return id >> (id >> 63);
}

/* Ids of so many tokens each. */
static void put_ids(struct ts_trace_writer *writer, const struct ts_prefix *prefix, uint32_t block_tok)
{
    struct ts_text *out = &writer->text;
    if (prefix->n_ids == 0 || prefix->block_tok == block_tok) {
        for (uint32_t i = 0; i < prefix->n_ids; i++) {
            ts_text_printf(out, "%s%llu", i > 0 ? ", " : "", shown_id(prefix->ids[i]));
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
            ts_text_printf(out, "%s%llu", n_blocks > 0 ? ", " : "", shown_id(ts_mix64(hash + n_blocks)));
        }
    }
}

static void put_turn(struct ts_text *out, const struct ts_turn *turn)
{
    ts_text_printf(out, ", \"session_id\": \"%016llx\"", (unsigned long long)turn->session);
    if (turn->key != 0) {
        ts_text_printf(out, ", \"request_id\": \"%016llx\"", (unsigned long long)turn->key);
    }
    for (uint32_t i = 0; i < turn->n_waits; i++) {
        ts_text_printf(out, "%s\"%016llx\"", i > 0 ? ", " : ", \"wait_for\": [", (unsigned long long)turn->waits[i]);
    }
    ts_text_puts(out, turn->n_waits > 0 ? "]" : "");
    if (waits(turn)) {
        ts_text_puts(out, turn->is_tool ? ", \"tool_wait_ms\": " : ", \"delay\": ");
        put_decimal(out, turn->delay_ns, TS_NS_PER_S / 1000);
    }
}

static void put_labels(struct ts_trace_writer *writer, const struct ts_request *request)
{
    struct ts_text *out = &writer->text;
    const char *name = class_of(writer, request);
    if (*name) {
        struct ts_json_writer json;
        ts_text_puts(out, ", \"class\": ");
        ts_json_writer_init(&json, out);
        ts_json_put_string(&json, name);
    }
    if (has_sensitivity(writer, request)) {
        ts_text_printf(out, ", \"sensitivity\": \"%s\"",
                       ts_sensitivity_name((enum ts_sensitivity)request->sensitivity));
    }
    if (has_difficulty(writer, request)) {
        ts_text_puts(out, ", \"difficulty\": ");
        ts_text_double(out, (double)request->difficulty);
    }
}

static void put_json(struct ts_trace_writer *writer, const struct ts_request *request)
{
    struct ts_text *out = &writer->text;
    const struct ts_turn *turn = turn_of(writer, request);
    const bool bailian = writer->is_bailian;
    ts_text_puts(out, "{");
    if (bailian) {
        ts_text_printf(out, "\"chat_id\": %llu, \"parent_chat_id\": -1, ", (unsigned long long)writer->n);
    }
    ts_text_puts(out, "\"timestamp\": ");
    put_decimal(out, writer->options.base_ns + request->arrival_ns, bailian ? TS_NS_PER_S : TS_NS_PER_S / 1000);
    ts_text_printf(out, ", \"input_length\": %u, \"output_length\": %u", (unsigned)request->prompt_tok,
                   (unsigned)request->output_tok);
    ts_text_puts(out, bailian ? ", \"type\": \"text\", \"turn\": 1" : "");
    if (!turn || !request->prefix.has_reply) {
        ts_text_puts(out, ", \"hash_ids\": [");
        put_ids(writer, &request->prefix, writer->options.block_tok);
        ts_text_puts(out, "]");
    }
    if (turn) {
        put_turn(out, turn);
    }
    put_labels(writer, request);
    ts_text_puts(out, "}\n");
}

enum ts_status ts_trace_writer_put(struct ts_trace_writer *writer, const struct ts_request *request,
                                   struct ts_diags *diags)
{
    if (writer->is_json) {
        put_json(writer, request);
    } else {
        put_csv(writer, request);
    }
    writer->n++;
    return writer->text.len > FLUSH_BYTES || writer->text.failed ? flush(writer, diags) : TS_OK;
}

/* What was kept back goes where nothing can be taken back. */
static enum ts_status put_into_sink(const struct ts_trace_writer *writer, struct ts_diags *diags)
{
    char bytes[FLUSH_BYTES];
    size_t n = 0;
    bool ok = true;
    errno = 0;
    rewind(writer->file.stream);
    while (ok && (n = fread(bytes, 1, sizeof bytes, writer->file.stream)) > 0) {
        ok = fwrite(bytes, 1, n, writer->options.sink) == n;
    }
    ok = ok && !ferror(writer->file.stream) && fflush(writer->options.sink) == 0;
    return ok ? TS_OK : fail_write(writer, TS_EIO, diags);
}

static void tell_lost(const struct ts_trace_writer *writer, struct ts_diags *diags)
{
    const struct ts_span at = ts_span_file(writer->path);
    if (writer->loses_ids) {
        ts_diags_add(diags, TS_WARNING, at, "write a file NAME.jsonl to keep it",
                     "a CSV has no place for content ids: they are left out");
    }
    if (writer->loses_waits) {
        ts_diags_add(diags, TS_WARNING, at, "write a file NAME.jsonl to keep it",
                     "a CSV has no place for which replies a request waits for: they are left out");
    }
    if (writer->merges_ids) {
        ts_diags_add(diags, TS_NOTE, at, NULL,
                     "content ids are written for every %d tokens: what follows the last full block is not shared",
                     (int)writer->options.block_tok);
    }
}

enum ts_status ts_trace_writer_commit(struct ts_trace_writer *writer, struct ts_diags *diags)
{
    enum ts_status status = flush(writer, diags);
    if (status == TS_OK && writer->gzip) {
        status = ts_gzip_writer_finish(writer->gzip);
        writer->gzip = NULL;
        status = status == TS_OK ? TS_OK : fail_write(writer, status, diags);
    }
    if (status == TS_OK && writer->options.sink) {
        status = put_into_sink(writer, diags);
    } else if (status == TS_OK) {
        status = ts_file_writer_commit(&writer->file, diags);
        writer->file = (struct ts_file_writer){.stream = NULL};
    }
    if (status == TS_OK) {
        tell_lost(writer, diags);
    }
    ts_trace_writer_abort(writer);
    return status;
}
