/* Hides how the files of a chart are called, and how long gnuplot may take. */
#include "app/draw_chart.h"

#include <stdio.h>

#include "base/file.h"
#include "reports/gnuplot.h"

static const double gnuplot_limit_s = 60.0;

enum ts_status ts_draw_chart(const char *dir, const char *id, const struct ts_text *dat, const struct ts_text *gp,
                             struct ts_diags *diags)
{
    char name[64];
    struct ts_text why;
    (void)snprintf(name, sizeof name, "%s.dat", id);
    enum ts_status status = ts_file_write_text(dir, name, dat, diags);
    (void)snprintf(name, sizeof name, "%s.gp", id);
    status = status == TS_OK ? ts_file_write_text(dir, name, gp, diags) : status;
    ts_text_init(&why);
    const enum ts_gnuplot_outcome outcome =
        status == TS_OK ? ts_gnuplot_draw(dir, id, gnuplot_limit_s, NULL, &why) : TS_GNUPLOT_OK;
    if (outcome != TS_GNUPLOT_OK) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), outcome == TS_GNUPLOT_MISSING ? "install gnuplot" : NULL,
                     "%s.gp was not drawn%s%s", id, why.len > 0 ? ": " : "", why.len > 0 ? why.data : "");
    }
    ts_text_deinit(&why);
    return status;
}
