/* Recorded serving points in the words of their sources -> rows of scenarios/catalog/serving.csv. */
#ifndef TS_TESTS_SERVING_ROWS_H
#define TS_TESTS_SERVING_ROWS_H

#include <stddef.h>

#include "base/diag.h"
#include "base/text.h"
#include "serving_repeats.h"

enum serving_fate {
    SERVING_USED,
    SERVING_APART,     /* prefill and decode in pools of their own */
    SERVING_NODES,     /* more accelerators than a node has, or their number cannot be read */
    SERVING_HARDWARE,  /* not in hardware.csv */
    SERVING_MODEL,     /* not in models.csv */
    SERVING_GROUPS,    /* the users are divided among several engines */
    SERVING_DRAFTS,    /* several tokens a step are predicted, or may be: not the model alone */
    SERVING_WAITS,     /* requests wait for slots or memory: a third of a reply's time before its first token */
    SERVING_ELSEWHERE, /* of hardware_measurements.csv: in published.csv, or in the sample already */
    SERVING_N_FATES,
};

const char *serving_fate_name(enum serving_fate fate);

/* Reads the three files in that folder, and serving_amd.csv beside this one; appends serving.csv to `out`; counts rows
 * by fate; notes how far times to the first token and per token of one point lie apart. */
enum ts_status serving_rows(struct ts_text *out, const char *folder, size_t counts[SERVING_N_FATES],
                            struct serving_repeats repeats[2], struct ts_diags *diags);

#endif
