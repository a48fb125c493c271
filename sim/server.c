/* Hides how a replica advances. Two ways, with the same result:
 *  - a planned step is one event: plan, wait for the step's time, commit;
 *  - a run: while the batch only decodes and nobody can enter, the ends of many steps are computed ahead in one loop,
 *    and one event stands for all of them. Nothing that others see of the replica changes inside a run. A request that
 *    could enter cuts the run at the end of the step under way.
 * A step's time is rounded to whole nanoseconds, so both ways come to the same instants; a property test compares
 * them.
 *
 * Gaps between tokens: a sequence in decode gets a token at the end of every step, so the step's length is the gap of
 * all of them: they are counted by class and added at once. A preempted sequence leaves that count with the time of its
 * last token, and its next token closes one long gap. The gaps of requests that end unfinished count as well. */
#include "sim/server.h"

#include <stdlib.h>

#include "base/check.h"
#include "sim/scheduler.h"
#include "sim/steptime.h"

enum { RUN_MAX = 256, RUN_PAST_ARRIVAL = 8 };

enum replica_mode { REPLICA_IDLE, REPLICA_STEP, REPLICA_RUN };

struct replica {
    struct ts_scheduler *scheduler;
    enum replica_mode mode;
    uint32_t stamp;             /* of its pending event */
    int64_t start_ns;           /* of the step or run under way */
    double prefill_tok;         /* in the step under way */
    uint32_t n_seqs;            /* in each step under way */
    uint64_t blocks_used;       /* in the step under way; before the first step of a run */
    uint32_t n_steps;           /* of the run */
    const uint32_t *new_blocks; /* of the run, see ts_scheduler_run */
    int64_t *ends_ns;           /* [RUN_MAX] of the run's steps */
    uint32_t *n_in_step;        /* [n_classes] flights with in_step */
};

struct server {
    const struct ts_server_model *model;
    const struct ts_power_model *power;
    struct ts_scheduler_config config;
    uint32_t context_tok;
    uint32_t max_queue;
    uint32_t n_classes;
    struct replica *replicas;
    int64_t *ends_ns;    /* [n_replicas][RUN_MAX] */
    uint32_t *n_in_step; /* [n_replicas][n_classes] */
};

/* ---- life ---- */

static void server_destroy(struct ts_tier *tier)
{
    struct server *server = tier->state;
    if (!server) {
        return;
    }
    for (uint32_t i = 0; server->replicas && i < server->model->n_replicas; i++) {
        ts_scheduler_destroy(server->replicas[i].scheduler);
    }
    free(server->replicas);
    free(server->ends_ns);
    free(server->n_in_step);
    free(server);
    tier->state = NULL;
}

static struct ts_scheduler_config config_of(const struct ts_server_model *model)
{
    return (struct ts_scheduler_config){
        .max_batched_tok = model->max_batched_tok,
        .max_seqs = model->max_seqs,
        .chunked_prefill = model->chunked_prefill,
        .block_tok = model->block_tok,
        .kv_blocks = model->kv_blocks,
    };
}

static enum ts_status create_replicas(struct server *server)
{
    const uint32_t n = server->model->n_replicas;
    server->replicas = calloc(n, sizeof *server->replicas);
    server->ends_ns = calloc((size_t)n * RUN_MAX, sizeof *server->ends_ns);
    server->n_in_step = calloc((size_t)n * server->n_classes, sizeof *server->n_in_step);
    if (!server->replicas || !server->ends_ns || !server->n_in_step) {
        return TS_ENOMEM;
    }
    enum ts_status status = TS_OK;
    for (uint32_t i = 0; status == TS_OK && i < n; i++) {
        struct replica *replica = &server->replicas[i];
        replica->ends_ns = server->ends_ns + (size_t)i * RUN_MAX;
        replica->n_in_step = server->n_in_step + (size_t)i * server->n_classes;
        status = ts_scheduler_create(&replica->scheduler, &server->config);
    }
    return status;
}

