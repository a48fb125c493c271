/* Hides the layout of summary.csv (long form: one figure a row; the merged run is replication `all`) and
 * timeseries.csv. Numbers are the shortest decimals that read back exactly, so the same run gives the same bytes; NaN
 * is an empty field, an endless payback is inf. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "reports/report_parts.h"

struct csv_out {
    struct ts_file_writer file;
    struct ts_text text; /* what is not yet in the file */
    const char *path;
    struct ts_diags *diags;
};

static enum ts_status csv_open(struct csv_out *out, const char *path, const char *header, struct ts_diags *diags)
{
    *out = (struct csv_out){.path = path, .diags = diags};
    ts_text_init(&out->text);
    enum ts_status status = ts_file_writer_open(&out->file, path, diags);
    if (status == TS_OK) {
        ts_text_puts(&out->text, header);
    }
    return status;
}

static enum ts_status csv_flush(struct csv_out *out)
{
    if (out->text.failed) {
        return ts_fail(out->diags, TS_ENOMEM, ts_span_file(out->path), NULL, "out of memory");
    }
    if (fwrite(out->text.data, 1, out->text.len, out->file.stream) != out->text.len) {
        return ts_fail(out->diags, TS_EIO, ts_span_file(out->path), NULL, "cannot write: %s", strerror(errno));
    }
    ts_text_clear(&out->text);
    return TS_OK;
}

static enum ts_status csv_close(struct csv_out *out, enum ts_status status)
{
    if (status == TS_OK) {
        status = csv_flush(out);
    }
    if (status == TS_OK) {
        status = ts_file_writer_commit(&out->file, out->diags);
    } else {
        ts_file_writer_abort(&out->file);
    }
    ts_text_deinit(&out->text);
    return status;
}

static void put_number(struct ts_text *text, double value, bool first)
{
    struct ts_text number;
    ts_text_init(&number);
    if (!isnan(value)) {
        ts_text_double(&number, value);
    }
    text->failed = text->failed || number.failed;
    ts_csv_put(text, number.data, first);
    ts_text_deinit(&number);
}

/* ---- summary.csv ---- */

static void put_figure(struct ts_text *text, const char *replication, const char *tier_name, const char *class_name,
                       const struct ts_metric_view *view, const struct ts_metric *metric)
{
    ts_csv_put(text, view->model->name, true);
    ts_csv_put(text, replication, false);
    ts_csv_put(text, tier_name, false);
    ts_csv_put(text, class_name, false);
    ts_csv_put(text, metric->name, false);
    ts_csv_put(text, metric->stat, false);
    put_number(text, metric->get(view, metric), false);
    ts_csv_put(text, metric->unit, false);
    ts_text_puts(text, "\n");
}

static bool applies(const struct ts_metric *metric, const struct ts_metric_view *view, bool all_classes)
{
    bool all_tiers = view->tier > view->model->n_tiers;
    switch (metric->scope) {
    case TS_METRIC_REQUESTS:
        return true;
    case TS_METRIC_TIER:
        return all_classes;
    case TS_METRIC_MONEY:
        return all_classes && view->econ != NULL;
    case TS_METRIC_RUN:
        return all_classes && all_tiers;
    case TS_METRIC_PLAN:
        return all_classes && all_tiers && view->econ != NULL;
    }
    return false;
}

static enum ts_status put_view(struct csv_out *out, const struct ts_report_input *input, const struct ts_result *result,
                               const char *replication, uint32_t tier, uint32_t class_id)
{
    struct ts_metric_view view;
    bool merged = result == input->result;
    const char *class_name = class_id == TS_ALL_CLASSES ? "all" : input->model->class_names[class_id];
    enum ts_status status =
        ts_metric_view_init(&view, input->model, result, merged ? input->econ : NULL, tier, class_id);
    if (status != TS_OK) {
        return status;
    }
    for (const struct ts_metric *metric = ts_metrics; metric->name != NULL; metric++) {
        if (ts_metric_concerns(metric, view.model) && applies(metric, &view, class_id == TS_ALL_CLASSES)) {
            put_figure(&out->text, replication, ts_metric_tier_name(view.model, view.tier), class_name, &view, metric);
        }
    }
    ts_metric_view_deinit(&view);
    return csv_flush(out);
}

