/* The figures of a run: one number for each metric and whoever it is of. Which there are, and in which order, follows
 * from the model alone; each is computed once, and every part of a report reads it here. A single replication is kept
 * as such a row of numbers, not as a result. */
#ifndef TS_REPORTS_FIGURES_H
#define TS_REPORTS_FIGURES_H

#include "reports/metric.h"

/* Whom figures are of. */
struct ts_subject {
    uint32_t tier;     /* an index; n_tiers: nowhere; n_tiers + 1: all */
    uint32_t class_id; /* TS_ALL_CLASSES: all */
    uint32_t pool;     /* among all that are listed, TS_NO_POOL: the whole tier */
};

#define TS_NO_POOL UINT32_MAX

enum { TS_SUBJECT_ALL = 0 }; /* all tiers, all classes */

/* What there are figures of. */
enum ts_figure_extent {
    TS_FIGURES_OF_ONE,   /* a single replication: no money, no classes */
    TS_FIGURES_OF_POINT, /* the merged run: no classes */
    TS_FIGURES_OF_RUN    /* the merged run */
};

struct ts_figure_list {
    const struct ts_model *model;
    struct ts_subject *subjects; /* all tiers, each tier, nowhere, each followed by its classes; then pools */
    uint32_t n_subjects;
    uint32_t *first;                  /* [n_subjects + 1] where the figures of a subject begin */
    const struct ts_metric **metrics; /* [n] in the order of summary.csv */
    uint32_t n;
};

/* Borrows the model. TS_ENOMEM. */
enum ts_status ts_figure_list_init(struct ts_figure_list *out, const struct ts_model *model,
                                   enum ts_figure_extent extent);
void ts_figure_list_deinit(struct ts_figure_list *list);

/* Indices of subjects. */
uint32_t ts_figure_tier(const struct ts_figure_list *list, uint32_t tier);      /* nowhere and all too */
uint32_t ts_figure_class(const struct ts_figure_list *list, uint32_t class_id); /* over all tiers */
uint32_t ts_figure_pool(const struct ts_figure_list *list, uint32_t pool);
/* "edge", "nowhere", "all", "edge/old". */
void ts_figure_put_subject(struct ts_text *out, const struct ts_figure_list *list, uint32_t subject);

/* Computes out[list->n]. econ may be NULL for TS_FIGURES_OF_ONE. TS_ENOMEM. */
enum ts_status ts_figures_compute(double *out, const struct ts_figure_list *list, const struct ts_result *result,
                                  const struct ts_econ *econ);
/* NaN if the subject has none. The metric has to be there. */
double ts_figure_value(const struct ts_figure_list *list, const double *values, uint32_t subject,
                       const struct ts_metric *metric);

/* The replications of a run, one row each. */
struct ts_figure_rows {
    struct ts_figure_list list;
    double *values; /* [n][list.n] */
    uint32_t n;
};

static inline const double *ts_figure_row(const struct ts_figure_rows *rows, uint32_t i)
{
    return rows->values + (size_t)i * rows->list.n;
}

#endif
