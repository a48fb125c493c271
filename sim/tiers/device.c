/* Hides the fleet: which user a request belongs to, and the table of busy devices (open addressing, linear probing,
 * backward shift on removal), so that ten million users cost nothing until they ask.
 *
 * A reply of n tokens after a prompt of p: one step for the prompt, then n - 1 decode steps that read p+1 ... p+n-1
 * entries. A step is affine in what it reads, so the sum is closed:
 *   (n-1)*base + per_kv*((n-1)*(p+1) + (n-1)*(n-2)/2). */
#include "sim/tiers/device.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "sim/incidents.h"
#include "sim/serving/steptime.h"
#include "sim/tiers/device_heat.h"
#include "sim/tiers/device_offline.h"

enum { FIRST_CAP = 64 };

/* A busy device: the request in service and those that wait, chained through flight->next. */
struct device {
    uint32_t user;
    uint32_t n; /* requests, 0: an empty place in the table */
    uint32_t head, tail;
};

/* What is remembered of a user's device that gets hot, or has only so much of a charge a day for calls. */
struct user {
    int64_t at_ns; /* when it was that cold: the end of its last work, which may lie ahead */
    float warm;    /* 1 - how cold: 0 before the first call */
    float used_j;  /* on that day */
    uint32_t day;
};

struct fleet {
    const struct ts_device_model *model;
    struct user *users; /* [n_users]; NULL: nothing is remembered */
    uint32_t context_tok;
    uint32_t book; /* of its devices' work, of the first kind's, see sim/ledger.h */
    uint64_t seed;
    struct device *table; /* [cap], cap a power of two */
    uint32_t cap, n_busy;
    uint8_t *called; /* a bit for each user, set once one of the user's calls has begun; NULL: on mains, not counted */
};

static uint32_t user_of(const struct fleet *fleet, const struct ts_request *request)
{
    return ts_device_user_of(fleet->seed, request, fleet->model->n_users);
}

static uint32_t kind_of(const struct fleet *fleet, uint32_t user)
{
    return ts_device_kind(fleet->seed, user, fleet->model);
}

/* What that user's device is. */
static const struct ts_device_model *device_of(const struct fleet *fleet, uint32_t user)
{
    return ts_device_of_kind(fleet->model, kind_of(fleet, user));
}

/* ---- the table of busy devices ---- */

static uint32_t place_of(const struct fleet *fleet, uint32_t user)
{
    return (uint32_t)ts_mix64(user + 1ULL) & (fleet->cap - 1);
}

/* The device of a user, or the empty place where it would go. */
static struct device *find(const struct fleet *fleet, uint32_t user)
{
    uint32_t i = place_of(fleet, user);
    while (fleet->table[i].n > 0 && fleet->table[i].user != user) {
        i = (i + 1) & (fleet->cap - 1);
    }
    return &fleet->table[i];
}

static enum ts_status grow(struct fleet *fleet)
{
    struct device *old = fleet->table;
    const uint32_t old_cap = fleet->cap;
    struct device *table = calloc((size_t)old_cap * 2, sizeof *table);
    if (!table) {
        return TS_ENOMEM;
    }
    fleet->table = table;
    fleet->cap = old_cap * 2;
    for (uint32_t i = 0; i < old_cap; i++) {
        if (old[i].n > 0) {
            *find(fleet, old[i].user) = old[i];
        }
    }
    free(old);
    return TS_OK;
}

/* Empties a place and moves back those after it that probing would not reach any more. */
static void remove_device(struct fleet *fleet, struct device *device)
{
    const uint32_t mask = fleet->cap - 1;
    uint32_t hole = (uint32_t)(device - fleet->table);
    for (uint32_t i = (hole + 1) & mask; fleet->table[i].n > 0; i = (i + 1) & mask) {
        const uint32_t home = place_of(fleet, fleet->table[i].user);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            fleet->table[hole] = fleet->table[i];
            hole = i;
        }
    }
    fleet->table[hole] = (struct device){0};
    fleet->n_busy--;
}

/* ---- life ---- */

