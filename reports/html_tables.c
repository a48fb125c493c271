/* Hides which tables the page has and which figures stand in them. A table is a list of columns {header, metric}; its
 * rows are tiers or classes. */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "reports/chart.h"
#include "reports/html.h"
#include "reports/report_html.h"
#include "reports/table.h"

struct html_column {
    const char *header, *name, *stat;
};

#define END_OF_COLUMNS                                                                                                 \
    {                                                                                                                  \
        NULL, NULL, NULL                                                                                               \
    }

static const struct html_column service_columns[] = {
    {"requests", "arrived", "sum"},
    {"done", "done", "sum"},
    {"rejected", "rejected", "sum"},
    {"timed out", "timed_out", "sum"},
    {"unfinished", "unfinished", "sum"},
    {"fallback", "fell_back", "sum"},
    {"in time", "attainment", "mean"},
    {"right", "quality", "mean"},
    {"output", "output_rate", "mean"},
    {"busy", "busy", "mean"},
    {"MFU", "mfu", "mean"},
    {"MBU", "mbu", "mean"},
    {"batch", "batch", "mean"},
    {"KV peak", "kv_used", "max"},
    END_OF_COLUMNS,
};

static const struct html_column latency_columns[] = {
    {"TTFT p50", "ttft", "p50"},
    {"p95", "ttft", "p95"},
    {"p99", "ttft", "p99"},
    {"TPOT p50", "tpot", "p50"},
    {"p95", "tpot", "p95"},
    {"ITL p50", "itl", "p50"},
    {"p99", "itl", "p99"},
    {"E2E p50", "e2e", "p50"},
    {"p95", "e2e", "p95"},
    {"p99", "e2e", "p99"},
    {"wait p50", "wait", "p50"},
    {"p95", "wait", "p95"},
    END_OF_COLUMNS,
};

static const struct html_column money_columns[] = {
    {"machines", "cost", "capex"},
    {"energy", "cost", "energy"},
    {"maintenance", "cost", "maintenance"},
    {"staff", "cost", "staff"},
    {"other", "cost", "other"},
    {"API", "cost", "api"},
    {"total", "cost", "total"},
    {"same calls at the API", "baseline_cost", "total"},
    END_OF_COLUMNS,
};

static const struct html_column energy_columns[] = {
    {"idle", "energy", "idle"},
    {"active", "energy", "active"},
    {"host", "energy", "host"},
    {"overhead", "energy", "overhead"},
    {"total", "energy", "total"},
    {"per month", "energy_use", "total"},
    END_OF_COLUMNS,
};

static const struct html_column class_columns[] = {
    {"requests", "arrived", "sum"},  {"prompt", "prompt_tok", "sum"},
    {"output", "output_tok", "sum"}, {"TTFT p50", "ttft", "p50"},
    {"p95", "ttft", "p95"},          {"E2E p50", "e2e", "p50"},
    {"p95", "e2e", "p95"},           {"in time", "attainment", "mean"},
    {"right", "quality", "mean"},    END_OF_COLUMNS,
};

static void begin_section(struct ts_text *out, const char *title, const char *aid)
{
    ts_text_printf(out, "<section>\n<h2>%s</h2>\n<p class=\"aid\">%s</p>\n<div class=\"scroll\">\n<table>\n", title,
                   aid);
}

static void end_section(struct ts_text *out)
{
    ts_text_puts(out, "</tbody>\n</table>\n</div>\n</section>\n");
}

/* Money, energy and tokens fill whole columns, whose header names the unit; times are in the unit that suits each of
 * them. */
static const char *column_unit(const struct html_column *column)
{
    const struct ts_metric *metric = ts_metric_find(column->name, column->stat);
    TS_CHECK(metric != NULL);
    bool named = strncmp(metric->unit, "USD", 3) == 0 || strncmp(metric->unit, "kWh", 3) == 0 ||
                 strncmp(metric->unit, "tok", 3) == 0;
    return named ? metric->unit : NULL;
}

static void put_header(struct ts_text *out, const char *first, const struct html_column *columns)
{
    ts_text_printf(out, "<thead><tr><th scope=\"col\">%s</th>", first);
    for (; columns->name != NULL; columns++) {
        const char *unit = column_unit(columns);
        ts_text_printf(out, "<th scope=\"col\" class=\"num\">%s", columns->header);
        if (unit != NULL) {
            ts_text_printf(out, "<br><small>%s</small>", unit);
        }
        ts_text_puts(out, "</th>");
    }
    ts_text_puts(out, "</tr></thead>\n<tbody>\n");
}

