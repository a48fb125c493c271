/* Hides what fits on a screen of 100 columns, and in which order a reader wants it: what it costs and when it pays
 * back, whether promises are kept, how fast, then tiers. */
#include <math.h>
#include <string.h>

#include "reports/report_parts.h"
#include "reports/table.h"

enum { WIDTH = 100, NAME_WIDTH = 16 };

static void put_title(struct ts_text *out, const struct ts_report_input *input, const struct ts_metric_view *all)
{
    const struct ts_result *result = input->result;
    double runs = result->n_replications > 0 ? result->n_replications : 1;
    ts_report_put_clipped(out, input->model->name, WIDTH);
    ts_text_puts(out, "\n");
    if (input->model->description != NULL && input->model->description[0] != '\0') {
        ts_report_put_clipped(out, input->model->description, WIDTH);
        ts_text_puts(out, "\n");
    }
    ts_report_put_time(out, result->window_s / runs);
    ts_text_puts(out, " simulated, ");
    ts_metric_put(out, all, "arrived", "sum");
    ts_text_printf(out, " requests, %u tier%s, seed %llu", (unsigned)input->model->n_tiers,
                   input->model->n_tiers == 1 ? "" : "s", (unsigned long long)input->model->seed);
    if (result->n_replications > 1) {
        ts_text_printf(out, ", %u replications", (unsigned)result->n_replications);
    }
    if (result->warmup_s > 0.0) {
        ts_text_puts(out, "\nleft out as warm-up: the first ");
        ts_report_put_time(out, result->warmup_s / runs);
        ts_text_puts(out, " and ");
        ts_metric_put(out, all, "left_out", "sum");
        ts_text_puts(out, " requests that came in them");
    }
    ts_text_puts(out, "\n\n");
}

static void put_cost(struct ts_text *out, const struct ts_econ *econ)
{
    double saving = econ->baseline_usd_per_month - econ->total_usd_per_month;
    ts_text_puts(out, "  cost       ");
    ts_metric_format(out, econ->total_usd_per_month, "USD/month");
    ts_text_puts(out, "; all calls to the API: ");
    ts_metric_format(out, econ->baseline_usd_per_month, "USD/month");
    ts_text_puts(out, saving >= 0.0 ? "; saves " : "; costs ");
    ts_metric_format(out, fabs(saving), "USD");
    if (econ->baseline_usd_per_month > 0.0) {
        ts_text_puts(out, " (");
        ts_metric_format(out, fabs(saving) / econ->baseline_usd_per_month, "frac");
        ts_text_puts(out, ")");
    }
    ts_text_puts(out, saving >= 0.0 ? "\n" : " more\n");
}

static void put_payback(struct ts_text *out, const struct ts_econ *econ)
{
    ts_text_puts(out, "  payback    ");
    ts_metric_format(out, econ->payback_months, "months");
    if (isinf(econ->payback_months)) {
        ts_text_printf(out, " within %u months", (unsigned)econ->n_months);
    }
    ts_text_puts(out, econ->unpays ? ", falls behind again later" : "");
    ts_text_puts(out, "; discounted: ");
    ts_metric_format(out, econ->discounted_payback_months, "months");
    ts_text_puts(out, "; calls that policy lets out only: ");
    ts_metric_format(out, econ->payback_allowed_months, "months");
    ts_text_puts(out, "\n");
}

static void put_bound(struct ts_text *out, const char *name, double bound_s, bool *first)
{
    if (bound_s > 0.0) {
        ts_text_printf(out, "%s%s ", *first ? " (" : ", ", name);
        ts_metric_format(out, bound_s, "s");
        *first = false;
    }
}

static void put_promise(struct ts_text *out, const struct ts_report_input *input, const struct ts_metric_view *all)
{
    const struct ts_slo_model *slo = &input->model->slo;
    bool first = true;
    double attainment = ts_metric_value(all, "attainment", "mean");
    ts_text_puts(out, "  promises   ");
    ts_metric_format(out, attainment, "frac");
    bool bounded = slo->ttft_s > 0.0 || slo->tpot_s > 0.0 || slo->e2e_s > 0.0;
    ts_text_puts(out, bounded ? " of requests met them" : " of requests were answered; no time was promised");
    put_bound(out, "TTFT", slo->ttft_s, &first);
    put_bound(out, "TPOT", slo->tpot_s, &first);
    put_bound(out, "E2E", slo->e2e_s, &first);
    ts_text_puts(out, first ? "" : ")");
    if (slo->attainment_frac > 0.0) {
        ts_text_puts(out, "; wanted ");
        ts_metric_format(out, slo->attainment_frac, "frac");
        ts_text_puts(out, attainment >= slo->attainment_frac ? ": kept" : ": BROKEN");
    }
    ts_text_puts(out, "\n");
}