static void device_destroy(struct ts_tier *tier)
{
    struct fleet *fleet = tier->state;
    if (fleet) {
        free(fleet->table);
        free(fleet->called);
        free(fleet->users);
        free(fleet);
        tier->state = NULL;
    }
}

static enum ts_status device_create(struct ts_tier *tier, struct ts_engine *engine)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    struct device *table = calloc(FIRST_CAP, sizeof *table);
    const struct ts_device_model *model = &tier->model->u.device;
    bool counts_users = false, remembers = false;
    for (uint32_t k = 0; k < ts_tier_n_pools(tier->model); k++) {
        const struct ts_device_model *device = ts_device_of_kind(model, k);
        counts_users = counts_users || device->battery_wh > 0.0;
        remembers = remembers || ts_device_heat_is_on(&device->heat) || device->battery_day_frac > 0.0;
    }
    uint8_t *called = counts_users ? calloc(model->n_users / 8 + 1, 1) : NULL;
    struct user *users = remembers ? calloc((size_t)model->n_users + 1, sizeof *users) : NULL;
    if (!fleet || !table || (counts_users && !called) || (remembers && !users)) {
        free(fleet);
        free(table);
        free(called);
        free(users);
        return TS_ENOMEM;
    }
    *fleet = (struct fleet){.model = model,
                            .context_tok = tier->model->context_tok,
                            .book = ts_model_first_pool(engine->model, tier->index),
                            .seed = engine->model->seed,
                            .table = table,
                            .cap = FIRST_CAP,
                            .users = users,
                            .called = called};
    tier->state = fleet;
    return TS_OK;
}

/* ---- service ---- */

/* Groups of gaps within 1/2048 of each other. */
static void add_gaps(struct ts_hist *itl, double first_s, double per_step_s, uint32_t n)
{
    const double spread = first_s > 0.0 ? fabs(per_step_s) * (n - 1) / first_s : (double)n;
    const double wanted = ceil(spread * 2048.0);
    const uint32_t n_groups = wanted < 1.0 ? 1 : wanted < n ? (uint32_t)wanted : n;
    uint32_t begin = 0;
    for (uint32_t g = 0; g < n_groups; g++) {
        const uint32_t end = (uint32_t)((uint64_t)n * (g + 1) / n_groups);
        const double middle = (double)begin + (double)(end - begin - 1) / 2.0;
        ts_hist_add_n(itl, ts_steptime_ns(first_s + per_step_s * middle), end - begin);
        begin = end;
    }
}

int64_t ts_device_decode_ns(struct ts_hist *itl, const struct ts_steps_model *steps, uint64_t first_kv_tok, uint32_t n,
                            double slower)
{
    double sum_s = 0.0;
    uint32_t n_done = 0;
    while (n_done < n) {
        const struct ts_batch_load load = ts_steptime_decode_load(1, first_kv_tok + n_done);
        const struct ts_step_line line = ts_steptime_line(steps, &load);
        const double first_s = ts_step_line_s(&line, load.kv_read_tok);
        const double n_on_line = line.until_kv - load.kv_read_tok + 1.0;
        const uint32_t n_steps = n_on_line < (double)(n - n_done) ? (uint32_t)n_on_line : n - n_done;
        if (itl) {
            add_gaps(itl, slower * first_s, slower * line.per_kv_s, n_steps);
        }
        sum_s += n_steps * first_s + line.per_kv_s * ((double)n_steps * ((double)n_steps - 1.0) / 2.0);
        n_done += n_steps;
    }
    return n > 0 ? ts_steptime_ns(sum_s) : 0;
}

/* Who uses the fleet, for what a day takes of a battery. */
static void count_user(struct fleet *fleet, struct ts_engine *engine, const struct ts_flight *flight)
{
    const uint8_t bit = (uint8_t)(1U << flight->unit % 8);
    if (fleet->called && device_of(fleet, flight->unit)->battery_wh > 0.0 &&
        !ts_ledger_leaves_out(&engine->ledger, &flight->request) && !(fleet->called[flight->unit / 8] & bit)) {
        fleet->called[flight->unit / 8] |= bit;
        engine->ledger.pools[fleet->book + kind_of(fleet, flight->unit)].active_users++;
    }
}

