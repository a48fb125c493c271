/* Hides the sentences about what only some tiers have: more to do than they can, a price that a default decides, a
 * battery, the prompt cache of an API's provider, step times with a known error; and about the router.
 *
 * Overload. Requests that come rho times as fast as they are served leave a queue that grows for as long as they come;
 * who comes last waits (rho - 1) times the window. So rho is told from the longest waits, p99, if these are more than a
 * tenth of the window and grew throughout it (the batch means of waits, in order of time: the last quarter is more than
 * 1.5 times the first half). In a stable system waits do neither, once the window is long. Where clients give up, waits
 * end at their patience; then it is told from how many did. Users of a closed loop wait for each other: there is no
 * such queue, only patience. */
#include <math.h>

#include "base/units.h"
#include "reports/html.h"
#include "reports/report_parts.h"

/* ---- overload ---- */

static const double lost_frac = 0.05;
static const double long_wait_frac = 0.1;

/* Waits grew throughout the run: known of one run that was long enough. */
static bool waits_grow(const struct ts_result *result, const struct ts_batch_means *waits)
{
    double first = 0.0, last = 0.0;
    const uint32_t half = waits->n / 2, quarter = waits->n / 4;
    if (result->n_replications != 1 || waits->n < TS_BATCHES_LEAST) {
        return false;
    }
    for (uint32_t i = 0; i < half; i++) {
        first += waits->sum[i] / half;
    }
    for (uint32_t i = waits->n - quarter; i < waits->n; i++) {
        last += waits->sum[i] / quarter;
    }
    return last > 1.5 * first;
}

/* How many times as fast requests come as they are served; 0: no faster. */
static double overload(const struct ts_report *report, uint32_t tier)
{
    const struct ts_result *result = report->input.result;
    const double window_s = result->window_s - result->warmup_s; /* of one run: see waits_grow */
    const double wait_s = ts_report_value(report, ts_figure_tier(&report->list, tier), "wait", "p99");
    const bool open = report->input.model->users.n == 0 && window_s > 0.0;
    return open && wait_s > long_wait_frac * window_s && waits_grow(result, &result->tiers[tier].batches[TS_WAIT])
               ? 1.0 + wait_s / window_s
               : 0.0;
}

static bool note_overload(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const uint32_t subject = ts_figure_tier(&report->list, tier);
    const struct ts_tier_model *model = &report->input.model->tiers[tier];
    const double arrived = ts_report_value(report, subject, "arrived", "sum");
    const double given_up = ts_report_value(report, subject, "timed_out", "sum");
    const double factor = model->kind == TS_TIER_API ? 0.0 : overload(report, tier);
    if (model->kind != TS_TIER_API && given_up > lost_frac * arrived) {
        const bool fails = report->input.result->tiers[tier].n_failures > 0;
        ts_text_printf(out, fails ? "%s: OVERLOAD, or failures: " : "%s: OVERLOAD: ", model->name);
        ts_metric_format(out, given_up / arrived, "frac");
        ts_text_puts(out, " of its requests were given up after ");
        ts_metric_format(out, report->input.model->patience_s, "s");
        ts_text_puts(out, " without a first token; latencies are those of the others");
    } else if (factor > 0.0) {
        ts_text_printf(out, "%s: OVERLOAD: requests arrive about ", model->name);
        ts_text_number(out, factor, 2);
        ts_text_puts(out, " times as fast as they are served; the longest waits (p99 ");
        ts_report_put(out, report, subject, "wait", "p99");
        ts_text_puts(out, ") grow with the window");
    } else {
        return false;
    }
    return true;
}

/* ---- prices, batteries and prompt caches ---- */

/* Money that is compared rests on a price that nobody wrote. */
static bool note_price(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const struct ts_tier_model *model = &report->input.model->tiers[tier];
    if (!model->owned.is_bare || !report->input.econ->has_baseline) {
        return false;
    }
    ts_text_printf(out, "%s: bought at catalog prices, ", model->name);
    ts_metric_format(out, model->owned.capex_usd, ts_model_currency(report->input.model));
    ts_text_puts(out, " with hosts and network");
    ts_text_puts(out, model->owned.staff_fte > 0.0 ? "" : ", without anybody to run them: owned.staff is 0");
    ts_text_puts(out, " (owned.capex is not written)");
    return true;
}

static bool is_default(const struct ts_model *model, const char *key)
{
    for (size_t i = 0; i < model->n_assumptions; i++) {
        if (ts_str_equal(model->assumptions[i].key, key)) {
            return model->assumptions[i].origin == TS_ORIGIN_DEFAULT;
        }
    }
    return false;
}

