/* Hides what fits on a screen of 100 columns, and in which order a reader wants it: what it costs and when it pays
 * back, whether the SLO is met, how fast, then tiers. */
#include <math.h>
#include <string.h>

#include "reports/report_parts.h"
#include "reports/table.h"

enum { WIDTH = TS_REPORT_WIDTH, NAME_WIDTH = 16, ALL = TS_SUBJECT_ALL };

static void put_title(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    const uint64_t n_replications = report->input.result->n_replications;
    ts_report_put_clipped(out, model->name, WIDTH);
    ts_text_puts(out, "\n");
    if (model->description != NULL && model->description[0] != '\0') {
        ts_report_put_clipped(out, model->description, WIDTH);
        ts_text_puts(out, "\n");
    }
    ts_report_put_time(out, report->window_s);
    ts_text_puts(out, " simulated, ");
    ts_report_put(out, report, ALL, "arrived", "sum");
    ts_text_puts(out, " requests");
    if (model->users.n > 0) {
        ts_text_printf(out, " of %u user%s", (unsigned)model->users.n, model->users.n == 1 ? "" : "s");
    }
    ts_text_printf(out, ", %u tier%s, seed %llu", (unsigned)model->n_tiers, model->n_tiers == 1 ? "" : "s",
                   (unsigned long long)model->seed);
    if (n_replications > 1) {
        ts_text_printf(out, "; %u replications, counts and energy are of all of them", (unsigned)n_replications);
    }
    if (report->warmup_s > 0.0) {
        ts_text_puts(out, "\nleft out as warm-up: the first ");
        ts_report_put_time(out, report->warmup_s);
        ts_text_puts(out, " and ");
        ts_report_put(out, report, ALL, "left_out", "sum");
        ts_text_puts(out, " requests that came in them");
    }
    ts_text_puts(out, "\n\n");
}

/* Is there an alternative to compare with? */
static bool has_baseline(const struct ts_report *report)
{
    return report->input.econ->has_baseline;
}

static void put_cost(struct ts_text *out, const struct ts_report *report)
{
    const double saving_usd = ts_report_value(report, ALL, "saving", "value");
    ts_text_puts(out, "  cost       ");
    ts_report_put_doubt(out, report, TS_DOUBT_COST);
    if (!has_baseline(report)) {
        ts_text_printf(out, "; %s\n", ts_report_no_baseline(report));
        return;
    }
    ts_text_puts(out,
                 report->input.econ->barred_usd_per_month > 0.0 ? "; permitted at the API: " : "; all at the API: ");
    ts_report_put(out, report, ALL, "baseline_cost", "total");
    ts_text_puts(out, saving_usd >= 0.0 ? "; saves " : "; costs ");
    ts_report_put_step(out, fabs(saving_usd), ts_report_doubt_step(report, TS_DOUBT_SAVING),
                       ts_model_currency(report->input.model));
    if (!isnan(report->saving_frac)) {
        ts_text_puts(out, " (");
        ts_report_put_saving_share(out, report);
        ts_text_puts(out, ")");
    }
    ts_text_puts(out, saving_usd >= 0.0 ? "\n" : " more\n");
}

static bool misses_slo(const struct ts_report *report)
{
    const double wanted_frac = report->input.model->slo.attainment_frac;
    return wanted_frac > 0.0 && !(ts_report_value(report, ALL, "attainment", "mean") >= wanted_frac);
}

static void put_horizon(struct ts_text *out, const struct ts_report *report, const char *name)
{
    if (isinf(ts_report_value(report, ALL, name, "value"))) {
        ts_text_printf(out, " within %u months", (unsigned)report->input.econ->n_months);
    }
}

