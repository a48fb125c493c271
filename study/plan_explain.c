/* Hides what is tried to say why: every bound a tenth wider, for the designs that would be cheaper; and where no design
 * keeps everything, each bound wider and wider for the one that misses least. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "study/plan_parts.h"

enum { CHEAPER = 6 };

static const double tenth = 1.1;
static const double factors[] = {1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0};

enum { N_FACTORS = sizeof factors / sizeof factors[0] };

static uint32_t list_stated(uint32_t *out, const struct ts_model *model)
{
    uint32_t n = 0;
    for (uint32_t b = 0; b < ts_plan_n_bounds() && n < TS_PLAN_MOST_MARGINS; b++) {
        if (ts_plan_bound_is_stated(b, model)) {
            out[n++] = b;
        }
    }
    return n;
}

/* Those that would be cheaper than the best, the cheapest first: designs are in that order. */
static uint32_t list_cheaper(uint32_t *out, const struct ts_plan *plan)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < plan->best && i < plan->n; i++) {
        if (plan->designs[i].fate == TS_PLAN_MISSES) {
            out[n % CHEAPER] = i; /* the last ones: those nearest to the best miss least */
            n++;
        }
    }
    return n < CHEAPER ? n : CHEAPER;
}

/* Tries every bound, `n_each` ways, on those threads. */
struct trials {
    struct ts_plan_job *jobs;
    struct ts_plan_try *tries;
    const char **why;
    uint32_t n;
};

static enum ts_status run_trials(struct trials *trials, struct ts_plan *plan, struct ts_diags *diags)
{
    trials->tries = calloc(trials->n + 1, sizeof *trials->tries);
    trials->why = calloc(trials->n + 1, sizeof *trials->why);
    const enum ts_status status =
        trials->tries && trials->why
            ? ts_plan_try_all(trials->tries, trials->why, trials->jobs, trials->n, &plan->arena, diags)
            : TS_ENOMEM;
    for (uint32_t i = 0; status == TS_OK && i < trials->n; i++) {
        plan->n_runs++;
        plan->requests += trials->tries[i].requests;
    }
    return status;
}

static bool keeps(const struct trials *trials, uint32_t i)
{
    return !trials->why[i] && ts_plan_keeps(trials->tries[i].margins, trials->tries[i].n_margins);
}

static void close_trials(struct trials *trials)
{
    free(trials->jobs);
    free(trials->tries);
    free(trials->why);
}

/* Leaves of the designs those that keep everything with all bounds wider: no single one would do for the others. */
static enum ts_status keep_hopeful(uint32_t *designs, uint32_t *n, struct ts_plan *plan,
                                   const struct ts_plan_spec *spec, struct ts_diags *diags)
{
    struct trials trials = {.jobs = calloc((size_t)*n + 1, sizeof *trials.jobs)};
    if (!trials.jobs) {
        return TS_ENOMEM;
    }
    for (; trials.n < *n; trials.n++) {
        trials.jobs[trials.n] = (struct ts_plan_job){
            .spec = spec, .index = plan->designs[designs[trials.n]].index, .relaxed = {TS_PLAN_ALL_BOUNDS, tenth}};
    }
    const enum ts_status status = run_trials(&trials, plan, diags);
    *n = 0;
    for (uint32_t i = 0; status == TS_OK && i < trials.n; i++) {
        if (keeps(&trials, i)) {
            designs[(*n)++] = designs[i];
        }
    }
    close_trials(&trials);
    return status;
}

static enum ts_status find_relaxations(struct ts_plan *plan, const struct ts_plan_spec *spec, struct ts_diags *diags)
{
    const struct ts_model *model = &spec->base->scenario->model;
    uint32_t stated[TS_PLAN_MOST_MARGINS], cheaper[CHEAPER];
    const uint32_t n_stated = list_stated(stated, model);
    uint32_t n_cheaper = list_cheaper(cheaper, plan);
    enum ts_status status = keep_hopeful(cheaper, &n_cheaper, plan, spec, diags);
    if (status != TS_OK) {
        return status;
    }
    struct trials trials = {.jobs = calloc((size_t)n_stated * n_cheaper + 1, sizeof *trials.jobs)};
    if (!trials.jobs) {
        return TS_ENOMEM;
    }
    for (uint32_t b = 0; b < n_stated; b++) {
        for (uint32_t i = 0; i < n_cheaper; i++) {
            trials.jobs[trials.n++] = (struct ts_plan_job){
                .spec = spec, .index = plan->designs[cheaper[i]].index, .relaxed = {stated[b], tenth}};
        }
    }
    status = run_trials(&trials, plan, diags);
    for (uint32_t b = 0; status == TS_OK && b < n_stated; b++) {
        struct ts_plan_relaxation *out = &plan->relaxations[plan->n_relaxations++];
        out->key = ts_plan_bound_key(stated[b]);
        ts_plan_bound_put(out->wanted, sizeof out->wanted, model, (struct ts_plan_relaxed){stated[b], tenth});
        for (uint32_t i = b * n_cheaper; i < (b + 1) * n_cheaper; i++) {
            const double saving = plan->designs[plan->best].usd_per_month - trials.tries[i].usd_per_month;
            if (keeps(&trials, i) && saving > out->saving_usd_per_month) {
                out->saving_usd_per_month = saving;
                out->index = trials.jobs[i].index;
            }
        }
    }
    close_trials(&trials);
    return status;
}

