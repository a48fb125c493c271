/* What a trace does not say about a request, drawn from the workload's classes: class, sensitivity and difficulty. Also
 * the streams of random numbers that requests are made from, one per purpose, so that a change of one distribution
 * leaves all other draws as they were. */
#ifndef TS_TRACES_LABEL_H
#define TS_TRACES_LABEL_H

#include "traces/workload.h"

enum ts_trace_purpose {
    TS_TRACE_GAPS = 0x74720001,
    TS_TRACE_PROMPTS = 0x74720002,
    TS_TRACE_OUTPUTS = 0x74720003,
    TS_TRACE_LABELS = 0x74720100, /* and upwards: see label.c */
};

/* Sets class_id (unless the request has one), sensitivity and difficulty by (seed, replication, request->id): nothing
 * else matters. */
void ts_label_draw(struct ts_request *request, const struct ts_workload *workload, uint64_t seed, uint32_t replication);

#endif
