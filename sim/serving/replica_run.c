/* Hides runs: while the batch only decodes and nobody can enter, the ends of many steps are computed ahead in one loop,
 * and one event stands for all of them. Nothing that others see of the replica changes inside a run. A request that
 * could enter cuts the run at the end of the step under way. A run that begins in the warm-up ends with the step in
 * which that ends. */
#include "base/check.h"
#include "sim/serving/replica_parts.h"
#include "sim/serving/steptime.h"

/* What a run's steps are computed from, as far as it has come. */
struct run_ahead {
    const struct ts_steps_model *steps;
    struct ts_batch_load load; /* of the next step */
    struct ts_step_line line;  /* that it lies on */
    double kv_growth_tok;      /* from one step to the next */
};

/* Do steps that read these entries, the first and the last of some, lie above the floor and within what a step may
 * take? Those between them do then. */
static bool lie_on_slope(const struct ts_step_line *line, double first_kv, double last_kv)
{
    const double first_s = line->base_s + line->per_kv_s * first_kv, last_s = line->base_s + line->per_kv_s * last_kv;
    return line->per_kv_s >= 0.0 && first_s >= line->floor_s && first_s > 1e-9 && last_s < 1e6;
}

static int64_t next_step_ns(struct run_ahead *ahead)
{
    if (ahead->load.kv_read_tok > ahead->line.until_kv) {
        ahead->line = ts_steptime_line(ahead->steps, &ahead->load);
    }
    return ts_steptime_ns(ts_step_line_s(&ahead->line, ahead->load.kv_read_tok));
}

static double kv_of_step(const struct run_ahead *ahead, uint32_t step)
{
    return ahead->load.kv_read_tok + ahead->kv_growth_tok * (int)step;
}

/* How many of the next n steps lie on the line, above its floor: if not the first, none. */
static uint32_t on_one_line(const struct run_ahead *ahead, uint32_t n)
{
    const struct ts_step_line *line = &ahead->line;
    const double kv_tok = ahead->load.kv_read_tok, growth_tok = ahead->kv_growth_tok;
    if (kv_of_step(ahead, n - 1) > line->until_kv) {
        const uint32_t n_there = 1 + (uint32_t)((line->until_kv - kv_tok) / growth_tok);
        n = n_there > 1 && kv_of_step(ahead, n_there - 1) > line->until_kv ? n_there - 1 : n_there;
    }
    return lie_on_slope(line, kv_tok, kv_of_step(ahead, n - 1)) ? n : 0;
}

/* Ends of n steps on the line, and of up to TS_REPLICA_ROUND further ones: whole vectors. */
static void time_on_line(int64_t *ends_ns, int64_t begin_ns, const struct run_ahead *ahead, uint32_t n)
{
    const double base_s = ahead->line.base_s, per_kv_s = ahead->line.per_kv_s;
    const double kv_tok = ahead->load.kv_read_tok, growth_tok = ahead->kv_growth_tok;
    const int n_rounded = (int)(n + TS_REPLICA_ROUND - 1) / TS_REPLICA_ROUND * TS_REPLICA_ROUND;
    double steps_ns[TS_REPLICA_RUN_MAX + TS_REPLICA_ROUND];
    for (int i = 0; i < n_rounded; i++) {
        steps_ns[i] = ts_steptime_scaled(base_s + per_kv_s * (kv_tok + growth_tok * i));
    }
    for (int i = 0; i < n_rounded; i += TS_REPLICA_ROUND) {
        for (int j = i; j < i + TS_REPLICA_ROUND; j++) {
            ends_ns[j] = begin_ns += (int64_t)steps_ns[j];
        }
    }
}

/* The ends of up to n further steps, n > 0, that begin at *end_ns: all on one line, the first of *step_ns. Entries of
 * the cache are whole numbers, exact in a double, so that these times are those of steps which are computed one by one.
 * Returns how many; sets both to the last one's. */
static uint32_t time_steps(int64_t *ends_ns, int64_t *end_ns, int64_t *step_ns, struct run_ahead *ahead, uint32_t n)
{
    n = on_one_line(ahead, n);
    if (n > 0) {
        time_on_line(ends_ns, *end_ns, ahead, n);
    } else {
        n = 1;
        ends_ns[0] = *end_ns + *step_ns;
    }
    *step_ns = n > 1 ? ends_ns[n - 1] - ends_ns[n - 2] : *step_ns;
    *end_ns = ends_ns[n - 1];
    ahead->load.kv_read_tok += ahead->kv_growth_tok * n;
    ahead->load.kv_max_tok += (double)n;
    return n;
}

