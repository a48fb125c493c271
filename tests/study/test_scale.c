/* Cost against scale: crossings whose volumes are known, and lines whose nodes are. */
#include "study/scale.h"
#include "tests/near.h"

static const double days_per_month = 730.0 / 24.0;

static struct ts_scale_line server_line(double usd, double calls_per_day)
{
    return (struct ts_scale_line){.nodes = {{1, calls_per_day, usd, 0.0},
                                            {2, 2.0 * calls_per_day, 2.0 * usd, 0.0},
                                            {4, 4.0 * calls_per_day, 4.0 * usd, 0.0}},
                                  .n_nodes = 3,
                                  .counts = true};
}

static struct ts_scale_line call_line(double usd_per_call)
{
    return (struct ts_scale_line){
        .nodes = {{0, INFINITY, 0.0, usd_per_call * days_per_month}}, .n_nodes = 1, .counts = true};
}

/* F = 1,000 a month for each 4,000 calls a day against p = 0.01 a call: n replicas are paid off at n F/p, if they take
 * as many, and an API is cheaper again after the step to n + 1 as long as n + 1 > 1.2167 n. */
static void test_crossings__are_at_fixed_over_price(void **state)
{
    (void)state;
    const struct ts_scale_line lines[] = {server_line(1000.0, 4000.0), call_line(0.01)};
    struct ts_scale_crossing *found = NULL;
    uint32_t n = 0;
    assert_int_equal(ts_scale_crossings(&found, &n, lines, 2), TS_OK);
    assert_int_equal(n, 9);
    for (uint32_t i = 0; i < n; i++) {
        const double replicas = 1.0 + i / 2;
        const double volume = i % 2 == 0 ? replicas * 1000.0 / 0.01 / days_per_month : replicas * 4000.0;
        if (!(fabs(found[i].calls_per_day / volume - 1.0) < 1e-8)) {
            fail_msg("crossing %u at %.9g, not %.9g", i, found[i].calls_per_day, volume);
        }
        assert_int_equal(found[i].above, i % 2 == 0 ? 0 : 1);
        assert_int_equal(found[i].below, i % 2 == 0 ? 1 : 0);
        assert_true(found[i].is_front);
    }
    if (!(fabs(found[0].calls_per_day - 3287.671232876712) < 1e-9)) {
        fail_msg("%.17g", found[0].calls_per_day);
    }
    free(found);
}

/* A line that keeps no SLO is cheaper and crosses, but is never the front; what costs the same crosses nowhere. */
static void test_crossings__of_what_does_not_count_are_no_front(void **state)
{
    (void)state;
    struct ts_scale_line lines[] = {server_line(1000.0, 1e12), call_line(0.01), call_line(0.001), call_line(0.001)};
    struct ts_scale_crossing *found = NULL;
    uint32_t n = 0;
    lines[2].counts = lines[3].counts = false;
    assert_int_equal(ts_scale_crossings(&found, &n, lines, 4), TS_OK);
    assert_int_equal(n, 3);
    assert_true(found[0].is_front && !found[1].is_front && !found[2].is_front);
    assert_true(fabs(found[1].calls_per_day / 32876.71232876712 - 1.0) < 1e-12);
    assert_int_equal(ts_scale_cheapest(lines, 4, 100.0), 1);
    assert_int_equal(ts_scale_cheapest(lines + 2, 2, 100.0), UINT32_MAX);
    free(found);
}

static void test_line__is_read_between_and_beyond_its_nodes(void **state)
{
    (void)state;
    const struct ts_scale_line line = {.nodes = {{1, 100.0, 10.0, 1.0}, {2, 220.0, 18.0, 0.9}, {4, 480.0, 34.0, 0.8}},
                                       .n_nodes = 3};
    assert_true(ts_scale_capacity(&line, 3) == 350.0 && ts_scale_capacity(&line, 8) == 960.0);
    assert_true(ts_scale_replicas(&line, 100.0) == 1.0 && ts_scale_replicas(&line, 100.1) == 2.0);
    assert_true(ts_scale_replicas(&line, 350.0) == 3.0 && ts_scale_replicas(&line, 481.0) == 5.0);
    assert_true(ts_scale_replicas(&line, 960.0) == 8.0);
    assert_near(ts_scale_usd_with(&line, 3, 100.0), 26.0 + 85.0, 1e-9);
    assert_near(ts_scale_usd_with(&line, 8, 100.0), 66.0 + 80.0, 1e-9); /* fixed goes on, the slope stays */
    assert_int_equal(ts_scale_basis(&line, 90.0), TS_SCALE_SIMULATED);
    assert_int_equal(ts_scale_basis(&line, 300.0), TS_SCALE_INTERPOLATED);
    assert_int_equal(ts_scale_basis(&line, 500.0), TS_SCALE_EXTRAPOLATED);
}

