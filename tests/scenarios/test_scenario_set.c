#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/scenarios/scenario_fixture.h"

static const char base[] = "scenario: t\n"
                           "workload:\n"
                           "  calls: 36 k/day\n"
                           "  classes:\n"
                           "    - {name: chat, share: 60 %, prompt: 800 tok, output: 200 tok}\n"
                           "    - {name: code, share: 40 %, prompt: 800 tok, output: 200 tok}\n"
                           "tiers:\n"
                           "  edge: {kind: server, hardware: H100 SXM, accelerators: 2, model: Llama-3.1-70B, quant: "
                           "FP8, ability: 1, steps: roofline}\n"
                           "  cloud: {kind: api, ability: 3, offers: [OpenAI/gpt-4o], link: wan}\n"
                           "links:\n"
                           "  wan: {rtt: {lognormal: {median: 35 ms, p95: 90 ms}}}\n"
                           "routing: {thresholds: {edge: 1}}\n";

static enum ts_status load_with(struct ts_scenario *out, struct ts_text *said, size_t n, const char *const *sets)
{
    struct ts_scenario_options options = {.sets = sets, .n_sets = n};
    return load_text(out, base, &options, said);
}

static void test_set__writes_keys_by_name(void **state)
{
    (void)state;
    static const char *const sets[] = {"tiers.edge.replicas=4", "slo.ttft=250 ms", "links.wan.rtt=50 ms", "seed=7",
                                       "description=a plan"};
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
    assert_int_equal(load_with(&s, &said, 5, sets), TS_OK);
    assert_string_equal(said.data, "");
    assert_int_equal(s.model.tiers[0].u.server.pools[0].n_replicas, 4);
    assert_float_equal(s.model.slo.ttft_s, 0.25, 1e-15);
    assert_true(ts_dist_is_constant(&s.model.links[0].rtt_s));
    assert_int_equal(s.model.seed, 7);
    assert_string_equal(s.model.description, "a plan");
    const struct ts_assumption *a = assumption(&s, "tiers.edge.replicas");
    assert_int_equal(a->origin, TS_ORIGIN_COMMAND);
    assert_string_equal(a->source, "command line");
    assert_string_equal(a->value, "4");
    ts_scenario_deinit(&s);
    ts_text_deinit(&said);
}

/* > would begin a text over several lines in a file; here it is the bound itself, quoted or not. */
static void test_set__takes_bounds_as_they_stand(void **state)
{
    (void)state;
    static const char *const sets[] = {"limits.attainment=>= 95 %", "limits.payback=<= 18 months",
                                       "limits.ttft_p95='<= 2 s'", "limits.cost_per_month=  <= 1 kUSD  "};
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
    assert_int_equal(load_with(&s, &said, 4, sets), TS_OK);
    assert_string_equal(said.data, "");
    assert_float_equal(s.model.limits.min_attainment_frac, 0.95, 1e-15);
    assert_float_equal(s.model.limits.max_payback_months, 18.0, 1e-12);
    assert_float_equal(s.model.limits.max_ttft_p95_s, 2.0, 1e-15);
    assert_float_equal(s.model.limits.max_cost_usd_per_month, 1000.0, 1e-9);
    assert_string_equal(assumption(&s, "limits.attainment")->value, "'>= 95 %'");
    ts_scenario_deinit(&s);
    static const char *const wrong[] = {"limits.attainment=> 95 %"};
    assert_int_equal(load_with(&s, &said, 1, wrong), TS_ESCENARIO);
    assert_non_null(strstr(said.data, "attainment: a bound begins with >="));
    ts_text_deinit(&said);
}

static void test_set__takes_a_key_out(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "tiers.edge.accelerators=null", "tiers.edge.owned.capex=~",         "slo.ttft=2 s", "slo.ttft=null",
        "workload.classes.code=null",   "workload.classes.chat.share=100 %"};
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
    assert_int_equal(load_with(&s, &said, 6, sets), TS_OK);
    assert_string_equal(said.data, "");
    assert_int_equal(assumption(&s, "tiers.edge.accelerators")->origin, TS_ORIGIN_DEFAULT);
    assert_float_equal(s.model.slo.ttft_s, 0.0, 0.0);
    assert_int_equal(s.model.n_classes, 1);
    ts_scenario_deinit(&s);
    static const char *const required[] = {"tiers.edge.model=null"};
    assert_int_equal(load_with(&s, &said, 1, required), TS_ESCENARIO);
    assert_non_null(strstr(said.data, "model"));
    static const char *const unknown[] = {"tiers.edge.acelerators=null"};
    assert_int_equal(load_with(&s, &said, 1, unknown), TS_ESCENARIO);
    assert_non_null(strstr(said.data, "unknown key 'acelerators' in tiers.edge"));
    ts_text_deinit(&said);
}

