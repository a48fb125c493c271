/* Weight formats: exact block bytes, and error bounds over random rows. */
#include "kernels_test.h"

#include <math.h>
#include <string.h>

#include "kernels/formats/half.h"
#include "kernels/formats/quant.h"

enum { N = 4096 };

static void test_quant__formats_are_found_by_name_in_any_case(void **state)
{
    (void)state;
    assert_ptr_equal(ts_quant_find("q4_0"), ts_quant_format(TS_QUANT_Q4_0));
    assert_ptr_equal(ts_quant_find("Q8_0"), ts_quant_format(TS_QUANT_Q8_0));
    assert_ptr_equal(ts_quant_find("q4_K"), ts_quant_format(TS_QUANT_Q4_K));
    assert_ptr_equal(ts_quant_find("bf16"), ts_quant_format(TS_QUANT_BF16));
    assert_null(ts_quant_find("q9_9"));
    assert_int_equal(ts_quant_row_bytes(ts_quant_format(TS_QUANT_Q4_K), 4096), 4096 / 256 * 144);
    assert_int_equal(ts_quant_row_bytes(ts_quant_format(TS_QUANT_Q6_K), 4096), 4096 / 256 * 210);
    assert_int_equal(ts_quant_row_bytes(ts_quant_format(TS_QUANT_F16), 4096), 4096 * 2);
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

/* Every field of a block by itself, at each of its places: what the definitions in quant.h give for it. */
static void test_quant__q4_k_fields_stand_where_gguf_has_them(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        uint8_t block[144] = {0};
        float back[256];
        int part = i / 32;
        ts_quant_store_u16(block, ts_half_from_float(0.5F));
        ts_quant_store_u16(block + 2, ts_half_from_float(0.25F));
        if (part < 4) { /* s = 45, m = 22 */
            block[4 + part] = 45;
            block[8 + part] = 22;
        } else {
            block[4 + part - 4] = (45 >> 4) << 6;
            block[8 + part - 4] = (22 >> 4) << 6;
            block[12 + part - 4] = (45 & 0xF) | (22 & 0xF) << 4;
        }
        block[16 + i / 64 * 32 + i % 32] = i % 64 < 32 ? 11 : 11 << 4;
        ts_q4_k_dequantize(back, block, 256);
        for (int k = 0; k < 256; k++) {
            assert_float_equal(back[k], (k == i ? 0.5 * 45 * 11 : 0.0) - (k / 32 == part ? 0.25 * 22 : 0.0), 0.0);
        }
    }
}

static void test_quant__q6_k_fields_stand_where_gguf_has_them(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        uint8_t block[210] = {0};
        float back[256];
        int half = i / 128, quarter = i % 128 / 32, l = i % 32;
        memset(block + 128, 0xAA, 64); /* all q = 32: zero */
        block[192 + i / 16] = (uint8_t)-3;
        ts_quant_store_u16(block + 208, ts_half_from_float(0.5F));
        block[half * 64 + quarter % 2 * 32 + l] = quarter < 2 ? 7 : 7 << 4;
        uint8_t *high = block + 128 + half * 32 + l; /* q = 16 + 7 */
        *high = (uint8_t)((*high & ~(3U << quarter * 2)) | 1U << quarter * 2);
        ts_q6_k_dequantize(back, block, 256);
        for (int k = 0; k < 256; k++) {
            assert_float_equal(back[k], k == i ? 0.5 * -3 * (16 + 7 - 32) : 0.0, 0.0);
        }
    }
}

static void test_quant__a_ramp_that_the_larger_formats_hold_is_kept(void **state)
{
    (void)state;
    float weights[256], back[256];
    uint8_t block[210];
    for (int i = 0; i < 256; i++) {
        weights[i] = (float)(i % 16);
    }
    ts_q4_k_quantize(block, weights, 256);
    ts_q4_k_dequantize(back, block, 256);
    for (int i = 0; i < 256; i++) {
        assert_float_equal(back[i], weights[i], 15 * 0x1p-11);
        weights[i] = (float)(i % 16 - 32 + 16 * (i / 16 % 2)); /* -32 .. -1 */
    }
    ts_q6_k_quantize(block, weights, 256);
    ts_q6_k_dequantize(back, block, 256);
    for (int i = 0; i < 256; i++) {
        if (weights[i] <= -17.0F) {
            assert_float_equal(back[i], weights[i], 32 * 0x1p-11);
        }
    }
}

