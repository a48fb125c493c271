/* Hides how thresholds by name become a walk along tiers from weak to strong, and what is odd about a routing that is
 * correct. */
#include <math.h>
#include <string.h>

#include "scenarios/language/loader.h"
#include "sim/frontier.h"
#include "sim/quality.h"

enum { MAX_STATIC = sizeof(((struct ts_router_model *)0)->static_tier) / sizeof(uint32_t), POINTS = 1000 };

static const char *tier_name(const struct ts_loader *loader, uint32_t tier)
{
    return loader->model->tiers[tier].name;
}

/* A list of tiers that the scenario has; false: it has none. */
static bool take_written(struct ts_loader *loader, struct ts_value *list, uint32_t *tiers, uint32_t *n)
{
    if (list->state != TS_VALUE_WRITTEN) {
        return false;
    }
    *n = ts_resolve_tier_list(loader, list, tiers);
    ts_loader_assume(loader, list->path, TS_ORIGIN_SCENARIO, "scenario", "%s",
                     ts_resolve_tier_names(loader, tiers, *n));
    return true;
}

static void resolve_order(struct ts_loader *loader, struct ts_value *routing)
{
    struct ts_model *model = loader->model;
    struct ts_router_model *router = &model->router;
    struct ts_value *order = ts_value_at(routing, "order");
    if (take_written(loader, order, router->order, &router->n_order)) {
        if (router->policy == TS_ROUTE_STATIC && ts_value_is_written(routing, "fallback")) {
            ts_loader_warning(
                loader, order, NULL,
                "'routing.order' has no effect here: policy static chooses by class, and fallback is written");
        }
        return;
    }
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        uint32_t at = i;
        while (at > 0 && model->tiers[router->order[at - 1]].ability > model->tiers[i].ability) {
            router->order[at] = router->order[at - 1];
            at--;
        }
        router->order[at] = i;
    }
    router->n_order = model->n_tiers;
    ts_loader_assume(loader, "routing.order", TS_ORIGIN_MODELLED, "ascending ability", "%s",
                     ts_resolve_tier_names(loader, router->order, router->n_order));
}

static struct ts_value *threshold_of(struct ts_value *thresholds, uint32_t tier)
{
    for (size_t i = 0; i < thresholds->n_children; i++) {
        if (thresholds->children[i].index == (int)tier) {
            return &thresholds->children[i];
        }
    }
    return NULL;
}

static void resolve_thresholds(struct ts_loader *loader, struct ts_value *routing)
{
    struct ts_router_model *router = &loader->model->router;
    struct ts_value *thresholds = ts_value_at(routing, "thresholds");
    double before = -INFINITY;
    const char *strongest = router->n_order > 0 ? tier_name(loader, router->order[router->n_order - 1]) : "";
    for (uint32_t i = 0; i < router->n_order; i++) {
        struct ts_value *value = threshold_of(thresholds, router->order[i]);
        const char *name = tier_name(loader, router->order[i]);
        bool last = i + 1 == router->n_order;
        router->threshold[i] = last ? INFINITY : value ? value->number : before;
        if (last && value) {
            ts_loader_error(loader, value, "leave it out",
                            "'%s' is the strongest tier and takes the rest: it has no threshold", name);
        } else if (!last && !value) {
            ts_loader_error(loader, thresholds,
                            ts_loader_printf(loader,
                                             "write thresholds: {%s: ...}; only the strongest ('%s') takes the rest",
                                             name, strongest),
                            "tier '%s' has no threshold", name);
        } else if (!last && value->number < before) {
            ts_loader_error(
                loader, value, "thresholds ascend from the weakest tier to the strongest; 'order' changes who that is",
                "the threshold of '%s' is below that of '%s'", name, tier_name(loader, router->order[i - 1]));
        } else if (!last && value->number == before) {
            ts_loader_warning(loader, value, NULL, "'%s' gets no calls by difficulty: its threshold is that of '%s'",
                              name, tier_name(loader, router->order[i - 1]));
        }
        if (value) {
            value->used = true;
            before = value->number;
        }
    }
}

