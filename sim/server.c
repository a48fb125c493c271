/* Hides what a tier of servers is beside its replicas: what fits, how pressed they are, whose event it is. How a
 * replica advances is in sim/replica, which one a request joins in sim/balance, when they are up in sim/fleet. */
#include "sim/server.h"

#include <stdlib.h>

#include "base/check.h"
#include "sim/fleet.h"
#include "sim/steptime.h"

struct server {
    const struct ts_server_model *model;
    struct ts_replica_config config;
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
        .counts_kv_max = ts_steptime_needs_kv_max(&model->steps),
    };
}

static enum ts_status create_replicas(struct server *server)
{
    const uint32_t n = server->model->n_replicas;
    server->replicas = calloc(n, sizeof *server->replicas);
    if (!server->replicas) {
        return TS_ENOMEM;
    }
    const uint32_t max_queue = server->model->max_queue;
    server->fleet.balance = (struct ts_balance){
        .replicas = server->replicas,
        .n = n,
        .max_queue = max_queue > 0 && max_queue < TS_SERVER_QUEUE_MAX ? max_queue : TS_SERVER_QUEUE_MAX,
    };
    enum ts_status status = TS_OK;
    for (uint32_t i = 0; status == TS_OK && i < n; i++) {
        status = ts_replica_init(&server->replicas[i], &server->config, i);
    }
    return status;
}

static enum ts_status server_create(struct ts_tier *tier, struct ts_engine *engine)
{
    const struct ts_server_model *model = &tier->model->u.server;
    if (model->n_replicas == 0 || model->n_replicas > TS_SERVER_MAX_REPLICAS) {
        return TS_ERANGE;
    }
    struct server *server = calloc(1, sizeof *server);
    if (!server) {
        return TS_ENOMEM;
    }
    server->model = model;
    server->config = (struct ts_replica_config){
        .scheduler = ts_server_scheduler_config(model),
        .steps = &model->steps,
        .power = &tier->model->power,
        .draft_s = model->speculative.draft_tok * model->speculative.draft_step_s,
        .tier = tier->index,
        .n_classes = engine->ledger.result.n_classes,
        .plans_ahead = model->plans_ahead,
    };
    server->context_tok = tier->model->context_tok;
    tier->state = server;
    const enum ts_status status = create_replicas(server); /* destroyed with the tier, whatever comes back */
    if (status == TS_OK) {
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

static bool server_can_hold(const struct ts_tier *tier, const struct ts_request *request)
{
    const struct server *server = tier->state;
    const uint64_t n_tok = (uint64_t)request->prompt_tok + request->output_tok;
    return (server->context_tok == 0 || n_tok <= server->context_tok) &&
           ts_scheduler_can_hold(&server->config.scheduler, request->prompt_tok, request->output_tok);
}

static double server_pressure(const struct ts_tier *tier, const struct ts_engine *engine,
                              const struct ts_request *request)
{
    (void)engine;
    (void)request;
    const struct server *server = tier->state;
    const uint32_t n_up = server->fleet.n_up > 0 ? server->fleet.n_up : 1;
    const double n_seats = (double)n_up * server->model->max_seqs;
    uint64_t n_present = server->fleet.n_held;
    for (uint32_t i = 0; i < server->model->n_replicas; i++) {
        n_present += ts_replica_outstanding(&server->replicas[i]);
    }
    const double n_beyond = (double)n_present + 1.0 - (server->fleet.n_up > 0 ? n_seats : 0.0);
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