/* ---- simulated ---- */

/* M/M/1 as in test_capacity; a machine of 36,000 USD over 36 months that draws nothing; calls at 1 cent each; two of
 * five may not go out. */
static const char simple[] =
    "scenario: simple\n"
    "seed: 5\n"
    "workload:\n"
    "  duration: 2 h\n"
    "  calls: 1 /s\n"
    "  classes:\n"
    "    - {name: chat, share: 60 %, prompt: {exponential: {mean: 1000 tok}}, output: 1 tok}\n"
    "    - {name: secret, share: 40 %, prompt: {exponential: {mean: 1000 tok}}, output: 1 tok}\n"
    "tiers:\n"
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, ability: 0,\n"
    "         scheduler: {sequences: 1, batched_tokens: 100000}, steps: {linear: {a: 0 s, d: 0.1 ms}},\n"
    "         power: {idle: 0 W, prefill: 0 W, decode: 0 W}, owned: {capex: 36 kUSD, life: 36 months}}\n"
    "  cloud: {kind: api, ability: 1, offers: [{name: acme/big, input: 0 USD/Mtok, output: 0 USD/Mtok,\n"
    "          call: 0.01 USD}], availability: 100 %, ttft: 100 ms, rate: 100 tok/s, limits: {requests: 2 /s}}\n"
    "routing: {thresholds: {edge: 0}, rules: [{when: {class: secret}, never: cloud}]}\n"
    "slo: {ttft: 1 s, attainment: 90 %}\n"
    "simulation: {patience: 0 s}\n";

static void load(struct ts_scenario *scenario, struct ts_scenario_options *options)
{
    struct ts_diags diags;
    ts_diags_init(&diags);
    if (ts_scenario_load(scenario, "simple.yaml", options, &diags) != TS_OK) {
        fail_msg("%s", diags.items[0].message);
    }
    ts_diags_deinit(&diags);
}

static enum ts_status find(struct ts_scale *scale, const char *text, const char *const *sets, size_t n_sets,
                           uint32_t n_threads)
{
    struct ts_scenario_options options = {.text = text, .sets = sets, .n_sets = n_sets};
    struct ts_scenario scenario;
    struct ts_diags diags;
    load(&scenario, &options);
    const struct ts_trial_base base = {.scenario = &scenario, .path = "simple.yaml", .options = options};
    const struct ts_scale_spec spec = {.base = &base, .effort = TS_CAPACITY_QUICK, .n_threads = n_threads};
    ts_diags_init(&diags);
    const enum ts_status status = ts_scale_find(scale, &spec, &diags);
    ts_diags_deinit(&diags);
    ts_scenario_deinit(&scenario);
    return status;
}

static const struct ts_scale_curve *curve_of(const struct ts_scale *scale, enum ts_scale_way way)
{
    for (uint32_t i = 0; i < scale->n; i++) {
        if (scale->curves[i].way == way) {
            assert_null(scale->curves[i].why_not);
            return &scale->curves[i];
        }
    }
    fail_msg("no such curve");
    return NULL;
}

static void test_scale__crosses_where_the_closed_form_says(void **state)
{
    (void)state;
    struct ts_scale scale;
    assert_int_equal(find(&scale, simple, NULL, 0, 2), TS_OK);
    const struct ts_scale_curve *bought = curve_of(&scale, TS_SCALE_BOUGHT), *api = curve_of(&scale, TS_SCALE_API);
    const double per_day = scale.lines[bought->line].nodes[0].calls_per_day;
    if (!(fabs(per_day / ((10.0 - log(10.0)) * 86400.0) - 1.0) < 0.08)) { /* M/M/1: see test_capacity */
        fail_msg("one replica takes %.0f calls a day", per_day);
    }
    assert_true(fabs(bought->usd_error_frac) < 1e-9 && fabs(api->usd_error_frac) < 0.03);
    assert_near(scale.lines[bought->line].nodes[2].fixed_usd, 4000.0, 1e-6);
    assert_near(scale.lines[api->line].nodes[0].usd_per_call_a_day, 0.01 * days_per_month, 0.01);
    assert_true(fabs(api->permitted_frac - 0.6) < 0.02 && bought->permitted_frac == 1.0);
    assert_near(api->limit_calls_per_day, 2.0 * 86400.0, 1e-6);
    const double price = scale.lines[api->line].nodes[0].usd_per_call_a_day;
    bool seen = false;
    for (uint32_t i = 0; i < scale.n_crossings; i++) {
        const struct ts_scale_crossing *crossing = &scale.crossings[i];
        if (crossing->above == bought->line && crossing->below == api->line) {
            assert_true(fabs(crossing->calls_per_day / (1000.0 / price) - 1.0) < 1e-9);
            assert_true(crossing->is_front);
            seen = true;
            break;
        }
    }
    assert_true(seen);
    ts_scale_deinit(&scale);
}

