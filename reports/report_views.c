/* Hides which sums the parts of a report look at: all tiers, each tier, each class, of the merged run. */
#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "reports/report_parts.h"

static enum ts_status init_all(struct ts_report_views *views, const struct ts_report_input *input)
{
    const struct ts_model *model = input->model;
    uint32_t all = ts_all_tiers(model);
    enum ts_status status = ts_metric_view_init(&views->all, model, input->result, input->econ, all, TS_ALL_CLASSES);
    for (uint32_t i = 0; status == TS_OK && i <= model->n_tiers; i++) {
        status = ts_metric_view_init(&views->tiers[i], model, input->result, input->econ, i, TS_ALL_CLASSES);
        views->n_tiers += status == TS_OK;
    }
    for (uint32_t i = 0; status == TS_OK && i < input->result->n_classes; i++) {
        status = ts_metric_view_init(&views->classes[i], model, input->result, input->econ, all, i);
        views->n_classes += status == TS_OK;
    }
    return status;
}

enum ts_status ts_report_views_init(struct ts_report_views *out, const struct ts_report_input *input)
{
    struct ts_report_views views = {
        .tiers = calloc((size_t)input->model->n_tiers + 1, sizeof *views.tiers),
        .classes = calloc((size_t)input->result->n_classes + 1, sizeof *views.classes),
    };
    enum ts_status status = views.tiers != NULL && views.classes != NULL ? init_all(&views, input) : TS_ENOMEM;
    if (status != TS_OK) {
        ts_report_views_deinit(&views);
        return status;
    }
    *out = views;
    return TS_OK;
}

void ts_report_views_deinit(struct ts_report_views *views)
{
    for (uint32_t i = 0; i < views->n_tiers; i++) {
        ts_metric_view_deinit(&views->tiers[i]);
    }
    for (uint32_t i = 0; i < views->n_classes; i++) {
        ts_metric_view_deinit(&views->classes[i]);
    }
    ts_metric_view_deinit(&views->all);
    free(views->tiers);
    free(views->classes);
    *views = (struct ts_report_views){.n_tiers = 0};
}

void ts_report_put_time(struct ts_text *out, double seconds)
{
    if (seconds >= 7200.0 && seconds <= 172800.0) {
        ts_text_number(out, seconds / 3600.0, 3);
        ts_text_puts(out, " h");
        return;
    }
    ts_units_format(out, seconds, "s");
}

void ts_report_put_clipped(struct ts_text *out, const char *string, size_t max)
{
    size_t width = 0;
    for (const char *at = string; *at != '\0'; at++) {
        width += ((unsigned char)*at & 0xc0) != 0x80;
    }
    size_t keep = width > max ? max - 3 : max, n = 0;
    for (const char *at = string; *at != '\0'; at++) {
        n += ((unsigned char)*at & 0xc0) != 0x80;
        if (n > keep) {
            ts_text_puts(out, "...");
            return;
        }
        ts_text_append(out, (unsigned char)*at < 0x20 || *at == 0x7f ? " " : at, 1);
    }
}
