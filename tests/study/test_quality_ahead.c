/* Quality of later months, where every call is as hard as the others: the share answered right is a logistic. */
#include "tests/near.h"

#include "study/quality_ahead.h"

static const char wait_or_buy[] =
    "scenario: later\n"
    "seed: 3\n"
    "workload:\n"
    "  duration: 4 h\n"
    "  calls: 4 /s\n"
    "  classes: [{name: chat, share: 100 %, prompt: 100 tok, output: 5 tok, difficulty: 1}]\n"
    "tiers:\n"
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP8, ability: 0.5, improves: 0.6 /year,\n"
    "         owned: {capex: 30 kUSD, buy: 12 months, life: 48 months}}\n"
    "  cloud: {kind: api, offers: [OpenAI/gpt-4o], ability: 2, improves: 0.3 /year}\n"
    "routing: {policy: static, static: {chat: edge}}\n"
    "money: {horizon: 36 months}\n";

static double logistic(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static void look(struct ts_quality_months *out, struct ts_arena *arena, const char *const *sets, size_t n_sets)
{
    static const struct ts_progress nobody;
    const struct ts_scenario_options options = {.text = wait_or_buy, .sets = sets, .n_sets = n_sets};
    struct ts_scenario scenario;
    struct ts_diags diags;
    ts_diags_init(&diags);
    if (ts_scenario_load(&scenario, "later.yaml", &options, &diags) != TS_OK) {
        fail_msg("%s", diags.items[0].message);
    }
    assert_true(ts_quality_improves(&scenario.model));
    assert_int_equal(ts_quality_ahead(out, &scenario, 1, &nobody, arena, &diags), TS_OK);
    ts_scenario_deinit(&scenario);
    ts_diags_deinit(&diags);
}

/* 57,600 calls: three standard deviations of a share are 0.006. The API answers for a year, then the server does with
 * the model of that time, 0.5 + 0.6; the API alone is at 2 + 0.3 (m - 1)/12. */
static void test_quality_ahead__of_a_server_that_is_bought_later(void **state)
{
    (void)state;
    struct ts_quality_months quality;
    struct ts_arena arena;
    ts_arena_init(&arena);
    look(&quality, &arena, NULL, 0);
    assert_int_equal(quality.n_months, 36);
    for (uint32_t m = 1; m <= 36; m++) {
        const double cloud = logistic(1.0 + 0.3 * (m - 1.0) / 12.0), edge = logistic(0.1);
        assert_near(quality.right_frac[m], m <= 12 ? cloud : edge, 0.006);
        assert_near(quality.retained_frac[m], m <= 12 ? 1.0 : edge / cloud, 0.012);
    }
    ts_arena_deinit(&arena);
}

/* Bought today, the same model all along; renewed every year, 0.6 more each time. */
static void test_quality_ahead__of_a_model_that_is_renewed(void **state)
{
    (void)state;
    const char *const today[] = {"tiers.edge.owned.buy=0 months"};
    const char *const renewed[] = {"tiers.edge.owned.buy=0 months", "tiers.edge.renewed=12 months"};
    struct ts_quality_months same, yearly;
    struct ts_arena arena;
    ts_arena_init(&arena);
    look(&same, &arena, today, 1);
    look(&yearly, &arena, renewed, 2);
    for (uint32_t m = 1; m <= 36; m++) {
        assert_near(same.right_frac[m], logistic(-0.5), 0.006);
        assert_near(yearly.right_frac[m], logistic(-0.5 + 0.6 * ((m - 1) / 12)), 0.006);
    }
    assert_true(yearly.n_simulated == 6); /* 1, 12, 13, 24, 25, 36 */
    ts_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quality_ahead__of_a_server_that_is_bought_later),
        cmocka_unit_test(test_quality_ahead__of_a_model_that_is_renewed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
