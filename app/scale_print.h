/* What `tiersim curve scale` says and draws. */
#ifndef TS_APP_SCALE_PRINT_H
#define TS_APP_SCALE_PRINT_H

#include "base/diag.h"
#include "study/scale.h"

/* For the terminal: cost by volume, which is the cheapest from where on, what is to be known of each curve. TS_ENOMEM.
 */
enum ts_status ts_scale_print(struct ts_text *out, const struct ts_scale *scale, const struct ts_model *model);

/* scale.csv: every line at 20 volumes of each decade; crossings.csv: every crossing of two lines; scale.svg, scale.png
 * with their data and script. Into a folder that is there. TS_EIO, TS_ENOMEM. */
enum ts_status ts_scale_write(const char *dir, const struct ts_scale *scale, const struct ts_model *model,
                              struct ts_diags *diags);

#endif
