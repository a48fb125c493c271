/* Hides how workers wait: they spin on a generation counter for SPINS rounds, give up their time slice now and then,
 * and at last sleep on a condition variable. The caller waits for the stragglers in the same way. When there are fewer
 * processors than threads, spinning only takes time from the worker that is waited for: then nobody spins. */
#include "kernels/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "kernels/host.h"

enum { SPINS = 20000, SPINS_PER_YIELD = 512 };

struct ts_pool {
    uint32_t n_threads;
    uint32_t spins;
    atomic_uint generation; /* one more per job */
    atomic_uint n_busy;     /* workers that have not finished the job */
    atomic_uint n_asleep;   /* workers, and the caller, that wait on a condition */
    atomic_bool stop;
    ts_pool_fn *fn;
    void *user;
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    uint32_t n_started;
    pthread_t *threads;
    struct worker *workers;
    bool bound;
    struct ts_host_cpus caller_cpus; /* before it was bound */
};

struct worker {
    struct ts_pool *pool;
    uint32_t index;
};

static void relax(uint32_t round)
{
    if (round % SPINS_PER_YIELD == SPINS_PER_YIELD - 1) {
        sched_yield();
        return;
    }
#if defined(__x86_64__)
    __asm__ volatile("pause");
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Waits until *counter differs from (until_equal: equals) value. */
static void wait_for(struct ts_pool *pool, atomic_uint *counter, unsigned value, bool until_equal,
                     pthread_cond_t *condition)
{
    for (uint32_t i = 0; i < pool->spins; i++) {
        if ((atomic_load_explicit(counter, memory_order_acquire) == value) == until_equal) {
            return;
        }
        relax(i);
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->n_asleep, 1);
    while ((atomic_load(counter) == value) != until_equal) {
        pthread_cond_wait(condition, &pool->mutex);
    }
    atomic_fetch_sub(&pool->n_asleep, 1);
    pthread_mutex_unlock(&pool->mutex);
}

/* After a change of a counter: wakes those who sleep. A sleeper counts itself in n_asleep before it looks at the
 * counter, and the counter was changed before n_asleep is looked at here, so one of the two sees the other. */
static void wake_sleepers(struct ts_pool *pool, pthread_cond_t *condition)
{
    if (atomic_load(&pool->n_asleep) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(condition);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void *worker_main(void *user)
{
    const struct worker *worker = user;
    struct ts_pool *pool = worker->pool;
    unsigned seen = 0;
    for (;;) {
        wait_for(pool, &pool->generation, seen, false, &pool->wake);
        seen++;
        if (atomic_load(&pool->stop)) {
            return NULL;
        }
        pool->fn(pool->user, worker->index, pool->n_threads);
        if (atomic_fetch_sub(&pool->n_busy, 1) == 1) {
            wake_sleepers(pool, &pool->done);
        }
    }
}

static void start_generation(struct ts_pool *pool)
{
    atomic_fetch_add(&pool->generation, 1);
    wake_sleepers(pool, &pool->wake);
}

static enum ts_status start_threads(struct ts_pool *pool)
{
    for (uint32_t i = 1; i < pool->n_threads; i++) {
        pool->workers[i] = (struct worker){pool, i};
        if (pthread_create(&pool->threads[i], NULL, worker_main, &pool->workers[i]) != 0) {
            return TS_EUNSUPPORTED;
        }
        pool->n_started++;
    }
    return TS_OK;
}

static uint32_t spins_for(uint32_t n_threads)
{
    return ts_host_usable_cpus() >= n_threads ? SPINS : 0;
}

enum ts_status ts_pool_create(struct ts_pool **out, uint32_t n_threads)
{
    if (n_threads == 0 || n_threads > TS_POOL_MAX_THREADS) {
        return TS_ERANGE;
    }
    struct ts_pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        return TS_ENOMEM;
    }
    pool->n_threads = n_threads;
    pool->spins = spins_for(n_threads);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->threads = calloc(n_threads, sizeof *pool->threads);
    pool->workers = calloc(n_threads, sizeof *pool->workers);
    enum ts_status status = pool->threads && pool->workers ? start_threads(pool) : TS_ENOMEM;
    if (status != TS_OK) {
        ts_pool_destroy(pool);
        return status;
    }
    *out = pool;
    return TS_OK;
}

void ts_pool_destroy(struct ts_pool *pool)
{
    if (!pool) {
        return;
    }
    atomic_store(&pool->stop, true);
    start_generation(pool);
    for (uint32_t i = 1; i <= pool->n_started; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    if (pool->bound) {
        ts_host_unbind_thread(&pool->caller_cpus);
    }
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool->threads);
    free(pool);
}

uint32_t ts_pool_size(const struct ts_pool *pool)
{
    return pool->n_threads;
}

struct bind_job {
    struct ts_host_cpus *caller_cpus;
    atomic_bool failed;
};

static void bind_worker(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)n_workers;
    struct bind_job *job = user;
    if (!ts_host_bind_thread(worker, worker == 0 ? job->caller_cpus : NULL)) {
        atomic_store(&job->failed, true);
    }
}

enum ts_status ts_pool_bind(struct ts_pool *pool)
{
    struct bind_job job = {.caller_cpus = &pool->caller_cpus};
    atomic_init(&job.failed, false);
    ts_pool_run(pool, bind_worker, &job);
    if (atomic_load(&job.failed)) {
        ts_host_unbind_thread(&pool->caller_cpus);
        return TS_EUNSUPPORTED;
    }
    pool->bound = true;
    return TS_OK;
}

void ts_pool_run(struct ts_pool *pool, ts_pool_fn *fn, void *user)
{
    if (pool->n_threads == 1) {
        fn(user, 0, 1);
        return;
    }
    pool->fn = fn;
    pool->user = user;
    atomic_store(&pool->n_busy, pool->n_threads - 1);
    start_generation(pool);
    fn(user, 0, pool->n_threads);
    wait_for(pool, &pool->n_busy, 0, true, &pool->done);
}
