/* Hides when incidents begin, end and come again, and the outages that links draw for themselves: time up and time down
 * are exponential, so a link is up mean_up/(mean_up + mean_down) of the time. Each stay has a stream of its own, keyed
 * by the link's name and the number of the stay. Worked: up for 10 h and down for 30 min in the mean: up 95.24 % of the
 * time. */
#include "sim/incidents.h"

#include "base/check.h"
#include "base/units.h"
#include "sim/attempt.h"

/* What an event's target is: in its upper bits what happens, below it to whom. */
enum { BEGIN, END, OUTAGE, NOTICED, TO_WHOM_BITS = 16 };

static void schedule(struct ts_engine *engine, int64_t at_ns, uint32_t what, uint32_t whom)
{
    ts_engine_schedule(engine, at_ns, TS_EVENT_INCIDENT, what << TO_WHOM_BITS | whom, 0);
}

/* ---- links ---- */

static double draw_stay_s(const struct ts_engine *engine, const struct ts_link *link, uint32_t stay, double mean_s)
{
    struct ts_rng rng;
    ts_rng_init(&rng, engine->model->seed, engine->replication, link->key, TS_PURPOSE_OUTAGE | stay << 8);
    return mean_s * ts_rng_exponential(&rng);
}

static void break_link(struct ts_engine *engine, uint32_t index, int64_t until_ns)
{
    struct ts_link *link = &engine->links[index];
    ts_link_break(link, engine->now_ns, until_ns);
    if (ts_link_fails(link, engine->now_ns)) {
        schedule(engine, engine->now_ns + ts_ns_from_s(link->model->detect_s), NOTICED, index);
    }
}

/* The link's next outage, after a stay up that begins then. */
static void fail_some_day(struct ts_engine *engine, uint32_t index, int64_t from_ns)
{
    struct ts_link *link = &engine->links[index];
    const double up_s = draw_stay_s(engine, link, 2 * link->n_outages, link->model->mean_up_s);
    schedule(engine, from_ns + ts_ns_from_s(up_s), OUTAGE, index);
}

static void suffer_outage(struct ts_engine *engine, uint32_t index)
{
    struct ts_link *link = &engine->links[index];
    const double down_s = draw_stay_s(engine, link, 2 * link->n_outages + 1, link->model->mean_down_s);
    const int64_t until_ns = engine->now_ns + ts_ns_from_s(down_s);
    link->n_outages++;
    break_link(engine, index, until_ns);
    fail_some_day(engine, index, until_ns);
}

/* ---- incidents ---- */

/* An event comes again as long as requests do: calls that it makes start over would otherwise never end. */
static bool comes_again(struct ts_engine *engine)
{
    const bool arrived = engine->ledger.n_arrived != engine->n_arrived_before;
    engine->n_arrived_before = engine->ledger.n_arrived;
    return engine->next_arrival_ns != TS_NEVER_NS || engine->users.n_thinking > 0 ||
           (ts_users_exist(&engine->users) && arrived) || engine->now_ns < ts_ns_from_s(engine->options->window_s);
}

static void begin(struct ts_engine *engine, uint32_t index)
{
    const struct ts_incident_model *incident = &engine->model->incidents[index];
    const int64_t until_ns = engine->now_ns + ts_ns_from_s(incident->for_s);
    if (incident->link >= 0) {
        break_link(engine, (uint32_t)incident->link, until_ns);
    } else {
        struct ts_tier *tier = &engine->tiers[incident->tier];
        engine->incidents |= 1ULL << index;
        schedule(engine, until_ns, END, index);
        if (tier->ops->strike) {
            tier->ops->strike(tier, engine, incident);
        }
    }
    if (incident->every_s > 0.0 && comes_again(engine)) {
        schedule(engine, engine->now_ns + ts_ns_from_s(incident->every_s), BEGIN, index);
    }
}

void ts_incidents_open(struct ts_engine *engine)
{
    const struct ts_model *model = engine->model;
    TS_CHECK(model->n_incidents <= TS_MAX_INCIDENTS);
    for (uint32_t i = 0; i < model->n_incidents; i++) {
        const struct ts_incident_model *incident = &model->incidents[i];
        schedule(engine, ts_ns_from_s(incident->at_s), BEGIN, i);
        if (incident->link >= 0) {
            engine->links[incident->link].may_fail = true;
        }
    }
    for (uint32_t i = 0; i < model->n_links; i++) {
        if (model->links[i].mean_up_s > 0.0) {
            fail_some_day(engine, i, 0);
        }
    }
}

void ts_incidents_fire(struct ts_engine *engine, uint32_t target)
{
    const uint32_t whom = target & ((1U << TO_WHOM_BITS) - 1);
    if (!ts_engine_goes_on(engine)) {
        return;
    }
    switch (target >> TO_WHOM_BITS) {
    case BEGIN:
        begin(engine, whom);
        break;
    case END:
        engine->incidents &= ~(1ULL << whom);
        break;
    case OUTAGE:
        suffer_outage(engine, whom);
        break;
    default:
        if (ts_link_down_ns(&engine->links[whom], engine->now_ns) > 0) {
            ts_attempt_lose_link(engine, whom);
        }
    }
}

/* As its users have seen it: of several sites, by the requests that came from each. */
static int64_t down_ns_of(const struct ts_engine *engine, uint32_t tier, int64_t end_ns)
{
    const struct ts_result *result = &engine->ledger.result;
    double weighted_ns = 0.0, n_all = 0.0;
    for (uint32_t c = 0; c < result->n_classes; c++) {
        const int link = ts_model_link(engine->model, tier, c);
        double n = 0.0;
        for (uint32_t i = 0; i <= result->n_tiers; i++) {
            n += (double)result->tiers[i].cells[c].arrived;
        }
        n_all += n;
        weighted_ns +=
            link < 0 ? 0.0 : n * (double)(engine->links[link].down_ns - ts_link_down_ns(&engine->links[link], end_ns));
    }
    return n_all > 0.0 ? (int64_t)(weighted_ns / n_all) : 0;
}

void ts_incidents_close(struct ts_engine *engine, int64_t end_ns)
{
    for (uint32_t i = 0; i < engine->model->n_tiers; i++) {
        const int link = engine->model->tiers[i].link;
        int64_t down_ns = 0;
        if (engine->model->site_links) {
            down_ns = down_ns_of(engine, i, end_ns);
        } else if (link >= 0) {
            down_ns = engine->links[link].down_ns - ts_link_down_ns(&engine->links[link], end_ns);
        }
        engine->ledger.accounts[i].link_down_ns = down_ns;
    }
}

double ts_incidents_share(const struct ts_engine *engine, uint32_t tier, int offer, enum ts_incident_kind kind)
{
    double most = 0.0;
    for (uint32_t i = 0; engine->incidents >> i > 0 && i < engine->model->n_incidents; i++) {
        const struct ts_incident_model *incident = &engine->model->incidents[i];
        const bool strikes = (engine->incidents >> i & 1U) != 0 && incident->tier == (int)tier &&
                             incident->kind == kind && (incident->offer < 0 || incident->offer == offer);
        most = strikes && incident->share_frac > most ? incident->share_frac : most;
    }
    return most;
}