static void put_cells(struct ts_text *out, const struct ts_metric_view *view, const struct html_column *columns)
{
    for (; columns->name != NULL; columns++) {
        const char *unit = column_unit(columns);
        ts_text_puts(out, "<td class=\"num\">");
        if (unit != NULL) {
            ts_metric_format_bare(out, ts_metric_value(view, columns->name, columns->stat), unit);
        } else {
            ts_metric_put(out, view, columns->name, columns->stat);
        }
        ts_text_puts(out, "</td>");
    }
    ts_text_puts(out, "</tr>\n");
}

static void put_tier_name(struct ts_text *out, const struct ts_metric_view *view)
{
    bool real = view->tier < view->model->n_tiers;
    ts_text_printf(out, "<tr%s><th scope=\"row\">", view->tier > view->model->n_tiers ? " class=\"sum\"" : "");
    if (real) {
        ts_text_printf(out, "<span class=\"swatch\" style=\"background:%s\"></span>", ts_chart_colour(view->tier));
    }
    ts_html_put(out, ts_metric_tier_name(view->model, view->tier));
    ts_text_puts(out, "</th>");
}

/* `nowhere` has a row where it has something to say: requests that no tier took, and what the router took for them. */
static bool has_row(const struct ts_report_views *views, uint32_t i, const struct html_column *columns)
{
    const struct ts_metric_view *view = &views->tiers[i];
    if (i + 1 < views->n_tiers) {
        return true;
    }
    return (columns == service_columns && view->cell.arrived > 0) ||
           (columns == money_columns && ts_metric_value(view, "cost", "total") > 0.0);
}

/* A row a tier; all of them last. */
static void put_tier_rows(struct ts_text *out, const struct ts_report_views *views, const struct html_column *columns)
{
    put_header(out, "tier", columns);
    for (uint32_t i = 0; i < views->n_tiers; i++) {
        if (has_row(views, i, columns)) {
            put_tier_name(out, &views->tiers[i]);
            put_cells(out, &views->tiers[i], columns);
        }
    }
    put_tier_name(out, &views->all);
    put_cells(out, &views->all, columns);
}

static void put_what_tiers_are(struct ts_text *out, const struct ts_model *model)
{
    begin_section(out, "The tiers", "What runs where.");
    ts_text_puts(out, "<thead><tr><th scope=\"col\">tier</th><th scope=\"col\">kind</th><th "
                      "scope=\"col\">model</th><th scope=\"col\">hardware</th>"
                      "<th scope=\"col\">step times</th></tr></thead>\n<tbody>\n");
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        const struct ts_tier_model *tier = &model->tiers[i];
        const struct ts_steps_model *steps = tier->kind == TS_TIER_DEVICE   ? &tier->u.device.steps
                                             : tier->kind == TS_TIER_SERVER ? &tier->u.server.pools[0].replica.steps
                                                                            : NULL;
        ts_text_printf(out, "<tr><th scope=\"row\"><span class=\"swatch\" style=\"background:%s\"></span>",
                       ts_chart_colour(i));
        ts_html_put(out, tier->name);
        ts_text_printf(out, "</th><td>%s</td><td>", ts_tier_kind_name(tier->kind));
        ts_html_put(out, tier->model);
        ts_text_puts(out, "</td><td>");
        ts_html_put(out, tier->hardware);
        ts_text_puts(out, "</td><td>");
        if (steps != NULL) {
            ts_text_printf(out, "%s: ", ts_origin_name(steps->origin));
            ts_html_put(out, steps->source);
        } else {
            ts_text_puts(out, "the provider&#39;s");
        }
        ts_text_puts(out, "</td></tr>\n");
    }
    end_section(out);
}

static void put_classes(struct ts_text *out, const struct ts_report_input *input, const struct ts_report_views *views)
{
    begin_section(out, "Classes of requests", "The same requests by what they are, over all tiers.");
    put_header(out, "class", class_columns);
    for (uint32_t i = 0; i < views->n_classes; i++) {
        ts_text_puts(out, "<tr><th scope=\"row\">");
        ts_html_put(out, input->model->class_names[i]);
        ts_text_puts(out, "</th>");
        put_cells(out, &views->classes[i], class_columns);
    }
    end_section(out);
}

