/* Hides which runs a line takes, and how they become one. */
#include "study/scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/scale_point.h"

enum { N_SIZES = 4, N_OWN_WAYS = 3, CHECK = N_SIZES - 1, MOST_POINTS = TS_MAX_TIERS * 16 };

static const uint32_t sizes[N_SIZES] = {1, 2, 4, 8}; /* replicas; the last is the check */
static const double least_calls = 20000.0;           /* in the window of a device or an API */
static const double s_per_day = 86400.0;

static const char *const way_names[TS_SCALE_N_WAYS] = {"devices",  "bought",      "on demand",
                                                       "reserved", "provisioned", "by token"};

struct search {
    const struct ts_scale_spec *spec;
    struct ts_scale *scale;
    struct ts_diags *diags;
    double per_day; /* calls a day as written */
};

static const struct ts_tier_model *tier_of(const struct search *search, uint32_t tier)
{
    return &search->spec->base->scenario->model.tiers[tier];
}

/* ---- from points to lines ---- */

struct passes {
    struct ts_scale_point searches[MOST_POINTS], runs[MOST_POINTS];
    uint32_t n_searches, n_runs;
};

/* Of a tier's points with steps: by units, or by replicas. */
static void plan_sizes(struct passes *passes, uint32_t tier, bool is_provisioned)
{
    for (int i = 0; i < N_SIZES; i++) {
        passes->searches[passes->n_searches++] = (struct ts_scale_point){
            .tier = tier, .n_replicas = sizes[i], .is_search = true, .is_provisioned = is_provisioned};
    }
}

static bool has_replicas(const struct ts_tier_model *tier)
{
    return tier->kind == TS_TIER_SERVER && !ts_tier_lists_pools(tier);
}

static void plan_searches(struct passes *passes, const struct search *search)
{
    for (uint32_t t = 0; t < search->spec->base->scenario->model.n_tiers; t++) {
        if (has_replicas(tier_of(search, t))) {
            plan_sizes(passes, t, false);
        }
        if (ts_scale_has_way(tier_of(search, t), TS_SCALE_PROVISIONED)) {
            plan_sizes(passes, t, true);
        }
    }
}

static struct ts_scale_point *plan_run(struct passes *passes, uint32_t tier, uint32_t n_replicas, double calls_per_day)
{
    struct ts_scale_point *run = &passes->runs[passes->n_runs++];
    *run = (struct ts_scale_point){.tier = tier, .n_replicas = n_replicas, .calls_per_day = calls_per_day};
    return run;
}

/* The volume at which the window has enough calls to tell what one costs. */
static double enough(const struct search *search)
{
    const double expected = ts_workload_expected_calls(&search->spec->base->scenario->workload);
    return search->per_day * fmax(1.0, least_calls / fmax(expected, 1.0));
}

/* Each size at its capacity and at half of it (the check at its capacity alone), then the smallest at a tenth; with the
 * rules, if there are some. */
static void plan_steps(struct passes *passes, const struct search *search, const struct ts_scale_point *searches,
                       bool with_rules)
{
    const uint32_t tier = searches[0].tier, first = passes->n_runs;
    const double volume = searches[0].calls_per_day > 0.0 ? searches[0].calls_per_day : search->per_day;
    for (int i = 0; i < N_SIZES; i++) {
        const double at = searches[i].is_reached ? searches[i].calls_per_day : search->per_day;
        (void)plan_run(passes, tier, sizes[i], at);
        if (i < CHECK) {
            (void)plan_run(passes, tier, sizes[i], 0.5 * at);
        }
    }
    (void)plan_run(passes, tier, 1, 0.1 * volume);
    if (with_rules) {
        plan_run(passes, tier, 1, volume)->keeps_rules = true;
    }
    for (uint32_t i = first; i < passes->n_runs; i++) {
        passes->runs[i].is_provisioned = searches[0].is_provisioned;
    }
}

/* Devices and APIs by the token: at one volume and at twice that. */
static void plan_runs(struct passes *passes, const struct search *search)
{
    const struct ts_model *model = &search->spec->base->scenario->model;
    const bool with_rules = model->router.n_rules > 0;
    const double volume = enough(search);
    for (uint32_t t = 0, s = 0; t < model->n_tiers; t++) {
        const struct ts_tier_model *tier = tier_of(search, t);
        if (tier->kind != TS_TIER_SERVER) {
            (void)plan_run(passes, t, 0, volume);
            (void)plan_run(passes, t, 0, 2.0 * volume);
            if (with_rules) {
                plan_run(passes, t, 0, volume)->keeps_rules = true;
            }
        }
        for (; s < passes->n_searches && passes->searches[s].tier == t; s += N_SIZES) {
            plan_steps(passes, search, &passes->searches[s], with_rules);
        }
    }
}

