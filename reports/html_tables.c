/* Hides which tables the page has, and that a row of a table is a tier or a class. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reports/chart.h"
#include "reports/html.h"
#include "reports/report_html.h"
#include "reports/table.h"

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
static const char *column_unit(char buffer[TS_UNIT_BYTES], const struct ts_column *column, const struct ts_model *model)
{
    const char *unit = ts_column_metric(column)->unit;
    bool named = strncmp(unit, "USD", 3) == 0 || strncmp(unit, "kWh", 3) == 0 || strncmp(unit, "tok", 3) == 0;
    return named ? ts_metric_unit(buffer, unit, model) : NULL;
}

static bool concerns(const struct ts_column *column, const struct ts_model *model)
{
    return ts_metric_concerns(ts_column_metric(column), model);
}

static void put_header(struct ts_text *out, const struct ts_model *model, const char *first,
                       const struct ts_column *columns)
{
    ts_text_printf(out, "<thead><tr><th scope=\"col\">%s</th>", first);
    for (; columns->header; columns++) {
        if (!concerns(columns, model)) {
            continue;
        }
        char buffer[TS_UNIT_BYTES];
        const char *unit = column_unit(buffer, columns, model);
        ts_text_printf(out, "<th scope=\"col\" class=\"num\">%s", columns->header);
        if (unit != NULL) {
            ts_text_printf(out, "<br><small>%s</small>", unit);
        }
        ts_text_puts(out, "</th>");
    }
    ts_text_puts(out, "</tr></thead>\n<tbody>\n");
}

static void put_cells(struct ts_text *out, const struct ts_report *report, uint32_t subject,
                      const struct ts_column *columns)
{
    for (; columns->header; columns++) {
        if (!concerns(columns, report->input.model)) {
            continue;
        }
        char buffer[TS_UNIT_BYTES];
        const char *unit = column_unit(buffer, columns, report->input.model);
        ts_text_puts(out, "<td class=\"num\">");
        if (unit != NULL) {
            ts_metric_format_bare(out, ts_report_value(report, subject, columns->name, columns->stat), unit);
        } else {
            ts_report_put(out, report, subject, columns->name, columns->stat);
        }
        ts_text_puts(out, "</td>");
    }
    ts_text_puts(out, "</tr>\n");
}

static void put_tier_name(struct ts_text *out, const struct ts_model *model, uint32_t tier)
{
    ts_text_printf(out, "<tr%s><th scope=\"row\">", tier > model->n_tiers ? " class=\"sum\"" : "");
    if (tier < model->n_tiers) {
        ts_text_printf(out, "<span class=\"swatch\" style=\"background:%s\"></span>", ts_chart_colour(tier));
    }
    ts_html_put(out, ts_metric_tier_name(model, tier));
    ts_text_puts(out, "</th>");
}

/* `nowhere` has a row where it has something to say: requests that no tier took, and what the router took for them. */
static bool has_row(const struct ts_report *report, uint32_t tier, const struct ts_column *columns)
{
    if (tier != report->input.model->n_tiers) {
        return true;
    }
    const uint32_t nowhere = ts_figure_tier(&report->list, tier);
    return (columns == ts_service_columns && ts_report_tells_nowhere(report)) ||
           (columns == ts_money_columns && ts_report_value(report, nowhere, "cost", "total") > 0.0);
}

/* A row a tier; all of them last. */
static void put_tier_rows(struct ts_text *out, const struct ts_report *report, const struct ts_column *columns)
{
    const struct ts_model *model = report->input.model;
    put_header(out, model, "tier", columns);
    for (uint32_t tier = 0; tier <= ts_all_tiers(model); tier++) {
        if (has_row(report, tier, columns)) {
            put_tier_name(out, model, tier);
            put_cells(out, report, ts_figure_tier(&report->list, tier), columns);
        }
    }
}

