/* The formats with blocks of 256 weights in AVX-VNNI: entries of the table in avxvnni.c. Packed as AVX2 has them. */
#ifndef TS_KERNELS_X86_AVXVNNI_K_H
#define TS_KERNELS_X86_AVXVNNI_K_H

#include "kernels/kernel.h"

enum { AVXVNNI_Q4_K_TOK = 6, AVXVNNI_Q6_K_TOK = 4 };

ts_kernel_tile_fn ts_avxvnni_direct_q4_k, ts_avxvnni_direct_q6_k;

#endif