static struct run_ahead look_ahead(struct ts_replica *replica, const struct ts_scheduler_run *run)
{
    struct run_ahead ahead = {.steps = replica->config->steps,
                              .load = ts_steptime_decode_load(run->n_seqs, run->kv_read_tok),
                              .kv_growth_tok = (double)run->kv_growth_tok};
    ahead.load.kv_max_tok = run->kv_max_tok;
    ahead.line = ts_steptime_decode_line(&replica->lines, ahead.steps, &ahead.load);
    return ahead;
}

/* Steps that begin at or after this are not wanted any more: for the first TS_REPLICA_RUN_LEAST of a run the warm-up's
 * end alone, then also the next arrival, which may cut it. */
struct run_limits {
    int64_t warm_ns, until_ns;
};

static struct run_limits limits_of(const struct ts_engine *engine)
{
    const int64_t warm_ns = engine->now_ns < engine->ledger.warmup_ns ? engine->ledger.warmup_ns : TS_NEVER_NS;
    return (struct run_limits){warm_ns, engine->next_arrival_ns < warm_ns ? engine->next_arrival_ns : warm_ns};
}

static bool is_wanted(const struct run_limits *limits, uint32_t step, int64_t begin_ns)
{
    return begin_ns < (step < TS_REPLICA_RUN_LEAST ? limits->warm_ns : limits->until_ns);
}

/* How many steps from that one on are wanted, a wanted one that begins then, if none is shorter than step_ns: no more
 * than those, up to `most`. */
static uint32_t n_wanted(const struct run_limits *limits, uint32_t step, int64_t begin_ns, int64_t step_ns,
                         uint32_t most)
{
    const int64_t left_ns = limits->until_ns > begin_ns ? limits->until_ns - begin_ns : 0;
    const uint32_t least = step < TS_REPLICA_RUN_LEAST ? TS_REPLICA_RUN_LEAST - step : 1;
    const uint32_t n = left_ns / step_ns < (int64_t)most ? 1 + (uint32_t)(left_ns / step_ns) : most;
    return n > least ? n : least < most ? least : most;
}

/* Computes the ends of the run's steps: up to its length, TS_REPLICA_RUN_MAX, or the next arrival, which may cut it;
 * within the warm-up up to its end. Returns how many. The steps of a run never get shorter: its gaps are counted by
 * that. */
static uint32_t fill_ends(struct ts_replica *replica, const struct ts_engine *engine,
                          const struct ts_scheduler_run *run)
{
    struct run_ahead ahead = look_ahead(replica, run);
    const struct run_limits limits = limits_of(engine);
    const uint32_t longest = run->max_steps < TS_REPLICA_RUN_MAX ? run->max_steps : TS_REPLICA_RUN_MAX;
    const uint32_t most = replica->n_inbox > 0 ? 1 : longest;
    int64_t end_ns = engine->now_ns, last_ns = 0;
    uint32_t n = 0;
    while (n < most && is_wanted(&limits, n, end_ns)) {
        int64_t step_ns = next_step_ns(&ahead);
        if (step_ns < last_ns) {
            break;
        }
        n += time_steps(replica->ends_ns + n, &end_ns, &step_ns, &ahead,
                        n_wanted(&limits, n, end_ns, step_ns, most - n));
        last_ns = step_ns;
    }
    while (n > 1 && !is_wanted(&limits, n - 1, replica->ends_ns[n - 2])) { /* they got longer */
        n--;
    }
    return n;
}

void ts_replica_begin_run(struct ts_replica *replica, struct ts_engine *engine, const struct ts_scheduler_run *run)
{
    replica->mode = TS_REPLICA_RUN;
    replica->start_ns = engine->now_ns;
    replica->prefill_tok = replica->prefill_pairs = 0.0;
    replica->kv_read_tok = run->kv_read_tok;
    replica->kv_growth_tok = (double)run->kv_growth_tok;
    replica->step_tok = run->n_seqs;
    replica->n_seqs = run->n_seqs;
    replica->blocks_used = run->blocks_used;
    replica->new_blocks = run->new_blocks;
    replica->n_steps = fill_ends(replica, engine, run);
    ts_engine_toil(engine, replica->n_steps);
    ts_replica_schedule(replica, engine, replica->ends_ns[replica->n_steps - 1]);
}

