/* Pieces that end in any order are taken in theirs, and few are held at a time. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "study/in_order.h"

enum { N = 200, WINDOW = 6, THREADS = 3 };

struct log {
    pthread_mutex_t lock;
    uint64_t slots[WINDOW];
    bool in_use[WINDOW];
    uint32_t n_held, most_held;
    uint64_t taken[N];
    uint64_t n_taken, n_begun;
    uint64_t fails_at, fails_taking; /* N: none does */
    enum ts_status seen_at_failure;
    bool two_at_once, taking;
};

static void wait_a_little(uint64_t index)
{
    const struct timespec time = {.tv_nsec = (long)(index * 7919 % 97) * 10000}; /* up to 1 ms, out of order */
    nanosleep(&time, NULL);
}

static enum ts_status work(void *user, uint64_t index, uint32_t slot)
{
    struct log *log = user;
    pthread_mutex_lock(&log->lock);
    log->two_at_once = log->two_at_once || log->in_use[slot];
    log->in_use[slot] = true;
    log->slots[slot] = index;
    log->n_begun++;
    log->n_held++;
    log->most_held = log->n_held > log->most_held ? log->n_held : log->most_held;
    pthread_mutex_unlock(&log->lock);
    wait_a_little(index);
    return index == log->fails_at ? TS_EINPUT : TS_OK;
}

static enum ts_status take(void *user, uint64_t index, uint32_t slot, enum ts_status worked)
{
    struct log *log = user;
    pthread_mutex_lock(&log->lock);
    log->two_at_once = log->two_at_once || log->taking || log->slots[slot] != index;
    log->taking = true;
    pthread_mutex_unlock(&log->lock);
    wait_a_little(index + 1);
    pthread_mutex_lock(&log->lock);
    log->taking = false;
    log->in_use[slot] = false;
    log->n_held--;
    log->taken[log->n_taken++] = index;
    log->seen_at_failure = index == log->fails_at ? worked : log->seen_at_failure;
    pthread_mutex_unlock(&log->lock);
    return index == log->fails_taking ? TS_EIO : worked;
}

static enum ts_status run(struct log *log, uint32_t n_threads, uint64_t fails_at, uint64_t fails_taking)
{
    *log = (struct log){.fails_at = fails_at, .fails_taking = fails_taking};
    pthread_mutex_init(&log->lock, NULL);
    const struct ts_in_order job = {
        .n = N, .n_threads = n_threads, .window = WINDOW, .user = log, .work = work, .take = take};
    const enum ts_status status = ts_in_order_run(&job);
    pthread_mutex_destroy(&log->lock);
    assert_false(log->two_at_once);
    assert_int_equal(log->n_taken, log->n_begun);
    assert_true(log->most_held <= WINDOW);
    for (uint64_t i = 0; i < log->n_taken; i++) {
        assert_int_equal(log->taken[i], i);
    }
    return status;
}

static void test_in_order__all_are_taken_by_index_and_few_are_held(void **state)
{
    (void)state;
    struct log log;
    for (uint32_t n_threads = 1; n_threads <= THREADS; n_threads++) {
        assert_int_equal(run(&log, n_threads, N, N), TS_OK);
        assert_int_equal(log.n_taken, N);
    }
    assert_true(log.most_held > 1);
}

static void test_in_order__a_failure_stops_what_was_not_begun(void **state)
{
    (void)state;
    struct log log;
    for (uint32_t n_threads = 1; n_threads <= THREADS; n_threads++) {
        assert_int_equal(run(&log, n_threads, 50, N), TS_EINPUT);
        assert_int_equal(log.seen_at_failure, TS_EINPUT);
        assert_true(log.n_taken > 50 && log.n_taken <= 50 + WINDOW);
    }
}

static void test_in_order__a_failure_of_taking_counts_as_one(void **state)
{
    (void)state;
    struct log log;
    assert_int_equal(run(&log, THREADS, 51, 50), TS_EIO); /* the first by index */
    assert_int_equal(run(&log, THREADS, N, 50), TS_EIO);
    assert_true(log.n_taken > 50 && log.n_taken <= 51 + WINDOW);
}

static void test_in_order__nothing_to_do_is_done(void **state)
{
    (void)state;
    struct log log = {.fails_at = N, .fails_taking = N};
    const struct ts_in_order job = {.n = 0, .n_threads = 2, .window = 1, .user = &log, .work = work, .take = take};
    assert_int_equal(ts_in_order_run(&job), TS_OK);
    assert_int_equal(log.n_begun, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order__all_are_taken_by_index_and_few_are_held),
        cmocka_unit_test(test_in_order__a_failure_stops_what_was_not_begun),
        cmocka_unit_test(test_in_order__a_failure_of_taking_counts_as_one),
        cmocka_unit_test(test_in_order__nothing_to_do_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
