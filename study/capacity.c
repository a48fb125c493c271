/* Hides the search. A bracket of each server tier that gets calls: a volume at which it kept the SLO below one at which
 * it missed it; what lies outside of it (a tier that sleeps may miss it at a low volume) does not count. Every volume
 * that is tried narrows the brackets of all tiers; the widest is bisected next, in logarithms. */
#include "study/capacity.h"

#include <math.h>

#include "study/trial.h"

const char *const ts_capacity_efforts[TS_N_CAPACITY_EFFORTS] = {"off", "quick", "full"};

enum { MOST_ZOOMS = 4 };

static const double most_volume = 64.0;
static const double least_volume = 1.0 / 64.0;
static const double least_arrivals = 50.0; /* a tier with fewer says nothing */
static const double lead_s = 600.0;        /* until queues, caches and replicas are those of the load */
static const double least_requests = 4000.0;

struct effort {
    double tolerance, max_requests, window_s;
};

static const struct effort efforts[TS_N_CAPACITY_EFFORTS] = {
    [TS_CAPACITY_QUICK] = {1.05, 2e6, 1200.0},
    [TS_CAPACITY_FULL] = {1.02, 20e6, 7200.0},
};

struct search {
    const struct ts_scenario *scenario;
    uint32_t tier; /* or TS_CAPACITY_SERVERS */
    const struct effort *effort;
    const struct ts_progress *progress;
    struct ts_diags *diags;
    double kept[TS_MAX_TIERS], missed[TS_MAX_TIERS]; /* 0 and INFINITY: not yet */
    enum ts_slo_bound bound[TS_MAX_TIERS];           /* what broke at `missed` */
    bool seen[TS_MAX_TIERS];                         /* enough calls ended there at some volume */
    double requests, requests_of_one;                /* so far; at the volume of today */
};

double ts_capacity_tolerance_frac(enum ts_capacity_effort effort)
{
    return efforts[effort].tolerance - 1.0;
}

bool ts_capacity_applies(const struct ts_scenario *scenario)
{
    bool any = false;
    for (uint32_t i = 0; i < scenario->model.n_tiers; i++) {
        any = any || scenario->model.tiers[i].kind == TS_TIER_SERVER;
    }
    return any && scenario->model.users.n == 0;
}

/* ---- one volume ---- */

double ts_capacity_peak_weight(const struct ts_workload *workload)
{
    double peak = workload->process.week_curve ? 0.0 : 1.0;
    for (int hour = 0; workload->process.week_curve && hour < TS_WEEK_HOURS; hour++) {
        peak = fmax(peak, workload->process.week_curve[hour]);
    }
    return peak;
}

struct ts_scenario ts_capacity_scaled(const struct ts_scenario *scenario, double volume)
{
    struct ts_scenario copy = *scenario;
    if (copy.workload.trace_path) {
        copy.workload.scale_rate *= volume;
    } else {
        copy.workload.calls_per_s *= volume;
        copy.model.calls_per_month *= volume;
    }
    for (uint32_t i = 0; i < copy.model.n_tiers; i++) {
        if (copy.model.tiers[i].kind == TS_TIER_DEVICE) {
            struct ts_device_model *device = &copy.model.tiers[i].u.device;
            device->n_users = (uint32_t)fmin(fmax(device->n_users * volume, 1.0), UINT32_MAX);
        }
    }
    return copy;
}

/* The scenario at that volume, in its busiest hour. A shallow copy. */
static struct ts_scenario at_peak(const struct search *search, double volume)
{
    struct ts_scenario copy = ts_capacity_scaled(search->scenario, volume);
    struct ts_workload *workload = &copy.workload;
    if (!workload->trace_path) {
        const double weight = ts_capacity_peak_weight(workload);
        workload->calls_per_s *= weight;
        workload->process.week_curve = NULL;
        workload->window.duration_s =
            lead_s + fmax(search->effort->window_s, least_requests * volume / workload->calls_per_s);
        copy.model.warmup_s = lead_s;
    }
    return copy;
}

static double over(const struct ts_hist *hist, double wanted_frac, double bound_s)
{
    const double value_s = ts_hist_quantile(hist, wanted_frac) * 1e-9;
    return bound_s > 0.0 && !isnan(value_s) ? value_s / bound_s : 0.0;
}