static void test_set__finds_items_of_lists_by_name_and_by_number(void **state)
{
    (void)state;
    static const char *const sets[] = {"workload.classes.chat.share=30 %", "workload.classes[1].share=70 %",
                                       "workload.classes.1.output=5 tok", "tiers.cloud.offers.0.call=1 USD"};
    struct ts_scenario s;
    assert_int_equal(load_with(&s, NULL, 4, sets), TS_OK);
    assert_float_equal(s.workload.classes[0].share, 0.3, 1e-15);
    assert_float_equal(s.workload.classes[1].share, 0.7, 1e-15);
    assert_float_equal(ts_dist_mean(&s.workload.classes[1].output_tok), 5.0, 0.0);
    assert_string_equal(s.model.tiers[1].u.api.offers[0].name, "OpenAI/gpt-4o");
    assert_float_equal(s.model.tiers[1].u.api.offers[0].call_usd, 1.0, 0.0);
    ts_scenario_deinit(&s);
}

static void test_set__reaches_into_words_and_distributions_and_takes_yaml(void **state)
{
    (void)state;
    static const char *const sets[] = {"tiers.edge.steps.roofline.compute=50 %", "links.wan.rtt.lognormal.median=40 ms",
                                       "workload.gaps={gamma: {cv: 2}}", "routing.fallback=[edge, cloud]"};
    struct ts_scenario s;
    assert_int_equal(load_with(&s, NULL, 4, sets), TS_OK);
    assert_float_equal(s.model.tiers[0].u.server.pools[0].replica.steps.u.roofline.flop_per_s, 2.0 * 1979e12 * 0.5,
                       1e3);
    assert_float_equal(ts_dist_quantile(&s.model.links[0].rtt_s, 0.5), 0.04, 1e-12);
    assert_int_equal(s.workload.process.gap.kind, TS_DIST_GAMMA);
    assert_int_equal(s.model.router.fallback[0], 0);
    ts_scenario_deinit(&s);
}

static void test_set__the_last_of_two_wins(void **state)
{
    (void)state;
    static const char *const sets[] = {"seed=7", "seed=8"};
    struct ts_scenario s;
    assert_int_equal(load_with(&s, NULL, 2, sets), TS_OK);
    assert_int_equal(s.model.seed, 8);
    ts_scenario_deinit(&s);
}

static void test_set__complains_in_the_words_of_the_file(void **state)
{
    (void)state;
    static const char *const sets[] = {"tiers.edge.replica=4",
                                       "tiers.egde.replicas=4",
                                       "slo.ttft=5",
                                       "seed",
                                       "workload.classes.chatt.share=1",
                                       "tiers..x=1",
                                       "seed=",
                                       "tiers.edge.replicas=&a 1",
                                       "links.wan.rtt=-1 ms"};
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
    assert_int_equal(load_with(&s, &said, 9, sets), TS_ESCENARIO);
    assert_string_equal(said.data, "command line:1:7: error: there is no 'egde' in tiers\n"
                                   "    1 | tiers.egde.replicas=4\n"
                                   "      |       ^~~~\n"
                                   "help: did you mean 'edge'?\n"
                                   "command line:1:1: error: --set needs a key and a value\n"
                                   "    1 | seed\n"
                                   "      | ^~~~\n"
                                   "help: write for example --set tiers.edge.replicas=4\n"
                                   "command line:1:18: error: there is no 'chatt' in workload.classes\n"
                                   "    1 | workload.classes.chatt.share=1\n"
                                   "      |                  ^~~~~\n"
                                   "help: did you mean 'chat'?\n"
                                   "command line:1:7: error: this is no key\n"
                                   "    1 | tiers..x=1\n"
                                   "      |       ^\n"
                                   "help: write for example --set tiers.edge.replicas=4\n"
                                   "command line:1:5: error: a value is missing after '='\n"
                                   "    1 | seed=\n"
                                   "      |     ^\n"
                                   "command line:1:21: error: anchors ('&') are not supported\n"
                                   "    1 | tiers.edge.replicas=&a 1\n"
                                   "      |                     ^~~~\n"
                                   "help: write the value out at each place\n"
                                   "command line:1:12: error: unknown key 'replica' in tiers.edge\n"
                                   "    1 | tiers.edge.replica=4\n"
                                   "      |            ^~~~~~~\n"
                                   "help: did you mean 'replicas'?\n"
                                   "command line:1:15: error: -1 ms is negative: a time is at least 0\n"
                                   "    1 | links.wan.rtt=-1 ms\n"
                                   "      |               ^~~~~\n"
                                   "command line:1:10: error: ttft: '5' has no unit: write for example '40 ms'\n"
                                   "    1 | slo.ttft=5\n"
                                   "      |          ^\n");
    ts_text_deinit(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set__writes_keys_by_name),
        cmocka_unit_test(test_set__takes_bounds_as_they_stand),
        cmocka_unit_test(test_set__takes_a_key_out),
        cmocka_unit_test(test_set__finds_items_of_lists_by_name_and_by_number),
        cmocka_unit_test(test_set__reaches_into_words_and_distributions_and_takes_yaml),
        cmocka_unit_test(test_set__the_last_of_two_wins),
        cmocka_unit_test(test_set__complains_in_the_words_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
