/* Streams are uniform and independent of one another. Seeds are fixed, so a pass stays a pass; the bounds are those
 * that a good generator exceeds once in a million. */
#include "base/rng.h"

#include "tests/base/base_test.h"

enum { CELLS = 256, DRAWS = 256 * 1000 };

/* Chi-square of CELLS cells with 255 degrees of freedom: mean 255, standard deviation 22.6; 380 is passed with
 * probability 7e-7. */
static double chi_square(const uint32_t counts[CELLS], double n)
{
    double sum = 0.0;
    for (int i = 0; i < CELLS; i++) {
        double difference = counts[i] - n / CELLS;
        sum += difference * difference / (n / CELLS);
    }
    return sum;
}

static void test_rng__every_byte_is_uniform(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        struct ts_rng rng;
        uint32_t counts[CELLS] = {0};
        ts_rng_init(&rng, 42, 0, shift, 0);
        for (int i = 0; i < DRAWS; i++) {
            counts[ts_rng_u32(&rng) >> shift & 0xff]++;
        }
        double chi = chi_square(counts, DRAWS);
        assert_in_range((uintmax_t)chi, 160, 380);
    }
}

static void test_rng__uniforms_fill_the_interval_evenly(void **state)
{
    (void)state;
    struct ts_rng rng;
    uint32_t counts[CELLS] = {0};
    double sum = 0.0;
    double sum_squares = 0.0;
    double sum_products = 0.0;
    double last = 0.5;
    ts_rng_init(&rng, 1, 2, 3, 4);
    for (int i = 0; i < DRAWS; i++) {
        double u = ts_rng_uniform(&rng);
        counts[(int)(u * CELLS)]++;
        sum += u;
        sum_squares += u * u;
        sum_products += (u - 0.5) * (last - 0.5);
        last = u;
    }
    assert_in_range((uintmax_t)chi_square(counts, DRAWS), 160, 380);
    assert_near(sum / DRAWS, 0.5, 5.0 * sqrt(1.0 / 12.0 / DRAWS));
    assert_near(sum_squares / DRAWS, 1.0 / 3.0, 5.0 * sqrt(4.0 / 45.0 / DRAWS));
    assert_near(sum_products / DRAWS, 0.0, 5.0 / 12.0 / sqrt(DRAWS));
}

/* Neighbouring keys in every part: pairs of first draws fill the square evenly, and long streams do not correlate. */
static void test_rng__neighbouring_streams_are_independent(void **state)
{
    (void)state;
    for (int part = 0; part < 4; part++) {
        uint32_t counts[CELLS] = {0};
        for (uint32_t i = 0; i < 64000; i++) {
            struct ts_rng a;
            struct ts_rng b;
            ts_rng_init(&a, part == 0 ? i : 1, part == 1 ? i : 1, part == 2 ? i : 1, part == 3 ? i : 1);
            ts_rng_init(&b, part == 0 ? i + 1 : 1, part == 1 ? i + 1 : 1, part == 2 ? i + 1 : 1, part == 3 ? i + 1 : 1);
            counts[(ts_rng_u32(&a) >> 28) << 4 | ts_rng_u32(&b) >> 28]++;
        }
        assert_in_range((uintmax_t)chi_square(counts, 64000), 160, 380);
    }
}

static void test_rng__long_streams_do_not_correlate(void **state)
{
    (void)state;
    for (int part = 0; part < 4; part++) {
        struct ts_rng a;
        struct ts_rng b;
        double sum = 0.0;
        ts_rng_init(&a, 42, 7, 7, 7);
        ts_rng_init(&b, 42 + (part == 0), 7 + (part == 1), 7 + (part == 2), 7 + (part == 3));
        for (int i = 0; i < 200000; i++) {
            sum += (ts_rng_uniform(&a) - 0.5) * (ts_rng_uniform(&b) - 0.5);
        }
        assert_near(sum / 200000, 0.0, 5.0 / 12.0 / sqrt(200000));
    }
}

static void test_rng__normal_and_exponential_have_their_moments(void **state)
{
    (void)state;
    struct ts_rng rng;
    double sum[5] = {0};
    double mean = 0.0;
    const int n = 400000;
    ts_rng_init(&rng, 3, 0, 0, 0);
    for (int i = 0; i < n; i++) {
        double z = ts_rng_normal(&rng);
        for (int k = 1; k <= 4; k++) {
            sum[k] += pow(z, k) / n;
        }
        mean += ts_rng_exponential(&rng) / n;
    }
    assert_near(sum[1], 0.0, 5.0 / sqrt(n));
    assert_near(sum[2], 1.0, 5.0 * sqrt(2.0 / n));
    assert_near(sum[3], 0.0, 5.0 * sqrt(15.0 / n));
    assert_near(sum[4], 3.0, 5.0 * sqrt(96.0 / n));
    assert_near(mean, 1.0, 5.0 / sqrt(n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rng__every_byte_is_uniform),
        cmocka_unit_test(test_rng__uniforms_fill_the_interval_evenly),
        cmocka_unit_test(test_rng__neighbouring_streams_are_independent),
        cmocka_unit_test(test_rng__long_streams_do_not_correlate),
        cmocka_unit_test(test_rng__normal_and_exponential_have_their_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
