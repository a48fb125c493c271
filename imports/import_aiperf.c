/* Hides aiperf's profile_export.jsonl: one record a request, every metric with its unit. */
#include <math.h>

#include "imports/import_parts.h"

#define MAX_TOK 1e8

/* Seconds per unit of time; 0 for a unit that is none. */
static double seconds_per(const char *unit)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1.0}, {"sec", 1.0}};
    for (size_t i = 0; unit && i < sizeof units / sizeof units[0]; i++) {
        if (ts_str_equal(unit, units[i].name)) {
            return units[i].seconds;
        }
    }
    return 0.0;
}

static bool time_of(const struct ts_json *metrics, const char *name, double *out_s)
{
    const struct ts_json *metric = ts_json_get(metrics, name);
    double scale = seconds_per(ts_json_string(ts_json_get(metric, "unit")));
    double value = 0.0;
    if (!(scale > 0.0) || !ts_import_number(metric, "value", 1e-12, 1e15, &value) || !(value * scale <= 1e6)) {
        return false;
    }
    *out_s = value * scale;
    return true;
}

/* Why a record is left out; NULL and the request if it is not. Starts are counted from `origin_ns`, lest nanoseconds
 * since 1970 lose their last digits. */
static const char *read_record(struct ts_import_request *out, const struct ts_json *record, int64_t *origin_ns)
{
    const struct ts_json *metadata = ts_json_get(record, "metadata"), *metrics = ts_json_get(record, "metrics");
    const char *phase = ts_json_string(ts_json_get(metadata, "benchmark_phase"));
    bool cancelled = false;
    int64_t start_ns = 0;
    if (ts_json_is_object(ts_json_get(record, "error")) ||
        (ts_json_bool(ts_json_get(metadata, "was_cancelled"), &cancelled) && cancelled)) {
        return "the request failed or was cancelled";
    }
    if (phase && !ts_str_equal(phase, "profiling")) {
        return "a request of the warm-up";
    }
    if (!ts_json_int(ts_json_get(metadata, "request_start_ns"), &start_ns) || start_ns < 0 ||
        !ts_import_number(ts_json_get(metrics, "input_sequence_length"), "value", 1.0, MAX_TOK, &out->prompt_tok) ||
        !ts_import_number(ts_json_get(metrics, "output_sequence_length"), "value", 1.0, MAX_TOK, &out->output_tok) ||
        !time_of(metrics, "time_to_first_token", &out->ttft_s) ||
        !time_of(metrics, "request_latency", &out->latency_s)) {
        return "a length or time of the request is missing, no number, of an unknown unit, or out of range";
    }
    if (out->latency_s < out->ttft_s) {
        return "the last token came before the first";
    }
    *origin_ns = *origin_ns < 0 ? start_ns : *origin_ns;
    out->start_s = (double)(start_ns - *origin_ns) * 1e-9;
    return NULL;
}

enum ts_status ts_import_aiperf(struct ts_importer *importer)
{
    struct ts_import_rows rows;
    struct ts_json_doc doc;
    uint32_t line = 0;
    int64_t origin_ns = -1;
    importer->kernel = "server";
    importer->info->program = "aiperf";
    importer->info->method = "mean step of each request's decoding, and prompts served alone";
    ts_import_rows_init(&rows, importer);
    enum ts_status status = ts_import_rows_next(&doc, &line, &rows);
    while (status == TS_OK && line > 0) {
        struct ts_import_request request = {0};
        const char *why = read_record(&request, ts_json_root(&doc), &origin_ns);
        importer->info->n_rows++;
        if (why) {
            ts_import_drop(importer, line, why);
        } else {
            importer->info->n_used++;
            status = ts_import_add_request(importer, request);
        }
        ts_json_deinit(&doc);
        if (status == TS_OK) {
            status = ts_import_rows_next(&doc, &line, &rows);
        }
    }
    return status;
}
