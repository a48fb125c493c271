/* Hides what has to change before an SVG of gnuplot can stand inside a page: the XML prologue goes, names that gnuplot
 * gives to every picture alike (gpPt7, textbox, ...) get the chart's own prefix, and a label for those who do not see
 * it is added. The greys of chart.h become variables that report.css sets for light and for dark pages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "reports/chart.h"
#include "reports/html.h"
#include "reports/report_html.h"

static const size_t SVG_MAX_BYTES = (size_t)16 << 20;

/* The length of "rgb( 51, 51, 51)" at `at` if it is one of chart.h's greys, which become variables of report.css; else
 * 0. */
static size_t grey_at(const char *at, const char **variable)
{
    static const struct {
        int level;
        const char *variable;
    } greys[] = {
        {0x33, "var(--chart-ink)"}, {0x80, "var(--chart-faint)"}, {0xdd, "var(--grid)"}, {0xff, "transparent"}};
    int red = 0, green = 0, blue = 0, len = 0;
    if (sscanf(at, "rgb(%d,%d,%d)%n", &red, &green, &blue, &len) != 3 || len == 0 || red != green || red != blue) {
        return 0;
    }
    for (size_t i = 0; i < sizeof greys / sizeof *greys; i++) {
        if (greys[i].level == red) {
            *variable = greys[i].variable;
            return (size_t)len;
        }
    }
    return 0;
}

/* Copies `svg`; after each of these the chart's id is inserted. */
static void put_with_own_names(struct ts_text *out, const char *svg, const char *id)
{
    static const char *const before[] = {"id='", "id=\"gnuplot_", "href='#", "url(#"};
    for (const char *at = svg; *at != '\0';) {
        const char *variable = NULL;
        size_t skip = 0, grey = *at == 'r' ? grey_at(at, &variable) : 0;
        for (size_t i = 0; i < sizeof before / sizeof *before && skip == 0; i++) {
            skip = strncmp(at, before[i], strlen(before[i])) == 0 ? strlen(before[i]) : 0;
        }
        if (grey > 0) {
            ts_text_puts(out, variable);
            at += grey;
        } else if (skip > 0) {
            ts_text_append(out, at, skip);
            ts_text_printf(out, "%s_", id);
            at += skip;
        } else {
            ts_text_append(out, at++, 1);
        }
    }
}

static void put_svg(struct ts_text *out, const char *file, const struct ts_chart *chart)
{
    const char *svg = strstr(file, "<svg");
    if (svg == NULL) {
        return;
    }
    ts_text_puts(out, "<div class=\"drawing\"><svg role=\"img\" aria-label=\"");
    ts_html_put(out, chart->title);
    ts_text_puts(out, "\"");
    put_with_own_names(out, svg + strlen("<svg"), chart->id);
    ts_text_puts(out, "</div>\n");
}

static void put_caption(struct ts_text *out, const struct ts_chart *chart, bool drawn)
{
    ts_text_puts(out, "<figcaption><strong>How to read this.</strong> ");
    ts_html_put(out, chart->reading);
    ts_text_puts(out, " <span class=\"files\">");
    if (drawn) {
        ts_text_printf(out, "<a href=\"%s.svg\">SVG</a> <a href=\"%s.png\">PNG</a> ", chart->id, chart->id);
    }
    ts_text_printf(out, "<a href=\"%s.gp\">script</a> <a href=\"%s.dat\">data</a></span></figcaption>\n", chart->id,
                   chart->id);
}

static enum ts_status put_chart(struct ts_text *out, const char *dir, const struct ts_chart *chart)
{
    struct ts_text name;
    char *file = NULL;
    size_t len = 0;
    ts_text_init(&name);
    ts_text_printf(&name, "%s.svg", chart->id);
    char *path = ts_path_join(dir, name.data);
    ts_text_deinit(&name);
    if (path == NULL) {
        return TS_ENOMEM;
    }
    bool drawn = ts_file_exists(path) && ts_file_read(&file, &len, path, SVG_MAX_BYTES, NULL) == TS_OK;
    free(path);
    ts_text_printf(out, "<figure class=\"chart\" id=\"%s\">\n<h3>", chart->id);
    ts_html_put(out, chart->title);
    ts_text_puts(out, "</h3>\n");
    if (drawn) {
        put_svg(out, file, chart);
    } else {
        ts_text_printf(out,
                       "<p class=\"missing\">Not drawn: gnuplot was absent or failed. With gnuplot installed, "
                       "<code>gnuplot %s.gp</code> in this folder draws it.</p>\n",
                       chart->id);
    }
    put_caption(out, chart, drawn);
    ts_text_puts(out, "</figure>\n");
    free(file);
    return TS_OK;
}

enum ts_status ts_html_charts(struct ts_text *out, const struct ts_report *report, const char *dir)
{
    ts_text_puts(out, "<section class=\"charts\" aria-label=\"Charts\">\n");
    for (const struct ts_chart *chart = ts_charts; chart->id != NULL; chart++) {
        enum ts_status status = ts_chart_applies(chart, report) ? put_chart(out, dir, chart) : TS_OK;
        if (status != TS_OK) {
            return status;
        }
    }
    ts_text_puts(out, "</section>\n");
    return TS_OK;
}
