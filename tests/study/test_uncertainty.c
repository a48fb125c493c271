/* A study of uncertain inputs against distributions that are known in closed form, and its fit against simulations. */
#include "tests/near.h"

#include <gsl/gsl_cdf.h>

#include "study/replicate.h"
#include "study/uncertainty.h"

/* A server that costs what it costs and saves the same every month: nothing that is uncertain by default moves
 * anything, the times of steps are written and prices do not fall (by more than 1e-9 a year). */
#define CONSTANT_PLAN                                                                                                  \
    "scenario: constant\n"                                                                                             \
    "workload:\n"                                                                                                      \
    "  duration: 1 h\n"                                                                                                \
    "  calls: 0.2 /s\n"                                                                                                \
    "  classes: [{name: chat, share: 100 %, prompt: 1000 tok, output: 50 tok}]\n"                                      \
    "routing: {policy: static, static: {chat: edge}}\n"                                                                \
    "slo: {ttft: 2 s, attainment: 50 %}\n"                                                                             \
    "money:\n"                                                                                                         \
    "  horizon: 36 months\n"                                                                                           \
    "  discount: 10 %/year\n"                                                                                          \
    "  growth: {uncertain: {p10: 0 %/month, p90: 1e-9 %/month}}\n"                                                     \
    "  api_price_decline: {uncertain: {p10: 0 %/year, p90: 1e-9 %/year}}\n"                                            \
    "tiers:\n"                                                                                                         \
    "  cloud: {kind: api, offers: [OpenAI/gpt-4o]}\n"                                                                  \
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, replaces: cloud,\n"                  \
    "         steps: {linear: {a: 10 ms, d: 0.01 ms}}, "

static const char one_price[] =
    CONSTANT_PLAN "owned: {life: 0 months, capex: {uncertain: {p10: 15 kUSD, p90: 60 kUSD}}}}\n";
static const char two_costs[] =
    CONSTANT_PLAN "owned: {life: 0 months, capex: {uncertain: {p10: 20 kUSD, p50: 30 kUSD, p90: 40 kUSD}},\n"
                  "  other: {uncertain: {p10: 400 USD/month, p50: 500 USD/month, p90: 600 USD/month}}}}\n";

/* A server with a roofline's step times, and a load and prompts that nobody knows. */
static const char queue[] =
    "scenario: queue\n"
    "seed: 3\n"
    "workload:\n"
    "  duration: 60 min\n"
    "  calls: {uncertain: {p10: 1.5 /s, p90: 2.5 /s}}\n"
    "  classes: [{name: chat, share: 100 %, prompt: {exponential: {mean: {uncertain: {p10: 500 tok, p90: 800 tok}}}},\n"
    "             output: {exponential: {mean: 100 tok}}}]\n"
    "tiers:\n"
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, replaces: cloud,\n"
    "         owned: {capex: 30 kUSD}}\n"
    "  cloud: {kind: api, offers: [OpenAI/gpt-4o]}\n"
    "routing: {policy: static, static: {chat: edge}}\n"
    "slo: {ttft: 1 s, attainment: 90 %}\n"
    "money: {growth: 1 %/month}\n";

struct studied {
    struct ts_scenario scenario;
    struct ts_replications runs;
    struct ts_econ econ;
    struct ts_uncertainty uncertainty;
};

static void open_study(struct studied *out, const char *text, const char *const *sets, size_t n_sets,
                       struct ts_uncertainty_options how)
{
    static const struct ts_progress nobody;
    const struct ts_trial_base base = {
        .scenario = &out->scenario, .path = "doubt.yaml", .options = {.text = text, .sets = sets, .n_sets = n_sets}};
    const struct ts_replicate_options once = {.n_replications = 1, .n_threads = 1};
    const struct ts_econ_capacity by_busy_share = {.is_simulated = false};
    struct ts_diags diags;
    ts_diags_init(&diags);
    enum ts_status status = ts_scenario_load(&out->scenario, base.path, &base.options, &diags);
    if (status == TS_OK) {
        status = ts_replicate(&out->runs, &out->scenario, &once, &diags);
    }
    if (status == TS_OK) {
        status = ts_econ_compute(&out->econ, &out->scenario.model, &out->runs.merged, NULL, &diags);
    }
    how.capacity = how.capacity ? how.capacity : &by_busy_share;
    how.progress = &nobody;
    if (status == TS_OK) {
        status = ts_uncertainty_study(&out->uncertainty, &base, &out->runs.merged, &how, &out->scenario.arena, &diags);
    }
    if (status != TS_OK) {
        fail_msg("%s", diags.n_items > 0 ? diags.items[0].message : "out of memory");
    }
    ts_diags_deinit(&diags);
}

static void close_study(struct studied *studied)
{
    ts_econ_deinit(&studied->econ);
    ts_replications_deinit(&studied->runs);
    ts_scenario_deinit(&studied->scenario);
}