/* ---- heat and battery ---- */

static double cold_of(const struct fleet *fleet, uint32_t user, int64_t now_ns)
{
    const struct user *at = &fleet->users[user];
    return ts_device_heat_at_rest(&device_of(fleet, user)->heat, 1.0 - (double)at->warm,
                                  (double)(now_ns - at->at_ns) * 1e-9);
}

/* A device that gets hot takes longer. */
static void stretch(struct fleet *fleet, struct ts_flight *flight)
{
    const struct ts_heat_model *heat = &device_of(fleet, flight->unit)->heat;
    const double cold = cold_of(fleet, flight->unit, flight->start_ns);
    const double first_s = (double)(flight->first_ns - flight->start_ns) * 1e-9;
    const double end_s = (double)(flight->end_ns - flight->start_ns) * 1e-9;
    const double hot_end_s = ts_device_heat_time_s(heat, cold, end_s);
    flight->first_ns = flight->start_ns + ts_steptime_ns(ts_device_heat_time_s(heat, cold, first_s));
    flight->end_ns = flight->start_ns + ts_steptime_ns(hot_end_s);
    struct user *user = &fleet->users[flight->unit];
    user->at_ns = flight->end_ns;
    user->warm = (float)(1.0 - ts_device_heat_at_work(heat, cold, hot_end_s));
}

/* Its work ends early: it is as cold as it is now. */
static void stop_heating(struct fleet *fleet, const struct ts_flight *flight, int64_t now_ns)
{
    struct user *user = &fleet->users[flight->unit];
    const double left_s = (double)(user->at_ns - now_ns) * 1e-9;
    const struct ts_heat_model *heat = &device_of(fleet, flight->unit)->heat;
    user->warm = (float)(1.0 - ts_device_heat_at_work(heat, 1.0 - (double)user->warm, -left_s));
    user->at_ns = now_ns;
}

static uint32_t day_of(int64_t now_ns)
{
    const int64_t day_ns = 86400 * 1000000000LL;
    return (uint32_t)(now_ns / day_ns);
}

static void use_charge(struct fleet *fleet, uint32_t unit, int64_t now_ns, double joules)
{
    struct user *user = &fleet->users[unit];
    user->used_j = (float)joules + (user->day == day_of(now_ns) ? user->used_j : 0.0F);
    user->day = day_of(now_ns);
}

static bool has_charge(const struct fleet *fleet, uint32_t unit, int64_t now_ns)
{
    const double j_per_wh = 3600.0;
    const struct ts_device_model *model = device_of(fleet, unit);
    return !(model->battery_day_frac > 0.0) || fleet->users[unit].day != day_of(now_ns) ||
           (double)fleet->users[unit].used_j < model->battery_day_frac * model->battery_wh * j_per_wh;
}

/* ---- the call in service ---- */

