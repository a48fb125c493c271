/* Hides when a request of the trace is one of the log's: the next one of the same lengths that came within a second of
 * the same time after the first. */
#include "study/log_match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 1024 };

static const double near_s = 1.0;

static int64_t ns_of(double seconds)
{
    return (int64_t)llround(seconds * 1e9);
}

static enum ts_status make_room(struct ts_log_workload *w, size_t n)
{
    struct ts_request *requests = realloc(w->requests, n * sizeof *requests);
    w->requests = requests ? requests : w->requests;
    uint32_t *run = realloc(w->run, n * sizeof *run);
    w->run = run ? run : w->run;
    return requests && run ? TS_OK : TS_ENOMEM;
}

/* ---- the log's own ---- */

static enum ts_status take_log(struct ts_log_workload *w, const struct ts_log *log)
{
    const enum ts_status status = make_room(w, log->n + 1);
    for (size_t i = 0; i < log->n && status == TS_OK; i++) {
        const struct ts_log_request *r = &log->requests[i];
        w->requests[i] = (struct ts_request){
            .arrival_ns = ns_of(r->start_s), .prompt_tok = r->prompt_tok, .output_tok = r->output_tok};
        w->run[i] = r->run;
        w->of[i] = i;
    }
    w->n = log->n;
    return status;
}

/* ---- a trace ---- */

/* The places of ids, until they are all there: they move. */
static enum ts_status keep_ids(struct ts_log_workload *w, size_t *n_ids, size_t *cap, struct ts_request *request)
{
    const struct ts_prefix *prefix = &request->prefix;
    if (prefix->n_ids == 0) {
        return TS_OK;
    }
    if (*n_ids + prefix->n_ids > *cap) {
        const size_t wanted = 2 * (*n_ids + prefix->n_ids);
        uint64_t *moved = realloc(w->ids, wanted * sizeof *moved);
        if (!moved) {
            return TS_ENOMEM;
        }
        w->ids = moved;
        *cap = wanted;
    }
    memcpy(w->ids + *n_ids, prefix->ids, prefix->n_ids * sizeof *w->ids);
    *n_ids += prefix->n_ids;
    return TS_OK;
}

static void place_ids(struct ts_log_workload *w)
{
    size_t at = 0;
    for (size_t i = 0; i < w->n; i++) {
        struct ts_prefix *prefix = &w->requests[i].prefix;
        prefix->ids = prefix->n_ids > 0 ? w->ids + at : NULL;
        at += prefix->n_ids;
    }
}

static enum ts_status read_trace(struct ts_log_workload *w, struct ts_request_stream *stream, struct ts_diags *diags)
{
    size_t cap = 0, n_ids = 0, cap_ids = 0;
    int got = 1;
    enum ts_status status = TS_OK;
    while (status == TS_OK) {
        if (w->n == cap) {
            cap = cap > 0 ? 2 * cap : FIRST;
            status = make_room(w, cap);
        }
        status = status == TS_OK ? ts_request_next(stream, &w->requests[w->n], &got, diags) : status;
        if (status != TS_OK || !got || w->n == TS_LOG_MAX_REQUESTS) {
            break;
        }
        w->requests[w->n].turn = NULL; /* it comes when it is recorded */
        status = keep_ids(w, &n_ids, &cap_ids, &w->requests[w->n]);
        w->run[w->n++] = 0;
    }
    place_ids(w);
    return status;
}

static bool is_same(const struct ts_log_request *logged, const struct ts_request *traced, double first_s)
{
    const double arrival_s = 1e-9 * (double)traced->arrival_ns - first_s;
    return traced->prompt_tok == logged->prompt_tok && traced->output_tok == logged->output_tok &&
           fabs(arrival_s - logged->start_s) <= near_s;
}

/* Are all of the log's among those of the trace? The first of them is the first of its lengths for which that holds. */
static bool match_all(struct ts_log_workload *w, const struct ts_log *log)
{
    for (size_t first = 0; first < w->n; first++) {
        const double first_s = 1e-9 * (double)w->requests[first].arrival_ns;
        size_t i = 0;
        for (size_t j = first; j < w->n && i < log->n && is_same(&log->requests[0], &w->requests[first], first_s);
             j++) {
            if (is_same(&log->requests[i], &w->requests[j], first_s)) {
                w->of[i++] = j;
            }
        }
        if (i == log->n) {
            return true;
        }
    }
    return false;
}

enum ts_status ts_log_match(struct ts_log_workload *out, const struct ts_log *log, const struct ts_scenario *scenario,
                            struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    out->of = calloc(log->n + 1, sizeof *out->of);
    if (!out->of) {
        return TS_ENOMEM;
    }
    const bool has_trace = scenario->workload.trace_path && !scenario->workload.is_closed && log->n_runs == 1;
    struct ts_workload workload = scenario->workload;
    workload.sorts = true;
    workload.turns = TS_TRACE_AS_RECORDED;
    enum ts_status status =
        has_trace ? ts_workload_open(&stream, &workload, scenario->model.seed, 0, NULL, diags) : TS_OK;
    if (has_trace && status == TS_OK) {
        status = read_trace(out, stream, diags);
        ts_request_stream_destroy(stream);
        out->by_trace = status == TS_OK && match_all(out, log);
    }
    return status == TS_OK && !out->by_trace ? take_log(out, log) : status;
}

void ts_log_workload_deinit(struct ts_log_workload *workload)
{
    free(workload->requests);
    free(workload->run);
    free(workload->of);
    free(workload->ids);
    *workload = (struct ts_log_workload){.n = 0};
}
