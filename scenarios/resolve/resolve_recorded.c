/* Hides how what a real run recorded becomes figures to hold a prediction against: from a table in the scenario, or
 * from a file with a line for every request, as LLMServingSim's bench writes it from vLLM's own request statistics:
 *   {"output_toks": 531, "arrival_time": 1787267980.08, "queued_ts": 27536.66, "first_token_ts": 27537.35,
 *    "last_token_ts": 27554.23}
 * TTFT = first - arrival, E2E = last - arrival, TPOT = (last - first)/(output - 1). vLLM writes the arrival on the wall
 * clock and the rest on a monotonic one. Their distance is taken from the request that was queued soonest after its
 * arrival, as if that had taken no time; a line without arrivals counts from queued_ts. Quantiles are the smallest
 * value with at least that share at or below it, as the report's own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "scenarios/language/loader.h"

enum { MAX_BYTES = 256 << 20, MAX_REQUESTS = 1000000 };

static const char *const names[TS_N_RECORDED] = {"ttft", "tpot", "e2e"};
static const char *const stats[TS_N_RECORDED_STATS] = {"mean", "p50", "p90", "p99"};
static const double shares[TS_N_RECORDED_STATS] = {NAN, 0.5, 0.9, 0.99};

struct times {
    double arrival_s, queued_s, first_s, last_s, output_tok;
};

struct reading {
    struct ts_loader *loader;
    const char *path;
    struct times *rows;
    size_t n, cap;
    uint64_t n_unfinished;
};

static enum ts_status fail_line(const struct reading *r, uint32_t line, enum ts_status status, const char *message)
{
    struct ts_span at = ts_span_file(r->path);
    at.line = line;
    return ts_fail(r->loader->diags, status, at, NULL, "%s", message);
}

/* ---- the file ---- */

static bool read_times(struct times *out, const struct ts_json *object)
{
    *out = (struct times){.arrival_s = NAN};
    (void)ts_json_double(ts_json_get(object, "arrival_time"), &out->arrival_s);
    return ts_json_double(ts_json_get(object, "queued_ts"), &out->queued_s) &&
           ts_json_double(ts_json_get(object, "first_token_ts"), &out->first_s) &&
           ts_json_double(ts_json_get(object, "last_token_ts"), &out->last_s) &&
           ts_json_double(ts_json_get(object, "output_toks"), &out->output_tok);
}

static enum ts_status add_line(struct reading *r, const char *line, size_t len, uint32_t number)
{
    struct ts_json_doc doc;
    if (ts_json_parse(&doc, r->path, line, len, NULL) != TS_OK) {
        return fail_line(r, number, TS_EINPUT, "not valid JSON: a line for every request is expected");
    }
    struct times times;
    const bool is_request = ts_json_get(ts_json_root(&doc), "first_token_ts") != NULL;
    const bool finished = read_times(&times, ts_json_root(&doc));
    ts_json_deinit(&doc);
    if (!is_request) {
        return fail_line(r, number, TS_EINPUT,
                         "no 'first_token_ts': expected queued_ts, first_token_ts, last_token_ts, output_toks");
    }
    r->n_unfinished += !finished;
    if (!finished) {
        return TS_OK;
    }
    if (times.first_s < times.queued_s || times.last_s < times.first_s) {
        return fail_line(r, number, TS_EINPUT, "times out of order: queued, first token, last token");
    }
    if (r->n == r->cap) {
        const size_t cap = r->cap ? 2 * r->cap : 512;
        struct times *rows = cap <= MAX_REQUESTS * (size_t)2 ? realloc(r->rows, cap * sizeof *rows) : NULL;
        if (!rows) {
            return fail_line(r, number, TS_ENOMEM, "out of memory");
        }
        r->rows = rows;
        r->cap = cap;
    }
    r->rows[r->n++] = times;
    return TS_OK;
}

static enum ts_status read_file(struct reading *r)
{
    char *data = NULL;
    size_t len = 0;
    enum ts_status status = ts_file_read(&data, &len, r->path, MAX_BYTES, r->loader->diags);
    uint32_t number = 0;
    for (size_t at = 0; status == TS_OK && at < len;) {
        const char *end = memchr(data + at, '\n', len - at);
        const size_t n = end ? (size_t)(end - data) - at : len - at;
        number++;
        if (strspn(data + at, " \t\r") < n) {
            status = add_line(r, data + at, n, number);
        }
        at += n + 1;
    }
    free(data);
    if (status == TS_OK && r->n == 0) {
        status = fail_line(r, 0, TS_EINPUT, "no request in it has finished");
    }
    return status;
}

/* ---- figures ---- */

