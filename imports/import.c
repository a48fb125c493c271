/* Hides how a file's format is found out: a text by its first line, JSON by the names of its first value's fields. */
#include "imports/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/gzip.h"
#include "imports/import_parts.h"

enum { MAX_FILE_BYTES = 256 << 20, MAX_LOOKED_AT = 64 };

/* One row a format: what must be there, and who reads it. */
static const struct {
    const char *name;
    enum ts_import_content content;
    const char *field, *other_field; /* JSON: names in the first value; texts: words in the head */
    enum ts_status (*read)(struct ts_importer *importer);
} readers[] = {
    {"llama-bench", TS_IMPORT_JSON, "avg_ns", "n_prompt", ts_import_llama_json},
    {"llama-bench", TS_IMPORT_CSV, "avg_ns", "n_prompt", ts_import_llama_csv},
    {"llama-bench", TS_IMPORT_TABLE, "t/s", "test", ts_import_llama_table},
    {"llama-batched-bench", TS_IMPORT_JSON, "speed_tg", "pl", ts_import_llama_json},
    {"guidellm", TS_IMPORT_JSON, "benchmarks", NULL, ts_import_guidellm},
    {"aiperf", TS_IMPORT_JSON, "metrics", "metadata", ts_import_aiperf},
    {"sglang", TS_IMPORT_JSON, "request_throughput", "dataset_name",
     ts_import_vllm}, /* bench_serving; no start times */
    {"vllm", TS_IMPORT_JSON, "request_throughput", NULL, ts_import_vllm},
    {"vllm", TS_IMPORT_JSON, "ttfts", NULL, ts_import_vllm},
};

enum { N_READERS = sizeof readers / sizeof readers[0] };

/* That can be named. */
static const char *const formats[] = {"llama-bench", "llama-batched-bench", "vllm", "sglang", "guidellm", "aiperf",
                                      "operators"};

enum { N_FORMATS = sizeof formats / sizeof formats[0] };

/* ---- format ---- */

/* A summary of aiperf or genai-perf has an object with averages in place of a number. */
static bool is_summary(const struct ts_json *first)
{
    return ts_json_get(ts_json_get(first, "request_throughput"), "avg") != NULL;
}

static bool fits(const struct ts_importer *importer, const struct ts_json *first, size_t i)
{
    const char *const fields[] = {readers[i].field, readers[i].other_field};
    if (first && is_summary(first)) {
        return false;
    }
    for (size_t k = 0; k < 2; k++) {
        if (fields[k] && !(first ? ts_json_get(first, fields[k]) != NULL : ts_import_head_has(importer, fields[k]))) {
            return false;
        }
    }
    return true;
}

/* The reader for that content, by name or by fields; N_READERS if there is none. */
static size_t match_reader(const struct ts_importer *importer, enum ts_import_content content,
                           const struct ts_json *value, const char *format)
{
    for (size_t i = 0; i < N_READERS; i++) {
        bool wanted =
            readers[i].content == content || (content == TS_IMPORT_CSV && readers[i].content == TS_IMPORT_TABLE);
        bool named = format && ts_str_equal(format, readers[i].name);
        if (wanted && (format ? named : fits(importer, value, i))) {
            return i;
        }
    }
    return N_READERS;
}

/* The reader whose fields are there, or N_READERS: in one of the first values, since a log may be JSON, too. */
static enum ts_status find_reader(size_t *out, struct ts_importer *importer, const char *format)
{
    enum ts_import_content content = ts_import_content_of(importer);
    struct ts_json_doc doc;
    struct ts_import_rows rows;
    uint32_t line = 0;
    *out = N_READERS;
    if (content != TS_IMPORT_JSON) {
        *out = match_reader(importer, content, NULL, format);
        return TS_OK;
    }
    ts_import_rows_init(&rows, importer);
    rows.quiet = true;
    do {
        const enum ts_status status = ts_import_rows_next(&doc, &line, &rows);
        if (status != TS_OK || line == 0) {
            return status;
        }
        *out = match_reader(importer, content, ts_json_root(&doc), format);
        ts_json_deinit(&doc);
    } while (*out == N_READERS && rows.n_rows < MAX_LOOKED_AT);
    return TS_OK;
}

static void list_formats(struct ts_text *out)
{
    ts_text_puts(out, "one of:");
    for (size_t i = 0; i < N_FORMATS; i++) {
        ts_text_printf(out, "%s %s", i > 0 ? "," : "", formats[i]);
    }
}