static void resolve_static(struct ts_loader *loader, struct ts_value *routing)
{
    struct ts_model *model = loader->model;
    struct ts_value *map = ts_value_at(routing, "static");
    for (uint32_t c = 0; c < model->n_classes && c < MAX_STATIC; c++) {
        const struct ts_value *found = NULL;
        for (size_t i = 0; i < map->n_children; i++) {
            if (map->children[i].index == (int)c) {
                map->children[i].used = true;
                found = &map->children[i];
            }
        }
        if (!found) {
            ts_loader_error(loader, map->state == TS_VALUE_WRITTEN ? map : routing,
                            ts_loader_printf(loader, "write static: {%s: ...}", model->class_names[c]),
                            "policy static: class '%s' has no tier", model->class_names[c]);
            continue;
        }
        model->router.static_tier[c] = (uint32_t)found->choice;
    }
}

static void resolve_fallback(struct ts_loader *loader, struct ts_value *routing)
{
    struct ts_router_model *router = &loader->model->router;
    if (take_written(loader, ts_value_at(routing, "fallback"), router->fallback, &router->n_fallback)) {
        return;
    }
    for (uint32_t i = 0; i < router->n_order; i++) {
        router->fallback[i] = router->order[router->n_order - 1 - i];
    }
    router->n_fallback = router->n_order;
    ts_loader_assume(loader, "routing.fallback", TS_ORIGIN_DEFAULT, "strongest first", "%s",
                     ts_resolve_tier_names(loader, router->fallback, router->n_fallback));
}

/* A tier that no policy chooses and no fallback names is paid for and idle. */
static void warn_unreachable(struct ts_loader *loader)
{
    const struct ts_model *model = loader->model;
    const struct ts_router_model *router = &model->router;
    uint32_t reached = 0;
    for (uint32_t i = 0; i < router->n_fallback; i++) {
        reached |= 1U << router->fallback[i];
    }
    for (uint32_t i = 0; i < router->n_order && router->policy != TS_ROUTE_STATIC; i++) {
        reached |= 1U << router->order[i];
    }
    for (uint32_t c = 0; c < model->n_classes && router->policy == TS_ROUTE_STATIC; c++) {
        reached |= 1U << router->static_tier[c];
    }
    const struct ts_value *tiers = ts_value_at(loader->root, "tiers");
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        if (!(reached & 1U << i)) {
            ts_loader_warning(loader, &tiers->children[i], NULL, "nothing is ever routed to '%s'",
                              model->tiers[i].name);
        }
    }
}

/* Mean and standard deviation of z over all requests: a mixture of the classes, each integrated over its quantiles. */
static void spread_of_difficulty(struct ts_router_model *router, const struct ts_workload *workload)
{
    double mean = 0.0, square = 0.0;
    for (size_t c = 0; c < workload->n_classes; c++) {
        for (int i = 0; i < POINTS; i++) {
            double z = ts_dist_quantile(&workload->classes[c].difficulty, (i + 0.5) / POINTS);
            mean += workload->classes[c].share * z / POINTS;
            square += workload->classes[c].share * z * z / POINTS;
        }
    }
    double variance = square - mean * mean;
    router->difficulty_mean = mean;
    router->difficulty_sd = variance > 0.0 ? sqrt(variance) : 0.0;
}

/* Shares of the requests that the strongest tier alone answers right, and the weakest one alone. */
struct pair {
    double gain, loss;
};

static struct pair pair_by_ability(const struct ts_loader *loader, uint32_t weakest, uint32_t strongest, size_t c)
{
    const struct ts_model *model = loader->model;
    const double shared = model->quality.shared_frac;
    struct pair sum = {0.0, 0.0};
    for (int i = 0; i < POINTS; i++) {
        const double z = ts_dist_quantile(&loader->workload->classes[c].difficulty, (i + 0.5) / POINTS);
        const double weak = ts_quality_right(ts_quality_ability(&model->tiers[weakest], (uint16_t)c), z);
        const double strong = ts_quality_right(ts_quality_ability(&model->tiers[strongest], (uint16_t)c), z);
        const double both = shared * fmin(weak, strong) + (1.0 - shared) * weak * strong;
        sum.gain += (strong - both) / POINTS;
        sum.loss += (weak - both) / POINTS;
    }
    return sum;
}

