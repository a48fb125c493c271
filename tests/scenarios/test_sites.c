/* Sites: every class becomes one of each site, with its share, its links, its clock and its rules. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/scenarios/scenario_fixture.h"

#define WORKLOAD                                                                                                       \
    "scenario: t\n"                                                                                                    \
    "workload:\n"                                                                                                      \
    "  calls: 36 k/day\n"                                                                                              \
    "  curve: office-week\n"                                                                                           \
    "  classes:\n"                                                                                                     \
    "    - {name: a, share: 60 %, prompt: 800 tok, output: 200 tok}\n"                                                 \
    "    - {name: b, share: 40 %, prompt: 800 tok, output: 200 tok}\n"
#define TIERS                                                                                                          \
    "tiers:\n"                                                                                                         \
    "  edge: {kind: server, hardware: L40S, model: Llama-3.1-8B, quant: FP8, ability: 1, link: lan, owned: {capex: "   \
    "15 kUSD}}\n"                                                                                                      \
    "  cloud: {kind: api, offers: [OpenAI/gpt-4o], ability: 2, link: wan}\n"                                           \
    "links: {lan: {rtt: 1 ms}, wan: {rtt: 40 ms}, satellite: {rtt: 600 ms}}\n"
#define ROUTING(rules)                                                                                                 \
    "routing: {policy: static, static: {a: edge, b: cloud}, fallback: [edge, cloud], rules: [" rules "]}\n"
#define SITES "sites: [{name: x, share: 75 %}, {name: y, share: 25 %, utc_offset: 1, links: {cloud: satellite}}]\n"

enum { A_X, A_Y, B_X, B_Y, EDGE = 0, CLOUD = 1, LAN = 0, WAN = 1, SATELLITE = 2 };

static void test_sites__classes_have_their_share_their_tier_and_their_links(void **state)
{
    (void)state;
    static const char *const names[] = {"a@x", "a@y", "b@x", "b@y"};
    static const double shares[] = {0.45, 0.15, 0.3, 0.1};
    struct ts_scenario scenario;
    load_ok(&scenario, WORKLOAD TIERS ROUTING("") SITES);
    assert_int_equal(scenario.model.n_classes, 4);
    assert_int_equal(scenario.workload.n_classes, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_string_equal(scenario.model.class_names[i], names[i]);
        assert_true(fabs(scenario.workload.classes[i].share - shares[i]) < 1e-12);
        assert_int_equal(scenario.model.router.static_tier[i], i < B_X ? EDGE : CLOUD);
        assert_int_equal(ts_model_link(&scenario.model, EDGE, i), LAN);
        assert_int_equal(ts_model_link(&scenario.model, CLOUD, i), i % 2 == 0 ? WAN : SATELLITE);
    }
    ts_scenario_deinit(&scenario);
}

/* At site y it is an hour later: its curve is an hour ahead, the week goes round. */
static void test_sites__curves_follow_the_clock(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    load_ok(&scenario, WORKLOAD TIERS ROUTING("") SITES);
    const double *here = scenario.workload.process.week_curve,
                 *there = scenario.workload.classes[A_Y].process->week_curve;
    assert_null(scenario.workload.classes[A_X].process);
    for (int h = 0; h < 168; h++) {
        assert_true(there[h] == here[(h + 1) % 168]);
    }
    ts_scenario_deinit(&scenario);
    load_ok(&scenario,
            WORKLOAD TIERS ROUTING("") "sites: [{name: x, share: 75 %}, {name: y, share: 25 %, utc_offset: -3.5}]\n");
    here = scenario.workload.process.week_curve;
    there = scenario.workload.classes[B_Y].process->week_curve;
    for (int h = 0; h < 168; h++) {
        assert_true(fabs(there[h] - (here[(h + 164) % 168] + here[(h + 165) % 168]) / 2.0) < 1e-12);
    }
    ts_scenario_deinit(&scenario);
}

/* A rule by the hour is one of every class of the site that is ahead; a rule of a site is one of its classes. */
static void test_sites__rules_are_of_a_site_and_follow_its_clock(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    load_ok(&scenario,
            WORKLOAD TIERS ROUTING("{when: {site: y}, never: [cloud]}, {when: {class: a, from: 8, to: 18}, never: "
                                   "[edge]}, {when: {prompt_over: 9 ktok}, never: [edge]}") SITES);
    const struct ts_router_model *router = &scenario.model.router;
    assert_int_equal(router->n_rules, 5);
    assert_int_equal(router->rules[0].class_id, A_Y);
    assert_int_equal(router->rules[1].class_id, B_Y);
    assert_int_equal(router->rules[1].barred, 1U << CLOUD);
    assert_int_equal(router->rules[2].class_id, A_X);
    assert_true(router->rules[2].from_hour == 8.0 && router->rules[2].to_hour == 18.0);
    assert_int_equal(router->rules[3].class_id, A_Y);
    assert_true(router->rules[3].from_hour == 7.0 && router->rules[3].to_hour == 17.0);
    assert_int_equal(router->rules[4].class_id, -1);
    ts_scenario_deinit(&scenario);
}

/* Devices that are offline at night are so by the clock of the site, for which that clock counts. */
static void test_sites__devices_follow_the_clock(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    load_ok(&scenario,
            "scenario: t\n"
            "workload: {calls: 36 k/day, classes: [{name: a, share: 100 %, prompt: 800 tok, output: 200 tok}]}\n"
            "tiers:\n"
            "  pc: {kind: device, hardware: Snapdragon X Elite laptop, model: Llama-3.2-3B, quant: Q4_0, users: "
            "9, ability: 0, offline: {from: '19:30', to: '7:00', weekend: 90 %}}\n"
            "  cloud: {kind: api, offers: [OpenAI/gpt-4o], ability: 2}\n"
            "routing: {policy: static, static: {a: pc}, fallback: [cloud]}\n"
            "sites: [{name: x, share: 75 %}, {name: y, share: 25 %, utc_offset: -5}]\n");
    const struct ts_offline_model *offline = &scenario.model.tiers[0].u.device.offline;
    assert_true(scenario.model.class_ahead_h[0] == 0.0 && scenario.model.class_ahead_h[1] == -5.0);
    assert_true(ts_model_hour(&scenario.model, 1, 0) == -5.0);
    assert_true(offline->from_hour == 19.5 && offline->to_hour == 7.0 && offline->share_frac == 1.0);
    assert_true(offline->has_weekend && offline->weekend_frac == 0.9);
    ts_scenario_deinit(&scenario);
}

static void test_sites__mistakes_are_told(void **state)
{
    (void)state;
    refuse(WORKLOAD TIERS ROUTING("") "sites: [{name: x, share: 75 %}, {name: y, share: 20 %}]\n",
           "the shares of the sites sum to 95 %, not to 100 %");
    refuse(WORKLOAD TIERS ROUTING("{when: {site: z}, never: [cloud]}") SITES, "unknown site 'z'");
    refuse(WORKLOAD TIERS ROUTING("") "sites: [{name: x, share: 100 %, links: {cloud: moon}}]\n",
           "unknown link 'moon'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sites__classes_have_their_share_their_tier_and_their_links),
        cmocka_unit_test(test_sites__curves_follow_the_clock),
        cmocka_unit_test(test_sites__rules_are_of_a_site_and_follow_its_clock),
        cmocka_unit_test(test_sites__devices_follow_the_clock),
        cmocka_unit_test(test_sites__mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
