/* Hides which months are simulated. Own model, served from month 3 on, renewed every 12, +0.6 a year: in months 4 to 15
 * it is that of month 3, +0.15; from 16 on +0.75. */
#include "study/quality_ahead.h"

#include <math.h>
#include <string.h>

#include "base/units.h"
#include "reports/metric.h"
#include "study/replicate.h"

enum { MOST_SIMULATED = 16 };

bool ts_quality_improves(const struct ts_model *model)
{
    bool any = false;
    for (uint32_t i = 0; i < model->n_tiers && model->money.horizon_months > 1; i++) {
        any = any || model->tiers[i].ability_per_year > 0.0;
    }
    return any;
}

bool ts_quality_is_later(const char *key)
{
    const char *last = strrchr(key, '.');
    return ts_str_has_prefix(key, "tiers.") && (ts_str_equal(last, ".improves") || ts_str_equal(last, ".renewed"));
}

/* ---- a month ---- */

/* The ability of a tier's model in a month (1, 2, ...) less that of today. An API's is that of the month; an own one's
 * of the month in which it began to serve, or was renewed last; before, the API that it replaces answers for it, or
 * nobody does. */
static double gain_of(const struct ts_model *model, uint32_t tier, uint32_t month)
{
    const struct ts_tier_model *of = &model->tiers[tier];
    const double now = month - 1.0, begin = of->owned.buy_month + of->owned.lead_time_months;
    if (of->kind == TS_TIER_API) {
        return of->ability_per_year * now / TS_MONTHS_PER_YEAR;
    }
    if (now < begin) {
        const int api = of->replaces;
        return api < 0 ? 0.0 : model->tiers[api].ability + gain_of(model, (uint32_t)api, month) - of->ability;
    }
    const double renewals = isfinite(of->renewed_months) ? floor((now - begin) / of->renewed_months + 1e-9) : 0.0;
    const double since = begin + (renewals > 0.0 ? renewals * of->renewed_months : 0.0);
    return of->ability_per_year * since / TS_MONTHS_PER_YEAR;
}

/* Before it serves, by class as the API is. */
static double class_ability(const struct ts_model *model, uint32_t tier, uint32_t month, uint32_t c)
{
    const struct ts_tier_model *of = &model->tiers[tier];
    const bool waits = month - 1.0 < of->owned.buy_month + of->owned.lead_time_months && of->replaces >= 0;
    if (of->kind != TS_TIER_API && waits) {
        return class_ability(model, (uint32_t)of->replaces, month, c);
    }
    return (of->class_ability ? of->class_ability[c] : of->ability) + gain_of(model, tier, month);
}

static bool set_month(struct ts_model *model, const struct ts_model *today, uint32_t month, struct ts_arena *arena)
{
    for (uint32_t i = 0; i < today->n_tiers; i++) {
        double *abilities = ts_arena_array(arena, today->n_classes, sizeof *abilities);
        if (!abilities) {
            return false;
        }
        for (uint32_t c = 0; c < today->n_classes; c++) {
            abilities[c] = class_ability(today, i, month, c);
        }
        model->tiers[i].ability = today->tiers[i].ability + gain_of(today, i, month);
        model->tiers[i].class_ability = abilities;
    }
    return true;
}

static enum ts_status read_quality(double *right, double *retained, const struct ts_model *model,
                                   const struct ts_result *result)
{
    const struct ts_metric *quality = ts_metric_find("quality", "mean"),
                           *kept = ts_metric_find("quality_retained", "mean");
    struct ts_metric_view view;
    const enum ts_status status = ts_metric_view_init(&view, model, result, NULL, ts_all_tiers(model), TS_ALL_CLASSES);
    if (status == TS_OK) {
        *right = quality->get(&view, quality);
        *retained = model->router.n_order > 1 ? kept->get(&view, kept) : (double)NAN;
        ts_metric_view_deinit(&view);
    }
    return status;
}

static enum ts_status simulate(double *right, double *retained, const struct ts_scenario *scenario, uint32_t month,
                               const struct ts_replicate_options *how, struct ts_diags *diags)
{
    struct ts_scenario later = *scenario;
    struct ts_replications runs;
    struct ts_arena arena;
    ts_arena_init(&arena);
    enum ts_status status = set_month(&later.model, &scenario->model, month, &arena) ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        status = ts_replicate(&runs, &later, how, diags);
        if (status == TS_OK) {
            status = read_quality(right, retained, &later.model, &runs.merged);
        }
        ts_replications_deinit(&runs);
    }
    ts_arena_deinit(&arena);
    return status;
}

/* ---- which months ---- */

/* Does some own model change from the month before to this one? */
static bool is_step(const struct ts_model *model, uint32_t month)
{
    bool any = false;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        const struct ts_tier_model *of = &model->tiers[i];
        const double begin = of->owned.buy_month + of->owned.lead_time_months, now = month - 1.0;
        const double age = now - begin, before = age - 1.0;
        any = any || (of->kind != TS_TIER_API &&
                      ((age >= 0.0 && before < 0.0 && begin > 0.0) ||
                       (of->ability_per_year > 0.0 && isfinite(of->renewed_months) && before >= 0.0 &&
                        floor(age / of->renewed_months + 1e-9) > floor(before / of->renewed_months + 1e-9))));
    }
    return any;
}

static uint32_t choose_months(uint32_t *months, const struct ts_model *model)
{
    const uint32_t last = model->money.horizon_months, year = (uint32_t)TS_MONTHS_PER_YEAR;
    uint32_t n = 0;
    for (uint32_t month = 1; month <= last; month++) {
        const bool wanted =
            is_step(model, month) || (month < last && is_step(model, month + 1)) || (month - 1) % year == 0;
        if (month == last || (wanted && n + 1 < MOST_SIMULATED)) {
            months[n++] = month;
        }
    }
    return n;
}

static void fill(double *by_month, uint32_t from, uint32_t to)
{
    for (uint32_t month = from + 1; month < to; month++) {
        const double part = (double)(month - from) / (to - from);
        by_month[month] = by_month[from] + part * (by_month[to] - by_month[from]);
    }
}

enum ts_status ts_quality_ahead(struct ts_quality_months *out, const struct ts_scenario *scenario, uint32_t n_threads,
                                const struct ts_progress *progress, struct ts_arena *arena, struct ts_diags *diags)
{
    const uint32_t n_months = scenario->model.money.horizon_months;
    const struct ts_replicate_options how = {
        .n_replications = scenario->replications, .n_threads = n_threads, .progress = *progress, .skips_figures = true};
    uint32_t months[MOST_SIMULATED];
    const uint32_t n = choose_months(months, &scenario->model);
    double *right = ts_arena_array(arena, (size_t)n_months + 1, sizeof *right);
    double *retained = ts_arena_array(arena, (size_t)n_months + 1, sizeof *retained);
    enum ts_status status = right && retained ? TS_OK : TS_ENOMEM;
    for (uint32_t i = 0; status == TS_OK && i < n; i++) {
        status = simulate(&right[months[i]], &retained[months[i]], scenario, months[i], &how, diags);
        if (status == TS_OK && i > 0) {
            fill(right, months[i - 1], months[i]);
            fill(retained, months[i - 1], months[i]);
        }
    }
    if (status == TS_OK) {
        right[0] = right[1];
        retained[0] = retained[1];
        *out = (struct ts_quality_months){n_months, n, right, retained};
    }
    return status;
}
