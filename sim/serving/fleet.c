/* Hides when replicas are up.
 *
 *   OFF -> STARTING -> UP -> DRAINING -> OFF        the autoscaler, or DRAINING -> STARTING in a rolling restart
 *                      UP, DRAINING -> BROKEN -> UP
 *
 * Failures: time up ~ exponential(MTBF), time to repair ~ exponential(MTTR), so a replica is up MTBF/(MTBF + MTTR) of
 * the time. Each stay has a stream of its own, keyed by the tier's name, the replica and the number of the stay. What
 * was in flight starts over elsewhere in order of arrival, prompt and reply, and its first token counts anew; or it is
 * turned away.
 *
 * Autoscaling, as Kubernetes' horizontal autoscaler does it: every interval
 *   wanted = max(ceil(requests/target), ceil(sum of KV shares/target)) within [min, n],
 * up at once; down only to the most that was wanted during a cooldown in which it was always fewer. Requests that are
 * held count. What it acts on was scraped a while ago: what is seen at an evaluation takes effect that much later. A
 * replica serves once a machine is there and its cold start is over, drawing idle power; one that goes finishes what it
 * has. With none up or starting, the next request starts one without waiting for an evaluation.
 *
 * Switched off and broken replicas draw nothing.
 *
 * Notice: a replica that is doomed takes no new calls and finishes what it can until it goes; spot machines are told so
 * (AWS 2 min; Google Cloud and Azure 30 s). An incident dooms replicas for its length, a failure for the time to repair
 * that it draws. */
#include "sim/serving/fleet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/units.h"
#include "sim/routing/router.h"

/* Targets of LIFE events beside the replicas'. */
enum { EVALUATE = 1 << 20, SCALE, RESTART };

#define HELD UINT32_MAX /* unit of a request that is held */

static bool draws_power(enum ts_replica_life life)
{
    return life != TS_REPLICA_OFF && life != TS_REPLICA_BROKEN;
}

static void schedule(const struct ts_fleet *fleet, struct ts_engine *engine, double after_s, uint32_t target,
                     uint32_t stamp)
{
    const int64_t at_ns = engine->now_ns + ts_ns_from_s(after_s);
    ts_engine_schedule(engine, at_ns, TS_EVENT_LIFE, ts_engine_unit(&engine->tiers[fleet->tier], target), stamp);
}

/* ---- requests ---- */

static void hold(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    if (!flight->in_tier) {
        ts_engine_accept(engine, id);
    }
    flight->unit = HELD;
    flight->next = TS_FLIGHT_NONE;
    if (fleet->n_held == 0) {
        fleet->held_first = id;
    } else {
        ts_engine_flight(engine, fleet->held_last)->next = id;
    }
    fleet->held_last = id;
    fleet->n_held++;
}

static void unhold(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t id)
{
    uint32_t before = TS_FLIGHT_NONE;
    for (uint32_t i = fleet->held_first; i != id; i = ts_engine_flight(engine, i)->next) {
        before = i;
    }
    const uint32_t next = ts_engine_flight(engine, id)->next;
    if (before == TS_FLIGHT_NONE) {
        fleet->held_first = next;
    } else {
        ts_engine_flight(engine, before)->next = next;
    }
    fleet->held_last = fleet->held_last == id ? before : fleet->held_last;
    fleet->n_held--;
}

static struct ts_replica *choose(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t id)
{
    ts_engine_toil(engine, fleet->balance.n);
    return ts_balance_rows[fleet->model->balance].choose(&fleet->balance, engine->now_ns,
                                                         &ts_engine_flight(engine, id)->request);
}

static bool submit(struct ts_replica *replica, struct ts_engine *engine, uint32_t id)
{
    const enum ts_status status = ts_replica_submit(replica, engine, id);
    if (status != TS_OK) {
        ts_engine_fail(engine, status);
    }
    return status == TS_OK;
}

/* While somebody is up, in the order in which they came. */
static void release_held(struct ts_fleet *fleet, struct ts_engine *engine)
{
    while (fleet->n_held > 0 && ts_engine_toils_on(engine, 1)) {
        const uint32_t id = fleet->held_first;
        struct ts_replica *replica = choose(fleet, engine, id);
        if (!replica) {
            return;
        }
        unhold(fleet, engine, id);
        if (!submit(replica, engine, id)) {
            return;
        }
    }
}