static void put_payback(struct ts_text *out, const struct ts_report *report)
{
    if (isnan(ts_report_value(report, ALL, "payback", "value"))) {
        return;
    }
    ts_text_puts(out, "  payback    ");
    ts_report_put_doubt(out, report, TS_DOUBT_PAYBACK);
    put_horizon(out, report, "payback");
    ts_text_puts(out, report->input.econ->unpays ? ", falls behind again later" : "");
    ts_text_puts(out, "; discounted: ");
    ts_report_put_like(out, report, "discounted_payback", TS_DOUBT_PAYBACK);
    ts_text_puts(out, misses_slo(report) ? "; the plan MISSES its SLO\n" : "\n");
}

static void put_months(struct ts_text *out, const struct ts_report *report, const char *name)
{
    ts_report_put_like(out, report, name, TS_DOUBT_PAYBACK);
    put_horizon(out, report, name);
}

/* What policy keeps from the API, and the comparison that it forbids. */
static void put_policy(struct ts_text *out, const struct ts_report *report)
{
    if (!(report->input.econ->barred_usd_per_month > 0.0)) {
        return;
    }
    ts_text_puts(out, "  policy     keeps calls from the API (");
    ts_report_put(out, report, ALL, "barred", "value");
    ts_text_puts(out, " there), which no comparison above includes;\n"
                      "             payback against all calls there, which is not permitted: ");
    put_months(out, report, "payback_all_api");
    ts_text_puts(out, "\n");
}

/* What the API would charge for those that need not be lost. */
static void put_refused_price(struct ts_text *out, const struct ts_report *report)
{
    if (isfinite(report->input.econ->refused_usd_per_call)) {
        ts_text_puts(out, ": refusing is better than overflow where an answer is worth less than\n             ");
        ts_report_put(out, report, ALL, "refused_price", "value");
        ts_text_puts(out, ", what the API charges for one");
    }
}

/* Calls that the plan loses over its horizon. */
static void put_refused(struct ts_text *out, const struct ts_report *report)
{
    if (ts_report_value(report, ALL, "refused", "value") >= 0.005) {
        ts_text_puts(out, "  not taken  ");
        ts_report_put(out, report, ALL, "refused", "value");
        ts_text_printf(out,
                       " of %u months' calls: a tier is not there yet, or full, and they may not go elsewhere;\n"
                       "             they cost the plan nothing",
                       (unsigned)report->input.econ->n_months);
        put_refused_price(out, report);
        ts_text_puts(out, "\n");
    }
}

static void put_bound(struct ts_text *out, const char *name, double bound_s, bool *first)
{
    if (bound_s > 0.0) {
        ts_text_printf(out, "%s%s ", *first ? " (" : ", ", name);
        ts_metric_format(out, bound_s, "s");
        *first = false;
    }
}

static void put_slo(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_slo_model *slo = &report->input.model->slo;
    bool first = true;
    double attainment = ts_report_value(report, ALL, "attainment", "mean");
    ts_text_puts(out, "  SLO        ");
    ts_report_put_doubt(out, report, TS_DOUBT_ATTAINMENT);
    bool bounded = slo->ttft_s > 0.0 || slo->tpot_s > 0.0 || slo->e2e_s > 0.0;
    ts_text_puts(out, bounded ? " of requests met it" : " of requests were answered; the SLO bounds no time");
    put_bound(out, "TTFT", slo->ttft_s, &first);
    put_bound(out, "TPOT", slo->tpot_s, &first);
    put_bound(out, "E2E", slo->e2e_s, &first);
    ts_text_puts(out, first ? "" : ")");
    if (slo->attainment_frac > 0.0) {
        ts_text_puts(out, "; wanted ");
        ts_metric_format(out, slo->attainment_frac, "frac");
        ts_text_puts(out, attainment >= slo->attainment_frac ? ": met" : ": MISSED");
    }
    ts_text_puts(out, "\n");
}

/* Does each server keep up? Nothing where there is none. */
static void put_load(struct ts_text *out, const struct ts_report *report)
{
    static const char *const words[] = {"stable", "backlogged for a while, then worked off or given up",
                                        "OVERLOADED: the queue grows until the end"};
    const struct ts_model *model = report->input.model;
    const char *before = "  load       ";
    bool any = false;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        if (model->tiers[i].kind == TS_TIER_SERVER) {
            ts_text_printf(out, "%s%s %s", before, model->tiers[i].name,
                           words[ts_result_saturation(model, report->input.result, i)]);
            before = "; ";
            any = true;
        }
    }
    ts_text_puts(out, any ? "\n" : "");
}