/* Which bound is exceeded most, at the quantile that has to keep it. */
static enum ts_slo_bound broken_bound(const struct ts_cell *cell, const struct ts_slo_model *slo, double wanted_frac)
{
    const double ratios[TS_N_SLO_BOUNDS] = {
        [TS_SLO_LOST] = (double)cell->done < wanted_frac * (double)(cell->arrived - cell->left_out) ? INFINITY : 1.0,
        [TS_SLO_TTFT] = over(&cell->latency_ns[TS_TTFT], wanted_frac, slo->ttft_s),
        [TS_SLO_TPOT] = over(&cell->latency_ns[TS_TPOT], wanted_frac, slo->tpot_s),
        [TS_SLO_E2E] = over(&cell->latency_ns[TS_E2E], wanted_frac, slo->e2e_s),
    };
    enum ts_slo_bound most = TS_SLO_LOST;
    for (int i = 0; i < TS_N_SLO_BOUNDS; i++) {
        most = ratios[i] > ratios[most] ? (enum ts_slo_bound)i : most;
    }
    return most;
}

static double wanted_of(const struct search *search)
{
    return search->scenario->model.slo.attainment_frac;
}

static enum ts_status note_tier(struct search *search, const struct ts_result *result, uint32_t tier, double volume)
{
    struct ts_cell sum;
    const enum ts_status status = ts_result_sum(&sum, result, tier, TS_ALL_CLASSES);
    if (status != TS_OK) {
        return status;
    }
    const double arrived = (double)(sum.arrived - sum.left_out);
    const bool inside = volume > search->kept[tier] && volume < search->missed[tier];
    search->seen[tier] = search->seen[tier] || arrived >= least_arrivals;
    if (inside && arrived >= least_arrivals) {
        if ((double)sum.slo_met >= wanted_of(search) * arrived) {
            search->kept[tier] = volume;
        } else {
            search->missed[tier] = volume;
            search->bound[tier] = broken_bound(&sum, &search->scenario->model.slo, wanted_of(search));
        }
    }
    ts_cell_deinit(&sum);
    return TS_OK;
}

static double arrivals_of(const struct ts_result *result)
{
    double n = 0.0;
    for (uint32_t tier = 0; tier <= result->n_tiers; tier++) {
        for (uint32_t c = 0; c < result->n_classes; c++) {
            n += (double)result->tiers[tier].cells[c].arrived;
        }
    }
    return n;
}

static enum ts_status try_volume(struct search *search, double volume)
{
    const struct ts_scenario at_volume = at_peak(search, volume);
    const struct ts_trial_base base = {.scenario = &at_volume};
    const struct ts_trial trial = {.base = &base};
    const struct ts_trial_options options = {.read_ahead = true, .progress = *search->progress, .skips_figures = true};
    struct ts_trial_outcome outcome;
    enum ts_status status = ts_trial_run(&outcome, &trial, &options, search->diags);
    if (status != TS_OK) {
        return status;
    }
    for (uint32_t i = 0; status == TS_OK && i < at_volume.model.n_tiers; i++) {
        const bool is_server = at_volume.model.tiers[i].kind == TS_TIER_SERVER;
        if (search->tier == TS_CAPACITY_SERVERS ? is_server : i == search->tier) {
            status = note_tier(search, &outcome.result, i, volume);
        }
    }
    const double n = arrivals_of(&outcome.result);
    search->requests += n;
    search->requests_of_one = n / volume;
    ts_trial_outcome_deinit(&outcome);
    return status;
}

static bool affords(const struct search *search, double volume)
{
    return search->requests + search->requests_of_one * volume <= search->effort->max_requests;
}

/* ---- brackets ---- */

/* Volumes go up while some tier has not missed the SLO yet, and down while some has not kept it. */
static enum ts_status bracket(struct search *search)
{
    enum ts_status status = try_volume(search, 1.0);
    for (int up = 0; up < 2; up++) {
        bool wanted = true;
        for (double volume = up ? 2.0 : 0.5; status == TS_OK && wanted;) {
            wanted = false;
            for (uint32_t i = 0; i < search->scenario->model.n_tiers; i++) {
                wanted = wanted || (search->seen[i] && (up ? isinf(search->missed[i]) : search->kept[i] == 0.0));
            }
            wanted = wanted && volume <= most_volume && volume >= least_volume && affords(search, volume);
            if (wanted) {
                status = try_volume(search, volume);
            }
            volume *= up ? 2.0 : 0.5;
        }
    }
    return status;
}