/* ---- lives of replicas ---- */

static void roll_on(struct ts_fleet *fleet, struct ts_engine *engine);

static void set_life(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica,
                     enum ts_replica_life life)
{
    const bool drew = draws_power(replica->life);
    fleet->n_up -= replica->life == TS_REPLICA_UP;
    fleet->n_starting -= replica->life == TS_REPLICA_STARTING;
    fleet->n_up += life == TS_REPLICA_UP;
    fleet->n_starting += life == TS_REPLICA_STARTING;
    replica->life = life;
    if (drew != draws_power(life)) {
        ts_ledger_down(&engine->ledger, replica->config->book, engine->now_ns, drew ? 1 : -1);
    }
}

/* Of one stay of a replica. */
static struct ts_rng stay_rng(const struct ts_fleet *fleet, const struct ts_engine *engine,
                              const struct ts_replica *replica, uint32_t purpose)
{
    struct ts_rng rng;
    const uint32_t entity = (uint32_t)ts_mix64((uint64_t)replica->unit << 32 | fleet->entity);
    ts_rng_init(&rng, engine->model->seed, engine->replication, entity, purpose | replica->life_stamp << 8);
    return rng;
}

static double draw_exponential_s(const struct ts_fleet *fleet, const struct ts_engine *engine,
                                 const struct ts_replica *replica, double mean_s)
{
    struct ts_rng rng = stay_rng(fleet, engine, replica, TS_PURPOSE_FAILURE);
    return mean_s * ts_rng_exponential(&rng);
}

static void fail_some_day(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica)
{
    replica->life_stamp++;
    if (fleet->model->failures.mtbf_s > 0.0) {
        schedule(fleet, engine, draw_exponential_s(fleet, engine, replica, fleet->model->failures.mtbf_s),
                 replica->unit, replica->life_stamp);
    }
}

static void come_up(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica)
{
    set_life(fleet, engine, replica, TS_REPLICA_UP);
    fail_some_day(fleet, engine, replica);
    release_held(fleet, engine);
    if (fleet->rolling == replica->unit) {
        roll_on(fleet, engine);
    }
}

/* On a machine that is ready after machine_s. */
static void start(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica, double machine_s)
{
    set_life(fleet, engine, replica, TS_REPLICA_STARTING);
    engine->ledger.accounts[fleet->tier].n_starts++;
    schedule(fleet, engine, machine_s + fleet->model->cold_start_s, replica->unit, ++replica->life_stamp);
}

static void switch_off(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica)
{
    replica->life_stamp++;
    set_life(fleet, engine, replica, TS_REPLICA_OFF);
    if (fleet->rolling == replica->unit) {
        roll_on(fleet, engine);
    }
}

void ts_fleet_drained(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica)
{
    if (replica->is_doomed) {
        return;
    }
    if (fleet->rolling == replica->unit) {
        start(fleet, engine, replica, 0.0);
    } else {
        switch_off(fleet, engine, replica);
    }
}

static void drain(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica)
{
    set_life(fleet, engine, replica, TS_REPLICA_DRAINING);
    if (ts_replica_is_idle(replica)) {
        ts_fleet_drained(fleet, engine, replica);
    }
}

/* At most n of those that are off. */
static void start_some(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t n)
{
    const struct ts_autoscale_model *autoscale = &fleet->model->autoscale;
    for (uint32_t i = 0; n > 0 && i < fleet->balance.n; i++) {
        struct ts_replica *replica = &fleet->balance.replicas[i];
        if (replica->life == TS_REPLICA_OFF) {
            struct ts_rng rng = stay_rng(fleet, engine, replica, TS_PURPOSE_SCALE);
            start(fleet, engine, replica, ts_dist_sample(&autoscale->machine_s, &rng) + autoscale->image_s);
            n--;
        }
    }
}

/* ---- a failure ---- */

struct lost {
    uint64_t request;
    uint32_t flight;
};

static int by_arrival(const void *a, const void *b)
{
    const struct lost *x = a;
    const struct lost *y = b;
    return x->request != y->request ? (x->request > y->request) - (x->request < y->request)
                                    : (x->flight > y->flight) - (x->flight < y->flight);
}