static enum ts_status server_create(struct ts_tier *tier, const struct ts_engine *engine)
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
    server->power = &tier->model->power;
    server->config = config_of(model);
    server->context_tok = tier->model->context_tok;
    server->max_queue =
        model->max_queue > 0 && model->max_queue < TS_SERVER_QUEUE_MAX ? model->max_queue : TS_SERVER_QUEUE_MAX;
    server->n_classes = engine->ledger.result.n_classes;
    tier->state = server;
    return create_replicas(server); /* destroyed with the tier, whatever comes back */
}

/* ---- what a step does to the books ---- */

static void account_step(struct ts_tier *tier, struct ts_engine *engine, const struct replica *replica,
                         int64_t until_ns, uint32_t n_steps)
{
    const struct server *server = tier->state;
    struct ts_account *account = &engine->ledger.accounts[tier->index];
    const double power_w = replica->prefill_tok > 0.0 ? server->power->prefill_w : server->power->decode_w;
    ts_ledger_work(&engine->ledger, tier->index, replica->start_ns, until_ns, power_w);
    account->n_steps += n_steps;
    account->n_step_seqs += (uint64_t)n_steps * replica->n_seqs;
}

static void account_blocks(struct ts_account *account, uint64_t n_blocks, int64_t from_ns, int64_t to_ns)
{
    account->kv_block_s += (double)n_blocks * ((double)(to_ns - from_ns) * 1e-9);
    account->kv_peak = n_blocks > account->kv_peak ? n_blocks : account->kv_peak;
}

/* One gap for every flight that decodes in step with the replica. */
static void add_gaps(struct ts_tier *tier, struct ts_engine *engine, const struct replica *replica, int64_t gap_ns)
{
    const struct server *server = tier->state;
    for (uint32_t c = 0; c < server->n_classes; c++) {
        if (replica->n_in_step[c] > 0) {
            ts_hist_add_n(ts_ledger_itl(&engine->ledger, tier->index, c), gap_ns, replica->n_in_step[c]);
        }
    }
}

static void give_started(struct ts_tier *tier, struct ts_engine *engine, struct replica *replica,
                         const struct ts_scheduler_step *step)
{
    for (uint32_t i = 0; i < step->n_started; i++) {
        struct ts_flight *flight = ts_engine_flight(engine, step->started[i]);
        if (flight->first_ns == TS_NEVER_NS) {
            flight->first_ns = engine->now_ns;
        } else {
            ts_hist_add(ts_ledger_itl(&engine->ledger, tier->index, flight->request.class_id),
                        engine->now_ns - flight->token_ns);
        }
        flight->in_step = true;
        replica->n_in_step[flight->request.class_id]++;
    }
}

static void finish_all(struct ts_engine *engine, struct replica *replica, const struct ts_scheduler_step *step)
{
    for (uint32_t i = 0; i < step->n_finished; i++) {
        const struct ts_flight *flight = ts_engine_flight(engine, step->finished[i]);
        TS_CHECK(flight->in_step && replica->n_in_step[flight->request.class_id] > 0);
        replica->n_in_step[flight->request.class_id]--;
        ts_engine_finish(engine, step->finished[i], TS_DONE);
    }
}

/* ---- planned steps ---- */

static void schedule_step(struct ts_tier *tier, struct ts_engine *engine, struct replica *replica, int64_t end_ns)
{
    const struct server *server = tier->state;
    const uint32_t unit = (uint32_t)(replica - server->replicas);
    ts_engine_schedule(engine, end_ns, TS_EVENT_STEP, ts_engine_unit(tier, unit), ++replica->stamp);
}

