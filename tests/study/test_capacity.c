/* Capacity by simulation against queues whose answer is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/capacity.h"

/* M/M/1 by a server of one sequence: a prompt takes 0.1 s in the mean, a reply has one token. */
#define UP_TO_TIERS                                                                                                    \
    "scenario: capacity\n"                                                                                             \
    "seed: 5\n"                                                                                                        \
    "workload:\n"                                                                                                      \
    "  duration: 1 h\n"                                                                                                \
    "  calls: 1 /s\n"                                                                                                  \
    "  classes: [{name: chat, share: 100 %, prompt: {exponential: {mean: 1000 tok}}, output: 1 tok}]\n"                \
    "tiers:\n"                                                                                                         \
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, ability: 0,\n"                       \
    "         scheduler: {sequences: 1, batched_tokens: 100000},\n"                                                    \
    "         steps: {linear: {a: 0 s, d: 0.1 ms}}}\n"
#define REST                                                                                                           \
    "slo: {ttft: 1 s, attainment: 90 %}\n"                                                                             \
    "simulation: {patience: 0 s}\n"

static const char one_server[] = UP_TO_TIERS REST;
static const char spare_server[] =
    UP_TO_TIERS "  spare: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, ability: 1}\n"
                "routing: {policy: static, static: {chat: edge}}\n" REST;

static void load(struct ts_scenario *scenario, const char *text, const char *const *sets, size_t n_sets)
{
    const struct ts_scenario_options options = {.text = text, .sets = sets, .n_sets = n_sets};
    struct ts_diags diags;
    ts_diags_init(&diags);
    if (ts_scenario_load(scenario, "capacity.yaml", &options, &diags) != TS_OK) {
        fail_msg("%s", diags.items[0].message);
    }
    ts_diags_deinit(&diags);
}

static struct ts_econ_capacity find(const struct ts_scenario *scenario)
{
    static const struct ts_progress nobody;
    struct ts_econ_capacity capacity;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_true(ts_capacity_applies(scenario));
    assert_int_equal(ts_capacity_find(&capacity, scenario, TS_CAPACITY_QUICK, &nobody, &diags), TS_OK);
    ts_diags_deinit(&diags);
    return capacity;
}

/* The time in an M/M/1 system is exponential with rate mu - lambda: P(T <= b) = p at lambda = mu - ln(1/(1 - p))/b =
 * 10 - ln 10 = 7.70 a second. */
static void test_capacity__of_one_server_is_that_of_mm1(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    load(&scenario, one_server, NULL, 0);
    const struct ts_econ_capacity capacity = find(&scenario);
    assert_true(capacity.is_simulated && capacity.is_reached[0]);
    assert_int_equal(capacity.bound[0], TS_SLO_TTFT);
    if (!(fabs(capacity.volume[0] / (10.0 - log(10.0)) - 1.0) < 0.08)) {
        fail_msg("%.3f times today's volume, theory says %.3f", capacity.volume[0], 10.0 - log(10.0));
    }
    ts_scenario_deinit(&scenario);
}

/* At twelve calls a second it is full today: the SLO is kept at 7.7/12 of that. And the same search gives the same
 * answer. */
static void test_capacity__can_be_below_today(void **state)
{
    (void)state;
    const char *const sets[] = {"workload.calls=12 /s"};
    struct ts_scenario scenario;
    load(&scenario, one_server, sets, 1);
    const struct ts_econ_capacity capacity = find(&scenario), again = find(&scenario);
    assert_true(fabs(capacity.volume[0] * 12.0 / (10.0 - log(10.0)) - 1.0) < 0.08);
    assert_true(capacity.volume[0] == again.volume[0]);
    ts_scenario_deinit(&scenario);
}

/* The busiest hour of a curve counts: three times the mean leaves a third of the volume. */
static void test_capacity__is_that_of_the_busiest_hour(void **state)
{
    (void)state;
    const char *const sets[] = {"workload.curve=office-week"};
    struct ts_scenario scenario;
    double peak = 0.0;
    load(&scenario, one_server, sets, 1);
    for (int hour = 0; hour < TS_WEEK_HOURS; hour++) {
        peak = fmax(peak, scenario.workload.process.week_curve[hour]);
    }
    const struct ts_econ_capacity capacity = find(&scenario);
    assert_true(fabs(capacity.volume[0] * peak / (10.0 - log(10.0)) - 1.0) < 0.08);
    ts_scenario_deinit(&scenario);
}

/* A server that no call goes to has no capacity to tell of, and is not searched for. */
static void test_capacity__says_nothing_of_a_tier_without_calls(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    load(&scenario, spare_server, NULL, 0);
    const struct ts_econ_capacity capacity = find(&scenario);
    for (uint32_t i = 0; i < scenario.model.n_tiers; i++) {
        const bool gets_calls = scenario.model.tiers[i].ability < 0.5;
        assert_int_equal(isinf(capacity.volume[i]) != 0, !gets_calls);
        assert_int_equal(capacity.is_reached[i], gets_calls);
    }
    ts_scenario_deinit(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capacity__of_one_server_is_that_of_mm1),
        cmocka_unit_test(test_capacity__can_be_below_today),
        cmocka_unit_test(test_capacity__is_that_of_the_busiest_hour),
        cmocka_unit_test(test_capacity__says_nothing_of_a_tier_without_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
