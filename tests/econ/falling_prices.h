/* Payback in months of a machine (USD) that replaces a bill of 15,000 USD a month, whose price falls to this share in a
 * year, at a running cost (USD a month). */
#ifndef TS_TESTS_ECON_FALLING_PRICES_H
#define TS_TESTS_ECON_FALLING_PRICES_H

#include <math.h>

static const struct falling_price {
    double capex, price, opex, months;
} falling_prices[] = {
    {40000, 1.0, 0, 2.6666666667},    {40000, 0.5, 0, 2.8113069862},
    {40000, 0.1, 0, 3.2844720905},    {40000, 1.0, 5000, 4.0},
    {40000, 0.5, 5000, 4.7045040548}, {40000, 0.1, 5000, INFINITY},
    {40000, 1.0, 8333, 5.999700015},  {40000, 0.5, 8333, INFINITY},
    {40000, 0.1, 8333, INFINITY},     {40000, 1.0, 10000, 8.0},
    {40000, 0.5, 10000, INFINITY},    {40000, 0.1, 10000, INFINITY},
    {80000, 1.0, 5000, 8.0},          {80000, 0.5, 5000, 15.08460031},
    {80000, 0.1, 5000, INFINITY},     {300000, 1.0, 8000, 42.8571428571},
    {300000, 0.5, 8000, INFINITY},    {300000, 0.1, 8000, INFINITY},
    {40000, 1.0, 17181, INFINITY},
};

#endif
