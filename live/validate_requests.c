/* Hides how a stretch of the workload is cut out and stretched in time. */
#include "live/validate_requests.h"

#include <stdlib.h>

#include "base/units.h"

enum { MAX_REQUESTS = 20000, LEAST_REQUESTS = 20 };

static enum ts_status draw(struct ts_request_list *list, struct ts_request_stream *stream, struct ts_diags *diags)
{
    int got = 1;
    while (list->n < MAX_REQUESTS) {
        struct ts_request *request = &list->requests[list->n];
        const enum ts_status status = ts_request_next(stream, request, &got, diags);
        if (status != TS_OK || !got) {
            return status;
        }
        request->turn = NULL; /* they come when they are recorded */
        list->n++;
    }
    return TS_OK;
}

/* The workload's first requests; of a file whose disorder shows late, once more and sorted. */
static enum ts_status draw_workload(struct ts_request_list *list, struct ts_workload *workload, uint64_t seed,
                                    const struct ts_progress *progress, struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    struct ts_diags said;
    ts_diags_init(&said);
    enum ts_status status = ts_workload_open(&stream, workload, seed, 0, progress, &said);
    if (status == TS_OK) {
        status = draw(list, stream, &said);
        const struct ts_trace_counts counts =
            workload->trace_path ? ts_workload_trace_counts(stream) : (struct ts_trace_counts){.n_rows = 0};
        ts_request_stream_destroy(stream);
        if (status == TS_EINPUT && counts.came_late && !workload->sorts) {
            ts_diags_deinit(&said);
            list->n = 0;
            workload->sorts = true;
            return draw_workload(list, workload, seed, progress, diags);
        }
    }
    ts_diags_move(diags, &said);
    ts_diags_deinit(&said);
    return status;
}

enum ts_status ts_request_list_draw(struct ts_request_list *out, const struct ts_scenario *scenario, bool takes_users,
                                    const struct ts_progress *progress, struct ts_diags *diags)
{
    if (scenario->workload.is_closed && !takes_users) {
        return ts_fail(diags, TS_ESCENARIO, ts_span_none(),
                       "write calls: 10/s instead of users: 64, or give --endpoint",
                       "the reference engine serves no closed loop: arrival times must be known in advance");
    }
    if (scenario->model.has_sessions && !scenario->workload.trace_path) {
        return ts_fail(diags, TS_ESCENARIO, ts_span_none(), "leave out the classes' session",
                       "sessions cannot be validated yet: arrival times must be known in advance");
    }
    struct ts_workload workload = scenario->workload;
    workload.turns = TS_TRACE_AS_RECORDED;
    struct ts_request_list list = {.requests = calloc(MAX_REQUESTS, sizeof *list.requests)};
    enum ts_status status =
        list.requests ? draw_workload(&list, &workload, scenario->model.seed, progress, diags) : TS_ENOMEM;
    if (status == TS_OK && list.n < LEAST_REQUESTS) {
        status = ts_fail(diags, TS_ESCENARIO, ts_span_none(), "lengthen the workload",
                         "the workload has %zu requests: too few to compare", list.n);
    }
    if (status == TS_OK) {
        *out = list;
    } else {
        ts_request_list_deinit(&list);
    }
    return status;
}

void ts_request_list_deinit(struct ts_request_list *list)
{
    free(list->requests);
    *list = (struct ts_request_list){0};
}

/* The gap before request i; before the first of all, which has none, the last one's. */
static double gap_ns(const struct ts_request_list *list, size_t i)
{
    const struct ts_request *requests = list->requests;
    i = i == 0 ? list->n - 1 : i;
    return (double)(requests[i].arrival_ns - requests[i - 1].arrival_ns);
}

struct ts_request *ts_request_list_at(const struct ts_request_list *list, size_t first, size_t n, double rate_per_s)
{
    struct ts_request *requests = malloc((n ? n : 1) * sizeof *requests);
    double span_ns = 0.0;
    double at_ns = 0.0;
    for (size_t i = 1; i < n; i++) {
        span_ns += gap_ns(list, (first + i) % list->n);
    }
    const double stretch = span_ns > 0.0 ? 1e9 * (double)n / rate_per_s / span_ns : 0.0;
    for (size_t i = 0; requests && i < n; i++) {
        const size_t from = (first + i) % list->n;
        at_ns += i > 0 ? stretch * gap_ns(list, from) : 0.0;
        requests[i] = list->requests[from];
        requests[i].id = i;
        requests[i].arrival_ns = (int64_t)at_ns;
    }
    return requests;
}

struct ts_request *ts_request_list_of_users(const struct ts_request_list *list, size_t first, size_t n,
                                            uint32_t n_users, const struct ts_dist *think_s, uint64_t seed)
{
    enum { THINK = 1 };
    struct ts_request *requests = malloc((n ? n : 1) * (sizeof *requests + sizeof(struct ts_turn)));
    struct ts_turn *turns = requests ? (struct ts_turn *)(void *)(requests + n) : NULL; /* freed with them */
    struct ts_rng rng;
    ts_rng_init(&rng, seed, (uint32_t)first, 0, THINK);
    for (size_t i = 0; requests && i < n; i++) {
        const double think = ts_dist_sample(think_s, &rng);
        turns[i] = (struct ts_turn){.session = i % n_users + 1,
                                    .key = i + 1,
                                    .follows = i >= n_users,
                                    .is_new = true,
                                    .is_last = i + n_users >= n,
                                    .delay_ns = i >= n_users && think > 0.0 ? ts_ns_from_s(think) : 0};
        requests[i] = list->requests[(first + i) % list->n];
        requests[i].id = i;
        requests[i].arrival_ns = 0;
        requests[i].turn = &turns[i];
    }
    return requests;
}
