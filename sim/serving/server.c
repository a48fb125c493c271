/* Hides what a tier of servers is beside its replicas: what fits, how pressed they are, whose event it is. How a
 * replica advances is in sim/replica, which one a request joins in sim/balance, when they are up in sim/fleet.
 *
 * All replicas are one fleet, whatever pools they are of; with pools by role, those for prompts are one and those for
 * decode another, and requests cross from one to the other by sim/kv_transfer. */
#include "sim/serving/server.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/units.h"
#include "sim/serving/fleet.h"
#include "sim/serving/kv_transfer.h"
#include "sim/serving/steptime.h"

/* The first takes requests in; the second, of tiers with pools by role, goes on with them. */
enum { FRONT, DECODE, MAX_STAGES };

struct server {
    const struct ts_server_model *model;
    struct ts_replica_config configs[TS_MAX_POOLS]; /* of its pools */
    uint32_t pool_end[MAX_STAGES];                  /* after the last pool of each stage */
    uint32_t n_stages;
    struct ts_fleet fleets[MAX_STAGES];
    struct ts_kv_transfer transfer;
    const struct ts_tier *tier;
    struct ts_replica *replicas; /* [n_replicas] of all pools */
    uint32_t n_replicas;
    uint32_t context_tok;
    struct ts_kv_level **own_levels;                     /* [n_replicas * n_kv_levels] NULL: shared */
    struct ts_kv_level *shared_levels[TS_MAX_KV_LEVELS]; /* NULL: each replica has its own */
};

/* ---- life ---- */

static void server_destroy(struct ts_tier *tier)
{
    struct server *server = tier->state;
    if (!server) {
        return;
    }
    for (uint32_t i = 0; server->replicas && i < server->n_replicas; i++) {
        ts_replica_deinit(&server->replicas[i]);
    }
    for (uint32_t i = 0; server->own_levels && i < server->n_replicas * server->model->n_kv_levels; i++) {
        ts_kv_level_destroy(server->own_levels[i]);
    }
    for (uint32_t k = 0; k < TS_MAX_KV_LEVELS; k++) {
        ts_kv_level_destroy(server->shared_levels[k]);
    }
    free(server->own_levels);
    free(server->replicas);
    free(server);
    tier->state = NULL;
}

struct ts_scheduler_config ts_server_scheduler_config(const struct ts_replica_model *model)
{
    return (struct ts_scheduler_config){
        .max_batched_tok = model->max_batched_tok,
        .max_seqs = model->max_seqs,
        .chunked_prefill = model->chunked_prefill,
        .block_tok = model->block_tok,
        .kv_blocks = model->kv_blocks,
        .long_prefill_tok = model->long_prefill_tok,
        .policy = model->policy,
        .whole_admission = model->whole_admission,
        .prompts_first = model->prompts_first,
        .no_evict = model->no_evict,
        .finds_own = model->finds_own,
        .by_priority = model->by_priority,
        .prefix_cache = model->prefix_cache,
        .kv_unified = model->kv_unified,
        .draft_tok = model->speculative.draft_tok,
        .acceptance_frac = model->speculative.acceptance_frac,
        .counts_kv_max = ts_steptime_needs_kv_max(&model->steps),
    };
}

static uint64_t kv_tok_of(const struct ts_replica_config *config, const struct ts_request *request)
{
    const uint64_t block_tok = config->scheduler.block_tok;
    return (request->prompt_tok + block_tok - 1) / block_tok * block_tok;
}

static void hand_on(void *owner, struct ts_engine *engine, uint32_t id)
{
    struct server *server = owner;
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    ts_kv_transfer_begin(&server->transfer, engine, id,
                         kv_tok_of(server->replicas[flight->unit].config, &flight->request));
}

/* Its KV entries have left the replica that computed them. */
static void go_on_in_decode(struct server *server, struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    struct ts_replica *from = &server->replicas[flight->unit];
    ts_kv_transfer_end(&server->transfer, engine, id, kv_tok_of(from->config, &flight->request));
    ts_replica_release(from, engine, id);
    if (engine->status == TS_OK && !ts_fleet_place(&server->fleets[DECODE], engine, id) && engine->status == TS_OK) {
        ts_engine_flight(engine, id)->reason = TS_REASON_FULL;
        ts_engine_finish(engine, id, TS_REJECTED);
    }
}

