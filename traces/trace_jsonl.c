/* Hides JSON Lines as a layout of traces: an object a line, a time and two token counts by key, and what the prompt
 * consists of:
 *   Mooncake      "hash_ids": [...], an id for every 512 tokens
 *   Qwen-Bailian  the same, for every 16 tokens
 *   RAGPulse      "hash_ids": {"sys_prompt": [...], ...}: only the system prompt begins at a known place; its ids stand
 *                 for 512 tokens each, but for the last, whose length is in another file: it is left out
 *   LLMServingSim "input_tok_ids": [...], the tokens themselves: of every 16 of them one id is made, a 64-bit hash */
#include <stdlib.h>
#include <string.h>

#include "base/gzip.h"
#include "base/json.h"
#include "base/units.h"
#include "traces/trace_format.h"

enum { CHUNK_BYTES = 1 << 16, LINE_MAX_BYTES = 1 << 24, TIME_DIGITS = 12 };

struct jsonl_trace {
    struct ts_trace_reader base;
    const struct ts_trace_format *format;
    struct ts_gzip *file;
    char *path;
    char *data; /* [cap]: text read and not yet handed out from `begin` to `end` */
    size_t cap, begin, end;
    bool at_end;
    uint64_t line;
    uint64_t *ids; /* [ids_cap] of the current row */
    size_t ids_cap;
    const struct ts_trace_classes *classes; /* NULL: not looked at */
};

static bool contains(const char *line, size_t len, const char *key)
{
    const size_t key_len = strlen(key);
    for (size_t i = 0; i + key_len + 2 <= len; i++) {
        if (line[i] == '"' && line[i + key_len + 1] == '"' && memcmp(line + i + 1, key, key_len) == 0) {
            return true;
        }
    }
    return false;
}

bool ts_trace_jsonl_matches(const struct ts_trace_format *format, const char *line, size_t len)
{
    bool all = line[0] == '{';
    for (size_t i = 0; i < TS_TRACE_N_FIELDS; i++) {
        all = all && contains(line, len, format->fields[i]);
    }
    return all && (!format->marker || contains(line, len, format->marker));
}

bool ts_trace_seconds(int64_t *out_ns, const char *text, size_t len)
{
    int64_t ns = 0;
    int64_t unit_ns = TS_NS_PER_S;
    bool fraction = false;
    size_t n_digits = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.' && !fraction && i > 0) {
            fraction = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || (!fraction && ++n_digits > TIME_DIGITS - 3)) {
            return false;
        }
        unit_ns = fraction ? unit_ns / 10 : unit_ns;
        ns = fraction ? ns + unit_ns * (text[i] - '0') : ns * 10 + TS_NS_PER_S * (text[i] - '0');
    }
    *out_ns = ns;
    return n_digits > 0;
}

/* ---- lines ---- */

static enum ts_status fail_at(const struct jsonl_trace *trace, enum ts_status status, struct ts_diags *diags,
                              const char *hint, const char *message)
{
    const struct ts_span at = {.file = trace->path, .line = trace->line <= UINT32_MAX ? (uint32_t)trace->line : 0};
    return ts_fail(diags, status, at, hint, "%s", message);
}

/* Reads on behind what is there; moves it to the front first. */
static enum ts_status read_more(struct jsonl_trace *trace, struct ts_diags *diags)
{
    memmove(trace->data, trace->data + trace->begin, trace->end - trace->begin);
    trace->end -= trace->begin;
    trace->begin = 0;
    if (trace->cap - trace->end < CHUNK_BYTES) {
        if (trace->cap >= LINE_MAX_BYTES) {
            trace->line++;
            return fail_at(trace, TS_EINPUT, diags, "a trace has one object on each line", "a line over 16 MiB");
        }
        char *data = realloc(trace->data, trace->cap * 2);
        if (!data) {
            return fail_at(trace, TS_ENOMEM, diags, NULL, "out of memory");
        }
        trace->data = data;
        trace->cap *= 2;
    }
    size_t len = 0;
    const enum ts_status status = ts_gzip_read(trace->file, trace->data + trace->end, CHUNK_BYTES, &len, diags);
    trace->end += len;
    trace->at_end = status == TS_OK && len == 0;
    return status;
}

static bool is_blank(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
            return false;
        }
    }
    return true;
}

/* The next line that is not blank; NULL at the end. Valid until the next call. */
static enum ts_status next_line(struct jsonl_trace *trace, const char **line, size_t *len, struct ts_diags *diags)
{
    size_t seen = 0;
    *line = NULL;
    for (;;) {
        const char *begin = trace->data + trace->begin;
        const size_t n = trace->end - trace->begin;
        const char *stop = n > seen ? memchr(begin + seen, '\n', n - seen) : NULL;
        if (!stop && !trace->at_end) {
            seen = n;
            const enum ts_status status = read_more(trace, diags);
            if (status != TS_OK) {
                return status;
            }
            continue;
        }
        if (!stop && n == 0) {
            return TS_OK;
        }
        *len = stop ? (size_t)(stop - begin) : n;
        trace->begin += *len + (stop != NULL);
        trace->line++;
        seen = 0;
        if (!is_blank(begin, *len)) {
            *line = begin;
            return TS_OK;
        }
    }
}

