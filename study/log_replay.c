/* Hides how a request's times become sums over steps. Each replica has a list of its steps with running sums of their
 * parts; from one instant to another the parts are the difference of the sums, a step under way counting by the share
 * of it that has passed. For the same batches both times are linear in the factors. */
#include "study/log_replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"

static const double bend_tok = 256.0;

static const char *const part_names[TS_LOG_N_PARTS] = {"step", "sequence", "prompt", "kv", "attention"};

const char *ts_log_part_name(enum ts_log_part part)
{
    return part_names[part];
}

/* ---- parts ---- */

static double curve_at(const struct ts_table_fit *table, double tokens)
{
    const struct ts_step_load load = {.tokens = tokens};
    return ts_step_predict_table(table, &load);
}

/* The knot nearest to the bend: parts are straight between knots only if it is one. */
static double middle_of(const struct ts_table_fit *table)
{
    double nearest = table->tokens[0];
    for (size_t k = 1; k < table->n_knots; k++) {
        nearest = fabs(table->tokens[k] - bend_tok) < fabs(nearest - bend_tok) ? table->tokens[k] : nearest;
    }
    return nearest;
}

struct shape {
    const struct ts_table_fit *table;
    double middle, low_s, middle_s; /* f there, and at the first knot */
};

static struct shape shape_of(const struct ts_table_fit *table)
{
    const double middle = middle_of(table);
    return (struct shape){table, middle, table->seconds[0], curve_at(table, middle)};
}

static void parts_of(double out[TS_LOG_N_PARTS], const struct shape *shape, const struct ts_batch_load *load)
{
    const struct ts_table_fit *table = shape->table;
    const double tokens = (double)load->n_decode + load->prefill_tok + load->verify_tok;
    const double f_s = curve_at(table, tokens), lower_s = tokens < shape->middle ? f_s : shape->middle_s;
    out[TS_LOG_STEP] = shape->low_s;
    out[TS_LOG_SEQUENCE] = table->b_s_per_seq * load->n_seqs + lower_s - shape->low_s;
    out[TS_LOG_PROMPT] = f_s - lower_s;
    out[TS_LOG_KV] = table->c_s_per_kv_tok * load->kv_read_tok;
    out[TS_LOG_ATTENTION] = table->e_s_per_pair * load->prefill_pairs;
}

struct ts_table_fit ts_log_scaled(const struct ts_table_fit *table, const double factors[TS_LOG_N_PARTS])
{
    struct ts_table_fit scaled = *table;
    const struct shape shape = shape_of(table);
    for (size_t k = 0; k < table->n_knots; k++) {
        const double lower_s = table->tokens[k] < shape.middle ? table->seconds[k] : shape.middle_s;
        scaled.seconds[k] = factors[TS_LOG_STEP] * shape.low_s + factors[TS_LOG_SEQUENCE] * (lower_s - shape.low_s) +
                            factors[TS_LOG_PROMPT] * (table->seconds[k] - lower_s);
    }
    scaled.b_s_per_seq *= factors[TS_LOG_SEQUENCE];
    scaled.c_s_per_kv_tok *= factors[TS_LOG_KV];
    scaled.e_s_per_pair *= factors[TS_LOG_ATTENTION];
    return scaled;
}

/* ---- steps of a run ---- */

struct step {
    int64_t begin_ns, end_ns;
    double sum[TS_LOG_N_PARTS + 1]; /* of all before it; the last: seconds that are no part's */
    double own[TS_LOG_N_PARTS + 1];
};

struct steps {
    struct step *steps; /* [n] */
    size_t n, cap;
};

struct run {
    const struct ts_log_replay *replay;
    struct ts_log_served *out; /* of its first request */
    struct shape shape;        /* table NULL: no parts */
    const double *factors;
    struct steps *units; /* [n_units] replicas */
    uint32_t n_units;
    struct {
        uint32_t unit;
        bool done;
    } * of; /* [n] where each request was served */
    bool failed;
};

