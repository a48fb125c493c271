/* Hides how the page is put together: one file without any request to elsewhere, the style and the charts inside it. */
#include "reports/report_html.h"

#include <string.h>

#include "base/embed.h"
#include "reports/html.h"

extern const struct ts_embedded_file ts_embedded_report_style[];

static void put_style(struct ts_text *out)
{
    ts_text_puts(out, "<style>\n");
    for (const struct ts_embedded_file *file = ts_embedded_report_style; file->name != NULL; file++) {
        ts_text_append(out, file->data, file->len);
    }
    ts_text_puts(out, "</style>\n");
}

static void put_head(struct ts_text *out, const struct ts_report *report)
{
    ts_text_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    ts_html_put(out, report->input.model->name);
    ts_text_puts(out, " - tiersim report</title>\n");
    put_style(out);
    ts_text_puts(out, "</head>\n");
}

static void put_header(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    const uint64_t n_replications = report->input.result->n_replications;
    ts_text_puts(out, "<header>\n<p class=\"eyebrow\">tiersim report</p>\n<h1>");
    ts_html_put(out, model->name);
    ts_text_puts(out, "</h1>\n<p class=\"lede\">");
    ts_html_put(out, model->description);
    ts_text_puts(out, "</p>\n<p class=\"facts\"><span>");
    ts_report_put_time(out, report->window_s);
    ts_text_puts(out, " simulated</span><span>");
    ts_report_put(out, report, TS_SUBJECT_ALL, "arrived", "sum");
    ts_text_puts(out, " requests</span>");
    if (model->users.n > 0) {
        ts_text_printf(out, "<span>%u user%s in a closed loop</span>", (unsigned)model->users.n,
                       model->users.n == 1 ? "" : "s");
    }
    ts_text_printf(out, "<span>%u tier%s</span><span>seed %llu</span>", (unsigned)model->n_tiers,
                   model->n_tiers == 1 ? "" : "s", (unsigned long long)model->seed);
    if (n_replications > 1) {
        ts_text_printf(out, "<span>%u replications</span>", (unsigned)n_replications);
    }
    if (report->warmup_s > 0.0) {
        ts_text_puts(out, "<span>without a warm-up of ");
        ts_report_put_time(out, report->warmup_s);
        ts_text_puts(out, " and its ");
        ts_report_put(out, report, TS_SUBJECT_ALL, "left_out", "sum");
        ts_text_puts(out, " requests</span>");
    }
    if (report->input.info->created != NULL) {
        ts_text_puts(out, "<span>");
        ts_html_put(out, report->input.info->created);
        ts_text_puts(out, "</span>");
    }
    ts_text_puts(out, "</p>\n</header>\n");
}

static void put_footer(struct ts_text *out, const struct ts_report *report)
{
    ts_text_puts(out, "<footer>\n<p>A month is 730 hours");
    if (report->input.model->month_told) {
        ts_text_puts(out, "; ");
        ts_html_put(out, report->input.model->month_told);
    }
    ts_text_puts(out, ". Latencies are the client's: router, network, queueing and "
                      "retries included. "
                      "kWh are at the meter, host and cooling included.</p>\n<p>tiersim ");
    ts_html_put(out, report->input.info->tool_version);
    ts_text_puts(
        out, " &middot; data: <a href=\"summary.csv\">summary.csv</a>, <a href=\"timeseries.csv\">timeseries.csv</a>, "
             "<a href=\"run.json\">run.json</a>, <a href=\"manifest.json\">manifest.json</a></p>\n</footer>\n");
}

enum ts_status ts_report_html(struct ts_text *out, const struct ts_report *report, const char *dir)
{
    put_head(out, report);
    ts_text_puts(out, "<body>\n");
    put_header(out, report);
    ts_text_puts(out, "<main>\n");
    ts_html_headline(out, report);
    enum ts_status status = ts_html_charts(out, report, dir);
    ts_report_uncertainty_html(out, report);
    if (status == TS_OK) {
        status = ts_html_tables(out, report);
    }
    ts_html_sources(out, report);
    ts_text_puts(out, "</main>\n");
    put_footer(out, report);
    ts_text_puts(out, "</body>\n</html>\n");
    return status == TS_OK && out->failed ? TS_ENOMEM : status;
}
