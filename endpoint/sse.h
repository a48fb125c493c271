/* Server-sent events (WHATWG HTML, "Server-sent events"): bytes in pieces of any size in, events out. Only the data of
 * an event counts here; its type, id and retry fields are read over, as are comments. */
#ifndef TS_ENDPOINT_SSE_H
#define TS_ENDPOINT_SSE_H

#include <stdbool.h>

#include "base/status.h"
#include "base/text.h"

enum { TS_SSE_MAX_EVENT_BYTES = 4 << 20 };

struct ts_sse {
    struct ts_text line; /* the line under way */
    struct ts_text data; /* of the event under way, its lines joined by LF */
    bool has_data;
    bool after_cr; /* the last byte was a CR: a LF after it belongs to it */
    bool begun;    /* the first line is through: no byte-order mark any more */
};

/* Called for each event that has data; the text is valid during the call. */
typedef void ts_sse_on_event(void *context, const char *data, size_t len);

void ts_sse_init(struct ts_sse *sse);
void ts_sse_deinit(struct ts_sse *sse);

/* TS_EINPUT when a line or an event grows beyond TS_SSE_MAX_EVENT_BYTES; TS_ENOMEM. After either, feed no more. */
enum ts_status ts_sse_feed(struct ts_sse *sse, const char *bytes, size_t len, ts_sse_on_event *on_event, void *context);

/* The end of the stream. The standard drops an event that no blank line follows; we give it, since servers end their
 * streams that way. */
enum ts_status ts_sse_finish(struct ts_sse *sse, ts_sse_on_event *on_event, void *context);

#endif
