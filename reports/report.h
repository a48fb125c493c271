/* The reports of one run, all made from one model of figures: terminal summary, summary.csv, timeseries.csv, run.json,
 * its charts by gnuplot, a self-contained report.html, and manifest.json, which lists the others. Written into a
 * folder that appears whole, see reports/report_folder.h. */
#ifndef TS_REPORTS_REPORT_H
#define TS_REPORTS_REPORT_H

#include "base/progress.h"
#include "base/text.h"
#include "econ/econ.h"
#include "reports/doubts.h"
#include "reports/figures.h"
#include "reports/quality_months.h"
#include "reports/report_folder.h"
#include "sim/model.h"
#include "sim/result.h"

/* What is known about the run besides model and result. Strings may be NULL. */
struct ts_run_info {
    const char *tool_version;
    const char *scenario_path;
    const char *trace_path;
    const char *trace_hash; /* of its content, with the name of the hash in front: "crc32:..." */
    const char *measurement_path;
    const char *command;     /* as typed */
    const char *host;        /* "Linux 6.1 x86_64, AMD EPYC ..., 2 CPUs" */
    const char *created;     /* ISO 8601; goes into manifest.json and the page only, never into a CSV */
    uint64_t n_dropped_rows; /* of the trace */
    uint32_t n_threads;
    double wall_s; /* simulation alone */
};

/* Everything is borrowed. */
struct ts_report_input {
    const struct ts_model *model;
    const struct ts_result *result;            /* merged */
    const struct ts_figure_rows *replications; /* each one, for summary.csv; NULL: none */
    const struct ts_econ *econ;
    bool is_point;                       /* of a study: no figures of classes */
    const struct ts_baseline *baselines; /* [TS_N_BASELINES]: econ/baselines.h; NULL: none */
    const struct ts_run_info *info;
    const struct ts_quality_months *quality;  /* where models become better; NULL: none does */
    const struct ts_uncertainty *uncertainty; /* of the inputs; NULL: it was not asked for */
    const struct ts_progress *progress;       /* asked while the files are written; NULL: nobody listens */
};

/* The figures of a run, computed once: what all of its reports say. Borrows what the input names. TS_ENOMEM. */
struct ts_report;
enum ts_status ts_report_create(struct ts_report **out, const struct ts_report_input *input);
void ts_report_destroy(struct ts_report *report); /* NULL is fine */

/* The summary for the terminal: headline first (cost, payback, attainment), then a table per tier. At most ~40 lines of
 * 100 columns. */
enum ts_status ts_report_terminal(struct ts_text *out, const struct ts_report *report);

/* Writes everything into a folder that is open, and puts it in place. Without gnuplot: a warning in `diags`, the .dat
 * and .gp are there, *drawn is false, status TS_OK. TS_EINTERRUPTED: it was told to stop; TS_EIO, TS_ENOMEM. Unless it
 * is TS_OK the place is as it was. */
enum ts_status ts_report_write(bool *drawn, struct ts_report_folder *folder, const struct ts_report *report,
                               struct ts_diags *diags);

/* What breaks there: "calls are lost", "TTFT". */
const char *ts_report_bound_word(enum ts_slo_bound bound);

/* One bound that the scenario states, and what the run came to. */
struct ts_verdict {
    const char *key;   /* "limits.max_payback" */
    const char *label; /* "payback" */
    const char *unit;  /* as in metric.h */
    double wanted, got;
    bool at_least; /* else: at most */
    bool met;
    bool is_limit; /* a limit of the scenario (exit code 3), else the wanted attainment of its SLO */
};

/* Those bounds, [*n]; they live as long as the report. */
const struct ts_verdict *ts_report_verdicts(const struct ts_report *report, size_t *n);
/* "payback: 19 months, at most 18 months wanted". */
void ts_report_verdict_put(struct ts_text *out, const struct ts_verdict *verdict);

/* Limits of the scenario that were missed, one sentence each, appended to out; returns how many. */
size_t ts_report_limits(struct ts_text *out, const struct ts_report *report);

/* Is the attainment reached that the SLO wants? True where it wants none. */
bool ts_report_keeps_slo(const struct ts_report *report);

/* Its figures, [(*list)->n], TS_FIGURES_OF_RUN or _POINT; both live as long as the report. */
const double *ts_report_figures(const struct ts_report *report, const struct ts_figure_list **list);

#endif
