/* The queue of pending events, in total order: by time, then by priority (smaller first), then by order of insertion
 * or by rank. So equal times fire in a known order and a run does not depend on the shape of the heap. Events are plain
 * values; there is no cancelling: whoever schedules an event puts a stamp into it and ignores it when it fires with an
 * old stamp. Pushes allocate only while the queue grows beyond its largest size so far.
 *
 * Events that lie a constant time ahead come in order by themselves: they wait in lanes beside the heap, first in,
 * first out, and do not make it deeper. That changes nothing of the order. */
#ifndef TS_SIM_EVENT_QUEUE_H
#define TS_SIM_EVENT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { TS_EVENT_QUEUE_MAX = 1 << 26, TS_EVENT_LANES = 3 };

struct ts_event {
    int64_t time_ns;
    uint64_t order;  /* priority in the upper 8 bits, sequence number below */
    uint32_t target; /* the owner's business */
    uint32_t stamp;  /* the owner's business */
};

struct ts_event_lane {
    struct ts_event *ring; /* [cap], a power of two; NULL while it was never used */
    uint32_t head, n, cap;
};

struct ts_event_queue {
    struct ts_event *heap; /* [cap], the first n form a 4-ary min-heap */
    uint32_t n, cap;
    struct ts_event_lane lanes[TS_EVENT_LANES];
    const struct ts_event *first; /* of all; NULL: none is pending */
    uint64_t sequence;
};

enum ts_status ts_event_queue_init(struct ts_event_queue *out, uint32_t initial_cap);
void ts_event_queue_deinit(struct ts_event_queue *queue);

/* TS_ENOMEM leaves the queue as it was. */
enum ts_status ts_event_queue_push(struct ts_event_queue *queue, int64_t time_ns, uint8_t priority, uint32_t target,
                                   uint32_t stamp);
/* The same, but among equal times and priorities it fires by rank (below 2^56) instead of by order of insertion. */
enum ts_status ts_event_queue_push_ranked(struct ts_event_queue *queue, int64_t time_ns, uint8_t priority,
                                          uint64_t rank, uint32_t target, uint32_t stamp);
/* As push, for events of one kind whose times never decrease: each kind its own lane, below TS_EVENT_LANES. */
enum ts_status ts_event_queue_append(struct ts_event_queue *queue, uint32_t lane, int64_t time_ns, uint8_t priority,
                                     uint32_t target, uint32_t stamp);
/* Drops the first event; there must be one. */
void ts_event_queue_drop(struct ts_event_queue *queue);

/* Time of the first event; INT64_MAX if there is none. */
static inline int64_t ts_event_queue_next_ns(const struct ts_event_queue *queue)
{
    return queue->first ? queue->first->time_ns : INT64_MAX;
}

static inline uint8_t ts_event_priority(const struct ts_event *event)
{
    return (uint8_t)(event->order >> 56);
}

#endif
