/* Hides how a scale is chosen and rounded; the formulas stand in the header. Rounding is to nearest even, done by
 * adding and subtracting 1.5 * 2^23, which every machine does alike. Worked number: 32 integers with largest magnitude
 * 127 get step 0, scale 1 and are kept exactly; a largest magnitude of 254 gets scale 2. */
#include "kernels/formats/activation.h"

#include <math.h>
#include <string.h>

#include "kernels/formats/half.h"

const float ts_act_scales[TS_ACT_STEPS] = {
    1.0F,           1.04427378243F, 1.09050773267F, 1.13878863476F, 1.189207115F,   1.24185781207F,
    1.29683955465F, 1.35425554694F, 1.41421356237F, 1.47682614594F, 1.54221082541F, 1.61049033195F,
    1.68179283051F, 1.75625216037F, 1.83400808641F, 1.91520656140F,
};

const float ts_act_inverses[TS_ACT_STEPS] = {
    1.0F,           0.95760328070F, 0.91700404320F, 0.87812608018F, 0.84089641525F, 0.80524516597F,
    0.77110541270F, 0.73841307297F, 0.70710678119F, 0.67712777347F, 0.64841977733F, 0.62092890603F,
    0.59460355750F, 0.56939431738F, 0.54525386633F, 0.52213689121F,
};

static float round_even(float value)
{
    const float magic = 12582912.0F;
    return (value + magic) - magic;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

int32_t ts_act_first_step(float max)
{
    const int32_t lowest = -TS_ACT_MAX_OCTAVE * TS_ACT_STEPS;
    uint32_t bits = bits_of(max * (1.0F / 127.0F));
    int32_t octave = (int32_t)(bits >> 23) - 127;
    if (octave < -TS_ACT_MAX_OCTAVE) {
        return lowest;
    }
    if (octave >= TS_ACT_MAX_OCTAVE - 1) {
        return (TS_ACT_MAX_OCTAVE - 1) * TS_ACT_STEPS;
    }
    uint32_t fraction = bits & 0x7FFFFFU;
    int32_t step = 0;
    for (int i = 0; i < TS_ACT_STEPS; i++) {
        step += (bits_of(ts_act_scales[i]) & 0x7FFFFFU) < fraction;
    }
    return octave * TS_ACT_STEPS + step;
}

/* Sum of squared errors in units of (scale/128)^2: integers, so the order of the additions does not matter. */
static float squared_error(const float *x, float inverse)
{
    float sum = 0.0F;
    for (int i = 0; i < TS_ACT_COLS; i++) {
        float scaled = x[i] * inverse;
        float error = round_even((scaled - round_even(scaled)) * 128.0F);
        sum += error * error;
    }
    return sum;
}

static void quantize_block(int8_t *values, struct ts_act_meta *meta, const float *x, int32_t offset)
{
    float max = 0.0F;
    for (int i = 0; i < TS_ACT_COLS; i++) {
        float magnitude = fabsf(x[i]);
        max = magnitude > max ? magnitude : max;
    }
    int32_t first = ts_act_first_step(max);
    float errors[TS_ACT_CANDIDATES];
    for (int c = 0; c < TS_ACT_CANDIDATES; c++) {
        errors[c] = squared_error(x, ts_act_inverse(first + c));
    }
    int32_t step = first + ts_act_best_candidate(errors);
    float inverse = ts_act_inverse(step);
    int32_t sums[2] = {0, 0};
    for (int i = 0; i < TS_ACT_COLS; i++) {
        int32_t value = (int32_t)round_even(x[i] * inverse);
        values[i] = (int8_t)value;
        sums[i / (TS_ACT_COLS / 2)] += value;
    }
    ts_act_set_scale(meta, step);
    meta->start = -offset * (sums[0] + sums[1]);
    meta->low_sum = (int16_t)sums[0];
}

static void quantize_ref(void *out, struct ts_act_meta *meta, const struct ts_act_places *places, const float *x,
                         uint32_t n_blocks, int32_t offset)
{
    int8_t *values = out;
    for (uint32_t b = 0; b < n_blocks; b++) {
        size_t at = ts_act_place(places, b);
        quantize_block(values + at * TS_ACT_COLS, meta + at, x + (size_t)b * TS_ACT_COLS, offset);
    }
}

static void copy_floats(void *out, struct ts_act_meta *meta, const struct ts_act_places *places, const float *x,
                        uint32_t n_blocks, int32_t offset)
{
    (void)meta;
    (void)offset;
    float *values = out;
    for (uint32_t b = 0; b < n_blocks; b++) {
        memcpy(values + ts_act_place(places, b) * TS_ACT_COLS, x + (size_t)b * TS_ACT_COLS, TS_ACT_COLS * sizeof *x);
    }
}

static void round_block(uint16_t *values, const float *x)
{
    for (uint32_t i = 0; i < TS_ACT_COLS; i++) {
        values[i] = ts_bfloat_from_float(x[i]);
    }
}

static void raise_block(uint16_t *values, const float *x)
{
    for (uint32_t i = 0; i < TS_ACT_COLS; i++) {
        const float above = x[i] < -TS_ACT_RAISED_MAX ? -TS_ACT_RAISED_MAX : x[i];
        const float value = above > TS_ACT_RAISED_MAX ? TS_ACT_RAISED_MAX : above;
        values[i / 4 * 4 + i % 2 * 2 + i / 2 % 2] = ts_bfloat_from_float(value * TS_ACT_RAISE);
    }
}

static void each_block(uint16_t *values, const struct ts_act_places *places, const float *x, uint32_t n_blocks,
                       void (*convert)(uint16_t *values, const float *x))
{
    for (uint32_t b = 0; b < n_blocks; b++) {
        convert(values + ts_act_place(places, b) * TS_ACT_COLS, x + (size_t)b * TS_ACT_COLS);
    }
}

static void round_floats(void *out, struct ts_act_meta *meta, const struct ts_act_places *places, const float *x,
                         uint32_t n_blocks, int32_t offset)
{
    (void)meta;
    (void)offset;
    each_block(out, places, x, n_blocks, round_block);
}

static void raise_floats(void *out, struct ts_act_meta *meta, const struct ts_act_places *places, const float *x,
                         uint32_t n_blocks, int32_t offset)
{
    (void)meta;
    (void)offset;
    each_block(out, places, x, n_blocks, raise_block);
}

const struct ts_act_form ts_act_int8 = {TS_ACT_INT8, TS_ACT_COLS, quantize_ref};
const struct ts_act_form ts_act_float = {TS_ACT_FLOAT, TS_ACT_COLS * 4, copy_floats};
const struct ts_act_form ts_act_bfloat = {TS_ACT_BFLOAT, TS_ACT_COLS * 2, round_floats};
const struct ts_act_form ts_act_raised_bfloat = {TS_ACT_RAISED_BFLOAT, TS_ACT_COLS * 2, raise_floats};

struct ts_act_tiles ts_act_tiles_make(uint32_t n_tok, uint32_t max_width)
{
    struct ts_act_tiles tiles;
    tiles.n_tiles = (n_tok + max_width - 1) / max_width;
    tiles.width = n_tok / tiles.n_tiles;
    tiles.n_wider = n_tok - tiles.width * tiles.n_tiles;
    return tiles;
}

uint32_t ts_act_tile_first(const struct ts_act_tiles *tiles, uint32_t tile)
{
    return tile * tiles->width + (tile < tiles->n_wider ? tile : tiles->n_wider);
}

uint32_t ts_act_tile_width(const struct ts_act_tiles *tiles, uint32_t tile)
{
    return tiles->width + (tile < tiles->n_wider ? 1 : 0);
}
