/* Hides what a trace that is shorter than a week stands for: other hours of the week have another load, so a month is
 * not 730 h like those of the file. By a curve of the week it has (mean of the week) / (mean of the curve over the
 * file's hours) times their calls. Check value: a Tuesday by office-week, whose hours have a mean of 1.3243 of the
 * week's: 0.755; were these calls those of a Saturday, 2.49. */
#include <math.h>
#include <string.h>

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

double ts_trace_span_scale(const struct ts_workload *workload, int64_t first_ns, int64_t last_ns)
{
    const bool stands_for_itself = first_ns <= 0 || last_ns - first_ns > (int64_t)(0.98 * TS_WEEK_HOURS) * hour_ns;
    if (!workload->represents || (workload->represents_is_assumed && stands_for_itself)) {
        return 0.0;
    }
    const double factor = ts_trace_span_factor(workload->represents, first_ns, last_ns);
    return isnan(factor) && workload->represents_is_assumed ? 0.0 : factor;
}

static const char *name_of(const double *curve)
{
    const char *const *names = ts_week_curve_names();
    for (size_t i = 0; names[i]; i++) {
        if (memcmp(ts_week_curve(names[i]), curve, TS_WEEK_HOURS * sizeof *curve) == 0) {
            return names[i];
        }
    }
    return NULL;
}

static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

/* What the same calls would stand for on a day of another kind, and by other curves. */
static void put_others(struct ts_text *out, const struct ts_workload *workload, int64_t first_ns, int64_t last_ns)
{
    enum { TUESDAY = 1, SATURDAY = 5, DAY_HOURS = 24 };
    const int64_t day = hour_of_week(first_ns) / DAY_HOURS, other = day >= SATURDAY ? TUESDAY : SATURDAY;
    const int64_t later_ns = (other - day + (other < day ? 7 : 0)) * DAY_HOURS * hour_ns;
    const char *const *names = ts_week_curve_names();
    const char *between = "";
    for (size_t i = 0; names[i]; i++) {
        const double *curve = ts_week_curve(names[i]);
        if (memcmp(curve, workload->represents, TS_WEEK_HOURS * sizeof *curve) != 0) {
            ts_text_printf(out, "%s%s ", between, names[i]);
            ts_text_number(out, ts_trace_span_factor(curve, first_ns, last_ns), 3);
            between = ", ";
        }
    }
    if (last_ns - first_ns <= (DAY_HOURS + 1) * hour_ns) {
        ts_text_printf(out, "%sthe same calls on a %s ", between, days[other]);
        ts_text_number(out, ts_trace_span_factor(workload->represents, first_ns + later_ns, last_ns + later_ns), 3);
    }
}

void ts_trace_span_tell(struct ts_text *out, const struct ts_workload *workload, int64_t first_ns, int64_t last_ns)
{
    const double scale = ts_trace_span_scale(workload, first_ns, last_ns);
    const struct ts_trace_clock clock = {.kind = TS_TIME_DATE};
    if (!(scale > 0.0)) {
        return;
    }
    const char *name = name_of(workload->represents);
    ts_text_puts(out, "a month is made of the ");
    ts_units_format(out, ts_s_from_ns(last_ns - first_ns), "s");
    ts_text_printf(out, " from %s ", days[hour_of_week(first_ns) / 24]);
    ts_trace_clock_show(out, &clock, first_ns);
    ts_text_printf(out, " on as a part of %s%s: ", name ? name : "the week of trace.represents",
                   workload->represents_is_assumed ? ", which is assumed" : "");
    ts_text_number(out, scale, 3);
    ts_text_puts(out, " times the calls of 730 h like these (");
    put_others(out, workload, first_ns, last_ns);
    ts_text_puts(out, workload->represents_is_assumed ? "); trace: {represents: CURVE} says another week" : ")");
}
