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

static void put_head(struct ts_text *out, const struct ts_report_input *input)
{
    ts_text_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    ts_html_put(out, input->model->name);
    ts_text_puts(out, " - tiersim report</title>\n");
    put_style(out);
    ts_text_puts(out, "</head>\n");
}

static void put_header(struct ts_text *out, const struct ts_report_input *input, const struct ts_report_views *views)
{
    const struct ts_result *result = input->result;
    double runs = result->n_replications > 0 ? result->n_replications : 1;
    ts_text_puts(out, "<header>\n<p class=\"eyebrow\">tiersim report</p>\n<h1>");
    ts_html_put(out, input->model->name);
    ts_text_puts(out, "</h1>\n<p class=\"lede\">");
    ts_html_put(out, input->model->description);
    ts_text_puts(out, "</p>\n<p class=\"facts\"><span>");
    ts_report_put_time(out, result->window_s / runs);
    ts_text_puts(out, " simulated</span><span>");
    ts_metric_put(out, &views->all, "arrived", "sum");
    ts_text_printf(out, " requests</span><span>%u tier%s</span><span>seed %llu</span>", (unsigned)input->model->n_tiers,
                   input->model->n_tiers == 1 ? "" : "s", (unsigned long long)input->model->seed);
    if (result->n_replications > 1) {
        ts_text_printf(out, "<span>%u replications</span>", (unsigned)result->n_replications);
    }
    if (result->warmup_s > 0.0) {
        ts_text_puts(out, "<span>without a warm-up of ");
        ts_report_put_time(out, result->warmup_s / runs);
        ts_text_puts(out, " and its ");
        ts_metric_put(out, &views->all, "left_out", "sum");
        ts_text_puts(out, " requests</span>");
    }
    if (input->info->created != NULL) {
        ts_text_puts(out, "<span>");
        ts_html_put(out, input->info->created);
        ts_text_puts(out, "</span>");
    }
    ts_text_puts(out, "</p>\n</header>\n");
}

static void put_footer(struct ts_text *out, const struct ts_report_input *input)
{
    ts_text_puts(out, "<footer>\n<p>A month is 730 hours. Latencies are the client's: router, network, queueing and "
                      "retries included. "
                      "kWh are at the meter, host and cooling included.</p>\n<p>tiersim ");
    ts_html_put(out, input->info->tool_version);
    ts_text_puts(
        out, " &middot; data: <a href=\"summary.csv\">summary.csv</a>, <a href=\"timeseries.csv\">timeseries.csv</a>, "
             "<a href=\"run.json\">run.json</a>, <a href=\"manifest.json\">manifest.json</a></p>\n</footer>\n");
}

enum ts_status ts_report_html(struct ts_text *out, const struct ts_report_input *input,
                              const struct ts_report_views *views, const char *dir)
{
    put_head(out, input);
    ts_text_puts(out, "<body>\n");
    put_header(out, input, views);
    ts_text_puts(out, "<main>\n");
    ts_html_headline(out, input, views);
    enum ts_status status = ts_html_charts(out, dir);
    if (status == TS_OK) {
        status = ts_html_tables(out, input, views);
    }
    ts_html_sources(out, input);
    ts_text_puts(out, "</main>\n");
    put_footer(out, input);
    ts_text_puts(out, "</body>\n</html>\n");
    return status == TS_OK && out->failed ? TS_ENOMEM : status;
}
