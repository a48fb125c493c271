/* One chart of a command's own: its data, its script, and what gnuplot makes of them, in a folder that is there. */
#ifndef TS_APP_DRAW_CHART_H
#define TS_APP_DRAW_CHART_H

#include "base/diag.h"
#include "base/text.h"

/* Writes dir/ID.dat and dir/ID.gp, and draws dir/ID.svg and dir/ID.png; without gnuplot a
 * warning. TS_EIO, TS_ENOMEM. */
enum ts_status ts_draw_chart(const char *dir, const char *id, const struct ts_text *dat, const struct ts_text *gp,
                             struct ts_diags *diags);

#endif
