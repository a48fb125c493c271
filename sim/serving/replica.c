/* Hides how a replica advances. Two ways, with the same result:
 *  - a planned step is one event: plan, wait for the step's time, commit;
 *  - a run: while the batch only decodes and nobody can enter, one event stands for many steps (replica_run.c).
 * With plans_ahead, as vLLM's asynchronous scheduling has it, a step is planned when the one before it begins. A
 * request that comes while a step is under way is noticed when that ends; the next step is planned by then, and the
 * request can enter the one after it. It waits in an inbox until then, in either way of advancing. (What a finished
 * sequence leaves free is used by the next step here, where vLLM needs one step more.)
 *
 * A step's time is rounded to whole nanoseconds, so both ways come to the same instants; a property test compares
 * them.
 *
 * Gaps between tokens: a sequence in decode gets a token at the end of every step, so the step's length is the gap of
 * all of them: they are counted by class and added at once. A preempted sequence leaves that count with the time of its
 * last token, and its next token closes one long gap; likewise one that pauses while prompts go first. The gaps of
 * requests that end unfinished count as well; those of requests that came in the warm-up do not: they are counted in a
 * row of their own, after the classes.
 *
 * A replica for prompts alone never runs: it gives first tokens. Its blocks may be in use while it idles, so they are
 * booked whenever their number changes, in place of step by step. */
#include "sim/serving/replica_parts.h"

#include <stdlib.h>

#include "base/check.h"
#include "sim/serving/steptime.h"

/* ---- life ---- */

static enum ts_status create_scheduler(struct ts_scheduler **out, const struct ts_replica *replica)
{
    struct ts_scheduler_config config = replica->config->scheduler;
    config.levels = replica->levels.n > 0 ? &replica->levels : NULL;
    return ts_scheduler_create(out, &config);
}

enum ts_status ts_replica_init(struct ts_replica *out, const struct ts_replica_config *config, uint32_t unit)
{
    out->config = config;
    out->unit = unit;
    out->ends_ns = calloc(TS_REPLICA_RUN_MAX + TS_REPLICA_ROUND, sizeof *out->ends_ns);
    out->n_in_step = calloc((size_t)config->n_classes + 1, sizeof *out->n_in_step);
    if (!out->ends_ns || !out->n_in_step) {
        return TS_ENOMEM;
    }
    return create_scheduler(&out->scheduler, out);
}

void ts_replica_deinit(struct ts_replica *replica)
{
    ts_scheduler_destroy(replica->scheduler);
    free(replica->ends_ns);
    free(replica->n_in_step);
    *replica = (struct ts_replica){0};
}

/* ---- planned steps ---- */

/* Its last token came just now, and its next one closes a gap of its own. */
static void leave_step(struct ts_replica *replica, const struct ts_engine *engine, struct ts_flight *flight)
{
    if (flight->in_step) {
        replica->n_in_step[ts_replica_gap_row(replica, engine, &flight->request)]--;
        flight->in_step = false;
        flight->token_ns = engine->now_ns;
    }
}

/* Admitted, with that many tokens of its prompt in the cache; a preempted one is not new. Who comes from a prefill
 * replica has its first token here. */
static void note_begin(const struct ts_replica *replica, const struct ts_engine *engine, struct ts_flight *flight,
                       uint32_t found_tok)
{
    if (flight->start_ns == TS_NEVER_NS) {
        flight->found_tok = found_tok;
        flight->start_ns = engine->now_ns;
        flight->down_ns +=
            flight->request.prompt_tok - found_tok > replica->config->graph_tok ? replica->config->launch_ns : 0;
    }
    if (flight->crossed_ns == TS_NEVER_NS) {
        flight->crossed_ns = engine->now_ns - flight->token_ns;
        flight->token_ns = engine->now_ns;
    }
}

static void note_plan(struct ts_replica *replica, struct ts_engine *engine, const struct ts_scheduler_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_preempted; i++) {
        struct ts_flight *flight = ts_engine_flight(engine, plan->preempted[i]);
        flight->n_preemptions++;
        leave_step(replica, engine, flight);
    }
    for (uint32_t i = 0; i < plan->n_paused; i++) {
        leave_step(replica, engine, ts_engine_flight(engine, plan->paused[i]));
    }
    for (uint32_t i = 0; i < plan->n_admitted; i++) {
        note_begin(replica, engine, ts_engine_flight(engine, plan->admitted[i]), plan->found[i]);
    }
    struct ts_pool_account *account = &engine->ledger.pools[replica->config->book];
    account->n_preemptions += plan->n_preempted;
    account->looked_up_tok += plan->looked_up_tok;
    account->found_tok += plan->found_tok;
}

