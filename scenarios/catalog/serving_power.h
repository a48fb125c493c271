/* What an accelerator draws while it serves, from published fits of energy per token (energy.csv). */
#ifndef TS_SCENARIOS_CATALOG_SERVING_POWER_H
#define TS_SCENARIOS_CATALOG_SERVING_POWER_H

#include "scenarios/catalog/catalog.h"

/* Median over the fits of chats with models of like size (within a factor of 5) on that hardware of what lies at 0.6
 * between the lowest and the highest power of their batches; *n_fits: how many. 0: there is none. A model that begins
 * with `without` is left out (NULL: none). */
double ts_serving_power_fitted(unsigned *n_fits, const struct ts_catalog *catalog, const char *hardware, double params,
                               const char *without);

/* The same; where there is none, 74 % of the design power: an H100 in serving draws 519 W, median, of 700 W. */
double ts_serving_power_w(const struct ts_catalog *catalog, const struct ts_hardware *hardware, double params,
                          const char *without);
#define TS_SERVING_POWER_SHARE 0.74

#endif