static enum ts_status check_format(const struct ts_importer *importer, const char *format)
{
    for (size_t i = 0; format && i < N_FORMATS; i++) {
        if (ts_str_equal(format, formats[i])) {
            return TS_OK;
        }
    }
    if (!format) {
        return TS_OK;
    }
    struct ts_text hint;
    ts_text_init(&hint);
    list_formats(&hint);
    return ts_fail_hint(importer->diags, TS_EUSAGE, ts_span_none(), &hint, "unknown format of measurements '%s'",
                        format);
}

static enum ts_status fail_unknown(const struct ts_importer *importer, const char *format)
{
    if (ts_import_head_has(importer, "layer,tokens,time_us") ||
        ts_import_head_has(importer, "prefill_chunk,kv_prefill")) {
        return ts_fail(importer->diags, TS_EINPUT, ts_span_file(importer->path),
                       "the folder with dense.csv, attention.csv and per_sequence.csv is needed: import that",
                       "this is one table of an operator profile, without the others beside it");
    }
    const struct ts_span at = ts_span_file(importer->path);
    if (importer->len == 0) {
        return ts_fail(importer->diags, TS_EINPUT, at, NULL, "the file is empty");
    }
    if (!format && ts_import_head_has(importer, "\"request_throughput\"") && ts_import_head_has(importer, "\"avg\"")) {
        return ts_fail(importer->diags, TS_EINPUT, at,
                       "import profile_export.jsonl, which aiperf writes beside it: a row for each request",
                       "this is a summary by aiperf or genai-perf: averages, without what was running at the time");
    }
    struct ts_text hint;
    ts_text_init(&hint);
    list_formats(&hint);
    return format ? ts_fail_hint(importer->diags, TS_EINPUT, at, &hint, "this is no file of %s", format)
                  : ts_fail_hint(importer->diags, TS_EINPUT, at, &hint, "no known format of measurements");
}

/* ---- whole ---- */

/* Why nothing can be fitted: the most frequent reason for leaving rows out. */
static enum ts_status fail_empty(const struct ts_importer *importer)
{
    const struct ts_import *info = importer->info;
    const struct ts_import_drop *most = NULL;
    for (size_t i = 0; i < info->n_drops; i++) {
        most = !most || info->drops[i].n > most->n ? &info->drops[i] : most;
    }
    struct ts_span at = {.file = importer->path, .line = most ? (uint32_t)most->line : 0};
    if (!most) {
        return ts_fail(importer->diags, TS_EINPUT, ts_span_file(importer->path), NULL, "there is nothing to import");
    }
    return ts_fail(importer->diags, TS_EINPUT, at, NULL, "none of %llu rows can be used; %llu of them: %s",
                   (unsigned long long)info->n_rows, (unsigned long long)most->n, most->reason);
}

static enum ts_status read_file(struct ts_importer *importer, size_t reader)
{
    importer->info->format = readers[reader].name;
    enum ts_status status = readers[reader].read(importer);
    if (status == TS_OK) {
        status = ts_import_serve(importer);
    }
    return status == TS_OK && importer->n_points == 0 ? fail_empty(importer) : status;
}

static void describe(struct ts_model_measurement *out, const struct ts_importer *importer)
{
    out->model = importer->info->model;
    out->quant = importer->quant;
    out->kernel = importer->kernel;
    out->cpu = importer->info->hardware;
    out->weights = importer->info->model;
    out->n_threads = importer->n_threads;
    out->weight_bytes = importer->weight_bytes;
    out->import = importer->info;
}

static enum ts_status import_text(struct ts_model_measurement *out, struct ts_importer *importer, const char *format)
{
    size_t reader = N_READERS;
    enum ts_status status = ts_import_check_encoding(importer);
    if (status == TS_OK) {
        status = find_reader(&reader, importer, format);
    }
    if (status != TS_OK) {
        return status;
    }
    if (reader == N_READERS) {
        return fail_unknown(importer, format);
    }
    status = read_file(importer, reader);
    if (status != TS_OK) {
        return status;
    }
    struct ts_model_measurement m = {0};
    describe(&m, importer);
    status = ts_import_fit(&m, importer);
    if (status == TS_ERANGE) {
        return ts_fail(importer->diags, TS_EINPUT, ts_span_file(importer->path), NULL,
                       "%zu points are too few to fit step times to", importer->n_points);
    }
    if (status == TS_OK) {
        *out = m;
    }
    return status;
}

