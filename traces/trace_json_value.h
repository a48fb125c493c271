/* Values of a record in JSON by their key, however that is written and whatever it lies in. */
#ifndef TS_TRACES_TRACE_JSON_VALUE_H
#define TS_TRACES_TRACE_JSON_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "traces/trace_format.h"

enum { TS_TRACE_JSON_PATH = 128 };

/* The value of that name (`len` of it): a key but for case and signs, one below "attributes" and the like, or a path
 * with dots between. `path` [TS_TRACE_JSON_PATH] gets the keys that led there. NULL: there is none. */
const struct ts_json *ts_trace_json_find(const struct ts_json *record, const char *name, size_t len, char *path);
/* The value at a path that was found in another record. */
const struct ts_json *ts_trace_json_follow(const struct ts_json *record, const char *path);
/* The same for records that have the same keys, and null at the same ones. */
uint64_t ts_trace_json_shape(const struct ts_json *record);
/* NULL gives TS_CELL_NONE. */
void ts_trace_json_cell(struct ts_trace_cell *out, const struct ts_json *value);

#endif
