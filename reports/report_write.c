/* Hides the order in which the files of a report are made, and that gnuplot may be absent. */
#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "reports/chart.h"
#include "reports/gnuplot.h"
#include "reports/report_names.h"
#include "reports/report_parts.h"

static const double GNUPLOT_LIMIT_S = 60.0;

struct report_run {
    const struct ts_report *report;
    struct ts_report_folder *folder;
    struct ts_diags *diags;
};

static enum ts_status out_of_memory(struct report_run *run)
{
    return ts_fail(run->diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory while writing the report");
}

/* Into the folder that nobody looks into yet. */
static enum ts_status write_file(const char *path, const struct ts_text *text, struct ts_diags *diags)
{
    struct ts_file_writer file;
    enum ts_status status = ts_file_writer_create(&file, path, diags);
    if (status != TS_OK) {
        return status;
    }
    if (fwrite(text->data, 1, text->len, file.stream) != text->len) {
        status = ts_fail_errno(diags, path, "cannot write", errno);
        ts_file_writer_abort(&file);
        return status;
    }
    return ts_file_writer_commit(&file, diags);
}

/* One file of the folder from text. */
static enum ts_status save(struct report_run *run, const char *id, const char *end, const struct ts_text *text)
{
    struct ts_text name;
    ts_text_init(&name);
    ts_text_printf(&name, "%s%s", id, end);
    char *path = ts_path_join(run->folder->fresh, name.data);
    enum ts_status status =
        path == NULL || name.failed || text->failed ? out_of_memory(run) : write_file(path, text, run->diags);
    status = status == TS_OK && !ts_progress_ask(run->report->input.progress) ? TS_EINTERRUPTED : status;
    free(path);
    ts_text_deinit(&name);
    return status;
}

typedef enum ts_status write_fn(const char *path, const struct ts_report *report, struct ts_diags *diags);

static enum ts_status save_streamed(struct report_run *run, const char *name, write_fn *write)
{
    char *path = ts_path_join(run->folder->fresh, name);
    enum ts_status status = path == NULL ? out_of_memory(run) : write(path, run->report, run->diags);
    free(path);
    return status;
}

static enum ts_status save_json(struct report_run *run)
{
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = ts_report_run_json(&text, run->report);
    if (status == TS_OK) {
        status = save(run, "run", ".json", &text);
    }
    ts_text_deinit(&text);
    return status;
}

/* The last file: it lists the others. */
static enum ts_status save_manifest(struct report_run *run)
{
    struct ts_text text;
    struct ts_names files;
    enum ts_status status = ts_names_of_folder(&files, run->folder->fresh, run->diags);
    if (status != TS_OK) {
        return status;
    }
    ts_text_init(&text);
    status = ts_names_add(&files, ts_report_manifest_name) ? ts_report_manifest_json(&text, run->report, &files)
                                                           : out_of_memory(run);
    if (status == TS_OK) {
        status = save(run, ts_report_manifest_name, "", &text);
    }
    ts_text_deinit(&text);
    ts_names_deinit(&files);
    return status;
}

typedef void put_fn(struct ts_text *out, const struct ts_report *report);

static enum ts_status save_csv(struct report_run *run, const char *id, put_fn *put)
{
    struct ts_text text;
    ts_text_init(&text);
    put(&text, run->report);
    const enum ts_status status = save(run, id, ".csv", &text);
    ts_text_deinit(&text);
    return status;
}

/* What only some reports have. */
static enum ts_status save_some(struct report_run *run)
{
    const struct ts_report_input *input = &run->report->input;
    const struct {
        const char *id;
        put_fn *put;
        bool wanted;
    } files[] = {{"recorded", ts_report_recorded_csv, input->model->recorded != NULL},
                 {"baselines", ts_report_baselines_csv, ts_report_has_baselines(run->report)},
                 {"incidents", ts_report_incidents_csv, input->model->n_incidents > 0},
                 {"frontier", ts_report_frontier_csv, ts_report_has_choice(input->model)},
                 {"uncertainty", ts_report_uncertainty_csv, input->uncertainty != NULL},
                 {"tornado", ts_report_tornado_csv, input->uncertainty != NULL},
                 {"device_kinds", ts_report_devices_csv, ts_report_has_kinds(run->report)},
                 {"payback_fan", ts_report_fan_csv, input->uncertainty != NULL}};
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < sizeof files / sizeof files[0]; i++) {
        status = files[i].wanted ? save_csv(run, files[i].id, files[i].put) : TS_OK;
    }
    return status;
}

