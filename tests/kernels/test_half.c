/* 16-bit floats: all of them, and the rounding between them. */
#include "kernels_test.h"

#include <math.h>
#include <string.h>

#include "kernels/formats/half.h"

static void test_half__every_number_survives_the_round_trip(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        float value = ts_half_to_float((uint16_t)h);
        if (isnan(value)) {
            assert_true((h & 0x7C00) == 0x7C00 && (h & 0x3FF) != 0);
            assert_true(isnan(ts_half_to_float(ts_half_from_float(value))));
        } else {
            assert_int_equal(ts_half_from_float(value), h);
        }
    }
}

static void test_half__worked_numbers(void **state)
{
    (void)state;
    assert_int_equal(ts_half_from_float(1.0F), 0x3C00);
    assert_int_equal(ts_half_from_float(-2.0F), 0xC000);
    assert_int_equal(ts_half_from_float(1.0F / 3.0F), 0x3555);
    assert_int_equal(ts_half_from_float(65504.0F), 0x7BFF);
    assert_int_equal(ts_half_from_float(65519.996F), 0x7BFF);
    assert_int_equal(ts_half_from_float(65520.0F), 0x7C00);
    assert_int_equal(ts_half_from_float(-1e30F), 0xFC00);
    assert_int_equal(ts_half_from_float(0x1p-24F), 0x0001);
    assert_int_equal(ts_half_from_float(0x1p-25F), 0x0000);
    assert_int_equal(ts_half_from_float(0x1.8p-25F), 0x0001);
    assert_int_equal(ts_half_from_float(-0.0F), 0x8000);
    assert_int_equal(ts_half_from_float(0x1.FFFp-15F), 0x0400);
}

/* Between neighbours a < b: below the middle gives a, above gives b, the middle the even one. */
static void test_half__rounds_to_nearest_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7BFF; h++) {
        float a = ts_half_to_float((uint16_t)h), b = ts_half_to_float((uint16_t)(h + 1));
        float middle = (a + b) / 2.0F;
        assert_int_equal(ts_half_from_float(middle), h % 2 == 0 ? h : h + 1);
        assert_int_equal(ts_half_from_float(nextafterf(middle, 0.0F)), h);
        assert_int_equal(ts_half_from_float(nextafterf(middle, 1e9F)), h + 1);
    }
}

static void test_bfloat__every_number_survives_and_ties_go_to_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7F80; h++) {
        float value = ts_bfloat_to_float((uint16_t)h);
        assert_int_equal(ts_bfloat_from_float(value), h);
        uint32_t bits = h << 16 | 0x8000U;
        float middle;
        memcpy(&middle, &bits, sizeof middle);
        assert_int_equal(ts_bfloat_from_float(middle), h % 2 == 0 ? h : h + 1);
        assert_int_equal(ts_bfloat_from_float(-middle), 0x8000U | (h % 2 == 0 ? h : h + 1));
    }
    assert_true(isnan(ts_bfloat_to_float(ts_bfloat_from_float(NAN))));
    assert_int_equal(ts_bfloat_from_float(INFINITY), 0x7F80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half__every_number_survives_the_round_trip),
        cmocka_unit_test(test_half__worked_numbers),
        cmocka_unit_test(test_half__rounds_to_nearest_even),
        cmocka_unit_test(test_bfloat__every_number_survives_and_ties_go_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
