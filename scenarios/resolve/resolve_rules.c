/* Hides how lists of tiers are read, and how rules become masks of barred tiers: by name, or all but those of a region.
 */
#include <math.h>

#include "scenarios/language/loader.h"

uint32_t ts_resolve_tier_list(struct ts_loader *loader, struct ts_value *list, uint32_t *out)
{
    uint32_t n = 0;
    for (size_t i = 0; i < list->n_children; i++) {
        struct ts_value *item = &list->children[i];
        bool twice = false;
        for (uint32_t j = 0; j < n; j++) {
            twice = twice || out[j] == (uint32_t)item->choice;
        }
        if (twice) {
            ts_loader_error(loader, item, NULL, "'%s' is listed twice", item->text);
        } else if (n < TS_MAX_TIERS) {
            out[n++] = (uint32_t)item->choice;
        }
    }
    return n;
}

const char *ts_resolve_tier_names(struct ts_loader *loader, const uint32_t *tiers, uint32_t n)
{
    struct ts_text text;
    ts_text_init(&text);
    for (uint32_t i = 0; i < n; i++) {
        ts_text_printf(&text, "%s%s", i > 0 ? ", " : "", loader->model->tiers[tiers[i]].name);
    }
    return ts_loader_keep(loader, &text);
}

static void assume_rule(struct ts_loader *loader, struct ts_value *value, const char *verb, const uint32_t *tiers,
                        uint32_t n)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_printf(&text, "%s %s", verb, ts_resolve_tier_names(loader, tiers, n));
    const struct ts_value *when = ts_value_at(value, "when");
    if (when->state == TS_VALUE_WRITTEN && when->node) {
        ts_text_puts(&text, " for ");
        ts_yaml_tree_show(&text, when->node);
    }
    ts_loader_assume(loader, value->path, TS_ORIGIN_SCENARIO, "scenario", "%s", ts_loader_keep(loader, &text));
}

/* May calls that have to stay within the region go to that tier? An API that does not say where it is may be anywhere.
 */
static bool is_within(struct ts_loader *loader, uint32_t tier, const char *region)
{
    if (loader->model->tiers[tier].kind != TS_TIER_API) {
        return true;
    }
    const struct ts_value *offers = ts_value_at(&ts_value_at(loader->root, "tiers")->children[tier], "offers");
    bool is = true;
    for (size_t i = 0; i < offers->n_children; i++) {
        const char *said = ts_value_text(&offers->children[i], "region");
        is = is && said && ts_str_equal(said, region);
    }
    return is;
}

/* The tiers that calls of the rule may go to. */
static uint32_t list_within(struct ts_loader *loader, struct ts_value *value, uint32_t *tiers)
{
    const char *region = ts_value_text(value, "within");
    const struct ts_model *model = loader->model;
    uint32_t n = 0, n_apis = 0, n_apis_within = 0;
    for (uint32_t i = 0; region && i < model->n_tiers; i++) {
        const bool is = is_within(loader, i, region), is_api = model->tiers[i].kind == TS_TIER_API;
        n_apis += is_api;
        n_apis_within += is_api && is;
        if (is) {
            tiers[n++] = i;
        }
    }
    if (n_apis > 0 && n_apis_within == 0) {
        ts_loader_warning(loader, ts_value_at(value, "within"),
                          ts_loader_printf(loader, "write region: %s at the offers that are there", region),
                          "no API is within '%s'", region);
    }
    return n;
}

/* The one of never, only and within that a rule has; NULL: not one. */
static const char *verb_of(struct ts_loader *loader, struct ts_value *rule)
{
    static const char *const verbs[] = {"never", "only", "within"};
    const char *verb = NULL;
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (ts_value_is_written(rule, verbs[i])) {
            verb = verbs[i];
            n++;
        }
    }
    if (n != 1) {
        ts_loader_error(loader, rule, "write never: [a tier], only: [tiers], or within: a region", "%s",
                        n > 0 ? "a rule has one of 'never', 'only' and 'within'" : "this rule names no tier");
    }
    return n == 1 ? verb : NULL;
}

static void resolve_rule(struct ts_loader *loader, struct ts_value *value, struct ts_rule *rule)
{
    const uint32_t all = (1U << loader->model->n_tiers) - 1U;
    const char *verb = verb_of(loader, value);
    if (!verb) {
        return;
    }
    rule->sensitivity = ts_value_choice(value, "when.sensitivity");
    rule->class_id = ts_value_choice(value, "when.class");
    uint32_t over = ts_value_count(value, "when.prompt_over");
    rule->min_prompt_tok = ts_value_is_set(value, "when.prompt_over") ? over + 1 : 0;
    rule->from_hour = ts_value_number(value, "when.from");
    rule->to_hour = ts_value_number(value, "when.to");
    if (rule->from_hour == rule->to_hour) {
        ts_loader_error(loader, ts_value_at(value, "when.from"), "write for example from: 8, to: 18",
                        "a rule from %g to %g applies at no time", rule->from_hour, rule->to_hour);
    }
    uint32_t tiers[TS_MAX_TIERS], mask = 0;
    const uint32_t n = ts_str_equal(verb, "within") ? list_within(loader, value, tiers)
                                                    : ts_resolve_tier_list(loader, ts_value_at(value, verb), tiers);
    for (uint32_t i = 0; i < n; i++) {
        mask |= 1U << tiers[i];
    }
    rule->barred = ts_str_equal(verb, "never") ? mask : all & ~mask;
    if (rule->barred == all) {
        ts_loader_warning(loader, value, NULL,
                          "no tier is left for the requests of this rule: all of them will be rejected");
    }
    assume_rule(loader, value, ts_str_equal(verb, "never") ? "never" : "only", tiers, n);
}

void ts_resolve_rules(struct ts_loader *loader, struct ts_value *routing)
{
    struct ts_value *rules = ts_value_at(routing, "rules");
    struct ts_router_model *router = &loader->model->router;
    if (rules->n_children > TS_MAX_RULES) {
        ts_loader_error(loader, rules, NULL, "more than %d rules", TS_MAX_RULES);
        return;
    }
    for (size_t i = 0; i < rules->n_children; i++) {
        resolve_rule(loader, &rules->children[i], &router->rules[i]);
    }
    router->n_rules = (uint32_t)rules->n_children;
    router->start_hour = fmod(loader->workload->window.start_hour, 24.0);
}
