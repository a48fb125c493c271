/* Hides how options become requests. */
#include "endpoint/probe_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "traces/workload.h"

enum { MAX_LIST = 16, MAX_PROMPT_TOK = 1 << 20, REQUESTS_PER_STREAM = 4, LEAST_REQUESTS = 8 };

/* ---- grid ---- */

static enum ts_status parse_list(uint32_t *out, size_t *n, const char *option, const char *list, uint32_t most,
                                 struct ts_diags *diags)
{
    *n = 0;
    for (const char *p = list; *p != '\0'; p += *p == ',') {
        const size_t len = strcspn(p, ",");
        uint64_t value;
        if (*n == MAX_LIST || !ts_parse_u64(&value, p, len) || value < 1 || value > most) {
            *n = 0;
            break;
        }
        out[(*n)++] = (uint32_t)value;
        p += len;
    }
    return *n > 0 ? TS_OK
                  : ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL,
                            "--%s takes up to %d whole numbers from 1 to %u, for example 1,4,16, not '%s'", option,
                            MAX_LIST, most, list);
}

static enum ts_status add_grid_point(struct ts_probe_plan *plan, const struct ts_probe_grid *grid, uint32_t prompt_tok,
                                     uint32_t concurrency, struct ts_diags *diags)
{
    const uint32_t usual = REQUESTS_PER_STREAM * concurrency;
    const uint32_t n = grid->n_requests ? grid->n_requests : usual < LEAST_REQUESTS ? LEAST_REQUESTS : usual;
    if (plan->n_points == TS_PROBE_MAX_POINTS) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "shorten --prompts or --concurrency",
                       "more than %d points of prompt length and concurrency", TS_PROBE_MAX_POINTS);
    }
    if (n > TS_PROBE_MAX_ASKS) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--count is at most %d", TS_PROBE_MAX_ASKS);
    }
    struct ts_probe_ask *asks = calloc(n, sizeof *asks);
    if (!asks) {
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        asks[i] = (struct ts_probe_ask){.prompt_tok = prompt_tok, .output_tok = grid->output_tok};
    }
    plan->points[plan->n_points++] = (struct ts_probe_point){
        .load = {.asks = asks, .n = n, .concurrency = concurrency}, .asks = asks, .prompt_tok = prompt_tok};
    return TS_OK;
}

enum ts_status ts_probe_plan_grid(struct ts_probe_plan *out, const struct ts_probe_grid *grid, struct ts_diags *diags)
{
    uint32_t prompts[MAX_LIST], concurrency[MAX_LIST];
    size_t n_prompts, n_concurrency;
    *out = (struct ts_probe_plan){0};
    enum ts_status status = parse_list(prompts, &n_prompts, "prompts", grid->prompts, MAX_PROMPT_TOK, diags);
    if (status == TS_OK) {
        status =
            parse_list(concurrency, &n_concurrency, "concurrency", grid->concurrency, TS_HTTP_MAX_IN_FLIGHT, diags);
    }
    for (size_t i = 0; status == TS_OK && i < n_prompts; i++) {
        for (size_t j = 0; status == TS_OK && j < n_concurrency; j++) {
            status = add_grid_point(out, grid, prompts[i], concurrency[j], diags);
        }
    }
    if (status != TS_OK) {
        ts_probe_plan_deinit(out);
    }
    return status;
}

/* ---- trace ---- */

static uint32_t cut(uint32_t n, uint32_t most)
{
    return most > 0 && n > most ? most : n;
}

static enum ts_status read_asks(struct ts_probe_point *point, struct ts_request_stream *stream, uint32_t most,
                                struct ts_diags *diags)
{
    struct ts_request request;
    int got = 1;
    size_t cap = 0;
    size_t n = 0;
    while (n < most) {
        const enum ts_status status = ts_request_next(stream, &request, &got, diags);
        if (status != TS_OK || !got) {
            point->load.asks = point->asks;
            point->load.n = n;
            return status;
        }
        if (n == cap) {
            cap = cap ? 2 * cap : 256;
            struct ts_probe_ask *asks = realloc(point->asks, cap * sizeof *asks);
            if (!asks) {
                return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
            }
            point->asks = asks;
        }
        point->asks[n++] = (struct ts_probe_ask){
            .due_ns = request.arrival_ns, .prompt_tok = request.prompt_tok, .output_tok = request.output_tok};
    }
    point->load.asks = point->asks;
    point->load.n = n;
    return TS_OK;
}

/* The part of the trace that the workload has; of a file whose disorder shows late, once more and sorted. */
static enum ts_status read_trace(struct ts_probe_point *point, struct ts_workload *workload, uint32_t most,
                                 struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    struct ts_diags said;
    ts_diags_init(&said);
    enum ts_status status = ts_workload_open(&stream, workload, 1, 0, NULL, &said);
    if (status == TS_OK) {
        status = read_asks(point, stream, most, &said);
        const struct ts_trace_counts counts = ts_workload_trace_counts(stream);
        ts_request_stream_destroy(stream);
        if (status == TS_EINPUT && counts.came_late && !workload->sorts) {
            ts_diags_deinit(&said);
            free(point->asks);
            point->asks = NULL;
            workload->sorts = true;
            return read_trace(point, workload, most, diags);
        }
        ts_trace_counts_warn(&counts, workload->trace_path, &said);
    }
    ts_diags_move(diags, &said);
    ts_diags_deinit(&said);
    return status;
}

enum ts_status ts_probe_plan_trace(struct ts_probe_plan *out, const struct ts_probe_trace *trace,
                                   struct ts_diags *diags)
{
    const struct ts_class_spec all = {.name = "all", .share = 1.0, .difficulty = ts_dist_constant(0.0)};
    struct ts_workload workload = {
        .trace_path = trace->path,
        .trace_format = trace->format ? trace->format : "auto",
        .map = trace->map,
        .turns = TS_TRACE_AS_RECORDED,
        .scale_rate = trace->scale_rate,
        .window.duration_s = trace->duration_s,
        .classes = &all,
        .n_classes = 1,
    };
    const uint32_t most =
        trace->n_requests && trace->n_requests < TS_PROBE_MAX_ASKS ? trace->n_requests : TS_PROBE_MAX_ASKS;
    *out = (struct ts_probe_plan){.n_points = 1};
    struct ts_probe_point *point = &out->points[0];
    enum ts_status status = read_trace(point, &workload, most, diags);
    if (status == TS_OK && point->load.n == 0) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_file(trace->path), NULL, "no request in that part of the trace");
    }
    if (status != TS_OK) {
        ts_probe_plan_deinit(out);
        return status;
    }
    for (size_t i = 0; i < point->load.n; i++) {
        point->asks[i].prompt_tok = cut(point->asks[i].prompt_tok, trace->max_prompt_tok);
        point->asks[i].output_tok = cut(point->asks[i].output_tok, trace->max_output_tok);
    }
    const double last_s = ts_s_from_ns(point->asks[point->load.n - 1].due_ns);
    point->rate_per_s = last_s > 0.0 ? (double)point->load.n / last_s : 0.0;
    return TS_OK;
}

void ts_probe_plan_deinit(struct ts_probe_plan *plan)
{
    for (size_t i = 0; i < plan->n_points; i++) {
        free(plan->points[i].asks);
    }
    *plan = (struct ts_probe_plan){0};
}
