/* Hides the names of a report's files. */
#include "reports/report_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "reports/chart.h"

enum { MAX_MANIFEST_BYTES = 1 << 26 };

const char ts_report_manifest_name[] = "manifest.json";

static bool is_of_chart(const char *name)
{
    static const char *const ends[] = {".dat", ".gp", ".svg", ".png"};
    for (const struct ts_chart *chart = ts_charts; chart->id != NULL; chart++) {
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
            if (ts_str_has_prefix(name, chart->id) && ts_str_equal(name + strlen(chart->id), ends[i])) {
                return true;
            }
        }
    }
    return false;
}

/* May this version write it? */
static bool know(const char *name)
{
    static const char *const names[] = {"summary.csv",    "timeseries.csv",  "recorded.csv",    "baselines.csv",
                                        "incidents.csv",  "outcomes.csv",    "frontier.csv",    "plan.csv",
                                        "bill_focus.csv", "run.json",        "report.html",     "uncertainty.csv",
                                        "tornado.csv",    "payback_fan.csv", "device_kinds.csv"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ts_str_equal(name, names[i])) {
            return true;
        }
    }
    return ts_str_equal(name, ts_report_manifest_name) || is_of_chart(name);
}

bool ts_report_names_have(const struct ts_names *listed, const char *name)
{
    return know(name) || ts_names_have(listed, name);
}

static enum ts_status take_names(struct ts_names *out, bool *is_report, const struct ts_json *root)
{
    const char *tool = ts_json_string(ts_json_get(root, "tool"));
    const struct ts_json *files = ts_json_get(root, "files");
    *is_report = tool && ts_str_equal(tool, "tiersim");
    for (size_t i = 0; *is_report && i < ts_json_length(files); i++) {
        const char *name = ts_json_string(ts_json_at(files, i));
        if (name && !ts_names_add(out, name)) {
            ts_names_deinit(out);
            return TS_ENOMEM;
        }
    }
    return TS_OK;
}

enum ts_status ts_report_names_read(struct ts_names *out, bool *is_report, const char *dir, struct ts_diags *diags)
{
    struct ts_json_doc doc;
    char *text = NULL, *path = ts_path_join(dir, ts_report_manifest_name);
    size_t len = 0;
    *out = (struct ts_names){.n = 0};
    *is_report = false;
    enum ts_status status = path ? TS_OK : TS_ENOMEM;
    if (status == TS_OK && ts_file_exists(path)) {
        status = ts_file_read(&text, &len, path, MAX_MANIFEST_BYTES, diags);
    }
    const enum ts_status parsed = status == TS_OK && text ? ts_json_parse(&doc, path, text, len, NULL) : TS_EINPUT;
    if (parsed == TS_OK) {
        status = take_names(out, is_report, ts_json_root(&doc));
        ts_json_deinit(&doc);
    } else if (parsed != TS_EINPUT) {
        status = parsed;
    }
    free(text);
    free(path);
    return status;
}
