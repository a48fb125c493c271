/* The event queue: its total order. */
#include "tests/sim/sim_world.h"

#include "sim/event_queue.h"

static bool pop(struct ts_event_queue *queue, struct ts_event *out)
{
    if (queue->first == NULL) {
        return false;
    }
    *out = *queue->first;
    ts_event_queue_drop(queue);
    return true;
}

static void test_event_queue__equal_times_fire_fifo(void **state)
{
    (void)state;
    struct ts_event_queue queue;
    struct ts_event event = {0};
    assert_int_equal(ts_event_queue_init(&queue, 1), TS_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(ts_event_queue_push(&queue, 5, 3, i, 0), TS_OK);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(pop(&queue, &event));
        assert_int_equal(event.target, i);
    }
    assert_false(pop(&queue, &event));
    ts_event_queue_deinit(&queue);
}

static void test_event_queue__priority_decides_between_equal_times(void **state)
{
    (void)state;
    struct ts_event_queue queue;
    struct ts_event event = {0};
    assert_int_equal(ts_event_queue_init(&queue, 4), TS_OK);
    assert_int_equal(ts_event_queue_push(&queue, 7, 2, 10, 0), TS_OK);
    assert_int_equal(ts_event_queue_push(&queue, 7, 0, 11, 0), TS_OK);
    assert_int_equal(ts_event_queue_push(&queue, 6, 9, 12, 0), TS_OK);
    assert_int_equal(ts_event_queue_push(&queue, 7, 1, 13, 0), TS_OK);
    const uint32_t expected[] = {12, 11, 13, 10};
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(pop(&queue, &event));
        assert_int_equal(event.target, expected[i]);
    }
    ts_event_queue_deinit(&queue);
}

static void test_event_queue__next_time_of_an_empty_queue_is_never(void **state)
{
    (void)state;
    struct ts_event_queue queue;
    assert_int_equal(ts_event_queue_init(&queue, 0), TS_OK);
    assert_true(ts_event_queue_next_ns(&queue) == INT64_MAX);
    assert_int_equal(ts_event_queue_push(&queue, 3, 0, 0, 0), TS_OK);
    assert_true(ts_event_queue_next_ns(&queue) == 3);
    ts_event_queue_deinit(&queue);
}

struct expected {
    int64_t time_ns;
    uint8_t priority;
    uint32_t number;
};

static int compare(const void *a, const void *b)
{
    const struct expected *x = a;
    const struct expected *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    if (x->priority != y->priority) {
        return x->priority < y->priority ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

static void test_event_queue__random_pushes_come_out_sorted(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct ts_event_queue queue;
    struct ts_event event = {0};
    struct ts_rng rng;
    struct expected *all = calloc(N, sizeof *all);
    assert_non_null(all);
    ts_rng_init(&rng, 1, 0, 0, 0);
    assert_int_equal(ts_event_queue_init(&queue, 16), TS_OK);
    for (uint32_t i = 0; i < N; i++) {
        all[i] = (struct expected){(int64_t)(ts_rng_u32(&rng) % 3000), (uint8_t)(ts_rng_u32(&rng) % 3), i};
        assert_int_equal(ts_event_queue_push(&queue, all[i].time_ns, all[i].priority, i, i ^ 5U), TS_OK);
    }
    qsort(all, N, sizeof *all, compare);
    for (uint32_t i = 0; i < N; i++) {
        assert_true(pop(&queue, &event));
        assert_int_equal(event.target, all[i].number);
        assert_int_equal(event.stamp, all[i].number ^ 5U);
        assert_int_equal(ts_event_priority(&event), all[i].priority);
    }
    ts_event_queue_deinit(&queue);
    free(all);
}

/* Hold model: pops and pushes in turn; the popped times never go back. */
static void test_event_queue__time_never_goes_back(void **state)
{
    (void)state;
    struct ts_event_queue queue;
    struct ts_event event = {0};
    struct ts_rng rng;
    int64_t last_ns = 0;
    ts_rng_init(&rng, 2, 0, 0, 0);
    assert_int_equal(ts_event_queue_init(&queue, 16), TS_OK);
    for (uint32_t i = 0; i < 500; i++) {
        assert_int_equal(ts_event_queue_push(&queue, ts_rng_u32(&rng) % 1000, 0, i, 0), TS_OK);
    }
    const struct ts_event *heap = queue.heap;
    for (int i = 0; i < 100000; i++) {
        assert_true(pop(&queue, &event));
        assert_true(event.time_ns >= last_ns);
        last_ns = event.time_ns;
        assert_int_equal(ts_event_queue_push(&queue, last_ns + ts_rng_u32(&rng) % 1000, 0, event.target, 0), TS_OK);
    }
    assert_ptr_equal(heap, queue.heap);
    ts_event_queue_deinit(&queue);
}

/* Events in lanes and events in the heap fire in the order in which all of them would in the heap. */
static void test_event_queue__lanes_do_not_change_the_order(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct ts_event_queue with;
    struct ts_event_queue without;
    struct ts_rng rng;
    int64_t now_ns = 0;
    ts_rng_init(&rng, 11, 0, 0, 0);
    assert_int_equal(ts_event_queue_init(&with, 1), TS_OK);
    assert_int_equal(ts_event_queue_init(&without, 1), TS_OK);
    for (uint32_t i = 0; i < N || with.first; i++) {
        if (i < N && ts_rng_u32(&rng) % 8 < 5) {
            const uint32_t lane = ts_rng_u32(&rng) % (TS_EVENT_LANES + 1);
            const int64_t time_ns = now_ns + (lane < TS_EVENT_LANES ? 50 * (lane + 1) : ts_rng_u32(&rng) % 100);
            const uint8_t priority = (uint8_t)(lane < TS_EVENT_LANES ? lane : ts_rng_u32(&rng) % 3);
            assert_int_equal(lane < TS_EVENT_LANES ? ts_event_queue_append(&with, lane, time_ns, priority, i, 1)
                                                   : ts_event_queue_push(&with, time_ns, priority, i, 1),
                             TS_OK);
            assert_int_equal(ts_event_queue_push(&without, time_ns, priority, i, 1), TS_OK);
            continue;
        }
        struct ts_event a = {0};
        struct ts_event b = {0};
        const bool any = pop(&with, &a);
        assert_int_equal(any, pop(&without, &b));
        if (any) {
            assert_int_equal(a.time_ns, b.time_ns);
            assert_int_equal(a.order, b.order);
            assert_int_equal(a.target, b.target);
            now_ns = a.time_ns;
        }
    }
    ts_event_queue_deinit(&with);
    ts_event_queue_deinit(&without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_queue__equal_times_fire_fifo),
        cmocka_unit_test(test_event_queue__priority_decides_between_equal_times),
        cmocka_unit_test(test_event_queue__next_time_of_an_empty_queue_is_never),
        cmocka_unit_test(test_event_queue__random_pushes_come_out_sorted),
        cmocka_unit_test(test_event_queue__time_never_goes_back),
        cmocka_unit_test(test_event_queue__lanes_do_not_change_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