/* ---- an object ---- */

static enum ts_status fail_value(struct jsonl_trace *trace, const char *key, const char *due, struct ts_diags *diags)
{
    struct ts_text message;
    ts_text_init(&message);
    ts_text_printf(&message, "\"%s\" must be %s", key, due);
    const enum ts_status status =
        fail_at(trace, TS_EINPUT, diags, NULL, message.failed ? "a value is malformed" : message.data);
    ts_text_deinit(&message);
    return status;
}

static enum ts_status read_tokens(uint32_t *out, struct jsonl_trace *trace, const struct ts_json *row,
                                  enum ts_trace_field field, struct ts_diags *diags)
{
    int64_t n = 0;
    const char *key = trace->format->fields[field];
    if (!ts_json_int(ts_json_get(row, key), &n) || n < 0 || n > TS_TRACE_MAX_TOK) {
        return fail_value(trace, key, "a whole number of tokens, at most 10,000,000", diags);
    }
    *out = (uint32_t)n;
    return TS_OK;
}

/* A number in the format's unit, or the same as a text. */
static enum ts_status read_time(int64_t *out, struct jsonl_trace *trace, const struct ts_json *row,
                                struct ts_diags *diags)
{
    const double max_s = 1e9;
    const char *key = trace->format->fields[TS_TRACE_TIME];
    const struct ts_json *value = ts_json_get(row, key);
    const char *text = ts_json_string(value);
    const double unit_s = trace->format->time_unit_s;
    double time = -1.0;
    int64_t whole = 0;
    if (unit_s == 1e-9 && ts_json_int(value, &whole) && whole >= 0) {
        *out = whole;
        return TS_OK;
    }
    if (text && trace->format->parse_time(out, text, strlen(text))) {
        return TS_OK;
    }
    if (ts_json_double(value, &time) && time >= 0.0 && time * unit_s <= max_s) {
        *out = ts_ns_from_s(time * unit_s);
        return TS_OK;
    }
    return fail_value(trace, key, trace->format->time_example, diags);
}

static bool room_for_ids(struct jsonl_trace *trace, size_t n)
{
    if (n <= trace->ids_cap) {
        return true;
    }
    uint64_t *grown = realloc(trace->ids, n * sizeof *grown);
    if (!grown) {
        return false;
    }
    trace->ids = grown;
    trace->ids_cap = n;
    return true;
}

/* One round of a 64-bit mixer (Stafford's variant 13 of the end of MurmurHash3) over what came before and a token. */
static uint64_t mix(uint64_t hash, uint64_t token)
{
    uint64_t x = hash + UINT64_C(0x9e3779b97f4a7c15) + token;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Makes ids of the prompt's tokens. */
static enum ts_status hash_tokens(struct ts_trace_row *row, struct jsonl_trace *trace, const struct ts_json *tokens,
                                  struct ts_diags *diags)
{
    const uint32_t block_tok = trace->format->prefix_tok;
    const size_t n = ts_json_length(tokens);
    const size_t n_ids = (n + block_tok - 1) / block_tok;
    if (n != row->prompt_tok) {
        return fail_value(trace, trace->format->tokens_key, "as long as the prompt", diags);
    }
    if (!room_for_ids(trace, n_ids)) {
        return fail_at(trace, TS_ENOMEM, diags, NULL, "out of memory");
    }
    uint64_t hash = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t token = 0;
        if (!ts_json_int(ts_json_at(tokens, i), &token)) {
            return fail_value(trace, trace->format->tokens_key, "whole numbers", diags);
        }
        hash = mix(i % block_tok == 0 ? 0 : hash, (uint64_t)token);
        trace->ids[i / block_tok] = hash;
    }
    row->prefix = (struct ts_prefix){.ids = trace->ids, .n_ids = (uint32_t)n_ids, .block_tok = block_tok};
    return TS_OK;
}