static void put_speed_and_energy(struct ts_text *out, const struct ts_metric_view *all)
{
    ts_text_puts(out, "  speed      first token ");
    ts_metric_put(out, all, "ttft", "p50");
    ts_text_puts(out, " (p95 ");
    ts_metric_put(out, all, "ttft", "p95");
    ts_text_puts(out, "), whole answer ");
    ts_metric_put(out, all, "e2e", "p50");
    ts_text_puts(out, " (p95 ");
    ts_metric_put(out, all, "e2e", "p95");
    ts_text_puts(out, ")\n  energy     ");
    ts_metric_put(out, all, "energy_use", "total");
    ts_text_puts(out, ", ");
    ts_metric_format_bare(out, ts_metric_value(all, "carbon", "value"), "kg/month");
    ts_text_puts(out, " kg CO2/month; ");
    ts_metric_put(out, all, "cost_of_tokens", "value");
    ts_text_puts(out, "; expected right: ");
    ts_metric_put(out, all, "quality", "mean");
    ts_text_puts(out, "\n");
}

/* Requests that were not done, one line, only if there are any. */
static void put_losses(struct ts_text *out, const struct ts_metric_view *all)
{
    const struct ts_cell *cell = &all->cell;
    if (cell->done == cell->arrived) {
        return;
    }
    ts_text_puts(out, "  not done   ");
    ts_metric_put(out, all, "rejected", "sum");
    ts_text_puts(out, " rejected, ");
    ts_metric_put(out, all, "timed_out", "sum");
    ts_text_puts(out, " timed out, ");
    ts_metric_put(out, all, "unfinished", "sum");
    ts_text_puts(out, " unfinished\n");
}

static void put_limits(struct ts_text *out, const struct ts_report_input *input, const struct ts_metric_view *all)
{
    struct ts_verdict verdicts[TS_MAX_VERDICTS];
    size_t n = ts_report_verdicts(verdicts, input, all);
    for (size_t i = 0; i < n; i++) {
        if (verdicts[i].is_limit) {
            ts_text_puts(out, verdicts[i].met ? "  limit      kept: " : "  limit      MISSED: ");
            ts_report_verdict_put(out, &verdicts[i]);
            ts_text_puts(out, "\n");
        }
    }
}

/* ---- tiers ---- */

struct terminal_column {
    const char *header, *name, *stat, *unit; /* unit as shown in the cell: "" takes it away */
};

static const struct terminal_column columns[] = {
    {"requests", "arrived", "sum", "1"},       {"TTFT p50", "ttft", "p50", "s"},       {"p95", "ttft", "p95", "s"},
    {"TPOT p50", "tpot", "p50", "s"},          {"E2E p50", "e2e", "p50", "s"},         {"p95", "e2e", "p95", "s"},
    {"in time", "attainment", "mean", "frac"}, {"kWh/mo", "energy_use", "total", "3"}, {"USD/mo", "cost", "total", "4"},
};

/* False when out of memory. */
static bool put_row(struct ts_table *table, const struct ts_metric_view *view)
{
    struct ts_text cell;
    bool failed = false;
    ts_text_init(&cell);
    ts_report_put_clipped(&cell, ts_metric_tier_name(view->model, view->tier), NAME_WIDTH);
    ts_table_row(table);
    ts_table_put(table, cell.data);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        double value = ts_metric_value(view, columns[i].name, columns[i].stat);
        failed = failed || cell.failed;
        ts_text_clear(&cell);
        if (columns[i].unit[0] == '3' || columns[i].unit[0] == '4') {
            ts_text_number(&cell, fabs(value) >= 1.0 ? round(value) : value, columns[i].unit[0] - '0');
        } else {
            ts_metric_format(&cell, value, columns[i].unit);
        }
        ts_table_put(table, cell.data);
    }
    failed = failed || cell.failed;
    ts_text_deinit(&cell);
    return !failed;
}