static struct ts_importer importer_of(struct ts_import *info, struct ts_arena *arena, const char *path,
                                      struct ts_diags *diags)
{
    *info = (struct ts_import){
        .format = "", .program = "", .file = ts_path_base(path), .hash = "", .model = "", .hardware = "", .method = ""};
    return (struct ts_importer){.arena = arena, .diags = diags, .path = path, .info = info, .quant = "", .kernel = ""};
}

/* All of a file, plain or compressed with gzip; free(*out). */
static enum ts_status read_bytes(char **out, size_t *len, const char *path, struct ts_diags *diags)
{
    struct ts_gzip *file = NULL;
    size_t cap = 1 << 16, got = 1;
    char *data = malloc(cap);
    enum ts_status status =
        data ? ts_gzip_open(&file, path, diags) : ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    *len = 0;
    while (status == TS_OK && got > 0) {
        if (*len + 1 == cap) {
            char *grown = cap < MAX_FILE_BYTES ? realloc(data, 2 * cap) : NULL;
            if (!grown) {
                status = cap < MAX_FILE_BYTES
                             ? ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory")
                             : ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "a file of more than 256 MiB");
                break;
            }
            data = grown;
            cap *= 2;
        }
        status = ts_gzip_read(file, data + *len, cap - *len - 1, &got, diags);
        *len += status == TS_OK ? got : 0;
    }
    ts_gzip_close(file);
    if (status != TS_OK) {
        free(data);
        return status;
    }
    data[*len] = '\0';
    *out = data;
    return TS_OK;
}

static enum ts_status open_file(struct ts_importer *importer, char **data)
{
    if (ts_dir_exists(importer->path)) {
        return ts_fail(importer->diags, TS_EINPUT, ts_span_file(importer->path), NULL, "this is a folder, not a file");
    }
    const enum ts_status status = read_bytes(data, &importer->len, importer->path, importer->diags);
    importer->data = *data;
    return status;
}

static void close_file(const struct ts_importer *importer, char *data)
{
    free(importer->points);
    free(importer->requests);
    free(data);
}

enum ts_status ts_import_read(struct ts_model_measurement *out, struct ts_import *info, struct ts_arena *arena,
                              const char *path, const char *format, struct ts_diags *diags)
{
    char *data = NULL;
    struct ts_importer importer = importer_of(info, arena, path, diags);
    enum ts_status status = check_format(&importer, format);
    if (status == TS_OK) {
        status = open_file(&importer, &data);
    }
    if (status == TS_OK) {
        status = import_text(out, &importer, format);
        status = arena->failed ? TS_ENOMEM : status;
    }
    close_file(&importer, data);
    return status;
}

/* In the order that ts_import_serve brings them into. */
static enum ts_status keep_requests(const struct ts_import_request **out, size_t *n, struct ts_importer *importer)
{
    struct ts_import_request *kept = ts_arena_array(importer->arena, importer->n_requests + 1, sizeof *kept);
    if (!kept) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < importer->n_requests; i++) {
        kept[i] = importer->requests[i];
    }
    *out = kept;
    *n = importer->n_requests;
    return TS_OK;
}

enum ts_status ts_import_requests(const struct ts_import_request **out, size_t *n, bool *known, struct ts_import *info,
                                  struct ts_arena *arena, const char *path, struct ts_diags *diags)
{
    char *data = NULL;
    size_t reader = N_READERS;
    struct ts_importer importer = importer_of(info, arena, path, diags);
    enum ts_status status = open_file(&importer, &data);
    if (status == TS_OK) {
        status = ts_import_check_encoding(&importer);
    }
    if (status == TS_OK) {
        status = find_reader(&reader, &importer, NULL);
    }
    *known = reader < N_READERS;
    if (status == TS_OK && *known) {
        status = read_file(&importer, reader);
    }
    if (status == TS_OK && *known) {
        status = keep_requests(out, n, &importer);
    }
    close_file(&importer, data);
    return status;
}

void ts_import_measurement(struct ts_measurement *out, const struct ts_model_measurement *engine, const char *created,
                           const char *tool_version)
{
    *out = (struct ts_measurement){
        .created = created,
        .tool_version = tool_version,
        .host = {.cpu = engine->cpu, .os = "", .isa = "", .compiler = "", .n_cpus = 1},
        .kernel = engine->kernel,
        .model = engine->model,
        .quant = engine->quant,
        .n_threads = engine->n_threads > 0 ? engine->n_threads : 1,
        .weight_bytes = engine->weight_bytes,
        .energy_source = "unavailable",
        .baseline_name = "",
        .engine = engine,
    };
}
