/* The line on the terminal that shows how far long work is, and the user's signal that ends it. */
#ifndef TS_APP_PROGRESS_LINE_H
#define TS_APP_PROGRESS_LINE_H

#include "base/progress.h"

/* Lives as long as the progress made of it. */
struct ts_progress_line {
    bool quiet;
    char prefix[64]; /* before what is being done: "point 2 of 8"; may be empty */
    double until_s;  /* when finishing work ends; 0: nobody has asked since a signal */
};

/* Shows a line on stderr if that is a terminal and the user wants it; stops the work on a signal. */
struct ts_progress ts_progress_line_of(struct ts_progress_line *line);
/* For what puts finished work together and writes it, on one thread: it is given a little time after a signal. */
struct ts_progress ts_progress_line_finishing(struct ts_progress_line *line);
/* Wipes it. */
void ts_progress_line_end(const struct ts_progress_line *line);

#endif
