/* The volume and the cost of a token of designs whose queue and price are known. */
#include "study/capacity_curve.h"
#include "tests/near.h"

/* M/M/1 as in test_capacity: 7.70 calls a second keep the SLO; machines of 1,000 USD a month that draw nothing. */
static const char text[] =
    "scenario: simple\n"
    "seed: 5\n"
    "workload:\n"
    "  duration: 2 h\n"
    "  calls: 1 /s\n"
    "  classes: [{name: chat, share: 100 %, prompt: {exponential: {mean: 1000 tok}}, output: 1 tok}]\n"
    "tiers:\n"
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, ability: 0,\n"
    "         scheduler: {sequences: 1, batched_tokens: 100000}, steps: {linear: {a: 0 s, d: 0.1 ms}},\n"
    "         power: {idle: 0 W, prefill: 0 W, decode: 0 W}, owned: {capex: 36 kUSD, life: 36 months}}\n"
    "slo: {ttft: 1 s, attainment: 90 %}\n"
    "money: {growth: 3 %/month}\n"
    "simulation: {patience: 0 s}\n";

static const char *const replicas[] = {"tiers.edge.replicas=1", "tiers.edge.replicas=2", "tiers.edge.replicas=70000"};

struct found {
    struct ts_capacity_point points[3];
    struct ts_arena arena;
};

static enum ts_status find(struct found *found, const char *const *sets, size_t n_sets, uint32_t n_threads)
{
    static const struct ts_design_spec words = {.axes = {{.key = "tiers.edge.replicas", .settings = replicas, .n = 3}},
                                                .n_axes = 1};
    const struct ts_scenario_options options = {.text = text, .sets = sets, .n_sets = n_sets};
    struct ts_scenario scenario;
    struct ts_design design;
    struct ts_diags diags;
    ts_diags_init(&diags);
    ts_arena_init(&found->arena);
    assert_int_equal(ts_scenario_load(&scenario, "simple.yaml", &options, &diags), TS_OK);
    assert_int_equal(ts_design_make(&design, &words, &found->arena, &diags), TS_OK);
    const struct ts_trial_base base = {.scenario = &scenario, .path = "simple.yaml", .options = options};
    const struct ts_capacity_curve_spec spec = {
        .base = &base, .design = &design, .effort = TS_CAPACITY_QUICK, .n_threads = n_threads};
    const enum ts_status status = ts_capacity_curve(found->points, &spec, &found->arena, &diags);
    ts_scenario_deinit(&scenario);
    ts_diags_deinit(&diags);
    return status;
}

static void test_curve__has_the_volume_of_mm1_and_its_price(void **state)
{
    (void)state;
    struct found found;
    assert_int_equal(find(&found, NULL, 0, 2), TS_OK);
    const struct ts_capacity_point *one = &found.points[0], *two = &found.points[1], *none = &found.points[2];
    assert_null(one->why_not);
    if (!(fabs(one->calls_per_day / ((10.0 - log(10.0)) * 86400.0) - 1.0) < 0.1)) {
        fail_msg("%.0f calls a day", one->calls_per_day);
    }
    assert_near(one->usd_per_month, 1000.0, 1e-6);
    const double mtok = one->calls_per_day * 730.0 / 24.0 * 1001.0 / 1e6;
    if (!(fabs(one->usd_per_mtok * mtok / 1000.0 - 1.0) < 0.02)) {
        fail_msg("%.4g USD/Mtok, not %.4g", one->usd_per_mtok, 1000.0 / mtok);
    }
    assert_true(one->kwh_per_mtok == 0.0 && one->bound == TS_SLO_TTFT);
    assert_true(two->calls_per_day > 2.0 * one->calls_per_day); /* one queue for two serves more than two queues */
    assert_near(two->usd_per_month, 2000.0, 1e-6);
    assert_non_null(none->why_not);
    ts_arena_deinit(&found.arena);
}

static void test_curve__is_the_same_on_any_number_of_threads(void **state)
{
    (void)state;
    struct found one, three;
    assert_int_equal(find(&one, NULL, 0, 1), TS_OK);
    assert_int_equal(find(&three, NULL, 0, 3), TS_OK);
    for (int i = 0; i < 2; i++) {
        assert_true(one.points[i].calls_per_day == three.points[i].calls_per_day);
        assert_true(one.points[i].usd_per_mtok == three.points[i].usd_per_mtok);
    }
    ts_arena_deinit(&one.arena);
    ts_arena_deinit(&three.arena);
}

static void test_curve__wants_a_bound(void **state)
{
    (void)state;
    struct found found;
    const char *const sets[] = {"slo.ttft=null"};
    assert_int_equal(find(&found, sets, 1, 1), TS_EUSAGE);
    ts_arena_deinit(&found.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curve__has_the_volume_of_mm1_and_its_price),
        cmocka_unit_test(test_curve__is_the_same_on_any_number_of_threads),
        cmocka_unit_test(test_curve__wants_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