/* What is lost with a replica, in order of arrival; NULL and 0 if that is nothing. */
static enum ts_status find_lost(const struct ts_replica *replica, const struct ts_engine *engine, struct lost **out,
                                uint32_t *n)
{
    const uint32_t n_most = ts_replica_outstanding(replica);
    *out = NULL;
    *n = 0;
    if (n_most == 0) {
        return TS_OK;
    }
    struct lost *lost = malloc(n_most * sizeof *lost);
    uint32_t *ids = malloc(n_most * sizeof *ids);
    if (!lost || !ids) {
        free(lost);
        free(ids);
        return TS_ENOMEM;
    }
    *n = ts_replica_flights(replica, engine, ids);
    TS_CHECK(*n <= n_most);
    for (uint32_t i = 0; i < *n; i++) {
        lost[i] = (struct lost){ts_engine_flight(engine, ids[i])->request.id, ids[i]};
    }
    free(ids);
    qsort(lost, *n, sizeof *lost, by_arrival);
    *out = lost;
    return TS_OK;
}

/* Every replica is broken, or about to be: whoever can go elsewhere does not wait for a repair. */
static bool should_leave(const struct ts_fleet *fleet, const struct ts_engine *engine, uint32_t id)
{
    uint32_t n_broken = 0;
    for (uint32_t i = 0; fleet->n_up == 0 && fleet->n_starting == 0 && i < fleet->balance.n; i++) {
        n_broken += fleet->balance.replicas[i].life == TS_REPLICA_BROKEN || fleet->balance.replicas[i].is_doomed;
    }
    return n_broken == fleet->balance.n && ts_router_has_next(engine, ts_engine_flight(engine, id));
}

static void lose(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    if (fleet->model->failures.drops_calls || should_leave(fleet, engine, id)) {
        ts_engine_turn_away(engine, id, fleet->model->failures.drops_calls ? TS_REASON_FAILED : TS_REASON_DOWN);
        return;
    }
    flight->first_ns = TS_NEVER_NS;
    flight->crossed_ns = 0;
    flight->in_step = false;
    struct ts_replica *replica = fleet->n_held == 0 ? choose(fleet, engine, id) : NULL;
    if (replica) {
        (void)submit(replica, engine, id);
    } else {
        hold(fleet, engine, id);
    }
}

/* It breaks that much later, and takes no calls until then. */
static void doom(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica, double notice_s,
                 double outage_s)
{
    replica->is_doomed = true;
    replica->outage_s = outage_s;
    set_life(fleet, engine, replica, TS_REPLICA_DRAINING);
    schedule(fleet, engine, notice_s, replica->unit, ++replica->life_stamp);
}

static void break_down(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica, double outage_s)
{
    struct lost *lost = NULL;
    uint32_t n = 0;
    enum ts_status status = find_lost(replica, engine, &lost, &n);
    if (status == TS_OK) {
        status = ts_replica_break(replica, engine);
    }
    if (status != TS_OK) {
        ts_engine_fail(engine, status);
        free(lost);
        return;
    }
    struct ts_account *account = &engine->ledger.accounts[fleet->tier];
    account->n_failures++;
    account->n_retries += n;
    engine->last_ns = n > 0 ? engine->now_ns : engine->last_ns;
    set_life(fleet, engine, replica, TS_REPLICA_BROKEN);
    replica->is_doomed = false;
    schedule(fleet, engine, outage_s, replica->unit, replica->life_stamp);
    for (uint32_t i = 0; i < n && ts_engine_toils_on(engine, 1); i++) {
        lose(fleet, engine, lost[i].flight);
    }
    free(lost);
    if (fleet->rolling == replica->unit) {
        roll_on(fleet, engine);
    }
}

/* ---- rolling restart ---- */

/* The next replica that is up, if any is left. */
static void roll_on(struct ts_fleet *fleet, struct ts_engine *engine)
{
    uint32_t i = fleet->rolling + 1;
    while (i < fleet->balance.n && fleet->balance.replicas[i].life != TS_REPLICA_UP) {
        i++;
    }
    fleet->rolling = i < fleet->balance.n ? i : fleet->balance.n;
    if (fleet->rolling < fleet->balance.n) {
        drain(fleet, engine, &fleet->balance.replicas[i]);
    }
}

