/* Hides how accounts become a result at the end of a run: means over the time after the warm-up, energy with its
 * adders, the series; and what must balance. */
#include <math.h>

#include "base/check.h"
#include "base/units.h"
#include "sim/ledger_parts.h"
#include "sim/result_bins.h"

static double ratio(double a, double b)
{
    return b > 0.0 ? a / b : 0.0;
}

/* L = lambda W over a run that starts empty and counts those still present at its end: the integral of the number
 * present is the sum of the stays. */
static void check_little(const struct ts_account *account)
{
    TS_CHECK(account->n_present == 0);
    TS_CHECK(fabs(account->present_s - account->stayed_s) <= 1e-6 + 1e-9 * account->present_s);
}

/* Units that were up in the mean: exactly all where none ever was down. */
static double mean_up_of(const struct ts_pool_account *account, int64_t span_ns)
{
    struct ts_unit_time all = {0};
    ts_unit_time_add(&all, account->units.n, span_ns);
    return ts_unit_time_equal(account->up, all) ? account->units.n
                                                : ratio(ts_unit_time_s(account->up), ts_s_from_ns(span_ns));
}

#define COPY_UNITS_COUNTED(field) out->field = account->field;
#define COPY_UNITS_CLOSED(field)
#define COPY_TIER_COUNTED(field)
#define COPY_TIER_CLOSED(field)

/* What the units of a pool did. span_ns: how long the run went on after the warm-up. */
static void close_pool(const struct ts_pool_account *account, int64_t span_ns, struct ts_tier_result *out)
{
    const struct ts_ledger_units *units = &account->units;
    const double span_s = ts_s_from_ns(span_ns);
    const double busy_s = ts_unit_time_s(account->busy);
    const double n_blocks = (double)units->kv_blocks;
#define TS_TIER(books, made, type, field, ...) COPY_##books##_##made(field)
#include "sim/counters.inc"
    TS_CHECK(!ts_unit_time_is_less(account->up, account->busy));
    out->mean_up = mean_up_of(account, span_ns);
    out->idle_j = units->counts_idle ? units->idle_w * out->mean_up * span_s : 0.0;
    out->host_j = units->host_frac * (out->idle_j + out->active_j);
    out->overhead_j = (units->pue - 1.0) * (out->idle_j + out->active_j + out->host_j);
    out->busy_frac = ratio(busy_s, ts_unit_time_s(account->up));
    out->mean_batch = ratio((double)account->n_step_seqs, (double)account->n_steps);
    out->kv_peak_frac = ratio((double)account->kv_peak, n_blocks);
    out->kv_mean_frac = ratio(account->kv_block_s, n_blocks * (out->mean_up * span_s));
    out->peak_flop = units->ideal.flop_per_s * busy_s;
    out->peak_bytes = units->ideal.bytes_per_s * busy_s;
}

/* What a tier's pools did together: the means are those over all their units. */
static void close_pools(struct ts_ledger *ledger, uint32_t tier, int64_t span_ns)
{
    struct ts_tier_result *out = &ledger->result.tiers[tier];
    struct ts_unit_time busy = {0}, up = {0};
    double block_s = 0.0, block_up_s = 0.0;
    uint64_t n_step_seqs = 0;
    const uint32_t end = ts_model_first_pool(ledger->model, tier + 1);
    for (uint32_t i = ts_model_first_pool(ledger->model, tier); i < end; i++) {
        const struct ts_pool_account *account = &ledger->pools[i];
        struct ts_tier_result *pool = &ledger->result.pools[i];
        close_pool(account, span_ns, pool);
        ts_result_add_units(out, pool);
        ts_unit_time_join(&busy, account->busy);
        ts_unit_time_join(&up, account->up);
        out->mean_up += pool->mean_up;
        out->active_users += pool->active_users;
        block_s += account->kv_block_s;
        block_up_s += (double)account->units.kv_blocks * (pool->mean_up * ts_s_from_ns(span_ns));
        n_step_seqs += account->n_step_seqs;
    }
    out->busy_frac = ratio(ts_unit_time_s(busy), ts_unit_time_s(up));
    out->kv_mean_frac = ratio(block_s, block_up_s);
    out->mean_batch = ratio((double)n_step_seqs, (double)out->n_steps);
}

