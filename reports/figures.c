/* Hides the order of a run's figures and that sums over tiers and classes are made once for all figures of a subject.
 */
#include "reports/figures.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"

/* ---- which figures there are ---- */

static uint32_t classes_of(const struct ts_model *model, enum ts_figure_extent extent)
{
    return extent == TS_FIGURES_OF_RUN ? model->n_classes : 0;
}

static void list_subjects(struct ts_figure_list *list, uint32_t n_classes)
{
    const struct ts_model *model = list->model;
    for (uint32_t i = 0; i <= model->n_tiers + 1; i++) {
        const uint32_t tier = i == 0 ? ts_all_tiers(model) : i - 1;
        list->subjects[list->n_subjects++] = (struct ts_subject){tier, TS_ALL_CLASSES, TS_NO_POOL};
        for (uint32_t c = 0; c < n_classes; c++) {
            list->subjects[list->n_subjects++] = (struct ts_subject){tier, c, TS_NO_POOL};
        }
    }
    for (uint32_t pool = 0; pool < ts_model_first_pool(model, model->n_tiers); pool++) {
        if (ts_metric_shows_pool(model, pool)) {
            list->subjects[list->n_subjects++] =
                (struct ts_subject){ts_metric_tier_of_pool(model, pool), TS_ALL_CLASSES, pool};
        }
    }
}

static bool applies(const struct ts_metric *metric, const struct ts_figure_list *list, const struct ts_subject *subject,
                    enum ts_figure_extent extent)
{
    const bool all_classes = subject->class_id == TS_ALL_CLASSES;
    const bool all = all_classes && subject->tier == ts_all_tiers(list->model);
    const bool merged = extent != TS_FIGURES_OF_ONE;
    if (!ts_metric_concerns(metric, list->model) || (subject->pool != TS_NO_POOL && !metric->of_pools)) {
        return false;
    }
    switch (metric->scope) {
    case TS_METRIC_REQUESTS:
        return true;
    case TS_METRIC_TIER:
        return all_classes;
    case TS_METRIC_MONEY:
        return all_classes && merged;
    case TS_METRIC_CALLS:
        return merged;
    case TS_METRIC_CLASSES:
        return merged && subject->tier == ts_all_tiers(list->model);
    case TS_METRIC_RUN:
        return all;
    case TS_METRIC_PLAN:
        return all && merged;
    }
    return false;
}

static void list_metrics(struct ts_figure_list *list, enum ts_figure_extent extent)
{
    for (uint32_t i = 0; i < list->n_subjects; i++) {
        list->first[i] = list->n;
        for (const struct ts_metric *metric = ts_metrics; metric->name; metric++) {
            if (applies(metric, list, &list->subjects[i], extent)) {
                list->metrics[list->n++] = metric;
            }
        }
    }
    list->first[list->n_subjects] = list->n;
}

enum ts_status ts_figure_list_init(struct ts_figure_list *out, const struct ts_model *model,
                                   enum ts_figure_extent extent)
{
    const size_t n_classes = classes_of(model, extent);
    const size_t n_subjects = (model->n_tiers + 2) * (1 + n_classes) + ts_model_first_pool(model, model->n_tiers);
    size_t n_metrics = 0;
    while (ts_metrics[n_metrics].name) {
        n_metrics++;
    }
    struct ts_figure_list list = {.model = model,
                                  .subjects = calloc(n_subjects, sizeof *list.subjects),
                                  .first = calloc(n_subjects + 1, sizeof *list.first),
                                  .metrics = calloc(n_subjects * n_metrics, sizeof *list.metrics)};
    if (!list.subjects || !list.first || !list.metrics) {
        ts_figure_list_deinit(&list);
        return TS_ENOMEM;
    }
    list_subjects(&list, (uint32_t)n_classes);
    list_metrics(&list, extent);
    *out = list;
    return TS_OK;
}

void ts_figure_list_deinit(struct ts_figure_list *list)
{
    free(list->subjects);
    free(list->first);
    free(list->metrics);
    *list = (struct ts_figure_list){.n = 0};
}

/* ---- subjects ---- */

static uint32_t find_subject(const struct ts_figure_list *list, struct ts_subject wanted)
{
    for (uint32_t i = 0; i < list->n_subjects; i++) {
        const struct ts_subject *subject = &list->subjects[i];
        if (subject->tier == wanted.tier && subject->class_id == wanted.class_id && subject->pool == wanted.pool) {
            return i;
        }
    }
    TS_CHECK(!"a subject of the list");
    return 0;
}

uint32_t ts_figure_tier(const struct ts_figure_list *list, uint32_t tier)
{
    return find_subject(list, (struct ts_subject){tier, TS_ALL_CLASSES, TS_NO_POOL});
}

uint32_t ts_figure_class(const struct ts_figure_list *list, uint32_t class_id)
{
    return find_subject(list, (struct ts_subject){ts_all_tiers(list->model), class_id, TS_NO_POOL});
}

uint32_t ts_figure_pool(const struct ts_figure_list *list, uint32_t pool)
{
    return find_subject(list, (struct ts_subject){ts_metric_tier_of_pool(list->model, pool), TS_ALL_CLASSES, pool});
}

void ts_figure_put_subject(struct ts_text *out, const struct ts_figure_list *list, uint32_t subject)
{
    const struct ts_subject *of = &list->subjects[subject];
    if (of->pool == TS_NO_POOL) {
        ts_text_puts(out, ts_metric_tier_name(list->model, of->tier));
    } else {
        ts_metric_pool_name(out, list->model, of->pool);
    }
}

/* ---- values ---- */

enum ts_status ts_figures_compute(double *out, const struct ts_figure_list *list, const struct ts_result *result,
                                  const struct ts_econ *econ)
{
    for (uint32_t i = 0; i < list->n_subjects; i++) {
        const struct ts_subject *subject = &list->subjects[i];
        struct ts_metric_view view;
        enum ts_status status = TS_OK;
        if (subject->pool == TS_NO_POOL) {
            status = ts_metric_view_init(&view, list->model, result, econ, subject->tier, subject->class_id);
        } else {
            view = ts_metric_pool_view(list->model, result, subject->pool);
        }
        if (status != TS_OK) {
            return status;
        }
        for (uint32_t k = list->first[i]; k < list->first[i + 1]; k++) {
            out[k] = list->metrics[k]->get(&view, list->metrics[k]);
        }
        ts_metric_view_deinit(&view);
    }
    return TS_OK;
}

double ts_figure_value(const struct ts_figure_list *list, const double *values, uint32_t subject,
                       const struct ts_metric *metric)
{
    TS_CHECK(metric && subject < list->n_subjects);
    for (uint32_t k = list->first[subject]; k < list->first[subject + 1]; k++) {
        if (list->metrics[k] == metric) {
            return values[k];
        }
    }
    return NAN;
}