static void take_step(void *user, uint32_t unit, int64_t begin_ns, int64_t step_ns, const struct ts_batch_load *load)
{
    struct run *run = user;
    struct steps *steps = unit < run->n_units ? &run->units[unit] : NULL;
    if (!steps || run->failed) {
        return;
    }
    if (steps->n == steps->cap) {
        const size_t cap = steps->cap > 0 ? 2 * steps->cap : 1024;
        void *moved = realloc(steps->steps, cap * sizeof *steps->steps);
        if (!moved) {
            run->failed = true;
            return;
        }
        steps->steps = moved;
        steps->cap = cap;
    }
    struct step *step = &steps->steps[steps->n];
    *step = (struct step){.begin_ns = begin_ns, .end_ns = begin_ns + step_ns};
    parts_of(step->own, &run->shape, load);
    step->own[TS_LOG_N_PARTS] = 1e-9 * (double)step_ns;
    for (int p = 0; p < TS_LOG_N_PARTS; p++) {
        step->own[TS_LOG_N_PARTS] -= run->factors[p] * step->own[p];
    }
    for (int p = 0; steps->n > 0 && p <= TS_LOG_N_PARTS; p++) {
        step->sum[p] = step[-1].sum[p] + step[-1].own[p];
    }
    steps->n++;
}

/* Sums up until that time. */
static void sums_at(double out[TS_LOG_N_PARTS + 1], const struct steps *steps, int64_t at_ns)
{
    size_t low = 0, high = steps->n; /* how many begin before it */
    memset(out, 0, (TS_LOG_N_PARTS + 1) * sizeof *out);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (steps->steps[middle].begin_ns < at_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return;
    }
    const struct step *step = &steps->steps[low - 1];
    const double share =
        fmin(1.0, (double)(at_ns - step->begin_ns) / (double)(step->end_ns - step->begin_ns)); /* 1: it is over */
    for (int p = 0; p <= TS_LOG_N_PARTS; p++) {
        out[p] = step->sum[p] + share * step->own[p];
    }
}

static enum ts_status take_request(void *user, const struct ts_request_record *record)
{
    struct run *run = user;
    const size_t i = record->request->id;
    struct ts_log_served *served = &run->out[i];
    run->of[i].unit = record->unit;
    run->of[i].done = record->outcome == TS_DONE;
    if (run->of[i].done) {
        served->ttft_s = 1e-9 * (double)record->ttft_ns;
        served->latency_s = 1e-9 * (double)record->e2e_ns;
    }
    return TS_OK;
}

static void divide(struct run *run, const struct ts_request *requests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ts_log_served *served = &run->out[i];
        if (!run->of[i].done || run->of[i].unit >= run->n_units) {
            continue;
        }
        const struct steps *steps = &run->units[run->of[i].unit];
        double from[TS_LOG_N_PARTS + 1], first[TS_LOG_N_PARTS + 1], last[TS_LOG_N_PARTS + 1];
        sums_at(from, steps, requests[i].arrival_ns);
        sums_at(first, steps, requests[i].arrival_ns + (int64_t)llround(served->ttft_s * 1e9));
        sums_at(last, steps, requests[i].arrival_ns + (int64_t)llround(served->latency_s * 1e9));
        served->first_other = served->ttft_s;
        served->decode_other = served->latency_s - served->ttft_s;
        for (int p = 0; p < TS_LOG_N_PARTS; p++) {
            served->first[p] = first[p] - from[p];
            served->decode[p] = last[p] - first[p];
            served->first_other -= run->factors[p] * served->first[p];
            served->decode_other -= run->factors[p] * served->decode[p];
        }
    }
}

/* ---- the model ---- */