/* Wall clock less monotonic clock. */
static double clock_distance_s(const struct reading *r)
{
    double most_s = NAN;
    for (size_t i = 0; i < r->n; i++) {
        most_s = fmax(most_s, r->rows[i].arrival_s - r->rows[i].queued_s);
    }
    return most_s;
}

static double figure_s(const struct times *times, enum ts_recorded_latency latency, double distance_s)
{
    const double arrival_s = times->arrival_s - distance_s;
    const double from_s = isnan(arrival_s) ? times->queued_s : arrival_s;
    switch (latency) {
    case TS_RECORDED_TTFT:
        return times->first_s - from_s;
    case TS_RECORDED_TPOT:
        return times->output_tok > 1.0 ? (times->last_s - times->first_s) / (times->output_tok - 1.0) : NAN;
    case TS_RECORDED_E2E:
        return times->last_s - from_s;
    case TS_N_RECORDED:
        break;
    }
    return NAN;
}

static int compare_doubles(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;
    return *a < *b ? -1 : *a > *b;
}

static void summarise(struct ts_recorded_model *out, const struct reading *r, double *sorted)
{
    const double distance_s = clock_distance_s(r);
    for (int latency = 0; latency < TS_N_RECORDED; latency++) {
        size_t n = 0;
        double sum = 0.0;
        for (size_t i = 0; i < r->n; i++) {
            const double s = figure_s(&r->rows[i], (enum ts_recorded_latency)latency, distance_s);
            if (!isnan(s)) {
                sorted[n++] = s;
                sum += s;
            }
        }
        qsort(sorted, n, sizeof *sorted, compare_doubles);
        for (int stat = 0; stat < TS_N_RECORDED_STATS && n > 0; stat++) {
            const double rank = ceil(shares[stat] * (double)n);
            out->latency_s[latency][stat] =
                stat == TS_RECORDED_MEAN ? sum / (double)n : sorted[rank < 1.0 ? 0 : (size_t)rank - 1];
        }
    }
    out->n_requests = r->n;
}

static void from_file(struct ts_loader *loader, struct ts_value *recorded, struct ts_recorded_model *out)
{
    const char *written = ts_value_text(recorded, "requests");
    struct reading r = {.loader = loader, .path = ts_loader_beside(loader, written)};
    if (!ts_file_exists(r.path)) {
        ts_loader_error(loader, ts_value_at(recorded, "requests"),
                        "a path is relative to the scenario's folder; --set recorded.requests=FILE names another",
                        "there is no file '%s' with what was recorded", r.path);
        return;
    }
    enum ts_status status = read_file(&r);
    double *sorted = status == TS_OK ? malloc(r.n * sizeof *sorted) : NULL;
    if (status == TS_OK && !sorted) {
        status = TS_ENOMEM;
    }
    if (status == TS_OK) {
        summarise(out, &r, sorted);
    } else {
        ts_loader_fail(loader, status);
    }
    if (r.n_unfinished > 0) {
        ts_loader_warning(loader, ts_value_at(recorded, "requests"), NULL, "%llu requests of %llu have no times",
                          (unsigned long long)r.n_unfinished, (unsigned long long)(r.n_unfinished + r.n));
    }
    free(sorted);
    free(r.rows);
}

/* ---- the section ---- */

void ts_resolve_recorded(struct ts_loader *loader)
{
    struct ts_value *recorded = ts_value_at(loader->root, "recorded");
    if (recorded->state != TS_VALUE_WRITTEN || recorded->broken) {
        return;
    }
    struct ts_recorded_model *out = ts_loader_array(loader, 1, sizeof *out);
    if (!out) {
        return;
    }
    *out = (struct ts_recorded_model){.source = ts_value_text(recorded, "source")};
    out->source = out->source ? out->source : "";
    bool any = false;
    for (int latency = 0; latency < TS_N_RECORDED; latency++) {
        for (int stat = 0; stat < TS_N_RECORDED_STATS; stat++) {
            out->latency_s[latency][stat] = NAN;
        }
    }
    if (ts_value_is_written(recorded, "requests")) {
        from_file(loader, recorded, out);
        any = true;
    }
    for (int latency = 0; latency < TS_N_RECORDED; latency++) {
        for (int stat = 0; stat < TS_N_RECORDED_STATS; stat++) {
            const char *key = ts_loader_printf(loader, "%s.%s", names[latency], stats[stat]);
            if (ts_value_is_written(recorded, key)) {
                out->latency_s[latency][stat] = ts_value_number(recorded, key);
                any = true;
            }
        }
    }
    if (!any) {
        ts_loader_error(loader, recorded, "write requests: FILE, or ttft: {mean: 1.2 s, p50: ...}, tpot, e2e",
                        "nothing is recorded");
    }
    loader->model->recorded = out;
}
