/* How well the simulator predicts recorded stages of open loops: each is written as a user would type it, from catalog
 * names, and simulated for as long as it was recorded. One constant is fitted to them: first_ms of vLLM in engines.csv.
 */
#ifndef TS_STUDY_OPEN_CHECK_H
#define TS_STUDY_OPEN_CHECK_H

#include "base/diag.h"
#include "base/text.h"
#include "scenarios/catalog/catalog.h"

enum ts_open_measure {
    TS_OPEN_E2E,
    TS_OPEN_TTFT,
    TS_OPEN_TPOT, /* (e2e - ttft)/(output - 1), of the means */
    TS_OPEN_E2E_P90,
    TS_OPEN_TTFT_P90,
    TS_OPEN_N_MEASURES
};

/* Predicted over recorded. */
struct ts_open_ratio {
    double of[TS_OPEN_N_MEASURES];
};

/* ratios: [catalog->n_open_stages], of ts_catalog_load_published. TS_ENOMEM; TS_EINPUT: a row that is no scenario. */
enum ts_status ts_open_check(struct ts_open_ratio *ratios, const struct ts_catalog *catalog, struct ts_diags *diags);

/* Median and 90th percentile of |ratio - 1|, and the median ratio, of the stages that `stage` has in common: its
 * source, or its hardware, or its model. */
enum ts_open_label { TS_OPEN_ALL, TS_OPEN_SOURCE, TS_OPEN_CHIP, TS_OPEN_MODEL };
struct ts_open_error {
    size_t n;
    double median, p90, bias;
};
struct ts_open_error ts_open_error(const struct ts_catalog *catalog, const struct ts_open_ratio *ratios,
                                   enum ts_open_measure measure, enum ts_open_label label, size_t stage);

/* The table of docs/ACCURACY.md, as Markdown. */
void ts_open_print(struct ts_text *out, const struct ts_catalog *catalog, const struct ts_open_ratio *ratios);

#endif
