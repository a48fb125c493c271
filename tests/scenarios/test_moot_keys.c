/* Keys that are right and have no effect as the scenario stands: each is told, with the reason, and what does have an
 * effect is not. The scenarios are those in which test_every_key.c tries all keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/text.h"
#include "scenarios/language/scenario.h"

enum { MAX_SETS_OF_CASE = 6, MAX_WORD = 1024 };

/* The last set of a case is the value that has no effect. */
struct moot {
    const char *fixture;
    const char *sets[MAX_SETS_OF_CASE];
    const char *said;
};

static const struct moot cases[] = {
    {"server", {"workload.start=Tuesday"}, "'workload.start' has no effect here: the rate is the same at all hours"},
    {"server", {"workload.think=3 s"}, "'workload.think' has no effect here: arrivals follow the rate of calls"},
    {"server", {"workload.requests=30"}, "'workload.requests' has no effect here: it ends a closed loop"},
    {"users", {"workload.curve=office-week"}, "'workload.curve' has no effect here: users set the rate"},
    {"users", {"workload.gaps=regular"}, "'workload.gaps' has no effect here: users set the rate"},
    {"sessions",
     {"workload.classes.agent.session.tools=0", "workload.classes.agent.session.tool_time=3 s"},
     "'workload.classes.agent.session.tool_time' has no effect here: no tool is called"},
    {"sessions",
     {"workload.classes.agent.session.turns=1", "workload.classes.agent.session.think=3 s"},
     "'workload.classes.agent.session.think' has no effect here: there is one turn"},
    {"trace",
     {"trace.users=4", "trace.turns=after-reply"},
     "'trace.turns' has no effect here: users send the requests in file order"},
    {"trace", {"trace.think=3 s"}, "'trace.think' has no effect here: requests arrive as recorded"},
    {"trace",
     {"trace.users=4", "trace.scale_rate=2"},
     "'trace.scale_rate' has no effect here: users set the rate of a closed loop"},
    {"server",
     {"workload.classes.chat.sensitivity=restricted"},
     "'workload.classes.chat.sensitivity' has no effect here: no rule of routing has when: {sensitivity: ...}"},
    {"pools",
     {"workload.classes.chat.priority=3"},
     "'workload.classes.chat.priority' has no effect here: no server has scheduler: {order: priority}"},
    {"trace",
     {"tiers.edge.scheduler.order=fcfs", "trace.classes.chat.priority=3"},
     "'trace.classes.chat.priority' has no effect here: no server has"},
    {"server", {"tiers.edge.balance=random"}, "'tiers.edge.balance' has no effect here: there is one replica"},
    {"disaggregated",
     {"tiers.edge.pools=[{name: prompts, role: prefill}, {name: replies, role: decode}]", "tiers.edge.balance=random"},
     "'tiers.edge.balance' has no effect here: there is one replica to choose from"},
    {"server",
     {"tiers.edge.autoscale={calls: 4}"},
     "'tiers.edge.autoscale.calls' has no effect here: min equals the number of replicas"},
    {"server", {"tiers.edge.memory_use=80 %"}, "'tiers.edge.memory_use' has no effect here: kv_blocks says what fits"},
    {"pools",
     {"tiers.edge.pools.old.memory_use=80 %"},
     "'tiers.edge.pools.old.memory_use' has no effect here: kv_blocks says what fits"},
    {"server",
     {"tiers.edge.scheduler.policy=slots", "tiers.edge.scheduler.chunked_prefill=false"},
     "'tiers.edge.scheduler.chunked_prefill' has no effect here: it is of policy vllm"},
    {"server",
     {"tiers.edge.scheduler.policy=static", "tiers.edge.scheduler.long_prefill=100"},
     "'tiers.edge.scheduler.long_prefill' has no effect here: it is of policy vllm"},
    {"server",
     {"tiers.edge.scheduler.policy=slots", "tiers.edge.scheduler.whole_admission=true"},
     "'tiers.edge.scheduler.whole_admission' has no effect here: it is of policy vllm"},
    {"server",
     {"tiers.edge.scheduler.policy=slots", "tiers.edge.scheduler.prompts_first=true"},
     "'tiers.edge.scheduler.prompts_first' has no effect here: it is of policy vllm"},
    {"server",
     {"tiers.edge.scheduler.policy=static", "tiers.edge.scheduler.no_evict=true"},
     "'tiers.edge.scheduler.no_evict' has no effect here: it is of policy vllm"},
    {"fleet",
     {"tiers.edge.scheduler={order: priority}"},
     "'tiers.edge.scheduler.order' has no effect here: all classes have the same priority"},
    {"fleet",
     {"tiers.edge.interconnect={latency: 2 us}"},
     "'tiers.edge.interconnect.latency' has no effect here: there is one accelerator"},
    {"server",
     {"tiers.edge.steps={linear: {a: 6 ms}}", "tiers.edge.overhead=1 ms"},
     "'tiers.edge.overhead' has no effect here: linear step times include it: add it to a"},
    {"server",
     {"tiers.edge.steps={linear: {a: 6 ms}}", "tiers.edge.interconnect={latency: 2 us}"},
     "'tiers.edge.interconnect.latency' has no effect here"},
    {"server",
     {"tiers.edge.cold_start={fixed: 3 s}"},
     "'tiers.edge.cold_start.fixed' has no effect here: it is never started: write autoscale or restart_every"},
    {"disaggregated",
     {"tiers.edge.pools.prompts.power={decode: 200 W}"},
     "'tiers.edge.pools.prompts.power.decode' has no effect here: its replicas compute only prompts"},
    {"disaggregated",
     {"tiers.edge.pools.prompts.weight=2"},
     "'tiers.edge.pools.prompts.weight' has no effect here: there is no other pool of its role"},
    {"pools",
     {"tiers.edge.balance=least-kv", "tiers.edge.pools.old.weight=2"},
     "'tiers.edge.pools.old.weight' has no effect here: balance: least-kv compares only shares of the KV cache"},
    {"own",
     {"tiers.dense.hardware=this-machine", "tiers.dense.model=Llama-3.2-1B", "tiers.dense.quant=Q4_0",
      "tiers.dense.owned={life: 2 years}"},
     "'tiers.dense.owned.life' has no effect here: the machines cost nothing: write capex"},
    {"office",
     {"tiers.cloud.availability=100 %", "tiers.other.availability=100 %", "tiers.other.retries=2"},
     "'tiers.other.retries' has no effect here: no call fails, and none is rate-limited"},
    {"office",
     {"tiers.cloud.retries=0", "tiers.cloud.backoff=2 s"},
     "'tiers.cloud.backoff' has no effect here: nothing is tried again"},
    {"office",
     {"tiers.cloud.offers.0.cached_input=1 USD/Mtok"},
     "no call can get the price of cached input: a generated workload does not say what its prompts start with"},
    {"office",
     {"tiers.cloud.prompt_cache={life: 1 h}"},
     "'tiers.cloud.prompt_cache.life' has no effect here: requests do not say what their prompts start with"},
    {"trace",
     {"trace.format=azure", "tiers.cloud.prompt_cache={life: 1 h}"},
     "no call can get the price of cached input: the trace does not say what its prompts start with"},
    {"office",
     {"links.air.token_size=4 B"},
     "'links.air.token_size' has no effect here: without a bandwidth it has no effect"},
    {"disaggregated",
     {"links.fabric.token_size=4 B"},
     "'links.fabric.token_size' has no effect here: no tokens cross the link"},
    {"server", {"routing.router={auc: 0.8}"}, "'routing.router.auc' has no effect here: there is one tier"},
    {"disaggregated", {"links.slow.rtt=2 ms"}, "'links.slow' has no effect here: no tier uses it"},
    {"own", {"tiers.dense.model=Llama-3.1-8B"}, "'models.dense' has no effect here: no tier uses it"},
    {"own",
     {"tiers.dense.hardware=L40S", "tiers.experts.hardware=L40S"},
     "'hardware.card' has no effect here: no tier uses it"},
    {"own",
     {"models.dense.experts_per_token=2"},
     "'models.dense.experts_per_token' has no effect here: the model has no experts"},
    {"own",
     {"models.dense.active_parameters=2e9"},
     "'models.dense.active_parameters' has no effect here: the model has no experts: every token uses all weights"},
    {"own", {"models.experts.ffn=4097"}, "'models.experts.ffn' has no effect here: expert_ffn is the width"},
    {"own",
     {"models.experts.window=1024"},
     "'models.experts.window' has no effect here: no layer is limited to it: write window_layers"},
    {"own",
     {"models.dense.parameters=9e9", "models.dense.tied=true"},
     "'models.dense.tied' has no effect here: parameters says how many weights there are"},
    {"office",
     {"routing.policy=static", "routing.static={chat: edge, memo: edge}", "routing.thresholds.phone=0"},
     "'routing.thresholds.phone' has no effect here"},
    {"office", {"routing.static={chat: edge}"}, "'routing.static.chat' has no effect here"},
    {"office",
     {"routing.policy=least-loaded", "routing.router.auc=0.7"},
     "'routing.router.auc' has no effect here: the policy does not look at difficulty"},
    {"office",
     {"routing.policy=static", "routing.static={chat: edge, memo: edge}", "routing.order=[edge, phone, cloud, other]"},
     "'routing.order' has no effect here: policy static chooses by class, and fallback is written"},
    {"server", {"money.salary=90 kUSD/year"}, "'money.salary' has no effect here: no tier has owned: {staff: ...}"},
    {"server", {"money.api_price_decline=5 %/year"}, "'money.api_price_decline' has no effect here: no tier is an API"},
    {"api",
     {"money.electricity=1 USD/kWh"},
     "'money.electricity' has no effect here: every tier is an API: its provider pays for the power"},
    {"api", {"money.carbon=1 g/kWh"}, "'money.carbon' has no effect here: every tier is an API"},
    {"api", {"power.pue=2"}, "'power.pue' has no effect here: no tier is a server"},
};