static double block_error(const float *weights, const float *back, int n)
{
    double squared = 0.0;
    for (int i = 0; i < n; i++) {
        squared += pow((double)weights[i] - (double)back[i], 2);
    }
    return sqrt(squared / n);
}

/* The search starts from the full range, whose errors are at most half a step, and only improves on it: the root mean
 * square of a part stays below range/30 for Q4_K and max/64 for Q6_K, and a little for the rounding of scales and
 * minima to 6 and 8 bits. */
static void test_quant__errors_of_the_larger_formats_stay_within_the_bounds(void **state)
{
    (void)state;
    uint64_t seed = 13;
    static float weights[N], back[N];
    static uint8_t blocks[N / 256 * 210];
    for (int i = 0; i < N; i++) {
        float shift = i % 2048 < 1024 ? 0.0F : 2.0F;
        weights[i] = (next_normal(&seed) + shift) * (i % 1024 < 512 ? 0.02F : 3.0F);
    }
    ts_q4_k_quantize(blocks, weights, N);
    ts_q4_k_dequantize(back, blocks, N);
    for (int i = 0; i < N; i += 32) {
        float low = 0.0F, high = 0.0F;
        for (int k = 0; k < 32; k++) {
            low = fminf(low, weights[i + k]);
            high = fmaxf(high, weights[i + k]);
        }
        assert_true(block_error(weights + i, back + i, 32) <= (double)(high - low) / 30.0 * 1.05);
    }
    ts_q6_k_quantize(blocks, weights, N);
    ts_q6_k_dequantize(back, blocks, N);
    for (int i = 0; i < N; i += 16) {
        float max = 0.0F;
        for (int k = 0; k < 16; k++) {
            max = fmaxf(max, fabsf(weights[i + k]));
        }
        assert_true(block_error(weights + i, back + i, 16) <= (double)max / 64.0 * 1.05);
    }
}

/* Over normal weights: better than rounding the whole range of each part would do. */
static void test_quant__the_search_of_the_larger_formats_pays(void **state)
{
    (void)state;
    static const struct {
        enum ts_quant quant;
        double bound;
    } cases[] = {{TS_QUANT_Q4_K, 0.071}, {TS_QUANT_Q6_K, 0.0180}, {TS_QUANT_F16, 0.0003}, {TS_QUANT_BF16, 0.0020}};
    uint64_t seed = 17;
    static float weights[N], back[N], none[N];
    static uint8_t blocks[N * 2];
    for (int i = 0; i < N; i++) {
        weights[i] = next_normal(&seed) * 0.02F;
    }
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const struct ts_quant_format *format = ts_quant_format(cases[c].quant);
        format->quantize(blocks, weights, N);
        format->dequantize(back, blocks, N);
        double error = block_error(weights, back, N) / block_error(weights, none, N);
        print_message("%s: relative error %.5f\n", format->name, error);
        assert_true(error < cases[c].bound);
    }
}

static void test_quant__what_was_dequantized_quantizes_to_itself(void **state)
{
    (void)state;
    uint64_t seed = 11;
    static float weights[N], once[N], twice[N];
    static uint8_t blocks[N * 2];
    for (int i = 0; i < N; i++) {
        weights[i] = next_normal(&seed);
    }
    for (int f = 0; f < TS_QUANT_COUNT; f++) {
        const struct ts_quant_format *format = ts_quant_format((enum ts_quant)f);
        if (format->block_cols > 32) {
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
        cmocka_unit_test(test_quant__q4_k_fields_stand_where_gguf_has_them),
        cmocka_unit_test(test_quant__q6_k_fields_stand_where_gguf_has_them),
        cmocka_unit_test(test_quant__a_ramp_that_the_larger_formats_hold_is_kept),
        cmocka_unit_test(test_quant__errors_of_the_larger_formats_stay_within_the_bounds),
        cmocka_unit_test(test_quant__the_search_of_the_larger_formats_pays),
        cmocka_unit_test(test_quant__what_was_dequantized_quantizes_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
