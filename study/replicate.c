/* Hides how replications are spread over threads: one each; where threads are left over, a replication's requests are
 * read or drawn ahead in a thread of their own. Neither changes a result. */
#include "study/replicate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/run_info.h"
#include "sim/sim.h"
#include "traces/read_ahead.h"

/* One replication: where its outcome goes. Only its own thread writes it. */
struct slot {
    struct ts_result result;
    struct ts_diags diags;
    struct ts_trace_counts trace;
    struct ts_requests_part *rows; /* NULL: not wanted */
    enum ts_status status;
    bool ran;
};

struct pool {
    const struct ts_scenario *scenario;
    struct slot *slots;
    const struct ts_requests_csv *requests;
    uint32_t n;
    uint32_t n_ahead; /* the first so many replications read ahead */
    bool single_steps;
    struct ts_progress progress;
    pthread_mutex_t lock;
    uint32_t next; /* guarded by lock */
    bool stop;     /* guarded by lock */
};

static bool take(struct pool *pool, uint32_t *index)
{
    pthread_mutex_lock(&pool->lock);
    bool got = !pool->stop && pool->next < pool->n;
    if (got) {
        *index = pool->next++;
    }
    pthread_mutex_unlock(&pool->lock);
    return got;
}

static void give_up(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_mutex_unlock(&pool->lock);
}

/* Runs the stream through the model; reads it ahead if a thread is left for that. */
static enum ts_status run_stream(struct pool *pool, struct slot *slot, uint32_t index, struct ts_request_stream *stream)
{
    const struct ts_workload *workload = &pool->scenario->workload;
    const struct ts_sim_options options = {.replication = index,
                                           .progress = pool->progress,
                                           .window_s = workload->trace_path ? 0.0 : workload->duration_s,
                                           .single_steps = pool->single_steps,
                                           .on_request = slot->rows ? ts_requests_part_put : NULL,
                                           .request_user = slot->rows};
    struct ts_request_stream *ahead = NULL;
    if (index < pool->n_ahead && ts_read_ahead_open(&ahead, stream) != TS_OK) {
        ahead = NULL; /* no thread to be had: then without */
    }
    const enum ts_status status =
        ts_sim_run(&slot->result, &pool->scenario->model, ahead ? ahead : stream, &options, &slot->diags);
    ts_request_stream_destroy(ahead);
    return status;
}

static void simulate_one(struct pool *pool, struct slot *slot, uint32_t index)
{
    const struct ts_workload *workload = &pool->scenario->workload;
    struct ts_request_stream *stream = NULL;
    slot->status = ts_workload_open(&stream, workload, pool->scenario->model.seed, index, &slot->diags);
    if (slot->status != TS_OK) {
        return;
    }
    slot->status = run_stream(pool, slot, index, stream);
    if (slot->status == TS_OK && workload->trace_path) {
        slot->trace = ts_workload_trace_counts(stream);
    }
    ts_request_stream_destroy(stream);
}

static void run_one(struct pool *pool, uint32_t index)
{
    struct slot *slot = &pool->slots[index];
    slot->ran = true;
    slot->status = pool->requests ? ts_requests_part_open(&slot->rows, pool->requests, index, &slot->diags) : TS_OK;
    if (slot->status == TS_OK) {
        simulate_one(pool, slot, index);
    }
    if (slot->rows) {
        enum ts_status status = ts_requests_part_finish(slot->rows, &slot->diags);
        slot->status = slot->status == TS_OK ? status : slot->status;
    }
}

static void *work(void *user)
{
    struct pool *pool = user;
    uint32_t index;
    while (take(pool, &index)) {
        run_one(pool, index);
        if (pool->slots[index].status != TS_OK) {
            give_up(pool);
        }
    }
    return NULL;
}

static void run_pool(struct pool *pool, uint32_t n_threads)
{
    pthread_t *threads = calloc(n_threads, sizeof *threads);
    uint32_t n_started = 0;
    for (uint32_t i = 1; threads && i < n_threads; i++) {
        if (pthread_create(&threads[n_started], NULL, work, pool) != 0) {
            break;
        }
        n_started++;
    }
    work(pool);
    for (uint32_t i = 0; i < n_started; i++) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
}

/* Moves the finished results out of the slots, merges them and their requests' rows by index, and returns the first
 * failure. */
static enum ts_status gather(struct ts_replications *out, struct pool *pool, struct ts_requests_csv *requests,
                             struct ts_diags *diags)
{
    enum ts_status first = TS_OK;
    for (uint32_t i = 0; i < pool->n; i++) {
        struct slot *slot = &pool->slots[i];
        if (!slot->ran) {
            continue;
        }
        if (slot->status != TS_OK) {
            if (first == TS_OK) {
                first = slot->status;
                ts_diags_move(diags, &slot->diags);
            }
            continue;
        }
        if (out->n == 0) {
            out->trace = slot->trace;
            ts_diags_move(diags, &slot->diags);
        }
        out->each[out->n++] = slot->result;
    }
    if (first != TS_OK && first != TS_EINTERRUPTED) {
        return first;
    }
    for (uint32_t i = 0; i < pool->n && first == TS_OK && requests; i++) {
        first = ts_requests_csv_add(requests, pool->slots[i].rows, diags);
    }
    for (uint32_t i = 0; i < out->n; i++) {
        enum ts_status status = ts_result_merge(&out->merged, &out->each[i]);
        if (status != TS_OK) {
            return status;
        }
    }
    return first;
}

enum ts_status ts_replicate(struct ts_replications *out, const struct ts_scenario *scenario,
                            const struct ts_replicate_options *options, struct ts_diags *diags)
{
    memset(out, 0, sizeof *out);
    uint32_t n = options->n_replications;
    struct pool pool = {.scenario = scenario,
                        .requests = options->requests,
                        .n = n,
                        .n_ahead = options->n_threads > n ? options->n_threads - n : 0,
                        .single_steps = options->single_steps,
                        .progress = options->progress};
    pool.slots = calloc(n, sizeof *pool.slots);
    out->each = calloc(n, sizeof *out->each);
    enum ts_status status = ts_result_init(&out->merged, &scenario->model, 0);
    if (!pool.slots || !out->each || status != TS_OK) {
        free(pool.slots);
        return TS_ENOMEM;
    }
    out->merged.n_replications = 0; /* an empty sum */
    for (uint32_t i = 0; i < n; i++) {
        ts_diags_init(&pool.slots[i].diags);
    }
    pthread_mutex_init(&pool.lock, NULL);

    double start_s = ts_clock_now_s();
    run_pool(&pool, options->n_threads < n ? options->n_threads : n);
    out->wall_s = ts_clock_now_s() - start_s;

    status = gather(out, &pool, options->requests, diags);
    for (uint32_t i = 0; i < n; i++) {
        ts_requests_part_destroy(pool.slots[i].rows);
        ts_diags_deinit(&pool.slots[i].diags);
    }
    pthread_mutex_destroy(&pool.lock);
    free(pool.slots);
    return status;
}

void ts_replications_deinit(struct ts_replications *replications)
{
    for (uint32_t i = 0; i < replications->n; i++) {
        ts_result_deinit(&replications->each[i]);
    }
    free(replications->each);
    ts_result_deinit(&replications->merged);
    memset(replications, 0, sizeof *replications);
}
