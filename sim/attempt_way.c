/* Hides a call's way between tiers: the router's choice, the link to the tier, the tier's door, and the way on from
 * one that does not take it. */
#include "sim/attempt_parts.h"

#include "base/units.h"
#include "sim/quality.h"

static bool enter_tier(struct ts_engine *engine, uint32_t id)
{
    struct ts_tier *tier = &engine->tiers[ts_engine_flight(engine, id)->tier];
    if (tier->ops->enter(tier, engine, id)) {
        return true;
    }
    struct ts_flight *flight = ts_engine_flight(engine, id);
    flight->reason = flight->reason == TS_REASON_NONE ? TS_REASON_FULL : flight->reason;
    return false;
}

/* ---- links that prompts share ---- */

static void expect_departure(struct ts_engine *engine, uint32_t index)
{
    struct ts_link *link = &engine->links[index];
    const int64_t next_ns = ts_sharing_next_ns(&link->prompts, engine->now_ns);
    link->expectation++;
    if (next_ns != INT64_MAX) {
        ts_engine_schedule(engine, next_ns, TS_EVENT_LINK, index, link->expectation);
    }
}

/* It is in the tier's door that much after its end on the link. */
static void share_link(struct ts_engine *engine, uint32_t id, int64_t up_ns)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    struct ts_link *link = ts_attempt_link(engine, flight);
    flight->up_ns = up_ns;
    const int64_t alone_ns = ts_link_occupied_ns(link, flight->request.prompt_tok * link->model->bytes_per_tok);
    ts_engine_fail(engine, ts_sharing_add(&link->prompts, engine->now_ns, alone_ns, id, flight->slot.stamp));
    expect_departure(engine, (uint32_t)(link - engine->links));
}

/* Prompts of attempts that have been called back cross it as well. */
void ts_attempt_fire_link(struct ts_engine *engine, uint32_t index, uint32_t stamp)
{
    struct ts_link *link = &engine->links[index];
    struct ts_sharing_message message;
    if (stamp != link->expectation) {
        return;
    }
    while (ts_sharing_take(&link->prompts, engine->now_ns, &message)) {
        const struct ts_flight *flight = ts_engine_flight(engine, message.target);
        if (flight->slot.stamp == message.stamp) {
            ts_engine_schedule_flight(engine, engine->now_ns + flight->up_ns, TS_EVENT_ENTER, message.target);
        }
    }
    expect_departure(engine, index);
}

/* ---- the way ---- */

/* Onto the link of its tier: how long until it is there (of a link that prompts share: beside the time on it), and the
 * reply's delay. */
static int64_t take_link(struct ts_engine *engine, struct ts_flight *flight)
{
    const int64_t request_ns = ts_ns_from_s(engine->model->tiers[flight->tier].request_s);
    struct ts_link *link = ts_attempt_link(engine, flight);
    if (!link) {
        flight->down_ns = request_ns;
        return 0;
    }
    struct ts_rng rng;
    struct ts_rng *used = NULL;
    if (!ts_link_is_constant(link->model)) {
        ts_engine_rng(engine, &rng, &flight->request, TS_PURPOSE_LINK, engine->tiers[flight->tier].key, flight->number);
        used = &rng;
    }
    const bool is_shared = ts_link_is_shared(link);
    const struct ts_link_delays delays = ts_link_draw(link->model, is_shared ? 0 : flight->request.prompt_tok, used);
    flight->down_ns = delays.down_ns + request_ns;
    if (is_shared) {
        return delays.up_ns;
    }
    return delays.up_ns +
           ts_link_send(link, TS_LINK_UP, engine->now_ns, flight->request.prompt_tok * link->model->bytes_per_tok, 0);
}

/* The line to its tier fails: on to the next tier once the client knows. False: at once. */
static bool notice_dead_line(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const int64_t detect_ns = ts_ns_from_s(ts_attempt_link(engine, flight)->model->detect_s);
    flight->down_ns = 0;
    flight->reason = TS_REASON_DOWN;
    if (detect_ns > 0) {
        ts_engine_schedule_flight(engine, engine->now_ns + detect_ns, TS_EVENT_ROUTE, id);
    }
    return detect_ns > 0;
}

