/* The two kinds of stream after ts_workload_open. Both expect a workload that ts_workload_open has checked. */
#ifndef TS_TRACES_WORKLOAD_STREAM_H
#define TS_TRACES_WORKLOAD_STREAM_H

#include "traces/workload.h"

enum ts_status ts_generator_open(struct ts_request_stream **out, const struct ts_workload *workload, uint64_t seed,
                                 uint32_t replication, struct ts_diags *diags);
enum ts_status ts_replay_open(struct ts_request_stream **out, const struct ts_workload *workload, uint64_t seed,
                              const struct ts_progress *progress, struct ts_diags *diags);

/* Zero if the stream is not a replay. */
struct ts_trace_counts ts_replay_counts(const struct ts_request_stream *stream);

#endif
