/* Hides a call's way between tiers and how its attempts come to one outcome. The patience of a call counts from its
 * arrival to its first token at the tier (of a reply that is held back for a check: until it is shown): one that is on
 * its way, waiting, or inside its prompt then gives up. An attempt that has given a token by then is not called back:
 * it goes on for nobody. */
#include "sim/attempt.h"

#include "base/check.h"
#include "base/units.h"
#include "sim/quality.h"

/* Of the event queue. */
enum { LANE_PATIENCE, LANE_ROUTER };

static const struct ts_router_policy_ops *policy_of(const struct ts_engine *engine)
{
    return engine->router.ops;
}

/* ---- attempts of a call ---- */

static uint32_t open_attempt(struct ts_engine *engine, uint32_t call_id)
{
    uint32_t id = TS_FLIGHT_NONE;
    struct ts_call *call = ts_engine_call(engine, call_id);
    const enum ts_status status =
        call->n_attempts < UINT8_MAX ? ts_flights_take(&engine->flights, &id, &call->request) : TS_ERANGE;
    if (status != TS_OK) {
        if (status != TS_ERANGE) {
            ts_engine_fail(engine, status);
        }
        return TS_FLIGHT_NONE;
    }
    struct ts_flight *flight = ts_engine_flight(engine, id);
    flight->call = call_id;
    flight->number = call->n_attempts++;
    flight->tier = flight->choice = (uint8_t)engine->model->n_tiers;
    flight->sibling = call->open;
    call->open = id;
    call->n_open++;
    return id;
}

/* Of the call's attempts under way. */
static void take_out(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    struct ts_call *call = ts_engine_call(engine, flight->call);
    uint32_t *at = &call->open;
    while (*at != id) {
        TS_CHECK(*at != TS_FLIGHT_NONE);
        at = &ts_engine_flight(engine, *at)->sibling;
    }
    *at = flight->sibling;
    call->n_open--;
}

/* Its record is gone afterwards; and that of the call, if it was the last one and the call has its outcome. */
static void close_attempt(struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    const uint32_t call_id = flight->call;
    struct ts_call *call = ts_engine_call(engine, call_id);
    if (flight->is_cut) {
        call->n_cut--;
    } else {
        take_out(engine, id);
    }
    ts_slots_give(&engine->flights, id);
    if (call->is_settled && call->n_open == 0 && call->n_cut == 0) {
        ts_calls_give(&engine->calls, call_id);
    }
}

static void leave_tier(struct ts_engine *engine, struct ts_flight *flight)
{
    if (flight->in_tier) {
        ts_ledger_leave(&engine->ledger, flight->tier, engine->now_ns, flight->entered_ns);
        flight->in_tier = false;
    }
}

/* It comes to nothing for its call. */
static void supersede(struct ts_engine *engine, uint32_t id, bool is_whole)
{
    const double usd = ts_ledger_supersede(&engine->ledger, ts_engine_flight(engine, id), engine->now_ns, is_whole);
    ts_router_spend(engine, usd);
    close_attempt(engine, id);
}

/* Called back before its first token. */
static void cancel(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    if (flight->in_tier) {
        struct ts_tier *tier = &engine->tiers[flight->tier];
        tier->ops->abandon(tier, engine, id);
        leave_tier(engine, ts_engine_flight(engine, id));
    }
    supersede(engine, id, false);
}

static bool has_token(const struct ts_engine *engine, const struct ts_flight *flight)
{
    return flight->in_tier && flight->first_ns <= engine->now_ns;
}

/* Calls back the attempts but one that have given no token yet. */
static void cancel_others(struct ts_engine *engine, uint32_t call_id, uint32_t winner)
{
    const uint32_t kept = ts_engine_call(engine, call_id)->kept;
    uint32_t at = ts_engine_call(engine, call_id)->open;
    while (at != TS_FLIGHT_NONE) {
        const struct ts_flight *flight = ts_engine_flight(engine, at);
        const uint32_t next = flight->sibling;
        if (at != winner && at != kept && !has_token(engine, flight)) {
            cancel(engine, at);
        }
        at = next;
    }
}

/* ---- the outcome ---- */

/* ---- lines that fail ---- */

static struct ts_link *link_of(struct ts_engine *engine, const struct ts_flight *flight)
{
    const int index = engine->model->tiers[flight->tier].link;
    return index >= 0 ? &engine->links[index] : NULL;
}

