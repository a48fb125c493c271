/* Hides which volumes are simulated, of how many requests, and how far the line between them is off: each volume but
 * the ends is left out in turn, and what the others say of it is held against what was simulated there.
 *
 * A volume v of a long window is simulated on a sample: a k-th of its requests, drawn as today's are (a k-th of the
 * rate), at times that are divided by v k. They come v times as fast as today's, through all hours of the window, which
 * takes v k times less. The same requests at every volume, so that what differs is the volume alone: a number there is
 * today's whole run times the ratio of the two samples. */
#include "study/growth.h"

#include <math.h>

#include "study/replicate.h"
#include "study/uncertain_inputs.h"

static const double least_growth = 1.02; /* what is nearer to today's volume is today's */
static const double wanted_error = 0.01;
static const double least_sample_s = 3600.0; /* of a sample's window */

struct effort {
    double most_times, least_requests, sample_requests;
};

static const struct effort efforts[TS_N_CAPACITY_EFFORTS] = {
    [TS_CAPACITY_QUICK] = {8.0, 2e6, 40e3},
    [TS_CAPACITY_FULL] = {40.0, 20e6, 400e3},
};

struct growth {
    struct ts_use_curve curve;
    struct ts_scenario scenario; /* a shallow copy, which knows its month */
    const struct ts_econ_capacity *capacity;
    const struct ts_growth_options *options;
    struct ts_diags *diags;
    struct ts_econ_use today, sampled; /* of its whole run, of its sample */
    double sample_of;                  /* how many requests one of a sample stands for; 0: all are simulated */
    double requests;                   /* of today's */
    double volumes, most_volumes;      /* simulated so far, and at most: the sum of all volumes */
};

static void widen(double *low, double *high, const struct ts_money_model *money, double growth_frac_per_month)
{
    const double last = pow(1.0 + growth_frac_per_month, fmax(money->horizon_months, 1.0) - 1.0);
    *low = fmin(*low, last);
    *high = fmax(*high, last);
}

/* The volumes of the months of the horizon. */
static enum ts_status find_range(double *low, double *high, const struct growth *growth)
{
    const struct ts_money_model *money = &growth->scenario.model.money;
    struct ts_uncertain_inputs inputs = {.n = 0};
    enum ts_status status = TS_OK;
    struct ts_arena arena;
    ts_arena_init(&arena);
    *low = *high = 1.0;
    widen(low, high, money, money->growth_frac_per_month);
    if (growth->options->is_uncertain) {
        status = ts_uncertain_inputs_find(&inputs, &growth->scenario, &arena, growth->diags);
    }
    for (uint32_t i = 0; status == TS_OK && i < inputs.n; i++) {
        if (ts_str_equal(inputs.items[i].key, "money.growth")) {
            widen(low, high, money, ts_uncertain_at(&inputs.items[i], 0.1));
            widen(low, high, money, ts_uncertain_at(&inputs.items[i], 0.9));
        }
    }
    ts_arena_deinit(&arena);
    return status;
}

/* ---- one volume ---- */

static double arrivals_of(const struct ts_result *result)
{
    double n = 0.0;
    for (uint32_t i = 0; i < result->n_bins; i++) {
        n += (double)result->arrivals[i];
    }
    return n;
}

/* The same hours of a trace, with its requests closer together; a sample of what is generated. */
static struct ts_scenario at_volume(const struct growth *growth, double volume)
{
    struct ts_scenario copy = ts_capacity_scaled(&growth->scenario, volume);
    if (copy.workload.trace_path) {
        copy.workload.window.duration_s /= volume;
        copy.workload.repeat_to_s /= volume;
    } else if (growth->sample_of > 0.0) {
        copy.workload.scale_rate = volume * growth->sample_of;
        copy.workload.calls_per_s /= copy.workload.scale_rate;
        copy.model.warmup_s /= copy.workload.scale_rate;
    }
    return copy;
}

/* Hours that are played faster are not those of the clock. */
static void keep_hours(const struct growth *growth, struct ts_econ_use *use)
{
    const bool is_faster = growth->scenario.workload.trace_path || growth->sample_of > 0.0;
    for (uint32_t i = 0; is_faster && growth->curve.n > 0 && i <= growth->scenario.model.n_tiers; i++) {
        use->tiers[i].peak_frac = growth->today.tiers[i].peak_frac;
    }
}