/* The tier alone, reached without a network or a router, that never fails. */
static void alone(struct ts_model *out, struct ts_pool_model *pool, const struct ts_log_replay *replay)
{
    const struct ts_tier_model *tier = &replay->model->tiers[replay->tier];
    *pool = tier->u.server.pools[0];
    *out = *replay->model;
    out->tiers[0] = *tier;
    out->n_tiers = 1;
    out->tiers[0].link = -1;
    out->tiers[0].replaces = -1;
    out->tiers[0].request_s = 0.0;
    pool->replica.launch_s = 0.0;
    out->tiers[0].u.server.pools = pool;
    out->tiers[0].u.server.failures = (struct ts_failure_model){0};
    out->tiers[0].u.server.restart_every_s = 0.0;
    out->n_links = 0;
    out->router = (struct ts_router_model){
        .policy = TS_ROUTE_STATIC, .n_order = 1, .threshold = {INFINITY}, .n_fallback = 1, .auc = 1.0};
    out->users = (struct ts_users_model){0};
    out->patience_s = out->drain_s = out->warmup_s = 0.0;
}

static void take_table(struct ts_steps_model *out, const struct ts_table_fit *table)
{
    out->kind = TS_STEPS_TABLE;
    out->host = (struct ts_host_model){0};
    out->u.table = (struct ts_steps_table){.b_s_per_seq = table->b_s_per_seq,
                                           .n_tok = table->tokens,
                                           .seconds = table->seconds,
                                           .n = table->n_knots,
                                           .c_s_per_kv_tok = table->c_s_per_kv_tok,
                                           .e_s_per_pair = table->e_s_per_pair};
}

/* ---- a run ---- */

static enum ts_status simulate(struct run *run, const struct ts_model *model, struct ts_request *requests, size_t n,
                               struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    struct ts_result result;
    const struct ts_sim_options options = {.progress = run->replay->progress,
                                           .single_steps = true,
                                           .on_request = take_request,
                                           .request_user = run,
                                           .on_step = run->shape.table ? take_step : NULL,
                                           .step_user = run};
    for (size_t i = 0; i < n; i++) {
        requests[i].id = i;
        run->out[i] = (struct ts_log_served){.ttft_s = NAN, .latency_s = NAN};
    }
    enum ts_status status = ts_request_stream_from_array(&stream, requests, n);
    if (status != TS_OK) {
        return status;
    }
    status = ts_sim_run(&result, model, stream, &options, diags);
    ts_request_stream_destroy(stream);
    if (status == TS_OK) {
        ts_result_deinit(&result);
    }
    return status == TS_OK && run->failed ? TS_ENOMEM : status;
}

static enum ts_status replay_run(struct run *run, const struct ts_model *model, const struct ts_request *requests,
                                 size_t n, struct ts_diags *diags)
{
    struct ts_request *copy = calloc(n + 1, sizeof *copy);
    run->units = calloc(run->n_units, sizeof *run->units);
    run->of = calloc(n + 1, sizeof *run->of);
    enum ts_status status = copy && run->units && run->of ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        memcpy(copy, requests, n * sizeof *copy);
        status = simulate(run, model, copy, n, diags);
    }
    if (status == TS_OK && run->shape.table) {
        divide(run, copy, n);
    }
    for (uint32_t u = 0; run->units && u < run->n_units; u++) {
        free(run->units[u].steps);
    }
    free(run->units);
    free(run->of);
    free(copy);
    return status;
}

enum ts_status ts_log_replay(struct ts_log_served *out, const struct ts_log_replay *replay,
                             const struct ts_table_fit *table, const double factors[TS_LOG_N_PARTS],
                             struct ts_diags *diags)
{
    struct ts_model *model = calloc(1, sizeof *model);
    if (!model) {
        return TS_ENOMEM;
    }
    struct ts_pool_model pool;
    struct ts_table_fit scaled;
    alone(model, &pool, replay);
    if (table) {
        scaled = ts_log_scaled(table, factors);
        take_table(&pool.replica.steps, &scaled);
    }
    enum ts_status status = TS_OK;
    for (size_t i = 0, n; i < replay->n && status == TS_OK; i += n) {
        for (n = 1; i + n < replay->n && replay->run[i + n] == replay->run[i];) {
            n++;
        }
        struct run run = {.replay = replay,
                          .out = out + i,
                          .factors = factors,
                          .n_units = ts_server_n_replicas(&model->tiers[0].u.server)};
        if (table) {
            run.shape = shape_of(table);
        }
        status = replay_run(&run, model, replay->requests + i, n, diags);
    }
    free(model);
    return status;
}
