/* Hides what of a scenario, beside the rate of its requests, goes by the clock: peak hours of electricity, rules and
 * devices by the hour, events at a time of day. */
#include "scenarios/language/loader.h"

static bool has_rule_by_hour(struct ts_value *rules)
{
    bool has = false;
    for (size_t i = 0; i < rules->n_children; i++) {
        struct ts_value *rule = &rules->children[i];
        has =
            has || (!rule->broken && (ts_value_is_written(rule, "when.from") || ts_value_is_written(rule, "when.to")));
    }
    return has;
}

static bool has_event_by_clock(struct ts_value *events)
{
    bool has = false;
    for (size_t i = 0; i < events->n_children; i++) {
        const struct ts_value *at = events->children[i].broken ? NULL : ts_value_at(&events->children[i], "at");
        has = has || (at && at->choice != TS_MOMENT_SINCE_START);
    }
    return has;
}

static bool goes_offline(struct ts_value *tier)
{
    if (tier->broken || ts_value_at(tier, "kind")->choice != TS_TIER_DEVICE) {
        return false;
    }
    const struct ts_value *mix = ts_value_at(tier, "mix");
    bool goes = ts_value_is_written(tier, "offline");
    for (size_t i = 0; i < mix->n_children; i++) {
        goes = goes || (!mix->children[i].broken && ts_value_is_written(&mix->children[i], "offline"));
    }
    return goes;
}

bool ts_resolve_has_clock(struct ts_loader *loader)
{
    struct ts_value *root = loader->root, *tiers = ts_value_at(root, "tiers"), *routing = ts_value_at(root, "routing");
    bool has = ts_value_is_written(root, "money.peak") || has_event_by_clock(ts_value_at(root, "events")) ||
               (!routing->broken && has_rule_by_hour(ts_value_at(routing, "rules")));
    for (size_t i = 0; i < tiers->n_children; i++) {
        has = has || goes_offline(&tiers->children[i]);
    }
    return has;
}