#undef COPY_UNITS_COUNTED
#undef COPY_TIER_COUNTED
#define COPY_UNITS_COUNTED(field)
#define COPY_TIER_COUNTED(field) out->field = account->field;

static void close_tier(struct ts_ledger *ledger, uint32_t tier, int64_t span_ns)
{
    const double span_s = ts_s_from_ns(span_ns);
    const struct ts_account *account = &ledger->accounts[tier];
    struct ts_tier_result *out = &ledger->result.tiers[tier];
    check_little(account);
#define TS_TIER(books, made, type, field, ...) COPY_##books##_##made(field)
#include "sim/counters.inc"
    close_pools(ledger, tier, span_ns);
    out->mean_in_tier = ratio(account->present_s, span_s);
    out->transfer_busy_frac = ratio(account->link_s, span_s);
    out->link_down_frac = ratio(ts_s_from_ns(account->link_down_ns), ts_s_from_ns(span_ns + ledger->warmup_ns));
}

/* The series of a tier in one bin of which the run covered that much; of nowhere, the router's. */
static void close_bin(struct ts_ledger *ledger, uint32_t tier, uint32_t bin, int64_t covered_ns)
{
    const double covered_s = (double)covered_ns * 1e-9;
    struct ts_tier_result *out = &ledger->result.tiers[tier];
    double power_w = 0.0, busy_ns = 0.0, up_ns = 0.0, block_s = 0.0, block_up_s = 0.0;
    const bool is_tier = tier < ledger->model->n_tiers;
    const uint32_t end = is_tier ? ts_model_first_pool(ledger->model, tier + 1) : ledger->n_pools;
    for (uint32_t i = ts_model_first_pool(ledger->model, tier); i < end; i++) {
        const struct ts_ledger_units *units = &ledger->pools[i].units;
        double sums[TS_LEDGER_N_ROWS];
        for (int row = 0; row < TS_LEDGER_N_ROWS; row++) {
            sums[row] = ts_timeline_row(&ledger->timeline, ts_ledger_row(i, (enum ts_ledger_row)row))[bin];
        }
        const double mean_up = ratio(sums[TS_LEDGER_UP], (double)covered_ns);
        const double idle_w = units->counts_idle ? units->idle_w * mean_up : 0.0;
        const double adders = (1.0 + units->host_frac) * units->pue;
        power_w += (idle_w + ratio(sums[TS_LEDGER_POWER], covered_s)) * adders;
        busy_ns += sums[TS_LEDGER_BUSY];
        up_ns += sums[TS_LEDGER_UP];
        block_s += sums[TS_LEDGER_KV];
        block_up_s += (double)units->kv_blocks * (mean_up * covered_s);
    }
    out->power_w[bin] = power_w;
    out->in_tier[bin] =
        is_tier ? ratio(ts_timeline_row(&ledger->timeline, ts_ledger_present_row(ledger, tier))[bin], covered_s) : 0.0;
    out->busy[bin] = ratio(busy_ns, up_ns);
    out->kv_used[bin] = ratio(block_s, block_up_s);
}

static void close_outcomes(struct ts_ledger *ledger, uint32_t tier, uint32_t bin, double covered_s)
{
    struct ts_tier_result *out = &ledger->result.tiers[tier];
    if (ledger->counts_outcomes) {
        const struct ts_timeline *t = &ledger->timeline;
        out->served_per_s[bin] =
            ratio(ts_timeline_row(t, ts_ledger_outcome_row(ledger, tier, TS_LEDGER_SERVED))[bin], covered_s);
        out->refused_per_s[bin] =
            ratio(ts_timeline_row(t, ts_ledger_outcome_row(ledger, tier, TS_LEDGER_REFUSED))[bin], covered_s);
    }
}

static void close_series(struct ts_ledger *ledger, int64_t end_ns)
{
    const struct ts_timeline *timeline = &ledger->timeline;
    struct ts_result *result = &ledger->result;
    result->bin_s = ts_s_from_ns(timeline->width_ns);
    for (uint32_t bin = 0; bin < result->n_bins; bin++) {
        const int64_t begin_ns = (int64_t)bin * timeline->width_ns;
        const int64_t covered_ns = end_ns - begin_ns < timeline->width_ns ? end_ns - begin_ns : timeline->width_ns;
        result->n_reached[bin] = 1;
        result->arrivals[bin] = (uint64_t)ts_timeline_row(timeline, ts_ledger_arrivals_row(ledger))[bin];
        for (uint32_t i = 0; i <= result->n_tiers; i++) {
            close_bin(ledger, i, bin, covered_ns > 0 ? covered_ns : 0);
        }
        for (uint32_t i = 0; i <= result->n_tiers; i++) {
            close_outcomes(ledger, i, bin, (double)(covered_ns > 0 ? covered_ns : 0) * 1e-9);
        }
    }
}

