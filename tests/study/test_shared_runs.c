/* Which points share a simulation: those that it cannot tell apart, and no others; with the same figures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "study/point.h"

static const char text[] =
    "scenario: shared\nseed: 4\n"
    "workload: {duration: 2000 s, calls: 1/s, classes: [{name: a, share: 100 %, prompt: 9 tok, output: 3 tok,\n"
    "           difficulty: {normal: {mean: 0, sd: 1}}}]}\n"
    "tiers:\n"
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, ability: 0, link: lan,\n"
    "         owned: {capex: 30 kUSD, life: 48 months}, replaces: cloud}\n"
    "  cloud: {kind: api, offers: [OpenAI/gpt-4o], ttft: 1 s, ability: 2, link: lan}\n"
    "links: {lan: {rtt: 1 ms}}\n"
    "routing: {policy: difficulty, thresholds: {edge: 0.5}, router: {auc: 0.8}}\n"
    "slo: {ttft: 2 s, attainment: 95 %}\n"
    "money: {region: Germany, growth: 1 %/month, horizon: 24 months,\n"
    "        rates: {EUR: {usd: 1.08, date: 2026-11-27}}}\n";

struct fixture {
    struct ts_scenario scenario;
    struct ts_trial_base base;
    struct ts_diags diags;
    struct ts_shared_runs *shared;
};

static void load(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    ts_diags_init(&f->diags);
    f->base = (struct ts_trial_base){.scenario = &f->scenario, .path = "shared.yaml", .options = {.text = text}};
    if (ts_scenario_load(&f->scenario, f->base.path, &f->base.options, &f->diags) != TS_OK) {
        fail_msg("%s", f->diags.items[0].message);
    }
    assert_int_equal(ts_shared_runs_create(&f->shared), TS_OK);
}

static void unload(struct fixture *f)
{
    ts_shared_runs_destroy(f->shared);
    ts_scenario_deinit(&f->scenario);
    ts_diags_deinit(&f->diags);
}

/* Which run a point with that setting gets; it is given back, and stays the same as long as it is listed. */
static const struct ts_shared_run *run_of(struct fixture *f, const char *set, uint32_t n_replications)
{
    const struct ts_replicate_options how = {.n_replications = n_replications, .n_threads = 1, .skips_figures = true};
    struct ts_scenario scenario;
    struct ts_shared_run *run;
    if (ts_trial_load(&scenario, &f->base, &set, set ? 1 : 0, &f->diags) != TS_OK) {
        fail_msg("%s: %s", set, f->diags.items[0].message);
    }
    assert_int_equal(ts_shared_run_get(&run, f->shared, &scenario, &set, set ? 1 : 0, &how, &f->diags), TS_OK);
    ts_shared_run_give(run, f->shared);
    ts_scenario_deinit(&scenario);
    return run;
}

static void test_shared_runs__what_is_not_looked_at_is_shared(void **state)
{
    (void)state;
    static const char *const same[] = {"money.growth=3 %/month", "money.discount=9 %/year",
                                       "tiers.edge.owned.capex=9 kUSD", "limits.ttft_p95=<= 1 ms",
                                       "routing.thresholds.edge=0.5"};
    static const char *const other[] = {"seed=5",
                                        "money.currency=EUR",
                                        "money.region=France",
                                        "slo.ttft=1 s",
                                        "tiers.edge.replicas=2",
                                        "routing.router.auc=0.7",
                                        "routing.thresholds.edge=0.4"};
    struct fixture f;
    load(&f);
    const struct ts_shared_run *own = run_of(&f, NULL, 1);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assert_ptr_equal(run_of(&f, same[i], 1), own);
    }
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        const struct ts_shared_run *run = run_of(&f, other[i], 1);
        assert_ptr_not_equal(run, own);
        assert_ptr_equal(run_of(&f, other[i], 1), run);
    }
    assert_ptr_equal(run_of(&f, NULL, 1), own);
    unload(&f);
}

static const char *threshold(double value)
{
    static char set[64];
    (void)snprintf(set, sizeof set, "routing.thresholds.edge=%.17g", value);
    return set;
}

static uint64_t n_at_edge(const struct ts_shared_run *run)
{
    return ts_shared_run_of(run)->merged.tiers[0].cells[0].arrived;
}

/* From the score of the last call that stays to below that of the first that does not. */
static void test_shared_runs__thresholds_that_no_call_lies_between_are(void **state)
{
    (void)state;
    struct fixture f;
    load(&f);
    const struct ts_shared_run *own = run_of(&f, NULL, 1);
    const struct ts_threshold_range range = ts_shared_run_of(own)->merged.thresholds[0];
    assert_true(range.from <= 0.5 && range.from > 0.4 && range.below > 0.5 && range.below < 0.6);
    assert_ptr_equal(run_of(&f, threshold(range.from), 1), own);
    assert_ptr_equal(run_of(&f, threshold(nextafter(range.below, 0.0)), 1), own);
    const struct ts_shared_run *lower = run_of(&f, threshold(nextafter(range.from, 0.0)), 1);
    const struct ts_shared_run *higher = run_of(&f, threshold(range.below), 1);
    assert_int_equal(n_at_edge(lower), n_at_edge(own) - 1);
    assert_int_equal(n_at_edge(higher), n_at_edge(own) + 1);
    const struct ts_shared_run *far = run_of(&f, threshold(50.0), 1);
    assert_ptr_equal(run_of(&f, threshold(40.0), 1), far);
    unload(&f);
}

/* A new one each time where there are several; more runs than are kept. */
static void test_shared_runs__replications_are_not(void **state)
{
    (void)state;
    struct fixture f;
    load(&f);
    const struct ts_shared_run *own = run_of(&f, NULL, 1);
    const uint64_t n_own = n_at_edge(own);
    (void)run_of(&f, NULL, 2);
    assert_ptr_equal(run_of(&f, NULL, 1), own);
    for (int i = 0; i < 40; i++) {
        char set[32];
        (void)snprintf(set, sizeof set, "seed=%d", 100 + i);
        (void)run_of(&f, set, 1);
    }
    assert_int_equal(n_at_edge(run_of(&f, NULL, 1)), n_own);
    unload(&f);
}

static void test_shared_runs__figures_are_the_same(void **state)
{
    (void)state;
    static const char *const points[][2] = {{"money.growth=3 %/month", "routing.thresholds.edge=50"},
                                            {"money.growth=0 %/month", "routing.thresholds.edge=60"},
                                            {"tiers.edge.owned.capex=9 kUSD", "routing.thresholds.edge=0.2"}};
    struct fixture f;
    load(&f);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        struct ts_point_outcome alone, together;
        struct ts_point_options how = {.n_threads = 1};
        assert_int_equal(ts_point_run(&alone, &f.base, points[i], 2, &how, &f.diags), TS_OK);
        how.shared = f.shared;
        assert_int_equal(ts_point_run(&together, &f.base, points[i], 2, &how, &f.diags), TS_OK);
        assert_int_equal(alone.n_rows, together.n_rows);
        for (uint32_t k = 0; k < alone.n_rows; k++) {
            assert_memory_equal(&alone.rows[k].value, &together.rows[k].value, sizeof alone.rows[k].value);
        }
        ts_point_outcome_deinit(&alone);
        ts_point_outcome_deinit(&together);
    }
    unload(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_runs__what_is_not_looked_at_is_shared),
        cmocka_unit_test(test_shared_runs__thresholds_that_no_call_lies_between_are),
        cmocka_unit_test(test_shared_runs__replications_are_not),
        cmocka_unit_test(test_shared_runs__figures_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
