/* Fitted responses against functions that are known. */
#include "tests/near.h"

#include "study/sobol.h"
#include "study/uncertain_response.h"

enum { N = 40, D = 3, STAR = 2 * D, ALL = N + STAR + 1 };

/* The middle, both ends of each input, and points between -2 and 2. */
static void place(double z[ALL][D])
{
    assert_int_equal(ts_sobol_points(&z[0][0], N, D, 7, 0), TS_OK);
    for (int k = 0; k < ALL; k++) {
        for (int i = 0; i < D; i++) {
            z[k][i] = k < N ? 4.0 * z[k][i] - 2.0 : 0.0;
        }
    }
    for (int i = 0; i < D; i++) {
        z[N + 2 * i][i] = -1.3;
        z[N + 2 * i + 1][i] = 1.3;
    }
}

/* A quadratic; the exponential of one; a constant; what one input alone does, with a kink. */
enum { QUADRATIC, EXPONENTIAL, CONSTANT, KINK, M };

static void values_of(double *out, const double *z)
{
    out[QUADRATIC] = -3.0 + z[0] - 2.0 * z[1] * z[1] + 0.1 * z[2] + 0.5 * z[0] * z[2];
    out[EXPONENTIAL] = exp(0.3 * z[0] - 0.1 * z[1] * z[1]);
    out[CONSTANT] = 42.0;
    out[KINK] = -1.0 + fmax(z[1] - 0.5, 0.0);
}

static struct ts_response *fitted(void)
{
    double z[ALL][D], y[ALL][M];
    struct ts_response *response = NULL;
    place(z);
    for (int k = 0; k < ALL; k++) {
        values_of(y[k], z[k]);
    }
    assert_int_equal(ts_response_create(&response, &z[0][0], &y[0][0], ALL, D, M), TS_OK);
    return response;
}

static void test_response__quadratics_are_exact(void **state)
{
    (void)state;
    struct ts_response *response = fitted();
    const double points[][D] = {{0.0, 0.0, 0.0}, {1.1, -0.7, 0.3}, {-1.6, 1.4, 1.2}};
    for (size_t k = 0; k < sizeof points / sizeof points[0]; k++) {
        double got[M], want[M];
        ts_response_at(got, response, points[k]);
        values_of(want, points[k]);
        assert_near(got[QUADRATIC], want[QUADRATIC], 1e-9);
        assert_near(got[EXPONENTIAL], want[EXPONENTIAL], 1e-9);
        assert_near(got[CONSTANT], 42.0, 0.0);
        assert_near(got[KINK], want[KINK], 0.1); /* 0.29 by the parabola alone, at its worst */
    }
    ts_response_destroy(response);
}

/* Nothing is said beyond the points: the edge's values are. And inputs without an effect have none. */
static void test_response__ends_at_its_points(void **state)
{
    (void)state;
    struct ts_response *response = fitted();
    double edge[M], beyond[M], other[M];
    ts_response_at(edge, response, (const double[]){0.0, 2.0, 0.0});
    ts_response_at(beyond, response, (const double[]){0.0, 9.0, 0.0});
    ts_response_at(other, response, (const double[]){1.0, 9.0, -1.0});
    assert_near(beyond[QUADRATIC], edge[QUADRATIC], 0.5);
    assert_true(beyond[KINK] < 1.0);
    assert_near(other[KINK], beyond[KINK], 0.0);
    ts_response_destroy(response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_response__quadratics_are_exact),
        cmocka_unit_test(test_response__ends_at_its_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
