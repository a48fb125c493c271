/* Pareto's front of points whose front is known, and of random ones against every pair. */
#include "base/rng.h"
#include "study/pareto.h"
#include "tests/near.h"

static void test_front__of_five_points_is_known(void **state)
{
    (void)state;
    const double values[] = {1, 5, 2, 3, 3, 4, 4, 1, 2, 3, 1, 6, NAN, 0};
    const bool known[] = {true, true, false, true, true, false, false};
    bool front[7];
    assert_int_equal(ts_pareto_front(front, values, 7, 2), TS_OK);
    for (int i = 0; i < 7; i++) {
        if (front[i] != known[i]) {
            fail_msg("point %d: %d", i, front[i]);
        }
    }
}

static bool beats(const double *a, const double *b, uint32_t m)
{
    bool better = false;
    for (uint32_t f = 0; f < m; f++) {
        if (a[f] > b[f]) {
            return false;
        }
        better = better || a[f] < b[f];
    }
    return better;
}

static void test_front__is_what_every_pair_says(void **state)
{
    (void)state;
    enum { N = 300, M = 4 };
    static double values[N * M];
    static bool front[N];
    struct ts_rng rng;
    ts_rng_init(&rng, 7, 0, 0, 0);
    for (uint32_t m = 1; m <= M; m++) {
        for (int i = 0; i < N * M; i++) {
            values[i] = floor(8.0 * ts_rng_uniform(&rng)); /* many alike */
        }
        assert_int_equal(ts_pareto_front(front, values, N, m), TS_OK);
        for (uint32_t i = 0; i < N; i++) {
            bool beaten = false;
            for (uint32_t k = 0; k < N; k++) {
                beaten = beaten || beats(&values[(size_t)k * m], &values[(size_t)i * m], m);
            }
            assert_int_equal(front[i], !beaten);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_front__of_five_points_is_known),
        cmocka_unit_test(test_front__is_what_every_pair_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
