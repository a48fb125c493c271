/* Hides how the assumptions are listed and filtered: radio buttons before the table and CSS that hides the rows of
 * other origins; no script. */
#include <string.h>

#include "base/units.h"
#include "reports/html.h"
#include "reports/report_html.h"

enum { N_ORIGINS = TS_ORIGIN_MODELLED + 1 };

/* Class names for report.css. */
static const char *origin_class(enum ts_origin origin)
{
    switch (origin) {
    case TS_ORIGIN_SCENARIO:
        return "scenario";
    case TS_ORIGIN_COMMAND:
        return "command";
    case TS_ORIGIN_DEFAULT:
        return "default";
    case TS_ORIGIN_CATALOG:
        return "catalog";
    case TS_ORIGIN_MEASURED:
        return "measured";
    case TS_ORIGIN_IMPORTED:
        return "imported";
    case TS_ORIGIN_FITTED:
        return "fitted";
    case TS_ORIGIN_MODELLED:
        return "modelled";
    }
    return "";
}

static void put_filter(struct ts_text *out, const char *class_name, const char *label, size_t n, bool checked)
{
    ts_text_printf(out,
                   "<input type=\"radio\" name=\"origin\" id=\"only-%s\"%s><label for=\"only-%s\" class=\"tag %s\">%s "
                   "<b>%zu</b></label>\n",
                   class_name, checked ? " checked" : "", class_name, class_name, label, n);
}

static void put_filters(struct ts_text *out, const struct ts_model *model)
{
    size_t counts[N_ORIGINS] = {0};
    for (size_t i = 0; i < model->n_assumptions; i++) {
        counts[model->assumptions[i].origin]++;
    }
    put_filter(out, "all", "all", model->n_assumptions, true);
    for (int origin = 0; origin < N_ORIGINS; origin++) {
        if (counts[origin] > 0) {
            put_filter(out, origin_class((enum ts_origin)origin), ts_origin_name((enum ts_origin)origin),
                       counts[origin], false);
        }
    }
}

static void put_assumption(struct ts_text *out, const struct ts_assumption *assumption)
{
    const char *class_name = origin_class(assumption->origin);
    ts_text_printf(out, "<tr class=\"from-%s\"><td><code>", class_name);
    ts_html_put(out, assumption->key);
    ts_text_puts(out, "</code></td><td class=\"value\">");
    ts_html_put(out, assumption->value);
    ts_text_printf(out, "</td><td><span class=\"tag %s\">%s</span></td><td class=\"source\">", class_name,
                   ts_origin_name(assumption->origin));
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

static void put_run(struct ts_text *out, const struct ts_report_input *input)
{
    const struct ts_run_info *info = input->info;
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
    ts_metric_format(&text, (double)input->result->n_events, "1");
    ts_text_puts(&text, " events");
    put_pair(out, "simulation took", text.data);
    ts_text_puts(out, "</dl>\n</section>\n");
    out->failed = out->failed || text.failed;
    ts_text_deinit(&text);
}

void ts_html_sources(struct ts_text *out, const struct ts_report_input *input)
{
    const struct ts_model *model = input->model;
    ts_text_puts(
        out,
        "<section class=\"assumptions\">\n<h2>Where every number came from</h2>\n"
        "<p class=\"aid\">Every assumption of the model with its origin. Choose an origin to see only its rows.</p>\n");
    put_filters(out, model);
    ts_text_puts(out, "<div class=\"scroll\">\n<table>\n<thead><tr><th scope=\"col\">key</th><th "
                      "scope=\"col\">value</th><th scope=\"col\">origin</th>"
                      "<th scope=\"col\">source</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < model->n_assumptions; i++) {
        put_assumption(out, &model->assumptions[i]);
    }
    ts_text_puts(out, "</tbody>\n</table>\n</div>\n</section>\n");
    put_run(out, input);
}
