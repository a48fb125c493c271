/* The float baseline: what a good BLAS does with the same matrix in single precision. */
#ifndef TS_KERNELS_BENCH_BLAS_H
#define TS_KERNELS_BENCH_BLAS_H

#include <stddef.h>
#include <stdint.h>

/* y[tok][row] = sum over col of w[row][col] * x[tok][col]; all dense. w and x are not written; the interface of BLAS
 * knows no const. */
void ts_blas_matmul(float *y, float *w, float *x, uint32_t rows, uint32_t cols, uint32_t n_tok);

/* Threads of the calls that follow; returns how many they were before. */
uint32_t ts_blas_set_threads(uint32_t n_threads);

/* Writes at most size bytes of "OpenBLAS 0.3.21 SkylakeX": the library, its version and the processor it took this one
 * for. Returns the length as snprintf does. */
size_t ts_blas_name(char *out, size_t size);

#endif
