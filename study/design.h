/* A design: which points a study has. A point is a list of settings, one of each axis; no two points are alike. */
#ifndef TS_STUDY_DESIGN_H
#define TS_STUDY_DESIGN_H

#include "scenarios/language/axis.h"

enum ts_design_kind {
    TS_DESIGN_GRID, /* every value with every other; the last axis changes first */
    TS_DESIGN_LIST, /* the first values of all axes, then the second ... */
    TS_DESIGN_LHS,  /* Latin hypercube: n points, each axis cut into n equal parts, a point in each (McKay et al., 1979)
                     */
    TS_DESIGN_SOBOL, /* Sobol's low-discrepancy sequence, as GSL has it */
    TS_N_DESIGNS
};

/* "grid", "list", "lhs", "sobol". */
extern const char *const ts_design_names[TS_N_DESIGNS];

enum { TS_MAX_POINTS = 1000000 };

struct ts_design_spec {
    enum ts_design_kind kind;
    struct ts_axis axes[TS_MAX_AXES];
    uint32_t n_axes;   /* none: the scenario alone, one point */
    uint32_t n_points; /* of lhs and sobol; of these fewer come out where axes have few values */
    uint64_t seed;     /* of lhs */
};

struct ts_design {
    const struct ts_design_spec *spec;
    const char *const *settings; /* [n][n_axes] */
    uint32_t n;
};

/* Borrows the spec; allocates in `arena`. TS_EUSAGE with a diagnostic, TS_ENOMEM. */
enum ts_status ts_design_make(struct ts_design *out, const struct ts_design_spec *spec, struct ts_arena *arena,
                              struct ts_diags *diags);

static inline const char *const *ts_design_point(const struct ts_design *design, uint32_t i)
{
    return design->settings + (size_t)i * design->spec->n_axes;
}

/* What a point is known by: its settings in alphabetical order, a line each. */
void ts_design_put_key(struct ts_text *out, const struct ts_design *design, uint32_t i);

#endif