/* What today's run would come to at the volume of a sample. */
static struct ts_econ_use grown(const struct growth *growth, double volume, const struct ts_econ_use *sample)
{
    const uint32_t n_tiers = growth->scenario.model.n_tiers;
    struct ts_use_curve pair = {.n = 0};
    ts_use_curve_add(&pair, 1.0, &growth->sampled, n_tiers);
    ts_use_curve_add(&pair, volume, sample, n_tiers);
    ts_use_curve_finish(&pair, n_tiers);
    return ts_use_curve_month(&pair, &growth->today, n_tiers, volume);
}

/* What the hours of a trace stand for is known once it has been read. */
static void know_month(struct growth *growth, const struct ts_replications *runs)
{
    const double scale = ts_replications_month_scale(runs, &growth->scenario);
    growth->scenario.model.month_scale = scale > 0.0 ? scale : growth->scenario.model.month_scale;
}

/* Today's comes first: of its whole run, then of its sample. */
static void take(struct growth *growth, double volume, const struct ts_econ_use *use)
{
    const uint32_t n_tiers = growth->scenario.model.n_tiers;
    if (growth->sample_of > 0.0 && volume != 1.0) {
        const struct ts_econ_use there = grown(growth, volume, use);
        ts_use_curve_add(&growth->curve, volume, &there, n_tiers);
        return;
    }
    if (growth->curve.n > 0 && volume == 1.0) {
        growth->sampled = *use;
        return;
    }
    growth->today = volume == 1.0 ? *use : growth->today;
    ts_use_curve_add(&growth->curve, volume, use, n_tiers);
}

static enum ts_status add(struct growth *growth, double volume, const struct ts_model *model,
                          const struct ts_result *result)
{
    struct ts_econ_use use;
    const enum ts_status status = ts_econ_use_of(&use, model, result, growth->diags);
    if (status == TS_OK) {
        keep_hours(growth, &use);
        take(growth, volume, &use);
    }
    return status;
}

/* In requests, relative to today's. */
static double cost_of(const struct growth *growth, double volume)
{
    return growth->sample_of > 0.0 ? 1.0 / growth->sample_of : volume;
}

static enum ts_status simulate(struct growth *growth, double volume)
{
    struct ts_scenario scenario = at_volume(growth, volume);
    const struct ts_result *today = growth->options->today;
    const struct ts_replicate_options how = {.n_replications =
                                                 today ? today->n_replications : growth->scenario.replications,
                                             .n_threads = growth->options->n_threads,
                                             .progress = *growth->options->progress,
                                             .skips_figures = true};
    struct ts_replications runs;
    enum ts_status status = ts_replicate(&runs, &scenario, &how, growth->diags);
    if (status == TS_OK && volume == 1.0 && growth->curve.n == 0) {
        know_month(growth, &runs);
        growth->requests = arrivals_of(&runs.merged);
    }
    if (status == TS_OK) {
        scenario.model.month_scale = growth->scenario.model.month_scale;
        status = add(growth, volume, &scenario.model, &runs.merged);
    }
    growth->volumes += cost_of(growth, volume);
    ts_replications_deinit(&runs);
    return status;
}

static bool affords(const struct growth *growth, double volume)
{
    return growth->volumes + cost_of(growth, volume) <= growth->most_volumes && growth->curve.n < TS_USE_CURVE_MOST;
}

/* ---- the error ---- */

static enum ts_status month_of(double *usd, double *kwh, const struct growth *growth, const struct ts_econ_use *use)
{
    struct ts_model model = growth->scenario.model;
    struct ts_econ econ;
    model.money.horizon_months = 0;
    const enum ts_status status = ts_econ_of_use(&econ, &model, use, NULL, growth->diags);
    if (status == TS_OK) {
        *usd = econ.total_usd_per_month;
        *kwh = econ.kwh_per_month;
        ts_econ_deinit(&econ);
    }
    return status;
}

static double off(double guessed, double simulated)
{
    return guessed == simulated ? 0.0 : fabs(guessed / simulated - 1.0);
}