static void begin_service(struct fleet *fleet, struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_request *request = &flight->request;
    count_user(fleet, engine, flight);
    const struct ts_device_model *model = device_of(fleet, flight->unit);
    const struct ts_batch_load load = ts_steptime_prompt_load(request->prompt_tok);
    flight->start_ns = engine->now_ns;
    flight->first_ns = flight->start_ns + ts_steptime_ns(ts_steptime_s(&model->steps, &load));
    flight->end_ns = flight->first_ns + ts_device_decode_ns(NULL, &model->steps, (uint64_t)request->prompt_tok + 1,
                                                            request->output_tok - 1, 1.0);
    if (ts_device_heat_is_on(&model->heat)) {
        stretch(fleet, flight);
    }
    ts_engine_schedule_flight(engine, flight->end_ns, TS_EVENT_SERVICE, id);
    ts_engine_expect_first(engine, id);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How many times longer than on a cold device its work takes, all together. */
static double slowness(const struct fleet *fleet, const struct ts_flight *flight)
{
    const struct ts_request *request = &flight->request;
    const struct ts_device_model *model = device_of(fleet, flight->unit);
    if (!ts_device_heat_is_on(&model->heat)) {
        return 1.0;
    }
    const struct ts_batch_load load = ts_steptime_prompt_load(request->prompt_tok);
    const int64_t cold_ns =
        ts_steptime_ns(ts_steptime_s(&model->steps, &load)) +
        ts_device_decode_ns(NULL, &model->steps, (uint64_t)request->prompt_tok + 1, request->output_tok - 1, 1.0);
    return cold_ns > 0 ? (double)(flight->end_ns - flight->start_ns) / (double)cold_ns : 1.0;
}

/* A device that is slow since it is hot draws less: its work takes the energy that it takes a cold one (assumed). */
static void account_service(const struct ts_tier *tier, struct ts_engine *engine, const struct ts_flight *flight)
{
    struct fleet *fleet = tier->state;
    const uint32_t kind = kind_of(fleet, flight->unit), book = fleet->book + kind;
    const struct ts_device_model *model = ts_device_of_kind(fleet->model, kind);
    const struct ts_power_model *power = &model->power;
    const double slower = slowness(fleet, flight);
    const double prefill_w = power->idle_w + (power->prefill_w - power->idle_w) / slower;
    const double decode_w = power->idle_w + (power->decode_w - power->idle_w) / slower;
    const int64_t first_ns = earlier(flight->first_ns, engine->now_ns);
    const int64_t end_ns = earlier(flight->end_ns, engine->now_ns);
    ts_ledger_work(&engine->ledger, book, flight->start_ns, first_ns, slower > 1.0 ? prefill_w : power->prefill_w);
    if (end_ns > first_ns) {
        ts_ledger_work(&engine->ledger, book, first_ns, end_ns, slower > 1.0 ? decode_w : power->decode_w);
    }
    if (model->battery_day_frac > 0.0) {
        use_charge(fleet, flight->unit, engine->now_ns,
                   1e-9 * ((double)(first_ns - flight->start_ns) * (prefill_w - power->idle_w) +
                           (double)(end_ns - first_ns) * (decode_w - power->idle_w)));
    }
}

/* The request at the head of a device's queue is gone: the next one starts, or the device is idle. */
static void pop_head(struct fleet *fleet, struct ts_engine *engine, struct device *device)
{
    device->head = ts_engine_flight(engine, device->head)->next;
    if (--device->n == 0) {
        remove_device(fleet, device);
    } else {
        begin_service(fleet, engine, device->head);
    }
}

/* ---- the functions of the tier ---- */

static bool device_can_hold(const struct ts_tier *tier, const struct ts_request *request)
{
    const struct fleet *fleet = tier->state;
    const uint64_t n_tok = (uint64_t)request->prompt_tok + request->output_tok;
    if (fleet->model->n_users == 0) {
        return false;
    }
    const uint32_t user = user_of(fleet, request), kind = kind_of(fleet, user);
    const uint32_t context_tok = fleet->model->n_kinds > 0 ? fleet->model->kinds[kind].context_tok : fleet->context_tok;
    return (context_tok == 0 || n_tok <= context_tok) &&
           (double)request->arrival_ns * 1e-9 >= ts_device_has_model_from_s(fleet->seed, user, fleet->model) &&
           ts_device_is_eligible(fleet->seed, user, ts_device_of_kind(fleet->model, kind)->eligible_frac);
}

static double device_pressure(const struct ts_tier *tier, const struct ts_engine *engine,
                              const struct ts_request *request)
{
    (void)engine;
    const struct fleet *fleet = tier->state;
    return find(fleet, user_of(fleet, request))->n;
}

static bool is_struck(const struct ts_tier *tier, const struct ts_engine *engine, uint32_t user)
{
    const struct fleet *fleet = tier->state;
    return engine->incidents != 0 &&
           ts_device_is_struck(fleet->seed, user, ts_incidents_share(engine, tier->index, -1, TS_INCIDENT_DOWN));
}

static bool is_out_of_reach(const struct ts_tier *tier, const struct ts_engine *engine, const struct ts_flight *flight)
{
    const struct fleet *fleet = tier->state;
    const struct ts_offline_model *offline = &device_of(fleet, flight->unit)->offline;
    return is_struck(tier, engine, flight->unit) ||
           (ts_offline_is_told(offline) &&
            ts_device_is_offline(offline, fleet->seed, flight->unit,
                                 ts_model_hour(engine->model, flight->request.class_id, engine->now_ns)));
}

static bool device_enter(struct ts_tier *tier, struct ts_engine *engine, uint32_t id)
{
    struct fleet *fleet = tier->state;
    struct ts_flight *flight = ts_engine_flight(engine, id);
    flight->unit = user_of(fleet, &flight->request);
    struct device *device = find(fleet, flight->unit);
    if (is_out_of_reach(tier, engine, flight)) {
        flight->reason = TS_REASON_DOWN;
        return false;
    }
    if (device->n > fleet->model->max_queue || !has_charge(fleet, flight->unit, engine->now_ns)) {
        return false;
    }
    flight->next = TS_FLIGHT_NONE;
    if (device->n > 0) {
        ts_engine_flight(engine, device->tail)->next = id;
        device->tail = id;
        device->n++;
        ts_engine_accept(engine, id);
        return true;
    }
    if (fleet->n_busy >= fleet->cap / 2) {
        const enum ts_status status = grow(fleet);
        if (status != TS_OK) {
            ts_engine_fail(engine, status);
            return false;
        }
        device = find(fleet, flight->unit);
    }
    *device = (struct device){.user = flight->unit, .n = 1, .head = id, .tail = id};
    fleet->n_busy++;
    ts_engine_accept(engine, id);
    begin_service(fleet, engine, id);
    return true;
}

static void device_fire(struct ts_tier *tier, struct ts_engine *engine, enum ts_event_kind kind, uint32_t target,
                        uint32_t stamp)
{
    (void)stamp;
    struct fleet *fleet = tier->state;
    const struct ts_flight *flight = ts_engine_flight(engine, target);
    struct device *device = find(fleet, flight->unit);
    TS_CHECK(kind == TS_EVENT_SERVICE && device->n > 0 && device->head == target && flight->end_ns == engine->now_ns);
    account_service(tier, engine, flight);
    ts_engine_toil(engine, flight->request.output_tok);
    if (!ts_ledger_leaves_out(&engine->ledger, &flight->request)) {
        (void)ts_device_decode_ns(ts_ledger_itl(&engine->ledger, tier->index, flight->request.class_id),
                                  &device_of(fleet, flight->unit)->steps, (uint64_t)flight->request.prompt_tok + 1,
                                  flight->request.output_tok - 1, slowness(fleet, flight));
    }
    pop_head(fleet, engine, device);
    ts_engine_finish(engine, target, TS_DONE);
}

static void device_abandon(struct ts_tier *tier, struct ts_engine *engine, uint32_t id)
{
    struct fleet *fleet = tier->state;
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    struct device *device = find(fleet, flight->unit);
    TS_CHECK(device->n > 0);
    if (device->head == id) {
        account_service(tier, engine, flight);
        if (ts_device_heat_is_on(&device_of(fleet, flight->unit)->heat)) {
            stop_heating(fleet, flight, engine->now_ns);
        }
        pop_head(fleet, engine, device);
        return;
    }
    uint32_t before = device->head;
    while (ts_engine_flight(engine, before)->next != id) {
        before = ts_engine_flight(engine, before)->next;
        TS_CHECK(before != TS_FLIGHT_NONE);
    }
    ts_engine_flight(engine, before)->next = flight->next;
    device->tail = device->tail == id ? before : device->tail;
    device->n--;
}

static void device_close(struct ts_tier *tier, struct ts_engine *engine)
{
    const struct fleet *fleet = tier->state;
    for (uint32_t i = 0; i < fleet->cap; i++) {
        if (fleet->table[i].n > 0) {
            account_service(tier, engine, ts_engine_flight(engine, fleet->table[i].head));
        }
    }
}

const struct ts_tier_ops ts_device_ops = {
    .name = "device",
    .create = device_create,
    .destroy = device_destroy,
    .can_hold = device_can_hold,
    .pressure = device_pressure,
    .enter = device_enter,
    .fire = device_fire,
    .abandon = device_abandon,
    .close = device_close,
};
