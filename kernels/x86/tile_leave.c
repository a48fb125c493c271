/* Hides how a process gets the system's leave to use AMX tiles: Linux wants to be asked once
 * (Documentation/arch/x86/xstate.rst), since tiles enlarge what it saves for each thread. The leave holds for all
 * threads. */
#include "kernels/x86/tile_leave.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

bool ts_tile_leave(void)
{
#if defined(__linux__) && defined(SYS_arch_prctl)
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}
