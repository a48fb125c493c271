/* Hides guidellm's report: benchmarks[], each with the requests that succeeded (seconds and milliseconds, by name) and
 * distributions of their metrics. Older reports call a request's times start_time and end_time. */
#include <math.h>

#include "imports/import_parts.h"

#define MAX_S 1e12
#define MAX_TOK 1e8

static bool either(const struct ts_json *object, const char *key, const char *older, double min, double max,
                   double *out)
{
    return ts_import_number(object, key, min, max, out) || ts_import_number(object, older, min, max, out);
}

static enum ts_status add_requests(struct ts_importer *importer, const struct ts_json *list, uint32_t run,
                                   uint32_t line)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < ts_json_length(list) && status == TS_OK; i++) {
        const struct ts_json *request = ts_json_at(list, i);
        struct ts_import_request r = {.run = run};
        double end_s = 0.0, ttft_ms = 0.0;
        importer->info->n_rows++;
        if (!either(request, "request_start_time", "start_time", 0.0, MAX_S, &r.start_s) ||
            !either(request, "request_end_time", "end_time", 0.0, MAX_S, &end_s) ||
            !ts_import_number(request, "prompt_tokens", 1.0, MAX_TOK, &r.prompt_tok) ||
            !ts_import_number(request, "output_tokens", 1.0, MAX_TOK, &r.output_tok) ||
            !ts_import_number(request, "time_to_first_token_ms", 1e-6, 1e9, &ttft_ms)) {
            ts_import_drop(importer, line, "a length or time of the request is missing, no number, or out of range");
            continue;
        }
        r.ttft_s = ttft_ms * 1e-3;
        r.latency_s = end_s - r.start_s;
        if (r.latency_s < r.ttft_s) {
            ts_import_drop(importer, line, "the last token came before the first");
            continue;
        }
        importer->info->n_used++;
        status = ts_import_add_request(importer, r);
    }
    return status;
}

/* The mean, or the median, of a metric over the requests that succeeded. */
static bool metric(const struct ts_json *metrics, const char *name, const char *statistic, double max, double *out)
{
    const struct ts_json *successful = ts_json_get(ts_json_get(metrics, name), "successful");
    return ts_import_number(successful, statistic, 1e-9, max, out);
}

static enum ts_status add_averages(struct ts_importer *importer, const struct ts_json *metrics, uint32_t line)
{
    double rate = 0.0, itl_ms = 0.0, ttft_ms = 0.0, in = 0.0, out = 0.0;
    importer->info->n_rows++;
    if (!metric(metrics, "requests_per_second", "mean", 1e9, &rate) ||
        !metric(metrics, "inter_token_latency_ms", "mean", 1e9, &itl_ms) ||
        !metric(metrics, "time_to_first_token_ms", "median", 1e9, &ttft_ms) ||
        !(metric(metrics, "prompt_token_count", "mean", MAX_TOK, &in) ||
          metric(metrics, "prompt_tokens", "mean", MAX_TOK, &in)) ||
        !(metric(metrics, "output_token_count", "mean", MAX_TOK, &out) ||
          metric(metrics, "output_tokens", "mean", MAX_TOK, &out))) {
        ts_import_drop(importer, line, "no requests, and an average is missing, no number, or out of range");
        return TS_OK;
    }
    double s_per_tok = itl_ms * 1e-3, n_seqs = rate * s_per_tok * fmax(1.0, out - 1.0);
    if (n_seqs > 1e6) {
        ts_import_drop(importer, line, "rate x time per token x tokens gives more than a million sequences");
        return TS_OK;
    }
    importer->info->n_used++;
    enum ts_status status = ts_import_add_averages(importer, n_seqs, in, out, s_per_tok);
    return status == TS_OK && n_seqs < 1.5 ? ts_import_add_prompt(importer, in, ttft_ms * 1e-3) : status;
}

/* The model stands where the version of guidellm puts it. */
static const char *model_of(const struct ts_json *root)
{
    const struct ts_json *args = ts_json_get(root, "args");
    const struct ts_json *config = ts_json_get(ts_json_at(ts_json_get(root, "benchmarks"), 0), "config");
    const struct ts_json *const places[] = {
        ts_json_get(args, "model"),
        ts_json_get(ts_json_get(args, "backend_kwargs"), "model"),
        ts_json_get(ts_json_get(config, "backend"), "model"),
        ts_json_get(ts_json_get(ts_json_at(ts_json_get(root, "benchmarks"), 0), "worker"), "backend_model"),
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (ts_json_string(places[i])) {
            return ts_json_string(places[i]);
        }
    }
    return NULL;
}

static enum ts_status add_report(struct ts_importer *importer, const struct ts_json *root, uint32_t *run, uint32_t line)
{
    const struct ts_json *benchmarks = ts_json_get(root, "benchmarks");
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < ts_json_length(benchmarks) && status == TS_OK; i++) {
        const struct ts_json *benchmark = ts_json_at(benchmarks, i), *requests = ts_json_get(benchmark, "requests");
        const struct ts_json *successful = ts_json_is_array(requests) ? requests : ts_json_get(requests, "successful");
        uint64_t n_failed =
            ts_json_length(ts_json_get(requests, "incomplete")) + ts_json_length(ts_json_get(requests, "errored"));
        for (uint64_t k = 0; k < n_failed; k++) {
            importer->info->n_rows++;
            ts_import_drop(importer, line, "the request failed or was not finished");
        }
        status = ts_json_length(successful) > 0 ? add_requests(importer, successful, (*run)++, line)
                                                : add_averages(importer, ts_json_get(benchmark, "metrics"), line);
    }
    return status;
}

enum ts_status ts_import_guidellm(struct ts_importer *importer)
{
    struct ts_import_rows rows;
    struct ts_json_doc doc;
    uint32_t line = 0, run = 0;
    importer->kernel = "server";
    importer->info->program = "guidellm";
    importer->info->method =
        "mean step of each request's decoding, and prompts served alone; of averages: Little's law";
    ts_import_rows_init(&rows, importer);
    enum ts_status status = ts_import_rows_next(&doc, &line, &rows);
    while (status == TS_OK && line > 0) {
        if (!*importer->info->model) {
            importer->info->model = ts_import_keep(importer, model_of(ts_json_root(&doc)));
        }
        status = add_report(importer, ts_json_root(&doc), &run, line);
        ts_json_deinit(&doc);
        if (status == TS_OK) {
            status = ts_import_rows_next(&doc, &line, &rows);
        }
    }
    return status;
}
