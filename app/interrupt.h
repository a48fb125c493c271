/* Ctrl-C and SIGTERM: asks the work in progress to stop, so that what is finished can still be written. */
#ifndef TS_APP_INTERRUPT_H
#define TS_APP_INTERRUPT_H

#include <stdbool.h>

/* From now on the first signal sets the flag; a second one ends the process as usual. */
void ts_interrupt_arm(void);
bool ts_interrupt_requested(void);

#endif