/* The client begins anew elsewhere, that much later. False: there is no room for a further attempt. */
static bool begin_elsewhere(struct ts_engine *engine, uint32_t id, int64_t after_ns)
{
    const uint8_t choice = ts_engine_flight(engine, id)->choice;
    const uint32_t fresh = open_attempt(engine, ts_engine_flight(engine, id)->call);
    if (fresh == TS_FLIGHT_NONE) {
        return false;
    }
    ts_engine_flight(engine, fresh)->choice = choice;
    ts_engine_schedule_flight(engine, engine->now_ns + after_ns, TS_EVENT_ROUTE, fresh);
    return true;
}

static void cut(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    take_out(engine, id);
    ts_engine_call(engine, flight->call)->n_cut++;
    flight->is_cut = true;
}

/* Its tier is out of reach. Amid a reply it goes on there for nobody; else it is called back. */
static void lose_line(struct ts_engine *engine, uint32_t id)
{
    if (!begin_elsewhere(engine, id, 0)) {
        return;
    }
    if (has_token(engine, ts_engine_flight(engine, id))) {
        cut(engine, id);
    } else {
        cancel(engine, id);
    }
}

void ts_attempt_lose_link(struct ts_engine *engine, uint32_t link)
{
    for (uint32_t id = 0; id < engine->flights.cap && ts_engine_toils_on(engine, 1); id++) {
        const struct ts_flight *flight = ts_engine_flight(engine, id);
        if (flight->slot.is_used && flight->in_tier && !flight->is_cut &&
            engine->model->tiers[flight->tier].link == (int)link && !ts_engine_call(engine, flight->call)->is_settled) {
            lose_line(engine, id);
        }
    }
}

/* A whole reply that its line does not carry any more: the client begins anew once it knows. */
static bool loses_reply(struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_link *link = link_of(engine, flight);
    if (!link || !ts_link_fails(link, engine->now_ns) || flight->is_cut ||
        ts_engine_call(engine, flight->call)->is_settled ||
        !begin_elsewhere(engine, id, ts_ns_from_s(link->model->detect_s))) {
        return false;
    }
    cut(engine, id);
    return true;
}

/* Into the books, and to whoever wants a row of every request. */
static void book(struct ts_engine *engine, const struct ts_call *call, const struct ts_flight *flight,
                 enum ts_outcome outcome)
{
    const struct ts_request_record record = ts_record_of(flight, outcome, engine->now_ns);
    ts_router_spend(engine, ts_ledger_settle(&engine->ledger, call, flight, &record));
    ts_ledger_tell(&engine->ledger, flight->tier, outcome, engine->now_ns);
    const bool is_over =
        call->session.call == TS_SLOT_NONE ||
        ts_sessions_answer(engine, call->session.call, &record, ts_ledger_meets(&engine->ledger, &record));
    if (is_over && ts_users_exist(&engine->users)) {
        ts_users_answer(engine, &record);
    }
    if (engine->options->on_request) {
        ts_engine_fail(engine, engine->options->on_request(engine->options->request_user, &record));
    }
}

/* It has its outcome, by that attempt; of the others, those that are at work on a reply go on for nobody. */
static void end_call(struct ts_engine *engine, uint32_t call_id, uint32_t decided_by)
{
    struct ts_call *call = ts_engine_call(engine, call_id);
    call->is_settled = true;
    if (call->n_open > 1) {
        cancel_others(engine, call_id, decided_by);
    }
    if (call->kept != TS_FLIGHT_NONE && call->kept != decided_by) {
        supersede(engine, call->kept, true);
    }
}

/* The call ends as that attempt did, which is over. */
static void settle(struct ts_engine *engine, uint32_t id, enum ts_outcome outcome)
{
    const uint32_t call_id = ts_engine_flight(engine, id)->call;
    struct ts_call *call = ts_engine_call(engine, call_id);
    book(engine, call, ts_engine_flight(engine, id), outcome);
    end_call(engine, call_id, id);
    close_attempt(engine, id);
}

void ts_attempt_answer(struct ts_engine *engine, uint32_t id)
{
    settle(engine, id, TS_DONE);
}

void ts_attempt_drop(struct ts_engine *engine, uint32_t id)
{
    supersede(engine, id, true);
}

