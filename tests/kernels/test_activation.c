/* Activations: scales, rounding, tiles; every variant's quantizer against the reference, bit by bit. */
#include "kernels_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/formats/activation.h"
#include "kernels/kernel.h"

static const struct ts_act_places one_place = {1, 1, 1};

static void test_activation__integers_up_to_127_are_kept_with_scale_one(void **state)
{
    (void)state;
    float x[32];
    int8_t values[32];
    struct ts_act_meta meta;
    for (int i = 0; i < 32; i++) {
        x[i] = (float)(127 - 8 * i);
    }
    ts_act_int8.convert(values, &meta, &one_place, x, 1, 8);
    int sum = 0;
    for (int i = 0; i < 32; i++) {
        assert_int_equal(values[i], 127 - 8 * i);
        sum += 127 - 8 * i;
    }
    assert_float_equal(meta.scale, 1.0F, 0.0);
    assert_int_equal(meta.step, 0);
    assert_int_equal(meta.exponent, 0);
    assert_int_equal(meta.start, -8 * sum);
}

static void test_activation__scale_is_the_table_times_the_exponent(void **state)
{
    (void)state;
    for (int32_t step = -960; step <= 960; step++) {
        struct ts_act_meta meta;
        ts_act_set_scale(&meta, step);
        assert_in_range(meta.step, 0, 15);
        assert_int_equal(meta.exponent % (1 << 23), 0);
        assert_true(fabs((double)meta.scale / exp2(step / 16.0) - 1.0) < 1e-7);
        assert_true(fabs((double)(meta.scale * ts_act_inverse(step)) - 1.0) < 2e-7);
        uint32_t bits, table;
        memcpy(&bits, &meta.scale, sizeof bits);
        memcpy(&table, &ts_act_scales[meta.step], sizeof table);
        assert_int_equal(bits, table + (uint32_t)meta.exponent);
    }
}

/* |x - scale q| <= scale/2, and scale <= 2^(3/16) max/127. */
static void test_activation__errors_stay_within_half_a_scale(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int block = 0; block < 2000; block++) {
        float x[32], max = 0.0F;
        int8_t values[32];
        struct ts_act_meta meta;
        for (int i = 0; i < 32; i++) {
            x[i] = next_normal(&seed) * ldexpf(1.0F, block % 60 - 30);
            max = fmaxf(max, fabsf(x[i]));
        }
        ts_act_int8.convert(values, &meta, &one_place, x, 1, 0);
        assert_true(meta.scale <= max / 127.0F * 1.1388F);
        for (int i = 0; i < 32; i++) {
            assert_in_range(values[i] + 127, 0, 254);
            assert_true(fabsf(x[i] - meta.scale * values[i]) <= meta.scale * 0.50002F);
        }
    }
}

/* The coarser choice of scales must not cost accuracy: within 1 % of scale = max/127 on normal data. */
static void test_activation__is_as_accurate_as_a_free_scale(void **state)
{
    (void)state;
    uint64_t seed = 5;
    double ours = 0.0, free_scale = 0.0;
    for (int block = 0; block < 20000; block++) {
        float x[32], max = 0.0F;
        int8_t values[32];
        struct ts_act_meta meta;
        for (int i = 0; i < 32; i++) {
            x[i] = next_normal(&seed);
            max = fmaxf(max, fabsf(x[i]));
        }
        ts_act_int8.convert(values, &meta, &one_place, x, 1, 0);
        double d = (double)max / 127.0;
        for (int i = 0; i < 32; i++) {
            ours += pow((double)x[i] - (double)meta.scale * values[i], 2);
            free_scale += pow((double)x[i] - d * rint((double)x[i] / d), 2);
        }
    }
    assert_true(sqrt(ours / free_scale) < 1.01);
}

