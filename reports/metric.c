/* Hides what the figures of a report are and how they follow from result and economics. Definitions: TTFT, TPOT, ITL,
 * E2E and WAIT as in sim/result.h; attainment = requests that met every promise / all arrivals; quality = expected
 * right answers / requests done; goodput = requests that met every promise / window; all without the warm-up and what
 * came in it. Energies are of the simulated window behind it (1 kWh = 3.6 MJ), money and kWh "a month" come from
 * econ/econ.h. */
#include "reports/metric.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/units.h"

#define J_PER_KWH 3.6e6

static double ratio(double a, double b)
{
    return b > 0.0 ? a / b : NAN;
}

/* ---- requests ---- */

enum count { ARRIVED, DONE, REJECTED, TIMED_OUT, UNFINISHED, LEFT_OUT, SLO_MET, FELL_BACK, PROMPT_TOK, OUTPUT_TOK };

static double get_count(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_cell *cell = &view->cell;
    switch ((enum count)self->index) {
    case ARRIVED:
        return (double)cell->arrived;
    case DONE:
        return (double)cell->done;
    case REJECTED:
        return (double)cell->rejected;
    case TIMED_OUT:
        return (double)cell->timed_out;
    case UNFINISHED:
        return (double)cell->unfinished;
    case LEFT_OUT:
        return (double)cell->left_out;
    case SLO_MET:
        return (double)cell->slo_met;
    case FELL_BACK:
        return (double)cell->fell_back;
    case PROMPT_TOK:
        return (double)cell->prompt_tok;
    case OUTPUT_TOK:
        return (double)cell->output_tok;
    }
    return NAN;
}

static double get_attainment(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio((double)view->cell.slo_met, (double)(view->cell.arrived - view->cell.left_out));
}

static double get_quality(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio(view->cell.expected_right, (double)(view->cell.done - view->cell.left_out_done));
}

static double get_goodput(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio((double)view->cell.slo_met, view->result->window_s - view->result->warmup_s);
}

static double get_output_rate(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio((double)view->cell.output_tok, view->result->window_s - view->result->warmup_s);
}

enum bill { BILL_API, BILL_DISPLACED, BILL_BARRED };

static double get_bill(const struct ts_metric_view *view, const struct ts_metric *self)
{
    switch ((enum bill)self->index) {
    case BILL_API:
        return view->cell.api_usd;
    case BILL_DISPLACED:
        return view->cell.displaced_usd;
    case BILL_BARRED:
        return view->cell.barred_usd;
    }
    return NAN;
}

static double get_quantile(const struct ts_metric_view *view, const struct ts_metric *self)
{
    return ts_hist_quantile(&view->cell.latency_ns[self->index], self->p) / (double)TS_NS_PER_S;
}

static double get_mean(const struct ts_metric_view *view, const struct ts_metric *self)
{
    return ts_hist_mean(&view->cell.latency_ns[self->index]) / (double)TS_NS_PER_S;
}

/* Half the width of the confidence interval of the mean, by batch means; of single classes none is kept. */
static double get_half_width(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_batch_means *batches =
        view->tier > view->model->n_tiers ? view->result->batches : view->result->tiers[view->tier].batches;
    return ts_batch_means_half(&batches[self->index], self->p);
}

/* ---- tiers ---- */

enum part { PART_IDLE, PART_ACTIVE, PART_HOST, PART_OVERHEAD, PART_TOTAL };

static double get_energy(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_tier_result *tier = &view->totals;
    switch ((enum part)self->index) {
    case PART_IDLE:
        return tier->idle_j / J_PER_KWH;
    case PART_ACTIVE:
        return tier->active_j / J_PER_KWH;
    case PART_HOST:
        return tier->host_j / J_PER_KWH;
    case PART_OVERHEAD:
        return tier->overhead_j / J_PER_KWH;
    case PART_TOTAL:
        return ts_tier_energy_j(tier) / J_PER_KWH;
    }
    return NAN;
}

enum gauge {
    BUSY,
    IN_TIER,
    BATCH,
    KV_MEAN,
    KV_PEAK,
    STEPS,
    PREEMPTIONS,
    THROTTLED,
    RETRIES,
    CACHE_HIT,
    MFU,
    MBU,
    UP,
    STARTS,
    FAILURES,
    LINK_BUSY,
    KV_BYTES
};

