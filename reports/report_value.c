/* Hides how a figure of the report is found by its name. */
#include "reports/report_parts.h"

double ts_report_value(const struct ts_report *report, uint32_t subject, const char *name, const char *stat)
{
    return ts_figure_value(&report->list, report->values, subject, ts_metric_find(name, stat));
}

void ts_report_put(struct ts_text *out, const struct ts_report *report, uint32_t subject, const char *name,
                   const char *stat)
{
    const struct ts_metric *metric = ts_metric_find(name, stat);
    char unit[TS_UNIT_BYTES];
    ts_metric_format(out, ts_figure_value(&report->list, report->values, subject, metric),
                     ts_metric_unit(unit, metric->unit, report->input.model));
}

bool ts_report_tells_nowhere(const struct ts_report *report)
{
    const uint32_t nowhere = ts_figure_tier(&report->list, report->input.model->n_tiers);
    return report->input.model->router.n_servers > 0 || ts_report_value(report, nowhere, "arrived", "sum") > 0.0;
}
