/* A stream that is read ahead by a thread of its own: whoever takes requests from it finds them ready, and reading or
 * drawing them runs beside what is done with them. The requests, their order and the errors are those of the stream
 * after it; at most some thousand requests are held. */
#ifndef TS_TRACES_READ_AHEAD_H
#define TS_TRACES_READ_AHEAD_H

#include "traces/request.h"

/* Starts to read `inner` (borrowed until destroy; nobody else may read it). After the end of *out, and after its
 * destruction, inner is at rest. TS_ENOMEM without memory or without a thread: inner is untouched then. */
enum ts_status ts_read_ahead_open(struct ts_request_stream **out, struct ts_request_stream *inner);

#endif
