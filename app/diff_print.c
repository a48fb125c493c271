/* Hides which figures matter most, and the words of a change. */
#include "app/diff_print.h"

#include <math.h>

#include "base/json.h"
#include "reports/html.h"

static const struct {
    const char *name, *stat;
} shown[] = {{"cost", "total"},       {"cost_of_tokens", "reserved"},
             {"npv", "value"},        {"payback", "value"},
             {"attainment", "mean"},  {"quality", "mean"},
             {"goodput", "mean"},     {"ttft", "p50"},
             {"ttft", "p95"},         {"ttft", "p99"},
             {"tpot", "p95"},         {"e2e", "p95"},
             {"energy_use", "total"}, {"carbon", "value"}};

static bool is_shown(const struct ts_diff_figure *figure, const struct ts_diff_print *print)
{
    if (print->all) {
        return figure->a != figure->b;
    }
    const struct ts_study_goal *goal = print->goal;
    if (ts_str_equal(figure->subject, goal->subject) && ts_str_equal(figure->metric->name, goal->name) &&
        ts_str_equal(figure->metric->stat, goal->stat)) {
        return true;
    }
    for (size_t i = 0; ts_str_equal(figure->subject, "all") && i < sizeof shown / sizeof shown[0]; i++) {
        if (ts_str_equal(shown[i].name, figure->metric->name) && ts_str_equal(shown[i].stat, figure->metric->stat)) {
            return true;
        }
    }
    return false;
}

/* Relative where there is something to relate to, shares and quantities that may be below zero in their own unit. */
void ts_diff_put_change(struct ts_text *out, const struct ts_diff_figure *figure)
{
    const double base = fabs(figure->a);
    if (figure->change == 0.0 && !(figure->half > 0.0)) {
        ts_text_puts(out, "no change");
        return;
    }
    if (!isfinite(figure->a) || !isfinite(figure->b)) {
        ts_metric_format(out, figure->a, figure->metric->unit);
        ts_text_puts(out, " -> ");
        ts_metric_format(out, figure->b, figure->metric->unit);
        return;
    }
    const bool relative = base > 0.0;
    const double scale = relative ? 100.0 / base : 1.0;
    ts_text_printf(out, "%+.3g%s", figure->change * scale, relative ? " %" : "");
    if (figure->half > 0.0) {
        const double half = figure->half * scale;
        ts_text_printf(out, half < 100.0 ? " +- %.2g%s" : " +- %.0f%s", half, relative ? " %" : "");
    }
}

/* Is zero within the interval? */
static bool is_noise(const struct ts_diff_figure *figure)
{
    return figure->half > 0.0 && fabs(figure->change) <= figure->half;
}

static struct ts_table *figure_table(const struct ts_diff *diff, const struct ts_diff_print *print)
{
    struct ts_table *table = ts_table_create("Figures");
    struct ts_text text;
    ts_table_column(table, "figure", false);
    ts_table_column(table, "A", true);
    ts_table_column(table, "B", true);
    ts_table_column(table, "change", true);
    ts_table_column(table, "", false);
    ts_text_init(&text);
    for (size_t i = 0; i < diff->n_figures; i++) {
        const struct ts_diff_figure *figure = &diff->figures[i];
        if (!is_shown(figure, print)) {
            continue;
        }
        ts_table_row(table);
        ts_table_putf(table, "%s.%s.%s", figure->subject, figure->metric->name, figure->metric->stat);
        for (int k = 0; k < 3; k++) {
            ts_text_clear(&text);
            if (k < 2) {
                ts_metric_format(&text, k == 0 ? figure->a : figure->b, figure->metric->unit);
            } else {
                ts_diff_put_change(&text, figure);
            }
            ts_table_put(table, text.data);
        }
        ts_table_put(table, is_noise(figure) ? "may be chance" : "");
    }
    ts_text_deinit(&text);
    return table;
}

static void put_part(struct ts_table *table, double part, const struct ts_study_goal *goal)
{
    struct ts_text text;
    ts_text_init(&text);
    if (isnan(part)) {
        ts_text_puts(&text, "cannot be alone");
    } else {
        ts_text_puts(&text, part > 0.0 ? "+" : "");
        ts_metric_format(&text, part, ts_metric_find(goal->name, goal->stat)->unit);
    }
    ts_table_put(table, text.data);
    ts_text_deinit(&text);
}