/* A good part of what the tier costs is people's time, at a salary that nobody wrote. */
static bool note_salary(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const double told_frac = 0.2;
    const struct ts_model *model = report->input.model;
    const double *usd = report->input.econ->monthly_usd[tier];
    double all_usd = 0.0;
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        all_usd += usd[kind];
    }
    if (!(usd[TS_COST_STAFF] >= told_frac * all_usd) || !(all_usd > 0.0) || !is_default(model, "money.salary")) {
        return false;
    }
    ts_text_printf(out, "%s: ", model->tiers[tier].name);
    ts_metric_format(out, usd[TS_COST_STAFF] / all_usd, "frac");
    ts_text_puts(out, " of its cost is staff, at the default salary of ");
    ts_metric_format(out, model->money.salary_usd_per_year, ts_model_currency(model));
    ts_text_puts(out, "/year (money.salary is not written)");
    return true;
}

/* What has no price pays back at once. */
static bool note_free(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const struct ts_tier_model *model = &report->input.model->tiers[tier];
    const struct ts_econ *econ = report->input.econ;
    double usd = 0.0;
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        usd += kind == TS_COST_ENERGY || kind == TS_COST_API ? 0.0 : econ->monthly_usd[tier][kind];
    }
    if (model->kind == TS_TIER_API || usd > 0.0 || !(econ->tier_baseline_usd_per_month[tier] > 0.0)) {
        return false;
    }
    ts_text_printf(out, "%s: its machines are assumed to exist: no price, upkeep or staff is booked (owned)",
                   model->name);
    return true;
}

static bool note_battery(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const uint32_t subject = ts_figure_tier(&report->list, tier);
    const struct ts_tier_model *model = &report->input.model->tiers[tier];
    const bool battery = model->kind == TS_TIER_DEVICE && model->u.device.battery_wh > 0.0;
    if (!battery || isnan(ts_report_value(report, subject, "battery_day", "mean"))) {
        return false;
    }
    ts_text_printf(out, "%s: a reply takes ", model->name);
    ts_report_put(out, report, subject, "battery_reply", "mean");
    ts_text_puts(out, " of a charge of ");
    ts_metric_format(out, model->u.device.battery_wh, "Wh");
    ts_text_puts(out, ", a day of one who uses it ");
    ts_report_put(out, report, subject, "battery_day", "mean");
    return true;
}

static bool note_prompt_cache(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const uint32_t subject = ts_figure_tier(&report->list, tier);
    const struct ts_tier_model *model = &report->input.model->tiers[tier];
    if (model->kind != TS_TIER_API || report->input.result->tiers[tier].looked_up_tok == 0 ||
        !ts_metric_concerns(ts_metric_find("cached_tok", "sum"), report->input.model)) {
        return false;
    }
    ts_text_printf(out, "%s: ", model->name);
    ts_report_put(out, report, subject, "cache_hit", "mean");
    ts_text_puts(out, " of the prompt tokens were in the provider's cache; billed as cached: ");
    ts_report_put(out, report, subject, "cached_tok", "sum");
    return true;
}

/* How much of what was provisioned was used, and from which share on it is cheaper than tokens one by one. */
static bool note_provisioned(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const struct ts_tier_model *model = &report->input.model->tiers[tier];
    const struct ts_result *result = report->input.result;
    double tok_per_s = 0.0, units = 0.0, paid_usd = 0.0, worth_usd = 0.0;
    for (uint32_t i = 0; model->kind == TS_TIER_API && i < model->u.api.n_offers; i++) {
        const struct ts_offer *offer = &model->u.api.offers[i];
        units += offer->provisioned.units;
        tok_per_s += offer->provisioned.tok_per_s;
        paid_usd += offer->provisioned.usd_per_month;
        worth_usd += offer->provisioned.tok_per_s * TS_S_PER_MONTH * offer->input_usd_per_mtok * 1e-6;
    }
    const double window_s = ts_result_window_s(result);
    if (!(tok_per_s > 0.0) || !(window_s > 0.0)) {
        return false;
    }
    ts_text_printf(out, "%s: %.0f provisioned units, ", model->name, units);
    ts_metric_format(out, paid_usd, ts_model_currency(report->input.model));
    ts_text_puts(out, " a month, used to ");
    ts_metric_format(out, result->tiers[tier].provisioned_tok / (tok_per_s * window_s), "frac");
    if (worth_usd > paid_usd) {
        ts_text_puts(out, "; paying per token is cheaper below ");
        ts_metric_format(out, paid_usd / worth_usd, "frac");
    } else if (worth_usd > 0.0) {
        ts_text_puts(out, "; paying per token is cheaper even at full use");
    }
    return true;
}

