/* The pool: every worker runs every job once, whatever the number of threads. */
#include "kernels_test.h"

#include <stdatomic.h>
#include <unistd.h>

#include "kernels/host.h"
#include "kernels/pool.h"

struct counts {
    atomic_uint runs[16];
    atomic_uint n_workers_seen;
};

static void count(void *user, uint32_t worker, uint32_t n_workers)
{
    struct counts *counts = user;
    atomic_fetch_add(&counts->runs[worker], 1);
    atomic_store(&counts->n_workers_seen, n_workers);
}

static void test_pool__every_worker_runs_every_job_once(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 16; n *= 2) {
        struct ts_pool *pool;
        struct counts counts = {0};
        assert_int_equal(ts_pool_create(&pool, n), TS_OK);
        assert_int_equal(ts_pool_size(pool), n);
        for (int job = 0; job < 500; job++) {
            ts_pool_run(pool, count, &counts);
            for (uint32_t w = 0; w < n; w++) {
                assert_int_equal(counts.runs[w], job + 1);
            }
        }
        assert_int_equal(counts.n_workers_seen, n);
        ts_pool_destroy(pool);
    }
}

static void test_pool__wakes_workers_that_have_gone_to_sleep(void **state)
{
    (void)state;
    struct ts_pool *pool;
    struct counts counts = {0};
    assert_int_equal(ts_pool_create(&pool, 3), TS_OK);
    for (unsigned job = 0; job < 5; job++) {
        (void)usleep(20000);
        ts_pool_run(pool, count, &counts);
        assert_int_equal(counts.runs[0] + counts.runs[1] + counts.runs[2], 3 * (job + 1));
    }
    ts_pool_destroy(pool);
}

static void slow_worker(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)n_workers;
    if (worker > 0) {
        (void)usleep(30000);
    }
    count(user, worker, n_workers);
}

static void test_pool__caller_waits_for_stragglers(void **state)
{
    (void)state;
    struct ts_pool *pool;
    struct counts counts = {0};
    assert_int_equal(ts_pool_create(&pool, 4), TS_OK);
    ts_pool_run(pool, slow_worker, &counts);
    for (int w = 0; w < 4; w++) {
        assert_int_equal(counts.runs[w], 1);
    }
    ts_pool_destroy(pool);
}

static void test_pool__refuses_no_threads_and_too_many(void **state)
{
    (void)state;
    struct ts_pool *pool = NULL;
    assert_int_equal(ts_pool_create(&pool, 0), TS_ERANGE);
    assert_int_equal(ts_pool_create(&pool, TS_POOL_MAX_THREADS + 1), TS_ERANGE);
    assert_null(pool);
    ts_pool_destroy(NULL);
}

static void test_pool__bound_workers_run_and_the_caller_is_let_go_again(void **state)
{
    (void)state;
    struct ts_pool *pool;
    struct counts counts = {0};
    uint32_t n_cpus = ts_host_usable_cpus();
    assert_int_equal(ts_pool_create(&pool, 3), TS_OK);
    if (ts_pool_bind(pool) != TS_OK) {
        ts_pool_destroy(pool);
        skip();
    }
    assert_int_equal(ts_host_usable_cpus(), 1);
    ts_pool_run(pool, count, &counts);
    assert_int_equal(counts.runs[0] + counts.runs[1] + counts.runs[2], 3);
    ts_pool_destroy(pool);
    assert_int_equal(ts_host_usable_cpus(), n_cpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool__every_worker_runs_every_job_once),
        cmocka_unit_test(test_pool__wakes_workers_that_have_gone_to_sleep),
        cmocka_unit_test(test_pool__caller_waits_for_stragglers),
        cmocka_unit_test(test_pool__bound_workers_run_and_the_caller_is_let_go_again),
        cmocka_unit_test(test_pool__refuses_no_threads_and_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