static double limit_of(const struct search *search, const struct ts_tier_model *tier,
                       const struct ts_scale_point *point)
{
    const struct ts_api_model *api = &tier->u.api;
    double calls_per_s = 0.0;
    for (uint32_t i = 0; i < api->n_offers; i++) {
        const struct ts_offer *offer = &api->offers[i];
        const double by_call = offer->requests_per_s > 0.0 ? offer->requests_per_s : INFINITY;
        const double by_input = offer->input_tok_per_s > 0.0 ? offer->input_tok_per_s / point->input_tok : INFINITY;
        const double by_output = offer->output_tok_per_s > 0.0 ? offer->output_tok_per_s / point->output_tok : INFINITY;
        calls_per_s += fmin(by_call, fmin(by_input, by_output));
    }
    return calls_per_s * s_per_day / ts_capacity_peak_weight(&search->spec->base->scenario->workload);
}

static double off(double line, double simulated)
{
    return simulated != 0.0 ? line / simulated - 1.0 : line == 0.0 ? 0.0 : INFINITY;
}

static void line_by_call(struct ts_scale_curve *curve, struct ts_scale_line *line, const struct ts_scale_point *runs,
                         const struct search *search)
{
    const struct ts_tier_model *tier = tier_of(search, curve->tier);
    const enum ts_scale_way way = curve->way;
    *line = (struct ts_scale_line){
        .nodes = {{.calls_per_day = INFINITY, .usd_per_call_a_day = runs[0].usd[way] / runs[0].calls_per_day}},
        .n_nodes = 1};
    curve->capacity_error_frac = NAN;
    curve->check_calls_per_day = runs[1].calls_per_day;
    curve->usd_error_frac = off(ts_scale_usd(line, runs[1].calls_per_day), runs[1].usd[way]);
    curve->kept_frac = runs[0].kept_frac;
    curve->limit_calls_per_day = tier->kind == TS_TIER_API ? limit_of(search, tier, &runs[0]) : INFINITY;
}

static struct ts_scale_node node_of(const struct ts_scale_point *full, const struct ts_scale_point *half,
                                    enum ts_scale_way way)
{
    const double slope = (full->usd[way] - half->usd[way]) / (full->calls_per_day - half->calls_per_day);
    return (struct ts_scale_node){.n_replicas = full->n_replicas,
                                  .calls_per_day = full->calls_per_day,
                                  .fixed_usd = full->usd[way] - slope * full->calls_per_day,
                                  .usd_per_call_a_day = slope};
}

/* runs: (full, half) of each size, the check, one replica at a tenth. */
static void line_by_replica(struct ts_scale_curve *curve, struct ts_scale_line *line, const struct ts_scale_point *runs)
{
    const enum ts_scale_way way = curve->way;
    const struct ts_scale_point *check = &runs[2 * CHECK], *low = check + 1;
    *line = (struct ts_scale_line){.n_nodes = CHECK};
    for (int i = 0; i < CHECK; i++) {
        line->nodes[i] = node_of(&runs[2 * i], &runs[2 * i + 1], way);
    }
    curve->capacity_error_frac = off(ts_scale_capacity(line, check->n_replicas), check->calls_per_day);
    curve->check_calls_per_day = check->calls_per_day;
    const double high = off(ts_scale_usd_with(line, check->n_replicas, check->calls_per_day), check->usd[way]);
    const double small = off(ts_scale_usd_with(line, 1, low->calls_per_day), low->usd[way]);
    curve->usd_error_frac = fabs(high) >= fabs(small) ? high : small;
    curve->kept_frac = NAN;
    curve->limit_calls_per_day = INFINITY;
}

/* The first thing against any of its runs. */
static const char *why_not(const struct ts_scale_curve *curve, const struct ts_tier_model *tier,
                           const struct ts_scale_point *searches, const struct ts_scale_point *runs, uint32_t n_runs)
{
    if (ts_tier_lists_pools(tier)) {
        return "it has pools: how they would grow is undefined";
    }
    for (uint32_t i = 0; i < n_runs; i++) {
        if (runs[i].why[curve->way]) {
            return runs[i].why[curve->way];
        }
    }
    for (int i = 0; i < N_SIZES && ts_scale_has_steps(curve->way); i++) {
        if (!searches[i].is_reached) {
            return "no volume was found up to which it keeps the SLO";
        }
        if (i > 0 && searches[i].calls_per_day <= searches[i - 1].calls_per_day) {
            return "more of it does not serve more calls";
        }
    }
    if (curve->way == TS_SCALE_BOUGHT && !(runs[0].usd[curve->way] > 0.0)) {
        return "it costs nothing: write owned: {capex: ...}";
    }
    return NULL;
}

static enum ts_status put_curve(struct search *search, struct ts_scale_curve curve,
                                const struct ts_scale_point *searches, const struct ts_scale_point *runs,
                                uint32_t n_runs)
{
    struct ts_scale *scale = search->scale;
    const struct ts_tier_model *tier = tier_of(search, curve.tier);
    curve.name = ts_arena_printf(&scale->arena, "%s %s", tier->name, way_names[curve.way]);
    curve.why_not = why_not(&curve, tier, searches, runs, n_runs);
    curve.permitted_frac = n_runs > 0 && runs[n_runs - 1].keeps_rules ? runs[n_runs - 1].taken_frac : 1.0;
    if (!curve.why_not && scale->n_lines < TS_SCALE_MOST_CURVES) {
        struct ts_scale_line *line = &scale->lines[scale->n_lines];
        if (ts_scale_has_steps(curve.way)) {
            line_by_replica(&curve, line, runs);
        } else {
            line_by_call(&curve, line, runs, search);
        }
        line->counts =
            ts_scale_has_steps(curve.way) || curve.kept_frac >= search->spec->base->scenario->model.slo.attainment_frac;
        curve.line = scale->n_lines;
        scale->of_line[scale->n_lines++] = scale->n;
    }
    scale->curves[scale->n++] = curve;
    return curve.name ? TS_OK : TS_ENOMEM;
}

