/* The charts of a report. Each is made of a data file, a gnuplot script, and what gnuplot draws from them: <id>.svg
 * and <id>.png. */
#ifndef TS_REPORTS_CHART_H
#define TS_REPORTS_CHART_H

#include "reports/report_parts.h"

struct ts_chart {
    const char *id; /* file name without its end */
    const char *title;
    const char *reading;                             /* how to read it, two or three sentences */
    bool (*applies)(const struct ts_report *report); /* NULL: to every one */
    /* Appends the data and the part of the script between the frame's beginning and end, `plot` last. */
    void (*make)(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report);
};

/* Ends with id = NULL. */
extern const struct ts_chart ts_charts[];
static inline bool ts_chart_applies(const struct ts_chart *chart, const struct ts_report *report)
{
    return !chart->applies || chart->applies(report);
}

/* The frame of every chart: size, fonts, colours and title, then (at the end) the same picture as PNG. The script draws
 * <id>.svg and <id>.png. */
void ts_chart_begin(struct ts_text *gp, const char *id, const char *title);
void ts_chart_end(struct ts_text *gp, const char *id);

/* The whole data file and the whole script of a chart. */
enum ts_status ts_chart_make(struct ts_text *dat, struct ts_text *gp, const struct ts_chart *chart,
                             const struct ts_report *report);

/* The colour of a tier, everywhere the same: "#0072B2". Okabe and Ito's palette, which colour-blind readers can tell
 * apart (jfly.uni-koeln.de/color, 2008), without its black and with yellow last; beyond seven tiers Paul Tol's muted
 * one. */
const char *ts_chart_colour(uint32_t tier);

/* ---- for the makers ---- */

#define TS_CHART_INK "#333333"
#define TS_CHART_FAINT "#808080"
#define TS_CHART_GRID "#dddddd"
enum { TS_CHART_NAME_MAX = 18 }; /* characters of a tier's name in a key */

/* A number as gnuplot reads it, then what follows. NaN becomes "NaN". */
void ts_chart_put(struct ts_text *out, double value, const char *then);
/* "set label ..." in the middle of an empty chart. */
void ts_chart_say(struct ts_text *gp, const char *message);

/* Appends to the plot command an entry of the key that draws nothing: so the key has its own order, whatever the order
 * in which parts have to be painted over one another. */
void ts_chart_key_entry(struct ts_text *gp, bool *first, const char *style, const char *colour, const char *name);

/* "set ytics" (axis 'y') for money between low and high: at most eight, at 1, 2 or 5 times a power of ten: "800k",
 * "1.2M". */
void ts_chart_money_tics(struct ts_text *gp, char axis, double low_usd, double high_usd);
/* "set xtics" for the months of a horizon, and the range. */
void ts_chart_month_tics(struct ts_text *gp, uint32_t n_months);

void ts_chart_latency(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report);
void ts_chart_cost(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report);
void ts_chart_power(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report);
void ts_chart_frontier(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report);
void ts_chart_payback(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report);
void ts_chart_payback_fan(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report);
void ts_chart_tornado(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report);
void ts_chart_incidents(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report);

#endif
