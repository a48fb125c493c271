/* Hides how a file's format is found out: a text by its first line, JSON by the names of its first value's fields. */
#include "imports/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "imports/import_parts.h"

enum { MAX_FILE_BYTES = 256 << 20, HEAD_BYTES = 8192 };

enum content { TABLE, CSV, JSON };

/* One row a format: what must be there, and who reads it. */
static const struct {
    const char *name;
    enum content content;
    const char *field, *other_field; /* JSON: names in the first value; texts: words in the head */
    enum ts_status (*read)(struct ts_importer *importer);
} readers[] = {
    {"llama-bench", JSON, "avg_ns", "n_prompt", ts_import_llama_json},
    {"llama-bench", CSV, "avg_ns", "n_prompt", ts_import_llama_csv},
    {"llama-bench", TABLE, "t/s", "test", ts_import_llama_table},
    {"llama-batched-bench", JSON, "speed_tg", "pl", ts_import_llama_json},
    {"guidellm", JSON, "benchmarks", NULL, ts_import_guidellm},
    {"aiperf", JSON, "metrics", "metadata", ts_import_aiperf},
    {"vllm", JSON, "request_throughput", NULL, ts_import_vllm},
    {"vllm", JSON, "ttfts", NULL, ts_import_vllm},
};

enum { N_READERS = sizeof readers / sizeof readers[0] };

/* That can be named. */
static const char *const formats[] = {"llama-bench", "llama-batched-bench", "vllm", "guidellm", "aiperf", "operators"};

enum { N_FORMATS = sizeof formats / sizeof formats[0] };

/* ---- format ---- */

static enum content content_of(const struct ts_importer *importer)
{
    size_t i = importer->len >= 3 && memcmp(importer->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    i += strspn(importer->data + i, " \t\r\n");
    char first = importer->data[i];
    return first == '{' || first == '[' ? JSON : first == '|' ? TABLE : CSV;
}

/* A word in the beginning of the text. */
static bool head_has(const struct ts_importer *importer, const char *word)
{
    size_t n = importer->len < HEAD_BYTES ? importer->len : HEAD_BYTES, len = strlen(word);
    for (size_t i = 0; i + len <= n; i++) {
        if (memcmp(importer->data + i, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool fits(const struct ts_importer *importer, const struct ts_json *first, size_t i)
{
    const char *const fields[] = {readers[i].field, readers[i].other_field};
    for (size_t k = 0; k < 2; k++) {
        if (fields[k] && !(first ? ts_json_get(first, fields[k]) != NULL : head_has(importer, fields[k]))) {
            return false;
        }
    }
    return true;
}

/* The reader whose fields are there, or N_READERS. A JSON file whose first value is broken is an error. */
static enum ts_status find_reader(size_t *out, const struct ts_importer *importer, const char *format)
{
    enum content content = content_of(importer);
    struct ts_json_doc doc = {NULL, NULL};
    struct ts_json_stream stream;
    uint32_t line = 0;
    enum ts_status status = TS_OK;
    if (content == JSON) {
        ts_json_stream_init(&stream, importer->path, importer->data, importer->len);
        status = ts_json_next(&doc, &line, &stream, importer->diags);
    }
    *out = N_READERS;
    for (size_t i = 0; status == TS_OK && i < N_READERS && *out == N_READERS; i++) {
        bool wanted = readers[i].content == content || (content == CSV && readers[i].content == TABLE);
        bool named = format && ts_str_equal(format, readers[i].name);
        if (wanted && (format ? named : fits(importer, line > 0 ? ts_json_root(&doc) : NULL, i))) {
            *out = i;
        }
    }
    if (line > 0) {
        ts_json_deinit(&doc);
    }
    return status;
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
    if (head_has(importer, "layer,tokens,time_us") || head_has(importer, "prefill_chunk,kv_prefill")) {
        return ts_fail(importer->diags, TS_EINPUT, ts_span_file(importer->path),
                       "it takes dense.csv, attention.csv and per_sequence.csv in one folder: import that",
                       "this is a part of an operator profile, without the others beside it");
    }
    struct ts_text hint;
    ts_text_init(&hint);
    list_formats(&hint);
    const struct ts_span at = ts_span_file(importer->path);
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
    enum ts_status status = find_reader(&reader, importer, format);
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

enum ts_status ts_import_read(struct ts_model_measurement *out, struct ts_import *info, struct ts_arena *arena,
                              const char *path, const char *format, struct ts_diags *diags)
{
    char *data = NULL;
    *info = (struct ts_import){
        .format = "", .program = "", .file = ts_path_base(path), .hash = "", .model = "", .hardware = "", .method = ""};
    struct ts_importer importer = {
        .arena = arena, .diags = diags, .path = path, .info = info, .quant = "", .kernel = ""};
    enum ts_status status = check_format(&importer, format);
    if (status == TS_OK && ts_dir_exists(path)) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "this is a folder, not a file");
    }
    if (status == TS_OK) {
        status = ts_file_read(&data, &importer.len, path, MAX_FILE_BYTES, diags);
    }
    if (status == TS_OK) {
        importer.data = data;
        status = import_text(out, &importer, format);
        status = arena->failed ? TS_ENOMEM : status;
    }
    free(importer.points);
    free(importer.requests);
    free(data);
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
