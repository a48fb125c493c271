/* Hides: how the textbook quantities of investment arithmetic are computed on arrays of cash flows.
 *
 *   NPV(r)       = sum_t c_t/(1+r)^t, t from 0       r = 10 %: -10000, 3000, 4200, 6800 -> 1,307.29
 *   monthly rate = (1+r)^(1/12) - 1                  10 % a year -> 0.797414 % a month
 *   IRR          = the zeros of NPV(r)               -100, 230, -132 -> 10 % and 20 %
 *   MIRR         = (FV of what comes in / PV of what goes out)^(1/(n-1)) - 1
 *                                                    -120000, 39000, 30000, 21000, 37000, 46000; 10 %, 12 % -> 12.61 %
 *   payback      = k-1 + (-C_(k-1))/c_k, C = cumulative flow, k = first crossing
 *                                                    -40000, 15000, 15000, 15000 -> 2.6667
 *   annuity      = pv i/(1-(1+i)^-n)                 200000 at 7.5 %/12 over 180 -> 1,854.0247
 *   levelised    = PV(costs)/PV(quantities)
 *
 * The zeros of the NPV are searched over q = 1+r on a logarithmic grid. A change of sign brackets a zero, which Brent's
 * method (GSL) refines. Where three neighbours bend towards zero without crossing it, the turning point between them is
 * looked at too: it may hide a pair of zeros, or one that only touches. For q < 1 the sum is multiplied by q^(n-1),
 * which has the same zeros and cannot overflow. */
#include "econ/finance.h"

#include <math.h>
#include <stdbool.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>

#include "base/units.h"

const double ts_finance_macrs_5[TS_FINANCE_MACRS_5_YEARS] = {0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576};

enum { IRR_GRID = 1024, IRR_ITERATIONS = 200 };

static const double IRR_MIN = -0.99, IRR_MAX = 10.0;

struct flows_view {
    const double *flows;
    size_t n;
};

double ts_finance_npv(double rate, const double *flows, size_t n)
{
    double x = 1.0 / (1.0 + rate), sum = 0.0;
    for (size_t t = n; t-- > 0;) {
        sum = sum * x + flows[t];
    }
    return sum;
}

double ts_finance_monthly_rate(double rate_per_year)
{
    return expm1(log1p(rate_per_year) / TS_MONTHS_PER_YEAR);
}

/* The NPV up to a positive factor: same sign, same zeros, bounded by the sum of |c_t|. */
static double scaled_npv(double rate, void *user)
{
    const struct flows_view *view = user;
    double q = 1.0 + rate, sum = 0.0;
    if (q >= 1.0) {
        return ts_finance_npv(rate, view->flows, view->n);
    }
    for (size_t t = 0; t < view->n; t++) {
        sum = sum * q + view->flows[t];
    }
    return sum;
}

static double grid_rate(size_t i)
{
    double low = log1p(IRR_MIN), high = log1p(IRR_MAX);
    return expm1(low + (high - low) * (double)i / IRR_GRID);
}

/* The zero between two rates at which the NPV has opposite signs; NaN if the solver could not be had. */
static double bracketed_zero(struct flows_view *view, double low, double high)
{
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    gsl_function function = {scaled_npv, view};
    double root = NAN;
    if (solver != NULL && gsl_root_fsolver_set(solver, &function, low, high) == GSL_SUCCESS) {
        for (int i = 0; i < IRR_ITERATIONS && gsl_root_fsolver_iterate(solver) == GSL_SUCCESS; i++) {
            root = gsl_root_fsolver_root(solver);
            if (gsl_root_test_interval(gsl_root_fsolver_x_lower(solver), gsl_root_fsolver_x_upper(solver), 1e-14,
                                       1e-14) == GSL_SUCCESS) {
                break;
            }
        }
    }
    if (solver != NULL) {
        gsl_root_fsolver_free(solver);
    }
    return root;
}

/* The rate in [low, high] at which |NPV| is smallest, by golden section. */
static double turning_point(struct flows_view *view, double low, double high, double sign)
{
    const double golden = 0.6180339887498949;
    for (int i = 0; i < 100 && high - low > 1e-15 * (1.0 + fabs(low)); i++) {
        double a = high - golden * (high - low), b = low + golden * (high - low);
        if (sign * scaled_npv(a, view) < sign * scaled_npv(b, view)) {
            high = b;
        } else {
            low = a;
        }
    }
    return 0.5 * (low + high);
}

