/* The report model, which all parts of a report read and none changes, and what they share among themselves;
 * reports/report.h is the door. Every figure in it is computed once, by reports/report_model.c; the parts only say it
 * in their own way. */
#ifndef TS_REPORTS_REPORT_PARTS_H
#define TS_REPORTS_REPORT_PARTS_H

#include "base/names.h"
#include "econ/baselines.h"
#include "reports/figures.h"
#include "reports/report.h"

enum { TS_MAX_VERDICTS = 8, TS_MAX_RECORDED_ROWS = TS_N_RECORDED * TS_N_RECORDED_STATS };
enum { TS_REPORT_WIDTH = 100 }; /* columns of a terminal */

/* A prediction beside what a real run recorded. */
struct ts_recorded_row {
    const char *name, *key, *stat; /* "TTFT", "ttft", "p90" */
    double predicted_s, recorded_s;
    double error_frac; /* predicted/recorded - 1; NaN without a request done */
};

/* Money of some months together; today is month 0. */
struct ts_cash_row {
    uint32_t first_month, last_month;
    double plan_usd, baseline_usd, plan_so_far_usd, baseline_so_far_usd, ahead_usd;
};

struct ts_report {
    struct ts_report_input input;
    struct ts_figure_list list;
    double *values;            /* [list.n] of the merged run */
    double window_s, warmup_s; /* of a replication, on average */
    double saving_frac;        /* of the baseline, either way; NaN without one */
    size_t n_of_origin[TS_ORIGIN_MODELLED + 1];
    char cost_unit[TS_UNIT_BYTES]; /* of a verdict */
    struct ts_verdict verdicts[TS_MAX_VERDICTS];
    size_t n_verdicts;
    struct ts_recorded_row recorded[TS_MAX_RECORDED_ROWS];
    size_t n_recorded; /* 0 if the scenario records nothing */
    double worst_error_frac;
    struct ts_cash_row *cash; /* [n_cash] today, then a row a year */
    size_t n_cash;
};

/* What a subject's figure came to; NaN if it has none. The figure has to be in the table. */
double ts_report_value(const struct ts_report *report, uint32_t subject, const char *name, const char *stat);
/* The same with its unit, as people read it. */
void ts_report_put(struct ts_text *out, const struct ts_report *report, uint32_t subject, const char *name,
                   const char *stat);

/* Is there something to say of `nowhere`: did requests end there, or is the router's work in its row? */
bool ts_report_tells_nowhere(const struct ts_report *report);

/* ---- tables of figures ---- */

/* A column of a table whose rows are tiers or classes, or a line of a list. */
struct ts_column {
    const char *header, *name, *stat;
};

/* Lists of them end with header = NULL. */
extern const struct ts_column ts_service_columns[], ts_latency_columns[], ts_session_columns[], ts_money_columns[],
    ts_worth_columns[], ts_energy_columns[], ts_class_columns[], ts_glance_columns[], ts_plan_lines[];

const struct ts_metric *ts_column_metric(const struct ts_column *column);

/* ---- SLO and limits ---- */

void ts_report_find_verdicts(struct ts_report *report);

/* ---- percentiles with their intervals ---- */

/* Of all classes for the terminal, and of each for the page. TS_ENOMEM. */
enum ts_status ts_report_tails_text(struct ts_text *out, const struct ts_report *report);
enum ts_status ts_report_tails_html(struct ts_text *out, const struct ts_report *report);

/* ---- prediction beside recording ---- */

/* TS_ENOMEM. */
enum ts_status ts_report_find_recorded(struct ts_report *report);
/* A table for the terminal, and one for the page; nothing if the scenario records nothing. */
enum ts_status ts_report_recorded_text(struct ts_text *out, const struct ts_report *report);
enum ts_status ts_report_recorded_html(struct ts_text *out, const struct ts_report *report);
/* recorded.csv: metric,stat,predicted_s,recorded_s,error_frac. */
void ts_report_recorded_csv(struct ts_text *out, const struct ts_report *report);

