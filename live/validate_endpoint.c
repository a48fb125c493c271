/* Hides how a probe becomes a measurement, and how its records become those of a live run. */
#include "live/validate_endpoint.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/run_info.h"
#include "imports/import.h"
#include "live/probe_report.h"

enum { GRID_OUTPUT_TOK = 32, SLOT_BATCH_TOK = 2048 /* llama-server's n_batch */, SLOT_BLOCKS = 512 };

/* ---- step times ---- */

void ts_endpoint_probe_init(struct ts_endpoint_probe *probe, const struct ts_probe_options *options, const char *path)
{
    *probe = (struct ts_endpoint_probe){.options = options, .path = path, .seed = options->seed};
    ts_text_init(&probe->json);
}

void ts_endpoint_probe_deinit(struct ts_endpoint_probe *probe)
{
    ts_text_deinit(&probe->json);
    for (size_t i = 0; i < probe->n_rehearsals; i++) {
        ts_rehearsal_deinit(&probe->rehearsals[i]);
    }
    free(probe->rehearsals);
}

static enum ts_status note_point(struct ts_endpoint_probe *probe, const struct ts_probe_point *point,
                                 const struct ts_probe_result *result)
{
    const struct ts_probe_options *options = probe->options;
    struct ts_probe_summary summary;
    struct ts_arena arena;
    const enum ts_status status = ts_probe_summarise(&summary, result);
    if (status != TS_OK) {
        return status;
    }
    ts_arena_init(&arena);
    const struct ts_probe_about about = {
        .date = ts_run_info_now(&arena),
        .model = options->model ? options->model : "unknown",
        .url = options->http.url,
        .backend = options->api->name,
    };
    ts_probe_json(&probe->json, &about, point, result, &summary);
    probe->n += point->load.n;
    probe->n_done += summary.n_outcomes[TS_PROBE_DONE];
    ts_arena_deinit(&arena);
    ts_probe_summary_deinit(&summary);
    return probe->json.failed ? TS_ENOMEM : TS_OK;
}

static void take_record(struct ts_live_record *out, struct ts_request *request, const struct ts_probe_record *record)
{
    const bool done = record->outcome == TS_PROBE_DONE && record->first_ns >= 0 && record->output_tok > 0;
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

/* Takes over what is needed of the result; the requests get the lengths that the endpoint counted. */
static enum ts_status take_run(struct ts_live_run *out, struct ts_request *requests, size_t n,
                               const struct ts_probe_result *result)
{
    struct ts_live_record *records = calloc(n ? n : 1, sizeof *records);
    if (!records) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        take_record(&records[i], &requests[i], &result->records[i]);
    }
    *out = (struct ts_live_run){.records = records, .n_records = n, .end_ns = (int64_t)(result->duration_s * 1e9)};
    return TS_OK;
}

static enum ts_status take_rehearsal(struct ts_rehearsal *rehearsal, const struct ts_probe_result *result)
{
    struct ts_live_run run;
    enum ts_status status = take_run(&run, rehearsal->requests, rehearsal->n, result);
    if (status == TS_OK) {
        status = ts_timings_of_live(&rehearsal->live, &run);
        ts_live_run_deinit(&run);
    }
    return status;
}

/* rehearsal: NULL, or whose requests the point sends: what came of them is noted there, too. */
static enum ts_status probe_point(struct ts_endpoint_probe *probe, const struct ts_probe_point *point,
                                  struct ts_rehearsal *rehearsal, struct ts_diags *diags)
{
    struct ts_probe_options varied = *probe->options;
    struct ts_probe_result result;
    varied.seed = ++probe->seed; /* no prompt twice */
    enum ts_status status = ts_probe_run(&result, &point->load, &varied, diags);
    if (status != TS_OK && status != TS_EINTERRUPTED) {
        return status;
    }
    if (status == TS_OK) {
        status = note_point(probe, point, &result);
    }
    if (status == TS_OK && rehearsal) {
        status = take_rehearsal(rehearsal, &result);
    }
    ts_probe_result_deinit(&result);
    if (status == TS_OK && 2 * probe->n_done < probe->n) {
        status = ts_fail(diags, TS_EIO, ts_span_none(), "check it with 'tiersim probe'",
                         "%s answered only %llu of %llu requests", probe->options->http.url,
                         (unsigned long long)probe->n_done, (unsigned long long)probe->n);
    }
    return status;
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* "40,180,900": the tenth, the half and the nine tenths of the prompts are no longer. */
static enum ts_status name_prompts(struct ts_text *out, const struct ts_request_list *list)
{
    uint32_t *lengths = malloc(list->n * sizeof *lengths);
    if (!lengths) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < list->n; i++) {
        lengths[i] = list->requests[i].prompt_tok;
    }
    qsort(lengths, list->n, sizeof *lengths, ascending);
    ts_text_printf(out, "%u,%u,%u", lengths[list->n / 10], lengths[list->n / 2], lengths[list->n * 9 / 10]);
    free(lengths);
    return TS_OK;
}

static void name_concurrencies(struct ts_text *out, uint32_t most)
{
    ts_text_puts(out, "1");
    for (uint32_t n = 2; n < most && n <= most / 2; n *= 2) {
        ts_text_printf(out, ",%u", n);
    }
    if (most > 1) {
        ts_text_printf(out, ",%u", most);
    }
}