/* Brings its memory up to now: since it last was, a step with prompt tokens ran, or another or none. */
static void remember(struct ts_replica *replica, const struct ts_engine *engine, bool has_prompt)
{
    const struct ts_pace *pace = engine->options->pace;
    if (pace && pace->memory) {
        const double seconds = 1e-9 * (double)(engine->now_ns - replica->heat_ns);
        replica->heat = ts_pace_heat(replica->heat, seconds, has_prompt, pace->memory->memory_s);
        replica->heat_ns = engine->now_ns;
    }
}

/* The model's time, or that of the live run that is replayed. */
static double step_s(const struct ts_replica *replica, struct ts_engine *engine, const struct ts_batch_load *load)
{
    if (!engine->recorded_s || engine->n_recorded == 0) {
        const struct ts_pace *pace = engine->options->pace;
        const double model_s =
            ts_steptime_s(replica->config->steps, load) + (load->n_decode > 0 ? replica->config->draft_s : 0.0);
        const double now_s = 1e-9 * (double)engine->now_ns;
        return pace ? ts_pace_step_s(pace, now_s, model_s, load->prefill_tok > 0, replica->heat) : model_s;
    }
    const size_t last = engine->n_recorded - 1;
    const size_t i = engine->next_recorded < last ? engine->next_recorded : last;
    engine->next_recorded++;
    return engine->recorded_s[i];
}

/* Loads begin; events say when they are there. */
static void note_loads(const struct ts_replica *replica, struct ts_engine *engine, const struct ts_scheduler_plan *plan)
{
    struct ts_pool_account *account = &engine->ledger.pools[replica->config->book];
    const double block_bytes = replica->config->kv_block_bytes;
    for (uint32_t i = 0; i < plan->n_loads; i++) {
        const struct ts_scheduler_load *load = &plan->loads[i];
        struct ts_flight *flight = ts_engine_flight(engine, load->tag);
        uint64_t tok[TS_MAX_KV_LEVELS] = {0};
        flight->end_ns = ts_kv_levels_load_ns(&replica->levels, &load->found, block_bytes, engine->now_ns);
        ts_engine_schedule_flight(engine, flight->end_ns, TS_EVENT_LOADED, load->tag);
        for (uint32_t k = 0; k < replica->levels.n; k++) {
            tok[k] = load->is_first ? (uint64_t)load->found.n_blocks[k] * replica->config->scheduler.block_tok : 0;
            account->kv_load_bytes += load->found.n_blocks[k] * block_bytes;
        }
        account->n_kv_loads++;
        account->kv_load_s += (double)(flight->end_ns - engine->now_ns) * 1e-9;
        account->level1_tok += tok[0];
        account->level2_tok += tok[1];
        account->level3_tok += tok[2];
    }
}

static void begin_step(struct ts_replica *replica, struct ts_engine *engine, const struct ts_scheduler_plan *plan)
{
    note_plan(replica, engine, plan);
    ts_engine_toil(engine, plan->load.n_seqs);
    replica->mode = TS_REPLICA_STEP;
    replica->start_ns = engine->now_ns;
    replica->prefill_tok = plan->load.prefill_tok;
    replica->step_tok = (double)plan->load.n_decode + plan->load.prefill_tok;
    replica->kv_read_tok = plan->load.kv_read_tok;
    replica->prefill_pairs = plan->load.prefill_pairs;
    replica->n_seqs = plan->load.n_seqs;
    replica->blocks_used = plan->blocks_used;
    ts_replica_note_blocks(replica, engine);
    remember(replica, engine, false);
    const int64_t step_ns = ts_steptime_ns(step_s(replica, engine, &plan->load));
    if (engine->options->on_step) {
        engine->options->on_step(engine->options->step_user, replica->unit, engine->now_ns, step_ns, &plan->load);
    }
    ts_replica_schedule(replica, engine, engine->now_ns + step_ns);
}

static void end_step(struct ts_replica *replica, struct ts_engine *engine)
{
    struct ts_scheduler_step step;
    remember(replica, engine, replica->prefill_tok > 0.0);
    ts_replica_account_steps(replica, engine, engine->now_ns, 1);
    if (replica->config->role != TS_POOL_PREFILL) {
        ts_ledger_blocks(&engine->ledger, replica->config->book, replica->start_ns, engine->now_ns,
                         replica->blocks_used);
    }
    ts_replica_add_gaps(replica, engine, engine->now_ns - replica->start_ns);
    ts_scheduler_commit(replica->scheduler, &step);
    ts_replica_note_blocks(replica, engine);
    ts_replica_give_tokens(replica, engine, &step);
    ts_replica_finish_all(replica, engine, &step);
}

/* ---- the inbox ---- */

/* When the step under way ends. */
static int64_t step_end_ns(const struct ts_replica *replica, int64_t now_ns)
{
    return replica->mode == TS_REPLICA_RUN ? replica->ends_ns[ts_replica_steps_ended(replica, now_ns)]
                                           : replica->end_ns;
}

