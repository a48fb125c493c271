/* What the fitted step times say about recordings: `tiersim catalog accuracy`. */
#ifndef TS_APP_ACCURACY_REPORT_H
#define TS_APP_ACCURACY_REPORT_H

#include "study/accuracy.h"

/* Fits every class, and again without each chip, model, source and engine; the tables as Markdown on stdout, or (dir
 * not NULL) in dir/ACCURACY.md, with each point in accuracy.csv and two charts. */
enum ts_status ts_accuracy_report(const char *dir, struct ts_arena *arena, struct ts_diags *diags);

/* accuracy_charts.c: accuracy_scatter and accuracy_batch, .dat, .gp, .svg and .png, of a class of serving engines. */
enum ts_status ts_accuracy_charts(const char *dir, const struct ts_accuracy *of, struct ts_diags *diags);

#endif