enum ts_status ts_endpoint_probe_grid(struct ts_endpoint_probe *probe, const struct ts_request_list *list,
                                      uint32_t concurrency, struct ts_diags *diags)
{
    struct ts_text prompts, concurrencies;
    struct ts_probe_plan plan = {0};
    ts_text_init(&prompts);
    ts_text_init(&concurrencies);
    name_concurrencies(&concurrencies, concurrency);
    enum ts_status status = name_prompts(&prompts, list);
    if (status == TS_OK) {
        const struct ts_probe_grid grid = {
            .prompts = prompts.data, .concurrency = concurrencies.data, .output_tok = GRID_OUTPUT_TOK};
        status = ts_probe_plan_grid(&plan, &grid, diags);
    }
    for (size_t i = 0; status == TS_OK && i < plan.n_points; i++) {
        status = probe_point(probe, &plan.points[i], NULL, diags);
    }
    ts_probe_plan_deinit(&plan);
    ts_text_deinit(&prompts);
    ts_text_deinit(&concurrencies);
    return status;
}

/* NULL: out of memory. */
static struct ts_probe_ask *asks_for(const struct ts_request *requests, size_t n)
{
    struct ts_probe_ask *asks = calloc(n ? n : 1, sizeof *asks);
    for (size_t i = 0; asks && i < n; i++) {
        asks[i] = (struct ts_probe_ask){.due_ns = requests[i].arrival_ns,
                                        .prompt_tok = requests[i].prompt_tok,
                                        .output_tok = requests[i].output_tok,
                                        .think_ns = requests[i].turn ? requests[i].turn->delay_ns : 0};
    }
    return asks;
}

static struct ts_rehearsal *add_rehearsal(struct ts_endpoint_probe *probe)
{
    struct ts_rehearsal *grown = realloc(probe->rehearsals, (probe->n_rehearsals + 1) * sizeof *probe->rehearsals);
    if (!grown) {
        return NULL;
    }
    probe->rehearsals = grown;
    return &grown[probe->n_rehearsals++];
}

enum ts_status ts_endpoint_probe_rehearse(struct ts_endpoint_probe *probe, size_t run, struct ts_request *requests,
                                          size_t n, uint32_t n_users, struct ts_diags *diags)
{
    struct ts_rehearsal *rehearsal = add_rehearsal(probe);
    struct ts_probe_ask *asks = asks_for(requests, n);
    if (!rehearsal) {
        free(requests);
        free(asks);
        return TS_ENOMEM;
    }
    *rehearsal = (struct ts_rehearsal){.run = run, .requests = requests, .n = n};
    const struct ts_probe_point point = {.load = {.asks = asks, .n = n, .n_users = n_users}, .asks = asks};
    const enum ts_status status = asks ? probe_point(probe, &point, rehearsal, diags) : TS_ENOMEM;
    free(asks);
    return status;
}

enum ts_status ts_endpoint_probe_fit(struct ts_model_measurement *out, struct ts_arena *arena,
                                     const struct ts_endpoint_probe *probe, struct ts_diags *diags)
{
    struct ts_import *info = ts_arena_alloc(arena, sizeof *info);
    enum ts_status status = info ? ts_file_write(probe->path, probe->json.data, probe->json.len, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        status = ts_import_read(out, info, arena, probe->path, "vllm", diags);
    }
    if (status == TS_OK && !out->fitted) {
        status = ts_fail(diags, TS_EIO, ts_span_none(), "see requests and times in probe.json",
                         "no step times could be fitted to what the endpoint did");
    }
    return status;
}

void ts_validate_endpoint_describe(struct ts_replica_model *replica, const struct ts_model_measurement *fit,
                                   uint64_t slots, bool kv_unified)
{
    const double *coef = fit->linear.coef;
    const double n_shared = kv_unified ? (double)slots : 1.0;
    if (slots > 0) {
        replica->policy = TS_SCHEDULER_SLOTS;
        replica->max_seqs = (uint32_t)slots;
        replica->max_batched_tok = SLOT_BATCH_TOK;
        replica->kv_blocks = slots * SLOT_BLOCKS;
        replica->kv_unified = kv_unified;
    }
    replica->steps = (struct ts_steps_model){
        .kind = TS_STEPS_LINEAR,
        .origin = TS_ORIGIN_MEASURED,
        .source = "probed: a grid of prompt lengths and concurrencies, and other requests of the workload",
        .u.linear = {.a_s = coef[0],
                     .b_s_per_seq = coef[1],
                     .c_s_per_kv_tok = coef[2] / n_shared,
                     .d_s_per_prefill_tok = coef[3],
                     .e_s_per_pair = coef[4] / (2.0 * n_shared - 1.0)},
    };
}

/* ---- serving ---- */

enum ts_status ts_validate_endpoint_serve(struct ts_live_run *out, struct ts_request *requests, size_t n,
                                          uint32_t n_users, const struct ts_probe_options *options,
                                          struct ts_diags *diags)
{
    struct ts_probe_ask *asks = asks_for(requests, n);
    struct ts_probe_result result;
    if (!asks) {
        return TS_ENOMEM;
    }
    const struct ts_probe_load load = {.asks = asks, .n = n, .n_users = n_users};
    enum ts_status status = ts_probe_run(&result, &load, options, diags);
    if (status == TS_OK || status == TS_EINTERRUPTED) {
        const enum ts_status taken = take_run(out, requests, n, &result);
        status = taken == TS_OK ? status : taken;
        ts_probe_result_deinit(&result);
    }
    free(asks);
    return status;
}
