/* The one clock: monotonic, from an arbitrary start; nobody sets it. */
#ifndef TS_BASE_CLOCK_H
#define TS_BASE_CLOCK_H

#include <stdint.h>

int64_t ts_clock_now_ns(void);
double ts_clock_now_s(void);

/* Sleeps for so long, or until a signal comes. */
void ts_clock_sleep_s(double seconds);

#endif
