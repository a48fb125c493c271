/* What there is to say about the machine and the build that a measurement was made with. */
#ifndef TS_KERNELS_HOST_H
#define TS_KERNELS_HOST_H

#include "kernels/cpu.h"
#include "kernels/measurement.h"

/* Texts live in `arena`. TS_ENOMEM. */
enum ts_status ts_host_describe(struct ts_host *out, struct ts_arena *arena, const struct ts_cpu *cpu);

/* Processors that this process may use, at least 1. */
uint32_t ts_host_usable_cpus(void);

/* Physical memory; 0 if unknown. */
uint64_t ts_host_memory_bytes(void);

/* The most memory that this process has had resident so far; 0 if unknown. */
uint64_t ts_host_peak_bytes(void);

#endif