/* The reply onto the link, of which it was able to carry what streamed. */
static void send_reply(struct ts_engine *engine, struct ts_flight *flight)
{
    const int index = engine->model->tiers[flight->tier].link;
    if (index >= 0) {
        struct ts_link *link = &engine->links[index];
        const double bytes = flight->request.output_tok * link->model->bytes_per_tok;
        flight->last_wait_ns =
            ts_link_send(link, TS_LINK_DOWN, engine->now_ns, bytes, engine->now_ns - flight->first_ns);
        flight->first_wait_ns = flight->first_ns == engine->now_ns ? flight->last_wait_ns : flight->first_wait_ns;
    }
}

/* An attempt ended without a reply: others may still give one, or one that was held back has to do. */
static void fail_attempt(struct ts_engine *engine, uint32_t id, enum ts_outcome outcome)
{
    const struct ts_call *call = ts_engine_call(engine, ts_engine_flight(engine, id)->call);
    const uint32_t kept = call->kept;
    if (call->n_open == 1) {
        settle(engine, id, outcome);
        return;
    }
    supersede(engine, id, false);
    if (kept != TS_FLIGHT_NONE && ts_engine_call(engine, ts_engine_flight(engine, kept)->call)->n_open == 1) {
        settle(engine, kept, TS_DONE);
    }
}

void ts_engine_finish(struct ts_engine *engine, uint32_t id, enum ts_outcome outcome)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_call *call = ts_engine_call(engine, flight->call);
    leave_tier(engine, flight);
    if (outcome == TS_DONE && !loses_reply(engine, id)) {
        send_reply(engine, ts_engine_flight(engine, id));
    }
    if (call->is_settled || ts_engine_flight(engine, id)->is_cut) {
        supersede(engine, id, outcome == TS_DONE);
    } else if (outcome != TS_DONE) {
        fail_attempt(engine, id, outcome);
    } else if (!policy_of(engine)->on_reply || policy_of(engine)->on_reply(engine, id)) {
        settle(engine, id, TS_DONE);
    }
}

void ts_engine_accept(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    flight->in_tier = true;
    flight->entered_ns = engine->now_ns;
    ts_engine_fail(engine, ts_displaced_meet(&engine->displaced, ts_engine_call(engine, flight->call), flight->tier,
                                             engine->now_ns));
    ts_ledger_enter(&engine->ledger, flight->tier, engine->now_ns);
}

/* ---- the first token ---- */

/* The way to the client has to be free for it; and the attempt that has it first is the one that counts. */
void ts_engine_first_token(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_link *link = link_of(engine, flight);
    if (flight->is_cut) {
        return;
    }
    if (link) {
        flight->first_wait_ns = ts_link_wait_ns(link, TS_LINK_DOWN, engine->now_ns);
    }
    if (ts_engine_call(engine, flight->call)->n_open > 1) {
        cancel_others(engine, flight->call, id);
    }
}

static bool is_watched(struct ts_engine *engine, const struct ts_flight *flight)
{
    const struct ts_link *link = link_of(engine, flight);
    return (link && (ts_link_is_limited(link) || link->may_fail)) || ts_engine_call(engine, flight->call)->n_open > 1;
}

void ts_engine_expect_first(struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    if (is_watched(engine, flight)) {
        ts_engine_schedule_flight(engine, flight->first_ns, TS_EVENT_FIRST, id);
    }
}

/* A call that is hedged: the attempts that know already when their first token comes are watched from now on. */
static void watch_open_attempts(struct ts_engine *engine, uint32_t call_id)
{
    uint32_t id = ts_engine_call(engine, call_id)->open;
    while (id != TS_FLIGHT_NONE) {
        const struct ts_flight *flight = ts_engine_flight(engine, id);
        if (flight->in_tier && flight->first_ns != TS_NEVER_NS && flight->first_ns > engine->now_ns) {
            ts_engine_schedule_flight(engine, flight->first_ns, TS_EVENT_FIRST, id);
        }
        id = flight->sibling;
    }
}

/* ---- the way to a tier ---- */

static bool enter_tier(struct ts_engine *engine, uint32_t id)
{
    struct ts_tier *tier = &engine->tiers[ts_engine_flight(engine, id)->tier];
    return tier->ops->enter(tier, engine, id);
}

