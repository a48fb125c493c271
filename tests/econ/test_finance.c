/* Investment arithmetic against published worked examples. The reference of each row stands beside it; the payback rows
 * with a falling API price are also sent through ts_econ_compute by test_econ. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/csv.h"
#include "econ/finance.h"
#include "tests/econ/falling_prices.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void close_to(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("got %.12g, want %.12g", got, want);
    }
}

static void test_finance_npv__counts_the_first_flow_undiscounted(void **state)
{
    (void)state;
    const double four[] = {-10000, 3000, 4200, 6800}, five[] = {-40000, 5000, 8000, 12000, 30000};
    close_to(ts_finance_npv(0.10, four, 4), 1307.2877535687, 1e-8);
    close_to(ts_finance_npv(0.10, four, 4) / 1.10, 1188.4434123352, 1e-8); /* Excel's NPV() documentation: 1188.44 */
    close_to(ts_finance_npv(0.08, five, 5), 3065.2226681795, 1e-8); /* numpy-financial documentation: 3065.22267 */
    close_to(ts_finance_npv(0.0, five, 5), 15000.0, 1e-9);
    assert_true(ts_finance_npv(0.1, five, 0) == 0.0);
}

static void test_finance_irr__finds_the_documented_rates(void **state)
{
    (void)state;
    double roots[4];
    const double numpy[] = {-100, 39, 59, 55, 20}, excel5[] = {-70000, 12000, 15000, 18000, 21000, 26000};
    assert_int_equal(ts_finance_irr(roots, 4, numpy, 5), 1);
    close_to(roots[0], 0.2809484212, 1e-10); /* numpy-financial documentation: 0.28095 */
    assert_int_equal(ts_finance_irr(roots, 4, excel5, 6), 1);
    close_to(roots[0], 0.086630948, 1e-9); /* Excel's IRR() documentation: 8.7 % */
    assert_int_equal(ts_finance_irr(roots, 4, excel5, 5), 1);
    close_to(roots[0], -0.0212448483, 1e-10); /* the same page: -2.1 % */
}

static void test_finance_irr__reports_two_roots_in_ascending_order(void **state)
{
    (void)state;
    double roots[4];
    const double flows[] = {-100, 230, -132};
    assert_int_equal(ts_finance_irr(roots, 4, flows, 3), 2);
    close_to(roots[0], 0.1, 1e-12);
    close_to(roots[1], 0.2, 1e-12);
    assert_int_equal(ts_finance_irr(roots, 1, flows, 3), 1);
    close_to(roots[0], 0.1, 1e-12);
}

static void test_finance_irr__sees_roots_closer_than_its_grid(void **state)
{
    (void)state;
    double roots[4];
    /* (x - 1/1.1)(x - 1/1.1001) scaled by -121.011: zeros at 10 % and 10.01 %; (x - 1/1.1)^2: a single touching zero at
     * 10 %. */
    const double pair[] = {-100, 220.01, -121.011}, touching[] = {-100, 220, -121};
    assert_int_equal(ts_finance_irr(roots, 4, pair, 3), 2);
    close_to(roots[0], 0.1, 1e-8);
    close_to(roots[1], 0.1001, 1e-8);
    assert_int_equal(ts_finance_irr(roots, 4, touching, 3), 1);
    close_to(roots[0], 0.1, 1e-6);
}

static void test_finance_irr__says_none_when_there_is_none(void **state)
{
    (void)state;
    double roots[4] = {7, 7, 7, 7};
    const double gains[] = {100, 50, 20}, losses[] = {-100, -50}, zeros[] = {0, 0, 0}, broken[] = {-100, NAN, 20};
    assert_int_equal(ts_finance_irr(roots, 4, gains, 3), 0);
    assert_int_equal(ts_finance_irr(roots, 4, losses, 2), 0);
    assert_int_equal(ts_finance_irr(roots, 4, zeros, 3), 0);
    assert_int_equal(ts_finance_irr(roots, 4, broken, 3), 0);
    assert_int_equal(ts_finance_irr(roots, 4, gains, 1), 0);
    assert_true(roots[0] == 7.0);
}

static void test_finance_irr__survives_fifty_years_of_months(void **state)
{
    (void)state;
    double flows[601], roots[4];
    flows[0] = -1000;
    for (size_t t = 1; t < COUNT(flows); t++) {
        flows[t] = 10;
    }
    assert_int_equal(ts_finance_irr(roots, 4, flows, COUNT(flows)), 1);
    close_to(ts_finance_npv(roots[0], flows, COUNT(flows)), 0.0, 1e-6);
    close_to(ts_finance_annuity(1000, roots[0], 600), 10.0, 1e-9);
}

