/* Hides which inputs are uncertain without being written so, and by how much:
 *   step times of a roofline   its fit's own interval (docs/ACCURACY.md)
 *   fall of API prices         15 points less to 30 points more a year than written: OpenAI's gpt-4o cost half after
 *                              three months (2024) and the same two years later; models of equal quality fell by 9 to
 *                              900 times a year (Epoch AI, 2025-03; both from memory, unverified). A judgement
 *   growth of calls            1 point a month less or more than written. A judgement
 *   abilities                  0.13 on the scale of logits: the sampling error of a benchmark of 400 questions half of
 *                              which are answered right, 1.2816/sqrt(400 x 0.25)
 * A tier's ability matters where there are others. */
#include "study/uncertain_inputs.h"

#include <math.h>

#include <gsl/gsl_cdf.h>

#include "study/sobol.h"

enum { MAX_INPUTS = 256 };

struct finding {
    struct ts_uncertain *items;
    struct ts_uncertain_inputs *out;
    struct ts_arena *arena;
    bool failed;
};

static void add(struct finding *finding, struct ts_uncertain input)
{
    bool known = !input.key || finding->out->n == MAX_INPUTS;
    finding->failed = finding->failed || known;
    for (uint32_t i = 0; i < finding->out->n && !known; i++) {
        known = ts_str_equal(finding->items[i].key, input.key);
    }
    if (!known) {
        finding->items[finding->out->n++] = input;
    }
}

/* 9 of 10 lie between low and high; of those here, 8 of 10 do. */
static struct ts_uncertain factor(const char *key, double low, double high)
{
    const double to = gsl_cdf_ugaussian_Pinv(0.9) / gsl_cdf_ugaussian_Pinv(0.95);
    return (struct ts_uncertain){.key = key,
                                 .p10 = fmin(pow(low, to), 1.0),
                                 .p50 = 1.0,
                                 .p90 = fmax(pow(high, to), 1.0),
                                 .min = 0.01,
                                 .max = 100.0,
                                 .source = "the interval of the fit"};
}

static void add_steps(struct finding *finding, const char *tier, const struct ts_steps_error *error)
{
    if (error->high > 0.0) {
        add(finding,
            factor(ts_arena_printf(finding->arena, "tiers.%s.steps_error.decode", tier), error->low, error->high));
    }
    if (error->first_high > 0.0) {
        add(finding, factor(ts_arena_printf(finding->arena, "tiers.%s.steps_error.prefill", tier), error->first_low,
                            error->first_high));
    }
}

/* Does the scenario write it? An ability may also come from a table. */
static bool is_written(const struct ts_model *model, const char *key)
{
    bool written = false;
    for (size_t i = 0; key && i < model->n_assumptions; i++) {
        const struct ts_assumption *assumption = &model->assumptions[i];
        written = written || (ts_str_equal(assumption->key, key) &&
                              (assumption->origin == TS_ORIGIN_SCENARIO || assumption->origin == TS_ORIGIN_COMMAND));
    }
    return written;
}

const struct ts_steps_error *ts_uncertain_steps(const struct ts_tier_model *tier)
{
    static const struct ts_steps_error none = {0};
    uint32_t k = 0;
    if (tier->kind == TS_TIER_API) {
        return &none;
    }
    if (tier->kind == TS_TIER_SERVER) {
        return &tier->u.server.pools[0].replica.steps.error;
    }
    while (k + 1 < ts_tier_n_pools(tier) && !(ts_device_of_kind(&tier->u.device, k)->steps.error.high > 0.0)) {
        k++;
    }
    return &ts_device_of_kind(&tier->u.device, k)->steps.error;
}

static void add_tier(struct finding *finding, const struct ts_model *model, const struct ts_tier_model *tier)
{
    add_steps(finding, tier->name, ts_uncertain_steps(tier));
    const char *key = ts_arena_printf(finding->arena, "tiers.%s.ability", tier->name);
    if (model->n_tiers > 1 && is_written(model, key)) {
        const double half = 0.13;
        add(finding, (struct ts_uncertain){.key = key,
                                           .p10 = tier->ability - half,
                                           .p50 = tier->ability,
                                           .p90 = tier->ability + half,
                                           .min = -100.0,
                                           .max = 100.0,
                                           .source = "the sampling error of a benchmark of 400 questions"});
    }
}

