/* Hides when a user sends next. Worked: one user, replies of 200 ms, 300 ms to think: sends at 0.3, 0.8, 1.3 s ...: 2
 * requests a second, and in 10 s 20 of them (tests/sim/test_users.c). */
#include "sim/users.h"

#include "base/units.h"
#include "sim/engine.h"

static const int64_t least_gap_ns = 1000;
static const int64_t turned_away_ns = 1000000000;

/* The first time to think is keyed by the user, the others by the request before it. */
enum { DRAW_FIRST, DRAW_NEXT };

static int64_t think_ns(const struct ts_engine *engine, const struct ts_request *key, uint32_t draw)
{
    struct ts_rng rng;
    ts_engine_rng(engine, &rng, key, TS_PURPOSE_THINK, 0, draw);
    const double think_s = ts_dist_sample(&engine->users.model->think_s, &rng);
    return think_s > 0.0 ? ts_ns_from_s(think_s) : 0;
}

static int64_t later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

/* Nobody sends any more; what is under way has the drain time to end. */
static void end(struct ts_engine *engine)
{
    const double drain_s = engine->model->drain_s;
    const int64_t end_ns = drain_s > 0.0 ? engine->now_ns + ts_ns_from_s(drain_s) : TS_NEVER_NS;
    engine->end_ns = end_ns < engine->end_ns ? end_ns : engine->end_ns;
    engine->users.at_end = true;
    engine->users.n_thinking = 0;
}

static void schedule(struct ts_engine *engine, uint32_t user, int64_t from_ns, int64_t wait_ns)
{
    struct ts_users *users = &engine->users;
    if (!users->at_end && wait_ns < users->until_ns - from_ns) {
        users->n_thinking++;
        ts_engine_schedule(engine, from_ns + wait_ns, TS_EVENT_USER, user, 0);
    }
}

void ts_users_begin(struct ts_engine *engine, struct ts_request_stream *requests, struct ts_diags *diags)
{
    struct ts_users *users = &engine->users;
    const double until_s = users->model->until_s;
    users->requests = requests;
    users->diags = diags;
    users->until_ns = until_s > 0.0 ? ts_ns_from_s(until_s) : TS_NEVER_NS;
    if (until_s > 0.0 && engine->model->drain_s > 0.0) {
        engine->end_ns = users->until_ns + ts_ns_from_s(engine->model->drain_s);
    }
    for (uint32_t user = 0; user < users->model->n; user++) {
        const struct ts_request key = {.id = user};
        schedule(engine, user, 0, think_ns(engine, &key, DRAW_FIRST));
    }
}

bool ts_users_send(struct ts_engine *engine, uint32_t user, struct ts_request *out)
{
    if (engine->users.at_end) {
        return false;
    }
    engine->users.n_thinking--;
    return ts_users_read_on(engine, user, out);
}

bool ts_users_read_on(struct ts_engine *engine, uint32_t user, struct ts_request *out)
{
    struct ts_users *users = &engine->users;
    int got = 0;
    const enum ts_status status = ts_request_next(users->requests, out, &got, users->diags);
    if (status != TS_OK) {
        ts_engine_fail(engine, status);
    } else if (!got) {
        end(engine);
    } else {
        out->arrival_ns = engine->now_ns;
        out->user = user + 1;
        return true;
    }
    return false;
}

void ts_users_answer(struct ts_engine *engine, const struct ts_request_record *record)
{
    struct ts_users *users = &engine->users;
    const struct ts_request *request = record->request;
    if (record->outcome == TS_UNFINISHED) {
        return;
    }
    const bool has_reply = record->outcome == TS_DONE;
    const int64_t seen_ns = has_reply ? request->arrival_ns + record->e2e_ns : engine->now_ns;
    const int64_t think = think_ns(engine, request, DRAW_NEXT);
    const int64_t least_ns = has_reply ? request->arrival_ns + least_gap_ns - seen_ns : turned_away_ns;
    users->answered_ns = later(users->answered_ns, seen_ns);
    schedule(engine, request->user - 1, seen_ns, later(think, least_ns));
}

int64_t ts_users_window_ns(const struct ts_users *users)
{
    return users->at_end || users->until_ns == TS_NEVER_NS ? users->answered_ns : users->until_ns;
}