static enum ts_status put_tiers(struct ts_text *out, const struct ts_report_views *views)
{
    struct ts_table *table = ts_table_create(NULL);
    if (table == NULL) {
        return TS_ENOMEM;
    }
    ts_table_column(table, "tier", false);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        ts_table_column(table, columns[i].header, true);
    }
    bool complete = true;
    for (uint32_t i = 0; complete && i < views->n_tiers; i++) {
        if (i + 1 < views->n_tiers || views->tiers[i].cell.arrived > 0) {
            complete = put_row(table, &views->tiers[i]);
        }
    }
    complete = complete && put_row(table, &views->all);
    enum ts_status status = complete ? ts_table_render(table, TS_TABLE_TEXT, out) : TS_ENOMEM;
    ts_table_destroy(table);
    return status;
}

/* A line for each pool that tiers list. */
static void put_pools(struct ts_text *out, const struct ts_report_input *input)
{
    const char *before = "\n";
    for (uint32_t i = 0; i < input->result->n_pools; i++) {
        if (!ts_metric_shows_pool(input->model, i)) {
            continue;
        }
        const struct ts_metric_view view = ts_metric_pool_view(input->model, input->result, i);
        ts_text_printf(out, "%spool ", before);
        before = "";
        ts_metric_pool_name(out, input->model, i);
        ts_text_puts(out, ": busy ");
        ts_metric_put(out, &view, "busy", "mean");
        ts_text_puts(out, ", batch ");
        ts_metric_put(out, &view, "batch", "mean");
        ts_text_puts(out, ", KV ");
        ts_metric_put(out, &view, "kv_used", "mean");
        ts_text_puts(out, " (peak ");
        ts_metric_put(out, &view, "kv_used", "max");
        ts_text_puts(out, "), ");
        ts_metric_put(out, &view, "energy", "total");
        ts_text_puts(out, "\n");
    }
}

/* A line for each tier whose KV entries cross a link. */
static void put_transfers(struct ts_text *out, const struct ts_report_input *input, const struct ts_report_views *views)
{
    for (uint32_t i = 0; i < input->model->n_tiers; i++) {
        const struct ts_metric_view *view = &views->tiers[i];
        if (!ts_tier_is_disaggregated(&input->model->tiers[i])) {
            continue;
        }
        ts_text_printf(out, "%s: KV cache across in ", input->model->tiers[i].name);
        ts_metric_put(out, view, "kv_transfer", "mean");
        ts_text_puts(out, " (p99 ");
        ts_metric_put(out, view, "kv_transfer", "p99");
        ts_text_puts(out, "), of it waiting ");
        ts_metric_put(out, view, "kv_transfer_wait", "mean");
        ts_text_puts(out, "; link busy ");
        ts_metric_put(out, view, "kv_link_busy", "mean");
        ts_text_puts(out, "\n");
    }
}

/* How many numbers came from where: "42 assumptions: 12 scenario, 20 catalog, 8 default, 2 measured". */
static void put_origins(struct ts_text *out, const struct ts_model *model)
{
    bool first = true;
    if (model->n_assumptions == 0) {
        return;
    }
    ts_text_printf(out, "\n%zu assumption%s:", model->n_assumptions, model->n_assumptions == 1 ? "" : "s");
    for (int origin = TS_ORIGIN_SCENARIO; origin <= TS_ORIGIN_MODELLED; origin++) {
        size_t n = 0;
        for (size_t i = 0; i < model->n_assumptions; i++) {
            n += model->assumptions[i].origin == (enum ts_origin)origin;
        }
        if (n > 0) {
            ts_text_printf(out, "%s %zu %s", first ? "" : ",", n, ts_origin_name((enum ts_origin)origin));
            first = false;
        }
    }
    ts_text_puts(out, "\n");
}

enum ts_status ts_report_terminal(struct ts_text *out, const struct ts_report_input *input)
{
    struct ts_report_views views;
    enum ts_status status = ts_report_views_init(&views, input);
    if (status != TS_OK) {
        return status;
    }
    put_title(out, input, &views.all);
    put_cost(out, input->econ);
    put_payback(out, input->econ);
    put_promise(out, input, &views.all);
    put_speed_and_energy(out, &views.all);
    put_losses(out, &views.all);
    put_limits(out, input, &views.all);
    ts_text_puts(out, "\n");
    status = put_tiers(out, &views);
    if (status == TS_OK) {
        status = ts_report_recorded_text(out, input, &views.all);
    }
    put_pools(out, input);
    put_transfers(out, input, &views);
    put_origins(out, input->model);
    ts_report_views_deinit(&views);
    return status == TS_OK && out->failed ? TS_ENOMEM : status;
}
