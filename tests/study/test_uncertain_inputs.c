/* What is uncertain in a scenario, and that a draw of it is a scenario. */
#include "tests/near.h"

#include "study/uncertain_inputs.h"

static const char scenario_text[] =
    "scenario: doubts\n"
    "workload:\n"
    "  calls: {uncertain: {p10: 1 /s, p50: 2 /s, p90: 4 /s}}\n"
    "  classes: [{name: a, share: 100 %, prompt: {lognormal: {median: {uncertain: {p10: 100 tok, p90: 400 tok}}, p95: "
    "900 tok}}, output: {uncertain: {p10: 10 tok, p90: 40 tok}}}]\n"
    "tiers:\n"
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP8, ability: 1, owned: {staff: {uniform: "
    "{low: 0 FTE, high: 1 FTE}}}, replaces: cloud}\n"
    "  cloud: {kind: api, ability: {normal: {mean: 2, sd: 1}}, offers: [OpenAI/gpt-4o], retries: {uncertain: {p10: 1, "
    "p90: 6}}}\n"
    "routing: {policy: static, static: {a: edge}}\n"
    "money: {growth: 1 %/month, api_price_decline: 10 %/year}\n";

#define A_CLASS(name, share, p90)                                                                                      \
    "{name: " name ", share: " share                                                                                   \
    " %, prompt: {uncertain: {p10: 100 tok, p90: 400 tok}}, output: {uncertain: {p10: "                                \
    "20 tok, p90: " p90 " tok}}}"
#define SEVEN_CLASSES                                                                                                  \
    A_CLASS("a", "10", "40")                                                                                           \
    ", " A_CLASS("b", "10", "40") ", " A_CLASS("c", "10", "22") ", " A_CLASS("d", "10", "40") ", " A_CLASS(            \
        "e", "10", "40") ", " A_CLASS("f", "10", "40") ", " A_CLASS("g", "40", "40")

static void load(struct ts_scenario *out, const char *const *sets, size_t n_sets)
{
    const struct ts_scenario_options options = {
        .text = scenario_text, .sets = sets, .n_sets = n_sets, .measurement_path = TS_MEASUREMENT};
    struct ts_diags diags;
    ts_diags_init(&diags);
    if (ts_scenario_load(out, "doubts.yaml", &options, &diags) != TS_OK) {
        fail_msg("%s", diags.items[0].message);
    }
    ts_diags_deinit(&diags);
}

static const struct ts_uncertain *input_of(const struct ts_uncertain_inputs *inputs, const char *key)
{
    for (uint32_t i = 0; i < inputs->n; i++) {
        if (ts_str_equal(inputs->items[i].key, key)) {
            return &inputs->items[i];
        }
    }
    fail_msg("'%s' is not uncertain", key);
    return NULL;
}

static void test_uncertain_inputs__what_is_written_and_what_is_so_by_default(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    struct ts_uncertain_inputs inputs;
    load(&scenario, NULL, 0);
    assert_int_equal(ts_uncertain_inputs_find(&inputs, &scenario, &scenario.arena, NULL), TS_OK);
    assert_int_equal(inputs.n_written, 6);
    assert_int_equal(inputs.n, 6 + 2 + 1 + 2); /* step times twice, the edge's ability, decline and growth */
    assert_near(input_of(&inputs, "workload.calls")->p50, 2.0, 0.0);
    assert_near(scenario.workload.calls_per_s, 2.0, 0.0);
    assert_near(input_of(&inputs, "workload.classes.a.prompt.lognormal.median")->p50, 200.0, 1e-9);
    assert_near(input_of(&inputs, "workload.classes.a.output")->p50, 20.0, 1e-9);
    assert_near(input_of(&inputs, "tiers.edge.owned.staff")->p90, 0.9, 1e-9);
    assert_near(input_of(&inputs, "tiers.cloud.ability")->p50, 2.0, 1e-9);
    assert_near(input_of(&inputs, "tiers.edge.ability")->p90, 1.13, 1e-9);
    assert_near(input_of(&inputs, "money.growth")->p10, 0.0, 1e-9);
    const struct ts_steps_error *error = &scenario.model.tiers[0].u.server.pools[0].replica.steps.error;
    const struct ts_uncertain *decode = input_of(&inputs, "tiers.edge.steps_error.decode");
    assert_near(ts_uncertain_at(decode, 0.95), error->high, 0.05 * error->high);
    ts_scenario_deinit(&scenario);
}

static void test_uncertain_inputs__a_draw_is_a_scenario_with_its_values(void **state)
{
    (void)state;
    struct ts_scenario scenario, drawn;
    struct ts_uncertain_inputs inputs;
    load(&scenario, NULL, 0);
    assert_int_equal(ts_uncertain_inputs_find(&inputs, &scenario, &scenario.arena, NULL), TS_OK);
    double point[32];
    const char *sets[32];
    for (uint32_t i = 0; i < inputs.n; i++) {
        point[i] = 0.9;
    }
    assert_int_equal(ts_uncertain_inputs_sets(sets, &inputs, point, &scenario.arena), TS_OK);
    load(&drawn, sets, inputs.n);
    assert_int_equal(drawn.n_uncertain, 0);
    assert_near(drawn.workload.calls_per_s, 4.0, 1e-9);
    assert_near(drawn.model.tiers[0].owned.staff_fte, 0.9, 1e-9);
    assert_int_equal(drawn.model.tiers[1].u.api.max_retries, 6);
    assert_near(drawn.model.money.growth_frac_per_month, 0.02, 1e-9);
    const struct ts_steps_roofline *slow = &drawn.model.tiers[0].u.server.pools[0].replica.steps.u.roofline;
    const struct ts_steps_roofline *as_is = &scenario.model.tiers[0].u.server.pools[0].replica.steps.u.roofline;
    const double decode = input_of(&inputs, "tiers.edge.steps_error.decode")->p90;
    assert_true(decode > 1.0);
    assert_near(as_is->bytes_per_s / slow->bytes_per_s, decode, 1e-9);
    assert_near(slow->fixed_s / as_is->fixed_s, decode, 1e-9);
    assert_near(as_is->flop_per_s / slow->flop_per_s, input_of(&inputs, "tiers.edge.steps_error.prefill")->p90, 1e-9);
    ts_scenario_deinit(&drawn);
    ts_scenario_deinit(&scenario);
}

/* Twice what decode waits for, three times what prompts do. */
static void test_uncertain_inputs__steps_that_are_not_a_roofline_are_stretched_too(void **state)
{
    (void)state;
    static const char *const linear[] = {"tiers.edge.steps={linear: {a: 6 ms, b: 1 ms, c: 1 us, d: 2 us, e: 3 ns}}",
                                         "tiers.edge.steps_error={decode: 2, prefill: 3}"};
    static const char *const table[] = {"tiers.edge={kind: server, hardware: this-machine, model: Llama-3.1-8B, quant: "
                                        "Q4_0, ability: 1, replaces: cloud}",
                                        "tiers.edge.steps_error={decode: 2, prefill: 3}"};
    struct ts_scenario as_is, slow;
    load(&slow, linear, 2);
    const struct ts_steps_linear *line = &slow.model.tiers[0].u.server.pools[0].replica.steps.u.linear;
    assert_near(line->a_s, 12e-3, 1e-15);
    assert_near(line->b_s_per_seq, 2e-3, 1e-15);
    assert_near(line->c_s_per_kv_tok, 2e-6, 1e-18);
    assert_near(line->d_s_per_prefill_tok, 6e-6, 1e-18);
    assert_near(line->e_s_per_pair, 9e-9, 1e-20);
    ts_scenario_deinit(&slow);
    load(&as_is, table, 1);
    load(&slow, table, 2);
    const struct ts_steps_model *was = &as_is.model.tiers[0].u.server.pools[0].replica.steps;
    const struct ts_steps_table *before = &was->u.table;
    const struct ts_steps_table *after = &slow.model.tiers[0].u.server.pools[0].replica.steps.u.table;
    assert_int_equal(was->kind, TS_STEPS_TABLE);
    for (size_t i = 0; i < before->n; i++) {
        const double expected = 2.0 * before->seconds[0] + 3.0 * (before->seconds[i] - before->seconds[0]);
        assert_near(after->seconds[i], expected, 1e-12 * expected);
    }
    ts_scenario_deinit(&slow);
    ts_scenario_deinit(&as_is);
}

/* 15 classes with a share and two lengths each: those with the narrowest interval are named, with where they stand. */
static void test_uncertain_inputs__too_many_names_those_to_fix(void **state)
{
    (void)state;
    static const char *const sets[] = {"workload.classes=[" SEVEN_CLASSES "]",
                                       "routing={policy: difficulty, thresholds: {edge: 1}}"};
    struct ts_scenario scenario;
    struct ts_uncertain_inputs inputs;
    struct ts_diags diags;
    ts_diags_init(&diags);
    load(&scenario, sets, 2);
    assert_int_equal(ts_uncertain_inputs_find(&inputs, &scenario, &scenario.arena, &diags), TS_ERANGE);
    assert_string_equal(diags.items[0].message,
                        "23 uncertain inputs (18 written) are too many: at most 20; write 3 of them as a number");
    assert_int_equal(diags.n_items, 1 + 3 + 3);
    assert_string_equal(diags.items[1].message, "command line:1:349: workload.classes.c.output, 20 to 22 tok");
    ts_diags_deinit(&diags);
    ts_scenario_deinit(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uncertain_inputs__what_is_written_and_what_is_so_by_default),
        cmocka_unit_test(test_uncertain_inputs__a_draw_is_a_scenario_with_its_values),
        cmocka_unit_test(test_uncertain_inputs__steps_that_are_not_a_roofline_are_stretched_too),
        cmocka_unit_test(test_uncertain_inputs__too_many_names_those_to_fix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
