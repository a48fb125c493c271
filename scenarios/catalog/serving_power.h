/* What an accelerator draws while it serves, from published fits of energy per token (energy.csv). */
#ifndef TS_SCENARIOS_CATALOG_SERVING_POWER_H
#define TS_SCENARIOS_CATALOG_SERVING_POWER_H

#include "scenarios/catalog/catalog.h"

/* Of one accelerator while it decodes n sequences: low_w + (high_w - low_w) x n/(n + TS_SERVING_POWER_HALF_SEQS). */
struct ts_serving_power {
    double low_w, high_w;
    unsigned n_fits; /* 0: no model of like size was measured on that hardware; both are 0 */
};

#define TS_SERVING_POWER_HALF_SEQS 48.0

/* Means over the fits of models of like size (within a factor of 5) on that hardware of the lowest and the highest
 * power of their batches. A model that begins with `without` is left out (NULL: none). */
struct ts_serving_power ts_serving_power_fitted(const struct ts_catalog *catalog, const char *hardware, double params,
                                                const char *without);

double ts_serving_power_at(const struct ts_serving_power *power, double n_seqs);

/* The fitted power with n_seqs sequences; where there is none above the idle power, 74 % of the design power: an H100
 * in serving draws 519 W, median, of 700 W. */
double ts_serving_power_w(const struct ts_catalog *catalog, const struct ts_hardware *hardware, double params,
                          const char *without, double n_seqs);
#define TS_SERVING_POWER_SHARE 0.74

#endif
