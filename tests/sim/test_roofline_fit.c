#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim/serving/roofline_fit.h"

/* Rates of 12 machines in 4 groups: y = a + b x, with a = 2 and b = 0.5; some rates are wrong by far. */
enum { N = 12, GROUPS = 4 };

struct line {
    double x[N], y[N];
};

static const double start[2] = {1.0, 1.0};

static double line_ratio(const void *user, const double *params, size_t point)
{
    const struct line *line = user;
    return (params[0] + params[1] * line->x[point]) / line->y[point];
}

static struct ts_roofline_fit fit_of(const struct line *line, const uint32_t *group)
{
    return (struct ts_roofline_fit){
        .n_points = N, .n_params = 2, .ratio = line_ratio, .user = line, .start = start, .group = group};
}

static void fill(struct line *line, uint32_t *group)
{
    for (size_t i = 0; i < N; i++) {
        line->x[i] = (double)(1u << i);
        line->y[i] = 2.0 + 0.5 * line->x[i];
        group[i] = (uint32_t)(i % GROUPS);
    }
}

static void test_roofline_fit__finds_the_constants_that_made_the_points(void **state)
{
    (void)state;
    struct line line;
    uint32_t group[N];
    double params[2];
    fill(&line, group);
    struct ts_roofline_fit fit = fit_of(&line, group);
    assert_int_equal(ts_roofline_fit(params, &fit, TS_ROOFLINE_FIT_ALL, NULL), TS_OK);
    assert_float_equal(params[0], 2.0, 2e-3);
    assert_float_equal(params[1], 0.5, 5e-4);
}

static void test_roofline_fit__a_point_that_is_wrong_tenfold_hardly_moves_the_constants(void **state)
{
    (void)state;
    struct line line;
    uint32_t group[N];
    double params[2];
    fill(&line, group);
    line.y[6] *= 10.0;
    line.y[9] *= 0.1;
    struct ts_roofline_fit fit = fit_of(&line, group);
    assert_int_equal(ts_roofline_fit(params, &fit, TS_ROOFLINE_FIT_ALL, NULL), TS_OK);
    assert_float_equal(params[0], 2.0, 0.1);
    assert_float_equal(params[1], 0.5, 0.03);
}

static void test_roofline_fit__a_group_left_out_does_not_speak_for_itself(void **state)
{
    (void)state;
    struct line line;
    uint32_t group[N];
    double ratio[N];
    fill(&line, group);
    for (size_t i = 0; i < N; i++) {
        line.y[i] *= group[i] == 2 ? 2.0 : 1.0; /* machines of group 2 are twice as fast as the others say */
    }
    struct ts_roofline_fit fit = fit_of(&line, group);
    assert_int_equal(ts_roofline_fit_leave_out(ratio, &fit, GROUPS, NULL), TS_OK);
    for (size_t i = 0; i < N; i++) {
        if (group[i] == 2) {
            assert_float_equal(ratio[i], 0.5, 1e-3);
        } else {
            assert_float_equal(ratio[i], 1.0, 0.25);
        }
    }
}

static void test_roofline_fit__a_constant_that_the_points_do_not_decide_stays_at_its_start(void **state)
{
    (void)state;
    struct line line;
    uint32_t group[N];
    double params[2];
    fill(&line, group);
    for (size_t i = 0; i < N; i++) {
        line.x[i] = 0.0;
        line.y[i] = 2.0;
    }
    struct ts_roofline_fit fit = fit_of(&line, group);
    assert_int_equal(ts_roofline_fit(params, &fit, TS_ROOFLINE_FIT_ALL, NULL), TS_OK);
    assert_float_equal(params[0], 2.0, 1e-3);
    assert_float_equal(params[1], 1.0, 1e-9);
}

static void test_roofline_fit__fewer_points_than_constants_are_an_error(void **state)
{
    (void)state;
    struct line line;
    uint32_t group[N] = {0};
    double params[2] = {7.0, 7.0};
    struct ts_diags diags;
    fill(&line, group);
    for (size_t i = 1; i < N; i++) {
        group[i] = 1;
    }
    struct ts_roofline_fit fit = fit_of(&line, group);
    ts_diags_init(&diags);
    assert_int_equal(ts_roofline_fit(params, &fit, 1, &diags), TS_EINPUT);
    assert_int_equal(diags.n_errors, 1);
    assert_float_equal(params[0], 7.0, 0.0);
    ts_diags_deinit(&diags);
}

static void test_roofline_fit__the_median_error_of_rates(void **state)
{
    (void)state;
    double odd[] = {1.5, 0.9, 1.0};
    double even[] = {1.2, 0.9, 0.6, 1.0};
    assert_float_equal(ts_roofline_fit_median_error(odd, 3), 0.1, 1e-12);
    assert_float_equal(ts_roofline_fit_median_error(even, 4), 0.15, 1e-12);
    assert_true(isnan(ts_roofline_fit_median_error(odd, 0)));
}

/* A share is searched below 1, however hard the points pull. */
static void test_roofline_fit__a_share_stays_below_one(void **state)
{
    (void)state;
    static const bool share[2] = {true, false};
    static const double from_half[2] = {0.5, 1.0};
    struct line line;
    uint32_t group[N];
    double params[2];
    fill(&line, group);
    struct ts_roofline_fit fit = fit_of(&line, group);
    fit.start = from_half;
    fit.share = share;
    assert_int_equal(ts_roofline_fit(params, &fit, TS_ROOFLINE_FIT_ALL, NULL), TS_OK);
    assert_true(params[0] > 0.9 && params[0] <= 1.0);
}

static void test_roofline_fit__quantiles_lie_between_the_values(void **state)
{
    (void)state;
    double values[] = {4.0, 1.0, 2.0, 3.0, 5.0};
    assert_float_equal(ts_roofline_fit_quantile(values, 5, 0.0), 1.0, 0.0);
    assert_float_equal(ts_roofline_fit_quantile(values, 5, 0.5), 3.0, 0.0);
    assert_float_equal(ts_roofline_fit_quantile(values, 5, 0.9), 4.6, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roofline_fit__finds_the_constants_that_made_the_points),
        cmocka_unit_test(test_roofline_fit__a_point_that_is_wrong_tenfold_hardly_moves_the_constants),
        cmocka_unit_test(test_roofline_fit__a_group_left_out_does_not_speak_for_itself),
        cmocka_unit_test(test_roofline_fit__a_constant_that_the_points_do_not_decide_stays_at_its_start),
        cmocka_unit_test(test_roofline_fit__fewer_points_than_constants_are_an_error),
        cmocka_unit_test(test_roofline_fit__the_median_error_of_rates),
        cmocka_unit_test(test_roofline_fit__a_share_stays_below_one),
        cmocka_unit_test(test_roofline_fit__quantiles_lie_between_the_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