/* Onto the link of its tier: how long until it is there, and the reply's delay. */
static int64_t take_link(struct ts_engine *engine, struct ts_flight *flight)
{
    const int index = engine->model->tiers[flight->tier].link;
    const int64_t request_ns = ts_ns_from_s(engine->model->tiers[flight->tier].request_s);
    if (index < 0) {
        flight->down_ns = request_ns;
        return 0;
    }
    struct ts_link *link = &engine->links[index];
    struct ts_rng rng;
    struct ts_rng *used = NULL;
    if (!ts_link_is_constant(link->model)) {
        ts_engine_rng(engine, &rng, &flight->request, TS_PURPOSE_LINK, engine->tiers[flight->tier].key, flight->number);
        used = &rng;
    }
    const struct ts_link_delays delays = ts_link_draw(link->model, flight->request.prompt_tok, used);
    flight->down_ns = delays.down_ns + request_ns;
    return delays.up_ns +
           ts_link_send(link, TS_LINK_UP, engine->now_ns, flight->request.prompt_tok * link->model->bytes_per_tok, 0);
}

/* The line to its tier fails: on to the next tier once the client knows. False: at once. */
static bool notice_dead_line(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const int64_t detect_ns = ts_ns_from_s(link_of(engine, flight)->model->detect_s);
    flight->down_ns = 0;
    if (detect_ns > 0) {
        ts_engine_schedule_flight(engine, engine->now_ns + detect_ns, TS_EVENT_ROUTE, id);
    }
    return detect_ns > 0;
}

/* To its tier; false: that does not take it, and the way back takes no time. */
static bool reach_tier(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_link *link = link_of(engine, flight);
    if (link && ts_link_fails(link, engine->now_ns)) {
        return notice_dead_line(engine, id);
    }
    const int64_t up_ns = take_link(engine, flight);
    const int64_t down_ns = flight->down_ns;
    if (up_ns > 0) {
        ts_engine_schedule_flight(engine, engine->now_ns + up_ns, TS_EVENT_ENTER, id);
        return true;
    }
    if (enter_tier(engine, id)) {
        return true;
    }
    if (down_ns > 0) {
        ts_engine_schedule_flight(engine, engine->now_ns + down_ns, TS_EVENT_ROUTE, id);
    }
    return down_ns > 0;
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
        if (reach_tier(engine, id)) {
            return;
        }
    }
}

/* What a line that is down was carrying waits until it is up, or is lost. True: it was. */
static bool is_held_up(struct ts_engine *engine, uint32_t id)
{
    const struct ts_link *link = link_of(engine, ts_engine_flight(engine, id));
    if (!link || link->up_ns <= engine->now_ns) {
        return false;
    }
    if (!ts_link_fails(link, engine->now_ns)) {
        ts_engine_schedule_flight(engine, link->up_ns, TS_EVENT_ENTER, id);
    } else if (!notice_dead_line(engine, id)) {
        send_on(engine, id);
    }
    return true;
}

static void arrive_at_tier(struct ts_engine *engine, uint32_t id)
{
    if (is_held_up(engine, id) || enter_tier(engine, id)) {
        return;
    }
    const int64_t down_ns = ts_engine_flight(engine, id)->down_ns;
    if (down_ns > 0) {
        ts_engine_schedule_flight(engine, engine->now_ns + down_ns, TS_EVENT_ROUTE, id);
    } else {
        send_on(engine, id);
    }
}

/* The client learns of it behind the way back, and tries the next tier then. */
void ts_engine_turn_away(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    if (flight->is_cut || !ts_router_has_next(engine, flight)) {
        ts_engine_finish(engine, id, TS_REJECTED);
        return;
    }
    const int64_t down_ns = flight->down_ns;
    leave_tier(engine, flight);
    flight->noticed_ns = flight->start_ns = flight->first_ns = flight->end_ns = TS_NEVER_NS;
    flight->in_step = false;
    if (down_ns > 0) {
        ts_engine_schedule_flight(engine, engine->now_ns + down_ns, TS_EVENT_ROUTE, id);
    } else {
        send_on(engine, id);
    }
}

static void draw_truth(const struct ts_engine *engine, struct ts_call *call)
{
    struct ts_rng rng;
    ts_engine_rng(engine, &rng, &call->request, TS_PURPOSE_QUALITY, 0, 0);
    call->right =
        ts_quality_truth(engine->model, &call->request, &rng, ts_mix64(engine->model->seed + engine->replication));
}

static void route(struct ts_engine *engine, uint32_t id)
{
    const uint32_t call_id = ts_engine_flight(engine, id)->call;
    struct ts_call *call = ts_engine_call(engine, call_id);
    if (!call->is_routed) {
        call->is_routed = true;
        call->barred = ts_router_barred(&engine->model->router, &call->request);
        draw_truth(engine, call);
        ts_engine_flight(engine, id)->choice = (uint8_t)policy_of(engine)->choose(engine, call_id);
    }
    send_on(engine, id);
}