/* What is said of a fixture with these sets; with a trace in place of its workload's if one is named. */
static void listen(struct ts_text *said, const char *fixture, const char *const *sets, size_t n, const char *trace)
{
    char path[64];
    struct ts_scenario scenario;
    struct ts_diags diags;
    const struct ts_scenario_options options = {
        .sets = sets, .n_sets = n, .trace_path = trace, .measurement_path = "../../golden/measurement.json"};
    snprintf(path, sizeof path, "%s.yaml", fixture);
    ts_text_init(said);
    ts_diags_init(&diags);
    const enum ts_status status = ts_scenario_load(&scenario, path, &options, &diags);
    ts_diags_render(&diags, said);
    ts_diags_deinit(&diags);
    if (status != TS_OK) {
        print_error("%s: %s", fixture, said->data);
    }
    assert_int_equal(status, TS_OK);
    ts_scenario_deinit(&scenario);
}

static void test_moot_keys__are_told_with_the_reason(void **state)
{
    (void)state;
    size_t n_silent = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_text without, with;
        size_t n = 0;
        while (n < MAX_SETS_OF_CASE && cases[i].sets[n]) {
            n++;
        }
        listen(&without, cases[i].fixture, cases[i].sets, n - 1, NULL);
        listen(&with, cases[i].fixture, cases[i].sets, n, NULL);
        if (!strstr(with.data, cases[i].said)) {
            print_error("%s with %s: \"%s\" is not said, but:\n%s", cases[i].fixture, cases[i].sets[n - 1],
                        cases[i].said, with.data);
            n_silent++;
        }
        ts_text_deinit(&without);
        ts_text_deinit(&with);
    }
    assert_int_equal(n_silent, 0);
}