static uint64_t luck_of(const struct ts_replica *replica, const struct ts_engine *engine,
                        const struct ts_request *request)
{
    struct ts_rng rng;
    if (replica->config->scheduler.draft_tok == 0) {
        return 0;
    }
    ts_engine_rng(engine, &rng, request, TS_PURPOSE_DRAFT, 0, 0);
    return ts_rng_u64(&rng);
}

static enum ts_status hand_over(struct ts_replica *replica, struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_request *request = &flight->request;
    const enum ts_pool_role role = replica->config->role;
    ts_engine_toil(engine, request->prefix.n_ids);
    flight->end_ns = TS_NEVER_NS; /* of a load elsewhere */
    const struct ts_scheduler_extras extras = {.priority = request->priority,
                                               .prefix = request->prefix,
                                               .luck = luck_of(replica, engine, request),
                                               .holds = role == TS_POOL_PREFILL && request->output_tok > 1,
                                               .joins = role == TS_POOL_DECODE};
    return ts_scheduler_submit_with(replica->scheduler, &flight->handle, id, request->prompt_tok,
                                    role == TS_POOL_PREFILL ? 1 : request->output_tok, &extras);
}

static void put_in_inbox(struct ts_replica *replica, struct ts_engine *engine, uint32_t id)
{
    ts_engine_flight(engine, id)->next = TS_FLIGHT_NONE;
    if (replica->n_inbox++ == 0) {
        replica->inbox = id;
    } else {
        ts_engine_flight(engine, replica->inbox_last)->next = id;
    }
    replica->inbox_last = id;
}

static bool take_from_inbox(struct ts_replica *replica, struct ts_engine *engine, uint32_t id)
{
    uint32_t before = TS_FLIGHT_NONE;
    uint32_t at = replica->inbox;
    for (uint32_t i = 0; i < replica->n_inbox; i++) {
        const uint32_t next = ts_engine_flight(engine, at)->next;
        if (at == id) {
            if (i == 0) {
                replica->inbox = next;
            } else {
                ts_engine_flight(engine, before)->next = next;
            }
            replica->inbox_last = at == replica->inbox_last ? before : replica->inbox_last;
            replica->n_inbox--;
            return true;
        }
        before = at;
        at = next;
    }
    return false;
}

/* Hands over those that were noticed before `until_ns`. */
static void empty_inbox(struct ts_replica *replica, struct ts_engine *engine, int64_t until_ns)
{
    while (replica->n_inbox > 0 && ts_engine_flight(engine, replica->inbox)->noticed_ns < until_ns) {
        const uint32_t id = replica->inbox;
        (void)take_from_inbox(replica, engine, id);
        ts_engine_fail(engine, hand_over(replica, engine, id));
    }
}

/* ---- what others see ---- */

/* Begins a step or a run; false: there is nothing to do. */
static bool begin(struct ts_replica *replica, struct ts_engine *engine)
{
    struct ts_scheduler_run run;
    struct ts_scheduler_plan plan;
    if (!engine->single_steps && ts_scheduler_steady(replica->scheduler, &run)) {
        ts_replica_begin_run(replica, engine, &run);
        return true;
    }
    const bool has_step = ts_scheduler_plan(replica->scheduler, &plan);
    note_loads(replica, engine, &plan);
    if (has_step) {
        begin_step(replica, engine, &plan);
    }
    return has_step;
}

static void proceed(struct ts_replica *replica, struct ts_engine *engine)
{
    empty_inbox(replica, engine, engine->now_ns);
    bool begun = begin(replica, engine);
    if (!begun && replica->n_inbox > 0) {
        empty_inbox(replica, engine, TS_NEVER_NS); /* nothing was planned ahead */
        begun = begin(replica, engine);
    }
    if (!begun) {
        replica->mode = TS_REPLICA_IDLE;
    }
}

void ts_replica_fire(struct ts_replica *replica, struct ts_engine *engine, uint32_t stamp)
{
    if (stamp != replica->stamp) {
        return;
    }
    engine->last_ns = engine->now_ns;
    if (replica->mode == TS_REPLICA_RUN) {
        ts_replica_end_run(replica, engine);
    } else {
        end_step(replica, engine);
    }
    proceed(replica, engine);
}