static struct ts_replica_config config_of(const struct ts_tier *tier, const struct ts_engine *engine, uint32_t pool)
{
    const struct ts_pool_model *model = &tier->model->u.server.pools[pool];
    const struct ts_replica_model *replica = &model->replica;
    return (struct ts_replica_config){
        .scheduler = ts_server_scheduler_config(replica),
        .steps = &replica->steps,
        .power = &replica->power,
        .draft_s = replica->speculative.draft_tok * replica->speculative.draft_step_s,
        .weight = model->weight,
        .tier = tier->index,
        .book = ts_model_first_pool(engine->model, tier->index) + pool,
        .n_classes = engine->ledger.result.n_classes,
        .kv_block_bytes = replica->kv_block_bytes,
        .plans_ahead = replica->plans_ahead,
        .launch_ns = ts_ns_from_s(replica->launch_s),
        .graph_tok = replica->graph_tok,
        .role = model->role,
        .hand_on = hand_on,
        .owner = tier->state,
    };
}

/* What is behind the cache of a replica: stores of its own, and those of the tier. */
static enum ts_status open_levels(struct server *server, uint32_t unit, double block_bytes)
{
    const uint32_t n = server->model->n_kv_levels;
    struct ts_kv_levels *levels = &server->replicas[unit].levels;
    for (uint32_t k = 0; k < n; k++) {
        const struct ts_kv_level_model *model = &server->model->kv_levels[k];
        struct ts_kv_level **place =
            model->is_shared ? &server->shared_levels[k] : &server->own_levels[(size_t)unit * n + k];
        const enum ts_status status = *place ? TS_OK : ts_kv_level_create(place, model, block_bytes);
        if (status != TS_OK) {
            return status;
        }
        levels->items[k] = *place;
    }
    levels->n = n;
    return TS_OK;
}

static enum ts_status create_replicas(struct server *server, struct ts_engine *engine)
{
    enum { TOIL_OF_ONE = 1 << 13 };
    server->replicas = calloc(server->n_replicas, sizeof *server->replicas);
    const size_t n_levels = (size_t)server->n_replicas * server->model->n_kv_levels;
    server->own_levels = n_levels > 0 ? calloc(n_levels, sizeof(struct ts_kv_level *)) : NULL;
    if (!server->replicas || (n_levels > 0 && !server->own_levels)) {
        return TS_ENOMEM;
    }
    enum ts_status status = TS_OK;
    uint32_t unit = 0;
    for (uint32_t pool = 0; pool < server->model->n_pools; pool++) {
        for (uint32_t i = 0; status == TS_OK && i < server->model->pools[pool].n_replicas; i++) {
            status = open_levels(server, unit, server->configs[pool].kv_block_bytes);
            if (status == TS_OK) {
                status = ts_replica_init(&server->replicas[unit], &server->configs[pool], unit);
            }
            unit++;
            status = status == TS_OK && !ts_engine_toils_on(engine, TOIL_OF_ONE) ? engine->status : status;
        }
    }
    return status;
}

/* The replicas of a stage's pools. */
static void open_balance(struct server *server, const struct ts_engine *engine, uint32_t stage)
{
    const uint32_t max_queue = stage == FRONT ? server->model->max_queue : 0;
    const uint32_t begin = stage == FRONT ? 0 : server->pool_end[FRONT];
    const uint32_t end = server->pool_end[stage];
    const uint32_t first = stage == FRONT ? 0 : server->fleets[FRONT].balance.n;
    struct ts_balance *balance = &server->fleets[stage].balance;
    *balance = (struct ts_balance){
        .replicas = server->replicas + first,
        .max_queue = max_queue > 0 && max_queue < TS_SERVER_QUEUE_MAX ? max_queue : TS_SERVER_QUEUE_MAX,
        .is_mixed = end - begin > 1,
        .key =
            ts_mix64(engine->model->seed ^ ts_mix64((uint64_t)engine->replication << 32 | (server->tier->key + stage))),
    };
    for (uint32_t pool = begin; pool < end; pool++) {
        balance->n += server->model->pools[pool].n_replicas;
        balance->is_weighted |= server->configs[pool].weight != server->configs[begin].weight;
    }
}

