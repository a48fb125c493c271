/* Any model of step times in the form of a measurement file: t = f(tokens) + b*seqs + c*kv + e*pairs, fitted to times
 * that the model gives over a grid of steps. */
#ifndef TS_STUDY_STEP_GRID_H
#define TS_STUDY_STEP_GRID_H

#include "imports/import.h"
#include "sim/model.h"

/* Up to which the grid goes. */
struct ts_step_grid {
    double most_tok, most_seqs; /* of a step */
    double most_past_tok;       /* before a prompt's chunk */
    double most_depth_tok;      /* KV entries that a sequence in decode reads */
};

/* As ts_import_fit_steps: the fits, their checks on steps between, and info->points. TS_ERANGE: the bounds leave too
 * few steps. */
enum ts_status ts_step_grid_fit(struct ts_model_measurement *m, struct ts_import *info, struct ts_arena *arena,
                                const struct ts_steps_model *from, const struct ts_step_grid *within);

#endif