/* "edge keeps its SLO up to 5.3 times today's volume at the peak of the week (then TTFT)" */
static void put_capacity(struct ts_text *out, const struct ts_report *report)
{
    const char *begin = "  capacity   ";
    for (uint32_t i = 0; i < report->input.model->n_tiers; i++) {
        struct ts_text sentence;
        ts_text_init(&sentence);
        if (ts_report_put_capacity(&sentence, report, i)) {
            ts_text_printf(out, "%s%s\n", begin, sentence.data);
            begin = "             ";
        }
        out->failed = out->failed || sentence.failed;
        ts_text_deinit(&sentence);
    }
}

/* A line that may have nothing to say. */
static void put_line(struct ts_text *out, const struct ts_report *report, const char *begin,
                     bool (*put)(struct ts_text *, const struct ts_report *))
{
    struct ts_text line;
    ts_text_init(&line);
    ts_text_puts(&line, begin);
    if (put(&line, report)) {
        ts_text_wrap(out, line.data, TS_REPORT_WIDTH, strlen(begin));
        ts_text_puts(out, "\n");
    }
    out->failed = out->failed || line.failed;
    ts_text_deinit(&line);
}

static bool put_right(struct ts_text *out, const struct ts_report *report)
{
    const bool known = !report->input.model->quality.unknown;
    if (known) {
        ts_report_put_doubt(out, report, TS_DOUBT_QUALITY);
        ts_text_puts(out, " answered right");
        ts_report_put_quality(out, report);
    }
    return known;
}

static void put_speed_and_energy(struct ts_text *out, const struct ts_report *report)
{
    ts_text_puts(out, "  speed      first token ");
    ts_report_put(out, report, ALL, "ttft", "p50");
    ts_text_puts(out, " (p95 ");
    ts_report_put_doubt(out, report, TS_DOUBT_TTFT);
    ts_text_puts(out, "), whole answer ");
    ts_report_put(out, report, ALL, "e2e", "p50");
    ts_text_puts(out, " (p95 ");
    ts_report_put(out, report, ALL, "e2e", "p95");
    ts_text_puts(out, ")\n  energy     ");
    ts_report_put_doubt(out, report, TS_DOUBT_ENERGY);
    ts_text_puts(out, ", ");
    ts_metric_format_bare(out, ts_report_value(report, ALL, "carbon", "value"), "kg/month");
    ts_text_puts(out, " kg CO2/month; ");
    ts_report_put(out, report, ALL, "cost_of_tokens", "reserved");
    ts_text_puts(out, "\n");
    put_line(out, report, "  quality    ", put_right);
    put_line(out, report, "  later      ", ts_report_put_later);
}

/* How long sessions take, and how many users are at work at a time. */
static void put_sessions(struct ts_text *out, const struct ts_report *report)
{
    if (!report->input.model->has_sessions) {
        return;
    }
    ts_text_puts(out, "  sessions   ");
    ts_report_put(out, report, ALL, "session", "p50");
    ts_text_puts(out, " from first call to last reply (p95 ");
    ts_report_put(out, report, ALL, "session", "p95");
    ts_text_puts(out, "); ");
    ts_report_put(out, report, ALL, "active_sessions", "mean");
    ts_text_puts(out, " users at work, ");
    ts_report_put(out, report, ALL, "active_sessions_slo", "mean");
    ts_text_puts(out, " within the SLO");
    if (ts_report_value(report, ALL, "sessions_broken", "sum") > 0.0) {
        ts_text_puts(out, "; ");
        ts_report_put(out, report, ALL, "sessions_broken", "sum");
        ts_text_puts(out, " broken off");
    }
    ts_text_puts(out, "\n");
}

