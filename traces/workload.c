/* Hides where requests come from. Checks what the streams rely on; a scenario is checked before with its places, so
 * these messages are for callers that fill the struct themselves. */
#include "traces/workload.h"

#include <math.h>

#include "base/units.h"
#include "traces/workload_stream.h"

static const double share_tolerance = 1e-6;
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

static enum ts_status check_curve(const struct ts_workload *workload, struct ts_diags *diags)
{
    for (size_t hour = 0; workload->week_curve != NULL && hour < TS_WEEK_HOURS; hour++) {
        if (!(workload->week_curve[hour] >= 0.0 && workload->week_curve[hour] < HUGE_VAL)) {
            return fail(diags, "the weights of the week curve must be numbers of at least 0");
        }
    }
    return ts_workload_curve_mean(workload) > 0.0 ? TS_OK : fail(diags, "the week curve is 0 at every hour");
}

static enum ts_status check_generated(const struct ts_workload *workload, struct ts_diags *diags)
{
    if (workload->is_closed) {
        return workload->calls_per_s > 0.0 ? fail(diags, "the users of a closed loop set the rate of calls") : TS_OK;
    }
    if (!(workload->calls_per_s > 0.0 && workload->calls_per_s < HUGE_VAL)) {
        return fail(diags, "a workload needs a trace file or a rate of calls above 0");
    }
    if (!(workload->duration_s > 0.0 && workload->duration_s <= max_time_s)) {
        return fail(diags, "the duration of a generated workload must be above 0 and at most 31 years");
    }
    if (!(fabs(workload->start_hour) < HUGE_VAL)) {
        return fail(diags, "the hour of the week at which the workload starts must be a number");
    }
    double mean = ts_dist_mean(&workload->gap);
    if (!(mean > 0.0 && mean < HUGE_VAL)) {
        return fail(diags, "the gaps between arrivals must have a mean above 0");
    }
    return check_curve(workload, diags);
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
    bool recorded = workload->trace_path != NULL;
    enum ts_status status = recorded ? check_trace(workload, diags) : check_generated(workload, diags);
    if (status == TS_OK) {
        status = check_classes(workload, diags);
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

/* Integral of the relative weight over [0, hours] of the week that begins at Monday 00:00, in hours. */
static double weight_until(const struct ts_workload *workload, double hours)
{
    double weeks = floor(hours / TS_WEEK_HOURS);
    double rest = hours - weeks * TS_WEEK_HOURS;
    if (workload->week_curve == NULL) {
        return hours;
    }
    double sum = 0.0;
    for (size_t hour = 0; hour < TS_WEEK_HOURS && (double)hour < rest; hour++) {
        double part = rest - (double)hour;
        sum += workload->week_curve[hour] * (part < 1.0 ? part : 1.0);
    }
    return weeks * TS_WEEK_HOURS + sum / ts_workload_curve_mean(workload);
}

double ts_workload_expected_calls(const struct ts_workload *workload)
{
    if (workload->trace_path != NULL || workload->is_closed) {
        return 0.0;
    }
    const double hour_s = 3600.0;
    double start = workload->start_hour;
    double hours = weight_until(workload, start + workload->duration_s / hour_s) - weight_until(workload, start);
    return workload->calls_per_s * hour_s * hours;
}

double ts_workload_expected_calls_per_month(const struct ts_workload *workload)
{
    return workload->trace_path != NULL || workload->is_closed ? 0.0 : workload->calls_per_s * TS_S_PER_MONTH;
}