static void test_finance_mirr__equals_the_documented_rate(void **state)
{
    (void)state;
    const double flows[] = {-120000, 39000, 30000, 21000, 37000, 46000}, gains[] = {1, 2};
    close_to(ts_finance_mirr(0.10, 0.12, flows, 6), 0.1260941304, 1e-10); /* Excel's MIRR() documentation: 12.6 % */
    assert_true(isnan(ts_finance_mirr(0.10, 0.12, gains, 2)));
}

/* capex at 0, then `months` equal savings */
static double simple_payback(double capex, double saving, size_t months)
{
    double flows[100] = {-capex};
    for (size_t t = 1; t <= months; t++) {
        flows[t] = saving;
    }
    return ts_finance_discounted_payback(0.0, flows, months + 1);
}

static void test_finance_payback__is_linear_inside_the_crossing_period(void **state)
{
    (void)state;
    const double fraction[] = {-1000, 400, 400, 400}, at_once[] = {5, -10, 1}, exact[] = {-100, 50, 50, 50};
    close_to(simple_payback(25000, 20000, 12), 1.25, 1e-12);
    close_to(simple_payback(40000, 15000, 12), 2.6666666667, 1e-10);
    close_to(ts_finance_discounted_payback(0.0, fraction, 4), 2.5, 1e-12);
    close_to(ts_finance_discounted_payback(0.0, exact, 4), 2.0, 1e-12);
    assert_true(ts_finance_discounted_payback(0.0, at_once, 3) == 0.0);
}

static void test_finance_payback__never_is_infinity(void **state)
{
    (void)state;
    const double never[] = {-1000, 100, 100};
    assert_true(ts_finance_discounted_payback(0.0, never, 3) == INFINITY);
    assert_true(ts_finance_discounted_payback(0.0, never, 0) == INFINITY);
    assert_true(ts_finance_discounted_payback(0.1, never, 3) == INFINITY);
}

static void test_finance_discounted_payback__discounts_each_flow(void **state)
{
    (void)state;
    const double flows[] = {-1000, 500, 500, 500};
    close_to(ts_finance_discounted_payback(0.10, flows, 4), 2.352, 1e-12);
}

static void test_finance_monthly_rate__compounds_to_the_year(void **state)
{
    (void)state;
    close_to(ts_finance_monthly_rate(0.10), 0.0079741404, 1e-10);
    close_to(pow(1.0 + ts_finance_monthly_rate(0.10), 12), 1.10, 1e-13);
    assert_true(ts_finance_monthly_rate(0.0) == 0.0);
}

static void test_finance_annuity__repays_the_present_value(void **state)
{
    (void)state;
    close_to(ts_finance_annuity(200000, 0.075 / 12, 180), 1854.0247200055,
             1e-9); /* numpy-financial documentation of pmt */
    close_to(ts_finance_annuity(40000, 0.08 / 12, 36), 1253.4546184572, 1e-9);
    close_to(ts_finance_annuity(40000, 0.08, 3) + 10000, 25521.3405618531, 1e-8); /* equivalent annual cost */
    close_to(ts_finance_annuity(36000, 0.0, 36), 1000.0, 1e-12);
}

static void test_finance_straight_line__spreads_cost_less_salvage(void **state)
{
    (void)state;
    close_to(ts_finance_straight_line(40000, 4000, 36), 1000.0, 1e-12);
}

static void test_finance_levelised__divides_present_values(void **state)
{
    (void)state;
    const double costs[] = {40000, 20000, 20000, 20000 - 8000}, mtok[] = {0, 20e3, 20e3, 20e3};
    close_to(ts_finance_levelised(0.08, costs, mtok, 4), 1.6528536225, 1e-10);
}

static void test_finance_break_even_volume__needs_a_margin(void **state)
{
    (void)state;
    close_to(ts_finance_break_even_volume(4833.33, 0.88e-6, 0.10e-6), 6196576923.076922, 1e-3);
    assert_true(ts_finance_break_even_volume(4833.33, 0.10, 0.10) == INFINITY);
    assert_true(ts_finance_break_even_volume(4833.33, 0.10, 0.20) == INFINITY);
    /* Lenovo LP2225, table of an eight-GPU server against rented hours: 833,806 USD, 0.87 USD/h to run. */
    close_to(ts_finance_break_even_volume(833806, 98.32, 0.87), 8556.2442278091, 1e-8);
    close_to(ts_finance_break_even_volume(833806, 77.43, 0.87), 10890.8829676071, 1e-8);
    close_to(ts_finance_break_even_volume(833806, 53.95, 0.87), 15708.4777694047, 1e-8);
    close_to(ts_finance_break_even_volume(833806, 55.04, 0.87), 15392.394314196, 1e-8);
}

