/* Hides how an event of the scenario becomes an incident of the model: what it strikes, and when on the run's clock. */
#include <math.h>
#include <string.h>

#include "scenarios/language/loader.h"

/* ---- when ---- */

/* The first such hour of a run that begins at start_h, both of a period of so many hours. */
static double hours_until(double hour, double start_h, double period_h)
{
    const double from = fmod(hour - start_h, period_h);
    return from < 0.0 ? from + period_h : from;
}

static double moment_s(struct ts_loader *loader, struct ts_value *event)
{
    struct ts_value *workload = ts_value_at(loader->root, "workload");
    const bool has_clock =
        ts_value_is_written(loader->root, "workload") && !workload->broken && !loader->options->trace_path;
    struct ts_value *at = ts_value_at(event, "at");
    const double number = ts_value_number(event, "at");
    if (at->choice == TS_MOMENT_SINCE_START) {
        return number;
    }
    if (!has_clock) {
        ts_loader_error(loader, at, "write a time from its start, for example at: 36 min", "'%s': a trace has no clock",
                        at->text ? at->text : at->path);
        return 0.0;
    }
    const double start_h = ts_value_number(workload, "start");
    const double period_h = at->choice == TS_MOMENT_OF_DAY ? 24.0 : 168.0;
    return round(hours_until(number, start_h, period_h) * 60.0) * 60.0; /* clocks tell minutes */
}

static void check_time(struct ts_loader *loader, struct ts_value *event, const struct ts_incident_model *incident)
{
    struct ts_value *workload = ts_value_at(loader->root, "workload");
    const bool generated =
        ts_value_is_written(loader->root, "workload") && !workload->broken && !loader->options->trace_path;
    if (generated && incident->at_s >= ts_value_number(workload, "duration")) {
        ts_loader_error(loader, ts_value_at(event, "at"), "write an earlier time, or a longer workload.duration",
                        "the event is after the end of the workload");
    }
    if (incident->every_s > 0.0 && incident->every_s <= incident->for_s) {
        ts_loader_error(loader, ts_value_at(event, "every"), "write a longer time, or a shorter `for`",
                        "the event repeats before it is over");
    }
}

/* ---- whom ---- */

static void resolve_offer(struct ts_loader *loader, struct ts_value *event, const struct ts_api_model *api,
                          struct ts_incident_model *incident)
{
    const char *name = ts_value_text(event, "offer");
    const char *names[TS_MAX_OFFERS];
    for (uint32_t i = 0; name && i < api->n_offers; i++) {
        names[i] = api->offers[i].name;
        if (names[i] && ts_str_equal(names[i], name)) {
            incident->offer = (int)i;
        }
    }
    if (name && incident->offer < 0) {
        ts_loader_error(loader, ts_value_at(event, "offer"), ts_loader_hint(loader, name, names, api->n_offers),
                        "the tier has no offer '%s'", name);
    }
}

/* The keys that say something of this kind of tier only. */
static void check_keys(struct ts_loader *loader, struct ts_value *event, const struct ts_tier_model *tier)
{
    const bool server = tier && tier->kind == TS_TIER_SERVER;
    const bool api = tier && tier->kind == TS_TIER_API;
    ts_value_counts_if(event, "share", tier && !(server && ts_value_is_written(event, "replicas")),
                       tier ? "`replicas` says how many" : "a link is down as a whole");
    ts_value_counts_if(event, "replicas", server, "it strikes no server");
    ts_value_counts_if(event, "notice", server, "it strikes no server");
    ts_value_counts_if(event, "offer", api, "it strikes no API");
    if (!api && ts_value_at(event, "is")->choice == TS_INCIDENT_THROTTLED) {
        ts_loader_error(loader, ts_value_at(event, "is"), "write is: down", "only an API throttles");
    }
    if (tier && ts_tier_is_disaggregated(tier)) {
        ts_loader_error(loader, ts_value_at(event, "tier"), NULL,
                        "'%s' has pools by role: failures of its replicas are not modelled", tier->name);
    }
}

static void resolve_event(struct ts_loader *loader, struct ts_value *event, struct ts_incident_model *incident)
{
    const int link = ts_value_is_set(event, "link") ? ts_value_choice(event, "link") : -1;
    const int tier = ts_value_is_set(event, "tier") ? ts_value_choice(event, "tier") : -1;
    (void)ts_value_text(event, "link");
    (void)ts_value_text(event, "tier");
    if ((link < 0) == (tier < 0)) {
        ts_loader_error(loader, event, "write for example {at: 12:00, link: wan, is: down, for: 90 min}",
                        link < 0 ? "the event strikes nothing" : "an event affects a link or a tier, not both");
        return;
    }
    const struct ts_tier_model *struck = tier >= 0 ? &loader->model->tiers[tier] : NULL;
    check_keys(loader, event, struck);
    *incident = (struct ts_incident_model){
        .kind = (enum ts_incident_kind)ts_value_choice(event, "is"),
        .link = link,
        .tier = tier,
        .offer = -1,
        .at_s = moment_s(loader, event),
        .for_s = ts_value_number(event, "for"),
        .every_s = ts_value_number(event, "every"),
        .share_frac = ts_value_number(event, "share"),
        .n_replicas = ts_value_count(event, "replicas"),
        .notice_s = ts_value_number(event, "notice"),
    };
    if (struck && struck->kind == TS_TIER_API) {
        resolve_offer(loader, event, &struck->u.api, incident);
    }
    check_time(loader, event, incident);
}

void ts_resolve_events(struct ts_loader *loader)
{
    struct ts_value *events = ts_value_at(loader->root, "events");
    if (events->n_children > TS_MAX_INCIDENTS) {
        ts_loader_error(loader, events, "write every: 24 h for a repeated event", "more than %d events",
                        TS_MAX_INCIDENTS);
        return;
    }
    struct ts_incident_model *incidents = ts_loader_array(loader, events->n_children, sizeof *incidents);
    for (size_t i = 0; incidents && i < events->n_children; i++) {
        if (!events->children[i].broken) {
            resolve_event(loader, &events->children[i], &incidents[i]);
        }
    }
    loader->model->incidents = incidents;
    loader->model->n_incidents = incidents ? (uint32_t)events->n_children : 0;
}
