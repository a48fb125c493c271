/* The activation quantizer in wider registers; the same bits as ts_act_int8. */
#ifndef TS_KERNELS_X86_QUANTIZE_X86_H
#define TS_KERNELS_X86_QUANTIZE_X86_H

#include "kernels/formats/activation.h"

extern const struct ts_act_form ts_act_int8_avx2;
extern const struct ts_act_form ts_act_int8_avx512;

#endif
