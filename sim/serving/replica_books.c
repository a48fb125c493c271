/* Hides what steps leave behind: in the books, in the gaps between tokens, and for the requests that are in them. */
#include "base/check.h"
#include "sim/serving/replica_parts.h"

static double step_w(const struct ts_replica *replica)
{
    const struct ts_power_model *power = replica->config->power;
    const double n = replica->n_seqs;
    if (replica->prefill_tok > 0.0 || power->decode_rise_w <= 0.0) {
        return replica->prefill_tok > 0.0 ? power->prefill_w : power->decode_w;
    }
    return power->decode_w + power->decode_rise_w * n / (n + power->half_seqs);
}

void ts_replica_account_steps(const struct ts_replica *replica, struct ts_engine *engine, int64_t until_ns,
                              uint32_t n_steps)
{
    struct ts_pool_account *account = &engine->ledger.pools[replica->config->book];
    ts_ledger_work(&engine->ledger, replica->config->book, replica->start_ns, until_ns, step_w(replica));
    if (replica->start_ns < engine->ledger.warmup_ns) {
        return;
    }
    account->n_steps += n_steps;
    account->n_step_seqs += (uint64_t)n_steps * replica->n_seqs;
    if (n_steps > 0) {
        const double n = n_steps;
        ts_ledger_steps(&engine->ledger, replica->config->book, n_steps, replica->step_tok,
                        n * replica->kv_read_tok + replica->kv_growth_tok * (n * (n - 1.0) / 2.0),
                        replica->prefill_pairs);
    }
}

uint32_t ts_replica_gap_row(const struct ts_replica *replica, const struct ts_engine *engine,
                            const struct ts_request *request)
{
    return ts_ledger_leaves_out(&engine->ledger, request) ? replica->config->n_classes : request->class_id;
}

void ts_replica_add_gaps(const struct ts_replica *replica, struct ts_engine *engine, int64_t gap_ns)
{
    for (uint32_t c = 0; c < replica->config->n_classes; c++) {
        if (replica->n_in_step[c] > 0) {
            ts_hist_add_n(ts_ledger_itl(&engine->ledger, replica->config->tier, c), gap_ns, replica->n_in_step[c]);
        }
    }
}

static void give_started(struct ts_replica *replica, struct ts_engine *engine, const struct ts_scheduler_step *step)
{
    for (uint32_t i = 0; i < step->n_started; i++) {
        struct ts_flight *flight = ts_engine_flight(engine, step->started[i]);
        const uint32_t row = ts_replica_gap_row(replica, engine, &flight->request);
        if (flight->first_ns == TS_NEVER_NS) {
            flight->first_ns = engine->now_ns;
            ts_engine_first_token(engine, step->started[i]);
        } else if (row < replica->config->n_classes) {
            ts_hist_add(ts_ledger_itl(&engine->ledger, replica->config->tier, flight->request.class_id),
                        engine->now_ns - flight->token_ns);
        }
        flight->in_step = true;
        replica->n_in_step[row]++;
    }
}

/* Tokens that are given at once have no gap between them. */
static void give_several(const struct ts_replica *replica, struct ts_engine *engine,
                         const struct ts_scheduler_step *step)
{
    for (uint32_t i = 0; i < step->n_several; i++) {
        const uint32_t row = ts_replica_gap_row(replica, engine, &ts_engine_flight(engine, step->several[i])->request);
        if (row < replica->config->n_classes) {
            ts_hist_add_n(ts_ledger_itl(&engine->ledger, replica->config->tier, row), 0, step->several_tok[i] - 1);
        }
    }
}

void ts_replica_give_tokens(struct ts_replica *replica, struct ts_engine *engine, const struct ts_scheduler_step *step)
{
    give_started(replica, engine, step);
    give_several(replica, engine, step);
}

void ts_replica_note_blocks(struct ts_replica *replica, struct ts_engine *engine)
{
    if (replica->config->role == TS_POOL_PREFILL) {
        ts_ledger_blocks(&engine->ledger, replica->config->book, replica->noted_ns, engine->now_ns,
                         replica->blocks_noted);
        replica->noted_ns = engine->now_ns;
        replica->blocks_noted = ts_scheduler_blocks_used(replica->scheduler);
    }
}

static void finish_one(const struct ts_replica *replica, struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    if (replica->config->role == TS_POOL_PREFILL && flight->request.output_tok > 1) {
        flight->in_step = false;
        flight->token_ns = engine->now_ns;
        flight->crossed_ns = TS_NEVER_NS;
        replica->config->hand_on(replica->config->owner, engine, id);
    } else {
        ts_engine_finish(engine, id, TS_DONE);
    }
}

void ts_replica_finish_all(struct ts_replica *replica, struct ts_engine *engine, const struct ts_scheduler_step *step)
{
    for (uint32_t i = 0; i < step->n_finished; i++) {
        const struct ts_flight *flight = ts_engine_flight(engine, step->finished[i]);
        const uint32_t row = ts_replica_gap_row(replica, engine, &flight->request);
        TS_CHECK(flight->in_step && replica->n_in_step[row] > 0);
        replica->n_in_step[row]--;
        finish_one(replica, engine, step->finished[i]);
    }
}

void ts_replica_schedule(struct ts_replica *replica, struct ts_engine *engine, int64_t end_ns)
{
    const struct ts_tier *tier = &engine->tiers[replica->config->tier];
    replica->end_ns = end_ns;
    ts_engine_schedule(engine, end_ns, TS_EVENT_STEP, ts_engine_unit(tier, replica->unit), ++replica->stamp);
}
