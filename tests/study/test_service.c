/* How calls fare at the API instead of the plan's tiers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "econ/baselines.h"
#include "study/service.h"
#include "tests/near.h"

/* An API that fails every second call, and a house that would rescue them; a quarter of all calls may not leave it. */
static const char plan[] =
    "scenario: service\n"
    "workload:\n"
    "  duration: 20 min\n"
    "  calls: 5 /s\n"
    "  classes:\n"
    "    - {name: open, share: 75 %, prompt: 100 tok, output: 10 tok}\n"
    "    - {name: secret, share: 25 %, prompt: 100 tok, output: 10 tok, sensitivity: restricted}\n"
    "tiers:\n"
    "  house: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, replaces: cloud,\n"
    "          steps: {linear: {a: 10 ms}}, ability: 1}\n"
    "  cloud: {kind: api, offers: [OpenAI/gpt-4o], availability: 50 %, retries: 0, ability: 2, ttft: 200 ms}\n"
    "routing:\n"
    "  rules: [{when: {sensitivity: restricted}, never: cloud}]\n"
    "  policy: static\n"
    "  static: {open: house, secret: house}\n"
    "  fallback: [house]\n"
    "events: [{at: 0 s, tier: house, is: down, replicas: 1, for: 1 h}]\n";

static void find(struct ts_scenario *scenario, struct ts_baseline rows[TS_N_BASELINES])
{
    static const struct ts_progress nobody;
    const struct ts_scenario_options options = {.text = plan};
    assert_int_equal(ts_scenario_load(scenario, "service.yaml", &options, NULL), TS_OK);
    assert_int_equal(ts_service_find(rows, scenario, false, &nobody, NULL), TS_OK);
}

/* Of 4,500 and 6,000 calls: .025 is more than three standard deviations. */
static void test_service__failed_calls_are_not_rescued_and_kept_calls_not_counted(void **state)
{
    (void)state;
    struct ts_baseline rows[TS_N_BASELINES] = {{.is_there = false}};
    struct ts_scenario scenario;
    rows[TS_BASELINE_PERMITTED].is_there = rows[TS_BASELINE_ALL].is_there = true;
    find(&scenario, rows);
    assert_near(rows[TS_BASELINE_PERMITTED].service.slo_frac, 0.5, 0.025);
    assert_near(rows[TS_BASELINE_ALL].service.slo_frac, 0.5, 0.025);
    const double ttft_s = rows[TS_BASELINE_PERMITTED].service.ttft_p95_s;
    assert_true(ttft_s >= 0.2 && ttft_s < 0.5); /* and what links and router take */
    assert_true(fabs(rows[TS_BASELINE_PERMITTED].service.right_frac - rows[TS_BASELINE_ALL].service.right_frac) < 0.05);
    ts_scenario_deinit(&scenario);
}

/* The house's model at an API that offers its weights: as able as the house, as seldom there as the API that the house
 * replaces, and the secret quarter is kept in. What strikes the house does not strike the API. */
static void test_service__own_models_at_an_api(void **state)
{
    (void)state;
    struct ts_baseline rows[TS_N_BASELINES] = {{.is_there = false}};
    struct ts_scenario scenario;
    rows[TS_BASELINE_PERMITTED].is_there = rows[TS_BASELINE_SAME_WEIGHTS].is_there = true;
    find(&scenario, rows);
    assert_non_null(scenario.model.tiers[0].same_weights.offer);
    const struct ts_service *same = &rows[TS_BASELINE_SAME_WEIGHTS].service;
    assert_near(same->slo_frac, 0.5, 0.025);
    /* logistic(1 - z), z standard normal: .696; of the API, logistic(2 - z): .845 */
    assert_near(same->right_frac, 0.696, 0.04);
    assert_near(rows[TS_BASELINE_PERMITTED].service.right_frac, 0.845, 0.04);
    assert_int_equal(scenario.model.tiers[0].kind, TS_TIER_SERVER);
    ts_scenario_deinit(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service__failed_calls_are_not_rescued_and_kept_calls_not_counted),
        cmocka_unit_test(test_service__own_models_at_an_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