bool ts_attempt_begin(struct ts_engine *engine, uint32_t call_id, uint32_t choice)
{
    const uint32_t id = open_attempt(engine, call_id);
    if (id == TS_FLIGHT_NONE) {
        return false;
    }
    ts_engine_flight(engine, id)->choice = (uint8_t)choice;
    watch_open_attempts(engine, call_id);
    send_on(engine, id);
    return true;
}

/* ---- arrivals ---- */

/* With TS_CALL_MAX requests under way nobody takes another. */
static void reject_without_record(struct ts_engine *engine, const struct ts_request *request,
                                  const struct ts_call_session *session)
{
    const uint8_t nowhere = (uint8_t)engine->model->n_tiers;
    const struct ts_call call = {.request = *request, .session = *session};
    const struct ts_flight flight = {
        .request = *request, .tier = nowhere, .choice = nowhere, .entered_ns = TS_NEVER_NS};
    book(engine, &call, &flight, TS_REJECTED);
}

/* An event that comes a constant time behind every arrival. */
static void schedule_behind(struct ts_engine *engine, uint32_t lane, int64_t delay_ns, enum ts_event_kind kind,
                            uint32_t target, uint32_t stamp)
{
    ts_engine_fail(
        engine, ts_event_queue_append(&engine->queue, lane, engine->now_ns + delay_ns, (uint8_t)kind, target, stamp));
}

void ts_attempt_arrive(struct ts_engine *engine, const struct ts_request *request,
                       const struct ts_call_session *session)
{
    static const struct ts_call_session none = {.call = TS_SLOT_NONE};
    uint32_t call = 0;
    TS_CHECK(request->prompt_tok >= 1 && request->output_tok >= 1 &&
             request->class_id < engine->ledger.result.n_classes);
    engine->last_ns = engine->now_ns;
    ts_ledger_arrive(&engine->ledger, engine->now_ns);
    const enum ts_status status = ts_calls_take(&engine->calls, &call, request);
    if (status == TS_ERANGE) {
        reject_without_record(engine, request, session ? session : &none);
        return;
    }
    if (session && status == TS_OK) {
        ts_engine_call(engine, call)->session = *session;
    }
    const uint32_t id = status == TS_OK ? open_attempt(engine, call) : TS_FLIGHT_NONE;
    if (id == TS_FLIGHT_NONE) {
        ts_engine_fail(engine, status != TS_OK ? status : TS_ERANGE);
        return;
    }
    if (engine->patience_ns > 0) {
        schedule_behind(engine, LANE_PATIENCE, engine->patience_ns, TS_EVENT_PATIENCE, call,
                        ts_engine_call(engine, call)->slot.stamp);
    }
    if (engine->router_ns > 0) {
        schedule_behind(engine, LANE_ROUTER, engine->router_ns, TS_EVENT_ROUTE, id,
                        ts_engine_flight(engine, id)->slot.stamp);
    } else {
        route(engine, id);
    }
}

/* ---- events ---- */

void ts_attempt_set_timer(struct ts_engine *engine, uint32_t call_id, int64_t time_ns)
{
    struct ts_call *call = ts_engine_call(engine, call_id);
    call->timer_ns = time_ns;
    if (time_ns != TS_NEVER_NS) {
        ts_engine_schedule(engine, time_ns, TS_EVENT_TIMER, call_id, call->slot.stamp);
    }
}

/* Accepted by a tier whose replies come some day. */
static bool is_in_batch(const struct ts_engine *engine, const struct ts_flight *flight)
{
    return flight->in_tier && engine->model->tiers[flight->tier].kind == TS_TIER_API &&
           engine->model->tiers[flight->tier].u.api.is_batch;
}

/* Does the client see the reply already, or look for it some other day? */
static bool is_shown(const struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_router_policy_ops *policy = policy_of(engine);
    if (is_in_batch(engine, flight)) {
        return true;
    }
    return has_token(engine, flight) && !(policy->holds_back && policy->holds_back(engine, flight));
}

/* The client goes. An attempt that is at work on a reply which it does not see yet goes on for nobody. */
static void time_out(struct ts_engine *engine, uint32_t call_id)
{
    struct ts_call *call = ts_engine_call(engine, call_id);
    const uint32_t id = call->open;
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const bool is_kept = id == call->kept;
    const bool is_running = !is_kept && has_token(engine, flight);
    if (!is_kept && !is_running && flight->in_tier) {
        struct ts_tier *tier = &engine->tiers[flight->tier];
        tier->ops->abandon(tier, engine, id);
        leave_tier(engine, flight);
    }
    book(engine, call, flight, TS_TIMED_OUT);
    end_call(engine, call_id, id);
    if (is_kept) {
        supersede(engine, id, true);
    } else if (!is_running) {
        close_attempt(engine, id);
    }
}

