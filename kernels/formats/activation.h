/* Activations for the kernels. For integer formats: per token and block of 32 columns, int8 values and one scale; for
 * weights of 16 bits, floats or BF16 in the same order and no scale; for weights that are dequantized to BF16, BF16
 * numbers raised by a constant, in the order of the tiles' pairs.
 *
 * The scale is a power of 2^(1/16): scale = 2^(step/16) with an integer step. A kernel can then multiply a weight's
 * scale by an activation's scale without a multiplication: the weight's scale times 2^(j/16) comes from a table of 16,
 * and the rest is added to the exponent bits. Of the three steps that are just coarse enough for the block's largest
 * value, the one with the least squared error is taken, which makes up for the coarser choice of scales: on Gaussian
 * data the error is within 0.5 % of that of scale = max/127.
 *
 * Tokens are kept in tiles of nearly equal width and blocks in chunks, [chunk][tile][block of the chunk][token of the
 * tile][32], so that a micro-kernel walks through memory in one direction and a chunk of all tokens stays in the
 * second-level cache. Values lie in [-127, 127]. */
#ifndef TS_KERNELS_FORMATS_ACTIVATION_H
#define TS_KERNELS_FORMATS_ACTIVATION_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    TS_ACT_COLS = 32,  /* columns of a block */
    TS_ACT_STEPS = 16, /* scales per octave */
    TS_ACT_CANDIDATES = 3,
    TS_ACT_MAX_OCTAVE = 60, /* scales are clamped to [2^-60, 2^60] */
};

/* Beside the 32 values of a block of one token. */
struct ts_act_meta {
    int32_t
        start; /* -offset x the sum of the values: where an accumulator starts whose weights were raised by `offset` */
    int32_t exponent; /* octave << 23: what is added to the bits of a float to multiply it by 2^octave */
    uint16_t step;    /* within the octave: scale = 2^octave * 2^(step/16) */
    int16_t low_sum;  /* of the first 16 values */
    float scale;
};

/* Where the blocks of one token go: block b to place (b / chunk_blocks)*chunk_stride + (b % chunk_blocks)*stride,
 * counted in blocks. */
struct ts_act_places {
    uint32_t stride; /* the width of the token's tile */
    uint32_t chunk_blocks;
    size_t chunk_stride;
};

static inline size_t ts_act_place(const struct ts_act_places *places, uint32_t block)
{
    return block / places->chunk_blocks * places->chunk_stride +
           (size_t)(block % places->chunk_blocks) * places->stride;
}

/* Converts n_blocks consecutive blocks of one token to values + place x bytes of a block and meta + place; only int8
 * has meta. x must be finite and below 2^60. */
typedef void ts_act_convert_fn(void *values, struct ts_act_meta *meta, const struct ts_act_places *places,
                               const float *x, uint32_t n_blocks, int32_t offset);

/* What a kernel multiplies weights by. Variants of one kind give the same bits. */
enum ts_act_kind { TS_ACT_INT8, TS_ACT_FLOAT, TS_ACT_BFLOAT, TS_ACT_RAISED_BFLOAT };

/* TS_ACT_RAISED_BFLOAT: what activations are multiplied by, and where they are cut off before. */
#define TS_ACT_RAISE 0x1p104F
#define TS_ACT_RAISED_MAX 0x1p23F

struct ts_act_form {
    enum ts_act_kind kind;
    uint32_t block_bytes; /* of 32 activations of a token */
    ts_act_convert_fn *convert;
};

enum { TS_ACT_MAX_BLOCK_BYTES = TS_ACT_COLS * 4 };

extern const struct ts_act_form ts_act_int8;          /* the scalar quantizer: defines the bits */
extern const struct ts_act_form ts_act_float;         /* x as it is */
extern const struct ts_act_form ts_act_bfloat;        /* rounded to BF16, nearest even */
extern const struct ts_act_form ts_act_raised_bfloat; /* of x times TS_ACT_RAISE, where x is cut off at
                                                       * TS_ACT_RAISED_MAX; of 4 columns the middle two are swapped */

/* 2^(step/16) and 2^(-step/16), for step in [0, 16). */
extern const float ts_act_scales[TS_ACT_STEPS];
extern const float ts_act_inverses[TS_ACT_STEPS];

/* The finest step whose scale is at least max/127, clamped to the octaves allowed. */
int32_t ts_act_first_step(float max);

/* The arithmetic of steps, for the quantizer's variants. */

static inline float ts_act_power_of_two(int32_t exponent)
{
    uint32_t bits = (uint32_t)(exponent + 127) << 23;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* floor(step / TS_ACT_STEPS) */
static inline int32_t ts_act_octave(int32_t step)
{
    const uint32_t bias = 1024;
    return (int32_t)(((uint32_t)step + bias * TS_ACT_STEPS) / TS_ACT_STEPS) - (int32_t)bias;
}

/* 1/scale of a step. */
static inline float ts_act_inverse(int32_t step)
{
    int32_t octave = ts_act_octave(step);
    return ts_act_inverses[step - octave * TS_ACT_STEPS] * ts_act_power_of_two(-octave);
}

/* Fills in all but the sums. */
static inline void ts_act_set_scale(struct ts_act_meta *meta, int32_t step)
{
    int32_t octave = ts_act_octave(step);
    meta->exponent = octave * (1 << 23);
    meta->step = (uint16_t)(step - octave * TS_ACT_STEPS);
    meta->scale = ts_act_scales[meta->step] * ts_act_power_of_two(octave);
}

/* What the errors of the second and third candidate weigh against those of the first: the square of their scales'
 * ratio. */
#define TS_ACT_COST_SECOND 1.09050773267F
#define TS_ACT_COST_THIRD 1.189207115F

/* The candidate of least cost, from each one's sum of squared errors in units of the scale's square. */
static inline int ts_act_best_candidate(const float errors[TS_ACT_CANDIDATES])
{
    float second = errors[1] * TS_ACT_COST_SECOND;
    float third = errors[2] * TS_ACT_COST_THIRD;
    int best = second < errors[0] ? 1 : 0;
    return third < (best ? second : errors[0]) ? 2 : best;
}

/* The tiling of n_tok tokens in tiles of at most max_width. */
struct ts_act_tiles {
    uint32_t n_tiles;
    uint32_t width; /* of all tiles but the first n_wider, which have one more */
    uint32_t n_wider;
};
struct ts_act_tiles ts_act_tiles_make(uint32_t n_tok, uint32_t max_width);
uint32_t ts_act_tile_first(const struct ts_act_tiles *tiles, uint32_t tile);
uint32_t ts_act_tile_width(const struct ts_act_tiles *tiles, uint32_t tile);

#endif
