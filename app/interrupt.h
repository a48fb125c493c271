/* Ctrl-C, SIGTERM and SIGHUP: asks the work in progress to stop, so that what is finished can still be written. */
#ifndef TS_APP_INTERRUPT_H
#define TS_APP_INTERRUPT_H

#include <stdbool.h>

/* From now on the first of these signals sets the flag, and another one ends the process as usual. */
void ts_interrupt_arm(void);
/* The same, and a second after the signal the process ends, whatever it is doing: for work that leaves its files whole
 * or absent at any time. */
void ts_interrupt_arm_with_limit(void);
bool ts_interrupt_requested(void);

#endif