static double get_gauge(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_tier_result *tier = &view->totals;
    switch ((enum gauge)self->index) {
    case BUSY:
        return tier->busy_frac;
    case IN_TIER:
        return tier->mean_in_tier;
    case BATCH:
        return tier->mean_batch;
    case KV_MEAN:
        return tier->kv_mean_frac;
    case KV_PEAK:
        return tier->kv_peak_frac;
    case STEPS:
        return (double)tier->n_steps;
    case PREEMPTIONS:
        return (double)tier->n_preemptions;
    case THROTTLED:
        return (double)tier->n_throttled;
    case RETRIES:
        return (double)tier->n_retries;
    case CACHE_HIT:
        return ratio((double)tier->found_tok, (double)tier->looked_up_tok);
    case MFU:
        return ratio(tier->flop, tier->peak_flop);
    case MBU:
        return ratio(tier->bytes, tier->peak_bytes);
    case UP:
        return tier->mean_up;
    case STARTS:
        return (double)tier->n_starts;
    case FAILURES:
        return (double)tier->n_failures;
    case LINK_BUSY:
        return tier->transfer_busy_frac;
    case KV_BYTES:
        return tier->transfer_bytes;
    }
    return NAN;
}

/* Of KV entries between prefill and decode pools; other tiers, and all together, have none. */
enum transfer { TRANSFER, TRANSFER_WAIT };

static const struct ts_hist *transfers_of(const struct ts_metric_view *view, enum transfer which)
{
    const bool has = view->tier < view->model->n_tiers && ts_tier_is_disaggregated(&view->model->tiers[view->tier]);
    const struct ts_tier_result *tier = &view->result->tiers[has ? view->tier : 0];
    return !has ? NULL : which == TRANSFER ? &tier->transfer_ns : &tier->transfer_wait_ns;
}

static double get_transfer_quantile(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_hist *hist = transfers_of(view, (enum transfer)self->index);
    return hist ? ts_hist_quantile(hist, self->p) / (double)TS_NS_PER_S : NAN;
}

static double get_transfer_mean(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_hist *hist = transfers_of(view, (enum transfer)self->index);
    return hist ? ts_hist_mean(hist) / (double)TS_NS_PER_S : NAN;
}

static bool has_transfers(const struct ts_model *model)
{
    bool any = false;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        any = any || ts_tier_is_disaggregated(&model->tiers[i]);
    }
    return any;
}

/* ---- money ---- */

static double get_cost(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_econ *econ = view->econ;
    bool all = view->tier > econ->n_tiers;
    double sum = 0.0;
    for (uint32_t tier = all ? 0 : view->tier; tier <= (all ? econ->n_tiers : view->tier); tier++) {
        for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
            sum += self->index == kind || self->index == TS_N_COST_KINDS ? econ->monthly_usd[tier][kind] : 0.0;
        }
    }
    return sum;
}

static double get_tier_baseline(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    const struct ts_econ *econ = view->econ;
    return view->tier > econ->n_tiers ? econ->baseline_usd_per_month : econ->tier_baseline_usd_per_month[view->tier];
}

static double get_tier_kwh(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    const struct ts_econ *econ = view->econ;
    return view->tier > econ->n_tiers ? econ->kwh_per_month : econ->tier_kwh_per_month[view->tier];
}

enum plan_figure {
    SAVING,
    BARRED,
    CARBON,
    PER_MTOK,
    NPV,
    PAYBACK,
    DISCOUNTED,
    ALLOWED,
    IRR,
    HORIZON,
    MONTH_FACTOR,
    TIME_FACTOR,
    CAPACITY
};

static double get_plan(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_econ *econ = view->econ;
    switch ((enum plan_figure)self->index) {
    case SAVING:
        return econ->baseline_usd_per_month - econ->total_usd_per_month;
    case BARRED:
        return econ->barred_usd_per_month;
    case CARBON:
        return econ->carbon_kg_per_month;
    case PER_MTOK:
        return econ->usd_per_mtok;
    case NPV:
        return econ->npv_usd;
    case PAYBACK:
        return econ->payback_months;
    case DISCOUNTED:
        return econ->discounted_payback_months;
    case ALLOWED:
        return econ->payback_allowed_months;
    case IRR:
        return econ->irr_per_year;
    case HORIZON:
        return (double)econ->n_months;
    case MONTH_FACTOR:
        return econ->month_factor;
    case TIME_FACTOR:
        return econ->time_factor;
    case CAPACITY:
        return econ->capacity_growth;
    }
    return NAN;
}

/* ---- run ---- */

enum run_figure { WINDOW, SIMULATED, WARMUP, REPLICATIONS, EVENTS };

static bool has_warmup(const struct ts_model *model)
{
    return model->warmup_s > 0.0;
}

static double get_run(const struct ts_metric_view *view, const struct ts_metric *self)
{
    switch ((enum run_figure)self->index) {
    case WINDOW:
        return view->result->window_s;
    case SIMULATED:
        return view->result->simulated_s;
    case WARMUP:
        return view->result->warmup_s;
    case REPLICATIONS:
        return (double)view->result->n_replications;
    case EVENTS:
        return (double)view->result->n_events;
    }
    return NAN;
}

/* ---- the table ---- */