/* Of the volume i, as the others have it. */
static enum ts_status error_at(double *cost, double *energy, const struct growth *growth, uint32_t left_out)
{
    const uint32_t n_tiers = growth->scenario.model.n_tiers;
    const struct ts_use_curve *curve = &growth->curve;
    struct ts_use_curve others = {.n = 0};
    double guessed_usd, guessed_kwh;
    for (uint32_t i = 0; i < curve->n; i++) {
        if (i != left_out) {
            ts_use_curve_add(&others, curve->volume[i], &curve->use[i], n_tiers);
        }
    }
    ts_use_curve_finish(&others, n_tiers);
    const struct ts_econ_use guessed =
        ts_use_curve_month(&others, &curve->use[curve->today], n_tiers, curve->volume[left_out]);
    const enum ts_status status = month_of(&guessed_usd, &guessed_kwh, growth, &guessed);
    if (status == TS_OK) {
        *cost = off(guessed_usd, curve->usd[left_out]);
        *energy = off(guessed_kwh, curve->kwh[left_out]);
    }
    return status;
}

static enum ts_status find_months(struct growth *growth)
{
    struct ts_use_curve *curve = &growth->curve;
    const uint32_t last = curve->n - 1, n_tiers = growth->scenario.model.n_tiers;
    double kwh;
    enum ts_status status = TS_OK;
    for (uint32_t i = 0; status == TS_OK && i < curve->n; i++) {
        status = month_of(&curve->usd[i], &curve->kwh[i], growth, &curve->use[i]);
    }
    const struct ts_econ_use proportional =
        ts_use_curve_month(NULL, &curve->use[curve->today], n_tiers, curve->volume[last]);
    return status == TS_OK ? month_of(&curve->proportional_usd, &kwh, growth, &proportional) : status;
}

/* *worst: the volume at which it is largest. Today's is never left out: all others are told relative to it. */
static enum ts_status find_error(struct growth *growth, uint32_t *worst)
{
    struct ts_use_curve *curve = &growth->curve;
    double most = -1.0;
    ts_use_curve_finish(curve, growth->scenario.model.n_tiers);
    curve->cost_error_frac = curve->energy_error_frac = (double)NAN;
    enum ts_status found = find_months(growth);
    for (uint32_t i = 1; found == TS_OK && i + 1 < curve->n; i++) {
        double cost, energy;
        found = i == curve->today ? TS_OK : error_at(&cost, &energy, growth, i);
        if (found == TS_OK && i != curve->today) {
            curve->cost_error_frac = fmax(curve->cost_error_frac, cost);
            curve->energy_error_frac = fmax(curve->energy_error_frac, energy);
            *worst = fmax(cost, energy) > most ? i : *worst;
            most = fmax(most, fmax(cost, energy));
        }
    }
    return found;
}

/* ---- which volumes ---- */

static bool is_far(double volume)
{
    return volume > least_growth || volume < 1.0 / least_growth;
}

/* The farthest that is affordable together with the one between it and today's. */
static enum ts_status reach(struct growth *growth, double volume)
{
    const double left = growth->most_volumes - growth->volumes;
    const double root = (sqrt(1.0 + 4.0 * fmax(left, 0.0)) - 1.0) / 2.0; /* of the largest v with v + sqrt(v) <= left */
    const double end = growth->sample_of > 0.0 ? volume : fmin(volume, root * root);
    if (!is_far(end)) {
        return TS_OK;
    }
    enum ts_status status = simulate(growth, end);
    if (status == TS_OK) {
        status = simulate(growth, sqrt(end));
    }
    return status;
}

/* In the wider step beside the worst volume. */
static double next_volume(const struct ts_use_curve *curve, uint32_t worst)
{
    const double *v = &curve->volume[worst];
    return v[1] / v[0] > v[0] / v[-1] ? sqrt(v[1] * v[0]) : sqrt(v[0] * v[-1]);
}

static enum ts_status refine(struct growth *growth)
{
    for (;;) {
        uint32_t worst = 0;
        const enum ts_status status = find_error(growth, &worst);
        const struct ts_use_curve *curve = &growth->curve;
        if (status != TS_OK || worst == 0 || fmax(curve->cost_error_frac, curve->energy_error_frac) <= wanted_error) {
            return status;
        }
        const double volume = next_volume(curve, worst);
        if (!affords(growth, volume)) {
            return TS_OK;
        }
        const enum ts_status simulated = simulate(growth, volume);
        if (simulated != TS_OK) {
            return simulated;
        }
    }
}

