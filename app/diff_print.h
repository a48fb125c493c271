/* How a comparison is shown. */
#ifndef TS_APP_DIFF_PRINT_H
#define TS_APP_DIFF_PRINT_H

#include "reports/table.h"
#include "study/diff.h"

struct ts_diff_print {
    const char *a, *b; /* what they are called */
    const struct ts_study_goal *goal;
    enum ts_table_format format; /* text, Markdown, JSON or HTML */
    bool all;                    /* every figure that differs; JSON has all in any case */
};

enum ts_status ts_diff_render(struct ts_text *out, const struct ts_diff *diff, const struct ts_diff_print *print);

/* "+5.2 % +- 0.3 %": a change in the figure's own words. */
void ts_diff_put_change(struct ts_text *out, const struct ts_diff_figure *figure);

#endif
