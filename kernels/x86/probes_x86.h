/* Probes that several instruction sets of x86 share. */
#ifndef TS_KERNELS_X86_PROBES_X86_H
#define TS_KERNELS_X86_PROBES_X86_H

#include "kernels/probes.h"

uint64_t ts_probe_read_avx2(const uint8_t *bytes, size_t n);
uint64_t ts_probe_fma_avx2(uint64_t n_rounds);
uint64_t ts_probe_read_avx512(const uint8_t *bytes, size_t n);
uint64_t ts_probe_fma_avx512(uint64_t n_rounds);

#endif
