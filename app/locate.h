/* Where a measurement of this machine is kept. All: *out is for free(), NULL if there is no such place; TS_ENOMEM. */
#ifndef TS_APP_LOCATE_H
#define TS_APP_LOCATE_H

#include "base/status.h"

/* The measurement to use for `hardware: this-machine`: `named` if given, $TIERSIM_MEASUREMENT, out/measurement.json,
 * the cache; NULL if none is there. */
enum ts_status ts_locate_measurement(char **out, const char *named);

/* Where `tiersim bench` writes without -o: $XDG_CACHE_HOME or ~/.cache, /tiersim/measurement.json; NULL without a home.
 */
enum ts_status ts_locate_cached_measurement(char **out);

/* A file beside it that keeps an unfinished measurement of that name; NULL as above. */
enum ts_status ts_locate_unfinished(char **out, const char *name);

#endif