static double flow_scale(const double *flows, size_t n)
{
    double scale = 0.0;
    for (size_t t = 0; t < n; t++) {
        scale += fabs(flows[t]);
    }
    return scale;
}

struct root_list {
    double *out;
    size_t max, n;
};

static void add_root(struct root_list *list, double root)
{
    if (isnan(root) || list->n >= list->max) {
        return;
    }
    list->out[list->n++] = root;
}

/* Zeros hidden between three neighbours of the same sign whose middle is nearest to zero. */
static void add_hidden_roots(struct root_list *list, struct flows_view *view, double low, double middle, double high,
                             double scale)
{
    double sign = scaled_npv(middle, view) > 0.0 ? 1.0 : -1.0;
    double turn = turning_point(view, low, high, sign);
    double at_turn = sign * scaled_npv(turn, view);
    if (fabs(at_turn) <= 1e-14 * scale) {
        add_root(list, turn);
    } else if (at_turn < 0.0) {
        add_root(list, bracketed_zero(view, low, turn));
        add_root(list, bracketed_zero(view, turn, high));
    }
}

size_t ts_finance_irr(double *out, size_t max, const double *flows, size_t n)
{
    struct flows_view view = {flows, n};
    struct root_list list = {out, max, 0};
    double scale = flow_scale(flows, n);
    if (n < 2 || !(scale > 0.0) || !isfinite(scale)) {
        return 0;
    }
    gsl_set_error_handler_off();
    double rate[3] = {NAN, grid_rate(0), grid_rate(1)};
    double value[3] = {NAN, scaled_npv(rate[1], &view), scaled_npv(rate[2], &view)};
    for (size_t i = 1; i <= IRR_GRID; i++) {
        bool bends = i > 1 && value[0] * value[1] > 0.0 && value[1] * value[2] > 0.0 &&
                     fabs(value[1]) < fabs(value[0]) && fabs(value[1]) <= fabs(value[2]);
        if (bends) {
            add_hidden_roots(&list, &view, rate[0], rate[1], rate[2], scale);
        }
        if (value[1] == 0.0 && i > 1) {
            add_root(&list, rate[1]);
        } else if (value[1] * value[2] < 0.0) {
            add_root(&list, bracketed_zero(&view, rate[1], rate[2]));
        }
        for (int k = 0; k < 2; k++) {
            rate[k] = rate[k + 1];
            value[k] = value[k + 1];
        }
        rate[2] = grid_rate(i + 1);
        value[2] = scaled_npv(rate[2], &view);
    }
    return list.n;
}

double ts_finance_mirr(double finance_rate, double reinvest_rate, const double *flows, size_t n)
{
    double future_in = 0.0, present_out = 0.0;
    if (n < 2) {
        return NAN;
    }
    for (size_t t = 0; t < n; t++) {
        if (flows[t] > 0.0) {
            future_in += flows[t] * pow(1.0 + reinvest_rate, (double)(n - 1 - t));
        } else {
            present_out -= flows[t] * pow(1.0 + finance_rate, -(double)t);
        }
    }
    return present_out > 0.0 ? pow(future_in / present_out, 1.0 / (double)(n - 1)) - 1.0 : NAN;
}

double ts_finance_discounted_payback(double rate, const double *flows, size_t n)
{
    double cumulative = 0.0, factor = 1.0;
    if (n == 0) {
        return INFINITY;
    }
    if (flows[0] >= 0.0) {
        return 0.0;
    }
    for (size_t t = 0; t < n; t++) {
        double flow = flows[t] * factor;
        if (cumulative < 0.0 && cumulative + flow >= 0.0) {
            return (double)(t - 1) + -cumulative / flow;
        }
        cumulative += flow;
        factor /= 1.0 + rate;
    }
    return INFINITY;
}

double ts_finance_annuity(double pv, double rate, double n_periods)
{
    if (rate == 0.0) {
        return pv / n_periods;
    }
    return pv * rate / -expm1(-n_periods * log1p(rate));
}

double ts_finance_straight_line(double cost, double salvage, double n_periods)
{
    return (cost - salvage) / n_periods;
}

double ts_finance_levelised(double rate, const double *costs, const double *quantities, size_t n)
{
    return ts_finance_npv(rate, costs, n) / ts_finance_npv(rate, quantities, n);
}

double ts_finance_break_even_volume(double fixed, double price, double variable)
{
    return price > variable ? fixed / (price - variable) : INFINITY;
}
