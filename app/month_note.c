/* Hides who says it: a run after its trace has been read, commands of many runs before all of them. */
#include "app/month_note.h"

#include <math.h>

#include "traces/workload.h"

static bool has_month(const struct ts_scenario *scenario)
{
    return scenario->workload.trace_path && scenario->model.users.n == 0 && scenario->model.calls_per_month == 0.0;
}

static void say(struct ts_text *told, double scale, const struct ts_scenario *scenario, int64_t first_ns,
                int64_t last_ns, struct ts_diags *diags)
{
    const struct ts_span at = ts_span_file(scenario->workload.trace_path);
    if (isnan(scale)) {
        ts_diags_add(diags, TS_WARNING, at, NULL,
                     "trace.represents has no effect: the times of the trace are no dates, or the curve is 0 there");
    } else if (scale > 0.0 && has_month(scenario)) {
        ts_trace_span_tell(told, &scenario->workload, first_ns, last_ns);
        ts_diags_add(diags, TS_NOTE, at, NULL, "%s", told->data);
    }
}

void ts_month_note_run(struct ts_text *told, struct ts_replications *runs, struct ts_scenario *scenario,
                       struct ts_diags *diags)
{
    const double scale = ts_replications_month_scale(runs, scenario);
    say(told, scale, scenario, runs->trace.first_ns, runs->trace.last_ns, diags);
    if (scale > 0.0 && has_month(scenario)) {
        scenario->model.month_scale = scale;
        scenario->model.month_told = told->failed ? NULL : told->data;
    }
}

static enum ts_status read_all(struct ts_trace_counts *out, const struct ts_workload *workload, uint64_t seed)
{
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    int got = 1;
    enum ts_status status = ts_workload_open(&stream, workload, seed, 0, NULL, NULL);
    const bool is_open = status == TS_OK;
    while (status == TS_OK && got) {
        status = ts_request_next(stream, &request, &got, NULL);
    }
    *out = is_open ? ts_workload_trace_counts(stream) : (struct ts_trace_counts){.n_rows = 0};
    ts_request_stream_destroy(stream);
    return status;
}

void ts_month_note_trace(const struct ts_scenario *scenario, struct ts_diags *diags)
{
    struct ts_workload workload = scenario->workload;
    struct ts_trace_counts counts;
    struct ts_text told;
    if (!has_month(scenario)) {
        return;
    }
    enum ts_status status = read_all(&counts, &workload, scenario->model.seed);
    if (status == TS_EINPUT && counts.came_late && !workload.sorts) {
        workload.sorts = true;
        status = read_all(&counts, &workload, scenario->model.seed);
    }
    ts_text_init(&told);
    if (status == TS_OK) {
        const double scale = ts_trace_span_scale(&workload, counts.first_ns, counts.last_ns);
        say(&told, scale, scenario, counts.first_ns, counts.last_ns, diags);
    }
    ts_text_deinit(&told);
}
