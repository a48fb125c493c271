/* How well the constants of a class predict what their fit has not seen. */
#ifndef TS_STUDY_ACCURACY_H
#define TS_STUDY_ACCURACY_H

#include "base/text.h"
#include "study/class_fit.h"

struct ts_accuracy {
    const struct ts_class_head *class;
    struct ts_class_constants constants; /* with the errors in them */
    struct ts_class_points points;
    double *fitted; /* [points.n] predicted over recorded, by the fit to all of them */
    double
        *left[TS_CLASS_N_LABELS]; /* [points.n] by the fit without those that share the label; NULL: only one has it */
};

/* Fits class i of ts_class_at, and fits it again without each chip, model, source and engine. */
enum ts_status ts_accuracy_measure(struct ts_accuracy *out, size_t i, const struct ts_catalog *catalog,
                                   struct ts_arena *arena, struct ts_diags *diags);

struct ts_accuracy_error {
    size_t n;
    double median, p90; /* |predicted/recorded - 1| */
    double ratio;       /* median of predicted/recorded */
    double covered;     /* share of recordings within the printed interval; NAN: none is printed */
};

/* Over the points of a measure that wanted(user, point) takes (NULL: all); ratios: fitted or left[...]. */
struct ts_accuracy_error ts_accuracy_error(const struct ts_accuracy *of, const double *ratios,
                                           enum ts_class_measure measure, enum ts_class_label label, uint32_t group);
#define TS_ACCURACY_ALL UINT32_MAX

/* Whether every fit that left out a group of that label was decided by the other points; else it is no error of what is
 * unseen, and neither counts nor is printed. */
bool ts_accuracy_has_left(const struct ts_accuracy *of, enum ts_class_label label);

/* The tables of docs/ACCURACY.md for that class, as Markdown. */
void ts_accuracy_print(struct ts_text *out, const struct ts_accuracy *of);

#endif
