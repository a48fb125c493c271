/* What there is to say about the machine and the build that a measurement was made with. */
#ifndef TS_KERNELS_HOST_H
#define TS_KERNELS_HOST_H

#include <stdbool.h>

#include "kernels/cpu.h"
#include "measure/measurement.h"

/* Texts live in `arena`. TS_ENOMEM. */
enum ts_status ts_host_describe(struct ts_host *out, struct ts_arena *arena, const struct ts_cpu *cpu);
/* The same of the machine that runs this. */
enum ts_status ts_host_detect(struct ts_host *out, struct ts_arena *arena);

/* Processors that this process may use, at least 1. */
uint32_t ts_host_usable_cpus(void);

/* A set of processors: bit i is processor i of the system. */
struct ts_host_cpus {
    uint64_t bits[16];
};

/* Binds the calling thread to the index-th of the processors that it may use, counted round and round; *before, if not
 * NULL, gets those. False where the system has no such call (it needs Linux), or refuses. */
bool ts_host_bind_thread(uint32_t index, struct ts_host_cpus *before);
/* Lets the calling thread run on those processors again. */
void ts_host_unbind_thread(const struct ts_host_cpus *before);

/* Physical memory; 0 if unknown. */
uint64_t ts_host_memory_bytes(void);

/* The most memory that this process has had resident so far; 0 if unknown. */
uint64_t ts_host_peak_bytes(void);

#endif
