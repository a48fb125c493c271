/* Finance on plain cash-flow arrays. Flows are per period, index 0 first and undiscounted; money out is negative.
 * "Never" is an answer: INFINITY. */
#ifndef TS_ECON_FINANCE_H
#define TS_ECON_FINANCE_H

#include <stddef.h>

#include "base/status.h"

/* sum c_t/(1+r)^t, t from 0 (the definition, not a spreadsheet's NPV() whose first flow is at t = 1). */
double ts_finance_npv(double rate, const double *flows, size_t n);
/* (1+r)^(1/12) - 1. */
double ts_finance_monthly_rate(double rate_per_year);
/* All rates in (-0.99, 10) at which the NPV is zero, ascending, at most max: returns how many there are (0: none). */
size_t ts_finance_irr(double *out, size_t max, const double *flows, size_t n);
double ts_finance_mirr(double finance_rate, double reinvest_rate, const double *flows, size_t n);
/* First crossing of the cumulative discounted flow from below to >= 0, linear inside the period; INFINITY if never; 0
 * if the first flow is already >= 0. */
double ts_finance_discounted_payback(double rate, const double *flows, size_t n);
/* pv*i/(1-(1+i)^-n): what repays pv over n periods at rate i (pv/n at i = 0). */
double ts_finance_annuity(double pv, double rate, double n_periods);
double ts_finance_straight_line(double cost, double salvage, double n_periods);
/* What may be written off of a machine at the end of each year, MACRS 5-year class with the half-year convention. */
enum { TS_FINANCE_MACRS_5_YEARS = 6 };
extern const double ts_finance_macrs_5[TS_FINANCE_MACRS_5_YEARS];
/* PV(costs)/PV(quantities). */
double ts_finance_levelised(double rate, const double *costs, const double *quantities, size_t n);
/* fixed/(price - variable); INFINITY if price <= variable. */
double ts_finance_break_even_volume(double fixed, double price, double variable);

#endif
