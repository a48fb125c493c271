/* The part of the model that says what a good answer is, what a month costs, which bounds hold and what was recorded;
 * included by sim/model.h. Money is in the scenario's currency, whatever `usd` in a name says. */
#ifndef TS_SIM_MODEL_MONEY_H
#define TS_SIM_MODEL_MONEY_H

#include <stdint.h>

/* ---- SLO and money ---- */

struct ts_slo_model {
    double ttft_s, tpot_s, e2e_s; /* 0 = no bound */
    double attainment_frac;       /* wanted share of all arrivals */
};

enum ts_depreciation { TS_DEPRECIATION_STRAIGHT_LINE, TS_DEPRECIATION_MACRS_5 };

/* Electricity that costs more in some hours of weekdays, and what its highest power costs. */
struct ts_tariff_model {
    double peak_usd_per_kwh; /* NaN: the same price at all hours */
    double peak_from_hour, peak_to_hour;
    double demand_usd_per_kw; /* a month, of the highest power */
};

struct ts_money_model {
    const char *currency; /* NULL: USD */
    const char *rates;    /* "1 EUR = 1.0842 USD (2026-11-27)": what prices are converted at; NULL: none is */
    uint32_t start_month; /* in which the plan begins: year x 12 + month - 1 */
    const char *region;
    double electricity_usd_per_kwh;
    struct ts_tariff_model tariff;
    double carbon_g_per_kwh;
    uint32_t horizon_months;
    double discount_frac_per_year;
    double growth_frac_per_month; /* of the calls */
    double api_price_decline_frac_per_year;
    double hardware_price_decline_frac_per_year;
    double salary_usd_per_year;   /* loaded */
    double tax_frac;              /* of profit; 0: before tax */
    double present_usd_per_month; /* what the same calls cost today, by whatever contract; NaN: not told */
    enum ts_depreciation depreciation;
};

/* Bounds that the user wants kept: a missed one gives exit code 3. NaN = not set. */
struct ts_limits_model {
    double min_attainment_frac, max_cost_usd_per_month, max_ttft_p95_s, max_payback_months;
    double min_quality_frac, max_power_w;
};

/* What a real run of the same work came to, to hold the prediction against. NaN: not recorded. */
enum ts_recorded_latency { TS_RECORDED_TTFT, TS_RECORDED_TPOT, TS_RECORDED_E2E, TS_N_RECORDED };
enum ts_recorded_stat { TS_RECORDED_MEAN, TS_RECORDED_P50, TS_RECORDED_P90, TS_RECORDED_P99, TS_N_RECORDED_STATS };

struct ts_recorded_model {
    const char *source;  /* "" if the scenario does not say */
    uint64_t n_requests; /* 0: not known */
    double latency_s[TS_N_RECORDED][TS_N_RECORDED_STATS];
};

#endif
