/* The float arithmetic of a layer for arm64: a tile of 6 rows x 16 columns is 24 of the 32 registers. */
#include "engine/vector_ops.h"

#include <arm_neon.h>
#include <math.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/formats/half.h"

/* p * 2^n for normal results. */
static inline float32x4_t pow2(float32x4_t p, float32x4_t n)
{
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), vshlq_n_s32(vcvtq_s32_f32(n), 23)));
}

#define NAME(x) neon_##x
#define VF float32x4_t
#define VW 4
#define TILE_VECS 4
#define VECS(DO, r) DO(r, 0) DO(r, 1) DO(r, 2) DO(r, 3)
#define V_LOAD vld1q_f32
#define V_STORE vst1q_f32
#define V_SET1 vdupq_n_f32
#define V_ZERO() vdupq_n_f32(0.0F)
#define V_FMA(x, y, z) vfmaq_f32((z), (x), (y))
#define V_ADD vaddq_f32
#define V_SUB vsubq_f32
#define V_MUL vmulq_f32
#define V_DIV vdivq_f32
#define V_MAX vmaxq_f32
#define V_MIN vminq_f32
#define V_ROUND vrndnq_f32
#define V_POW2 pow2
#define V_REDUCE_ADD vaddvq_f32
#define V_REDUCE_MAX vmaxvq_f32
#define V_WIDEN(in) vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(in)))
#define V_NARROW(out, x) vst1_u16((out), vreinterpret_u16_f16(vcvt_f16_f32(x)))

#include "engine/vector_ops_body.inc"

const struct ts_vector_ops ts_vector_ops_neon = {.name = "neon", .needs = TS_CPU_NEON, VECTOR_OPS_ROWS};
