/* What a trace looks like, drawn by gnuplot: a CSV, a script and a picture each. */
#ifndef TS_APP_TRACE_CHARTS_H
#define TS_APP_TRACE_CHARTS_H

#include "base/progress.h"
#include "traces/trace_shape.h"

/* Writes into `dir`, which is made: rate, week, tokens, burstiness, reuse, sessions (.csv, .gp, .svg, .png), those that
 * there is something to draw of. Without gnuplot the pictures are missing, with a warning. TS_EIO, TS_ENOMEM,
 * TS_EINTERRUPTED. */
enum ts_status ts_trace_charts(const char *dir, const struct ts_trace_shape *shape, const struct ts_trace_stats *stats,
                               const struct ts_progress *progress, struct ts_diags *diags);

#endif
