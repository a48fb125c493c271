/* Recorded deployments with prefill and decode in pools of their own -> rows of scenarios/catalog/pooled.csv. */
#ifndef TS_TESTS_POOLED_ROWS_H
#define TS_TESTS_POOLED_ROWS_H

#include <stddef.h>

#include "base/diag.h"
#include "base/text.h"

enum pooled_fate {
    POOLED_USED,
    POOLED_WORKERS, /* how many workers there were is told neither by the row nor by one recipe alone */
    POOLED_DRAFTS,  /* several tokens a step are predicted, or may be: not the model alone */
    POOLED_USERS,   /* how many users is not told */
    POOLED_NODES,   /* a worker reaches over several nodes, whose link no catalog row tells */
    POOLED_MODEL,   /* not in models.csv */
    POOLED_WAITS,   /* a third of a reply's time before its first token, though there are seats */
    POOLED_N_FATES,
};

const char *pooled_fate_name(enum pooled_fate fate);

/* Appends pooled.csv, from that sample and those recipes; counts the sample's rows of pools by fate. */
enum ts_status pooled_rows(struct ts_text *out, const char *sample, const char *recipes, size_t counts[POOLED_N_FATES],
                           struct ts_diags *diags);

#endif
