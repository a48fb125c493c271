/* What an account may call at a provider, and where calls may be answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/scenarios/scenario_fixture.h"

#define OFFERS(offers)                                                                                                 \
    "scenario: t\n"                                                                                                    \
    "workload: {calls: 36 k/day, classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]}\n"           \
    "tiers:\n"                                                                                                         \
    "  edge: {kind: server, hardware: L40S, model: Llama-3.1-8B, quant: FP8, ability: 1}\n"                            \
    "  cloud: {kind: api, ability: 2, limits: {requests: 60 /min}, offers: [" offers "]}\n"
#define ROUTING "routing: {thresholds: {edge: 0}}\n"
#define RULE(rule) "routing: {thresholds: {edge: 0}, rules: [" rule "]}\n"

/* Tier 2 of claude-sonnet: 1000 calls, 80,000 and 16,000 tokens a minute; the other offer has the tier's limits. */
static void test_account__has_the_catalogs_limits(void **state)
{
    (void)state;
    struct ts_scenario s;
    assert_int_equal(
        load_saying(&s, OFFERS("{name: Anthropic/claude-sonnet-4-5, account: Tier 2}, OpenAI/gpt-4o") ROUTING, ""),
        TS_OK);
    const struct ts_offer *offers = s.model.tiers[1].u.api.offers;
    assert_float_equal(offers[0].requests_per_s, 1000.0 / 60.0, 1e-9);
    assert_float_equal(offers[0].input_tok_per_s, 80000.0 / 60.0, 1e-9);
    assert_float_equal(offers[0].output_tok_per_s, 16000.0 / 60.0, 1e-9);
    assert_float_equal(offers[1].requests_per_s, 1.0, 1e-12);
    assert_float_equal(offers[1].input_tok_per_s, 0.0, 0.0);
    ts_scenario_deinit(&s);
}

static void test_account__an_unknown_one_is_told(void **state)
{
    (void)state;
    struct ts_scenario s;
    assert_int_equal(load_saying(&s, OFFERS("{name: OpenAI/gpt-4.1, account: Tier 9}") ROUTING,
                                 "one of: 'Tier 1', 'Tier 3', 'Tier 5'"),
                     TS_ESCENARIO);
    assert_int_equal(
        load_saying(&s, OFFERS("{name: OpenAI/gpt-5.1, account: Tier 1}") ROUTING, "write the tier's limits"),
        TS_ESCENARIO);
}

/* Own tiers may always be taken; an API if all of its offers are there. */
static void test_region__bars_the_apis_elsewhere(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
        uint32_t barred;
    } cases[] = {
        {OFFERS("{name: OpenAI/gpt-4o, region: EU}") RULE("{within: EU}"), "", 0},
        {OFFERS("{name: OpenAI/gpt-4o, region: US}") RULE("{within: EU}"), "no API is within 'EU'", 2},
        {OFFERS("{name: OpenAI/gpt-4o, region: EU}, OpenAI/gpt-4.1") RULE("{within: EU}"), "no API is within 'EU'", 2},
        {OFFERS("OpenAI/gpt-4o") RULE("{within: EU}"), "write region: EU at the offers that are there", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_scenario s;
        assert_int_equal(load_saying(&s, cases[i].text, cases[i].says), TS_OK);
        assert_int_equal(s.model.router.rules[0].barred, cases[i].barred);
        ts_scenario_deinit(&s);
    }
}

static void test_region__a_rule_says_one_thing(void **state)
{
    (void)state;
    struct ts_scenario s;
    assert_int_equal(load_saying(&s, OFFERS("OpenAI/gpt-4o") RULE("{within: EU, never: cloud}"),
                                 "a rule has one of 'never', 'only' and 'within'"),
                     TS_ESCENARIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account__has_the_catalogs_limits),
        cmocka_unit_test(test_account__an_unknown_one_is_told),
        cmocka_unit_test(test_region__bars_the_apis_elsewhere),
        cmocka_unit_test(test_region__a_rule_says_one_thing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