static void add_money(struct finding *finding, const struct ts_model *model)
{
    const double decline = model->money.api_price_decline_frac_per_year, growth = model->money.growth_frac_per_month;
    bool has_api = false, owns = false;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        has_api = has_api || model->tiers[i].kind == TS_TIER_API;
        owns = owns || model->tiers[i].kind == TS_TIER_SERVER;
    }
    if (has_api) {
        add(finding, (struct ts_uncertain){.key = "money.api_price_decline",
                                           .unit = "1/year",
                                           .p10 = fmax(decline - 0.15, 0.0),
                                           .p50 = decline,
                                           .p90 = fmin(decline + 0.30, 0.95),
                                           .min = 0.0,
                                           .max = 0.99,
                                           .source = "a judgement on the price lists of 2023 to 2026"});
    }
    if (owns) {
        add(finding, (struct ts_uncertain){.key = "money.growth",
                                           .unit = "1/month",
                                           .p10 = growth - 0.01,
                                           .p50 = growth,
                                           .p90 = growth + 0.01,
                                           .min = -0.5,
                                           .max = 1.0,
                                           .source = "a judgement"});
    }
}

/* How far an input may be from its median, relative to it. */
static double width_of(const struct ts_uncertain *input)
{
    return (input->p90 - input->p10) / fmax(fabs(input->p50), 1e-9);
}

static void note(const struct ts_uncertain *input, struct ts_diags *diags)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_number(&text, input->p10, 3);
    ts_text_puts(&text, " to ");
    ts_text_number(&text, input->p90, 3);
    ts_diags_add(diags, TS_NOTE, ts_span_none(), NULL, "%s: %s, %s %s", input->source, input->key,
                 text.failed ? "" : text.data, input->unit ? input->unit : "");
    ts_text_deinit(&text);
}

/* Those that the scenario writes, the narrowest first: a number instead changes least there. */
static enum ts_status refuse(const struct ts_uncertain_inputs *found, struct ts_diags *diags)
{
    bool said[MAX_INPUTS] = {false};
    const unsigned over = (unsigned)(found->n - TS_SOBOL_MAX_INPUTS);
    const enum ts_status status =
        ts_fail(diags, TS_ERANGE, ts_span_none(), "the best known of them, for their size, are:",
                "%u uncertain inputs (%u written) are too many: at most %d; write %u of them as a number",
                (unsigned)found->n, (unsigned)found->n_written, TS_SOBOL_MAX_INPUTS, over);
    for (uint32_t told = 0; told < found->n_written && told < over + 3; told++) {
        uint32_t next = found->n_written;
        for (uint32_t i = 0; i < found->n_written; i++) {
            if (!said[i] && (next == found->n_written || width_of(&found->items[i]) < width_of(&found->items[next]))) {
                next = i;
            }
        }
        said[next] = true;
        note(&found->items[next], diags);
    }
    return status;
}

enum ts_status ts_uncertain_inputs_find(struct ts_uncertain_inputs *out, const struct ts_scenario *scenario,
                                        struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_uncertain_inputs found = {.n = 0};
    struct finding finding = {
        .items = ts_arena_array(arena, MAX_INPUTS, sizeof *finding.items), .out = &found, .arena = arena};
    if (!finding.items) {
        return TS_ENOMEM;
    }
    found.items = finding.items;
    for (size_t i = 0; i < scenario->n_uncertain; i++) {
        add(&finding, scenario->uncertain[i]);
    }
    found.n_written = found.n;
    for (uint32_t i = 0; i < scenario->model.n_tiers; i++) {
        add_tier(&finding, &scenario->model, &scenario->model.tiers[i]);
    }
    add_money(&finding, &scenario->model);
    if (finding.failed) {
        return TS_ENOMEM;
    }
    if (found.n > TS_SOBOL_MAX_INPUTS) {
        return refuse(&found, diags);
    }
    *out = found;
    return TS_OK;
}

enum ts_status ts_uncertain_inputs_sets(const char **sets, const struct ts_uncertain_inputs *inputs,
                                        const double *point, struct ts_arena *arena)
{
    for (uint32_t i = 0; i < inputs->n; i++) {
        struct ts_text text;
        ts_text_init(&text);
        ts_uncertain_put(&text, &inputs->items[i], ts_uncertain_at(&inputs->items[i], point[i]));
        sets[i] = text.failed ? NULL : ts_arena_strdup(arena, text.data);
        ts_text_deinit(&text);
        if (!sets[i]) {
            return TS_ENOMEM;
        }
    }
    return TS_OK;
}