/* Can these settings be simulated together? */
static bool roles_are_fine(const struct server *server)
{
    const struct ts_server_model *model = server->model;
    bool fine = server->pool_end[FRONT] > 0 && (server->n_stages == 1 || model->n_kv_levels == 0) &&
                (server->n_stages == 1 ||
                 (!model->autoscale.on && !(model->failures.mtbf_s > 0.0) && !(model->restart_every_s > 0.0) &&
                  server->pool_end[FRONT] < server->model->n_pools));
    for (uint32_t pool = 0; pool < server->model->n_pools; pool++) {
        const struct ts_replica_config *config = &server->configs[pool];
        const enum ts_pool_role due = server->n_stages == 1            ? TS_POOL_BOTH
                                      : pool < server->pool_end[FRONT] ? TS_POOL_PREFILL
                                                                       : TS_POOL_DECODE;
        fine = fine && config->role == due && (due == TS_POOL_BOTH || config->scheduler.policy == TS_SCHEDULER_VLLM) &&
               (due != TS_POOL_DECODE || !config->scheduler.prefix_cache);
    }
    return fine;
}

static void divide_into_stages(struct server *server)
{
    const bool by_role = ts_tier_is_disaggregated(server->tier->model);
    uint32_t n_front = 0;
    while (n_front < server->model->n_pools && (!by_role || server->configs[n_front].role == TS_POOL_PREFILL)) {
        n_front++;
    }
    server->n_stages = by_role ? MAX_STAGES : 1;
    server->pool_end[FRONT] = n_front;
    server->pool_end[DECODE] = server->model->n_pools;
}

static enum ts_status open_stages(struct server *server, struct ts_tier *tier, struct ts_engine *engine)
{
    divide_into_stages(server);
    if (!roles_are_fine(server)) {
        return TS_ERANGE;
    }
    const enum ts_status status = create_replicas(server, engine);
    for (uint32_t stage = 0; status == TS_OK && stage < server->n_stages; stage++) {
        open_balance(server, engine, stage);
        ts_fleet_open(&server->fleets[stage], tier, engine);
    }
    return status;
}

static enum ts_status server_create(struct ts_tier *tier, struct ts_engine *engine)
{
    const struct ts_server_model *model = &tier->model->u.server;
    const uint32_t n_replicas = ts_server_n_replicas(model);
    if (n_replicas == 0 || n_replicas > TS_SERVER_MAX_REPLICAS) {
        return TS_ERANGE;
    }
    struct server *server = calloc(1, sizeof *server);
    if (!server) {
        return TS_ENOMEM;
    }
    tier->state = server; /* destroyed with the tier, whatever comes back */
    server->tier = tier;
    server->model = model;
    server->n_replicas = n_replicas;
    for (uint32_t pool = 0; pool < model->n_pools; pool++) {
        server->configs[pool] = config_of(tier, engine, pool);
    }
    server->context_tok = tier->model->context_tok;
    if (ts_tier_is_disaggregated(tier->model)) {
        ts_kv_transfer_open(&server->transfer, engine, tier);
    }
    return open_stages(server, tier, engine);
}

/* ---- the functions of the tier ---- */

