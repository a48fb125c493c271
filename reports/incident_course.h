/* The course of the scenario's events, from the time series of a run; for their sentences, their rows and their chart.
 */
#ifndef TS_REPORTS_INCIDENT_COURSE_H
#define TS_REPORTS_INCIDENT_COURSE_H

#include "base/csv.h"
#include "reports/report_parts.h"

struct ts_incident_course {
    double from_s, to_s; /* from the start of the run; a notice is part of it */
    double arrived, served, refused;
    double most_present; /* of a bin, all tiers */
    double recovered_s;  /* after to_s; infinite: not in this run */
};

/* The course of its time-th occurrence, from 0. */
struct ts_incident_course ts_incident_course(const struct ts_report *report, const struct ts_incident_model *incident,
                                             uint32_t time);
/* How often it begins inside the window. */
uint32_t ts_incident_n_times(const struct ts_report *report, const struct ts_incident_model *incident);

/* In a bin of the series, all tiers: requests under way; a second, those that came, and those rejected or given up. */
double ts_incident_present(const struct ts_report *report, uint32_t bin);
double ts_incident_arrivals_per_s(const struct ts_report *report, uint32_t bin);
double ts_incident_refused_per_s(const struct ts_report *report, uint32_t bin);

#endif
