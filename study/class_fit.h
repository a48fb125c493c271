/* The constants of efficiency.csv and engines.csv from the published and recorded points, and what they say about
 * chips, models, sources and engines that they have not seen. */
#ifndef TS_STUDY_CLASS_FIT_H
#define TS_STUDY_CLASS_FIT_H

#include "study/class_points.h"

struct ts_class_head {
    const char *name, *engines; /* "hbm", "serving" */
    double bar;                 /* error allowed on what was left out; 0: only shown */
    const char *source;
};

size_t ts_class_count(void);
const struct ts_class_head *ts_class_at(size_t i);

/* Fitted constants of one class. Engines are those of engines.csv, in its order; a class that has not fitted them (all
 * but the first) takes them as they came. */
struct ts_class_constants {
    struct ts_efficiency efficiency;
    struct ts_engine_cost engines[TS_CLASS_MAX_ENGINES];
    size_t n_engines;
};

/* The points of class i, fitted. ratios: [TS_CLASS_N_LABELS][points->n] of each point, by a fit to all that do not
 * share its label; an engine that is left out has the median of each cost of the others. NULL: not wanted. */
enum ts_status ts_class_fit(struct ts_class_constants *out, size_t i, const struct ts_class_points *points,
                            const struct ts_catalog *catalog, double *const ratios[TS_CLASS_N_LABELS],
                            struct ts_arena *arena, struct ts_diags *diags);

#endif
