/* Hides the main loop. */
#include "sim/engine.h"

#include "base/check.h"
#include "base/units.h"
#include "sim/attempt.h"
#include "sim/incidents.h"

/* An event is at least so much toil. */
enum { TOIL_OF_EVENT = 64, FIRST_QUEUE_CAP = 64 };

/* ---- life ---- */

static uint32_t hash_name(const char *name)
{
    uint64_t hash = 0;
    for (const char *c = name ? name : ""; *c; c++) {
        hash = ts_mix64(hash ^ (unsigned char)*c);
    }
    return (uint32_t)hash;
}

enum ts_status ts_engine_init(struct ts_engine *out, const struct ts_model *model, const struct ts_sim_options *options)
{
    TS_CHECK(model->n_tiers <= TS_MAX_TIERS);
    *out = (struct ts_engine){.model = model,
                              .options = options,
                              .toil = TS_TOIL_PER_ASK, /* ask at once */
                              .replication = options->replication,
                              .rng_key = ts_rng_key(model->seed, options->replication),
                              .single_steps = options->single_steps,
                              .recorded_s = options->recorded_s,
                              .n_recorded = options->n_recorded,
                              .patience_ns = ts_ns_from_s(model->patience_s),
                              .router_ns = ts_ns_from_s(model->router.latency_s),
                              .fallback_ns = ts_ns_from_s(model->router.fallback_after_s),
                              .next_arrival_ns = TS_NEVER_NS,
                              .users = {.model = &model->users},
                              .end_ns = TS_NEVER_NS};
    ts_sessions_init(&out->sessions, model->turns_until_s > 0.0 ? ts_ns_from_s(model->turns_until_s) : TS_NEVER_NS);
    ts_calls_init(&out->calls);
    ts_flights_init(&out->flights);
    for (uint32_t i = 0; i < model->n_links; i++) {
        out->links[i] = (struct ts_link){.model = &model->links[i],
                                         .key = hash_name(model->links[i].name),
                                         .may_fail = model->links[i].mean_up_s > 0.0};
    }
    ts_displaced_init(&out->displaced, model);
    enum ts_status status = ts_event_queue_init(&out->queue, FIRST_QUEUE_CAP);
    if (status == TS_OK) {
        status = ts_ledger_init(&out->ledger, model);
    }
    if (status == TS_OK) {
        status = ts_router_init(&out->router, model);
    }
    for (uint32_t i = 0; status == TS_OK && i < model->n_tiers; i++) {
        struct ts_tier *tier = &out->tiers[i];
        *tier = (struct ts_tier){.ops = ts_tier_ops[model->tiers[i].kind],
                                 .model = &model->tiers[i],
                                 .index = i,
                                 .key = hash_name(model->tiers[i].name)};
        status = tier->ops->create(tier, out);
    }
    ts_incidents_open(out);
    status = status == TS_OK ? out->status : status;
    if (status != TS_OK) {
        ts_engine_deinit(out);
    }
    return status;
}

void ts_engine_deinit(struct ts_engine *engine)
{
    for (uint32_t i = 0; i < engine->model->n_tiers; i++) {
        if (engine->tiers[i].ops) {
            engine->tiers[i].ops->destroy(&engine->tiers[i]);
        }
    }
    for (uint32_t i = 0; i < engine->model->n_links; i++) {
        ts_sharing_deinit(&engine->links[i].prompts);
    }
    ts_router_deinit(&engine->router);
    ts_displaced_deinit(&engine->displaced);
    ts_ledger_deinit(&engine->ledger);
    ts_sessions_deinit(&engine->sessions);
    ts_slots_deinit(&engine->flights);
    ts_calls_deinit(&engine->calls);
    ts_event_queue_deinit(&engine->queue);
}

/* ---- the loop ---- */

static void arrive(struct ts_engine *engine, const struct ts_request *request)
{
    if (request->turn) {
        ts_sessions_arrive(engine, request, request->user);
    } else {
        ts_attempt_arrive(engine, request, NULL);
    }
}

/* Of a session the user takes all calls: the stream has them one after the other. */
static void send_of_user(struct ts_engine *engine, uint32_t user)
{
    struct ts_request request = {0};
    bool got = ts_users_send(engine, user, &request);
    while (got) {
        const bool is_last = !request.turn || request.turn->is_last;
        arrive(engine, &request);
        got = !is_last && ts_users_read_on(engine, user, &request);
    }
}

