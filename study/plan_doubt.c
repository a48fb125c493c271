/* Hides which designs are tried with slow step times, and how that is put. */
#include "study/plan_doubt.h"

#include "study/plan_parts.h"
#include "study/uncertain_inputs.h"

enum { TRIED = 6 };

/* NULL where no step time of the design is fitted, or out of memory: arena->failed. */
static enum ts_status find_words(const char **out, const struct ts_plan_job *job, struct ts_arena *arena)
{
    struct ts_scenario scenario;
    struct ts_diags said; /* told when it was loaded first */
    size_t n = 0;
    const char *const *sets = ts_plan_settings(&n, job->spec, job->index, arena);
    ts_diags_init(&said);
    const enum ts_status status = sets ? ts_trial_load(&scenario, job->spec->base, sets, n, &said) : TS_ENOMEM;
    ts_diags_deinit(&said);
    *out = NULL;
    if (status != TS_OK) {
        return status;
    }
    for (uint32_t i = 0; i < scenario.model.n_tiers; i++) {
        const struct ts_tier_model *tier = &scenario.model.tiers[i];
        const struct ts_steps_error *error = ts_uncertain_steps(tier);
        if (error->high > 0.0) {
            *out = ts_arena_printf(arena, "%s%s%s: time per token x %.3g, to the first token x %.3g", *out ? *out : "",
                                   *out ? "; " : "", tier->name, error->high, error->first_high);
        }
    }
    ts_scenario_deinit(&scenario);
    return arena->failed ? TS_ENOMEM : TS_OK;
}

static const struct ts_plan_margin *most_missed(const struct ts_plan_try *tried)
{
    const struct ts_plan_margin *least = &tried->margins[0];
    for (uint32_t m = 1; m < tried->n_margins; m++) {
        least = tried->margins[m].margin < least->margin ? &tried->margins[m] : least;
    }
    return least;
}

/* The best, and those above it that keep everything as predicted. */
static uint32_t list_tried(uint32_t designs[TRIED], struct ts_plan_job jobs[TRIED], const struct ts_plan *plan,
                           const struct ts_plan_spec *spec)
{
    uint32_t n = 0;
    for (uint32_t i = plan->best; i < plan->n && n < TRIED; i++) {
        if (plan->designs[i].fate == TS_PLAN_KEEPS) {
            jobs[n] = (struct ts_plan_job){.spec = spec, .index = plan->designs[i].index, .slow = true};
            designs[n++] = i;
        }
    }
    return n;
}

enum ts_status ts_plan_doubt(struct ts_plan_doubt *out, const struct ts_plan *plan, const struct ts_plan_spec *spec,
                             struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_plan_job jobs[TRIED];
    struct ts_plan_try tries[TRIED];
    const char *why[TRIED];
    uint32_t designs[TRIED];
    const uint32_t n = list_tried(designs, jobs, plan, spec);
    *out = (struct ts_plan_doubt){.n_tried = n, .sure = UINT32_MAX};
    enum ts_status status = find_words(&out->slowed, &jobs[0], arena);
    if (status == TS_OK && out->slowed) {
        status = ts_plan_try_all(tries, why, jobs, n, arena, diags);
    }
    for (uint32_t i = n; status == TS_OK && out->slowed && i-- > 0;) {
        const bool keeps = !why[i] && ts_plan_keeps(tries[i].margins, tries[i].n_margins);
        out->sure = keeps ? designs[i] : out->sure;
        if (i == 0) {
            out->keeps = keeps;
            out->missed = *most_missed(&tries[0]);
        }
    }
    return status;
}