static void note_plan(struct ts_tier *tier, struct ts_engine *engine, struct replica *replica,
                      const struct ts_scheduler_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_preempted; i++) {
        struct ts_flight *flight = ts_engine_flight(engine, plan->preempted[i]);
        flight->n_preemptions++;
        if (flight->in_step) {
            replica->n_in_step[flight->request.class_id]--;
            flight->in_step = false;
            flight->token_ns = engine->now_ns;
        }
    }
    for (uint32_t i = 0; i < plan->n_admitted; i++) {
        struct ts_flight *flight = ts_engine_flight(engine, plan->admitted[i]);
        flight->start_ns = flight->start_ns == TS_NEVER_NS ? engine->now_ns : flight->start_ns;
    }
    engine->ledger.accounts[tier->index].n_preemptions += plan->n_preempted;
}

static void begin_step(struct ts_tier *tier, struct ts_engine *engine, struct replica *replica,
                       const struct ts_scheduler_plan *plan)
{
    const struct server *server = tier->state;
    note_plan(tier, engine, replica, plan);
    replica->mode = REPLICA_STEP;
    replica->start_ns = engine->now_ns;
    replica->prefill_tok = plan->load.prefill_tok;
    replica->n_seqs = plan->load.n_seqs;
    replica->blocks_used = plan->blocks_used;
    schedule_step(tier, engine, replica,
                  engine->now_ns + ts_steptime_ns(ts_steptime_s(&server->model->steps, &plan->load)));
}

static void end_step(struct ts_tier *tier, struct ts_engine *engine, struct replica *replica)
{
    struct ts_scheduler_step step;
    account_step(tier, engine, replica, engine->now_ns, 1);
    account_blocks(&engine->ledger.accounts[tier->index], replica->blocks_used, replica->start_ns, engine->now_ns);
    add_gaps(tier, engine, replica, engine->now_ns - replica->start_ns);
    ts_scheduler_commit(replica->scheduler, &step);
    give_started(tier, engine, replica, &step);
    finish_all(engine, replica, &step);
}

/* ---- runs ---- */

/* Computes the ends of the run's steps: up to its length, RUN_MAX, or a little beyond the next arrival, which may cut
 * it. */
static void begin_run(struct ts_tier *tier, struct ts_engine *engine, struct replica *replica,
                      const struct ts_scheduler_run *run)
{
    const struct server *server = tier->state;
    const struct ts_steptime_kind *kind = &ts_steptime_kinds[server->model->steps.kind];
    const struct ts_batch_load load = ts_steptime_decode_load(run->n_seqs, run->kv_read_tok);
    const double base_s = kind->base_s(&server->model->steps, &load);
    const double per_kv_s = kind->per_kv_s(&server->model->steps);
    const uint32_t most = run->max_steps < RUN_MAX ? run->max_steps : RUN_MAX;
    int64_t *ends_ns = replica->ends_ns;
    int64_t end_ns = engine->now_ns;
    double kv_tok = load.kv_read_tok;
    uint32_t n = 0;
    while (n < most && (n < RUN_PAST_ARRIVAL || end_ns < engine->next_arrival_ns)) {
        end_ns += ts_steptime_ns(base_s + per_kv_s * kv_tok);
        kv_tok += run->n_seqs;
        ends_ns[n++] = end_ns;
    }
    replica->mode = REPLICA_RUN;
    replica->start_ns = engine->now_ns;
    replica->prefill_tok = 0.0;
    replica->n_seqs = run->n_seqs;
    replica->blocks_used = run->blocks_used;
    replica->new_blocks = run->new_blocks;
    replica->n_steps = n;
    schedule_step(tier, engine, replica, end_ns);
}

/* The blocks in use over the first n_steps of the run; returns those in the last of them. */
static uint64_t account_run_blocks(struct ts_account *account, const struct replica *replica, uint32_t block_tok,
                                   uint32_t n_steps)
{
    uint64_t n_blocks = replica->blocks_used;
    int64_t from_ns = replica->start_ns;
    uint32_t phase = 0;
    for (uint32_t j = 0; j < n_steps; j++) {
        n_blocks += replica->new_blocks[phase];
        phase = phase + 1 == block_tok ? 0 : phase + 1;
        account_blocks(account, n_blocks, from_ns, replica->ends_ns[j]);
        from_ns = replica->ends_ns[j];
    }
    return n_blocks;
}