/* ---- what the plan is compared with ---- */

/* "permitted", "same_weights": as in baselines.csv. */
const char *ts_report_baseline_key(enum ts_baseline_kind kind);
bool ts_report_has_baselines(const struct ts_report *report);
/* "the same models at an API: 6283 USD/month; payback against that: never", where that is cheaper than what the
 * headline takes; false: it is not. */
bool ts_report_put_same_weights(struct ts_text *out, const struct ts_report *report);
/* Tables for the terminal and the page; nothing if the plan is held against nothing. TS_ENOMEM. */
enum ts_status ts_report_baselines_text(struct ts_text *out, const struct ts_report *report);
enum ts_status ts_report_baselines_html(struct ts_text *out, const struct ts_report *report);
/* baselines.csv: a row for each; "never" is a payback beyond the horizon, an empty cell is not known. */
void ts_report_baselines_csv(struct ts_text *out, const struct ts_report *report);

/* ---- what only some tiers have to say ---- */

/* Overload, batteries and prompt caches, a sentence a tier: a line each for the terminal, a list for the page. */
void ts_report_notes_text(struct ts_text *out, const struct ts_report *report);
void ts_report_notes_html(struct ts_text *out, const struct ts_report *report);

/* ---- the scenario's events ---- */

/* A sentence an event, as notes are. */
void ts_report_incidents_text(struct ts_text *out, const struct ts_report *report);
void ts_report_incidents_html(struct ts_text *out, const struct ts_report *report);
/* incidents.csv: a row each time that an event strikes. */
void ts_report_incidents_csv(struct ts_text *out, const struct ts_report *report);

/* ---- kinds of devices in mixed fleets ---- */

bool ts_report_has_kinds(const struct ts_report *report);
/* device_kinds.csv, a row a kind; docs/OUTPUT.md. */
void ts_report_devices_csv(struct ts_text *out, const struct ts_report *report);
/* Tables; nothing without them. TS_ENOMEM. */
enum ts_status ts_report_devices_text(struct ts_text *out, const struct ts_report *report);
void ts_report_devices_html(struct ts_text *out, const struct ts_report *report);

/* ---- why attempts ended: sim/reasons.h ---- */

/* outcomes.csv: tier,class,outcome,attempts,went_on,lost; docs/OUTPUT.md. */
void ts_report_outcomes_csv(struct ts_text *out, const struct ts_report *report);
/* A member `attempts` of an object that is open. */
struct ts_json_writer;
void ts_report_outcomes_json(struct ts_json_writer *writer, const struct ts_report *report, uint32_t tier,
                             uint32_t class_id);
/* A table, if any attempt ended without a reply. */
void ts_report_outcomes_html(struct ts_text *out, const struct ts_report *report);
/* " (3 full, 1 barred)": why calls were rejected; nothing if none was. */
void ts_report_put_losses(struct ts_text *out, const struct ts_report *report);

/* ---- uncertain inputs ---- */

/* As ts_report_put of all tiers and classes; where inputs were drawn with no more digits than the interval knows, and
 * with it: "13,500 USD/month [11,900, 15,300]". */
