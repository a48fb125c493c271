/* A processor of no architecture that has kernels of its own: the reference runs. */
#include "kernels/cpu.h"

void ts_cpu_detect_arch(struct ts_cpu *cpu)
{
    (void)cpu;
}
