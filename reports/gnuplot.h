/* gnuplot as an external process, without a shell in between. */
#ifndef TS_REPORTS_GNUPLOT_H
#define TS_REPORTS_GNUPLOT_H

#include "base/progress.h"
#include "base/text.h"

enum ts_gnuplot_outcome {
    TS_GNUPLOT_OK,
    TS_GNUPLOT_MISSING,
    TS_GNUPLOT_FAILED,
    TS_GNUPLOT_TIMED_OUT,
    TS_GNUPLOT_STOPPED /* the user wants no more */
};

/* Runs the script `id`.gp, which draws `id`.svg and `id`.png, inside the folder `dir`, and waits for it at most limit_s
 * seconds and as long as the progress goes on (NULL: nobody listens); it and what it started are gone afterwards.
 * Without TS_GNUPLOT_OK there are no pictures, and `why` says how it failed: its first message, its signal, or the
 * limit. */
enum ts_gnuplot_outcome ts_gnuplot_draw(const char *dir, const char *id, double limit_s,
                                        const struct ts_progress *progress, struct ts_text *why);

/* Appends a name as a gnuplot literal in which nothing is expanded: in single quotes, its apostrophes as typographic
 * ones, control characters as blanks, at most 60 characters. NULL is ''. */
void ts_gnuplot_quote(struct ts_text *out, const char *string);

#endif