static void begin_rolling(struct ts_fleet *fleet, struct ts_engine *engine)
{
    if (fleet->rolling == fleet->balance.n) {
        fleet->rolling = UINT32_MAX;
        roll_on(fleet, engine);
    }
}

/* ---- autoscaling ---- */

static uint32_t wanted_now(const struct ts_fleet *fleet, const struct ts_engine *engine)
{
    const struct ts_autoscale_model *model = &fleet->model->autoscale;
    uint64_t n_requests = fleet->n_held;
    double shares = 0.0;
    for (uint32_t i = 0; i < fleet->balance.n; i++) {
        const struct ts_replica *replica = &fleet->balance.replicas[i];
        n_requests += ts_replica_outstanding(replica);
        shares += (double)ts_replica_blocks(replica, engine->now_ns) / (double)replica->config->scheduler.kv_blocks;
    }
    double wanted = fleet->n_held > 0 ? 1.0 : 0.0;
    if (model->target_outstanding > 0.0) {
        wanted = fmax(wanted, ceil((double)n_requests / model->target_outstanding));
    }
    if (model->target_kv_frac > 0.0) {
        wanted = fmax(wanted, ceil(shares / model->target_kv_frac));
    }
    return (uint32_t)fmin(fmax(wanted, model->min_replicas), fleet->balance.n);
}

static void scale_up(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t n)
{
    for (uint32_t i = 0; n > 0 && i < fleet->balance.n; i++) {
        struct ts_replica *replica = &fleet->balance.replicas[i];
        if (replica->life == TS_REPLICA_DRAINING && !replica->is_doomed && fleet->rolling != i) {
            set_life(fleet, engine, replica, TS_REPLICA_UP);
            n--;
        }
    }
    start_some(fleet, engine, n);
}

static void scale_down(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t n)
{
    for (uint32_t i = fleet->balance.n; n > 0 && i-- > 0;) {
        struct ts_replica *replica = &fleet->balance.replicas[i];
        if (replica->life == TS_REPLICA_STARTING && fleet->rolling != i) {
            switch_off(fleet, engine, replica);
            n--;
        }
    }
    for (uint32_t i = fleet->balance.n; n > 0 && i-- > 0;) {
        struct ts_replica *replica = &fleet->balance.replicas[i];
        if (replica->life == TS_REPLICA_UP) {
            drain(fleet, engine, replica);
            n--;
        }
    }
}

static void scale(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t wanted)
{
    const uint32_t n = fleet->n_up + fleet->n_starting;
    if (wanted >= n) {
        fleet->low_since_ns = TS_NEVER_NS;
        scale_up(fleet, engine, wanted - n);
        release_held(fleet, engine);
        return;
    }
    if (fleet->low_since_ns == TS_NEVER_NS) {
        fleet->low_since_ns = engine->now_ns;
        fleet->n_wanted = 0;
    }
    fleet->n_wanted = wanted > fleet->n_wanted ? wanted : fleet->n_wanted;
    if (engine->now_ns - fleet->low_since_ns >= ts_ns_from_s(fleet->model->autoscale.cooldown_s)) {
        fleet->low_since_ns = TS_NEVER_NS;
        scale_down(fleet, engine, n > fleet->n_wanted ? n - fleet->n_wanted : 0);
    }
}

/* Looks at the load, and acts on it once that is known. */
static void evaluate(struct ts_fleet *fleet, struct ts_engine *engine)
{
    struct ts_rng rng;
    ts_engine_toil(engine, fleet->balance.n);
    ts_rng_init(&rng, engine->model->seed, engine->replication, fleet->entity,
                TS_PURPOSE_SCALE | ++fleet->n_looks << 8);
    const double scrape_s = ts_dist_sample(&fleet->model->autoscale.scrape_s, &rng);
    const uint32_t wanted = wanted_now(fleet, engine);
    if (scrape_s > 0.0) {
        schedule(fleet, engine, scrape_s, SCALE, wanted);
    } else {
        scale(fleet, engine, wanted);
    }
}

/* ---- what the tier calls ---- */