static void server_fire(struct ts_tier *tier, struct ts_engine *engine, enum ts_event_kind kind, uint32_t target,
                        uint32_t stamp)
{
    struct server *server = tier->state;
    if (kind == TS_EVENT_LIFE) {
        ts_fleet_fire(&server->fleets[FRONT], engine, target, stamp);
        return;
    }
    if (kind == TS_EVENT_LOADED) {
        const uint32_t unit = ts_engine_flight(engine, target)->unit;
        if (unit < server->n_replicas) { /* else no replica has it, since that one failed */
            ts_replica_loaded(&server->replicas[unit], engine, target);
        }
        return;
    }
    if (kind == TS_EVENT_SERVICE) {
        go_on_in_decode(server, engine, target);
        return;
    }
    TS_CHECK(kind == TS_EVENT_STEP);
    struct ts_replica *replica = &server->replicas[target];
    ts_replica_fire(replica, engine, stamp);
    if (replica->life == TS_REPLICA_DRAINING && ts_replica_is_idle(replica)) {
        ts_fleet_drained(&server->fleets[FRONT], engine, replica);
    }
}

/* One pool of each stage must, and all where it is not certain that a replica of that one will be up some day. */
static bool pools_can_hold(const struct server *server, const struct ts_request *request)
{
    uint32_t pool = 0;
    bool fits = true;
    for (uint32_t stage = 0; fits && stage < server->n_stages; stage++) {
        uint32_t n = 0;
        const uint32_t begin = pool;
        for (; pool < server->pool_end[stage]; pool++) {
            n += ts_replica_can_hold(&server->configs[pool], request);
        }
        fits = server->model->autoscale.on ? n == pool - begin : n > 0;
    }
    return fits;
}

static bool server_can_hold(const struct ts_tier *tier, const struct ts_request *request)
{
    const struct server *server = tier->state;
    const uint64_t n_tok = (uint64_t)request->prompt_tok + request->output_tok;
    return (server->context_tok == 0 || n_tok <= server->context_tok) && pools_can_hold(server, request);
}

static double pressure_of(const struct ts_fleet *fleet)
{
    const bool is_up = fleet->n_up > 0;
    const struct ts_replica *replicas = fleet->balance.replicas;
    double n_seats = is_up ? 0.0 : (double)replicas[0].config->scheduler.max_seqs;
    uint64_t n_present = fleet->n_held;
    for (uint32_t i = 0; i < fleet->balance.n; i++) {
        n_present += ts_replica_outstanding(&replicas[i]);
        n_seats += replicas[i].life == TS_REPLICA_UP ? (double)replicas[i].config->scheduler.max_seqs : 0.0;
    }
    const double n_beyond = (double)n_present + 1.0 - (is_up ? n_seats : 0.0);
    return n_beyond > 0.0 ? n_beyond / n_seats : 0.0;
}

/* That of the stage which is pressed most. */
static double server_pressure(const struct ts_tier *tier, const struct ts_engine *engine,
                              const struct ts_request *request)
{
    (void)engine;
    (void)request;
    const struct server *server = tier->state;
    double most = 0.0;
    for (uint32_t stage = 0; stage < server->n_stages; stage++) {
        const double pressure = pressure_of(&server->fleets[stage]);
        most = pressure > most ? pressure : most;
    }
    return most;
}

static bool server_enter(struct ts_tier *tier, struct ts_engine *engine, uint32_t id)
{
    struct server *server = tier->state;
    return ts_fleet_place(&server->fleets[FRONT], engine, id);
}

/* A request that has not given a token yet: it is in the first stage. */
static void server_abandon(struct ts_tier *tier, struct ts_engine *engine, uint32_t id)
{
    struct server *server = tier->state;
    ts_fleet_abandon(&server->fleets[FRONT], engine, id);
}

static void server_strike(struct ts_tier *tier, struct ts_engine *engine, const struct ts_incident_model *incident)
{
    struct server *server = tier->state;
    ts_fleet_strike(&server->fleets[FRONT], engine, incident);
}

static void server_close(struct ts_tier *tier, struct ts_engine *engine)
{
    struct server *server = tier->state;
    for (uint32_t i = 0; i < server->n_replicas; i++) {
        ts_replica_close(&server->replicas[i], engine);
    }
}

const struct ts_tier_ops ts_server_ops = {
    .name = "server",
    .create = server_create,
    .destroy = server_destroy,
    .can_hold = server_can_hold,
    .pressure = server_pressure,
    .enter = server_enter,
    .fire = server_fire,
    .abandon = server_abandon,
    .strike = server_strike,
    .close = server_close,
};
