/* What a trace looks like, drawn with characters. */
#ifndef TS_APP_TRACE_DRAW_H
#define TS_APP_TRACE_DRAW_H

#include "base/text.h"
#include "traces/trace_shape.h"

/* Appends the drawings: rate over time, the week (of a dated trace of a day or more), tokens, what caches of some sizes
 * find (where prompts are told), sessions (where there are). */
void ts_trace_draw(struct ts_text *out, const struct ts_trace_shape *shape, const struct ts_trace_stats *stats);

/* Is there a week to be drawn? */
bool ts_trace_has_week(const struct ts_trace_shape *shape);

#endif
