/* Hides how a tier is made to serve all calls alone, and that one simulation is appraised for every way to pay for it.
 */
#include "study/scale_point.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/in_order.h"

static const struct ts_tier_model *tier_of(const struct ts_scale_pass *pass, uint32_t tier)
{
    return &pass->spec->base->scenario->model.tiers[tier];
}

/* ---- a tier alone ---- */

/* Every device takes calls. */
static void make_eligible(struct ts_scenario *scenario, struct ts_device_model *fleet)
{
    struct ts_device_kind *kinds = ts_arena_array(&scenario->arena, fleet->n_kinds, sizeof *kinds);
    fleet->eligible_frac = 1.0;
    for (uint32_t k = 0; kinds && k < fleet->n_kinds; k++) {
        kinds[k] = fleet->kinds[k];
        kinds[k].device.eligible_frac = 1.0;
    }
    fleet->kinds = kinds;
}

static bool has_units(const struct ts_offer *offer)
{
    return offer->provisioned.units > 0.0;
}

static bool any_units(const struct ts_tier_model *tier)
{
    bool any = false;
    for (uint32_t i = 0; tier->kind == TS_TIER_API && i < tier->u.api.n_offers; i++) {
        any = any || has_units(&tier->u.api.offers[i]);
    }
    return any;
}

/* The first offer with units, with n times as many. */
static void keep_units(struct ts_api_model *api, double n)
{
    uint32_t i = 0;
    while (!has_units(&api->offers[i])) {
        i++;
    }
    struct ts_offer offer = api->offers[i];
    offer.provisioned.units *= n;
    offer.provisioned.tok_per_s *= n;
    offer.provisioned.usd_per_month *= n;
    api->offers[0] = offer;
    api->n_offers = 1;
}

/* The offers without units; where all have some, their prices by the token. */
static void leave_units(struct ts_api_model *api)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < api->n_offers; i++) {
        if (!has_units(&api->offers[i])) {
            api->offers[n++] = api->offers[i];
        }
    }
    api->n_offers = n > 0 ? n : api->n_offers;
    for (uint32_t i = 0; i < api->n_offers; i++) {
        api->offers[i].provisioned = (struct ts_provisioned){.units = 0.0};
    }
}

static void lift_limits(struct ts_api_model *api)
{
    for (uint32_t i = 0; i < api->n_offers; i++) {
        api->offers[i].requests_per_s = api->offers[i].input_tok_per_s = api->offers[i].output_tok_per_s = 0.0;
    }
}

/* Every call goes to it. */
static void narrow(struct ts_scenario *scenario, const struct ts_scale_point *point)
{
    struct ts_router_model *router = &scenario->model.router;
    router->policy = TS_ROUTE_STATIC;
    for (uint32_t c = 0; c < scenario->model.n_classes; c++) {
        router->static_tier[c] = point->tier;
    }
    router->fallback[0] = point->tier;
    router->n_fallback = 1;
    router->n_rules = point->keeps_rules ? router->n_rules : 0;
    router->latency_s = router->usd_per_call = 0.0;
    router->reads_s = (struct ts_curve){0};
    struct ts_tier_model *alone = &scenario->model.tiers[point->tier];
    if (alone->kind == TS_TIER_DEVICE) {
        make_eligible(scenario, &alone->u.device);
    } else if (alone->kind == TS_TIER_API) {
        if (point->is_provisioned) {
            keep_units(&alone->u.api, point->n_replicas);
        } else {
            leave_units(&alone->u.api);
        }
        lift_limits(&alone->u.api);
    }
}

/* What is set for a way to have a tier; a price that is written counts for the way that is written alone. */
static uint32_t put_sets(const char **out, const struct ts_scale_pass *pass, const struct ts_scale_point *point,
                         enum ts_scale_way way, struct ts_arena *arena)
{
    const struct ts_tier_model *tier = tier_of(pass, point->tier);
    const bool rented = tier->owned.rent_usd_per_h > 0.0;
    const bool as_written =
        way == TS_SCALE_BOUGHT ? !rented : rented && tier->owned.rent_is_reserved == (way == TS_SCALE_RESERVED);
    uint32_t n = 0;
    out[n++] = "money.growth=0 %/month";
    out[n++] = "power.site_cap=0 W";
    if (tier->kind == TS_TIER_SERVER && point->n_replicas > 0) {
        out[n++] = ts_arena_printf(arena, "tiers.%s.replicas=%u", tier->name, point->n_replicas);
    }
    if (tier->kind == TS_TIER_SERVER && !as_written) {
        out[n++] = ts_arena_printf(arena, "tiers.%s.owned.rent=null", tier->name);
        out[n++] = ts_arena_printf(arena, "tiers.%s.owned.rental=%s", tier->name,
                                   way == TS_SCALE_BOUGHT     ? "null"
                                   : way == TS_SCALE_RESERVED ? "reserved"
                                                              : "on-demand");
        if (way != TS_SCALE_BOUGHT) {
            out[n++] = ts_arena_printf(arena, "tiers.%s.owned.capex=null", tier->name);
            out[n++] = ts_arena_printf(arena, "tiers.%s.owned.server=null", tier->name);
        }
    }
    return n;
}

