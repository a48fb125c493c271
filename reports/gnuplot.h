/* gnuplot as an external process, without a shell in between. */
#ifndef TS_REPORTS_GNUPLOT_H
#define TS_REPORTS_GNUPLOT_H

#include "base/text.h"

enum ts_gnuplot_outcome { TS_GNUPLOT_OK, TS_GNUPLOT_MISSING, TS_GNUPLOT_FAILED };

/* Runs the script `name` inside the folder `dir` and waits at most limit_s seconds, then kills it. When it failed,
 * `why` says how: its first message, its signal, or the limit. */
enum ts_gnuplot_outcome ts_gnuplot_run(const char *dir, const char *name, double limit_s, struct ts_text *why);

/* Appends a name as a gnuplot literal in which nothing is expanded: in single quotes, its apostrophes as typographic
 * ones, control characters as blanks, at most 60 characters. NULL is ''. */
void ts_gnuplot_quote(struct ts_text *out, const char *string);

#endif