/* The blocks in use over the first n_steps of the run, n_steps > 0, step by step. */
static void account_run_steps(const struct ts_replica *replica, struct ts_engine *engine, uint32_t n_steps)
{
    uint64_t n_blocks = replica->blocks_used;
    int64_t from_ns = replica->start_ns;
    for (uint32_t j = 0; j < n_steps; j++) {
        n_blocks += replica->new_blocks[j % replica->config->scheduler.block_tok];
        ts_ledger_blocks(&engine->ledger, replica->config->book, from_ns, replica->ends_ns[j], n_blocks);
        from_ns = replica->ends_ns[j];
    }
}

/* The blocks in use over the first n_steps of the run; returns those in the last of them. What a step takes it holds
 * until the run's end; the steps that take any are few. */
static uint64_t account_run_blocks(const struct ts_replica *replica, struct ts_engine *engine, uint32_t n_steps)
{
    const uint32_t block_tok = replica->config->scheduler.block_tok;
    const int64_t *ends_ns = replica->ends_ns;
    const int64_t end_ns = n_steps > 0 ? ends_ns[n_steps - 1] : replica->start_ns;
    uint64_t n_blocks = replica->blocks_used;
    double block_ns = (double)n_blocks * (double)(end_ns - replica->start_ns);
    for (uint32_t first = 0; first < block_tok && first < n_steps; first++) {
        const uint64_t n_new = replica->new_blocks[first];
        int64_t held_ns = 0;
        if (n_new == 0) {
            continue;
        }
        for (uint32_t j = first; j < n_steps; j += block_tok) {
            held_ns += end_ns - (j > 0 ? ends_ns[j - 1] : replica->start_ns);
            n_blocks += n_new;
        }
        block_ns += (double)n_new * (double)held_ns;
    }
    if (!ts_ledger_blocks_of_run(&engine->ledger, replica->config->book, replica->start_ns, end_ns, block_ns * 1e-9,
                                 n_blocks)) {
        account_run_steps(replica, engine, n_steps);
    }
    return n_blocks;
}

static void add_run_gaps(const struct ts_replica *replica, struct ts_engine *engine, uint32_t n_steps)
{
    for (uint32_t c = 0; c < replica->config->n_classes; c++) {
        if (replica->n_in_step[c] > 0) {
            ts_hist_add_gaps(ts_ledger_itl(&engine->ledger, replica->config->tier, c), replica->start_ns,
                             replica->ends_ns, n_steps, replica->n_in_step[c]);
        }
    }
}

uint64_t ts_replica_account_run(const struct ts_replica *replica, struct ts_engine *engine, uint32_t n_steps)
{
    if (n_steps > 0) {
        add_run_gaps(replica, engine, n_steps);
        ts_replica_account_steps(replica, engine, replica->ends_ns[n_steps - 1], n_steps);
    }
    return account_run_blocks(replica, engine, n_steps);
}

void ts_replica_end_run(struct ts_replica *replica, struct ts_engine *engine)
{
    struct ts_scheduler_step step;
    TS_CHECK(replica->ends_ns[replica->n_steps - 1] == engine->now_ns);
    (void)ts_replica_account_run(replica, engine, replica->n_steps);
    ts_scheduler_advance(replica->scheduler, replica->n_steps, &step);
    ts_replica_finish_all(replica, engine, &step);
}

/* Most runs were computed up to the arrival that asks: the last step but
 * one has. Otherwise bisection, without branches: they would be a coin's toss each. */
uint32_t ts_replica_steps_ended(const struct ts_replica *replica, int64_t now_ns)
{
    const int64_t *ends_ns = replica->ends_ns;
    uint32_t n = replica->n_steps;
    uint32_t n_ended = 0;
    if (n >= 2 && ends_ns[n - 2] <= now_ns) {
        n_ended = n - 1;
        n = 1;
    }
    while (n > 0) {
        const uint32_t half = (n + 1) / 2;
        n_ended += half & -(uint32_t)(ends_ns[n_ended + half - 1] <= now_ns);
        n -= half;
    }
    return n_ended;
}

void ts_replica_shorten_run(struct ts_replica *replica, struct ts_engine *engine, uint32_t n_steps)
{
    if (replica->mode == TS_REPLICA_RUN && n_steps < replica->n_steps) {
        replica->n_steps = n_steps;
        ts_replica_schedule(replica, engine, replica->ends_ns[n_steps - 1]);
    }
}

void ts_replica_cut_run(struct ts_replica *replica, struct ts_engine *engine)
{
    if (replica->mode != TS_REPLICA_RUN || ts_scheduler_run_goes_on(replica->scheduler)) {
        return;
    }
    ts_replica_shorten_run(replica, engine, ts_replica_steps_ended(replica, engine->now_ns) + 1);
}