static enum ts_status load(struct ts_scenario *out, const struct ts_scale_pass *pass,
                           const struct ts_scale_point *point, enum ts_scale_way way, struct ts_diags *diags)
{
    const char *sets[8];
    struct ts_arena arena;
    ts_arena_init(&arena);
    const uint32_t n = put_sets(sets, pass, point, way, &arena);
    const enum ts_status status = arena.failed ? TS_ENOMEM : ts_trial_load(out, pass->spec->base, sets, n, diags);
    if (status == TS_OK) {
        narrow(out, point);
    }
    ts_arena_deinit(&arena);
    if (status == TS_OK && out->arena.failed) {
        ts_scenario_deinit(out);
        return TS_ENOMEM;
    }
    return status;
}

bool ts_scale_has_steps(enum ts_scale_way way)
{
    return way != TS_SCALE_DEVICE && way != TS_SCALE_API;
}

bool ts_scale_has_way(const struct ts_tier_model *tier, enum ts_scale_way way)
{
    switch (way) {
    case TS_SCALE_DEVICE:
        return tier->kind == TS_TIER_DEVICE;
    case TS_SCALE_BOUGHT:
    case TS_SCALE_RENTED:
    case TS_SCALE_RESERVED:
        return tier->kind == TS_TIER_SERVER;
    case TS_SCALE_PROVISIONED:
        return any_units(tier);
    case TS_SCALE_API:
        return tier->kind == TS_TIER_API;
    case TS_SCALE_N_WAYS:
        break;
    }
    return false;
}

/* Is the point of that way? */
static bool is_of(const struct ts_scale_pass *pass, const struct ts_scale_point *point, enum ts_scale_way way)
{
    return ts_scale_has_way(tier_of(pass, point->tier), way) && (way == TS_SCALE_PROVISIONED) == point->is_provisioned;
}

/* ---- one simulation ---- */

static double tier_usd(const struct ts_econ *econ, uint32_t tier)
{
    double usd = 0.0;
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        usd += econ->monthly_usd[tier][kind] + econ->monthly_usd[econ->n_tiers][kind];
    }
    return usd;
}

static enum ts_status appraise(struct ts_scale_point *point, enum ts_scale_way way, const struct ts_scenario *scenario,
                               const struct ts_result *result, struct ts_diags *diags)
{
    struct ts_econ econ;
    const enum ts_status status = ts_econ_compute(&econ, &scenario->model, result, NULL, diags);
    if (status == TS_OK) {
        point->usd[way] = tier_usd(&econ, point->tier);
        ts_econ_deinit(&econ);
    }
    return status;
}

static enum ts_status count(struct ts_scale_point *point, const struct ts_result *result)
{
    double arrived = 0.0;
    for (uint32_t tier = 0; tier <= result->n_tiers; tier++) {
        struct ts_cell sum;
        const enum ts_status status = ts_result_sum(&sum, result, tier, TS_ALL_CLASSES);
        if (status != TS_OK) {
            return status;
        }
        const double here = (double)(sum.arrived - sum.left_out);
        arrived += here;
        if (tier == point->tier) {
            point->taken_frac = here;
            point->kept_frac = (double)sum.slo_met;
            point->input_tok = (double)sum.prompt_tok / fmax((double)sum.done, 1.0);
            point->output_tok = (double)sum.output_tok / fmax((double)sum.done, 1.0);
        }
        ts_cell_deinit(&sum);
    }
    point->taken_frac /= fmax(arrived, 1.0);
    point->kept_frac /= fmax(arrived, 1.0);
    return TS_OK;
}

static enum ts_status simulate(struct ts_trial_outcome *out, const struct ts_scale_pass *pass,
                               struct ts_scale_point *point, const struct ts_scenario *scenario, struct ts_diags *diags)
{
    struct ts_progress outer = pass->spec->progress;
    const struct ts_scenario at_volume = ts_capacity_scaled(scenario, point->calls_per_day / pass->per_day);
    const struct ts_trial_base base = {.scenario = &at_volume};
    const struct ts_trial trial = {.base = &base};
    const struct ts_trial_options options = {.progress = {.go_on = ts_progress_ask_alone, .user = &outer}};
    const enum ts_status status = ts_trial_run(out, &trial, &options, diags);
    return status == TS_OK ? count(point, &out->result) : status;
}

