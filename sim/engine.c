/* Hides the main loop and a request's way between tiers. The patience of a request counts from its arrival to its first
 * token at the tier: one that is on its way, waiting, or inside its prompt then gives up. */
#include "sim/engine.h"

#include "base/check.h"
#include "base/units.h"
#include "sim/network/link.h"

enum { PROGRESS_EVERY = 8192 /* events, a power of two */, FIRST_QUEUE_CAP = 64 };

/* Of the event queue. */
enum { LANE_PATIENCE, LANE_ROUTER };

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
                              .replication = options->replication,
                              .single_steps = options->single_steps,
                              .recorded_s = options->recorded_s,
                              .n_recorded = options->n_recorded,
                              .patience_ns = ts_ns_from_s(model->patience_s),
                              .router_ns = ts_ns_from_s(model->router.latency_s),
                              .next_arrival_ns = TS_NEVER_NS,
                              .end_ns = TS_NEVER_NS};
    ts_flights_init(&out->flights);
    ts_router_init(&out->router, model);
    enum ts_status status = ts_event_queue_init(&out->queue, FIRST_QUEUE_CAP);
    if (status == TS_OK) {
        status = ts_ledger_init(&out->ledger, model);
    }
    for (uint32_t i = 0; status == TS_OK && i < model->n_tiers; i++) {
        struct ts_tier *tier = &out->tiers[i];
        *tier = (struct ts_tier){.ops = ts_tier_ops[model->tiers[i].kind],
                                 .model = &model->tiers[i],
                                 .index = i,
                                 .key = hash_name(model->tiers[i].name)};
        status = tier->ops->create(tier, out);
    }
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
    ts_ledger_deinit(&engine->ledger);
    ts_flights_deinit(&engine->flights);
    ts_event_queue_deinit(&engine->queue);
}

/* ---- for tiers ---- */

void ts_engine_fail(struct ts_engine *engine, enum ts_status status)
{
    engine->status = engine->status == TS_OK ? status : engine->status;
}

void ts_engine_schedule(struct ts_engine *engine, int64_t time_ns, enum ts_event_kind kind, uint32_t target,
                        uint32_t stamp)
{
    TS_CHECK(time_ns >= engine->now_ns);
    ts_engine_fail(engine, ts_event_queue_push(&engine->queue, time_ns, (uint8_t)kind, target, stamp));
}

void ts_engine_schedule_flight(struct ts_engine *engine, int64_t time_ns, enum ts_event_kind kind, uint32_t id)
{
    ts_engine_schedule(engine, time_ns, kind, id, ts_engine_flight(engine, id)->stamp);
}

bool ts_engine_goes_on(const struct ts_engine *engine)
{
    return engine->next_arrival_ns != TS_NEVER_NS || engine->flights.n_used > 0 ||
           engine->now_ns < ts_ns_from_s(engine->options->window_s);
}

void ts_engine_accept(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    flight->in_tier = true;
    flight->entered_ns = engine->now_ns;
    ts_ledger_enter(&engine->ledger, flight->tier, engine->now_ns);
}

/* Into the books, and to whoever wants a row of every request. */
static void settle(struct ts_engine *engine, const struct ts_flight *flight, enum ts_outcome outcome)
{
    const struct ts_request_record record = ts_record_of(flight, outcome, engine->now_ns);
    ts_ledger_settle(&engine->ledger, flight, &record);
    if (engine->options->on_request) {
        ts_engine_fail(engine, engine->options->on_request(engine->options->request_user, &record));
    }
}

void ts_engine_finish(struct ts_engine *engine, uint32_t id, enum ts_outcome outcome)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    if (flight->in_tier) {
        ts_ledger_leave(&engine->ledger, flight->tier, engine->now_ns, flight->entered_ns);
    }
    settle(engine, flight, outcome);
    ts_flights_give(&engine->flights, id);
}

void ts_engine_rng(const struct ts_engine *engine, struct ts_rng *rng, const struct ts_request *request,
                   enum ts_purpose purpose, uint32_t draw)
{
    ts_rng_init(rng, engine->model->seed, engine->replication, (uint32_t)request->id, (uint32_t)purpose | draw << 8);
}

/* ---- the way to a tier ---- */