/* The scenarios in which all keys count say nothing. */
static void test_moot_keys__are_none_where_all_count(void **state)
{
    (void)state;
    static const char *const quiet[] = {"office",  "server", "fleet",    "pools", "trace",  "users",
                                        "experts", "own",    "recorded", "api",   "cascade"};
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++) {
        struct ts_text said;
        listen(&said, quiet[i], NULL, 0, NULL);
        if (said.len > 0) {
            print_error("%s: %s", quiet[i], said.data);
        }
        assert_int_equal(said.len, 0);
        ts_text_deinit(&said);
    }
}

/* A trace on the command line takes the workload's place without a word, but not that of what is set beside it. */
static void test_moot_keys__a_set_beside_a_trace_that_replaces_the_workload_is_told(void **state)
{
    (void)state;
    static const char *const sets[] = {"workload.calls=9/s"};
    struct ts_text said;
    listen(&said, "server", NULL, 0, "some.csv");
    assert_int_equal(said.len, 0);
    ts_text_deinit(&said);
    listen(&said, "server", sets, 1, "some.csv");
    assert_non_null(strstr(said.data, "'workload.calls' has no effect here: --trace replaces the workload"));
    ts_text_deinit(&said);
}

/* What a tier writes counts if it does for one of its pools. */
static void test_moot_keys__of_a_tier_count_if_one_pool_takes_them(void **state)
{
    (void)state;
    static const char *const one[] = {"tiers.edge.memory_use=60 %"};
    static const char *const none[] = {"tiers.edge.memory_use=60 %", "tiers.edge.pools.new.kv_blocks=500"};
    static const char *const joined[] = {"tiers.edge.interconnect={latency: 2 us}",
                                         "tiers.edge.pools.old.accelerators=2"};
    struct ts_text said;
    listen(&said, "pools", one, 1, NULL);
    assert_null(strstr(said.data, "has no effect"));
    ts_text_deinit(&said);
    listen(&said, "pools", none, 2, NULL);
    assert_non_null(strstr(said.data, "'tiers.edge.memory_use' has no effect here: kv_blocks says what fits"));
    ts_text_deinit(&said);
    listen(&said, "pools", joined, 2, NULL);
    assert_null(strstr(said.data, "has no effect"));
    ts_text_deinit(&said);
}