static enum ts_status narrow(struct search *search)
{
    for (;;) {
        double widest = search->effort->tolerance, volume = 0.0;
        for (uint32_t i = 0; i < search->scenario->model.n_tiers; i++) {
            const double width = search->missed[i] / search->kept[i];
            if (search->seen[i] && isfinite(width) && width > widest) {
                widest = width;
                volume = sqrt(search->kept[i] * search->missed[i]);
            }
        }
        if (volume == 0.0 || !affords(search, volume)) {
            return TS_OK;
        }
        const enum ts_status status = try_volume(search, volume);
        if (status != TS_OK) {
            return status;
        }
    }
}

static enum ts_status find(struct ts_econ_capacity *out, const struct ts_scenario *scenario, uint32_t tier,
                           enum ts_capacity_effort effort, const struct ts_progress *progress, struct ts_diags *diags)
{
    struct search search = {
        .scenario = scenario, .tier = tier, .effort = &efforts[effort], .progress = progress, .diags = diags};
    for (uint32_t i = 0; i < scenario->model.n_tiers; i++) {
        search.missed[i] = INFINITY;
    }
    enum ts_status status = bracket(&search);
    if (status == TS_OK) {
        status = narrow(&search);
    }
    if (status != TS_OK) {
        return status;
    }
    *out = (struct ts_econ_capacity){.is_simulated = true};
    for (uint32_t i = 0; i < scenario->model.n_tiers; i++) {
        out->volume[i] = search.seen[i] ? fmax(search.kept[i], least_volume) : INFINITY;
        out->is_reached[i] = isfinite(search.missed[i]);
        out->bound[i] = search.bound[i];
    }
    return TS_OK;
}

enum ts_status ts_capacity_find(struct ts_econ_capacity *out, const struct ts_scenario *scenario,
                                enum ts_capacity_effort effort, const struct ts_progress *progress,
                                struct ts_diags *diags)
{
    return find(out, scenario, TS_CAPACITY_SERVERS, effort, progress, diags);
}

/* ---- the volume of the first that breaks ---- */

static uint32_t first_of(const struct ts_econ_capacity *capacity, uint32_t n_tiers)
{
    uint32_t first = 0;
    for (uint32_t t = 1; t < n_tiers; t++) {
        first = capacity->volume[t] < capacity->volume[first] ? t : first;
    }
    return first;
}

enum ts_status ts_capacity_find_limit(struct ts_capacity_limit *out, const struct ts_scenario *scenario, uint32_t tier,
                                      double guess, enum ts_capacity_effort effort, const struct ts_progress *progress,
                                      struct ts_diags *diags)
{
    struct ts_capacity_limit limit = {.volume = NAN};
    double volume = guess;
    for (int zoom = 0; zoom < MOST_ZOOMS && isnan(limit.volume); zoom++) {
        struct ts_econ_capacity capacity;
        const struct ts_scenario at_volume = ts_capacity_scaled(scenario, volume);
        const enum ts_status status = find(&capacity, &at_volume, tier, effort, progress, diags);
        if (status != TS_OK) {
            return status;
        }
        limit.tier = first_of(&capacity, scenario->model.n_tiers);
        limit.bound = capacity.bound[limit.tier];
        const double times = capacity.volume[limit.tier];
        if (isinf(times)) { /* too few calls to tell anything */
            volume *= most_volume;
        } else if (!capacity.is_reached[limit.tier] || times <= least_volume) {
            volume *= times;
        } else {
            limit.volume = volume * times;
        }
    }
    *out = limit;
    return TS_OK;
}

enum ts_status ts_capacity_check(const struct ts_scenario *scenario, struct ts_diags *diags)
{
    const struct ts_slo_model *slo = &scenario->model.slo;
    if (!ts_capacity_applies(scenario)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write workload: {calls: 10 k/day}, and a tier of kind server",
                       "there is no volume to find: %s",
                       scenario->model.users.n > 0 ? "the users of a closed loop set the load" : "there is no server");
    }
    if (!(slo->ttft_s > 0.0 || slo->tpot_s > 0.0 || slo->e2e_s > 0.0)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write for example slo: {ttft: 3 s, tpot: 100 ms}",
                       "without a bound in slo a server accepts any load");
    }
    return TS_OK;
}