static void lose_patience(struct ts_engine *engine, uint32_t call_id)
{
    const struct ts_call *call = ts_engine_call(engine, call_id);
    uint32_t id = call->is_settled ? TS_FLIGHT_NONE : call->open;
    while (id != TS_FLIGHT_NONE && !is_shown(engine, id)) {
        id = ts_engine_flight(engine, id)->sibling;
    }
    if (id == TS_FLIGHT_NONE && !call->is_settled) {
        time_out(engine, call_id);
    }
}

void ts_attempt_fire_call(struct ts_engine *engine, enum ts_event_kind kind, uint32_t call_id)
{
    struct ts_call *call = ts_engine_call(engine, call_id);
    if (kind == TS_EVENT_PATIENCE) {
        lose_patience(engine, call_id);
        return;
    }
    TS_CHECK(kind == TS_EVENT_TIMER);
    if (!call->is_settled && call->timer_ns == engine->now_ns) {
        call->timer_ns = TS_NEVER_NS;
        policy_of(engine)->on_timer(engine, call_id);
    }
}

void ts_attempt_fire(struct ts_engine *engine, enum ts_event_kind kind, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    switch (kind) {
    case TS_EVENT_ENTER:
        arrive_at_tier(engine, id);
        break;
    case TS_EVENT_ROUTE:
        route(engine, id);
        break;
    case TS_EVENT_FIRST:
        if (flight->first_ns == engine->now_ns) {
            ts_engine_first_token(engine, id);
        }
        break;
    case TS_EVENT_LOADED:
        if (flight->end_ns != engine->now_ns || engine->model->tiers[flight->tier].kind != TS_TIER_SERVER) {
            break; /* the request has gone elsewhere since */
        }
        engine->tiers[flight->tier].ops->fire(&engine->tiers[flight->tier], engine, kind, id, flight->slot.stamp);
        break;
    case TS_EVENT_SERVICE:
    case TS_EVENT_RETRY: {
        struct ts_tier *tier = &engine->tiers[flight->tier];
        tier->ops->fire(tier, engine, kind, id, flight->slot.stamp);
        break;
    }
    case TS_EVENT_STEP:
    case TS_EVENT_LIFE:
    case TS_EVENT_INCIDENT:
    case TS_EVENT_PATIENCE:
    case TS_EVENT_TIMER:
    case TS_EVENT_USER:
    case TS_EVENT_TURN:
    case TS_N_EVENT_KINDS:
        TS_CHECK(!"an event of an attempt");
    }
}

/* Its attempts end where they are. */
static void close_call(struct ts_engine *engine, uint32_t call_id)
{
    struct ts_call *call = ts_engine_call(engine, call_id);
    if (!call->is_settled) {
        book(engine, call, ts_engine_flight(engine, call->open), TS_UNFINISHED);
    }
    const uint32_t booked = call->is_settled ? TS_FLIGHT_NONE : call->open;
    call->is_settled = true;
    for (uint32_t n = call->n_open; n > 0; n--) {
        const uint32_t id = ts_engine_call(engine, call_id)->open;
        const bool is_kept = id == ts_engine_call(engine, call_id)->kept;
        leave_tier(engine, ts_engine_flight(engine, id));
        if (id == booked && !is_kept) {
            close_attempt(engine, id);
        } else {
            supersede(engine, id, is_kept);
        }
    }
}

void ts_attempt_close_down(struct ts_engine *engine)
{
    enum { TOIL_OF_CALL = 64 };
    for (uint32_t id = 0; id < engine->calls.slots.cap && ts_engine_toils_on(engine, TOIL_OF_CALL); id++) {
        if (ts_engine_call(engine, id)->slot.is_used) {
            close_call(engine, id);
        }
    }
    for (uint32_t id = 0; id < engine->flights.cap && ts_engine_toils_on(engine, 1); id++) {
        if (ts_engine_flight(engine, id)->slot.is_used) { /* of calls that went on elsewhere */
            leave_tier(engine, ts_engine_flight(engine, id));
            supersede(engine, id, false);
        }
    }
    TS_CHECK((engine->calls.slots.n_used == 0 && engine->flights.n_used == 0) || engine->status != TS_OK);
}
