/* Published measurements in the words of their sources -> rows of scenarios/catalog/published.csv. */
#ifndef TS_TESTS_CALIBRATION_ROWS_H
#define TS_TESTS_CALIBRATION_ROWS_H

#include <stddef.h>

#include "base/diag.h"
#include "base/text.h"

enum calibration_fate {
    CALIBRATION_USED,
    CALIBRATION_POWER,       /* no rate */
    CALIBRATION_OUTLIER,     /* named in the data's notes */
    CALIBRATION_LAYER_SPLIT, /* several GPUs one after another: no tensor parallelism */
    CALIBRATION_WAITING,     /* a time to first token under load: other prompts are in it */
    CALIBRATION_CONTEXT,     /* no prompt and output lengths in the row */
    CALIBRATION_HOST_BOUND,  /* a stack of 2023: decode takes 30 ms where the weights take 5 */
    CALIBRATION_SERVING,     /* recorded under load: serving.csv */
    CALIBRATION_HARDWARE,    /* no peaks known, one engine on one board, or a whole service */
    CALIBRATION_ENGINE,      /* an engine that decides (another path than the class's), a clock of its own */
    CALIBRATION_MODEL,       /* not in models.csv */
    CALIBRATION_QUANT,       /* not in quants.csv */
    CALIBRATION_N_FATES,
};

const char *calibration_fate_name(enum calibration_fate fate);

/* Reads the measurements; appends published.csv to `out`; counts rows by fate. */
enum ts_status calibration_rows(struct ts_text *out, const char *path, size_t counts[CALIBRATION_N_FATES],
                                struct ts_diags *diags);

#endif