void ts_fleet_open(struct ts_fleet *fleet, const struct ts_tier *tier, struct ts_engine *engine)
{
    const uint32_t n = fleet->balance.n;
    fleet->model = &tier->model->u.server;
    fleet->tier = tier->index;
    fleet->held_first = fleet->held_last = TS_FLIGHT_NONE;
    fleet->entity = tier->key;
    fleet->rolling = n;
    fleet->low_since_ns = TS_NEVER_NS;
    fleet->n_up = n;
    const struct ts_autoscale_model *autoscale = &fleet->model->autoscale;
    for (uint32_t i = 0; i < n; i++) {
        if (autoscale->on && i >= autoscale->min_replicas) {
            set_life(fleet, engine, &fleet->balance.replicas[i], TS_REPLICA_OFF);
        } else {
            fail_some_day(fleet, engine, &fleet->balance.replicas[i]);
        }
    }
    if (autoscale->on) {
        schedule(fleet, engine, autoscale->interval_s, EVALUATE, 0);
    }
    if (fleet->model->restart_every_s > 0.0) {
        schedule(fleet, engine, fleet->model->restart_every_s, RESTART, 0);
    }
}

bool ts_fleet_place(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t id)
{
    struct ts_replica *replica = choose(fleet, engine, id);
    if (replica) {
        return submit(replica, engine, id);
    }
    if (fleet->n_up > 0 || fleet->n_held >= (uint64_t)fleet->balance.max_queue * fleet->balance.n) {
        return false;
    }
    if (should_leave(fleet, engine, id)) {
        ts_engine_flight(engine, id)->reason = TS_REASON_DOWN;
        return false;
    }
    if (fleet->n_starting == 0) {
        start_some(fleet, engine, 1);
    }
    hold(fleet, engine, id);
    return true;
}

void ts_fleet_abandon(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t id)
{
    const uint32_t unit = ts_engine_flight(engine, id)->unit;
    if (unit == HELD) {
        unhold(fleet, engine, id);
    } else {
        ts_replica_abandon(&fleet->balance.replicas[unit], engine, id);
    }
}

/* By itself; or as it was doomed to. */
static void fail(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica)
{
    const struct ts_failure_model *model = &fleet->model->failures;
    replica->life_stamp++;
    if (replica->is_doomed) {
        break_down(fleet, engine, replica, replica->outage_s);
        return;
    }
    const double outage_s = draw_exponential_s(fleet, engine, replica, model->mttr_s);
    if (model->notice_s > 0.0) {
        doom(fleet, engine, replica, model->notice_s, outage_s);
    } else {
        break_down(fleet, engine, replica, outage_s);
    }
}

void ts_fleet_strike(struct ts_fleet *fleet, struct ts_engine *engine, const struct ts_incident_model *incident)
{
    const double share = ceil(incident->share_frac * fleet->balance.n - 1e-9);
    uint32_t n = incident->n_replicas > 0 ? incident->n_replicas : (uint32_t)share;
    for (uint32_t i = 0; n > 0 && i < fleet->balance.n; i++) {
        struct ts_replica *replica = &fleet->balance.replicas[i];
        if (replica->life == TS_REPLICA_OFF || replica->life == TS_REPLICA_BROKEN || replica->is_doomed) {
            continue;
        }
        n--;
        doom(fleet, engine, replica, incident->notice_s, incident->for_s);
    }
}

static void change_life(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica)
{
    switch (replica->life) {
    case TS_REPLICA_UP:
    case TS_REPLICA_DRAINING:
        fail(fleet, engine, replica);
        break;
    case TS_REPLICA_STARTING:
    case TS_REPLICA_BROKEN:
        come_up(fleet, engine, replica);
        break;
    case TS_REPLICA_OFF:
        TS_CHECK(!"a replica that is off has no events");
    }
}

void ts_fleet_fire(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t target, uint32_t stamp)
{
    if (!ts_engine_goes_on(engine)) {
        return;
    }
    if (target == EVALUATE) {
        schedule(fleet, engine, fleet->model->autoscale.interval_s, EVALUATE, 0);
        evaluate(fleet, engine);
    } else if (target == SCALE) {
        scale(fleet, engine, stamp);
    } else if (target == RESTART) {
        schedule(fleet, engine, fleet->model->restart_every_s, RESTART, 0);
        begin_rolling(fleet, engine);
    } else if (fleet->balance.replicas[target].life_stamp == stamp) {
        change_life(fleet, engine, &fleet->balance.replicas[target]);
    }
}