static void test_activation__zeros_and_extremes_are_safe(void **state)
{
    (void)state;
    const float extremes[] = {0.0F, 1e-42F, 1e-30F, 1e-18F, 1e15F};
    for (size_t e = 0; e < sizeof extremes / sizeof extremes[0]; e++) {
        float x[32] = {0};
        int8_t values[32];
        struct ts_act_meta meta;
        x[7] = extremes[e];
        ts_act_int8.convert(values, &meta, &one_place, x, 1, 0);
        assert_int_equal(values[0], 0);
        assert_true(meta.scale > 0.0F);
        assert_true(fabsf(meta.scale * values[7] - x[7]) <= fmaxf(x[7] * 0.005F, 0x1p-60F));
    }
}

static void fill_blocks(float *x, size_t n, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++) {
        int shift = (int)(i / 32 % 130) - 65;
        x[i] = i / 32 % 7 == 6 ? 0.0F : next_normal(seed) * ldexpf(1.0F, shift < 50 ? shift : 50);
    }
}

static void test_activation__every_variant_gives_the_bits_of_the_reference(void **state)
{
    (void)state;
    enum { BLOCKS = 4001, STRIDE = 3 };
    const struct ts_act_places places = {STRIDE, 8, 8 * STRIDE};
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    uint64_t seed = 9;
    float *x = malloc(BLOCKS * 32 * sizeof *x);
    static const struct ts_act_form *const references[] = {&ts_act_int8, &ts_act_float, &ts_act_bfloat,
                                                           &ts_act_raised_bfloat};
    uint8_t *expected = calloc(BLOCKS * STRIDE, TS_ACT_MAX_BLOCK_BYTES),
            *values = calloc(BLOCKS * STRIDE, TS_ACT_MAX_BLOCK_BYTES);
    struct ts_act_meta *expected_meta = calloc(BLOCKS * STRIDE, sizeof *expected_meta);
    struct ts_act_meta *meta = calloc(BLOCKS * STRIDE, sizeof *meta);
    assert_true(x && expected && values && expected_meta && meta);
    fill_blocks(x, BLOCKS * 32, &seed);
    for (size_t k = 0; k < ts_kernel_count(); k++) {
        const struct ts_kernel *kernel = ts_kernel_at(k);
        for (size_t f = 0; (kernel->needs & ~cpu.features) == 0 && f < kernel->n_formats; f++) {
            const struct ts_act_form *act = kernel->formats[f].act, *reference = references[act->kind];
            assert_int_equal(act->kind, reference->kind);
            assert_int_equal(act->block_bytes, reference->block_bytes);
            reference->convert(expected, expected_meta, &places, x, BLOCKS, 128);
            act->convert(values, meta, &places, x, BLOCKS, 128);
            assert_memory_equal(values, expected, (size_t)BLOCKS * STRIDE * act->block_bytes);
            assert_memory_equal(meta, expected_meta, BLOCKS * STRIDE * sizeof *meta);
        }
    }
    free(x);
    free(expected);
    free(values);
    free(expected_meta);
    free(meta);
}

static void test_activation__tiles_cover_all_tokens_once_and_differ_by_one_at_most(void **state)
{
    (void)state;
    for (uint32_t max = 1; max <= 8; max++) {
        for (uint32_t n = 1; n <= 100; n++) {
            struct ts_act_tiles tiles = ts_act_tiles_make(n, max);
            uint32_t at = 0;
            for (uint32_t t = 0; t < tiles.n_tiles; t++) {
                uint32_t width = ts_act_tile_width(&tiles, t);
                assert_int_equal(ts_act_tile_first(&tiles, t), at);
                assert_in_range(width, 1, max);
                assert_true(ts_act_tile_width(&tiles, 0) - width <= 1);
                at += width;
            }
            assert_int_equal(at, n);
            assert_int_equal(tiles.n_tiles, (n + max - 1) / max);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activation__integers_up_to_127_are_kept_with_scale_one),
        cmocka_unit_test(test_activation__scale_is_the_table_times_the_exponent),
        cmocka_unit_test(test_activation__errors_stay_within_half_a_scale),
        cmocka_unit_test(test_activation__is_as_accurate_as_a_free_scale),
        cmocka_unit_test(test_activation__zeros_and_extremes_are_safe),
        cmocka_unit_test(test_activation__every_variant_gives_the_bits_of_the_reference),
        cmocka_unit_test(test_activation__tiles_cover_all_tokens_once_and_differ_by_one_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