static void add_run_gaps(struct ts_tier *tier, struct ts_engine *engine, const struct replica *replica,
                         uint32_t n_steps)
{
    const struct server *server = tier->state;
    for (uint32_t c = 0; c < server->n_classes; c++) {
        const uint32_t n = replica->n_in_step[c];
        struct ts_hist *itl = ts_ledger_itl(&engine->ledger, tier->index, c);
        int64_t from_ns = replica->start_ns;
        for (uint32_t j = 0; n > 0 && j < n_steps; j++) {
            ts_hist_add_n(itl, replica->ends_ns[j] - from_ns, n);
            from_ns = replica->ends_ns[j];
        }
    }
}

/* The books of the first n_steps of the run; returns the blocks in use in the last of them. */
static uint64_t account_run(struct ts_tier *tier, struct ts_engine *engine, const struct replica *replica,
                            uint32_t n_steps)
{
    const struct server *server = tier->state;
    if (n_steps > 0) {
        add_run_gaps(tier, engine, replica, n_steps);
        account_step(tier, engine, replica, replica->ends_ns[n_steps - 1], n_steps);
    }
    return account_run_blocks(&engine->ledger.accounts[tier->index], replica, server->config.block_tok, n_steps);
}

static void end_run(struct ts_tier *tier, struct ts_engine *engine, struct replica *replica)
{
    struct ts_scheduler_step step;
    TS_CHECK(replica->ends_ns[replica->n_steps - 1] == engine->now_ns);
    (void)account_run(tier, engine, replica, replica->n_steps);
    ts_scheduler_advance(replica->scheduler, replica->n_steps, &step);
    finish_all(engine, replica, &step);
}