/* The simulation is the same whatever the machines cost: it is run once, and appraised for each way. */
static enum ts_status run_point(const struct ts_scale_pass *pass, struct ts_scale_point *point)
{
    struct ts_trial_outcome outcome;
    bool is_run = false;
    enum ts_status status = TS_OK;
    for (int way = 0; way < TS_SCALE_N_WAYS && status == TS_OK; way++) {
        struct ts_scenario scenario;
        point->usd[way] = NAN;
        if (!is_of(pass, point, (enum ts_scale_way)way)) {
            continue;
        }
        struct ts_diags *said = &point->said[way];
        status = load(&scenario, pass, point, (enum ts_scale_way)way, said);
        if (status == TS_OK) {
            status = is_run ? TS_OK : simulate(&outcome, pass, point, &scenario, said);
            is_run = is_run || status == TS_OK;
            if (status == TS_OK) {
                const struct ts_scenario at_volume =
                    ts_capacity_scaled(&scenario, point->calls_per_day / pass->per_day);
                status = appraise(point, (enum ts_scale_way)way, &at_volume, &outcome.result, said);
            }
            ts_scenario_deinit(&scenario);
        }
        if (ts_trial_is_impossible(status)) {
            point->why[way] = ""; /* take knows it */
            status = TS_OK;
        }
    }
    if (is_run) {
        ts_trial_outcome_deinit(&outcome);
    }
    return status;
}

/* ---- one search for capacity ---- */

static enum ts_status find_capacity(const struct ts_scale_pass *pass, struct ts_scale_point *point,
                                    const struct ts_scenario *scenario, struct ts_diags *diags)
{
    struct ts_progress outer = pass->spec->progress;
    const struct ts_progress progress = {.go_on = ts_progress_ask_alone, .user = &outer};
    struct ts_capacity_limit limit;
    const enum ts_status status =
        ts_capacity_find_limit(&limit, scenario, point->tier, point->n_replicas, pass->spec->effort, &progress, diags);
    if (status == TS_OK) {
        point->is_reached = !isnan(limit.volume);
        point->calls_per_day = point->is_reached ? pass->per_day * limit.volume : 0.0;
    }
    return status;
}

static enum ts_status search_point(const struct ts_scale_pass *pass, struct ts_scale_point *point)
{
    struct ts_scenario scenario;
    enum ts_status status = TS_ESCENARIO;
    for (int way = 0; way < TS_SCALE_N_WAYS && ts_trial_is_impossible(status); way++) {
        if (is_of(pass, point, (enum ts_scale_way)way)) {
            status = load(&scenario, pass, point, (enum ts_scale_way)way, &point->said[way]);
        }
    }
    if (status == TS_OK) {
        status = find_capacity(pass, point, &scenario, &point->said[TS_SCALE_BOUGHT]);
        ts_scenario_deinit(&scenario);
    }
    return ts_trial_is_impossible(status) ? TS_OK : status; /* the runs tell why */
}

/* ---- a pass over points, on all threads ---- */

static enum ts_status work(void *user, uint64_t index, uint32_t slot)
{
    struct ts_scale_pass *pass = user;
    struct ts_scale_point *point = &pass->points[index];
    (void)slot;
    for (int way = 0; way < TS_SCALE_N_WAYS; way++) {
        ts_diags_init(&point->said[way]);
    }
    return point->is_search ? search_point(pass, point) : run_point(pass, point);
}

static enum ts_status take(void *user, uint64_t index, uint32_t slot, enum ts_status worked)
{
    struct ts_scale_pass *pass = user;
    struct ts_scale_point *point = &pass->points[index];
    enum ts_status status = worked;
    (void)slot;
    for (int way = 0; way < TS_SCALE_N_WAYS; way++) {
        if (point->why[way]) {
            point->why[way] = ts_trial_reason(&point->said[way], pass->arena);
            status = point->why[way] ? status : TS_ENOMEM;
        } else if (worked != TS_OK) {
            ts_diags_move(pass->diags, &point->said[way]);
        }
        ts_diags_deinit(&point->said[way]);
    }
    const struct ts_progress_state state = {
        .what = pass->what, .done = (double)index + 1.0, .total = pass->n_points, .left_s = NAN};
    (void)ts_progress_go_on(&pass->spec->progress, &state);
    return status;
}

enum ts_status ts_scale_run_pass(struct ts_scale_pass *pass)
{
    const uint32_t n = pass->n_points, n_threads = pass->spec->n_threads < n ? pass->spec->n_threads : n;
    const struct ts_in_order job = {
        .n = n, .n_threads = n_threads, .window = 4 * n_threads + 1, .user = pass, .work = work, .take = take};
    return n > 0 ? ts_in_order_run(&job) : TS_OK;
}
