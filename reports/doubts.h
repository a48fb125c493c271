/* What a run's figures come to when its uncertain inputs are drawn: made by study/uncertainty.h, said by reports. */
#ifndef TS_REPORTS_DOUBTS_H
#define TS_REPORTS_DOUBTS_H

#include <stdbool.h>
#include <stdint.h>

/* The figures of the whole plan that have an interval. */
enum ts_doubt {
    TS_DOUBT_COST,
    TS_DOUBT_SAVING,
    TS_DOUBT_PAYBACK,
    TS_DOUBT_NPV,
    TS_DOUBT_ENERGY,
    TS_DOUBT_ATTAINMENT,
    TS_DOUBT_TTFT,
    TS_DOUBT_QUALITY,
    TS_DOUBT_POWER,
    TS_N_DOUBTS
};

/* Their rows in reports/metric.h, of all tiers and classes, and what people call them. */
struct ts_doubt_row {
    const char *name, *stat, *label;
};
extern const struct ts_doubt_row ts_doubts[TS_N_DOUBTS];

/* Of a distribution; not NaN, but for a figure that does not exist. */
struct ts_interval {
    double p10, p50, p90;
};

struct ts_doubt_input {
    const char *key, *unit, *source;
    double p10, p50, p90;
    bool is_written; /* by the scenario; else it is taken to be uncertain by default */
    bool is_money;   /* has no effect on what is simulated */
    /* What the figures are with this input at its p10 and p90 and all others at their medians, and Sobol's indices: the
     * share of a figure's variance that it explains by itself, and with all others. NaN: not known. */
    double at_p10[TS_N_DOUBTS], at_p90[TS_N_DOUBTS], first[TS_N_DOUBTS], total[TS_N_DOUBTS];
};

/* How often something happens. */
struct ts_doubt_promise {
    const char *key;   /* "payback", "slo.attainment", "limits.ttft_p95" */
    const char *label; /* "pays back within 24 months" */
    double probability, half_probability;
};

struct ts_uncertainty {
    const struct ts_doubt_input *inputs; /* [n_inputs], those of the scenario first */
    uint32_t n_inputs, n_written;
    struct ts_interval figures[TS_N_DOUBTS], half[TS_N_DOUBTS]; /* of all draws, and of the first half of them */
    const struct ts_doubt_promise *promises;                    /* [n_promises] */
    uint32_t n_promises;
    const struct ts_interval *ahead_usd; /* [n_months + 1] the payback fan: saved so far, in each month */
    uint32_t n_months;
    uint32_t n_draws, n_index_draws; /* drawn; pairs of draws after the indices, 0: none */
    uint32_t n_simulated, n_checked; /* points simulated in all; of them, not seen by the fit */
    bool is_full;                    /* the fit was too bad: draws are full simulations */
    bool serves_as_nearest; /* it was for attainment and the first token: these are of the nearest simulated point */
    /* Largest error of what draws are made of, against a full simulation at the checked points, as a share of the
     * latter; NaN: nothing was checked. */
    double cost_error_frac, ttft_error_frac, capacity_error_frac;
};

#endif
