/* Rates in windows as a workload: the figures of the check in rate_file.c, both layouts, and what is refused. */
#include <math.h>

#include "tests/traces/traces_test.h"
#include "traces/rate_file.h"

static enum ts_status read_rates(struct ts_rate_file *out, const char *text, struct ts_diags *diags)
{
    struct temp_file file;
    *out = (struct ts_rate_file){.windows = NULL};
    write_text(&file, text);
    assert_true(ts_rate_file_is(file.path));
    const enum ts_status status = ts_rate_file_read(out, file.path, diags);
    remove_file(&file);
    return status;
}

static void test_rates__servegen_with_gamma_gaps(void **state)
{
    (void)state;
    struct ts_rate_file rates;
    struct ts_text text;
    assert_int_equal(read_rates(&rates, "0,2,1,Gamma,1,0.5\n600,6,2,Gamma,0.25,0.7\n1200,4,0,,0,0\n", NULL), TS_OK);
    assert_int_equal(rates.n, 3);
    assert_near(rates.step_s, 600.0, 1e-9);
    assert_near(rates.mean_per_s, 4.0, 1e-12);
    assert_near(rates.peak_per_s, 6.0, 1e-12);
    assert_false(rates.is_weibull);
    assert_near(rates.gap_figure, 1.75, 1e-12); /* (2 x 1 + 6 x 2) / 8 */
    ts_text_init(&text);
    ts_rate_file_put(&text, &rates, "a.csv", "chat");
    assert_non_null(strstr(text.data, "  like: chat\n  duration: 1800 s\n  calls: 4/s\n"));
    assert_non_null(strstr(text.data, "gaps: {gamma: {cv: 1.75}}\n"));
    assert_non_null(strstr(text.data, "    every: 600 s\n    weights: [0.5, 1.5, 1]\n"));
    ts_text_deinit(&text);
    ts_rate_file_deinit(&rates);
}

static void test_rates__weibull_gaps_have_the_mean_of_the_shapes(void **state)
{
    (void)state;
    struct ts_rate_file rates;
    assert_int_equal(read_rates(&rates, "0,3,1.2,Weibull,0.5,1\n600,1,1,Gamma,1,1\n1200,1,1.1,Weibull,0.9,1\n", NULL),
                     TS_OK);
    assert_true(rates.is_weibull);
    assert_near(rates.gap_figure, 0.6, 1e-12); /* (3 x 0.5 + 0.9) / 4 */
    ts_rate_file_deinit(&rates);
}

static void test_rates__columns_have_names(void **state)
{
    (void)state;
    struct ts_rate_file rates;
    assert_int_equal(read_rates(&rates, "t_s,x,total_rate_rps\n0,9,1\n10,9,3\n", NULL), TS_OK);
    assert_near(rates.mean_per_s, 2.0, 1e-12);
    assert_near(rates.gap_figure, 1.0, 1e-12);
    ts_rate_file_deinit(&rates);
}

static void test_rates__what_is_no_rate_is_told(void **state)
{
    (void)state;
    static const char *const broken[] = {"t_s,rate_rps\n0,1\n600,-1\n",
                                         "t_s,rate_rps\n0,1\n600,1\n1900,1\n",
                                         "t_s,rate_rps\n0,1\n0,1\n",
                                         "t_s,rate_rps\n0,1\n",
                                         "t_s,rate_rps\n0,0\n600,0\n",
                                         "t_s,rate_rps\n0,1\nx,1\n",
                                         "t_s,rate_rps,cv_iat\n0,1,z\n1,1,1\n",
                                         "t_s,rate_rps\n0,1e300\n1,1e300\n",
                                         "0,1,1,Weibull,0,1\n600,1,1,Gamma,1,1\n"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct ts_diags diags;
        struct ts_rate_file rates;
        ts_diags_init(&diags);
        assert_int_equal(read_rates(&rates, broken[i], &diags), TS_EINPUT);
        assert_int_equal(diags.n_errors, 1);
        ts_rate_file_deinit(&rates);
        ts_diags_deinit(&diags);
    }
    assert_false(ts_rate_file_is("/nonexistent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates__servegen_with_gamma_gaps),
        cmocka_unit_test(test_rates__weibull_gaps_have_the_mean_of_the_shapes),
        cmocka_unit_test(test_rates__columns_have_names),
        cmocka_unit_test(test_rates__what_is_no_rate_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
