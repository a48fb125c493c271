/* Hides what a tier of servers is beside its replicas: what fits, how pressed they are, whose event it is. How a
 * replica advances is in sim/replica, which one a request joins in sim/balance, when they are up in sim/fleet. */
#include "sim/server.h"

#include <stdlib.h>

#include "base/check.h"
#include "sim/fleet.h"

struct server {
    const struct ts_server_model *model;
    struct ts_replica_config configs[TS_MAX_POOLS]; /* of its pools */
    uint32_t n_pools;
    struct ts_fleet fleet;
    struct ts_replica *replicas; /* [model->n_replicas] */
    uint32_t context_tok;
};

/* ---- life ---- */

static void server_destroy(struct ts_tier *tier)
{
    struct server *server = tier->state;
    if (!server) {
        return;
    }
    for (uint32_t i = 0; server->replicas && i < server->model->n_replicas; i++) {
        ts_replica_deinit(&server->replicas[i]);
    }
    free(server->replicas);
    free(server);
    tier->state = NULL;
}

struct ts_scheduler_config ts_server_scheduler_config(const struct ts_server_model *model)
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
        .by_priority = model->by_priority,
        .prefix_cache = model->prefix_cache,
        .draft_tok = model->speculative.draft_tok,
        .acceptance_frac = model->speculative.acceptance_frac,
    };
}

static struct ts_replica_config config_of(const struct ts_tier *tier, const struct ts_engine *engine, uint32_t pool)
{
    const struct ts_pool_view view = ts_tier_pool(tier->model, pool);
    const struct ts_server_model *model = view.server;
    return (struct ts_replica_config){
        .scheduler = ts_server_scheduler_config(model),
        .steps = &model->steps,
        .power = view.power,
        .draft_s = model->speculative.draft_tok * model->speculative.draft_step_s,
        .weight = view.weight,
        .tier = tier->index,
        .book = ts_ledger_account(engine->model, tier->index, pool),
        .n_classes = engine->ledger.result.n_classes,
        .plans_ahead = model->plans_ahead,
    };
}

static enum ts_status create_replicas(struct server *server, const struct ts_tier *tier)
{
    const uint32_t n = server->model->n_replicas;
    server->replicas = calloc(n, sizeof *server->replicas);
    if (!server->replicas) {
        return TS_ENOMEM;
    }
    enum ts_status status = TS_OK;
    uint32_t unit = 0;
    for (uint32_t pool = 0; pool < server->n_pools; pool++) {
        const uint32_t n_of_pool = ts_tier_pool(tier->model, pool).server->n_replicas;
        for (uint32_t i = 0; status == TS_OK && i < n_of_pool; i++) {
            TS_CHECK(unit < n);
            status = ts_replica_init(&server->replicas[unit], &server->configs[pool], unit);
            unit++;
        }
    }
    TS_CHECK(status != TS_OK || unit == n);
    return status;
}

static void open_balance(struct server *server, const struct ts_tier *tier, const struct ts_engine *engine)
{
    const uint32_t max_queue = server->model->max_queue;
    server->fleet.balance = (struct ts_balance){
        .replicas = server->replicas,
        .n = server->model->n_replicas,
        .max_queue = max_queue > 0 && max_queue < TS_SERVER_QUEUE_MAX ? max_queue : TS_SERVER_QUEUE_MAX,
        .is_mixed = server->n_pools > 1,
        .key = ts_mix64(engine->model->seed ^ ts_mix64((uint64_t)engine->replication << 32 | tier->key)),
    };
    for (uint32_t pool = 1; pool < server->n_pools; pool++) {
        server->fleet.balance.is_weighted |= server->configs[pool].weight != server->configs[0].weight;
    }
}

static enum ts_status server_create(struct ts_tier *tier, struct ts_engine *engine)
{
    const struct ts_server_model *model = &tier->model->u.server;
    if (model->n_replicas == 0 || model->n_replicas > TS_SERVER_MAX_REPLICAS || model->n_pools > TS_MAX_POOLS) {
        return TS_ERANGE;
    }
    struct server *server = calloc(1, sizeof *server);
    if (!server) {
        return TS_ENOMEM;
    }
    server->model = model;
    server->n_pools = model->n_pools > 0 ? model->n_pools : 1;
    for (uint32_t pool = 0; pool < server->n_pools; pool++) {
        server->configs[pool] = config_of(tier, engine, pool);
    }
    server->context_tok = tier->model->context_tok;
    tier->state = server;
    const enum ts_status status = create_replicas(server, tier); /* destroyed with the tier, whatever comes back */
    if (status == TS_OK) {
        open_balance(server, tier, engine);
        ts_fleet_open(&server->fleet, tier, engine);
    }
    return status;
}

/* ---- the functions of the tier ---- */

static void server_fire(struct ts_tier *tier, struct ts_engine *engine, enum ts_event_kind kind, uint32_t target,
                        uint32_t stamp)
{
    struct server *server = tier->state;
    if (kind == TS_EVENT_LIFE) {
        ts_fleet_fire(&server->fleet, engine, target, stamp);
        return;
    }
    TS_CHECK(kind == TS_EVENT_STEP);
    struct ts_replica *replica = &server->replicas[target];
    ts_replica_fire(replica, engine, stamp);
    if (replica->life == TS_REPLICA_DRAINING && ts_replica_is_idle(replica)) {
        ts_fleet_drained(&server->fleet, engine, replica);
    }
}

/* One pool must, and all where it is not certain that a replica of that one will be up some day. */
static bool pools_can_hold(const struct server *server, const struct ts_request *request)
{
    uint32_t n = 0;
    for (uint32_t pool = 0; pool < server->n_pools; pool++) {
        n += ts_replica_can_hold(&server->configs[pool], request);
    }
    return server->model->autoscale.on ? n == server->n_pools : n > 0;
}

static bool server_can_hold(const struct ts_tier *tier, const struct ts_request *request)
{
    const struct server *server = tier->state;
    const uint64_t n_tok = (uint64_t)request->prompt_tok + request->output_tok;
    return (server->context_tok == 0 || n_tok <= server->context_tok) && pools_can_hold(server, request);
}

static double server_pressure(const struct ts_tier *tier, const struct ts_engine *engine,
                              const struct ts_request *request)
{
    (void)engine;
    (void)request;
    const struct server *server = tier->state;
    const bool is_up = server->fleet.n_up > 0;
    double n_seats = is_up ? 0.0 : (double)server->configs[0].scheduler.max_seqs;
    uint64_t n_present = server->fleet.n_held;
    for (uint32_t i = 0; i < server->model->n_replicas; i++) {
        const struct ts_replica *replica = &server->replicas[i];
        n_present += ts_replica_outstanding(replica);
        n_seats += replica->life == TS_REPLICA_UP ? (double)replica->config->scheduler.max_seqs : 0.0;
    }
    const double n_beyond = (double)n_present + 1.0 - (is_up ? n_seats : 0.0);
    return n_beyond > 0.0 ? n_beyond / n_seats : 0.0;
}

static bool server_enter(struct ts_tier *tier, struct ts_engine *engine, uint32_t id)
{
    struct server *server = tier->state;
    return ts_fleet_place(&server->fleet, engine, id);
}

static void server_abandon(struct ts_tier *tier, struct ts_engine *engine, uint32_t id)
{
    struct server *server = tier->state;
    ts_fleet_abandon(&server->fleet, engine, id);
}

static void server_close(struct ts_tier *tier, struct ts_engine *engine)
{
    struct server *server = tier->state;
    for (uint32_t i = 0; i < server->model->n_replicas; i++) {
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
    .close = server_close,
};