static struct ts_table *input_table(const struct ts_diff *diff, const struct ts_diff_print *print)
{
    struct ts_table *table = ts_table_create("Inputs that differ");
    const bool parts = diff->explained != TS_DIFF_NOTHING;
    ts_table_column(table, "input", false);
    ts_table_column(table, "A", false);
    ts_table_column(table, "B", false);
    if (parts) {
        char header[128];
        (void)snprintf(header, sizeof header, "part of %s.%s.%s", print->goal->subject, print->goal->name,
                       print->goal->stat);
        ts_table_column(table, header, true);
    }
    for (size_t i = 0; i < diff->n_inputs; i++) {
        const struct ts_diff_input *input = &diff->inputs[i];
        ts_table_row(table);
        ts_table_put(table, input->key);
        ts_table_put(table, input->a ? input->a : "-");
        ts_table_put(table, input->b ? input->b : "-");
        if (parts) {
            put_part(table, input->part, print->goal);
        }
    }
    if (diff->explained == TS_DIFF_EACH && diff->n_inputs > 1 && !isnan(diff->rest)) {
        ts_table_row(table);
        ts_table_put(table, "(together)");
        ts_table_put(table, "");
        ts_table_put(table, "");
        put_part(table, diff->rest, print->goal);
    }
    return table;
}

static void put_head(struct ts_text *out, const struct ts_diff *diff, const struct ts_diff_print *print)
{
    const char *const format = print->format == TS_TABLE_MARKDOWN ? "**A:** `%s` **B:** `%s`\n\n" : "A: %s\nB: %s\n\n";
    ts_text_printf(out, format, print->a, print->b);
    if (diff->n_replications > 1) {
        ts_text_printf(out, "%u replications of both with the same random numbers; +- is the 95 %% interval.\n\n",
                       diff->n_replications);
    }
}

static enum ts_status put_tables(struct ts_text *out, const struct ts_diff *diff, const struct ts_diff_print *print)
{
    struct ts_table *tables[] = {input_table(diff, print), figure_table(diff, print)};
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < 2; i++) {
        if (i == 0 && diff->n_inputs == 0) {
            ts_text_puts(out, "No input differs.\n");
        } else if (status == TS_OK) {
            status = ts_table_render(tables[i], print->format, out);
        }
        ts_text_puts(out, "\n");
        ts_table_destroy(tables[i]);
    }
    return status;
}

static void put_json(struct ts_text *out, const struct ts_diff *diff, const struct ts_diff_print *print)
{
    struct ts_json_writer json;
    ts_json_writer_init(&json, out);
    ts_json_begin_object(&json);
    ts_json_member_string(&json, "a", print->a);
    ts_json_member_string(&json, "b", print->b);
    ts_json_member_int(&json, "replications", diff->n_replications);
    ts_json_member_string(&json, "explained_by", ts_diff_explains_names[diff->explained]);
    ts_json_key(&json, "inputs");
    ts_json_begin_array(&json);
    for (size_t i = 0; i < diff->n_inputs; i++) {
        ts_json_begin_object(&json);
        ts_json_member_string(&json, "key", diff->inputs[i].key);
        ts_json_member_string(&json, "a", diff->inputs[i].a);
        ts_json_member_string(&json, "b", diff->inputs[i].b);
        ts_json_member_double(&json, "part", diff->inputs[i].part);
        ts_json_end_object(&json);
    }
    ts_json_end_array(&json);
    ts_json_key(&json, "figures");
    ts_json_begin_array(&json);
    for (size_t i = 0; i < diff->n_figures; i++) {
        const struct ts_diff_figure *figure = &diff->figures[i];
        ts_json_begin_object(&json);
        ts_json_member_string(&json, "tier", figure->subject);
        ts_json_member_string(&json, "metric", figure->metric->name);
        ts_json_member_string(&json, "stat", figure->metric->stat);
        ts_json_member_string(&json, "unit", figure->metric->unit);
        ts_json_member_double(&json, "a", figure->a);
        ts_json_member_double(&json, "b", figure->b);
        ts_json_member_double(&json, "change", figure->change);
        ts_json_member_double(&json, "half", figure->half);
        ts_json_end_object(&json);
    }
    ts_json_end_array(&json);
    ts_json_end_object(&json);
    ts_text_puts(out, "\n");
}

enum ts_status ts_diff_render(struct ts_text *out, const struct ts_diff *diff, const struct ts_diff_print *print)
{
    enum ts_status status = TS_OK;
    if (print->format == TS_TABLE_JSON) {
        put_json(out, diff, print);
    } else if (print->format == TS_TABLE_HTML) {
        ts_text_puts(out, "<!doctype html>\n<meta charset=\"utf-8\">\n<title>tiersim diff</title>\n"
                          "<style>body{font-family:sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:left}"
                          "</style>\n<p>A: ");
        ts_html_put(out, print->a);
        ts_text_puts(out, "<br>B: ");
        ts_html_put(out, print->b);
        ts_text_puts(out, "</p>\n");
        status = put_tables(out, diff, print);
    } else {
        put_head(out, diff, print);
        status = put_tables(out, diff, print);
    }
    return status == TS_OK && out->failed ? TS_ENOMEM : status;
}