static void put_steps(struct ts_text *out, const struct ts_steps_model *steps)
{
    ts_text_printf(out, "%s: ", ts_origin_name(steps->origin));
    ts_html_put(out, steps->source);
}

static void put_step_times(struct ts_text *out, const struct ts_tier_model *tier)
{
    if (tier->kind == TS_TIER_API) {
        ts_text_puts(out, "the provider&#39;s");
    } else if (tier->kind == TS_TIER_SERVER) {
        put_steps(out, &tier->u.server.pools[0].replica.steps);
    } else if (!ts_tier_is_mixed(tier)) {
        put_steps(out, &tier->u.device.steps);
    }
    for (uint32_t k = 0; ts_tier_is_mixed(tier) && k < tier->u.device.n_kinds; k++) {
        ts_text_puts(out, k > 0 ? "<br>" : "");
        ts_html_put(out, tier->u.device.kinds[k].name);
        ts_text_puts(out, ": ");
        put_steps(out, &tier->u.device.kinds[k].device.steps);
    }
}

static void put_what_tiers_are(struct ts_text *out, const struct ts_model *model)
{
    begin_section(out, "The tiers", "What runs where.");
    ts_text_puts(out, "<thead><tr><th scope=\"col\">tier</th><th scope=\"col\">kind</th><th "
                      "scope=\"col\">model</th><th scope=\"col\">hardware</th>"
                      "<th scope=\"col\">step times</th></tr></thead>\n<tbody>\n");
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        const struct ts_tier_model *tier = &model->tiers[i];
        ts_text_printf(out, "<tr><th scope=\"row\"><span class=\"swatch\" style=\"background:%s\"></span>",
                       ts_chart_colour(i));
        ts_html_put(out, tier->name);
        ts_text_printf(out, "</th><td>%s</td><td>", ts_tier_kind_name(tier->kind));
        ts_html_put(out, tier->model);
        ts_text_puts(out, "</td><td>");
        ts_html_put(out, tier->hardware);
        ts_text_puts(out, "</td><td>");
        put_step_times(out, tier);
        ts_text_puts(out, "</td></tr>\n");
    }
    end_section(out);
}

static void put_classes(struct ts_text *out, const struct ts_report *report)
{
    begin_section(out, "Classes of requests", "The same requests by class, over all tiers.");
    put_header(out, report->input.model, "class", ts_class_columns);
    for (uint32_t i = 0; i < report->input.model->n_classes; i++) {
        ts_text_puts(out, "<tr><th scope=\"row\">");
        ts_html_put(out, report->input.model->class_names[i]);
        ts_text_puts(out, "</th>");
        put_cells(out, report, ts_figure_class(&report->list, i), ts_class_columns);
    }
    end_section(out);
}

static void put_cash_row(struct ts_table *table, const struct ts_cash_row *row)
{
    ts_table_row(table);
    if (row->first_month == 0) {
        ts_table_put(table, "today");
    } else {
        ts_table_putf(table, "%u to %u", (unsigned)row->first_month, (unsigned)row->last_month);
    }
    ts_table_num(table, round(row->plan_usd), 15);
    ts_table_num(table, round(row->baseline_usd), 15);
    ts_table_num(table, round(row->plan_so_far_usd), 15);
    ts_table_num(table, round(row->baseline_so_far_usd), 15);
    ts_table_num(table, round(row->ahead_usd), 15);
}

static void money_column(struct ts_table *table, const char *header, const struct ts_report *report)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s (%.8s)", header, ts_model_currency(report->input.model));
    ts_table_column(table, name, true);
}

