/* Hides what is said of the span of a trace that is shorter than a week: a month is 730 h like those of the file,
 * though other hours of the week have another load. How much that matters is told by the named curves: a month by the
 * curve is (mean of the week) / (mean of the curve over the file's hours) of the month that is reckoned with. Check
 * value: a Tuesday by office-week, whose hours have a mean of 1.3243 of the week's: 0.755. */
#include <math.h>

#include "base/units.h"
#include "traces/trace_format.h"
#include "traces/workload.h"

static const int64_t hour_ns = 3600 * TS_NS_PER_S;

/* Hours since Monday 00:00. */
static int64_t hour_of_week(int64_t time_ns)
{
    const int64_t hours = time_ns / hour_ns + 3 * 24; /* 1970-01-01 was a Thursday */
    return hours % TS_WEEK_HOURS;
}

/* Mean of the curve from first to last. */
static double mean_weight(const double *curve, int64_t first_ns, int64_t last_ns)
{
    double sum = 0.0;
    for (int64_t at = first_ns; at < last_ns;) {
        const int64_t next = (at / hour_ns + 1) * hour_ns, end = next < last_ns ? next : last_ns;
        sum += curve[hour_of_week(at)] * (double)(end - at);
        at = end;
    }
    return sum / (double)(last_ns - first_ns);
}

double ts_trace_span_factor(const double *curve, int64_t first_ns, int64_t last_ns)
{
    double sum = 0.0;
    for (size_t hour = 0; hour < TS_WEEK_HOURS; hour++) {
        sum += curve[hour];
    }
    const double mean = last_ns > first_ns && first_ns >= 0 ? mean_weight(curve, first_ns, last_ns) : 0.0;
    return mean > 0.0 ? sum / TS_WEEK_HOURS / mean : NAN;
}

void ts_trace_span_tell(struct ts_text *out, int64_t first_ns, int64_t last_ns)
{
    static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    static const char *const curves[] = {"office-week", "consumer-week"};
    const double hours = (double)(last_ns - first_ns) / (double)hour_ns;
    const struct ts_trace_clock clock = {.kind = TS_TIME_DATE};
    if (first_ns <= 0 || !(hours > 0.0) || hours > 0.98 * TS_WEEK_HOURS) {
        return;
    }
    ts_text_puts(out, "a month is made of 730 h like the ");
    ts_text_number(out, hours, 3);
    ts_text_printf(out, " h from %s ", days[hour_of_week(first_ns) / 24]);
    ts_trace_clock_show(out, &clock, first_ns);
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        ts_text_puts(out, i == 0 ? " on; by the curve " : ", by ");
        ts_text_puts(out, curves[i]);
        ts_text_puts(out, i == 0 ? " a month has " : " ");
        ts_text_number(out, ts_trace_span_factor(ts_week_curve(curves[i]), first_ns, last_ns), 3);
        ts_text_puts(out, i == 0 ? " times the calls" : "");
    }
    ts_text_puts(out, ": trace: {represents: CURVE}");
}