/* Sets the ids of what the row says of its prompt. */
static enum ts_status read_prefix(struct ts_prefix *out, struct jsonl_trace *trace, const struct ts_json *row,
                                  struct ts_diags *diags)
{
    const struct ts_json *ids = ts_json_get(row, "hash_ids");
    const bool partial = ts_json_is_object(ids);
    ids = partial ? ts_json_get(ids, trace->format->marker) : ids;
    size_t n = ts_json_length(ids);
    n -= partial && n > 0;
    if (!room_for_ids(trace, n)) {
        return fail_at(trace, TS_ENOMEM, diags, NULL, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        int64_t id = 0;
        if (!ts_json_int(ts_json_at(ids, i), &id)) {
            return fail_value(trace, "hash_ids", "whole numbers", diags);
        }
        trace->ids[i] = (uint64_t)id;
    }
    *out = (struct ts_prefix){.ids = trace->ids, .n_ids = (uint32_t)n, .block_tok = trace->format->prefix_tok};
    return TS_OK;
}

static enum ts_status read_class(struct ts_trace_row *out, struct jsonl_trace *trace, const struct ts_json *row,
                                 struct ts_diags *diags)
{
    const struct ts_json *value = ts_json_get(row, "class");
    const char *name = ts_json_string(value);
    out->names_class = value != NULL;
    if (!value || !trace->classes) {
        return TS_OK;
    }
    if (!name) {
        return fail_value(trace, "class", "the name of a class", diags);
    }
    struct ts_text hint, message;
    ts_text_init(&hint);
    ts_text_init(&message);
    enum ts_status status = TS_OK;
    if (!ts_trace_class_find(&out->class_id, trace->classes, name, &hint)) {
        ts_text_printf(&message, "unknown class '%.40s'", name);
        status = fail_at(trace, TS_EINPUT, diags, hint.failed ? NULL : hint.data,
                         message.failed ? "unknown class" : message.data);
    }
    ts_text_deinit(&message);
    ts_text_deinit(&hint);
    return status;
}

static enum ts_status read_row(struct ts_trace_row *out, struct jsonl_trace *trace, const struct ts_json *row,
                               struct ts_diags *diags)
{
    const enum ts_status time_status = read_time(&out->time_ns, trace, row, diags);
    const enum ts_status prompt_status = read_tokens(&out->prompt_tok, trace, row, TS_TRACE_PROMPT, diags);
    const enum ts_status output_status = read_tokens(&out->output_tok, trace, row, TS_TRACE_OUTPUT, diags);
    const struct ts_json *tokens = trace->format->tokens_key ? ts_json_get(row, trace->format->tokens_key) : NULL;
    const enum ts_status prefix_status = !tokens                  ? read_prefix(&out->prefix, trace, row, diags)
                                         : prompt_status == TS_OK ? hash_tokens(out, trace, tokens, diags)
                                                                  : TS_OK;
    const enum ts_status class_status = read_class(out, trace, row, diags);
    if (prefix_status != TS_OK) {
        return prefix_status;
    }
    return time_status != TS_OK || prompt_status != TS_OK || output_status != TS_OK || class_status != TS_OK ? TS_EINPUT
                                                                                                             : TS_OK;
}

/* ---- the reader ---- */

static enum ts_status jsonl_next(struct ts_trace_reader *reader, struct ts_trace_row *out, bool *got,
                                 struct ts_diags *diags)
{
    struct jsonl_trace *trace = (struct jsonl_trace *)reader;
    const char *line = NULL;
    size_t len = 0;
    *got = false;
    enum ts_status status = next_line(trace, &line, &len, diags);
    if (status != TS_OK || !line) {
        return status;
    }
    struct ts_json_doc doc;
    status = ts_json_parse(&doc, trace->path, line, len, NULL);
    if (status != TS_OK) {
        return fail_at(trace, status, diags, status == TS_EINPUT ? "a trace has one object on each line" : NULL,
                       status == TS_EINPUT ? "not JSON, or a line cut short" : "out of memory");
    }
    struct ts_trace_row row = {.line = trace->line};
    status = read_row(&row, trace, ts_json_root(&doc), diags);
    ts_json_deinit(&doc);
    if (status == TS_OK) {
        *out = row;
        *got = true;
    }
    return status;
}

static enum ts_status jsonl_fail_field(struct ts_trace_reader *reader, enum ts_trace_field field,
                                       struct ts_diags *diags, const char *hint, const char *message)
{
    (void)field;
    return fail_at((const struct jsonl_trace *)reader, TS_EINPUT, diags, hint, message);
}

static void jsonl_close(struct ts_trace_reader *reader)
{
    struct jsonl_trace *trace = (struct jsonl_trace *)reader;
    ts_gzip_close(trace->file);
    free(trace->path);
    free(trace->data);
    free(trace->ids);
    free(trace);
}

enum ts_status ts_trace_jsonl_open(struct ts_trace_reader **out, const struct ts_trace_format *format, const char *path,
                                   const struct ts_trace_classes *classes, const struct ts_progress *progress,
                                   struct ts_diags *diags)
{
    static const struct ts_trace_reader_ops ops = {
        .next = jsonl_next, .fail_field = jsonl_fail_field, .close = jsonl_close};
    struct jsonl_trace *trace = malloc(sizeof *trace);
    if (!trace) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    *trace = (struct jsonl_trace){
        .base = {.ops = &ops}, .format = format, .path = strdup(path), .data = malloc(2 * CHUNK_BYTES)};
    trace->cap = 2 * CHUNK_BYTES;
    trace->classes = classes;
    enum ts_status status = TS_OK;
    if (!trace->path || !trace->data) {
        status = ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    } else {
        status = ts_gzip_open(&trace->file, path, diags);
    }
    if (status != TS_OK) {
        jsonl_close(&trace->base);
        return status;
    }
    ts_gzip_watch(trace->file, progress);
    *out = &trace->base;
    return TS_OK;
}