#define COUNT(name, unit, index)                                                                                       \
    {                                                                                                                  \
        name, "sum", unit, TS_METRIC_REQUESTS, get_count, index, 0, NULL                                               \
    }
#define BILL(name, index)                                                                                              \
    {                                                                                                                  \
        name, "sum", "USD", TS_METRIC_REQUESTS, get_bill, index, 0, NULL                                               \
    }
#define LATENCY(name, index)                                                                                           \
    {name, "mean", "s", TS_METRIC_REQUESTS, get_mean, index, 0, NULL},                                                 \
        {name, "p50", "s", TS_METRIC_REQUESTS, get_quantile, index, 0.50, NULL},                                       \
        {name, "p95", "s", TS_METRIC_REQUESTS, get_quantile, index, 0.95, NULL},                                       \
        {name, "p99", "s", TS_METRIC_REQUESTS, get_quantile, index, 0.99, NULL},                                       \
    {                                                                                                                  \
        name, "max", "s", TS_METRIC_REQUESTS, get_quantile, index, 1.0, NULL                                           \
    }
#define LATENCY_CI95(name, index)                                                                                      \
    {                                                                                                                  \
        name "_ci95", "mean", "s", TS_METRIC_TIER, get_half_width, index, 0.95, NULL                                   \
    }
#define ENERGY(stat, index)                                                                                            \
    {                                                                                                                  \
        "energy", stat, "kWh", TS_METRIC_TIER, get_energy, index, 0, NULL                                              \
    }
#define GAUGE(name, stat, unit, index)                                                                                 \
    {                                                                                                                  \
        name, stat, unit, TS_METRIC_TIER, get_gauge, index, 0, NULL                                                    \
    }
#define COST(stat, index)                                                                                              \
    {                                                                                                                  \
        "cost", stat, "USD/month", TS_METRIC_MONEY, get_cost, index, 0, NULL                                           \
    }
#define PLAN(name, unit, index)                                                                                        \
    {                                                                                                                  \
        name, "value", unit, TS_METRIC_PLAN, get_plan, index, 0, NULL                                                  \
    }
#define RUN(name, unit, index)                                                                                         \
    {                                                                                                                  \
        name, "value", unit, TS_METRIC_RUN, get_run, index, 0, NULL                                                    \
    }

#define TRANSFERS(name, index)                                                                                         \
    {name, "mean", "s", TS_METRIC_TIER, get_transfer_mean, index, 0, has_transfers},                                   \
        {name, "p50", "s", TS_METRIC_TIER, get_transfer_quantile, index, 0.50, has_transfers},                         \
        {name, "p90", "s", TS_METRIC_TIER, get_transfer_quantile, index, 0.90, has_transfers},                         \
        {name, "p99", "s", TS_METRIC_TIER, get_transfer_quantile, index, 0.99, has_transfers},                         \
    {                                                                                                                  \
        name, "max", "s", TS_METRIC_TIER, get_transfer_quantile, index, 1.0, has_transfers                             \
    }