static struct pair pair_by_table(const struct ts_quality_rows *rows, uint32_t weakest, uint32_t strongest)
{
    struct pair sum = {0.0, 0.0};
    for (uint32_t i = 0; i < rows->n; i++) {
        const uint32_t weak = rows->right[i] >> weakest & 1U, strong = rows->right[i] >> strongest & 1U;
        sum.gain += (double)(strong & ~weak) / rows->n;
        sum.loss += (double)(weak & ~strong) / rows->n;
    }
    return sum;
}

static struct pair pair_of(const struct ts_loader *loader)
{
    const struct ts_model *model = loader->model;
    const uint32_t weakest = ts_frontier_weakest(model), strongest = ts_frontier_strongest(model);
    struct pair sum = {0.0, 0.0};
    for (size_t c = 0; c < loader->workload->n_classes; c++) {
        const struct pair pair = model->quality.tables ? pair_by_table(&model->quality.tables[c], weakest, strongest)
                                                       : pair_by_ability(loader, weakest, strongest, c);
        sum.gain += loader->workload->classes[c].share * pair.gain;
        sum.loss += loader->workload->classes[c].share * pair.loss;
    }
    return sum;
}

static bool is_close(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

/* RouteLLM's figure for a router becomes the AUC that has it between these tiers; and what an AUC comes to. */
static void resolve_auc(struct ts_loader *loader, struct ts_value *routing)
{
    struct ts_router_model *router = &loader->model->router;
    const struct pair pair = pair_of(loader);
    struct ts_value *apgr = ts_value_at(routing, "router.apgr");
    router->auc = ts_value_number(routing, "router.auc");
    if (router->predicts != TS_PREDICTS_CORRECTNESS || pair.gain - pair.loss <= 0.0) {
        return;
    }
    if (ts_value_is_written(routing, "router.apgr")) {
        const double most = ts_quality_apgr(pair.gain, pair.loss, 1.0);
        router->auc = ts_quality_auc_of_apgr(pair.gain, pair.loss, ts_value_number(routing, "router.apgr"));
        if (!is_close(ts_quality_apgr(pair.gain, pair.loss, router->auc), apgr->number)) {
            ts_loader_warning(loader, apgr, NULL,
                              "no router reaches that between these tiers: a perfect one has an APGR of %.3f", most);
        }
        ts_loader_assume(loader, "routing.router.auc", TS_ORIGIN_MODELLED, "from the APGR, between these tiers", "%.4g",
                         router->auc);
    }
    ts_loader_assume(loader, "routing.router.expected_apgr", TS_ORIGIN_MODELLED,
                     "closed form of the binormal router between the weakest and the strongest tier", "%.4f",
                     ts_quality_apgr(pair.gain, pair.loss, router->auc));
}

static void resolve_router(struct ts_loader *loader, struct ts_value *routing)
{
    struct ts_router_model *router = &loader->model->router;
    const int predicts = ts_value_choice(routing, "router.predicts");
    router->predicts = router->policy == TS_ROUTE_BUDGET ? TS_PREDICTS_DIFFICULTY : (enum ts_router_target)predicts;
    router->latency_s = ts_value_number(routing, "router.latency");
    router->usd_per_call = ts_value_number(routing, "router.price");
    ts_resolve_router_time(loader, routing);
    spread_of_difficulty(router, loader->workload);
    ts_loader_assume(
        loader, "routing.router.difficulty_sd", TS_ORIGIN_MODELLED,
        "standard deviation of the difficulty over all classes: with the AUC it gives what the router sees", "%.4g",
        router->difficulty_sd);
    resolve_auc(loader, routing);
}

/* A key that the policy cannot do without. */
static double needed(struct ts_loader *loader, struct ts_value *routing, const char *key, const char *example)
{
    if (!ts_value_is_set(routing, key)) {
        ts_loader_error(loader, ts_value_at(routing, "policy"), ts_loader_printf(loader, "write %s: %s", key, example),
                        "policy %s needs '%s'", ts_value_at(routing, "policy")->text, key);
        return 0.0;
    }
    return ts_value_number(routing, key);
}

static void resolve_verify(struct ts_value *routing, struct ts_verify_model *verify)
{
    *verify = (struct ts_verify_model){
        .accept_right_frac = ts_value_number(routing, "verify.accept_right"),
        .reject_wrong_frac = ts_value_number(routing, "verify.reject_wrong"),
        .latency_s = ts_value_number(routing, "verify.latency"),
        .usd_per_call = ts_value_number(routing, "verify.price"),
    };
}

/* Without a bound every tier keeps the SLO: the cheapest gets all. */
static void check_slo(struct ts_loader *loader, struct ts_value *routing)
{
    const struct ts_slo_model *slo = &loader->model->slo;
    if (!(slo->ttft_s > 0.0 || slo->tpot_s > 0.0 || slo->e2e_s > 0.0)) {
        ts_loader_warning(loader, ts_value_at(routing, "policy"), "write slo: {ttft: 2 s}",
                          "policy cheapest has no SLO to keep: the tier with the lowest price gets every call");
    }
}

static void resolve_policy(struct ts_loader *loader, struct ts_value *routing)
{
    struct ts_router_model *router = &loader->model->router;
    switch (router->policy) {
    case TS_ROUTE_DIFFICULTY:
        resolve_thresholds(loader, routing);
        break;
    case TS_ROUTE_STATIC:
        resolve_static(loader, routing);
        break;
    case TS_ROUTE_CASCADE:
        resolve_verify(routing, &router->verify);
        break;
    case TS_ROUTE_HEDGE:
        resolve_thresholds(loader, routing);
        router->hedge_after_s = needed(loader, routing, "hedge_after", "800 ms");
        break;
    case TS_ROUTE_CHEAPEST:
        check_slo(loader, routing);
        break;
    case TS_ROUTE_BUDGET:
        router->budget_usd_per_day = needed(loader, routing, "budget_per_day", "50 USD");
        break;
    case TS_ROUTE_LEAST_LOADED:
    case TS_ROUTE_LEAST_LATENCY:
    case TS_N_ROUTER_POLICIES:
        break;
    }
}

/* Which keys of the router count. */
static void judge_router(struct ts_loader *loader, struct ts_value *routing)
{
    const bool sees = ts_frontier_has_scores(loader->model), several = loader->model->n_tiers > 1;
    const bool by_threshold = sees && loader->model->router.policy != TS_ROUTE_BUDGET;
    const bool correct =
        by_threshold && ts_value_at(routing, "router.predicts")->choice == (int)TS_PREDICTS_CORRECTNESS;
    const bool has_apgr = correct && ts_value_is_written(routing, "router.apgr");
    const char *why = several ? "the policy does not look at difficulty" : "there is one tier";
    ts_value_counts_if(routing, "router.auc", sees && !has_apgr, has_apgr ? "apgr is written" : why);
    ts_value_counts_if(routing, "router.predicts", by_threshold, sees ? "policy budget looks at difficulty" : why);
    ts_value_counts_if(routing, "router.apgr", correct, by_threshold ? "the router predicts difficulty" : why);
}

void ts_resolve_routing(struct ts_loader *loader)
{
    struct ts_value *routing = ts_value_at(loader->root, "routing");
    struct ts_value *tiers = ts_value_at(loader->root, "tiers");
    struct ts_router_model *router = &loader->model->router;
    if (routing->broken || loader->model->n_tiers == 0) {
        return;
    }
    for (size_t i = 0; i < tiers->n_children; i++) {
        if (ts_value_at(&tiers->children[i], "ability") == NULL ||
            ts_value_at(&tiers->children[i], "ability")->broken || ts_value_at(loader->root, "quality")->broken) {
            return;
        }
    }
    size_t n_errors = loader->diags->n_errors;
    router->policy = (enum ts_router_policy)ts_value_choice(routing, "policy");
    resolve_order(loader, routing);
    judge_router(loader, routing);
    resolve_policy(loader, routing);
    resolve_fallback(loader, routing);
    router->fallback_after_s = ts_value_number_or(routing, "fallback_after", 0.0);
    ts_resolve_rules(loader, routing);
    resolve_router(loader, routing);
    if (loader->diags->n_errors == n_errors) {
        warn_unreachable(loader);
    }
}
