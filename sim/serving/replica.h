/* A replica: one continuous-batching scheduler driven by modelled step times. It advances itself with STEP events of
 * its unit, books steps, gaps and KV blocks in the ledger, and ends its requests. Which replica a request joins is the
 * tier's decision (sim/server). */
#ifndef TS_SIM_SERVING_REPLICA_H
#define TS_SIM_SERVING_REPLICA_H

#include "sim/engine.h"
#include "sim/serving/scheduler.h"
#include "sim/serving/steptime.h"

struct ts_replica;

/* What the replicas of a pool have in common. */
struct ts_replica_config {
    struct ts_scheduler_config scheduler;
    const struct ts_steps_model *steps;
    const struct ts_power_model *power;
    double draft_s; /* of the draft model, in every step in which anybody decodes */
    double weight;  /* its speed beside that of others, for the balancers */
    uint32_t tier;  /* whose requests it serves */
    uint32_t book;  /* its pool's, for its work: see sim/ledger.h */
    uint32_t n_classes;
    double kv_block_bytes; /* with KV levels */
    bool plans_ahead;      /* a step is planned when the one before it begins */
    int64_t launch_ns;     /* that replies to prompts of which more than graph_tok tokens are computed come later */
    uint32_t graph_tok;
    enum ts_pool_role role;
    /* PREFILL: takes over a request with further tokens to come, whose blocks stay in use until ts_replica_release. */
    void (*hand_on)(void *owner, struct ts_engine *engine, uint32_t id);
    void *owner;
};

/* Whether it serves: see sim/fleet. */
enum ts_replica_life {
    TS_REPLICA_UP,
    TS_REPLICA_DRAINING, /* finishes what it has, takes nothing new */
    TS_REPLICA_STARTING, /* draws idle power, serves nothing yet */
    TS_REPLICA_OFF,
    TS_REPLICA_BROKEN,
};

enum ts_replica_mode { TS_REPLICA_IDLE, TS_REPLICA_STEP, TS_REPLICA_RUN };

struct ts_replica {
    const struct ts_replica_config *config; /* borrowed */
    struct ts_kv_levels levels;             /* after its cache: its own, and the tier's; set before init */
    struct ts_scheduler *scheduler;
    uint32_t unit; /* of its tier: the target of its events */
    enum ts_replica_life life;
    uint32_t life_stamp; /* of its pending LIFE event */
    bool is_doomed;      /* an incident or notice has it: it breaks at that event, at the latest, for outage_s */
    double outage_s;
    enum ts_replica_mode mode;
    uint32_t stamp;     /* of its pending event */
    int64_t start_ns;   /* of the step or run under way */
    int64_t end_ns;     /* of the step or run under way */
    double prefill_tok; /* in the step under way */
    double heat;        /* of its pace's memory, at heat_ns */
    int64_t heat_ns;
    double kv_read_tok;   /* in the step under way; in the first step of a run */
    double kv_growth_tok; /* what each further step of the run reads more */
    double prefill_pairs; /* in the step under way */
    double step_tok;      /* in each step under way */
    uint32_t n_seqs;      /* in each step under way */
    uint64_t blocks_used; /* in the step under way; before the first step of a run */
    uint32_t n_steps;     /* of the run */
    struct ts_step_lines lines;
    const uint32_t *new_blocks; /* of the run, see ts_scheduler_run */
    int64_t *ends_ns;           /* of the run's steps */
    uint32_t *n_in_step;        /* [n_classes] flights with in_step */
    uint64_t blocks_noted;      /* PREFILL: in use since noted_ns */
    int64_t noted_ns;
    double credit;              /* weighted round robin: see sim/balance */
    uint32_t inbox, inbox_last; /* requests that the scheduler does not know yet, linked by `next` */
    uint32_t n_inbox;
};

/* TS_ENOMEM, or TS_ERANGE for settings that no scheduler takes. Deinit in either case; the caller zeroed it. */
enum ts_status ts_replica_init(struct ts_replica *out, const struct ts_replica_config *config, uint32_t unit);
void ts_replica_deinit(struct ts_replica *replica);

/* Takes a request in (and calls ts_engine_accept, unless it is in the tier). The status is the scheduler's. */
enum ts_status ts_replica_submit(struct ts_replica *replica, struct ts_engine *engine, uint32_t id);
/* Forgets a request that has not given a token yet. */
void ts_replica_abandon(struct ts_replica *replica, struct ts_engine *engine, uint32_t id);
/* A SERVICE event of one of its requests: blocks that it waited for are there. */
void ts_replica_loaded(struct ts_replica *replica, struct ts_engine *engine, uint32_t id);
/* A request that it has handed on: its blocks are free again. */
void ts_replica_release(struct ts_replica *replica, struct ts_engine *engine, uint32_t id);
/* A STEP event of its unit. */
void ts_replica_fire(struct ts_replica *replica, struct ts_engine *engine, uint32_t stamp);
/* The requests that it has, in no order that means anything; returns how many, at most ts_replica_outstanding. */
uint32_t ts_replica_flights(const struct ts_replica *replica, const struct ts_engine *engine, uint32_t *ids);
/* It breaks now: the work of the step under way is lost, every request is forgotten (by the replica alone) and so is
 * its cache. On TS_ENOMEM nothing is. */
enum ts_status ts_replica_break(struct ts_replica *replica, struct ts_engine *engine);
/* The run ends now: a step under way counts as energy and busy time until now; its tokens are lost. */
void ts_replica_close(struct ts_replica *replica, struct ts_engine *engine);

static inline uint32_t ts_replica_waiting(const struct ts_replica *replica)
{
    return replica->n_inbox + ts_scheduler_waiting(replica->scheduler);
}

static inline bool ts_replica_is_idle(const struct ts_replica *replica)
{
    return replica->mode == TS_REPLICA_IDLE;
}

/* Could it ever serve that request? */
static inline bool ts_replica_can_hold(const struct ts_replica_config *config, const struct ts_request *request)
{
    const uint32_t output_tok = config->role == TS_POOL_PREFILL ? 1 : request->output_tok;
    return ts_scheduler_can_hold(&config->scheduler, request->prompt_tok, output_tok);
}

/* KV blocks in use by the step under way. */
uint64_t ts_replica_blocks(const struct ts_replica *replica, int64_t now_ns);

/* Waiting and running. */
static inline uint32_t ts_replica_outstanding(const struct ts_replica *replica)
{
    return ts_replica_waiting(replica) + ts_scheduler_running(replica->scheduler);
}

#endif
