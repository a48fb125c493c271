/* The sections of report.html, each appended by its own file. */
#ifndef TS_REPORTS_REPORT_HTML_H
#define TS_REPORTS_REPORT_HTML_H

#include "reports/report_parts.h"

/* Cards with the headline figures, and which of SLO and limits are met. */
void ts_html_headline(struct ts_text *out, const struct ts_report *report);

/* The charts that gnuplot drew in `dir`, inline, with their reading aids. */
enum ts_status ts_html_charts(struct ts_text *out, const struct ts_report *report, const char *dir);

/* Tables: tiers, latency, money, energy, classes, cash flow. */
enum ts_status ts_html_tables(struct ts_text *out, const struct ts_report *report);

/* Where every number comes from, with a filter by origin, and the run's particulars. */
void ts_html_sources(struct ts_text *out, const struct ts_report *report);

#endif
