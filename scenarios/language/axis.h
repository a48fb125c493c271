/* An axis of a study: a key of the scenario and what it is to be, as one writes it after --set, or as `values` of the
 * sections `sweep` and `search`:
 *   4                    one value: no axis, the key is set once
 *   1, 2, 4              these values; commas within brackets, braces or quotes part nothing
 *   0.1:0.9:0.1          from : to : step, the end included if a step falls on it
 *   1:64:*2              the same by a factor
 *   10 k/day:90 k/day:20 k/day    with units: the same unit in all parts, or in the first alone
 *   0.1:0.9, 1:64:log    a range that designs draw from, evenly or evenly in the logarithm; whole numbers if both ends
 *                        are written without a point */
#ifndef TS_SCENARIOS_LANGUAGE_AXIS_H
#define TS_SCENARIOS_LANGUAGE_AXIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

enum { TS_MAX_AXES = 40, TS_MAX_AXIS_VALUES = 100000 };

struct ts_axis {
    const char *key;             /* "tiers.edge.replicas" */
    const char *const *settings; /* [n] "tiers.edge.replicas=4", no two alike; NULL: a range without steps */
    uint32_t n;
    double low, high; /* of a range */
    bool is_whole, is_log;
    const char *unit; /* of a range, as written after the number: " k/day"; "" */
};

struct ts_axes {
    const struct ts_axis *items; /* [n] */
    uint32_t n;
};

/* "key=value" into an axis; *is_axis = false, and *out untouched, if it is one value. Allocates in `arena`. TS_EUSAGE
 * with a diagnostic that names the text, at `at`: where the value is written in a file, or none; TS_ENOMEM. */
enum ts_status ts_axis_parse(struct ts_axis *out, bool *is_axis, const char *text, struct ts_span at,
                             struct ts_arena *arena, struct ts_diags *diags);

/* The setting of a range at u in [0, 1): "key=0.35", six significant digits. NULL: out of memory. */
const char *ts_axis_at(const struct ts_axis *axis, double u, struct ts_arena *arena);

#endif