/* Requests that were not done, one line, only if there are any. */
static void put_losses(struct ts_text *out, const struct ts_report *report)
{
    if (ts_report_value(report, ALL, "done", "sum") == ts_report_value(report, ALL, "arrived", "sum")) {
        return;
    }
    ts_text_puts(out, "  not done   ");
    ts_report_put(out, report, ALL, "rejected", "sum");
    ts_text_puts(out, " rejected");
    ts_report_put_losses(out, report);
    ts_text_puts(out, ", ");
    ts_report_put(out, report, ALL, "timed_out", "sum");
    ts_text_puts(out, " timed out, ");
    ts_report_put(out, report, ALL, "unfinished", "sum");
    ts_text_puts(out, " unfinished\n");
}

static void put_limits(struct ts_text *out, const struct ts_report *report)
{
    for (size_t i = 0; i < report->n_verdicts; i++) {
        if (report->verdicts[i].is_limit) {
            ts_text_puts(out, report->verdicts[i].met ? "  limit      kept: " : "  limit      MISSED: ");
            ts_report_verdict_put(out, &report->verdicts[i]);
            ts_text_puts(out, "\n");
        }
    }
}

/* ---- tiers ---- */

/* Whole numbers of the column's own unit: energy and money. */
static void put_whole(struct ts_text *cell, double value, int digits)
{
    ts_text_number(cell, fabs(value) >= 1.0 ? round(value) : value, digits);
}

static void put_cell(struct ts_text *cell, const struct ts_report *report, uint32_t subject,
                     const struct ts_column *column)
{
    const double value = ts_report_value(report, subject, column->name, column->stat);
    const char *unit = ts_column_metric(column)->unit;
    if (ts_str_equal(unit, "kWh/month")) {
        put_whole(cell, value, 3);
    } else if (ts_str_equal(unit, "USD/month")) {
        put_whole(cell, value, 4);
    } else {
        ts_metric_format(cell, value, unit);
    }
}

/* False when out of memory. */
static bool put_row(struct ts_table *table, const struct ts_report *report, uint32_t tier)
{
    const uint32_t subject = ts_figure_tier(&report->list, tier);
    struct ts_text cell;
    bool failed = false;
    ts_text_init(&cell);
    ts_report_put_clipped(&cell, ts_metric_tier_name(report->input.model, tier), NAME_WIDTH);
    ts_table_row(table);
    ts_table_put(table, cell.data);
    for (const struct ts_column *column = ts_glance_columns; column->header; column++) {
        failed = failed || cell.failed;
        ts_text_clear(&cell);
        put_cell(&cell, report, subject, column);
        ts_table_put(table, cell.data);
    }
    failed = failed || cell.failed;
    ts_text_deinit(&cell);
    return !failed;
}

static enum ts_status put_tiers(struct ts_text *out, const struct ts_report *report)
{
    const uint32_t n_tiers = report->input.model->n_tiers;
    struct ts_table *table = ts_table_create(NULL);
    if (table == NULL) {
        return TS_ENOMEM;
    }
    ts_table_column(table, "tier", false);
    for (const struct ts_column *column = ts_glance_columns; column->header; column++) {
        char header[TS_UNIT_BYTES];
        ts_table_column(table, ts_metric_unit(header, column->header, report->input.model), true);
    }
    bool complete = true;
    for (uint32_t tier = 0; complete && tier <= n_tiers + 1; tier++) {
        if (tier != n_tiers || ts_report_tells_nowhere(report)) {
            complete = put_row(table, report, tier);
        }
    }
    enum ts_status status = complete ? ts_table_render(table, TS_TABLE_TEXT, out) : TS_ENOMEM;
    ts_table_destroy(table);
    return status;
}