static enum ts_status put_cash_flow(struct ts_text *out, const struct ts_report *report)
{
    struct ts_table *table = ts_table_create(NULL);
    if (table == NULL) {
        return TS_ENOMEM;
    }
    ts_table_column(table, "months", false);
    money_column(table, "plan", report);
    money_column(table, "permitted calls at the API", report);
    money_column(table, "plan so far", report);
    money_column(table, "API so far", report);
    money_column(table, "ahead by", report);
    for (size_t i = 0; i < report->n_cash; i++) {
        put_cash_row(table, &report->cash[i]);
    }
    ts_text_puts(
        out,
        "<section>\n<h2>Cash flow</h2>\n<p class=\"aid\">Payments by month: machines today and when they are replaced, "
        "everything else monthly, with growing volume and falling prices.</p>\n<div class=\"scroll\">\n");
    enum ts_status status = ts_table_render(table, TS_TABLE_HTML, out);
    ts_text_puts(out, "</div>\n</section>\n");
    ts_table_destroy(table);
    return status;
}

static void put_plan(struct ts_text *out, const struct ts_report *report)
{
    ts_text_puts(out, "<dl class=\"pairs\">\n");
    for (const struct ts_column *line = ts_plan_lines; line->header; line++) {
        ts_text_puts(out, "<div><dt>");
        ts_html_put(out, line->header);
        ts_text_puts(out, "</dt><dd>");
        ts_report_put(out, report, TS_SUBJECT_ALL, line->name, line->stat);
        ts_text_puts(out, "</dd></div>\n");
    }
    ts_text_puts(out, "</dl>\n");
    if (report->input.model->money.rates) {
        ts_text_puts(out, "<p class=\"aid\">Converted at ");
        ts_html_put(out, report->input.model->money.rates);
        ts_text_puts(out, ".</p>\n");
    }
}

enum ts_status ts_html_tables(struct ts_text *out, const struct ts_report *report)
{
    put_what_tiers_are(out, report->input.model);
    begin_section(
        out, "Service",
        "A request counts for the tier where it ended. In time: the share of all arrivals that met every bound on "
        "TTFT, TPOT and E2E. Right: the share expected to be answered correctly. KV: memory for attention.");
    put_tier_rows(out, report, ts_service_columns);
    end_section(out);
    ts_report_devices_html(out, report);
    ts_report_outcomes_html(out, report);
    begin_section(out, "Latency",
                  "TTFT: to the first token. TPOT: mean time of each further token of a request. ITL: every gap "
                  "between tokens. E2E: the whole answer. "
                  "Wait: in the tier&#39;s queue.");
    put_tier_rows(out, report, ts_latency_columns);
    end_section(out);
    enum ts_status status = ts_report_tails_html(out, report);
    if (report->input.model->has_sessions) {
        begin_section(
            out, "Sessions",
            "A session counts for the tier of its last reply. Active: sessions under way at a time, and those of them "
            "that keep the SLO throughout. Kept: of the context that a call brings along, the share still in a cache.");
        put_tier_rows(out, report, ts_session_columns);
        end_section(out);
    }
    status = status == TS_OK ? ts_report_recorded_html(out, report) : status;
    begin_section(out, "Cost of a month",
                  "The first month in full service; bought machines are spread over their life.");
    put_tier_rows(out, report, ts_money_columns);
    end_section(out);
    begin_section(out, "Cost per call and token, and payback of each tier by itself",
                  "Reserved: all of a month&#39;s cost over its tokens, to compare with an API&#39;s price. Busy: of "
                  "time-based costs only the share in which units work. Levelised: over the horizon. A tier breaks "
                  "even at the volume at which its month costs as much as the API&#39;s.");
    put_tier_rows(out, report, ts_worth_columns);
    end_section(out);
    put_plan(out, report);
    status = status == TS_OK ? ts_report_baselines_html(out, report) : status;
    status = status == TS_OK ? put_cash_flow(out, report) : status;
    begin_section(out, "Energy", "Of the simulated window by part, and scaled to a month.");
    put_tier_rows(out, report, ts_energy_columns);
    end_section(out);
    ts_report_incidents_html(out, report);
    ts_report_notes_html(out, report);
    put_classes(out, report);
    return status;
}
