/* What the parts of a report share among themselves; reports/report.h is the door. */
#ifndef TS_REPORTS_REPORT_PARTS_H
#define TS_REPORTS_REPORT_PARTS_H

#include "reports/metric.h"
#include "reports/report.h"

/* ---- the merged run, summed once ---- */

struct ts_report_views {
    struct ts_metric_view all;
    struct ts_metric_view *tiers;   /* [n_tiers + 1], nowhere last */
    struct ts_metric_view *classes; /* [n_classes], over all tiers */
    uint32_t n_tiers, n_classes;
};

enum ts_status ts_report_views_init(struct ts_report_views *out, const struct ts_report_input *input);
void ts_report_views_deinit(struct ts_report_views *views);

/* ---- promises and limits ---- */

enum { TS_MAX_VERDICTS = 8 };

/* One bound that the scenario states, and what the run came to. */
struct ts_verdict {
    const char *key;   /* "limits.max_payback" */
    const char *label; /* "payback" */
    const char *unit;  /* as in metric.h */
    double wanted, got;
    bool at_least; /* else: at most */
    bool met;
    bool is_limit; /* a limit of the scenario (exit code 3), else the promise of its SLO */
};

/* Returns how many there are. */
size_t ts_report_verdicts(struct ts_verdict out[TS_MAX_VERDICTS], const struct ts_report_input *input,
                          const struct ts_metric_view *all);
/* "payback: 7.4 months, at most 6 months wanted". */
void ts_report_verdict_put(struct ts_text *out, const struct ts_verdict *verdict);

/* ---- prediction beside recording ---- */

/* A table for the terminal, and one for the page; nothing if the scenario records nothing. */
enum ts_status ts_report_recorded_text(struct ts_text *out, const struct ts_report_input *input,
                                       const struct ts_metric_view *all);
enum ts_status ts_report_recorded_html(struct ts_text *out, const struct ts_report_input *input,
                                       const struct ts_metric_view *all);
/* recorded.csv: metric,stat,predicted_s,recorded_s,error_frac. */
void ts_report_recorded_csv(struct ts_text *out, const struct ts_report_input *input, const struct ts_metric_view *all);

/* ---- the files ---- */

enum ts_status ts_report_summary_csv(const char *path, const struct ts_report_input *input, struct ts_diags *diags);
enum ts_status ts_report_series_csv(const char *path, const struct ts_report_input *input, struct ts_diags *diags);
enum ts_status ts_report_run_json(struct ts_text *out, const struct ts_report_input *input,
                                  const struct ts_report_views *views);
enum ts_status ts_report_manifest_json(struct ts_text *out, const struct ts_report_input *input);

/* The page; charts are read from `dir` (id.svg) where they are there. */
enum ts_status ts_report_html(struct ts_text *out, const struct ts_report_input *input,
                              const struct ts_report_views *views, const char *dir);

/* At most `max` (> 3) characters, control characters as blanks, "..." where something was left out. */
void ts_report_put_clipped(struct ts_text *out, const char *string, size_t max);

/* "24 h", "31.5 min": how long a window was. */
void ts_report_put_time(struct ts_text *out, double seconds);

#endif