/* A line for each pool that tiers list. */
static void put_pools(struct ts_text *out, const struct ts_report *report)
{
    const char *before = "\n";
    for (uint32_t i = 0; i < report->input.result->n_pools; i++) {
        if (!ts_metric_shows_pool(report->input.model, i) || report->input.result->pools[i].cells) {
            continue;
        }
        const uint32_t pool = ts_figure_pool(&report->list, i);
        ts_text_printf(out, "%spool ", before);
        before = "";
        ts_figure_put_subject(out, &report->list, pool);
        ts_text_puts(out, ": busy ");
        ts_report_put(out, report, pool, "busy", "mean");
        ts_text_puts(out, ", batch ");
        ts_report_put(out, report, pool, "batch", "mean");
        ts_text_puts(out, ", KV ");
        ts_report_put(out, report, pool, "kv_used", "mean");
        ts_text_puts(out, " (peak ");
        ts_report_put(out, report, pool, "kv_used", "max");
        ts_text_puts(out, "), ");
        ts_report_put(out, report, pool, "energy", "total");
        ts_text_puts(out, "\n");
    }
}

/* A line for each tier whose KV entries cross a link. */
static void put_transfers(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        const uint32_t tier = ts_figure_tier(&report->list, i);
        if (!ts_tier_is_disaggregated(&model->tiers[i])) {
            continue;
        }
        ts_text_printf(out, "%s: KV cache across in ", model->tiers[i].name);
        ts_report_put(out, report, tier, "kv_transfer", "mean");
        ts_text_puts(out, " (p99 ");
        ts_report_put(out, report, tier, "kv_transfer", "p99");
        ts_text_puts(out, "), of it waiting ");
        ts_report_put(out, report, tier, "kv_transfer_wait", "mean");
        ts_text_puts(out, "; link busy ");
        ts_report_put(out, report, tier, "kv_link_busy", "mean");
        ts_text_puts(out, "\n");
    }
}

/* How many numbers came from where: "42 assumptions: 12 scenario, 20 catalog, 8 default, 2 measured". */
static void put_origins(struct ts_text *out, const struct ts_report *report)
{
    const size_t n = report->input.model->n_assumptions;
    bool first = true;
    if (n == 0) {
        return;
    }
    ts_text_printf(out, "\n%zu assumption%s:", n, n == 1 ? "" : "s");
    for (int origin = TS_ORIGIN_SCENARIO; origin <= TS_ORIGIN_MODELLED; origin++) {
        if (report->n_of_origin[origin] > 0) {
            ts_text_printf(out, "%s %zu %s", first ? "" : ",", report->n_of_origin[origin],
                           ts_origin_name((enum ts_origin)origin));
            first = false;
        }
    }
    ts_text_puts(out, "\n");
    if (report->input.model->money.rates) {
        ts_text_printf(out, "converted at %s\n", report->input.model->money.rates);
    }
}

enum ts_status ts_report_terminal(struct ts_text *out, const struct ts_report *report)
{
    put_title(out, report);
    put_cost(out, report);
    put_payback(out, report);
    put_policy(out, report);
    put_line(out, report, "  or         ", ts_report_put_same_weights);
    put_refused(out, report);
    put_slo(out, report);
    put_load(out, report);
    put_capacity(out, report);
    put_line(out, report, "  growth     ", ts_report_put_growth);
    put_speed_and_energy(out, report);
    put_sessions(out, report);
    put_losses(out, report);
    put_limits(out, report);
    ts_text_puts(out, "\n");
    enum ts_status status = put_tiers(out, report);
    if (status == TS_OK) {
        status = ts_report_devices_text(out, report);
    }
    if (status == TS_OK) {
        status = ts_report_tails_text(out, report);
    }
    if (status == TS_OK) {
        status = ts_report_recorded_text(out, report);
    }
    if (status == TS_OK) {
        status = ts_report_baselines_text(out, report);
    }
    if (status == TS_OK) {
        status = ts_report_uncertainty_text(out, report);
    }
    put_pools(out, report);
    put_transfers(out, report);
    ts_report_incidents_text(out, report);
    ts_report_notes_text(out, report);
    put_origins(out, report);
    return status == TS_OK && out->failed ? TS_ENOMEM : status;
}
