/* Hides the sorting, and which promises a plan can make: to pay back within a number of years, its SLO, its limits. */
#include "study/uncertain_sums.h"

#include <math.h>
#include <stdlib.h>

#include "base/sample.h"
#include "base/units.h"

enum { MAX_PROMISES = 32, MAX_PAYBACKS = 12 };

static double quantile(const double *sorted, uint32_t n, double p)
{
    const double at = p * (n - 1.0);
    const uint32_t i = (uint32_t)at, next = i + 1 < n ? i + 1 : i;
    if (sorted[i] == sorted[next]) {
        return sorted[i];
    }
    if (isinf(sorted[i]) || isinf(sorted[next])) {
        return sorted[at - i < 0.5 ? i : next];
    }
    return sorted[i] + (at - i) * (sorted[next] - sorted[i]);
}

/* Of a column of rows; `column` has room for n. */
static struct ts_interval interval_of(double *column, const double *rows, size_t width, size_t k, uint32_t n)
{
    for (size_t i = 0; i < n; i++) {
        column[i] = rows[i * width + k];
        if (isnan(column[i])) {
            return (struct ts_interval){NAN, NAN, NAN};
        }
    }
    qsort(column, n, sizeof *column, ts_sample_compare);
    return (struct ts_interval){quantile(column, n, 0.1), quantile(column, n, 0.5), quantile(column, n, 0.9)};
}

/* ---- promises ---- */

struct promises {
    struct ts_doubt_promise *items;
    uint32_t n;
    const double *figures;
    uint32_t n_draws;
};

static double share(const struct promises *promises, enum ts_doubt figure, bool at_least, double wanted, uint32_t n)
{
    uint32_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const double got = promises->figures[i * TS_N_DOUBTS + (size_t)figure];
        kept += at_least ? got >= wanted : got <= wanted;
    }
    return (double)kept / n;
}

static void promise(struct promises *promises, const char *key, const char *label, enum ts_doubt figure, bool at_least,
                    double wanted)
{
    if (!isnan(wanted) && label) {
        const uint32_t n = promises->n_draws;
        promises->items[promises->n++] =
            (struct ts_doubt_promise){key, label, share(promises, figure, at_least, wanted, n),
                                      share(promises, figure, at_least, wanted, n > 1 ? n / 2 : 1)};
    }
}

/* Within 12 months, 24, ...; of a long horizon in so many years that there are at most twelve; and within all of it. */
static void promise_paybacks(struct promises *promises, uint32_t n_months, struct ts_arena *arena)
{
    const uint32_t year = (uint32_t)TS_MONTHS_PER_YEAR, step = year * (1 + n_months / (MAX_PAYBACKS * year));
    for (uint32_t month = step; month < n_months; month += step) {
        promise(promises, "payback", ts_arena_printf(arena, "pays back within %u months", (unsigned)month),
                TS_DOUBT_PAYBACK, false, month);
    }
    promise(promises, "payback", ts_arena_printf(arena, "pays back within %u months", (unsigned)n_months),
            TS_DOUBT_PAYBACK, false, n_months);
}

static void promise_all(struct promises *promises, const struct ts_model *model, bool pays, struct ts_arena *arena)
{
    const struct ts_limits_model *limits = &model->limits;
    const double wanted = model->slo.attainment_frac > 0.0 ? model->slo.attainment_frac : (double)NAN;
    if (pays) {
        promise_paybacks(promises, model->money.horizon_months, arena);
    }
    promise(promises, "slo.attainment", "keeps its SLO", TS_DOUBT_ATTAINMENT, true, wanted);
    promise(promises, "limits.attainment", "keeps its limit of attainment", TS_DOUBT_ATTAINMENT, true,
            limits->min_attainment_frac);
    promise(promises, "limits.cost_per_month", "keeps its budget", TS_DOUBT_COST, false,
            limits->max_cost_usd_per_month);
    promise(promises, "limits.ttft_p95", "keeps its limit of the first token", TS_DOUBT_TTFT, false,
            limits->max_ttft_p95_s);
    promise(promises, "limits.quality", "keeps its limit of quality", TS_DOUBT_QUALITY, true, limits->min_quality_frac);
    promise(promises, "limits.power", "keeps its limit of power", TS_DOUBT_POWER, false, limits->max_power_w);
    promise(promises, "limits.payback", "keeps its limit of the payback", TS_DOUBT_PAYBACK, false,
            limits->max_payback_months);
}

/* ---- all of it ---- */

enum ts_status ts_uncertain_sums(struct ts_uncertainty *out, const double *figures, const double *ahead, uint32_t n,
                                 const struct ts_model *model, struct ts_arena *arena)
{
    const uint32_t n_months = model->money.horizon_months;
    struct ts_interval *fan = ts_arena_array(arena, (size_t)n_months + 1, sizeof *fan);
    struct promises promises = {
        .items = ts_arena_array(arena, MAX_PROMISES, sizeof *promises.items), .figures = figures, .n_draws = n};
    double *column = calloc(n, sizeof *column);
    if (!fan || !promises.items || !column) {
        free(column);
        return TS_ENOMEM;
    }
    for (size_t k = 0; k < TS_N_DOUBTS; k++) {
        out->figures[k] = interval_of(column, figures, TS_N_DOUBTS, k, n);
        out->half[k] = interval_of(column, figures, TS_N_DOUBTS, k, n > 1 ? n / 2 : 1);
    }
    for (size_t m = 0; m <= n_months; m++) {
        fan[m] = interval_of(column, ahead, (size_t)n_months + 1, m, n);
    }
    free(column);
    promise_all(&promises, model, !isnan(out->figures[TS_DOUBT_PAYBACK].p50), arena);
    out->ahead_usd = fan;
    out->n_months = n_months;
    out->promises = promises.items;
    out->n_promises = promises.n;
    out->n_draws = n;
    return arena->failed ? TS_ENOMEM : TS_OK;
}