/* 60 units of 3,000 tokens a minute at 20 cents an hour: 8,760 USD a month. A call of 1,000 + 200 tokens is 1,800 of
 * them: 100 calls a minute fit, 144,000 a day; beyond that calls come again and again, and are late. By the token a
 * call is 0.36 cents. */
static const char bought_units[] =
    "scenario: units\nseed: 5\n"
    "workload: {duration: 2 h, calls: 1 /s, classes: [{name: chat, share: 100 %, prompt: 1000 tok, output: 200 tok}]}\n"
    "tiers:\n"
    "  cloud: {kind: api, ability: 1, availability: 100 %, ttft: 100 ms, rate: 100 tok/s, offers: [{name: acme/big, "
    "input: 2 "
    "USD/Mtok, output: 8 USD/Mtok, provisioned: {units: 60, price: 0.2 USD/h, input: 3000 tok/min}}]}\n"
    "slo: {ttft: 1 s, attainment: 90 %}\n";

static void test_scale__units_are_cheaper_than_tokens_from_their_price_over_that_of_a_call_on(void **state)
{
    (void)state;
    struct ts_scale scale;
    assert_int_equal(find(&scale, bought_units, NULL, 0, 2), TS_OK);
    assert_int_equal(scale.n_lines, 2);
    const struct ts_scale_curve *units = curve_of(&scale, TS_SCALE_PROVISIONED), *api = curve_of(&scale, TS_SCALE_API);
    const struct ts_scale_node *nodes = scale.lines[units->line].nodes;
    const double price = scale.lines[api->line].nodes[0].usd_per_call_a_day;
    print_message("a block takes %.0f calls a day, 4 of them %.0f\n", nodes[0].calls_per_day, nodes[2].calls_per_day);
    assert_true(fabs(nodes[0].calls_per_day / 144e3 - 1.0) < 0.05);
    assert_true(fabs(nodes[2].calls_per_day / 576e3 - 1.0) < 0.05);
    assert_near(nodes[0].fixed_usd, 8760.0, 1e-6);
    assert_near(nodes[2].fixed_usd, 4 * 8760.0, 1e-6);
    assert_near(nodes[0].usd_per_call_a_day, 0.0, 1e-9);
    assert_near(price, 0.0036 * days_per_month, 0.0002);
    assert_true(api->kept_frac == 1.0 && fabs(units->usd_error_frac) < 1e-9);
    assert_true(scale.n_crossings > 0);
    assert_int_equal(scale.crossings[0].below, api->line);
    assert_int_equal(scale.crossings[0].above, units->line);
    assert_true(scale.crossings[0].is_front && fabs(scale.crossings[0].calls_per_day * price / 8760.0 - 1.0) < 1e-9);
    ts_scale_deinit(&scale);
}

static void test_scale__is_the_same_on_any_number_of_threads(void **state)
{
    (void)state;
    struct ts_scale one, three;
    assert_int_equal(find(&one, simple, NULL, 0, 1), TS_OK);
    assert_int_equal(find(&three, simple, NULL, 0, 3), TS_OK);
    assert_memory_equal(one.lines, three.lines, sizeof one.lines);
    ts_scale_deinit(&one);
    ts_scale_deinit(&three);
}

/* What cannot be is a curve with its reason; what cannot be asked is refused. */
static void test_scale__says_what_it_cannot_tell(void **state)
{
    (void)state;
    struct ts_scale scale;
    const char *const too_strict[] = {"slo.ttft=1 ms"};
    assert_int_equal(find(&scale, simple, too_strict, 1, 2), TS_OK);
    assert_int_equal(scale.n_lines, 1);
    assert_non_null(scale.curves[0].why_not);
    assert_false(scale.lines[0].counts);
    ts_scale_deinit(&scale);
    const char *const unbounded[] = {"slo.ttft=null"};
    assert_int_equal(find(&scale, simple, unbounded, 1, 2), TS_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crossings__are_at_fixed_over_price),
        cmocka_unit_test(test_crossings__of_what_does_not_count_are_no_front),
        cmocka_unit_test(test_line__is_read_between_and_beyond_its_nodes),
        cmocka_unit_test(test_scale__crosses_where_the_closed_form_says),
        cmocka_unit_test(test_scale__units_are_cheaper_than_tokens_from_their_price_over_that_of_a_call_on),
        cmocka_unit_test(test_scale__is_the_same_on_any_number_of_threads),
        cmocka_unit_test(test_scale__says_what_it_cannot_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