const struct ts_metric ts_metrics[] = {
    COUNT("arrived", "1", ARRIVED),
    COUNT("done", "1", DONE),
    COUNT("rejected", "1", REJECTED),
    COUNT("timed_out", "1", TIMED_OUT),
    COUNT("unfinished", "1", UNFINISHED),
    {"left_out", "sum", "1", TS_METRIC_REQUESTS, get_count, LEFT_OUT, 0, has_warmup},
    COUNT("slo_met", "1", SLO_MET),
    COUNT("fell_back", "1", FELL_BACK),
    COUNT("prompt_tok", "tok", PROMPT_TOK),
    COUNT("output_tok", "tok", OUTPUT_TOK),
    {"attainment", "mean", "frac", TS_METRIC_REQUESTS, get_attainment, 0, 0, NULL},
    {"quality", "mean", "frac", TS_METRIC_REQUESTS, get_quality, 0, 0, NULL},
    {"goodput", "mean", "1/s", TS_METRIC_REQUESTS, get_goodput, 0, 0, NULL},
    {"output_rate", "mean", "tok/s", TS_METRIC_REQUESTS, get_output_rate, 0, 0, NULL},
    LATENCY("ttft", TS_TTFT),
    LATENCY("ttft_server", TS_TTFT_SERVER),
    LATENCY("tpot", TS_TPOT),
    LATENCY("itl", TS_ITL),
    LATENCY("e2e", TS_E2E),
    LATENCY("wait", TS_WAIT),
    LATENCY_CI95("ttft", TS_TTFT),
    LATENCY_CI95("ttft_server", TS_TTFT_SERVER),
    LATENCY_CI95("tpot", TS_TPOT),
    LATENCY_CI95("e2e", TS_E2E),
    LATENCY_CI95("wait", TS_WAIT),
    BILL("api_bill", BILL_API),
    BILL("displaced_bill", BILL_DISPLACED),
    BILL("barred_bill", BILL_BARRED),
    ENERGY("idle", PART_IDLE),
    ENERGY("active", PART_ACTIVE),
    ENERGY("host", PART_HOST),
    ENERGY("overhead", PART_OVERHEAD),
    ENERGY("total", PART_TOTAL),
    GAUGE("busy", "mean", "frac", BUSY),
    GAUGE("in_tier", "mean", "1", IN_TIER),
    GAUGE("batch", "mean", "1", BATCH),
    GAUGE("kv_used", "mean", "frac", KV_MEAN),
    GAUGE("kv_used", "max", "frac", KV_PEAK),
    GAUGE("cache_hit", "mean", "frac", CACHE_HIT),
    GAUGE("mfu", "mean", "frac", MFU),
    GAUGE("mbu", "mean", "frac", MBU),
    GAUGE("steps", "sum", "1", STEPS),
    GAUGE("preemptions", "sum", "1", PREEMPTIONS),
    GAUGE("throttled", "sum", "1", THROTTLED),
    GAUGE("retries", "sum", "1", RETRIES),
    GAUGE("replicas_up", "mean", "1", UP),
    GAUGE("cold_starts", "sum", "1", STARTS),
    GAUGE("failures", "sum", "1", FAILURES),
    TRANSFERS("kv_transfer", TRANSFER),
    TRANSFERS("kv_transfer_wait", TRANSFER_WAIT),
    {"kv_transfer_bytes", "sum", "B", TS_METRIC_TIER, get_gauge, KV_BYTES, 0, has_transfers},
    {"kv_link_busy", "mean", "frac", TS_METRIC_TIER, get_gauge, LINK_BUSY, 0, has_transfers},
    COST("capex", TS_COST_CAPEX),
    COST("energy", TS_COST_ENERGY),
    COST("maintenance", TS_COST_MAINTENANCE),
    COST("staff", TS_COST_STAFF),
    COST("other", TS_COST_OTHER),
    COST("api", TS_COST_API),
    COST("total", TS_N_COST_KINDS),
    {"baseline_cost", "total", "USD/month", TS_METRIC_MONEY, get_tier_baseline, 0, 0, NULL},
    {"energy_use", "total", "kWh/month", TS_METRIC_MONEY, get_tier_kwh, 0, 0, NULL},
    RUN("window", "s", WINDOW),
    RUN("simulated", "s", SIMULATED),
    {"warmup", "value", "s", TS_METRIC_RUN, get_run, WARMUP, 0, has_warmup},
    RUN("replications", "1", REPLICATIONS),
    RUN("events", "1", EVENTS),
    PLAN("saving", "USD/month", SAVING),
    PLAN("barred", "USD/month", BARRED),
    PLAN("carbon", "kg/month", CARBON),
    PLAN("cost_of_tokens", "USD/Mtok", PER_MTOK),
    PLAN("npv", "USD", NPV),
    PLAN("payback", "months", PAYBACK),
    PLAN("discounted_payback", "months", DISCOUNTED),
    PLAN("payback_allowed", "months", ALLOWED),
    PLAN("irr", "frac/year", IRR),
    PLAN("horizon", "months", HORIZON),
    PLAN("month_factor", "1", MONTH_FACTOR),
    PLAN("time_factor", "1", TIME_FACTOR),
    PLAN("capacity_growth", "1", CAPACITY),
    {NULL, NULL, NULL, TS_METRIC_RUN, NULL, 0, 0, NULL},
};

const struct ts_metric *ts_metric_find(const char *name, const char *stat)
{
    for (const struct ts_metric *metric = ts_metrics; metric->name != NULL; metric++) {
        if (strcmp(metric->name, name) == 0 && strcmp(metric->stat, stat) == 0) {
            return metric;
        }
    }
    return NULL;
}

bool ts_metric_is_of_pools(const struct ts_metric *metric)
{
    static const enum gauge of_tiers[] = {IN_TIER, THROTTLED, RETRIES, STARTS, FAILURES, LINK_BUSY, KV_BYTES};
    bool is_of_tiers = metric->get != get_gauge && metric->get != get_energy;
    for (size_t i = 0; i < sizeof of_tiers / sizeof *of_tiers; i++) {
        is_of_tiers = is_of_tiers || (metric->get == get_gauge && metric->index == (int)of_tiers[i]);
    }
    return !is_of_tiers;
}

double ts_metric_value(const struct ts_metric_view *view, const char *name, const char *stat)
{
    const struct ts_metric *metric = ts_metric_find(name, stat);
    TS_CHECK(metric != NULL);
    bool money = metric->scope == TS_METRIC_MONEY || metric->scope == TS_METRIC_PLAN;
    return money && view->econ == NULL ? NAN : metric->get(view, metric);
}
