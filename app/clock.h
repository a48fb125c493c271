/* The clock of the machine, for what happens live. */
#ifndef TS_APP_CLOCK_H
#define TS_APP_CLOCK_H

#include <stdint.h>

/* Monotonic, from an arbitrary start. */
int64_t ts_clock_now_ns(void);

#endif
