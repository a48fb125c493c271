/* How far a quantized product is from the true one. */
#ifndef TS_KERNELS_BENCH_BENCH_ERROR_H
#define TS_KERNELS_BENCH_BENCH_ERROR_H

#include <stdint.h>

#include "base/diag.h"

/* Relative error of y = W x in a weight format against the same product of the unrounded numbers in float64: the root
 * of the summed squared differences over that of the summed squares. W is 64 x cols, x 16 tokens, standard normal from
 * a fixed seed, so the figure depends on format, variant and cols alone. quant and isa as in ts_bench_options; cols: a
 * multiple of the format's block, at most 65,536. TS_EUNSUPPORTED, TS_ERANGE, TS_ENOMEM. */
enum ts_status ts_bench_error(double *out, const char *quant, const char *isa, uint32_t cols, struct ts_diags *diags);

#endif
