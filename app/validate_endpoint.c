/* Hides how a probe becomes a measurement, and how its records become those of a live run. */
#include "app/validate_endpoint.h"

#include <stdlib.h>

#include "app/probe_report.h"
#include "app/run_info.h"
#include "base/file.h"
#include "kernels/import.h"

/* ---- step times ---- */

static enum ts_status probe_point(struct ts_text *json, uint64_t *n_done, struct ts_arena *arena,
                                  const struct ts_probe_point *point, const struct ts_probe_options *options,
                                  struct ts_diags *diags)
{
    struct ts_probe_result result;
    struct ts_probe_summary summary;
    enum ts_status status = ts_probe_run(&result, &point->load, options, diags);
    if (status == TS_EINTERRUPTED) {
        ts_probe_result_deinit(&result);
    }
    if (status != TS_OK) {
        return status;
    }
    status = ts_probe_summarise(&summary, &result);
    if (status == TS_OK) {
        const struct ts_probe_about about = {
            .date = ts_run_info_now(arena),
            .model = options->model ? options->model : "unknown",
            .url = options->http.url,
            .backend = options->api->name,
        };
        ts_probe_json(json, &about, point, &result, &summary);
        *n_done += summary.n_outcomes[TS_PROBE_DONE];
        ts_probe_summary_deinit(&summary);
    }
    ts_probe_result_deinit(&result);
    return status;
}

static enum ts_status probe_grid(struct ts_text *json, struct ts_arena *arena, const struct ts_probe_plan *plan,
                                 const struct ts_probe_options *options, struct ts_diags *diags)
{
    struct ts_probe_options varied = *options;
    uint64_t n_done = 0;
    uint64_t n = 0;
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < plan->n_points; i++) {
        varied.seed++; /* no prompt twice */
        n += plan->points[i].load.n;
        status = probe_point(json, &n_done, arena, &plan->points[i], &varied, diags);
    }
    if (status == TS_OK && 2 * n_done < n) {
        status = ts_fail(diags, TS_EIO, ts_span_none(), "see what 'tiersim probe' says of it",
                         "%s answered only %llu of %llu requests", options->http.url, (unsigned long long)n_done,
                         (unsigned long long)n);
    }
    return status;
}

enum ts_status ts_validate_endpoint_calibrate(struct ts_model_measurement *out, struct ts_arena *arena,
                                              const char *probe_path, const struct ts_probe_options *options,
                                              const struct ts_endpoint_grid *grid, struct ts_diags *diags)
{
    const struct ts_probe_grid wanted = {
        .prompts = grid->prompts, .concurrency = grid->concurrency, .output_tok = grid->output_tok};
    struct ts_import *info = ts_arena_alloc(arena, sizeof *info);
    struct ts_probe_plan plan;
    struct ts_text json;
    enum ts_status status = info ? ts_probe_plan_grid(&plan, &wanted, diags) : TS_ENOMEM;
    if (status != TS_OK) {
        return status;
    }
    ts_text_init(&json);
    status = probe_grid(&json, arena, &plan, options, diags);
    if (status == TS_OK) {
        status = json.failed ? TS_ENOMEM : ts_file_write(probe_path, json.data, json.len, diags);
    }
    if (status == TS_OK) {
        status = ts_import_read(out, info, arena, probe_path, "vllm", diags);
    }
    ts_text_deinit(&json);
    ts_probe_plan_deinit(&plan);
    return status;
}

/* ---- serving ---- */

static void take_record(struct ts_live_record *out, struct ts_request *request, const struct ts_probe_record *record)
{
    const bool done = record->outcome == TS_PROBE_DONE && record->output_tok > 0;
    if (done) {
        request->prompt_tok = record->prompt_tok;
        request->output_tok = record->output_tok;
    }
    *out = (struct ts_live_record){
        .due_ns = record->due_ns,
        .seen_ns = record->sent_ns,
        .start_ns = TS_NEVER_NS,
        .first_ns = done ? record->first_ns : TS_NEVER_NS,
        .last_ns = done ? record->last_ns : TS_NEVER_NS,
        .prompt_tok = request->prompt_tok,
        .output_tok = request->output_tok,
        .n_given = done ? request->output_tok : 0,
        .rejected = !done,
    };
}

enum ts_status ts_validate_endpoint_serve(struct ts_live_run *out, struct ts_request *requests, size_t n,
                                          const struct ts_probe_options *options, struct ts_diags *diags)
{
    struct ts_probe_ask *asks = calloc(n ? n : 1, sizeof *asks);
    struct ts_live_record *records = calloc(n ? n : 1, sizeof *records);
    struct ts_probe_result result;
    enum ts_status status = asks && records ? TS_OK : TS_ENOMEM;
    for (size_t i = 0; status == TS_OK && i < n; i++) {
        asks[i] = (struct ts_probe_ask){.due_ns = requests[i].arrival_ns,
                                        .prompt_tok = requests[i].prompt_tok,
                                        .output_tok = requests[i].output_tok};
    }
    if (status == TS_OK) {
        const struct ts_probe_load load = {.asks = asks, .n = n};
        status = ts_probe_run(&result, &load, options, diags);
    }
    if (status == TS_OK || status == TS_EINTERRUPTED) {
        for (size_t i = 0; i < n; i++) {
            take_record(&records[i], &requests[i], &result.records[i]);
        }
        *out = (struct ts_live_run){.records = records, .n_records = n, .end_ns = (int64_t)(result.duration_s * 1e9)};
        ts_probe_result_deinit(&result);
    } else {
        free(records);
    }
    free(asks);
    return status;
}