/* Month 0, then a row a year. */
static enum ts_status put_cash_flow(struct ts_text *out, const struct ts_econ *econ)
{
    struct ts_table *table = ts_table_create(NULL);
    if (table == NULL) {
        return TS_ENOMEM;
    }
    ts_table_column(table, "months", false);
    ts_table_column(table, "plan (USD)", true);
    ts_table_column(table, "all calls to the API (USD)", true);
    ts_table_column(table, "plan so far (USD)", true);
    ts_table_column(table, "API so far (USD)", true);
    ts_table_column(table, "ahead by (USD)", true);
    for (uint32_t first = 0; first <= econ->n_months; first = first == 0 ? 1 : first + 12) {
        uint32_t last = first == 0 ? 0 : first + 11 < econ->n_months ? first + 11 : econ->n_months;
        double plan_usd = 0.0, baseline_usd = 0.0;
        for (uint32_t m = first; m <= last; m++) {
            plan_usd += econ->plan_usd[m];
            baseline_usd += econ->baseline_usd[m];
        }
        ts_table_row(table);
        if (first == 0) {
            ts_table_put(table, "today");
        } else {
            ts_table_putf(table, "%u to %u", (unsigned)first, (unsigned)last);
        }
        ts_table_num(table, round(plan_usd), 15);
        ts_table_num(table, round(baseline_usd), 15);
        ts_table_num(table, round(econ->plan_cumulative_usd[last]), 15);
        ts_table_num(table, round(econ->baseline_cumulative_usd[last]), 15);
        ts_table_num(table, round(econ->baseline_cumulative_usd[last] - econ->plan_cumulative_usd[last]), 15);
    }
    ts_text_puts(
        out, "<section>\n<h2>Cash flow</h2>\n<p class=\"aid\">Money when it is paid: machines today and when they are "
             "replaced, "
             "everything else month by month, with growing volume and falling prices.</p>\n<div class=\"scroll\">\n");
    enum ts_status status = ts_table_render(table, TS_TABLE_HTML, out);
    ts_text_puts(out, "</div>\n</section>\n");
    ts_table_destroy(table);
    return status;
}

static void put_paybacks(struct ts_text *out, const struct ts_report_views *views)
{
    static const struct {
        const char *label, *name;
    } rows[] = {
        {"payback", "payback"},
        {"payback, discounted", "discounted_payback"},
        {"payback, counting only calls that policy lets go to the API", "payback_allowed"},
        {"part of the API bill that policy would not have allowed", "barred"},
        {"net present value", "npv"},
        {"internal rate of return", "irr"},
        {"volume at which the busiest owned tier is full, times today's", "capacity_growth"},
    };
    ts_text_puts(out, "<dl class=\"pairs\">\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ts_text_puts(out, "<div><dt>");
        ts_html_put(out, rows[i].label);
        ts_text_puts(out, "</dt><dd>");
        ts_metric_put(out, &views->all, rows[i].name, "value");
        ts_text_puts(out, "</dd></div>\n");
    }
    ts_text_puts(out, "</dl>\n");
}

enum ts_status ts_html_tables(struct ts_text *out, const struct ts_report_input *input,
                              const struct ts_report_views *views)
{
    put_what_tiers_are(out, input->model);
    begin_section(
        out, "Service",
        "A request counts for the tier where it ended. In time: the share of all arrivals that met every bound on "
        "TTFT, TPOT and E2E. Right: the share expected to be answered correctly. KV: memory for attention.");
    put_tier_rows(out, views, service_columns);
    end_section(out);
    begin_section(out, "Latency",
                  "TTFT: to the first token. TPOT: mean time of each further token of a request. ITL: every gap "
                  "between tokens. E2E: the whole answer. "
                  "Wait: in the tier&#39;s queue.");
    put_tier_rows(out, views, latency_columns);
    end_section(out);
    enum ts_status status = ts_report_recorded_html(out, input, &views->all);
    begin_section(out, "Cost of a month",
                  "The first month in full service; bought machines are spread over their life.");
    put_tier_rows(out, views, money_columns);
    end_section(out);
    put_paybacks(out, views);
    status = status == TS_OK ? put_cash_flow(out, input->econ) : status;
    begin_section(out, "Energy", "Of the simulated window by part, and scaled to a month.");
    put_tier_rows(out, views, energy_columns);
    end_section(out);
    put_classes(out, input, views);
    return status;
}
