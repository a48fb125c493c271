/* Hides the layout of summary.csv (long form: one figure a row; the merged run is replication `all`) and
 * timeseries.csv. Numbers are the shortest decimals that read back exactly, so that the same run gives bit-identical
 * files; NaN is an empty field, an endless payback is inf. */
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
    const struct ts_progress *progress;
    struct ts_diags *diags;
};

static enum ts_status csv_open(struct csv_out *out, const char *path, const char *header,
                               const struct ts_report_input *input, struct ts_diags *diags)
{
    *out = (struct csv_out){.path = path, .progress = input->progress, .diags = diags};
    ts_text_init(&out->text);
    enum ts_status status = ts_file_writer_create(&out->file, path, diags);
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
        return ts_fail_errno(out->diags, out->path, "cannot write", errno);
    }
    ts_text_clear(&out->text);
    return ts_progress_ask(out->progress) ? TS_OK : TS_EINTERRUPTED;
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

/* ---- summary.csv ---- */

static void put_figure(struct ts_text *text, const struct ts_figure_list *list, const char *replication,
                       const char *tier_name, const struct ts_subject *subject, uint32_t figure, double value)
{
    const struct ts_metric *metric = list->metrics[figure];
    char unit[TS_UNIT_BYTES];
    ts_csv_put(text, list->model->name, true);
    ts_csv_put(text, replication, false);
    ts_csv_put(text, tier_name, false);
    ts_csv_put(text, subject->class_id == TS_ALL_CLASSES ? "all" : list->model->class_names[subject->class_id], false);
    ts_csv_put(text, metric->name, false);
    ts_csv_put(text, metric->stat, false);
    ts_csv_put_number(text, value, false);
    ts_csv_put(text, ts_metric_unit(unit, metric->unit, list->model), false);
    ts_text_puts(text, "\n");
}

/* One run: a row a figure, in the order of the list. */
static enum ts_status put_run(struct csv_out *out, const struct ts_figure_list *list, const double *values,
                              const char *replication)
{
    struct ts_text name;
    ts_text_init(&name);
    for (uint32_t i = 0; i < list->n_subjects && !name.failed; i++) {
        ts_text_clear(&name);
        ts_figure_put_subject(&name, list, i);
        for (uint32_t k = list->first[i]; k < list->first[i + 1]; k++) {
            put_figure(&out->text, list, replication, name.data, &list->subjects[i], k, values[k]);
        }
    }
    out->text.failed = out->text.failed || name.failed;
    ts_text_deinit(&name);
    return csv_flush(out);
}

enum ts_status ts_report_summary_csv(const char *path, const struct ts_report *report, struct ts_diags *diags)
{
    const struct ts_figure_rows *replications = report->input.replications;
    struct csv_out out;
    enum ts_status status =
        csv_open(&out, path, "scenario,replication,tier,class,metric,stat,value,unit\n", &report->input, diags);
    if (status != TS_OK) {
        return status;
    }
    status = put_run(&out, &report->list, report->values, "all");
    for (uint32_t i = 0; status == TS_OK && replications && i < replications->n; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", (unsigned)i);
        status = put_run(&out, &replications->list, ts_figure_row(replications, i), name);
    }
    return csv_close(&out, status);
}

/* ---- timeseries.csv ---- */

static void put_bin(struct ts_text *text, const struct ts_report_input *input, uint32_t bin, uint32_t tier)
{
    const struct ts_result *result = input->result;
    const bool all = tier > result->n_tiers;
    const double runs = result->n_replications > 0 ? (double)result->n_replications : 1.0;
    ts_csv_put_number(text, bin * result->bin_s, true);
    ts_csv_put_number(text, (bin + 1) * result->bin_s, false);
    ts_csv_put(text, ts_metric_tier_name(input->model, tier), false);
    ts_csv_put_number(text, all ? (double)result->arrivals[bin] / (result->bin_s * runs) : NAN, false);
    for (const struct ts_series *series = ts_series; series->column; series++) {
        if (ts_series_is_told(series, input->model)) {
            ts_csv_put_number(text, ts_series_value(series, input->model, result, tier, bin), false);
        }
    }
    ts_text_puts(text, "\n");
}

enum ts_status ts_report_series_csv(const char *path, const struct ts_report *report, struct ts_diags *diags)
{
    const struct ts_report_input *input = &report->input;
    struct csv_out out;
    enum ts_status status = csv_open(&out, path, "start_s,end_s,tier,arrivals_per_s", input, diags);
    if (status != TS_OK) {
        return status;
    }
    for (const struct ts_series *series = ts_series; series->column; series++) {
        if (ts_series_is_told(series, input->model)) {
            ts_text_printf(&out.text, ",%s", series->column);
        }
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
