/* Hides the data structure of the event queue: a 4-ary heap in one array. Four children of 24 bytes lie in two cache
 * lines, so a sift-down touches half as many lines as a binary heap of the same depth. (D. Jones, "An empirical
 * comparison of priority-queue and event-set implementations", CACM 29(4), 1986; the 4-ary layout after LaMarca &
 * Ladner, "The influence of caches on the performance of heaps", JEA 1, 1996.) The lanes are rings. */
#include "sim/event_queue.h"

#include <stdlib.h>

#include "base/check.h"

enum { ARITY = 4 };

/* Without branches: which of two pending events is first is a coin's toss. */
static inline bool is_before(const struct ts_event *a, const struct ts_event *b)
{
    return (a->time_ns < b->time_ns) | ((a->time_ns == b->time_ns) & (a->order < b->order));
}

enum ts_status ts_event_queue_init(struct ts_event_queue *out, uint32_t initial_cap)
{
    struct ts_event_queue queue = {.cap = initial_cap > 0 ? initial_cap : 1};
    queue.heap = malloc((size_t)queue.cap * sizeof *queue.heap);
    if (!queue.heap) {
        return TS_ENOMEM;
    }
    *out = queue;
    return TS_OK;
}

void ts_event_queue_deinit(struct ts_event_queue *queue)
{
    free(queue->heap);
    for (uint32_t i = 0; i < TS_EVENT_LANES; i++) {
        free(queue->lanes[i].ring);
    }
    *queue = (struct ts_event_queue){0};
}

static enum ts_status grow(struct ts_event_queue *queue)
{
    if (queue->cap >= TS_EVENT_QUEUE_MAX) {
        return TS_ENOMEM;
    }
    const uint32_t cap = queue->cap * 2;
    struct ts_event *heap = realloc(queue->heap, (size_t)cap * sizeof *heap);
    if (!heap) {
        return TS_ENOMEM;
    }
    queue->heap = heap;
    queue->cap = cap;
    return TS_OK;
}

static inline const struct ts_event *earlier(const struct ts_event *a, const struct ts_event *b)
{
    return !a || is_before(b, a) ? b : a;
}

static void find_first(struct ts_event_queue *queue)
{
    const struct ts_event *first = queue->n > 0 ? &queue->heap[0] : NULL;
    for (uint32_t i = 0; i < TS_EVENT_LANES; i++) {
        const struct ts_event_lane *lane = &queue->lanes[i];
        if (lane->n > 0) {
            first = earlier(first, &lane->ring[lane->head]);
        }
    }
    queue->first = first;
}

static enum ts_status push(struct ts_event_queue *queue, struct ts_event event)
{
    if (queue->n == queue->cap) {
        if (grow(queue) != TS_OK) {
            return TS_ENOMEM;
        }
        find_first(queue);
    }
    uint32_t hole = queue->n++;
    while (hole > 0) {
        const uint32_t parent = (hole - 1) / ARITY;
        if (!is_before(&event, &queue->heap[parent])) {
            break;
        }
        queue->heap[hole] = queue->heap[parent];
        hole = parent;
    }
    queue->heap[hole] = event;
    queue->first = hole == 0 ? earlier(queue->first, &queue->heap[0]) : queue->first;
    return TS_OK;
}

enum ts_status ts_event_queue_push(struct ts_event_queue *queue, int64_t time_ns, uint8_t priority, uint32_t target,
                                   uint32_t stamp)
{
    return ts_event_queue_push_ranked(queue, time_ns, priority, queue->sequence++, target, stamp);
}

enum ts_status ts_event_queue_push_ranked(struct ts_event_queue *queue, int64_t time_ns, uint8_t priority,
                                          uint64_t rank, uint32_t target, uint32_t stamp)
{
    return push(queue, (struct ts_event){time_ns, (uint64_t)priority << 56 | rank, target, stamp});
}

static enum ts_status grow_lane(struct ts_event_lane *lane)
{
    enum { FIRST_CAP = 64 };
    if (lane->cap >= TS_EVENT_QUEUE_MAX) {
        return TS_ENOMEM;
    }
    const uint32_t cap = lane->cap > 0 ? lane->cap * 2 : FIRST_CAP;
    struct ts_event *ring = malloc((size_t)cap * sizeof *ring);
    if (!ring) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < lane->n; i++) {
        ring[i] = lane->ring[(lane->head + i) & (lane->cap - 1)];
    }
    free(lane->ring);
    *lane = (struct ts_event_lane){.ring = ring, .n = lane->n, .cap = cap};
    return TS_OK;
}

enum ts_status ts_event_queue_append(struct ts_event_queue *queue, uint32_t lane_index, int64_t time_ns,
                                     uint8_t priority, uint32_t target, uint32_t stamp)
{
    TS_CHECK(lane_index < TS_EVENT_LANES);
    struct ts_event_lane *lane = &queue->lanes[lane_index];
    if (lane->n == lane->cap) {
        if (grow_lane(lane) != TS_OK) {
            return TS_ENOMEM;
        }
        find_first(queue);
    }
    TS_CHECK(lane->n == 0 || lane->ring[(lane->head + lane->n - 1) & (lane->cap - 1)].time_ns <= time_ns);
    struct ts_event *event = &lane->ring[(lane->head + lane->n++) & (lane->cap - 1)];
    *event = (struct ts_event){time_ns, (uint64_t)priority << 56 | queue->sequence++, target, stamp};
    queue->first = lane->n == 1 ? earlier(queue->first, event) : queue->first;
    return TS_OK;
}

/* The first of a full set of children. */
static inline uint32_t first_of_four(const struct ts_event *heap, uint32_t begin)
{
    const uint32_t left = begin + is_before(&heap[begin + 1], &heap[begin]);
    const uint32_t right = begin + 2 + is_before(&heap[begin + 3], &heap[begin + 2]);
    return is_before(&heap[right], &heap[left]) ? right : left;
}

static uint32_t first_child(const struct ts_event *heap, uint32_t begin, uint32_t end)
{
    if (end - begin == ARITY) {
        return first_of_four(heap, begin);
    }
    uint32_t best = begin;
    for (uint32_t i = begin + 1; i < end; i++) {
        best = is_before(&heap[i], &heap[best]) ? i : best;
    }
    return best;
}

/* Puts the last event where the first was, and down to its place. */
static void sift_down(struct ts_event *heap, uint32_t n)
{
    const struct ts_event last = heap[n];
    uint32_t hole = 0;
    for (uint32_t begin = 1; begin < n; begin = hole * ARITY + 1) {
        const uint32_t end = n - begin < ARITY ? n : begin + ARITY;
        const uint32_t child = first_child(heap, begin, end);
        if (!is_before(&heap[child], &last)) {
            break;
        }
        heap[hole] = heap[child];
        hole = child;
    }
    heap[hole] = last;
}

void ts_event_queue_drop(struct ts_event_queue *queue)
{
    TS_CHECK(queue->first);
    if (queue->n > 0 && queue->first == &queue->heap[0]) {
        if (--queue->n > 0) {
            sift_down(queue->heap, queue->n);
        }
    } else {
        uint32_t i = 0;
        while (queue->lanes[i].n == 0 || queue->first != &queue->lanes[i].ring[queue->lanes[i].head]) {
            i++;
        }
        queue->lanes[i].head = (queue->lanes[i].head + 1) & (queue->lanes[i].cap - 1);
        queue->lanes[i].n--;
    }
    find_first(queue);
}