static const struct ts_doubt_input *input_of(const struct ts_uncertainty *uncertainty, const char *key)
{
    for (uint32_t i = 0; i < uncertainty->n_inputs; i++) {
        if (ts_str_equal(uncertainty->inputs[i].key, key)) {
            return &uncertainty->inputs[i];
        }
    }
    fail_msg("no input '%s'", key);
    return NULL;
}

static double odds_of(const struct ts_uncertainty *uncertainty, const char *label)
{
    for (uint32_t i = 0; i < uncertainty->n_promises; i++) {
        if (ts_str_equal(uncertainty->promises[i].label, label)) {
            return uncertainty->promises[i].probability;
        }
    }
    fail_msg("no promise '%s'", label);
    return 0.0;
}

/* Payback = capex/net, so that it is lognormal as capex is: 30 kUSD in the median, sigma = ln 2/1.2816. */
static void test_uncertainty__payback_of_a_lognormal_price_is_lognormal(void **state)
{
    (void)state;
    struct studied studied;
    open_study(&studied, one_price, NULL, 0, (struct ts_uncertainty_options){.n_draws = 10000, .n_threads = 2});
    const struct ts_uncertainty *got = &studied.uncertainty;
    const double net_usd = studied.econ.net_usd[1], sigma = log(2.0) / gsl_cdf_ugaussian_Pinv(0.9);
    assert_int_equal(got->n_simulated, 0);
    assert_true(!got->is_full && got->cost_error_frac < 1e-9);
    assert_near(got->figures[TS_DOUBT_PAYBACK].p10 * net_usd / 15000.0, 1.0, 0.002);
    assert_near(got->figures[TS_DOUBT_PAYBACK].p50 * net_usd / 30000.0, 1.0, 0.002);
    const double p36 = gsl_cdf_ugaussian_P(log(36.0 * net_usd / 30000.0) / sigma);
    const double p24 = gsl_cdf_ugaussian_P(log(24.0 * net_usd / 30000.0) / sigma);
    assert_true(p24 > 0.2 && p36 < 0.9); /* else there is nothing to see */
    assert_near(odds_of(got, "pays back within 24 months"), p24, 0.002);
    assert_near(odds_of(got, "pays back within 36 months"), p36, 0.002);
    assert_near(got->ahead_usd[12].p50, 12.0 * net_usd - 30000.0, 0.002 * 30000.0);
    assert_near(got->ahead_usd[12].p10, 12.0 * net_usd - 60000.0, 0.002 * 60000.0);
    assert_near(odds_of(got, "keeps its SLO"), 1.0, 0.0);
    close_study(&studied);
}

/* NPV = -capex - A other + ...: a sum of two normal variables, A the present value of 1 a month. */
static void test_uncertainty__indices_of_a_sum_are_shares_of_variance(void **state)
{
    (void)state;
    struct studied studied;
    open_study(&studied, two_costs, NULL, 0, (struct ts_uncertainty_options){.n_draws = 1024, .n_threads = 2});
    const struct ts_doubt_input *capex = input_of(&studied.uncertainty, "tiers.edge.owned.capex");
    const struct ts_doubt_input *other = input_of(&studied.uncertainty, "tiers.edge.owned.other");
    double a = 0.0;
    for (int m = 1; m <= 36; m++) {
        a += pow(1.1, -m / 12.0);
    }
    const double of_other = pow(a * 100.0, 2) / (pow(a * 100.0, 2) + pow(10000.0, 2));
    assert_near(other->first[TS_DOUBT_NPV], of_other, 0.01);
    assert_near(other->total[TS_DOUBT_NPV], of_other, 0.01);
    assert_near(capex->first[TS_DOUBT_NPV], 1.0 - of_other, 0.01);
    assert_near(capex->total[TS_DOUBT_NPV], 1.0 - of_other, 0.01);
    assert_near(input_of(&studied.uncertainty, "money.growth")->total[TS_DOUBT_NPV], 0.0, 1e-6);
    assert_near(other->at_p10[TS_DOUBT_NPV] - other->at_p90[TS_DOUBT_NPV], a * 200.0, 1e-6 * a * 200.0);
    assert_true(isnan(capex->first[TS_DOUBT_ATTAINMENT])); /* does not vary */
    close_study(&studied);
}

/* At fifty points that the fit has not seen. */
static void test_uncertainty__a_fit_says_what_simulations_say(void **state)
{
    (void)state;
    struct studied studied;
    open_study(&studied, queue, NULL, 0,
               (struct ts_uncertainty_options){.n_draws = 1000, .n_threads = 2, .n_checked = 50});
    const struct ts_uncertainty *got = &studied.uncertainty;
    if (got->is_full || got->cost_error_frac > 0.01 || got->ttft_error_frac > 0.1) {
        fail_msg("cost off by %.3g, TTFT by %.3g", got->cost_error_frac, got->ttft_error_frac);
    }
    assert_int_equal(got->n_checked, 50);
    assert_int_equal(got->n_draws, 1000);
    assert_true(got->figures[TS_DOUBT_TTFT].p90 > got->figures[TS_DOUBT_TTFT].p10);
    assert_true(input_of(got, "workload.calls")->total[TS_DOUBT_SAVING] > 0.4);
    close_study(&studied);
}