/* Month m saves 15,000 USD x price^((m-1)/12) - opex. */
static double falling_price_payback(double capex, double price_per_year, double opex)
{
    double flows[241] = {-capex};
    for (size_t m = 1; m < COUNT(flows); m++) {
        flows[m] = 15000 * pow(price_per_year, ((double)m - 1) / 12) - opex;
    }
    return ts_finance_discounted_payback(0.0, flows, COUNT(flows));
}

static void test_finance_payback__matches_the_falling_price_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(falling_prices); i++) {
        const struct falling_price *row = &falling_prices[i];
        double got = falling_price_payback(row->capex, row->price, row->opex);
        if (isinf(row->months)) {
            assert_true(got == INFINITY);
        } else {
            close_to(got, row->months, 1e-8);
        }
    }
}

/* ---- the shared table, row by row: a row that nothing here computes is a failure ---- */

struct oracle_row {
    char test[128], inputs[160];
    double expected; /* NaN: none */
};

static size_t parse_flows(double *out, size_t max, const char *inputs)
{
    const char *at = strstr(inputs, "cf=");
    size_t n = 0;
    int used = 0;
    if (at == NULL) {
        return 0;
    }
    for (at += 3; n < max && sscanf(at, "%lf%n", &out[n], &used) == 1; n++) {
        at += used;
        if (*at != ',') {
            return n + 1;
        }
        at++;
    }
    return n;
}

static double value_of(const char *inputs, const char *key)
{
    const char *at = strstr(inputs, key);
    double value = NAN;
    return at != NULL && sscanf(at + strlen(key), "%lf", &value) == 1 ? value : NAN;
}

static double irr_root(const double *flows, size_t n, size_t index)
{
    double roots[4] = {NAN, NAN, NAN, NAN};
    return ts_finance_irr(roots, 4, flows, n) > index ? roots[index] : NAN;
}

static double from_flows(const struct oracle_row *row, const double *flows, size_t n)
{
    double rate = value_of(row->inputs, "r=");
    if (strncmp(row->test, "NPV, first flow at t=1", 22) == 0) {
        return ts_finance_npv(rate, flows, n) / (1 + rate);
    }
    if (strncmp(row->test, "NPV", 3) == 0) {
        return ts_finance_npv(rate, flows, n);
    }
    if (strncmp(row->test, "IRR", 3) == 0) {
        return irr_root(flows, n, strstr(row->test, "root 2") != NULL ? 1 : 0);
    }
    if (strncmp(row->test, "MIRR", 4) == 0) {
        return ts_finance_mirr(value_of(row->inputs, "finance="), value_of(row->inputs, "reinvest="), flows, n);
    }
    return ts_finance_discounted_payback(isnan(rate) ? 0.0 : rate, flows, n);
}

/* The table's inputs are ours. */
static double sum_of_macrs(const char *inputs)
{
    double sum = 0.0;
    for (size_t year = 0; year < TS_FINANCE_MACRS_5_YEARS; year++) {
        char *end = NULL;
        const double listed = strtod(inputs, &end);
        assert_true(end != inputs && listed == ts_finance_macrs_5[year]);
        sum += ts_finance_macrs_5[year];
        inputs = end;
    }
    return sum;
}

static double from_scalars(const struct oracle_row *row)
{
    const char *in = row->inputs;
    double a = NAN, b = NAN, c = NAN, d = NAN;
    if (strncmp(row->test, "payback with API price", 22) == 0) {
        return falling_price_payback(value_of(in, "capex="), value_of(row->test, "price x"), value_of(in, "opex="));
    }
    if (sscanf(in, "%lf/(%lf-%lf)", &a, &b, &c) == 3) {
        return ts_finance_break_even_volume(a, b, c);
    }
    if (strncmp(row->test, "simple payback", 14) == 0 && sscanf(in, "%lf/%lf", &a, &b) == 2) {
        return simple_payback(a, b, 12);
    }
    if (sscanf(in, "pv=%lf i=%lf/12 n=%lf", &a, &b, &c) == 3) {
        return ts_finance_annuity(a, b / 12, c);
    }
    if (sscanf(in, "cost=%lf salvage=%lf months=%lf", &a, &b, &c) == 3) {
        return ts_finance_straight_line(a, b, c);
    }
    if (sscanf(in, "fixed=%lf $/mo, p=$%lf/M, v=$%lf/M", &a, &b, &c) == 3) {
        return ts_finance_break_even_volume(a, b / 1e6, c / 1e6);
    }
    if (sscanf(in, "capex=%lf opex=%lf/y life=%lf r=%lf", &a, &b, &c, &d) == 4) {
        return ts_finance_annuity(a, d, c) + b;
    }
    if (strncmp(row->test, "levelised", 9) == 0 && sscanf(in, "capex=%lf opex=%lf/y tokens=%lf/y", &a, &b, &c) == 3) {
        const double costs[] = {a, b, b, b - value_of(in, "salvage=")}, mtok[] = {0, c / 1e6, c / 1e6, c / 1e6};
        return ts_finance_levelised(value_of(in, "r="), costs, mtok, 4);
    }
    if (strncmp(row->test, "MACRS", 5) == 0) {
        return sum_of_macrs(in);
    }
    return strncmp(row->test, "monthly rate", 12) == 0 ? ts_finance_monthly_rate(value_of(in, "r=")) : NAN;
}