static struct ts_link_delays draw_delays(const struct ts_engine *engine, const struct ts_flight *flight)
{
    const int index = engine->model->tiers[flight->tier].link;
    if (index < 0) {
        return (struct ts_link_delays){0, 0};
    }
    const struct ts_link_model *link = &engine->model->links[index];
    struct ts_rng rng;
    if (ts_link_is_constant(link)) {
        return ts_link_draw(link, flight->request.prompt_tok, NULL);
    }
    ts_engine_rng(engine, &rng, &flight->request, TS_PURPOSE_LINK, engine->tiers[flight->tier].key);
    return ts_link_draw(link, flight->request.prompt_tok, &rng);
}

static bool enter_tier(struct ts_engine *engine, uint32_t id)
{
    struct ts_tier *tier = &engine->tiers[ts_engine_flight(engine, id)->tier];
    return tier->ops->enter(tier, engine, id);
}

/* Sends it to the next tier, and on, until one takes it, the way takes time, or nothing is left. */
static void send_on(struct ts_engine *engine, uint32_t id)
{
    for (;;) {
        struct ts_flight *flight = ts_engine_flight(engine, id);
        flight->tier = (uint8_t)ts_router_next(engine, flight);
        if (flight->tier == engine->model->n_tiers) {
            ts_engine_finish(engine, id, TS_REJECTED);
            return;
        }
        const struct ts_link_delays delays = draw_delays(engine, flight);
        flight->down_ns = delays.down_ns;
        if (delays.up_ns > 0) {
            ts_engine_schedule_flight(engine, engine->now_ns + delays.up_ns, TS_EVENT_ENTER, id);
            return;
        }
        if (enter_tier(engine, id)) {
            return;
        }
        if (delays.down_ns > 0) {
            ts_engine_schedule_flight(engine, engine->now_ns + delays.down_ns, TS_EVENT_ROUTE, id);
            return;
        }
    }
}

static void arrive_at_tier(struct ts_engine *engine, uint32_t id)
{
    if (enter_tier(engine, id)) {
        return;
    }
    const int64_t down_ns = ts_engine_flight(engine, id)->down_ns;
    if (down_ns > 0) {
        ts_engine_schedule_flight(engine, engine->now_ns + down_ns, TS_EVENT_ROUTE, id);
    } else {
        send_on(engine, id);
    }
}

static void route(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    if (flight->tried == 0) {
        ts_router_consider(engine, flight);
    }
    send_on(engine, id);
}

static void lose_patience(struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    if (flight->first_ns <= engine->now_ns) {
        return;
    }
    if (flight->in_tier) {
        struct ts_tier *tier = &engine->tiers[flight->tier];
        tier->ops->abandon(tier, engine, id);
    }
    ts_engine_finish(engine, id, TS_TIMED_OUT);
}

/* ---- the loop ---- */

static void fire(struct ts_engine *engine, enum ts_event_kind kind, uint32_t target, uint32_t stamp)
{
    if (kind <= TS_EVENT_LIFE) {
        struct ts_tier *tier = &engine->tiers[target >> 24];
        tier->ops->fire(tier, engine, kind, target & 0xffffffU, stamp);
        return;
    }
    const uint32_t id = target;
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    if (flight->stamp != stamp) {
        return;
    }
    engine->last_ns = engine->now_ns;
    switch (kind) {
    case TS_EVENT_SERVICE:
    case TS_EVENT_RETRY: {
        struct ts_tier *tier = &engine->tiers[flight->tier];
        tier->ops->fire(tier, engine, kind, id, stamp);
        break;
    }
    case TS_EVENT_ENTER:
        arrive_at_tier(engine, id);
        break;
    case TS_EVENT_ROUTE:
        route(engine, id);
        break;
    case TS_EVENT_PATIENCE:
        lose_patience(engine, id);
        break;
    case TS_EVENT_STEP:
    case TS_EVENT_LIFE:
    case TS_N_EVENT_KINDS:
        TS_CHECK(!"an event of a request");
    }
}

/* With TS_FLIGHT_MAX requests under way nobody takes another. */
static void reject_without_record(struct ts_engine *engine, const struct ts_request *request)
{
    const uint8_t nowhere = (uint8_t)engine->model->n_tiers;
    const struct ts_flight flight = {.request = *request, .tier = nowhere, .choice = nowhere};
    settle(engine, &flight, TS_REJECTED);
}

