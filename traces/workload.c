/* Hides where requests come from. Checks what the streams rely on; a scenario is checked before with its places, so
 * these messages are for callers that fill the struct themselves. */
#include "traces/workload.h"

#include <math.h>

#include "base/units.h"
#include "traces/workload_stream.h"

static const double share_tolerance = 1e-6;
static const double length_tolerance = 1e-3;
static const double max_time_s = 1e9; /* about 31 years: far from the end of a clock of nanoseconds */
static const double min_scale = 1e-6;
static const double max_scale = 1e6;

static enum ts_status fail(struct ts_diags *diags, const char *message)
{
    return ts_fail(diags, TS_ESCENARIO, ts_span_none(), NULL, "%s", message);
}

static enum ts_status check_classes(const struct ts_workload *workload, struct ts_diags *diags)
{
    if (workload->classes == NULL || workload->n_classes == 0 || workload->n_classes > TS_MAX_CLASSES) {
        return fail(diags, "a workload has 1 to 64 classes of requests");
    }
    double sum = 0.0;
    for (size_t i = 0; i < workload->n_classes; i++) {
        if (!(workload->classes[i].share >= 0.0)) {
            return fail(diags, "the share of a class must not be negative");
        }
        sum += workload->classes[i].share;
    }
    return fabs(sum - 1.0) <= share_tolerance || (workload->drops_others && sum == 0.0)
               ? TS_OK
               : fail(diags, "the shares of the classes must sum to 100 %");
}

/* A class of its own comings, or whose lengths go together. */
static enum ts_status check_generated_class(const struct ts_class_spec *spec, struct ts_diags *diags)
{
    const char *mistake = spec->process ? ts_process_mistake(spec->process) : NULL;
    double sum = 0.0;
    for (size_t i = 0; i < spec->n_lengths; i++) {
        sum += spec->lengths[i].share;
    }
    if (mistake) {
        return fail(diags, mistake);
    }
    return spec->n_lengths == 0 || fabs(sum - 1.0) <= length_tolerance
               ? TS_OK
               : fail(diags, "the shares of a class's lengths must sum to 100 %");
}

static enum ts_status check_generated(const struct ts_workload *workload, struct ts_diags *diags)
{
    for (size_t i = 0; i < workload->n_classes; i++) {
        const enum ts_status status = check_generated_class(&workload->classes[i], diags);
        if (status != TS_OK) {
            return status;
        }
    }
    if (workload->is_closed) {
        return workload->calls_per_s > 0.0 ? fail(diags, "the users of a closed loop set the rate of calls") : TS_OK;
    }
    if (!(workload->calls_per_s > 0.0 && workload->calls_per_s < HUGE_VAL)) {
        return fail(diags, "a workload needs a trace file or a rate of calls above 0");
    }
    if (!(workload->window.duration_s > 0.0 && workload->window.duration_s <= max_time_s)) {
        return fail(diags, "the duration of a generated workload must be above 0 and at most 31 years");
    }
    if (!(fabs(workload->window.start_hour) < HUGE_VAL)) {
        return fail(diags, "the hour of the week at which the workload starts must be a number");
    }
    const char *mistake = ts_process_mistake(&workload->process);
    return mistake ? fail(diags, mistake) : TS_OK;
}

static enum ts_status check_trace(const struct ts_workload *workload, struct ts_diags *diags)
{
    if (workload->calls_per_s > 0.0) {
        return fail(diags, "a workload is a trace file or a rate of calls, not both");
    }
    if (!(workload->scale_rate >= min_scale && workload->scale_rate <= max_scale)) {
        return fail(diags, "scale_rate must be from 0.000001 to 1,000,000 (1 = as recorded)");
    }
    if (!(workload->repeat_to_s >= 0.0 && workload->repeat_to_s <= max_time_s &&
          workload->repeat_to_s * workload->scale_rate <= max_time_s)) {
        return fail(diags, "repeat_to must be at most 31 years of the trace");
    }
    return TS_OK;
}

enum ts_status ts_workload_open(struct ts_request_stream **out, const struct ts_workload *workload, uint64_t seed,
                                uint32_t replication, const struct ts_progress *progress, struct ts_diags *diags)
{
    const bool recorded = workload->trace_path != NULL;
    enum ts_status status = check_classes(workload, diags);
    if (status == TS_OK) {
        status = recorded ? check_trace(workload, diags) : check_generated(workload, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    return recorded ? ts_replay_open(out, workload, seed, progress, diags)
                    : ts_generator_open(out, workload, seed, replication, diags);
}

struct ts_trace_counts ts_workload_trace_counts(const struct ts_request_stream *stream)
{
    return ts_replay_counts(stream);
}

bool ts_workload_tells_sessions(const struct ts_workload *workload)
{
    const struct ts_trace_options options = {.format = workload->trace_format, .map = workload->map};
    struct ts_request_stream *stream = NULL;
    if (ts_trace_open_as(&stream, workload->trace_path, &options, NULL) != TS_OK) {
        return false;
    }
    const bool tells = ts_trace_tells_sessions(stream);
    ts_request_stream_destroy(stream);
    return tells;
}

double ts_workload_expected_calls(const struct ts_workload *workload)
{
    double own = 0.0, sum = 0.0;
    if (workload->trace_path != NULL || workload->is_closed) {
        return 0.0;
    }
    for (size_t i = 0; i < workload->n_classes; i++) {
        const struct ts_class_spec *spec = &workload->classes[i];
        own += spec->process ? spec->share : 0.0;
        sum += spec->process
                   ? ts_arrivals_expected(spec->process, &workload->window, workload->calls_per_s * spec->share)
                   : 0.0;
    }
    return sum + ts_arrivals_expected(&workload->process, &workload->window, workload->calls_per_s * (1.0 - own));
}

double ts_workload_expected_calls_per_month(const struct ts_workload *workload)
{
    return workload->trace_path != NULL || workload->is_closed ? 0.0 : workload->calls_per_s * TS_S_PER_MONTH;
}
