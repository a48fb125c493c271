/* Hides how events get onto the queue, and when the caller is asked whether to go on. */
#include "base/check.h"
#include "base/units.h"
#include "sim/engine.h"

void ts_engine_fail(struct ts_engine *engine, enum ts_status status)
{
    if (status != TS_OK && engine->status == TS_OK) {
        engine->status = status;
    }
}

bool ts_engine_toils_on(struct ts_engine *engine, uint64_t n)
{
    engine->toil += n;
    if (engine->toil >= TS_TOIL_PER_ASK) {
        const struct ts_progress_state state = {.what = "requests",
                                                .done = (double)engine->ledger.n_arrived,
                                                .elapsed_s = ts_s_from_ns(engine->now_ns),
                                                .left_s = NAN};
        engine->toil = 0;
        ts_engine_fail(engine, ts_progress_go_on(&engine->options->progress, &state) ? TS_OK : TS_EINTERRUPTED);
    }
    return engine->status == TS_OK;
}

void ts_engine_schedule(struct ts_engine *engine, int64_t time_ns, enum ts_event_kind kind, uint32_t target,
                        uint32_t stamp)
{
    TS_CHECK(time_ns >= engine->now_ns);
    /* Steps that end at one instant fire by unit, not by when they were planned: planning several at once as a run must
     * change nothing. */
    ts_engine_fail(engine,
                   kind == TS_EVENT_STEP
                       ? ts_event_queue_push_ranked(&engine->queue, time_ns, (uint8_t)kind, target, target, stamp)
                       : ts_event_queue_push(&engine->queue, time_ns, (uint8_t)kind, target, stamp));
}

void ts_engine_schedule_flight(struct ts_engine *engine, int64_t time_ns, enum ts_event_kind kind, uint32_t id)
{
    ts_engine_schedule(engine, time_ns, kind, id, ts_engine_flight(engine, id)->slot.stamp);
}

bool ts_engine_goes_on(const struct ts_engine *engine)
{
    return engine->next_arrival_ns != TS_NEVER_NS || engine->calls.slots.n_used > 0 || engine->users.n_thinking > 0 ||
           engine->sessions.n_waiting > 0 || engine->now_ns < ts_ns_from_s(engine->options->window_s);
}

void ts_engine_note_end(struct ts_engine *engine)
{
    const double drain_s = engine->model->drain_s;
    if (engine->next_arrival_ns == TS_NEVER_NS && engine->sessions.n_waiting == 0 && drain_s > 0.0 &&
        !ts_users_exist(&engine->users)) {
        engine->end_ns = engine->now_ns + ts_ns_from_s(drain_s);
    }
}

void ts_engine_rng(const struct ts_engine *engine, struct ts_rng *rng, const struct ts_request *request,
                   enum ts_purpose purpose, uint32_t key, uint32_t draw)
{
    ts_rng_init_part(rng, engine->rng_key, (uint32_t)request->id, (uint32_t)purpose | draw << 8, key);
}