static bool is_same(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b)) + 1e-9;
}

static void check_counts(const struct ts_ledger *ledger)
{
    uint64_t n_settled = 0, n_tok = 0;
    double usd = 0.0;
    for (uint32_t i = 0; i <= ledger->result.n_tiers; i++) {
        for (uint32_t c = 0; c < ledger->result.n_classes; c++) {
            const struct ts_cell *cell = &ledger->result.tiers[i].cells[c];
            n_settled += cell->arrived;
            n_tok += cell->prompt_tok + cell->output_tok + cell->superseded_tok;
            usd += cell->api_usd + cell->superseded_usd;
        }
    }
    TS_CHECK(n_settled == ledger->n_arrived);
    TS_CHECK(n_tok == ledger->whole_tok);
    TS_CHECK(is_same(usd, ledger->charged_usd));
    TS_CHECK(ts_result_balances(&ledger->result));
}

/* What units drew at work, added up as they worked, and bin by bin. */
static void check_energy(const struct ts_ledger *ledger)
{
    for (uint32_t i = 0; ledger->warmup_ns == 0 && i < ledger->n_pools; i++) {
        const double *bins = ts_timeline_row(&ledger->timeline, ts_ledger_row(i, TS_LEDGER_POWER));
        double active_j = 0.0;
        for (uint32_t bin = 0; bin < ledger->timeline.n_bins; bin++) {
            active_j += bins[bin];
        }
        TS_CHECK(is_same(active_j, ledger->pools[i].active_j));
    }
}

static uint64_t n_lost(const struct ts_result *result)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < (result->n_classes + 1) * TS_N_TAILS; i++) {
        n += result->tails[i].lost;
    }
    for (uint32_t i = 0; i < result->n_pools; i++) {
        for (int l = 0; l < TS_N_LATENCIES; l++) {
            n += result->pools[i].cells ? result->pools[i].cells->latency_ns[l].lost : 0;
        }
    }
    for (uint32_t i = 0; i <= result->n_tiers; i++) {
        n += result->tiers[i].transfer_ns.lost + result->tiers[i].transfer_wait_ns.lost;
        for (uint32_t c = 0; c < result->n_classes; c++) {
            for (int l = 0; l < TS_N_LATENCIES; l++) {
                n += result->tiers[i].cells[c].latency_ns[l].lost;
            }
        }
    }
    return n;
}

enum ts_status ts_ledger_close(struct ts_ledger *ledger, struct ts_result *out, int64_t window_ns, int64_t end_ns,
                               uint64_t n_events)
{
    struct ts_result *result = &ledger->result;
    for (uint32_t i = 0; i < ledger->n_pools; i++) {
        ts_ledger_integrate_up(ledger, i, end_ns);
    }
    ts_timeline_extend(&ledger->timeline, end_ns);
    if (ledger->timeline.failed || n_lost(result) > 0 ||
        ts_result_resize_bins(result, ledger->timeline.n_bins) != TS_OK) {
        return TS_ENOMEM;
    }
    check_counts(ledger);
    check_energy(ledger);
    const int64_t warmup_ns = ledger->warmup_ns < end_ns ? ledger->warmup_ns : end_ns;
    result->warmup_s = ts_s_from_ns(warmup_ns);
    for (uint32_t i = 0; i < result->n_tiers; i++) {
        close_tier(ledger, i, end_ns - warmup_ns);
    }
    if (ledger->model->router.n_servers > 0) {
        close_pool(&ledger->pools[ledger->n_pools - 1], end_ns - warmup_ns, &result->tiers[result->n_tiers]);
    }
    close_series(ledger, end_ns);
    result->window_s = ts_s_from_ns(window_ns);
    result->simulated_s = ts_s_from_ns(end_ns);
    result->n_events = n_events;
    *out = *result;
    *result = (struct ts_result){0};
    return TS_OK;
}