/* How many of the run's steps have ended by now. */
static uint32_t steps_ended(const struct replica *replica, int64_t now_ns)
{
    uint32_t low = 0;
    uint32_t high = replica->n_steps;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (replica->ends_ns[middle] <= now_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The waiting queue has changed: a run in which its head could enter ends with the step under way. */
static void cut_run(struct ts_tier *tier, struct ts_engine *engine, struct replica *replica)
{
    if (replica->mode != REPLICA_RUN || ts_scheduler_run_goes_on(replica->scheduler)) {
        return;
    }
    const uint32_t n_steps = steps_ended(replica, engine->now_ns) + 1;
    if (n_steps < replica->n_steps) {
        replica->n_steps = n_steps;
        schedule_step(tier, engine, replica, replica->ends_ns[n_steps - 1]);
    }
}

/* ---- the functions of the tier ---- */

static void proceed(struct ts_tier *tier, struct ts_engine *engine, struct replica *replica)
{
    struct ts_scheduler_run run;
    struct ts_scheduler_plan plan;
    if (!engine->single_steps && ts_scheduler_steady(replica->scheduler, &run)) {
        begin_run(tier, engine, replica, &run);
    } else if (ts_scheduler_plan(replica->scheduler, &plan)) {
        begin_step(tier, engine, replica, &plan);
    } else {
        replica->mode = REPLICA_IDLE;
    }
}

static void server_fire(struct ts_tier *tier, struct ts_engine *engine, enum ts_event_kind kind, uint32_t target,
                        uint32_t stamp)
{
    struct server *server = tier->state;
    struct replica *replica = &server->replicas[target];
    TS_CHECK(kind == TS_EVENT_STEP);
    if (stamp != replica->stamp) {
        return;
    }
    engine->last_ns = engine->now_ns;
    if (replica->mode == REPLICA_RUN) {
        end_run(tier, engine, replica);
    } else {
        end_step(tier, engine, replica);
    }
    proceed(tier, engine, replica);
}

static bool server_can_hold(const struct ts_tier *tier, const struct ts_request *request)
{
    const struct server *server = tier->state;
    const uint64_t n_tok = (uint64_t)request->prompt_tok + request->output_tok;
    return (server->context_tok == 0 || n_tok <= server->context_tok) &&
           ts_scheduler_can_hold(&server->config, request->prompt_tok, request->output_tok);
}

static double server_pressure(const struct ts_tier *tier, const struct ts_engine *engine,
                              const struct ts_request *request)
{
    (void)engine;
    (void)request;
    const struct server *server = tier->state;
    const double n_seats = (double)server->model->n_replicas * server->model->max_seqs;
    uint64_t n_present = 0;
    for (uint32_t i = 0; i < server->model->n_replicas; i++) {
        n_present +=
            ts_scheduler_waiting(server->replicas[i].scheduler) + ts_scheduler_running(server->replicas[i].scheduler);
    }
    const double n_beyond = (double)n_present + 1.0 - n_seats;
    return n_beyond > 0.0 ? n_beyond / n_seats : 0.0;
}

/* The replica with the fewest requests that has room; NULL if none has. */
static struct replica *shortest_queue(const struct server *server)
{
    struct replica *best = NULL;
    uint32_t fewest = UINT32_MAX;
    for (uint32_t i = 0; i < server->model->n_replicas; i++) {
        struct replica *replica = &server->replicas[i];
        const uint32_t n_waiting = ts_scheduler_waiting(replica->scheduler);
        const uint32_t n = n_waiting + ts_scheduler_running(replica->scheduler);
        if (n < fewest && n_waiting < server->max_queue) {
            fewest = n;
            best = replica;
        }
    }
    return best;
}

static bool server_enter(struct ts_tier *tier, struct ts_engine *engine, uint32_t id)
{
    struct server *server = tier->state;
    struct replica *replica = shortest_queue(server);
    struct ts_flight *flight = ts_engine_flight(engine, id);
    if (!replica) {
        return false;
    }
    const struct ts_request *request = &flight->request;
    const enum ts_status status =
        ts_scheduler_submit(replica->scheduler, &flight->handle, id, request->prompt_tok, request->output_tok);
    if (status != TS_OK) {
        ts_engine_fail(engine, status);
        return false;
    }
    ts_engine_accept(engine, id);
    flight->unit = (uint32_t)(replica - server->replicas);
    flight->in_step = false;
    if (replica->mode == REPLICA_IDLE) {
        proceed(tier, engine, replica);
    } else {
        cut_run(tier, engine, replica);
    }
    return true;
}

static void server_abandon(struct ts_tier *tier, struct ts_engine *engine, uint32_t id)
{
    struct server *server = tier->state;
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    struct replica *replica = &server->replicas[flight->unit];
    ts_scheduler_abort(replica->scheduler, flight->handle);
    cut_run(tier, engine, replica);
}

/* A step under way counts as energy and busy time until now; its tokens are lost. */
static void server_close(struct ts_tier *tier, struct ts_engine *engine)
{
    struct server *server = tier->state;
    struct ts_account *account = &engine->ledger.accounts[tier->index];
    for (uint32_t i = 0; i < server->model->n_replicas; i++) {
        struct replica *replica = &server->replicas[i];
        if (replica->mode == REPLICA_RUN) {
            const uint32_t n_done = steps_ended(replica, engine->now_ns);
            replica->blocks_used = account_run(tier, engine, replica, n_done);
            replica->blocks_used += replica->new_blocks[n_done % server->config.block_tok];
            replica->start_ns = n_done > 0 ? replica->ends_ns[n_done - 1] : replica->start_ns;
        }
        if (replica->mode != REPLICA_IDLE && engine->now_ns > replica->start_ns) {
            account_step(tier, engine, replica, engine->now_ns, 0);
            account_blocks(account, replica->blocks_used, replica->start_ns, engine->now_ns);
        }
        replica->mode = REPLICA_IDLE;
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