/* An event that comes a constant time behind every arrival. */
static void schedule_behind(struct ts_engine *engine, uint32_t lane, int64_t delay_ns, enum ts_event_kind kind,
                            uint32_t id)
{
    ts_engine_fail(engine, ts_event_queue_append(&engine->queue, lane, engine->now_ns + delay_ns, (uint8_t)kind, id,
                                                 ts_engine_flight(engine, id)->stamp));
}

static void arrive(struct ts_engine *engine, const struct ts_request *request)
{
    const struct ts_model *model = engine->model;
    TS_CHECK(request->prompt_tok >= 1 && request->output_tok >= 1 &&
             request->class_id < engine->ledger.result.n_classes);
    ts_ledger_arrive(&engine->ledger, engine->now_ns);
    uint32_t id = TS_FLIGHT_NONE;
    const enum ts_status status = ts_flights_take(&engine->flights, &id);
    if (status == TS_ERANGE) {
        reject_without_record(engine, request);
        return;
    }
    if (status != TS_OK) {
        ts_engine_fail(engine, status);
        return;
    }
    struct ts_flight *flight = ts_engine_flight(engine, id);
    flight->request = *request;
    if (request->prefix.n_ids > 0) {
        ts_engine_fail(engine, ts_flights_keep_prefix(&engine->flights, id));
    }
    flight->tier = flight->choice = (uint8_t)model->n_tiers;
    if (model->patience_s > 0.0) {
        schedule_behind(engine, LANE_PATIENCE, engine->patience_ns, TS_EVENT_PATIENCE, id);
    }
    if (engine->router_ns > 0) {
        schedule_behind(engine, LANE_ROUTER, engine->router_ns, TS_EVENT_ROUTE, id);
    } else {
        route(engine, id);
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
        const double drain_s = engine->model->drain_s;
        engine->end_ns = drain_s > 0.0 ? engine->now_ns + ts_ns_from_s(drain_s) : TS_NEVER_NS;
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
    fire(engine, kind, target, stamp);
    return true;
}

/* Ends what is still under way when the time is up. */
static void close_down(struct ts_engine *engine)
{
    if (engine->flights.n_used == 0) {
        return;
    }
    engine->now_ns = engine->last_ns = engine->end_ns;
    for (uint32_t i = 0; i < engine->model->n_tiers; i++) {
        engine->tiers[i].ops->close(&engine->tiers[i], engine);
    }
    for (uint32_t id = 0; id < engine->flights.cap; id++) {
        if (ts_engine_flight(engine, id)->is_used) {
            ts_engine_finish(engine, id, TS_UNFINISHED);
        }
    }
    TS_CHECK(engine->flights.n_used == 0);
}

static bool goes_on(const struct ts_engine *engine, const struct ts_sim_options *options)
{
    const struct ts_progress_state state = {.what = "requests",
                                            .done = (double)engine->ledger.n_arrived,
                                            .elapsed_s = ts_s_from_ns(engine->now_ns),
                                            .left_s = NAN};
    return ts_progress_go_on(&options->progress, &state);
}

enum ts_status ts_engine_run(struct ts_engine *engine, int64_t *window_ns, struct ts_request_stream *requests,
                             const struct ts_sim_options *options, struct ts_diags *diags)
{
    struct ts_request next = {0};
    *window_ns = 0;
    enum ts_status status = read_ahead(engine, &next, requests, diags);
    while (status == TS_OK) {
        if (engine->n_events % PROGRESS_EVERY == 0 && !goes_on(engine, options)) {
            return TS_EINTERRUPTED;
        }
        if (fire_next(engine)) {
            status = engine->status;
            continue;
        }
        if (engine->next_arrival_ns == TS_NEVER_NS) {
            break;
        }
        engine->now_ns = engine->last_ns = *window_ns = next.arrival_ns;
        engine->n_events++;
        arrive(engine, &next);
        status = engine->status != TS_OK ? engine->status : read_ahead(engine, &next, requests, diags);
    }
    if (status == TS_OK) {
        close_down(engine);
        status = engine->status;
    }
    return status;
}