void ts_report_put_doubt(struct ts_text *out, const struct ts_report *report, enum ts_doubt doubt);
/* For the page: "8 of 10 draws: 11,900 to 15,300; ", or nothing; and to which step the figure is known, or 0. */
void ts_report_put_range(struct ts_text *out, const struct ts_report *report, enum ts_doubt doubt);
/* A figure of the whole plan with the digits of another that has an interval; all of them where nothing was drawn. */
void ts_report_put_like(struct ts_text *out, const struct ts_report *report, const char *name, enum ts_doubt like);
/* The saving as a share of the API bill, with as many digits as the saving has. */
void ts_report_put_saving_share(struct ts_text *out, const struct ts_report *report);
double ts_report_doubt_step(const struct ts_report *report, enum ts_doubt doubt);
/* A number of that unit to that step, 0: all of its digits. */
void ts_report_put_step(struct ts_text *out, double value, double step, const char *unit);
/* A power of ten, a fifth to a fiftieth of the interval's width; 0: it has none. */
double ts_report_step(const struct ts_interval *interval);
/* Which figure the inputs are weighed by: what the plan is worth, or what it costs where nothing is compared. */
enum ts_doubt ts_report_weighed(const struct ts_report *report);
/* The unit of a figure, in the report's currency: it lies in `out` where it is another. */
const char *ts_report_doubt_unit(char out[TS_UNIT_BYTES], const struct ts_report *report, enum ts_doubt doubt);
/* Inputs by what they move that figure by, from p10 to p90, the widest first: order[n_inputs]. */
void ts_report_order_inputs(uint32_t *order, const struct ts_report *report);
/* What was done, in a sentence or two: draws, inputs, points, errors. */
void ts_report_put_study(struct ts_text *out, const struct ts_report *report);

/* The sections; nothing where no inputs were drawn. */
enum ts_status ts_report_uncertainty_text(struct ts_text *out, const struct ts_report *report);
void ts_report_uncertainty_html(struct ts_text *out, const struct ts_report *report);
/* uncertainty.csv, tornado.csv, payback_fan.csv: docs/OUTPUT.md. */
void ts_report_uncertainty_csv(struct ts_text *out, const struct ts_report *report);
void ts_report_tornado_csv(struct ts_text *out, const struct ts_report *report);
void ts_report_fan_csv(struct ts_text *out, const struct ts_report *report);

/* ---- quality ---- */

/* Is there more than one tier to choose from? */
bool ts_report_has_choice(const struct ts_model *model);
/* "95 % of what cloud alone answers right, at 26 % of its cost; PGR 73 %"; nothing without a choice. */
void ts_report_put_quality(struct ts_text *out, const struct ts_report *report);
/* frontier.csv: line,threshold,share_strongest,quality,pgr; lines: plan, random, best-single, oracle, router. */
void ts_report_frontier_csv(struct ts_text *out, const struct ts_report *report);

/* ---- the files ---- */

enum ts_status ts_report_summary_csv(const char *path, const struct ts_report *report, struct ts_diags *diags);
enum ts_status ts_report_series_csv(const char *path, const struct ts_report *report, struct ts_diags *diags);
/* The ledger: by month, and as FOCUS 1.2; docs/OUTPUT.md. out->failed: out of memory. */
void ts_report_plan_csv(struct ts_text *out, const struct ts_report *report);
void ts_report_focus_csv(struct ts_text *out, const struct ts_report *report);
enum ts_status ts_report_run_json(struct ts_text *out, const struct ts_report *report);
/* files: names of all files of the report. */
enum ts_status ts_report_manifest_json(struct ts_text *out, const struct ts_report *report,
                                       const struct ts_names *files);

/* The page; charts are read from `dir` (id.svg) where they are there. */
enum ts_status ts_report_html(struct ts_text *out, const struct ts_report *report, const char *dir);

/* At most `max` (> 3) characters, control characters as blanks, "..." where something was left out. */
void ts_report_put_clipped(struct ts_text *out, const char *string, size_t max);

/* Up to which volume a server tier keeps the SLO, where that was simulated; false: it was not. */
bool ts_report_put_capacity(struct ts_text *out, const struct ts_report *report, uint32_t tier);
/* "in month 36 64 % answered right: ..."; false: no model becomes better. */
bool ts_report_put_later(struct ts_text *out, const struct ts_report *report);
/* "a month at 2 times today's volume: 18,120 USD; ..."; false: it has not been simulated. */
bool ts_report_put_growth(struct ts_text *out, const struct ts_report *report);
/* Why there is nothing to compare the plan's cost with. */
const char *ts_report_no_baseline(const struct ts_report *report);
/* "24 h", "31.5 min": how long a window was. */
void ts_report_put_time(struct ts_text *out, double seconds);

#endif
