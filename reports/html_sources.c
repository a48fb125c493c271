/* Hides how the assumptions are listed and filtered: radio buttons before the table and CSS that hides the rows of
 * other origins; no script. */
#include <string.h>

#include "base/units.h"
#include "reports/html.h"
#include "reports/report_html.h"

/* The class of report.css: the first word of the origin's name. */
static int class_length(enum ts_origin origin)
{
    return (int)strcspn(ts_origin_name(origin), " ");
}

static void put_filter(struct ts_text *out, const char *label, int class_length, size_t n, bool checked)
{
    ts_text_printf(out,
                   "<input type=\"radio\" name=\"origin\" id=\"only-%.*s\"%s><label for=\"only-%.*s\" class=\"tag "
                   "%.*s\">%s <b>%zu</b></label>\n",
                   class_length, label, checked ? " checked" : "", class_length, label, class_length, label, label, n);
}

static void put_filters(struct ts_text *out, const struct ts_report *report)
{
    put_filter(out, "all", 3, report->input.model->n_assumptions, true);
    for (int i = TS_ORIGIN_SCENARIO; i <= TS_ORIGIN_MODELLED; i++) {
        const enum ts_origin origin = (enum ts_origin)i;
        if (report->n_of_origin[i] > 0) {
            put_filter(out, ts_origin_name(origin), class_length(origin), report->n_of_origin[i], false);
        }
    }
}

static void put_assumption(struct ts_text *out, const struct ts_assumption *assumption)
{
    const char *name = ts_origin_name(assumption->origin);
    const int length = class_length(assumption->origin);
    ts_text_printf(out, "<tr class=\"from-%.*s\"><td><code>", length, name);
    ts_html_put(out, assumption->key);
    ts_text_puts(out, "</code></td><td class=\"value\">");
    ts_html_put(out, assumption->value);
    ts_text_printf(out, "</td><td><span class=\"tag %.*s\">%s</span></td><td class=\"source\">", length, name, name);
    ts_html_put(out, assumption->source);
    ts_text_puts(out, "</td></tr>\n");
}

static void put_pair(struct ts_text *out, const char *label, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        ts_text_printf(out, "<div><dt>%s</dt><dd>", label);
        ts_html_put(out, value);
        ts_text_puts(out, "</dd></div>\n");
    }
}

static void put_run(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_run_info *info = report->input.info;
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(out, "<section>\n<h2>This run</h2>\n<dl class=\"pairs\">\n");
    put_pair(out, "command", info->command);
    put_pair(out, "scenario", info->scenario_path);
    put_pair(out, "trace", info->trace_path);
    put_pair(out, "hash of the trace", info->trace_hash);
    if (info->trace_path != NULL) {
        ts_text_printf(&text, "%llu", (unsigned long long)info->n_dropped_rows);
        put_pair(out, "rows of the trace dropped", text.data);
    }
    put_pair(out, "measurement", info->measurement_path);
    put_pair(out, "host", info->host);
    out->failed = out->failed || text.failed;
    ts_text_clear(&text);
    ts_units_format(&text, info->wall_s, "s");
    ts_text_printf(&text, " on %u thread%s, ", (unsigned)info->n_threads, info->n_threads == 1 ? "" : "s");
    ts_report_put(&text, report, TS_SUBJECT_ALL, "events", "value");
    ts_text_puts(&text, " events");
    put_pair(out, "simulation took", text.data);
    ts_text_puts(out, "</dl>\n</section>\n");
    out->failed = out->failed || text.failed;
    ts_text_deinit(&text);
}

void ts_html_sources(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    ts_text_puts(
        out,
        "<section class=\"assumptions\">\n<h2>Where every number comes from</h2>\n"
        "<p class=\"aid\">Every assumption of the model with its origin. Choose an origin to see only its rows.</p>\n");
    put_filters(out, report);
    ts_text_puts(out, "<div class=\"scroll\">\n<table>\n<thead><tr><th scope=\"col\">key</th><th "
                      "scope=\"col\">value</th><th scope=\"col\">origin</th>"
                      "<th scope=\"col\">source</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < model->n_assumptions; i++) {
        put_assumption(out, &model->assumptions[i]);
    }
    ts_text_puts(out, "</tbody>\n</table>\n</div>\n</section>\n");
    put_run(out, report);
}
