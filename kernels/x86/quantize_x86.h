/* The activation quantizer in wider registers; the same bits as ts_act_quantize_ref. */
#ifndef TS_KERNELS_X86_QUANTIZE_X86_H
#define TS_KERNELS_X86_QUANTIZE_X86_H

#include "kernels/activation.h"

ts_act_quantize_fn ts_act_quantize_avx2;
ts_act_quantize_fn ts_act_quantize_avx512;

#endif
