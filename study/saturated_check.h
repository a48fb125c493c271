/* How well the simulator predicts the most that a server puts out, when all of a benchmark's requests wait from the
 * beginning: each is written as a user would type it, from catalog names. No constant is fitted to these recordings. */
#ifndef TS_STUDY_SATURATED_CHECK_H
#define TS_STUDY_SATURATED_CHECK_H

#include "base/diag.h"
#include "base/text.h"
#include "scenarios/catalog/catalog.h"

/* ratios: [catalog->n_saturated], predicted over recorded tokens a second; of ts_catalog_load_published. TS_ENOMEM;
 * TS_EINPUT: a row that is no scenario. */
enum ts_status ts_saturated_check(double *ratios, const struct ts_catalog *catalog, struct ts_diags *diags);

/* That quantile of |ratio - 1|. */
double ts_saturated_error(const double *ratios, size_t n, double quantile);

/* The table of docs/ACCURACY.md, as Markdown. */
void ts_saturated_print(struct ts_text *out, const struct ts_catalog *catalog, const double *ratios);

#endif