/* ---- charts ---- */

static enum ts_gnuplot_outcome draw(struct report_run *run, const char *id)
{
    struct ts_text why;
    ts_text_init(&why);
    enum ts_gnuplot_outcome outcome =
        ts_gnuplot_draw(run->folder->fresh, id, GNUPLOT_LIMIT_S, run->report->input.progress, &why);
    if (outcome == TS_GNUPLOT_FAILED || outcome == TS_GNUPLOT_TIMED_OUT) {
        ts_diags_add(run->diags, TS_WARNING, ts_span_none(), NULL, "gnuplot could not draw %s.gp: %s", id, why.data);
    } else if (outcome == TS_GNUPLOT_MISSING) {
        ts_diags_add(
            run->diags, TS_WARNING, ts_span_none(),
            "install it (Debian, Ubuntu: gnuplot-nox; Fedora: gnuplot-minimal; Homebrew: gnuplot), then type for "
            "example: gnuplot latency.gp",
            "gnuplot is not installed: no charts were drawn; their data and scripts are in the report's folder");
    }
    ts_text_deinit(&why);
    return outcome;
}

static enum ts_status save_chart_sources(struct report_run *run, const struct ts_chart *chart)
{
    struct ts_text dat, gp;
    ts_text_init(&dat);
    ts_text_init(&gp);
    enum ts_status status = ts_chart_make(&dat, &gp, chart, run->report);
    if (status == TS_OK) {
        status = save(run, chart->id, ".dat", &dat);
    }
    if (status == TS_OK) {
        status = save(run, chart->id, ".gp", &gp);
    }
    ts_text_deinit(&gp);
    ts_text_deinit(&dat);
    return status;
}

/* Without gnuplot, or with one that does not come to an end, the others are not tried. */
static enum ts_status save_charts(struct report_run *run, bool *drawn)
{
    bool try = true;
    *drawn = true;
    for (const struct ts_chart *chart = ts_charts; chart->id != NULL; chart++) {
        if (!ts_chart_applies(chart, run->report)) {
            continue;
        }
        enum ts_status status = save_chart_sources(run, chart);
        if (status != TS_OK) {
            return status;
        }
        const enum ts_gnuplot_outcome outcome = try ? draw(run, chart->id) : TS_GNUPLOT_MISSING;
        if (outcome == TS_GNUPLOT_STOPPED) {
            return TS_EINTERRUPTED;
        }
        try = outcome == TS_GNUPLOT_OK || outcome == TS_GNUPLOT_FAILED;
        *drawn = *drawn && outcome == TS_GNUPLOT_OK;
    }
    return TS_OK;
}

static enum ts_status save_html(struct report_run *run)
{
    struct ts_text page;
    ts_text_init(&page);
    enum ts_status status = ts_report_html(&page, run->report, run->folder->fresh);
    status = status == TS_OK ? save(run, "report", ".html", &page) : out_of_memory(run);
    ts_text_deinit(&page);
    return status;
}

static enum ts_status write_all(struct report_run *run, bool *drawn)
{
    enum ts_status status = save_streamed(run, "summary.csv", ts_report_summary_csv);
    if (status == TS_OK) {
        status = save_streamed(run, "timeseries.csv", ts_report_series_csv);
    }
    if (status == TS_OK) {
        status = save_csv(run, "plan", ts_report_plan_csv);
    }
    if (status == TS_OK) {
        status = save_csv(run, "bill_focus", ts_report_focus_csv);
    }
    if (status == TS_OK) {
        status = save_csv(run, "outcomes", ts_report_outcomes_csv);
    }
    if (status == TS_OK) {
        status = save_some(run);
    }
    if (status == TS_OK) {
        status = save_json(run);
    }
    if (status == TS_OK) {
        status = save_charts(run, drawn);
    }
    if (status == TS_OK) {
        status = save_html(run);
    }
    return status == TS_OK ? save_manifest(run) : status;
}

enum ts_status ts_report_write(bool *drawn, struct ts_report_folder *folder, const struct ts_report *report,
                               struct ts_diags *diags)
{
    struct report_run run = {.report = report, .folder = folder, .diags = diags};
    bool all_drawn = false;
    enum ts_status status = ts_report_folder_begin(folder, diags);
    if (status == TS_OK) {
        status = write_all(&run, &all_drawn);
    }
    if (status == TS_OK) {
        status = ts_report_folder_commit(folder, diags);
    }
    if (status == TS_OK) {
        *drawn = all_drawn;
    }
    return status;
}