static const struct ts_steps_model *steps_of(const struct ts_tier_model *model)
{
    return ts_tier_is_mixed(model)         ? NULL
           : model->kind == TS_TIER_DEVICE ? &model->u.device.steps
           : model->kind == TS_TIER_SERVER ? &model->u.server.pools[0].replica.steps
                                           : NULL;
}

/* Where 9 of 10 measurements lie that the fit of a roofline had not seen; or requests like those of a log. */
static bool note_error(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const uint32_t subject = ts_figure_tier(&report->list, tier);
    const struct ts_tier_model *model = &report->input.model->tiers[tier];
    const struct ts_steps_model *steps = steps_of(model);
    const double tpot_s = ts_report_value(report, subject, "tpot", "p50");
    if (!steps || steps->error.high <= 0.0 || !(tpot_s > 0.0)) { /* replies that are shown whole have none */
        return false;
    }
    const bool calibrated = steps->origin == TS_ORIGIN_IMPORTED;
    ts_text_printf(out, "%s: step times %s; TPOT p50 ", model->name,
                   calibrated ? "calibrated from its log" : "of a fitted roofline");
    ts_metric_format(out, tpot_s, "s");
    ts_text_printf(out, ", and with 9 of 10 %s between ",
                   calibrated ? "of such requests" : "measurements that the fit had not seen");
    ts_metric_format(out, tpot_s * steps->error.low, "s");
    ts_text_puts(out, " and ");
    ts_metric_format(out, tpot_s * steps->error.high, "s");
    return true;
}

/* ---- the router ---- */

/* What its servers do is in the row of nowhere, which is the last. */
static bool note_router(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const double full_frac = 0.98;
    const struct ts_model *model = report->input.model;
    const uint32_t subject = ts_figure_tier(&report->list, tier);
    if (model->router.n_servers == 0) {
        return false;
    }
    const double busy_frac = report->input.result->tiers[tier].busy_frac;
    const double wait_s = ts_report_value(report, subject, "router_wait", "mean");
    const bool is_over = busy_frac > full_frac || (model->patience_s > 0.0 && wait_s > model->patience_s);
    ts_text_puts(out, is_over ? "router: OVERLOAD: busy " : "router: busy ");
    ts_metric_format(out, busy_frac, "frac");
    ts_text_printf(out, " of the time of its %u server%s; a request waits ", model->router.n_servers,
                   model->router.n_servers == 1 ? "" : "s");
    ts_report_put(out, report, subject, "router_wait", "mean");
    ts_text_puts(out, " on average; ");
    ts_report_put(out, report, subject, "energy_use", "total");
    ts_text_puts(out, ", in the row of nowhere");
    return true;
}

static bool (*const notes[])(struct ts_text *, const struct ts_report *, uint32_t) = {
    note_overload, note_price, note_salary, note_free, note_battery, note_prompt_cache, note_provisioned, note_error};

enum { N_NOTES = sizeof notes / sizeof notes[0] };

/* The n-th note of a tier; of nowhere there is one. */
static bool put_note(struct ts_text *out, const struct ts_report *report, uint32_t tier, int n)
{
    return tier < report->input.model->n_tiers ? notes[n](out, report, tier) : n == 0 && note_router(out, report, tier);
}

/* The heading stands before the first note alone. False if there was none. */
static bool put_notes(struct ts_text *out, const struct ts_report *report, const char *heading, const char *begin,
                      void (*put)(struct ts_text *, const char *), const char *end)
{
    bool any = false;
    for (uint32_t i = 0; i <= report->input.model->n_tiers; i++) {
        for (int n = 0; n < N_NOTES; n++) {
            struct ts_text note;
            ts_text_init(&note);
            if (put_note(&note, report, i, n)) {
                ts_text_puts(out, any ? "" : heading);
                ts_text_puts(out, begin);
                put(out, note.data);
                ts_text_puts(out, end);
                any = true;
            }
            out->failed = out->failed || note.failed;
            ts_text_deinit(&note);
        }
    }
    return any;
}

static void put_wrapped(struct ts_text *out, const char *note)
{
    ts_text_wrap(out, note, TS_REPORT_WIDTH, 2);
}

void ts_report_notes_text(struct ts_text *out, const struct ts_report *report)
{
    (void)put_notes(out, report, "\n", "", put_wrapped, "\n");
}

void ts_report_notes_html(struct ts_text *out, const struct ts_report *report)
{
    const char *heading = "<section>\n<h2>Notes on tiers</h2>\n<ul>\n";
    if (put_notes(out, report, heading, "<li>", ts_html_put, "</li>\n")) {
        ts_text_puts(out, "</ul>\n</section>\n");
    }
}
