/* A pool of threads that run one function together. The caller is worker 0. Waking is cheap: workers spin for a while
 * before they sleep, so a chain of short jobs costs about a microsecond each. */
#ifndef TS_KERNELS_POOL_H
#define TS_KERNELS_POOL_H

#include <stdint.h>

#include "base/status.h"

enum { TS_POOL_MAX_THREADS = 256 };

struct ts_pool;

typedef void ts_pool_fn(void *user, uint32_t worker, uint32_t n_workers);

/* n_threads in [1, TS_POOL_MAX_THREADS], the caller's included. TS_ENOMEM, TS_ERANGE; TS_EUNSUPPORTED if the system
 * gives no more threads. */
enum ts_status ts_pool_create(struct ts_pool **out, uint32_t n_threads);
void ts_pool_destroy(struct ts_pool *pool);
uint32_t ts_pool_size(const struct ts_pool *pool);

/* Binds every worker to a processor of its own (round and round, if there are fewer), the caller too until
 * ts_pool_destroy. TS_EUNSUPPORTED where the system cannot do that. At most once per pool. */
enum ts_status ts_pool_bind(struct ts_pool *pool);

/* Runs fn(user, worker, n_workers) once per worker and returns when all have returned. One caller at a time; not from
 * inside a job. */
void ts_pool_run(struct ts_pool *pool, ts_pool_fn *fn, void *user);

#endif
