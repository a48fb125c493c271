/* What draws come to together: quantiles, the payback fan, how often promises are kept. */
#ifndef TS_STUDY_UNCERTAIN_SUMS_H
#define TS_STUDY_UNCERTAIN_SUMS_H

#include "base/arena.h"
#include "base/status.h"
#include "reports/doubts.h"
#include "sim/model.h"

/* Sets out->n_draws, figures, half, ahead_usd and promises. figures[n][TS_N_DOUBTS]; ahead[n][n_months + 1]. Between
 * two values quantiles are linear in rank (type 7 of Hyndman and Fan, 1996); beside a "never" they are the nearer one.
 * TS_ENOMEM. */
enum ts_status ts_uncertain_sums(struct ts_uncertainty *out, const double *figures, const double *ahead, uint32_t n,
                                 const struct ts_model *model, struct ts_arena *arena);

#endif
