/* The points that no other beats in everything: Pareto's front. Pure. */
#ifndef TS_STUDY_PARETO_H
#define TS_STUDY_PARETO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* front[i]: no other of the n points is at least as good as point i in all figures and better in one. values
 * [n][n_figures], smaller is better; points that are alike are all on it. One with a NaN among its values is not on it
 * and beats nobody. TS_ENOMEM. */
enum ts_status ts_pareto_front(bool *front, const double *values, uint32_t n, uint32_t n_figures);

#endif