/* Between an idle server and one that is far too small no polynomial tells the wait. */
static void test_uncertainty__a_fit_that_is_off_is_not_used(void **state)
{
    (void)state;
    const char *const sets[] = {"workload.calls={uncertain: {p10: 1 /s, p90: 100 /s}}"};
    struct studied studied;
    open_study(&studied, queue, sets, 1, (struct ts_uncertainty_options){.n_draws = 1000, .n_threads = 2});
    const struct ts_uncertainty *got = &studied.uncertainty;
    assert_true(got->is_full && (got->cost_error_frac > 0.01 || got->ttft_error_frac > 0.1));
    assert_true(got->n_draws >= 24 && got->n_draws < 100);
    assert_true(isnan(input_of(got, "workload.calls")->total[TS_DOUBT_ENERGY]));
    assert_true(odds_of(got, "keeps its SLO") > 0.3 && odds_of(got, "keeps its SLO") < 1.0);
    close_study(&studied);
}

/* Four places and a load near to what they take: the cost is told well, the wait is not, and comes from simulations. */
static void test_uncertainty__only_what_the_fit_misses_is_not_of_it(void **state)
{
    (void)state;
    const char *const sets[] = {"workload.calls={uncertain: {p10: 1.5 /s, p90: 3 /s}}",
                                "tiers.edge.scheduler.sequences=4"};
    struct studied studied;
    open_study(&studied, queue, sets, 2, (struct ts_uncertainty_options){.n_draws = 200, .n_threads = 2});
    const struct ts_uncertainty *got = &studied.uncertainty;
    assert_true(!got->is_full && got->serves_as_nearest);
    assert_true(got->cost_error_frac <= 0.01 && got->ttft_error_frac > 0.1);
    assert_int_equal(got->n_draws, 200);
    const double load = input_of(got, "workload.calls")->total[TS_DOUBT_NPV];
    assert_true(load > 0.5 && load < 1.1);
    const struct ts_doubt_input *calls = input_of(got, "workload.calls");
    assert_true(calls->at_p10[TS_DOUBT_TTFT] <= got->figures[TS_DOUBT_TTFT].p50);
    assert_true(calls->at_p90[TS_DOUBT_TTFT] >= got->figures[TS_DOUBT_TTFT].p50);
    close_study(&studied);
}

static void assert_same(const struct ts_uncertainty *a, const struct ts_uncertainty *b)
{
    assert_memory_equal(a->figures, b->figures, sizeof a->figures);
    assert_memory_equal(a->half, b->half, sizeof a->half);
    assert_memory_equal(a->ahead_usd, b->ahead_usd, (a->n_months + 1) * sizeof *a->ahead_usd);
    for (uint32_t i = 0; i < a->n_inputs; i++) {
        assert_memory_equal(a->inputs[i].at_p90, b->inputs[i].at_p90, sizeof a->inputs[i].at_p90);
        assert_memory_equal(a->inputs[i].total, b->inputs[i].total, sizeof a->inputs[i].total);
    }
}

static void test_uncertainty__does_not_depend_on_threads(void **state)
{
    (void)state;
    struct studied one, three;
    open_study(&one, queue, NULL, 0, (struct ts_uncertainty_options){.n_draws = 500, .n_threads = 1});
    open_study(&three, queue, NULL, 0, (struct ts_uncertainty_options){.n_draws = 500, .n_threads = 3});
    assert_same(&one.uncertainty, &three.uncertainty);
    close_study(&one);
    close_study(&three);
}

/* Capacities move with the inputs that servers' work depends on, and the check is of a search. */
static void test_uncertainty__capacities_follow_the_inputs(void **state)
{
    (void)state;
    struct studied studied;
    struct ts_econ_capacity capacity = {.is_simulated = true, .volume = {4.0, INFINITY}, .is_reached = {true, false}};
    const char *const sets[] = {"money.growth=5 %/month"};
    open_study(&studied, queue, sets, 1,
               (struct ts_uncertainty_options){
                   .n_draws = 200, .n_threads = 2, .capacity = &capacity, .effort = TS_CAPACITY_QUICK});
    assert_true(studied.uncertainty.capacity_error_frac >= 0.0);
    const struct ts_doubt_input *prefill = input_of(&studied.uncertainty, "tiers.edge.steps_error.prefill");
    assert_true(prefill->at_p10[TS_DOUBT_NPV] != prefill->at_p90[TS_DOUBT_NPV]);
    close_study(&studied);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uncertainty__payback_of_a_lognormal_price_is_lognormal),
        cmocka_unit_test(test_uncertainty__indices_of_a_sum_are_shares_of_variance),
        cmocka_unit_test(test_uncertainty__a_fit_says_what_simulations_say),
        cmocka_unit_test(test_uncertainty__a_fit_that_is_off_is_not_used),
        cmocka_unit_test(test_uncertainty__only_what_the_fit_misses_is_not_of_it),
        cmocka_unit_test(test_uncertainty__does_not_depend_on_threads),
        cmocka_unit_test(test_uncertainty__capacities_follow_the_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
