/* Weight formats: exact block bytes, and error bounds over random rows. */
#include "kernels_test.h"

#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/quant.h"

enum { N = 4096 };

static void test_quant__formats_are_found_by_name_in_any_case(void **state)
{
    (void)state;
    assert_ptr_equal(ts_quant_find("q4_0"), ts_quant_format(TS_QUANT_Q4_0));
    assert_ptr_equal(ts_quant_find("Q8_0"), ts_quant_format(TS_QUANT_Q8_0));
    assert_null(ts_quant_find("q9_9"));
    assert_int_equal(ts_quant_row_bytes(ts_quant_format(TS_QUANT_Q4_0), 4096), 4096 / 32 * 18);
    assert_int_equal(ts_quant_row_bytes(ts_quant_format(TS_QUANT_Q8_0), 4096), 4096 / 32 * 34);
}

static void fill_ramp(float weights[32])
{
    for (int i = 0; i < 32; i++) {
        weights[i] = (float)i;
    }
}

static void test_quant__q8_0_block_of_a_ramp_is_as_gguf_defines(void **state)
{
    (void)state;
    float weights[32];
    uint8_t block[34];
    fill_ramp(weights);
    ts_q8_0_quantize(block, weights, 32);
    assert_int_equal(block[0], 0xD0);
    assert_int_equal(block[1], 0x33);
    for (int i = 0; i < 32; i++) {
        assert_int_equal((int8_t)block[2 + i], (int)lround(i * 127.0 / 31.0));
    }
}

static void test_quant__q4_0_block_of_a_ramp_is_as_gguf_defines(void **state)
{
    (void)state;
    float weights[32];
    uint8_t block[18];
    fill_ramp(weights);
    ts_q4_0_quantize(block, weights, 32);
    assert_int_equal(block[0], 0xC0);
    assert_int_equal(block[1], 0xC3);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(block[2 + i] & 0xF, (int)(i / -3.875 + 8.5));
        assert_int_equal(block[2 + i] >> 4, (int)((i + 16) / -3.875 + 8.5));
    }
}

static void test_quant__q4_0_keeps_the_largest_weight_and_cuts_the_other_side_at_15(void **state)
{
    (void)state;
    float weights[32] = {0};
    uint8_t block[18];
    float back[32];
    weights[3] = -8.0F;
    weights[20] = 8.0F;
    weights[21] = 7.0F;
    ts_q4_0_quantize(block, weights, 32);
    ts_q4_0_dequantize(back, block, 32);
    assert_float_equal(back[3], -8.0F, 0.0);
    assert_float_equal(back[20], 7.0F, 0.0);
    assert_float_equal(back[21], 7.0F, 0.0);
    assert_float_equal(back[0], 0.0F, 0.0);
}

static void test_quant__zeros_and_tiny_weights_give_zeros(void **state)
{
    (void)state;
    for (int f = 0; f < TS_QUANT_COUNT; f++) {
        const struct ts_quant_format *format = ts_quant_format((enum ts_quant)f);
        float weights[256] = {0}, back[256];
        uint8_t blocks[1024];
        weights[1] = 1e-42F;
        weights[2] = -1e-41F;
        format->quantize(blocks, weights, 256);
        format->dequantize(back, blocks, 256);
        for (int i = 0; i < 256; i++) {
            assert_true(fabsf(back[i]) <= 1e-40F);
        }
    }
}

/* |w - d q| <= d/2 + 127 d 2^-11 for Q8_0; <= |d| + 8 |d| 2^-11 for Q4_0, with d as it stands in the block. */
static void test_quant__errors_stay_within_the_bounds(void **state)
{
    (void)state;
    uint64_t seed = 7;
    static float weights[N], back[N];
    static uint8_t blocks[N / 32 * 34];
    for (int i = 0; i < N; i++) {
        weights[i] = next_normal(&seed) * (i % 64 < 32 ? 0.02F : 3.0F);
    }
    ts_q8_0_quantize(blocks, weights, N);
    ts_q8_0_dequantize(back, blocks, N);
    for (int i = 0; i < N; i++) {
        float d = ts_half_to_float(ts_quant_load_u16(blocks + i / 32 * 34));
        assert_true(fabsf(weights[i] - back[i]) <= d * 0.5632F);
    }
    ts_q4_0_quantize(blocks, weights, N);
    ts_q4_0_dequantize(back, blocks, N);
    double squared = 0.0, total = 0.0;
    for (int i = 0; i < N; i++) {
        float d = fabsf(ts_half_to_float(ts_quant_load_u16(blocks + i / 32 * 18)));
        assert_true(fabsf(weights[i] - back[i]) <= d * 1.004F);
        squared += pow((double)weights[i] - (double)back[i], 2);
        total += pow((double)weights[i], 2);
    }
    assert_true(sqrt(squared / total) < 0.10);
}

static void test_quant__what_was_dequantized_quantizes_to_itself(void **state)
{
    (void)state;
    uint64_t seed = 11;
    static float weights[N], once[N], twice[N];
    static uint8_t blocks[N / 32 * 34];
    for (int i = 0; i < N; i++) {
        weights[i] = next_normal(&seed);
    }
    for (int f = 0; f < TS_QUANT_COUNT; f++) {
        const struct ts_quant_format *format = ts_quant_format((enum ts_quant)f);
        if (format->block_cols != 32) {
            continue; /* the search of the larger formats need not find the same scales again */
        }
        format->quantize(blocks, weights, N);
        format->dequantize(once, blocks, N);
        format->quantize(blocks, once, N);
        format->dequantize(twice, blocks, N);
        for (int i = 0; i < N; i++) {
            assert_true(fabsf(once[i] - twice[i]) <= 1e-3F * fabsf(once[i]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quant__formats_are_found_by_name_in_any_case),
        cmocka_unit_test(test_quant__q8_0_block_of_a_ramp_is_as_gguf_defines),
        cmocka_unit_test(test_quant__q4_0_block_of_a_ramp_is_as_gguf_defines),
        cmocka_unit_test(test_quant__q4_0_keeps_the_largest_weight_and_cuts_the_other_side_at_15),
        cmocka_unit_test(test_quant__zeros_and_tiny_weights_give_zeros),
        cmocka_unit_test(test_quant__errors_stay_within_the_bounds),
        cmocka_unit_test(test_quant__what_was_dequantized_quantizes_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