/* The first of a tier's points by units, or of the others; their number. They stand one after the other. */
static const struct ts_scale_point *points_of(uint32_t *n, const struct ts_scale_point *points, uint32_t n_points,
                                              uint32_t tier, bool is_provisioned)
{
    const struct ts_scale_point *first = points;
    *n = 0;
    for (uint32_t i = 0; i < n_points; i++) {
        if (points[i].tier == tier && points[i].is_provisioned == is_provisioned) {
            first = *n == 0 ? &points[i] : first;
            ++*n;
        }
    }
    return first;
}

static enum ts_status put_curves(struct search *search, const struct passes *passes)
{
    const struct ts_model *model = &search->spec->base->scenario->model;
    enum ts_status status = TS_OK;
    search->scale->curves =
        ts_arena_array(&search->scale->arena, (size_t)model->n_tiers * N_OWN_WAYS, sizeof(struct ts_scale_curve));
    if (!search->scale->curves) {
        return TS_ENOMEM;
    }
    for (uint32_t t = 0; t < model->n_tiers; t++) {
        for (int way = 0; way < TS_SCALE_N_WAYS && status == TS_OK; way++) {
            uint32_t n_runs = 0, n_searches = 0;
            const bool by_units = way == TS_SCALE_PROVISIONED;
            const struct ts_scale_point *runs = points_of(&n_runs, passes->runs, passes->n_runs, t, by_units),
                                        *searches =
                                            points_of(&n_searches, passes->searches, passes->n_searches, t, by_units);
            if (ts_scale_has_way(&model->tiers[t], (enum ts_scale_way)way)) {
                const struct ts_scale_curve curve = {.tier = t, .way = (enum ts_scale_way)way};
                status = put_curve(search, curve, searches, runs, n_runs);
            }
        }
    }
    return status;
}

/* ---- the whole ---- */

static enum ts_status check(const struct ts_scenario *scenario, struct ts_diags *diags)
{
    if (scenario->workload.trace_path || scenario->workload.is_closed) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write workload: {calls: 10 k/day, classes: ...}",
                       "%s sets its own volume, which cannot be varied",
                       scenario->workload.trace_path ? "a trace" : "a closed loop");
    }
    return ts_capacity_applies(scenario) ? ts_capacity_check(scenario, diags) : TS_OK;
}

static enum ts_status run_pass(const struct search *search, struct ts_scale_point *points, uint32_t n, const char *what)
{
    struct ts_scale_pass pass = {.spec = search->spec,
                                 .points = points,
                                 .n_points = n,
                                 .per_day = search->per_day,
                                 .what = what,
                                 .arena = &search->scale->arena,
                                 .diags = search->diags};
    return ts_scale_run_pass(&pass);
}

static enum ts_status find(struct search *search, struct passes *passes)
{
    struct ts_scale *scale = search->scale;
    plan_searches(passes, search);
    enum ts_status status = run_pass(search, passes->searches, passes->n_searches, "searches for capacity");
    if (status == TS_OK) {
        plan_runs(passes, search);
        scale->n_runs = passes->n_runs;
        status = run_pass(search, passes->runs, passes->n_runs, "runs");
    }
    if (status == TS_OK) {
        status = put_curves(search, passes);
    }
    return status == TS_OK ? ts_scale_crossings(&scale->crossings, &scale->n_crossings, scale->lines, scale->n_lines)
                           : status;
}

enum ts_status ts_scale_find(struct ts_scale *out, const struct ts_scale_spec *spec, struct ts_diags *diags)
{
    struct ts_scale scale = {.tolerance_frac = ts_capacity_tolerance_frac(spec->effort)};
    const struct ts_scenario *scenario = spec->base->scenario;
    struct search search = {
        .spec = spec, .scale = &scale, .diags = diags, .per_day = scenario->workload.calls_per_s * s_per_day};
    enum ts_status status = check(scenario, diags);
    struct passes *passes = status == TS_OK ? calloc(1, sizeof *passes) : NULL;
    if (status != TS_OK || !passes) {
        return status == TS_OK ? TS_ENOMEM : status;
    }
    ts_arena_init(&scale.arena);
    status = find(&search, passes);
    free(passes);
    if (status == TS_OK) {
        *out = scale;
    } else {
        ts_scale_deinit(&scale);
    }
    return status;
}

void ts_scale_deinit(struct ts_scale *scale)
{
    free(scale->crossings);
    ts_arena_deinit(&scale->arena);
    *scale = (struct ts_scale){.n = 0};
}
