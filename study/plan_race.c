/* Hides the race: which designs are near enough to the best to be it, how often they run, and when it is told. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

#include "study/plan_parts.h"
#include "study/selection.h"

enum { FIRST_REPLICATIONS = 3, LEAST_REPLICATIONS = 4 }; /* of all finalists, of those that may be the best */

static const double near_margin = -0.05;  /* what misses by so little may keep in other replications */
static const double least_chance = 0.001; /* of a finalist that stays in the race */

struct finalist {
    struct ts_plan_design *design;
    struct ts_plan_try *tries; /* [most_replications] */
    bool is_out;
};

struct race {
    struct ts_plan *plan;
    const struct ts_plan_spec *spec;
    struct ts_diags *diags;
    struct finalist all[TS_PLAN_FINALISTS];
    uint32_t n, n_runs; /* replications so far */
    double none;
};

static int by_cost(const void *a, const void *b)
{
    const struct ts_plan_design *x = a, *y = b;
    const double d = x->usd_per_month - y->usd_per_month;
    return d != 0.0 ? (d > 0.0) - (d < 0.0) : (x->index > y->index) - (x->index < y->index);
}

static enum ts_status run_replications(struct race *race, uint32_t until)
{
    struct ts_plan_job jobs[TS_PLAN_FINALISTS];
    struct ts_plan_try tries[TS_PLAN_FINALISTS];
    const char *why[TS_PLAN_FINALISTS];
    enum ts_status status = TS_OK;
    for (; status == TS_OK && race->n_runs < until; race->n_runs++) {
        struct finalist *of[TS_PLAN_FINALISTS];
        uint32_t n = 0;
        for (uint32_t i = 0; i < race->n; i++) {
            if (!race->all[i].is_out) {
                of[n] = &race->all[i];
                jobs[n++] = (struct ts_plan_job){
                    .spec = race->spec, .index = race->all[i].design->index, .replication = race->n_runs};
            }
        }
        status = ts_plan_try_all(tries, why, jobs, n, &race->plan->arena, race->diags);
        for (uint32_t i = 0; status == TS_OK && i < n; i++) {
            of[i]->tries[race->n_runs] = tries[i];
            of[i]->design->n_runs = race->n_runs + 1;
            race->plan->n_runs++;
            race->plan->requests += tries[i].requests;
        }
        ts_plan_tell(race->spec, "whole runs", race->plan->n_runs, 0.0);
    }
    return status;
}

/* Probabilities of those that are in the race. */
static enum ts_status weigh(struct race *race)
{
    const uint32_t n_margins = race->all[0].design->n_margins, n_runs = race->n_runs;
    double *costs = calloc((size_t)race->n * n_runs * (1 + n_margins), sizeof *costs);
    double *margins = costs ? costs + (size_t)race->n * n_runs : NULL;
    double best[TS_PLAN_FINALISTS];
    struct ts_plan_design *of[TS_PLAN_FINALISTS];
    uint32_t n = 0;
    if (!costs) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < race->n; i++) {
        const struct finalist *finalist = &race->all[i];
        if (finalist->is_out) {
            continue;
        }
        for (uint32_t r = 0; r < n_runs; r++) {
            costs[(size_t)n * n_runs + r] = finalist->tries[r].usd_per_month;
            for (uint32_t m = 0; m < n_margins; m++) {
                margins[((size_t)n * n_margins + m) * n_runs + r] = finalist->tries[r].margins[m].margin;
            }
        }
        of[n++] = finalist->design;
    }
    const struct ts_selection selection = {.n_designs = n,
                                           .n_margins = n_margins,
                                           .n = n_runs,
                                           .costs = costs,
                                           .margins = margins,
                                           .seed = race->spec->base->scenario->model.seed};
    const enum ts_status status = ts_selection_probabilities(best, &race->none, &selection);
    for (uint32_t i = 0; status == TS_OK && i < n; i++) {
        of[i]->probability = best[i];
    }
    free(costs);
    return status;
}

static double highest_chance(const struct race *race)
{
    double highest = 0.0;
    for (uint32_t i = 0; i < race->n; i++) {
        highest = fmax(highest, race->all[i].design->probability);
    }
    return highest;
}

