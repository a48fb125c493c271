/* What a plan uses as its calls grow, of servers whose use is known in closed form. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "study/growth.h"
#include "study/replicate.h"

/* One call at a time, each of 0.1 s: what is drawn beyond the idle power is in proportion to the calls. */
static const char one_at_a_time[] =
    "scenario: growth\n"
    "seed: 5\n"
    "workload:\n"
    "  duration: 2 h\n"
    "  calls: 1 /s\n"
    "  classes: [{name: chat, share: 100 %, prompt: 1000 tok, output: 1 tok}]\n"
    "tiers:\n"
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, ability: 0,\n"
    "         scheduler: {sequences: 1, batched_tokens: 100000},\n"
    "         steps: {linear: {a: 0 s, d: 0.1 ms}}, owned: {capex: 30 kUSD, life: 48 months}}\n"
    "slo: {ttft: 1 s, attainment: 90 %}\n"
    "money: {growth: 6 %/month, horizon: 25 months}\n"
    "simulation: {patience: 0 s}\n";

struct found {
    struct ts_scenario scenario;
    struct ts_econ_capacity capacity;
    struct ts_use_curve curve;
};

static void find(struct found *out, const char *const *sets, size_t n_sets, uint32_t n_threads)
{
    static const struct ts_progress nobody;
    const struct ts_scenario_options options = {.text = one_at_a_time, .sets = sets, .n_sets = n_sets};
    struct ts_diags diags;
    ts_diags_init(&diags);
    if (ts_scenario_load(&out->scenario, "growth.yaml", &options, &diags) != TS_OK) {
        fail_msg("%s", diags.items[0].message);
    }
    const struct ts_growth_options how = {.effort = TS_CAPACITY_QUICK, .n_threads = n_threads, .progress = &nobody};
    assert_int_equal(ts_growth_find(&out->capacity, &out->curve, &out->scenario, &how, &diags), TS_OK);
    ts_diags_deinit(&diags);
}

static void within(double got, double want, double frac)
{
    if (!(fabs(got / want - 1.0) <= frac)) {
        fail_msg("got %.6g, want %.6g", got, want);
    }
}

/* Up to 1.06^24 = 4.05 times today's volume. */
static void test_growth__is_in_proportion_one_at_a_time(void **state)
{
    (void)state;
    struct found found;
    find(&found, NULL, 0, 1);
    const struct ts_use_curve *curve = &found.curve;
    assert_ptr_equal(found.capacity.curve, curve);
    within(curve->volume[curve->n - 1], pow(1.06, 24.0), 1e-12);
    const struct ts_tier_use *today = &curve->use[curve->today].tiers[0];
    for (double v = 1.0; v <= 4.0; v += 0.25) {
        const struct ts_tier_use use = ts_use_curve_at(curve, 0, today, v);
        within(use.idle_kwh, today->idle_kwh, 1e-4); /* until the last call has its reply */
        within(use.active_kwh, today->active_kwh, 1e-9);
        within(use.calls, today->calls, 1e-9);
    }
    assert_true(curve->cost_error_frac < 1e-4 && curve->energy_error_frac < 1e-4);
    within(curve->usd[curve->n - 1], curve->proportional_usd, 1e-4);
    ts_scenario_deinit(&found.scenario);
}

/* A hundred at a time, whose steps of a tenth of a second take as long whatever comes with them; two calls a second. */
#define HUNDRED_AT_A_TIME                                                                                              \
    "tiers.edge.scheduler.sequences=100", "tiers.edge.steps={linear: {a: 0.1 s}}",                                     \
        "workload.classes.chat.output=20 tok", "slo.ttft=2 s", "workload.calls=2 /s",                                  \
        "tiers.edge.power={idle: 100 W, prefill: 500 W, decode: 500 W}"

/* The energy of a step is shared, so that ten times the calls need hardly more. In proportion it would be ten times as
 * much. */
static void test_growth__of_a_batch_is_not_in_proportion(void **state)
{
    (void)state;
    static const char *const sets[] = {HUNDRED_AT_A_TIME, "money.growth=10 %/month"};
    struct found found;
    find(&found, sets, sizeof sets / sizeof sets[0], 1);
    const struct ts_use_curve *curve = &found.curve;
    const struct ts_tier_use *today = &curve->use[curve->today].tiers[0];
    const double last = curve->volume[curve->n - 1];
    within(last, fmin(pow(1.1, 24.0), found.capacity.volume[0]), 0.5); /* as far as is affordable */
    /* Busy unless nobody is there: calls of 2 s in service, M/G/infinity, 1 - exp(-2 v 2). */
    for (double v = 1.0; v <= last; v *= 1.3) {
        const double busy = -expm1(-4.0 * v) / -expm1(-4.0);
        within(v * ts_use_curve_at(curve, 0, today, v).active_kwh, today->active_kwh * busy, 0.03);
    }
    ts_scenario_deinit(&found.scenario);
}

/* A whole day of calls: of a sample of them, the same at every volume. */
static void test_growth__of_a_long_window_is_that_of_a_sample(void **state)
{
    (void)state;
    static const char *const sets[] = {HUNDRED_AT_A_TIME, "workload.duration=24 h",
                                       "money={growth: 3 %/month, horizon: 25 months, peak: {price: 1 USD/kWh}}"};
    struct found found;
    find(&found, sets, sizeof sets / sizeof sets[0], 1);
    const struct ts_use_curve *curve = &found.curve;
    const struct ts_tier_use *today = &curve->use[curve->today].tiers[0];
    within(curve->volume[curve->n - 1], pow(1.03, 24.0), 1e-12);
    for (uint32_t i = 0; i < curve->n; i++) {
        const struct ts_tier_use *use = &curve->use[i].tiers[0];
        const double v = curve->volume[i], busy = -expm1(-4.0 * v) / -expm1(-4.0);
        within(use->calls, v * today->calls, 1e-4);
        within(use->active_kwh, today->active_kwh * busy, 0.002);
        within(use->idle_kwh, today->idle_kwh, 1e-3);
        within(use->peak_frac, today->peak_frac, 1e-12);
    }
    assert_true(today->peak_frac > 0.1);
    ts_scenario_deinit(&found.scenario);
}

/* Any number of threads; no growth; a server that is full today. */
static void test_growth__is_the_same_or_not_there(void **state)
{
    (void)state;
    static const char *const level[] = {"money.growth=0 %/month"}, *const full[] = {"workload.calls=12 /s"};
    struct found one, three;
    find(&one, NULL, 0, 1);
    find(&three, NULL, 0, 3);
    assert_int_equal(one.curve.n, three.curve.n);
    for (uint32_t i = 0; i < one.curve.n; i++) {
        assert_memory_equal(&one.curve.use[i].tiers[0], &three.curve.use[i].tiers[0], sizeof(struct ts_tier_use));
    }
    ts_scenario_deinit(&one.scenario);
    ts_scenario_deinit(&three.scenario);
    find(&one, level, 1, 1);
    assert_null(one.capacity.curve);
    ts_scenario_deinit(&one.scenario);
    find(&one, full, 1, 1);
    assert_null(one.capacity.curve);
    ts_scenario_deinit(&one.scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth__is_in_proportion_one_at_a_time),
        cmocka_unit_test(test_growth__of_a_batch_is_not_in_proportion),
        cmocka_unit_test(test_growth__of_a_long_window_is_that_of_a_sample),
        cmocka_unit_test(test_growth__is_the_same_or_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