/* What times of its own a tier has: in a window that is played faster they would be too long. */
static bool tier_has_times(const struct ts_tier_model *tier)
{
    const struct ts_server_model *server = &tier->u.server;
    bool has = false;
    switch (tier->kind) {
    case TS_TIER_DEVICE:
        for (uint32_t i = 0; i < ts_tier_n_pools(tier); i++) {
            const struct ts_device_model *device = ts_device_of_kind(&tier->u.device, i);
            has = has || device->battery_day_frac > 0.0 || device->heat.sustained_frac > 0.0;
        }
        return has || tier->u.device.rolls_out;
    case TS_TIER_SERVER:
        return server->autoscale.on || server->failures.mtbf_s > 0.0 || server->restart_every_s > 0.0;
    case TS_TIER_API:
    case TS_N_TIER_KINDS:
        break;
    }
    return tier->u.api.is_batch;
}

/* Do rates by the hour of the week alone change over the window? */
static bool follows_the_hours(const struct ts_scenario *scenario)
{
    const struct ts_workload *workload = &scenario->workload;
    const struct ts_model *model = &scenario->model;
    bool has = workload->trace_path || model->users.n > 0 || model->has_sessions || workload->tick_s > 0.0 ||
               ts_trial_has_bursts(workload) || ts_model_has_incidents(model) || model->router.budget_usd_per_day > 0.0;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        has = has || tier_has_times(&model->tiers[i]);
    }
    return !has;
}

/* How many requests one of a sample stands for, where there are volumes up to that one; 0: no sample is worth it. */
static double sample_of(const struct growth *growth, double high)
{
    const double window_s = growth->scenario.workload.window.duration_s;
    const double times =
        fmin(growth->requests / efforts[growth->options->effort].sample_requests, window_s / (least_sample_s * high));
    return times > 1.0 && follows_the_hours(&growth->scenario) ? times : 0.0;
}

static double first_full(const struct growth *growth)
{
    double volume = INFINITY;
    for (uint32_t i = 0; i < growth->scenario.model.n_tiers; i++) {
        volume = fmin(volume, growth->capacity->volume[i]);
    }
    return volume;
}

static enum ts_status find_curve(struct growth *growth, double low, double high)
{
    const struct effort *effort = &efforts[growth->options->effort];
    const struct ts_result *today = growth->options->today;
    enum ts_status status = today ? add(growth, 1.0, &growth->scenario.model, today) : simulate(growth, 1.0);
    growth->requests = today ? arrivals_of(today) : growth->requests;
    growth->volumes = 0.0;
    growth->most_volumes =
        growth->requests > 0.0 ? fmax(effort->most_times, effort->least_requests / growth->requests) : 0.0;
    growth->sample_of = sample_of(growth, high);
    if (status == TS_OK && growth->sample_of > 0.0) {
        status = simulate(growth, 1.0);
    }
    if (status == TS_OK) {
        status = reach(growth, high);
    }
    if (status == TS_OK) {
        status = reach(growth, low);
    }
    return status == TS_OK && growth->curve.n >= 2 ? refine(growth) : status;
}

enum ts_status ts_growth_find(struct ts_econ_capacity *out, struct ts_use_curve *curve,
                              const struct ts_scenario *scenario, const struct ts_growth_options *options,
                              struct ts_diags *diags)
{
    struct growth growth = {.scenario = *scenario, .capacity = out, .options = options, .diags = diags};
    double low, high;
    *out = (struct ts_econ_capacity){.is_simulated = false};
    enum ts_status status = ts_capacity_find(out, scenario, options->effort, options->progress, diags);
    if (status == TS_OK) {
        status = find_range(&low, &high, &growth);
    }
    if (status != TS_OK) {
        return status;
    }
    high = fmin(high, fmax(first_full(&growth), 1.0));
    if (is_far(low) || is_far(high)) {
        status = find_curve(&growth, low, high);
    }
    if (status == TS_OK && growth.curve.n >= 2) {
        *curve = growth.curve;
        out->curve = curve;
    }
    return status;
}
