/* Hides the order in which the files of a report are made, and that gnuplot may be absent. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "reports/chart.h"
#include "reports/gnuplot.h"
#include "reports/report_folder.h"
#include "reports/report_parts.h"

static const double GNUPLOT_LIMIT_S = 60.0;

struct report_run {
    const struct ts_report *report;
    struct ts_report_folder folder;
    struct ts_diags *diags;
};

static enum ts_status out_of_memory(struct report_run *run)
{
    return ts_fail(run->diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory while writing the report");
}

/* One file of the folder from text. */
static enum ts_status save(struct report_run *run, const char *id, const char *end, const struct ts_text *text)
{
    struct ts_text name;
    ts_text_init(&name);
    ts_text_printf(&name, "%s%s", id, end);
    char *path = ts_path_join(run->folder.partial, name.data);
    enum ts_status status = path == NULL || name.failed || text->failed
                                ? out_of_memory(run)
                                : ts_file_write(path, text->data, text->len, run->diags);
    free(path);
    ts_text_deinit(&name);
    return status;
}

typedef enum ts_status write_fn(const char *path, const struct ts_report *report, struct ts_diags *diags);

static enum ts_status save_streamed(struct report_run *run, const char *name, write_fn *write)
{
    char *path = ts_path_join(run->folder.partial, name);
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
    ts_text_clear(&text);
    if (status == TS_OK) {
        status = ts_report_manifest_json(&text, run->report);
    }
    if (status == TS_OK) {
        status = save(run, "manifest", ".json", &text);
    }
    ts_text_deinit(&text);
    return status;
}

static enum ts_status save_recorded(struct report_run *run)
{
    if (run->report->input.model->recorded == NULL) {
        return TS_OK;
    }
    struct ts_text text;
    ts_text_init(&text);
    ts_report_recorded_csv(&text, run->report);
    const enum ts_status status = save(run, "recorded", ".csv", &text);
    ts_text_deinit(&text);
    return status;
}

/* ---- charts ---- */

static void remove_drawing(struct report_run *run, const char *dir, const char *id, const char *end)
{
    struct ts_text path;
    ts_text_init(&path);
    ts_text_printf(&path, "%s/%s%s", dir, id, end);
    if (path.failed || (unlink(path.data) != 0 && ts_file_exists(path.data))) {
        ts_diags_add(run->diags, TS_WARNING, ts_span_file(path.data), NULL,
                     "this chart is of an earlier run and could not be removed");
    }
    ts_text_deinit(&path);
}

/* What gnuplot left half-drawn, and what an earlier run left in the folder, would be taken for this run's. */
static void remove_drawings(struct report_run *run, const char *id)
{
    remove_drawing(run, run->folder.partial, id, ".svg");
    remove_drawing(run, run->folder.partial, id, ".png");
    remove_drawing(run, run->folder.dir, id, ".svg");
    remove_drawing(run, run->folder.dir, id, ".png");
}

static enum ts_gnuplot_outcome draw(struct report_run *run, const char *id)
{
    struct ts_text script, why;
    ts_text_init(&script);
    ts_text_init(&why);
    ts_text_printf(&script, "%s.gp", id);
    enum ts_gnuplot_outcome outcome = ts_gnuplot_run(run->folder.partial, script.data, GNUPLOT_LIMIT_S, &why);
    if (outcome == TS_GNUPLOT_FAILED) {
        ts_diags_add(run->diags, TS_WARNING, ts_span_none(), NULL, "gnuplot could not draw %s: %s", script.data,
                     why.data);
    } else if (outcome == TS_GNUPLOT_MISSING) {
        ts_diags_add(
            run->diags, TS_WARNING, ts_span_none(),
            "install it (Debian, Ubuntu: gnuplot-nox; Fedora: gnuplot-minimal; Homebrew: gnuplot), then type for "
            "example: gnuplot latency.gp",
            "gnuplot is not installed: no charts were drawn; their data and scripts are in the report's folder");
    }
    ts_text_deinit(&why);
    ts_text_deinit(&script);
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

static enum ts_status save_charts(struct report_run *run, bool *drawn)
{
    bool missing = false;
    *drawn = true;
    for (const struct ts_chart *chart = ts_charts; chart->id != NULL; chart++) {
        enum ts_status status = save_chart_sources(run, chart);
        if (status != TS_OK) {
            return status;
        }
        enum ts_gnuplot_outcome outcome = missing ? TS_GNUPLOT_MISSING : draw(run, chart->id);
        missing = outcome == TS_GNUPLOT_MISSING;
        if (outcome != TS_GNUPLOT_OK) {
            *drawn = false;
            remove_drawings(run, chart->id);
        }
    }
    return TS_OK;
}

static enum ts_status save_html(struct report_run *run)
{
    struct ts_text page;
    ts_text_init(&page);
    enum ts_status status = ts_report_html(&page, run->report, run->folder.partial);
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
        status = save_recorded(run);
    }
    if (status == TS_OK) {
        status = save_json(run);
    }
    if (status == TS_OK) {
        status = save_charts(run, drawn);
    }
    return status == TS_OK ? save_html(run) : status;
}

enum ts_status ts_report_write(struct ts_report_paths *out, const char *dir, const struct ts_report *report,
                               struct ts_diags *diags)
{
    struct report_run run = {.report = report, .diags = diags};
    bool drawn = false;
    char *html = ts_path_join(dir, "report.html");
    if (html == NULL) {
        return out_of_memory(&run);
    }
    enum ts_status status = ts_report_folder_open(&run.folder, dir, diags);
    if (status == TS_OK) {
        status = write_all(&run, &drawn);
        if (status == TS_OK) {
            status = ts_report_folder_commit(&run.folder, diags);
        } else {
            ts_report_folder_abort(&run.folder);
        }
    }
    if (status != TS_OK) {
        free(html);
        return status;
    }
    *out = (struct ts_report_paths){html, drawn};
    return TS_OK;
}
