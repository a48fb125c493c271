/* Where a measurement of this machine is kept. */
#ifndef TS_APP_LOCATE_H
#define TS_APP_LOCATE_H

/* The measurement to use for `hardware: this-machine`: `named` if given, $TIERSIM_MEASUREMENT, out/measurement.json,
 * the cache; NULL if none is there. free() it. */
char *ts_locate_measurement(const char *named);

/* Where `tiersim bench` writes without -o: $XDG_CACHE_HOME or ~/.cache, /tiersim/measurement.json. NULL without a home.
 * free() it. */
char *ts_locate_cached_measurement(void);

/* A file beside it that keeps an unfinished measurement of that name; NULL as above. free() it. */
char *ts_locate_unfinished(const char *name);

#endif