/* A bound that is itself what was missed is kept where it is what was reached, if that is all that is missed. */
static bool take_what_was_reached(struct ts_plan *plan, const char *key)
{
    const struct ts_plan_design *nearest = &plan->designs[plan->nearest];
    const struct ts_plan_margin *found = NULL;
    uint32_t n_missed = 0;
    for (uint32_t m = 0; m < nearest->n_margins; m++) {
        found = ts_str_equal(nearest->margins[m].key, key) ? &nearest->margins[m] : found;
        n_missed += nearest->margins[m].margin < 0.0;
    }
    if (found && found->margin < 0.0 && n_missed == 1 && isfinite(found->got)) {
        struct ts_plan_remedy *out = &plan->remedies[plan->n_remedies++];
        struct ts_text text;
        ts_text_init(&text);
        ts_metric_format(&text, found->got, found->unit);
        out->key = found->key;
        (void)snprintf(out->wanted, sizeof out->wanted, "%s", text.data);
        ts_text_deinit(&text);
    }
    return found != NULL;
}

/* The times of the SLO, wider and wider. */
static enum ts_status try_factors(struct ts_plan *plan, const struct ts_plan_spec *spec, const uint32_t *bounds,
                                  uint32_t n, struct ts_diags *diags)
{
    const struct ts_model *model = &spec->base->scenario->model;
    struct trials trials = {.jobs = calloc((size_t)n * N_FACTORS + 1, sizeof *trials.jobs)};
    if (!trials.jobs) {
        return TS_ENOMEM;
    }
    for (; trials.n < n * N_FACTORS; trials.n++) {
        trials.jobs[trials.n] =
            (struct ts_plan_job){.spec = spec,
                                 .index = plan->designs[plan->nearest].index,
                                 .relaxed = {bounds[trials.n / N_FACTORS], factors[trials.n % N_FACTORS]}};
    }
    const enum ts_status status = run_trials(&trials, plan, diags);
    for (uint32_t b = 0; status == TS_OK && b < n; b++) {
        uint32_t f = 0;
        while (f < N_FACTORS && !keeps(&trials, b * N_FACTORS + f)) {
            f++;
        }
        if (f < N_FACTORS) {
            struct ts_plan_remedy *out = &plan->remedies[plan->n_remedies++];
            out->key = ts_plan_bound_key(bounds[b]);
            ts_plan_bound_put(out->wanted, sizeof out->wanted, model, (struct ts_plan_relaxed){bounds[b], factors[f]});
        }
    }
    close_trials(&trials);
    return status;
}

static enum ts_status find_remedies(struct ts_plan *plan, const struct ts_plan_spec *spec, struct ts_diags *diags)
{
    uint32_t stated[TS_PLAN_MOST_MARGINS], times[TS_PLAN_MOST_MARGINS], n_times = 0;
    const uint32_t n_stated = list_stated(stated, &spec->base->scenario->model);
    for (uint32_t i = 0; i < n_stated; i++) {
        if (!take_what_was_reached(plan, ts_plan_bound_key(stated[i]))) {
            times[n_times++] = stated[i];
        }
    }
    return try_factors(plan, spec, times, n_times, diags);
}

enum ts_status ts_plan_explain(struct ts_plan *plan, const struct ts_plan_spec *spec, struct ts_diags *diags)
{
    return plan->best != UINT32_MAX      ? find_relaxations(plan, spec, diags)
           : plan->nearest != UINT32_MAX ? find_remedies(plan, spec, diags)
                                         : TS_OK;
}