static void average(struct finalist *finalist)
{
    struct ts_plan_design *design = finalist->design;
    const uint32_t n = design->n_runs;
    double mean = 0.0, squares = 0.0;
    for (uint32_t r = 0; r < n; r++) {
        mean += finalist->tries[r].usd_per_month / n;
    }
    for (uint32_t r = 0; r < n; r++) {
        squares += (finalist->tries[r].usd_per_month - mean) * (finalist->tries[r].usd_per_month - mean);
    }
    design->usd_per_month = mean;
    design->usd_half = n > 1 ? gsl_cdf_tdist_Pinv(0.975, n - 1.0) * sqrt(squares / (n * (n - 1.0))) : NAN;
    for (uint32_t m = 0; m < design->n_margins; m++) {
        design->margins[m].margin = design->margins[m].got = 0.0;
        for (uint32_t r = 0; r < n; r++) {
            design->margins[m].margin += finalist->tries[r].margins[m].margin / n;
            design->margins[m].got += finalist->tries[r].margins[m].got / n;
        }
    }
    design->fate = ts_plan_keeps(design->margins, design->n_margins) ? TS_PLAN_KEEPS : TS_PLAN_MISSES;
}

static enum ts_status race_on(struct race *race)
{
    const struct ts_plan_spec *spec = race->spec;
    enum ts_status status = TS_OK;
    uint32_t until = FIRST_REPLICATIONS;
    for (; status == TS_OK && race->n_runs < spec->most_replications;
         until = until < LEAST_REPLICATIONS ? LEAST_REPLICATIONS : 2 * until) {
        status = run_replications(race, until < spec->most_replications ? until : spec->most_replications);
        if (status == TS_OK) {
            status = weigh(race);
        }
        if (status != TS_OK || (until >= LEAST_REPLICATIONS && highest_chance(race) >= spec->confidence)) {
            break;
        }
        for (uint32_t i = 0; i < race->n; i++) {
            race->all[i].is_out = race->all[i].design->probability < least_chance;
        }
    }
    return status;
}

static void name_the_best(struct ts_plan *plan)
{
    qsort(plan->designs, plan->n, sizeof *plan->designs, by_cost);
    plan->best = plan->second = plan->nearest = UINT32_MAX;
    double least_missed = -INFINITY;
    for (uint32_t i = 0; i < plan->n; i++) {
        const struct ts_plan_design *design = &plan->designs[i];
        const double margin = ts_plan_least_margin(design->margins, design->n_margins);
        if (design->fate == TS_PLAN_KEEPS && plan->best == UINT32_MAX) {
            plan->best = i;
        } else if (design->fate == TS_PLAN_KEEPS && plan->second == UINT32_MAX) {
            plan->second = i;
        }
        if (margin > least_missed) {
            least_missed = margin;
            plan->nearest = i;
        }
    }
}

enum ts_status ts_plan_race(struct ts_plan *plan, const struct ts_plan_spec *spec, double best_usd,
                            struct ts_diags *diags)
{
    struct race race = {.plan = plan, .spec = spec, .diags = diags, .n_runs = 1};
    qsort(plan->designs, plan->n, sizeof *plan->designs, by_cost);
    for (uint32_t i = 0; i < plan->n && race.n < TS_PLAN_FINALISTS; i++) {
        struct ts_plan_design *design = &plan->designs[i];
        if (design->usd_per_month <= (1.0 + TS_PLAN_NEAR_FRAC) * best_usd &&
            ts_plan_least_margin(design->margins, design->n_margins) >= near_margin) {
            struct finalist *finalist = &race.all[race.n++];
            finalist->design = design;
            finalist->tries = ts_arena_array(&plan->arena, spec->most_replications, sizeof *finalist->tries);
            if (!finalist->tries) {
                return TS_ENOMEM;
            }
            finalist->tries[0].usd_per_month = design->usd_per_month;
            memcpy(finalist->tries[0].margins, design->margins, sizeof design->margins);
        }
    }
    enum ts_status status = race.n > 0 ? race_on(&race) : TS_OK;
    for (uint32_t i = 0; status == TS_OK && i < race.n; i++) {
        average(&race.all[i]);
        plan->fates[race.all[i].design->index] = (uint8_t)race.all[i].design->fate;
    }
    name_the_best(plan);
    return status;
}