static void fire(struct ts_engine *engine, enum ts_event_kind kind, uint32_t target, uint32_t stamp)
{
    if (kind == TS_EVENT_INCIDENT) {
        ts_incidents_fire(engine, target);
        return;
    }
    if (kind == TS_EVENT_LINK) {
        ts_attempt_fire_link(engine, target, stamp);
        return;
    }
    if (kind <= TS_EVENT_LIFE) {
        struct ts_tier *tier = &engine->tiers[target >> 24];
        tier->ops->fire(tier, engine, kind, target & 0xffffffU, stamp);
        return;
    }
    if (kind == TS_EVENT_USER) {
        send_of_user(engine, target);
        return;
    }
    if (kind == TS_EVENT_TURN) {
        ts_sessions_fire(engine, target, stamp);
        return;
    }
    const bool is_call = kind >= TS_EVENT_PATIENCE;
    const uint32_t current =
        is_call ? ts_engine_call(engine, target)->slot.stamp : ts_engine_flight(engine, target)->slot.stamp;
    if (current != stamp) {
        return;
    }
    engine->last_ns = engine->now_ns;
    if (is_call) {
        ts_attempt_fire_call(engine, kind, target);
    } else {
        ts_attempt_fire(engine, kind, target);
    }
}

static enum ts_status read_ahead(struct ts_engine *engine, struct ts_request *next, struct ts_request_stream *requests,
                                 struct ts_diags *diags)
{
    int got = 0;
    const enum ts_status status = ts_request_next(requests, next, &got, diags);
    if (status != TS_OK) {
        return status;
    }
    if (!got) {
        engine->next_arrival_ns = TS_NEVER_NS;
        ts_engine_note_end(engine);
        return TS_OK;
    }
    TS_CHECK(next->arrival_ns >= engine->now_ns);
    engine->next_arrival_ns = next->arrival_ns;
    return TS_OK;
}

/* Fires the first event if it is due before the next arrival and the end; false: none is. */
static bool fire_next(struct ts_engine *engine)
{
    const int64_t time_ns = ts_event_queue_next_ns(&engine->queue);
    const struct ts_event *event = engine->queue.first;
    if (time_ns > engine->next_arrival_ns || time_ns > engine->end_ns || !event) {
        return false;
    }
    const enum ts_event_kind kind = (enum ts_event_kind)ts_event_priority(event);
    const uint32_t target = event->target;
    const uint32_t stamp = event->stamp;
    ts_event_queue_drop(&engine->queue);
    engine->now_ns = time_ns;
    engine->n_events++;
    engine->toil += TOIL_OF_EVENT;
    fire(engine, kind, target, stamp);
    return true;
}

/* Ends what is still under way when the time is up. */
static void close_down(struct ts_engine *engine)
{
    if (engine->calls.slots.n_used == 0) {
        return;
    }
    engine->now_ns = engine->last_ns = engine->end_ns;
    for (uint32_t i = 0; i < engine->model->n_tiers; i++) {
        engine->tiers[i].ops->close(&engine->tiers[i], engine);
    }
    ts_attempt_close_down(engine);
}

enum ts_status ts_engine_run(struct ts_engine *engine, int64_t *window_ns, struct ts_request_stream *requests,
                             struct ts_diags *diags)
{
    struct ts_request next = {0};
    enum ts_status status = TS_OK;
    *window_ns = 0;
    if (ts_users_exist(&engine->users)) {
        ts_users_begin(engine, requests, diags);
    } else {
        status = read_ahead(engine, &next, requests, diags);
    }
    while (status == TS_OK && ts_engine_toils_on(engine, 0)) {
        if (fire_next(engine)) {
            continue;
        }
        if (engine->next_arrival_ns == TS_NEVER_NS) {
            break;
        }
        engine->now_ns = *window_ns = next.arrival_ns;
        engine->n_events++;
        engine->toil += TOIL_OF_EVENT;
        arrive(engine, &next);
        status = engine->status == TS_OK ? read_ahead(engine, &next, requests, diags) : TS_OK;
    }
    if (status == TS_OK && engine->status == TS_OK) {
        const int64_t last_ns = engine->sessions.last_arrival_ns;
        *window_ns = ts_users_exist(&engine->users) ? ts_users_window_ns(&engine->users)
                     : *window_ns > last_ns         ? *window_ns
                                                    : last_ns;
        close_down(engine);
        ts_sessions_close(engine);
    }
    return status == TS_OK ? engine->status : status;
}