/* When the week begins counts for the rate, and for all that goes by the hour: of an open load and of a closed loop. */
static void test_moot_keys__the_start_counts_where_anything_goes_by_the_clock(void **state)
{
    (void)state;
    static const struct {
        const char *fixture, *set;
    } by_clock[] = {{"server", "events=[{at: 12:00, tier: edge, for: 1 s}]"},
                    {"server", "routing.rules=[{when: {from: 8}, only: [edge]}]"},
                    {"server", "money.peak={price: 0.3 USD/kWh}"},
                    {"mix", "tiers.fleet.mix.phone.offline={from: 22, to: 7}"}};
    static const char *const loads[] = {"workload.calls=1/s", "workload={users: 3, duration: 1 min, classes: [{name: "
                                                              "chat, share: 100 %, prompt: 9 tok, output: 9 tok}]}"};
    static const char start[] = "workload.start=Tuesday 11:59";
    for (size_t l = 0; l < 2; l++) {
        struct ts_text said;
        const char *const without[] = {loads[l], "workload.duration=3 min", start};
        listen(&said, "server", without, 3, NULL);
        assert_non_null(strstr(said.data, "'workload.start' has no effect here"));
        ts_text_deinit(&said);
        for (size_t i = 0; i < sizeof by_clock / sizeof by_clock[0]; i++) {
            const char *const with[] = {loads[l], "workload.duration=3 min", by_clock[i].set, start};
            listen(&said, by_clock[i].fixture, with, 4, NULL);
            if (strstr(said.data, "'workload.start' has no effect")) {
                fail_msg("%s: %s", by_clock[i].set, said.data);
            }
            ts_text_deinit(&said);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moot_keys__are_told_with_the_reason),
        cmocka_unit_test(test_moot_keys__are_none_where_all_count),
        cmocka_unit_test(test_moot_keys__a_set_beside_a_trace_that_replaces_the_workload_is_told),
        cmocka_unit_test(test_moot_keys__the_start_counts_where_anything_goes_by_the_clock),
        cmocka_unit_test(test_moot_keys__of_a_tier_count_if_one_pool_takes_them),
    };
    assert_int_equal(chdir(TS_SOURCE_DIR "/tests/scenarios/every_key"), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
