/* Hides what of uncertain inputs fits on a terminal: what was done, how likely promises are, which inputs matter. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "reports/report_parts.h"
#include "reports/table.h"

enum { MAX_ROWS = 8, KEY_WIDTH = 40 };

static void put_wrapped(struct ts_text *out, const struct ts_text *line)
{
    ts_text_wrap(out, line->data, TS_REPORT_WIDTH, 2);
    ts_text_puts(out, "\n");
    out->failed = out->failed || line->failed;
}

/* "pays back within 12 months: 3 %, 24 months: 20 %; keeps its SLO: 97 %" */
static void put_promises(struct ts_text *out, const struct ts_uncertainty *uncertainty)
{
    static const char pays[] = "pays back within ";
    for (uint32_t i = 0; i < uncertainty->n_promises; i++) {
        const struct ts_doubt_promise *promise = &uncertainty->promises[i];
        const bool follows = i > 0 && ts_str_has_prefix(promise->label, pays);
        ts_text_puts(out, i == 0 ? "probability: " : follows ? ", " : "; ");
        ts_text_printf(out, "%s ", promise->label + (follows ? strlen(pays) : 0));
        ts_metric_format(out, round(100.0 * promise->probability) / 100.0, "frac");
    }
}

/* What half of the draws would have said. */
static void put_convergence(struct ts_text *out, const struct ts_report *report)
{
    const enum ts_doubt doubt = ts_report_weighed(report);
    const struct ts_interval *all = &report->input.uncertainty->figures[doubt];
    const struct ts_interval *half = &report->input.uncertainty->half[doubt];
    const double width = all->p90 - all->p10;
    const double most = fmax(fmax(fabs(half->p10 - all->p10), fabs(half->p50 - all->p50)), fabs(half->p90 - all->p90));
    if (isfinite(width) && width > 0.0) {
        ts_text_puts(out, "; half of the draws would move its interval by ");
        ts_text_number(out, 100.0 * most / width, 2);
        ts_text_puts(out, " % of its width");
    }
}

/* The cells of a row; false when out of memory. */
struct row {
    struct ts_table *table;
    bool failed;
};

static void put_text(struct row *row, struct ts_text *cell)
{
    ts_table_put(row->table, cell->data);
    row->failed = row->failed || cell->failed;
    ts_text_deinit(cell);
}

static void put_cell(struct row *row, double value, double step, const char *unit)
{
    struct ts_text cell;
    ts_text_init(&cell);
    ts_report_put_step(&cell, value, step, unit);
    put_text(row, &cell);
}

static void put_share(struct row *row, double share)
{
    put_cell(row, isnan(share) ? share : round(100.0 * fmax(share, 0.0)) / 100.0, 0.0, "frac");
}

static bool put_row(struct ts_table *table, const struct ts_report *report, uint32_t i)
{
    const struct ts_doubt_input *input = &report->input.uncertainty->inputs[i];
    const enum ts_doubt doubt = ts_report_weighed(report);
    const double step = ts_report_step(&report->input.uncertainty->figures[doubt]) / 10.0;
    struct row row = {.table = table};
    char buffer[TS_UNIT_BYTES];
    const char *unit = ts_report_doubt_unit(buffer, report, doubt);
    struct ts_text key;
    ts_text_init(&key);
    ts_report_put_clipped(&key, input->key, KEY_WIDTH);
    ts_text_puts(&key, input->is_written ? "" : " *");
    ts_table_row(table);
    put_text(&row, &key);
    ts_table_num(table, input->p10, 3);
    ts_table_num(table, input->p90, 3);
    put_cell(&row, input->at_p10[doubt], step, unit);
    put_cell(&row, input->at_p90[doubt], step, unit);
    put_share(&row, input->first[doubt]);
    put_share(&row, input->total[doubt]);
    return !row.failed;
}

static enum ts_status put_inputs(struct ts_text *out, const struct ts_report *report)
{
    static const char *const headers[] = {"input", "p10", "p90", "at p10", "at p90", "alone", "with others"};
    const struct ts_uncertainty *uncertainty = report->input.uncertainty;
    struct ts_table *table = ts_table_create(NULL);
    struct ts_arena arena;
    ts_arena_init(&arena);
    uint32_t *order = ts_arena_array(&arena, uncertainty->n_inputs, sizeof *order);
    enum ts_status status = table && order ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        ts_report_order_inputs(order, report);
        ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 1);
        for (uint32_t i = 0; status == TS_OK && i < uncertainty->n_inputs && i < MAX_ROWS; i++) {
            status = put_row(table, report, order[i]) ? TS_OK : TS_ENOMEM;
        }
        status = status == TS_OK ? ts_table_render(table, TS_TABLE_TEXT, out) : status;
    }
    if (status == TS_OK && uncertainty->n_inputs > uncertainty->n_written) {
        ts_text_puts(out, "* uncertain by default, not by the scenario; tornado.csv has all of them\n");
    }
    ts_table_destroy(table);
    ts_arena_deinit(&arena);
    return status;
}

enum ts_status ts_report_uncertainty_text(struct ts_text *out, const struct ts_report *report)
{
    if (!report->input.uncertainty) {
        return TS_OK;
    }
    struct ts_text line;
    ts_text_init(&line);
    ts_report_put_study(&line, report);
    ts_text_puts(&line, "; [p10, p90] above");
    ts_text_puts(out, "\n");
    put_wrapped(out, &line);
    ts_text_clear(&line);
    put_promises(&line, report->input.uncertainty);
    put_wrapped(out, &line);
    ts_text_clear(&line);
    ts_text_printf(&line, "effect of one input on the %s, and its share of the variance",
                   ts_doubts[ts_report_weighed(report)].label);
    put_convergence(&line, report);
    ts_text_puts(&line, ":");
    put_wrapped(out, &line);
    ts_text_deinit(&line);
    return put_inputs(out, report);
}
