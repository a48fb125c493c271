#ifndef TS_KERNELS_X86_TILE_LEAVE_H
#define TS_KERNELS_X86_TILE_LEAVE_H

#include <stdbool.h>

/* Asks the system to let this process use AMX tiles; true if it may. Asking again does no harm. */
bool ts_tile_leave(void);

#endif