/* To its tier; false: that does not take it, and the way back takes no time. */
static bool reach_tier(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_link *link = ts_attempt_link(engine, flight);
    if (link && ts_link_fails(link, engine->now_ns)) {
        return notice_dead_line(engine, id);
    }
    const int64_t up_ns = take_link(engine, flight);
    const int64_t down_ns = flight->down_ns;
    if (link && ts_link_is_shared(link)) {
        share_link(engine, id, up_ns);
        return true;
    }
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

/* In the books of the tier that comes next (n_tiers: none does); it goes on from the one that does not take it, or from
 * the one that it was meant for, if that may not. */
static void move_on(struct ts_engine *engine, uint32_t id, uint32_t next)
{
    const uint32_t none = engine->model->n_tiers;
    struct ts_flight *flight = ts_engine_flight(engine, id);
    if (flight->at == TS_NOT_SENT && (next != flight->choice || next == none)) {
        ts_ledger_send(&engine->ledger, flight, flight->choice);
        flight->reason = (uint8_t)ts_router_why_not(engine, flight->call, flight->choice);
    }
    if (next < none) {
        ts_ledger_end_attempt(&engine->ledger, flight);
        ts_ledger_send(&engine->ledger, flight, next);
        flight->sent_ns = engine->now_ns;
        if (engine->fallback_ns > 0) {
            ts_attempt_schedule(engine, TS_LANE_SLOW, engine->fallback_ns, TS_EVENT_SLOW, id, flight->slot.stamp);
        }
    }
}

/* Sends it to the next tier, and on, until one takes it, the way takes time, or nothing is left. */
static void send_on(struct ts_engine *engine, uint32_t id)
{
    for (;;) {
        struct ts_flight *flight = ts_engine_flight(engine, id);
        flight->tier = (uint8_t)ts_router_next(engine, flight);
        move_on(engine, id, flight->tier);
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
    const struct ts_link *link = ts_attempt_link(engine, ts_engine_flight(engine, id));
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

void ts_attempt_enter(struct ts_engine *engine, uint32_t id)
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

/* The client learns of it after the way back, and tries the next tier then. */
void ts_engine_turn_away(struct ts_engine *engine, uint32_t id, enum ts_reason reason)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    flight->reason = (uint8_t)reason;
    if (flight->is_cut || !ts_router_has_next(engine, flight)) {
        ts_engine_finish(engine, id, TS_REJECTED);
        return;
    }
    const int64_t down_ns = flight->down_ns;
    ts_attempt_leave(engine, flight);
    flight->noticed_ns = flight->start_ns = flight->first_ns = flight->end_ns = TS_NEVER_NS;
    flight->crossed_ns = 0;
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
    call->right = ts_quality_truth(engine->model, &call->request, &rng, engine->model->seed + engine->replication);
}

void ts_attempt_route(struct ts_engine *engine, uint32_t id)
{
    const uint32_t call_id = ts_engine_flight(engine, id)->call;
    struct ts_call *call = ts_engine_call(engine, call_id);
    if (!call->is_routed) {
        call->is_routed = true;
        call->barred = ts_router_barred(&engine->model->router, &call->request);
        draw_truth(engine, call);
        ts_engine_flight(engine, id)->choice = (uint8_t)ts_attempt_policy(engine)->choose(engine, call_id);
    }
    send_on(engine, id);
}

bool ts_attempt_begin(struct ts_engine *engine, uint32_t call_id, uint32_t choice)
{
    const uint32_t id = ts_attempt_open(engine, call_id);
    if (id == TS_FLIGHT_NONE) {
        return false;
    }
    ts_engine_flight(engine, id)->choice = (uint8_t)choice;
    ts_attempt_watch(engine, call_id);
    send_on(engine, id);
    return true;
}