/* A row names a pool as "tier/pool". */
static enum ts_status put_pools(struct csv_out *out, const struct ts_report_input *input,
                                const struct ts_result *result, const char *replication)
{
    struct ts_text name;
    ts_text_init(&name);
    for (uint32_t pool = 0; pool < result->n_pools; pool++) {
        const struct ts_metric_view view = ts_metric_pool_view(input->model, result, pool);
        ts_text_clear(&name);
        ts_metric_pool_name(&name, input->model, pool);
        for (const struct ts_metric *metric = ts_metrics; metric->name != NULL && !name.failed; metric++) {
            if (metric->of_pools) {
                put_figure(&out->text, replication, name.data, "all", &view, metric);
            }
        }
    }
    const bool failed = name.failed;
    ts_text_deinit(&name);
    return failed ? TS_ENOMEM : csv_flush(out);
}

/* One run: all tiers first, then each tier, then those that no tier took. Classes only of the merged run. */
static enum ts_status put_run(struct csv_out *out, const struct ts_report_input *input, const struct ts_result *result,
                              const char *replication)
{
    uint32_t n_tiers = input->model->n_tiers;
    uint32_t n_classes = result == input->result ? result->n_classes : 0;
    enum ts_status status = TS_OK;
    for (uint32_t i = 0; status == TS_OK && i <= n_tiers + 1; i++) {
        uint32_t tier = i == 0 ? ts_all_tiers(input->model) : i - 1;
        status = put_view(out, input, result, replication, tier, TS_ALL_CLASSES);
        for (uint32_t c = 0; status == TS_OK && c < n_classes; c++) {
            status = put_view(out, input, result, replication, tier, c);
        }
    }
    return status == TS_OK ? put_pools(out, input, result, replication) : status;
}

enum ts_status ts_report_summary_csv(const char *path, const struct ts_report_input *input, struct ts_diags *diags)
{
    struct csv_out out;
    enum ts_status status = csv_open(&out, path, "scenario,replication,tier,class,metric,stat,value,unit\n", diags);
    if (status != TS_OK) {
        return status;
    }
    status = put_run(&out, input, input->result, "all");
    for (uint32_t i = 0; status == TS_OK && i < input->n_replications; i++) {
        char replication[16];
        snprintf(replication, sizeof replication, "%u", (unsigned)i);
        status = put_run(&out, input, &input->replications[i], replication);
    }
    return csv_close(&out, status);
}

/* ---- timeseries.csv ---- */

static void put_bin(struct ts_text *text, const struct ts_report_input *input, uint32_t bin, uint32_t tier)
{
    const struct ts_result *result = input->result;
    const bool all = tier > result->n_tiers;
    const double runs = result->n_replications > 0 ? (double)result->n_replications : 1.0;
    put_number(text, bin * result->bin_s, true);
    put_number(text, (bin + 1) * result->bin_s, false);
    ts_csv_put(text, ts_metric_tier_name(input->model, tier), false);
    put_number(text, all ? (double)result->arrivals[bin] / (result->bin_s * runs) : NAN, false);
    for (const struct ts_series *series = ts_series; series->column; series++) {
        put_number(text, ts_series_value(series, input->model, result, tier, bin), false);
    }
    ts_text_puts(text, "\n");
}

enum ts_status ts_report_series_csv(const char *path, const struct ts_report_input *input, struct ts_diags *diags)
{
    struct csv_out out;
    enum ts_status status = csv_open(&out, path, "start_s,end_s,tier,arrivals_per_s", diags);
    if (status != TS_OK) {
        return status;
    }
    for (const struct ts_series *series = ts_series; series->column; series++) {
        ts_text_printf(&out.text, ",%s", series->column);
    }
    ts_text_puts(&out.text, "\n");
    for (uint32_t bin = 0; status == TS_OK && bin < input->result->n_bins; bin++) {
        put_bin(&out.text, input, bin, ts_all_tiers(input->model));
        for (uint32_t tier = 0; tier < input->model->n_tiers; tier++) {
            put_bin(&out.text, input, bin, tier);
        }
        status = csv_flush(&out);
    }
    return csv_close(&out, status);
}