enum ts_status ts_replica_submit(struct ts_replica *replica, struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const bool idle = replica->mode == TS_REPLICA_IDLE;
    const bool waits = !idle && replica->config->plans_ahead;
    const enum ts_status status = waits ? TS_OK : hand_over(replica, engine, id);
    if (status != TS_OK) {
        return status;
    }
    if (!flight->in_tier) {
        ts_engine_accept(engine, id);
    }
    flight->unit = replica->unit;
    flight->in_step = false;
    flight->noticed_ns = idle ? engine->now_ns : step_end_ns(replica, engine->now_ns);
    if (idle) {
        proceed(replica, engine);
    } else if (waits) {
        put_in_inbox(replica, engine, id);
        ts_replica_shorten_run(replica, engine, ts_replica_steps_ended(replica, engine->now_ns) + 2);
    } else {
        ts_replica_cut_run(replica, engine);
    }
    return TS_OK;
}

/* Blocks were given back: a run ends with the step under way. */
static void end_run_soon(struct ts_replica *replica, struct ts_engine *engine)
{
    ts_replica_shorten_run(replica, engine, ts_replica_steps_ended(replica, engine->now_ns) + 1);
}

void ts_replica_abandon(struct ts_replica *replica, struct ts_engine *engine, uint32_t id)
{
    if (take_from_inbox(replica, engine, id)) {
        return;
    }
    ts_scheduler_abort(replica->scheduler, ts_engine_flight(engine, id)->handle);
    if (replica->levels.n > 0) {
        end_run_soon(replica, engine); /* it may have held blocks */
    }
    ts_replica_cut_run(replica, engine);
}

void ts_replica_loaded(struct ts_replica *replica, struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    flight->end_ns = TS_NEVER_NS;
    ts_scheduler_loaded(replica->scheduler, flight->handle, id);
    if (ts_replica_is_idle(replica)) {
        proceed(replica, engine);
    } else {
        end_run_soon(replica, engine);
    }
}

void ts_replica_release(struct ts_replica *replica, struct ts_engine *engine, uint32_t id)
{
    ts_scheduler_release(replica->scheduler, ts_engine_flight(engine, id)->handle);
    ts_replica_note_blocks(replica, engine);
    if (ts_replica_is_idle(replica) && ts_replica_waiting(replica) > 0) {
        proceed(replica, engine); /* its queue waited for blocks */
    }
}

void ts_replica_close(struct ts_replica *replica, struct ts_engine *engine)
{
    ts_replica_note_blocks(replica, engine);
    if (replica->mode == TS_REPLICA_RUN) {
        const uint32_t n_done = ts_replica_steps_ended(replica, engine->now_ns);
        replica->blocks_used = ts_replica_account_run(replica, engine, n_done);
        replica->blocks_used += replica->new_blocks[n_done % replica->config->scheduler.block_tok];
        replica->start_ns = n_done > 0 ? replica->ends_ns[n_done - 1] : replica->start_ns;
    }
    if (replica->mode != TS_REPLICA_IDLE && engine->now_ns > replica->start_ns) {
        ts_replica_account_steps(replica, engine, engine->now_ns, 0);
        if (replica->config->role != TS_POOL_PREFILL) {
            ts_ledger_blocks(&engine->ledger, replica->config->book, replica->start_ns, engine->now_ns,
                             replica->blocks_used);
        }
    }
    replica->mode = TS_REPLICA_IDLE;
}

uint32_t ts_replica_flights(const struct ts_replica *replica, const struct ts_engine *engine, uint32_t *ids)
{
    uint32_t n = ts_scheduler_tags(replica->scheduler, ids);
    uint32_t id = replica->inbox;
    for (uint32_t i = 0; i < replica->n_inbox; i++) {
        ids[n++] = id;
        id = ts_engine_flight(engine, id)->next;
    }
    return n;
}

enum ts_status ts_replica_break(struct ts_replica *replica, struct ts_engine *engine)
{
    struct ts_scheduler *fresh = NULL;
    const enum ts_status status = create_scheduler(&fresh, replica);
    if (status != TS_OK) {
        return status;
    }
    ts_replica_close(replica, engine);
    ts_scheduler_destroy(replica->scheduler);
    replica->scheduler = fresh;
    replica->n_inbox = 0;
    replica->stamp++;
    for (uint32_t c = 0; c <= replica->config->n_classes; c++) {
        replica->n_in_step[c] = 0;
    }
    return TS_OK;
}

uint64_t ts_replica_blocks(const struct ts_replica *replica, int64_t now_ns)
{
    if (replica->config->role == TS_POOL_PREFILL) {
        return replica->blocks_noted;
    }
    if (replica->mode == TS_REPLICA_IDLE) {
        return 0;
    }
    if (replica->mode == TS_REPLICA_STEP) {
        return replica->blocks_used;
    }
    const uint32_t block_tok = replica->config->scheduler.block_tok;
    const uint32_t n_begun = ts_replica_steps_ended(replica, now_ns) + 1;
    uint64_t n_blocks = replica->blocks_used;
    for (uint32_t j = 0; j < n_begun; j++) {
        n_blocks += replica->new_blocks[j % block_tok];
    }
    return n_blocks;
}