/* Energy per hour and per token are products of units: test_econ has them. */
static int is_elsewhere(const char *test)
{
    return strncmp(test, "power cost per hour", 19) == 0 || strncmp(test, "energy cost per 1e6", 19) == 0;
}

static void check_oracle_row(const struct oracle_row *row)
{
    double flows[16];
    size_t n = parse_flows(flows, COUNT(flows), row->inputs);
    double got = n > 0 ? from_flows(row, flows, n) : from_scalars(row);
    if (isnan(row->expected)
            ? isnan(got)
            : got == row->expected || fabs(got - row->expected) <= 1e-9 * fmax(1.0, fabs(row->expected)) * 10) {
        return;
    }
    fail_msg("%s (%s): got %.12g, want %.12g", row->test, row->inputs, got, row->expected);
}

static void test_finance__agrees_with_every_row_of_the_shared_table(void **state)
{
    (void)state;
    struct ts_diags diags;
    struct ts_csv_reader *reader = NULL;
    const struct ts_csv_row *row = NULL;
    size_t n_rows = 0, n_elsewhere = 0;
    ts_diags_init(&diags);
    if (ts_csv_open(&reader, TS_SHARED_DIR "/data/oracle/finance_tests.csv", true, &diags) != TS_OK) {
        ts_diags_deinit(&diags);
        skip();
    }
    while (ts_csv_next(reader, &row, &diags) == TS_OK && row != NULL) {
        struct oracle_row oracle = {.expected = NAN};
        n_rows++;
        if (is_elsewhere(row->fields[0].data)) {
            n_elsewhere++;
            continue;
        }
        snprintf(oracle.test, sizeof oracle.test, "%s", row->fields[0].data);
        snprintf(oracle.inputs, sizeof oracle.inputs, "%s", row->fields[2].data);
        if (strcmp(row->fields[3].data, "none") != 0) {
            assert_int_equal(sscanf(row->fields[3].data, "%lf", &oracle.expected), 1);
        }
        check_oracle_row(&oracle);
    }
    ts_csv_close(reader);
    assert_int_equal(diags.n_errors, 0);
    ts_diags_deinit(&diags);
    assert_int_equal(n_elsewhere, 2);
    assert_true(n_rows >= 47);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finance_npv__counts_the_first_flow_undiscounted),
        cmocka_unit_test(test_finance_irr__finds_the_documented_rates),
        cmocka_unit_test(test_finance_irr__reports_two_roots_in_ascending_order),
        cmocka_unit_test(test_finance_irr__sees_roots_closer_than_its_grid),
        cmocka_unit_test(test_finance_irr__says_none_when_there_is_none),
        cmocka_unit_test(test_finance_irr__survives_fifty_years_of_months),
        cmocka_unit_test(test_finance_mirr__equals_the_documented_rate),
        cmocka_unit_test(test_finance_payback__is_linear_inside_the_crossing_period),
        cmocka_unit_test(test_finance_payback__never_is_infinity),
        cmocka_unit_test(test_finance_discounted_payback__discounts_each_flow),
        cmocka_unit_test(test_finance_monthly_rate__compounds_to_the_year),
        cmocka_unit_test(test_finance_annuity__repays_the_present_value),
        cmocka_unit_test(test_finance_straight_line__spreads_cost_less_salvage),
        cmocka_unit_test(test_finance_levelised__divides_present_values),
        cmocka_unit_test(test_finance_break_even_volume__needs_a_margin),
        cmocka_unit_test(test_finance_payback__matches_the_falling_price_table),
        cmocka_unit_test(test_finance__agrees_with_every_row_of_the_shared_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
