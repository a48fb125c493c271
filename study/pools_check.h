/* How well scenarios with prefill and decode pools predict recorded ones: each is written as a user would type it and
 * simulated, a closed loop of its users. One constant is fitted to them: exchange_us of engines.csv. */
#ifndef TS_STUDY_POOLS_CHECK_H
#define TS_STUDY_POOLS_CHECK_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"
#include "scenarios/catalog/catalog.h"

struct ts_pools_ratio {
    double tpot, ttft, rate; /* predicted over recorded; NAN: the scenario is refused. rate: of the users' replies */
};

/* ratios: [catalog->n_pooled], of ts_catalog_load_published. TS_ENOMEM. */
enum ts_status ts_pools_check(struct ts_pools_ratio *ratios, const struct ts_catalog *catalog, struct ts_diags *diags);

/* The tables of docs/ACCURACY.md, as Markdown. */
void ts_pools_print(struct ts_text *out, const struct ts_catalog *catalog, const struct ts_pools_ratio *ratios);

#endif
