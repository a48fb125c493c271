/* The stopping rule: replications are added until the interval is as narrow as promised, and no further; how many does
 * not depend on threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/replicate.h"

/* M/M/1 by a server of one sequence: a prompt takes 1 s in the mean, a reply has one token; rho .8: the time to the
 * first token is exponential with mean 5 s, its p95 is -5 ln .05 = 14.98 s. */
static const char text[] = "scenario: queue\n"
                           "seed: 7\n"
                           "workload:\n"
                           "  duration: 10 h\n"
                           "  calls: 0.8 /s\n"
                           "  classes: [{name: chat, share: 100 %, prompt: {exponential: {mean: 1000 tok}}, output: 1 "
                           "tok}]\n"
                           "tiers:\n"
                           "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, ability: 0,\n"
                           "         scheduler: {sequences: 1, batched_tokens: 100000}, host: {fixed: 0 us, "
                           "per_sequence: 0 us},\n"
                           "         steps: {linear: {a: 0 s, d: 1 ms}}}\n"
                           "simulation: {patience: 0 s}\n";

static void load(struct ts_scenario *scenario)
{
    const struct ts_scenario_options options = {.text = text};
    struct ts_diags diags;
    ts_diags_init(&diags);
    if (ts_scenario_load(scenario, "queue.yaml", &options, &diags) != TS_OK) {
        fail_msg("%s", diags.items[0].message);
    }
    ts_diags_deinit(&diags);
}

static struct ts_until rule(const char *words)
{
    struct ts_until until;
    assert_int_equal(ts_until_parse(&until, words, NULL), TS_OK);
    return until;
}

static void run(struct ts_replications *out, const struct ts_scenario *scenario, const struct ts_until *until,
                uint32_t most, uint32_t n_threads)
{
    const struct ts_replicate_options options = {
        .n_replications = most, .until = until, .n_threads = n_threads, .skips_figures = true};
    assert_int_equal(ts_replicate(out, scenario, &options, NULL), TS_OK);
    assert_int_equal(out->merged.n_replications, out->each.n);
}

static double value_of(const struct ts_replications *runs, const struct ts_scenario *scenario, const char *name,
                       const char *stat)
{
    struct ts_metric_view view;
    const struct ts_metric *metric = ts_metric_find(name, stat);
    assert_int_equal(ts_metric_view_init(&view, &scenario->model, &runs->merged, NULL, ts_all_tiers(&scenario->model),
                                         TS_ALL_CLASSES),
                     TS_OK);
    const double value = metric->get(&view, metric);
    ts_metric_view_deinit(&view);
    return value;
}

/* A run is stopped at the first replication whose interval is narrow enough, whoever runs them. */
static void test_promise(void **state)
{
    const double truth_s = -5.0 * log(0.05);
    const struct ts_until until = rule("ttft.p95 +-5 %");
    struct ts_scenario scenario;
    struct ts_replications runs;
    (void)state;
    load(&scenario);
    run(&runs, &scenario, &until, 100, 1);
    const uint32_t n = runs.each.n;
    const double p95_s = value_of(&runs, &scenario, "ttft", "p95"), frac = runs.until_frac;
    const double low_s = value_of(&runs, &scenario, "ttft_low", "p95");
    const double high_s = value_of(&runs, &scenario, "ttft_high", "p95");
    print_message("%u replications: p95 %.3f s, %.3f to %.3f s, theory %.3f s\n", n, p95_s, low_s, high_s, truth_s);
    assert_in_range(n, 2, 99);
    assert_true(frac <= 0.05 && (high_s - low_s) / 2.0 <= 0.05 * p95_s);
    assert_true(low_s <= truth_s && truth_s <= high_s);
    ts_replications_deinit(&runs);
    run(&runs, &scenario, NULL, n, 3);
    assert_true(value_of(&runs, &scenario, "ttft", "p95") == p95_s);
    ts_replications_deinit(&runs);
    run(&runs, &scenario, &until, 100, 3);
    assert_int_equal(runs.each.n, n);
    assert_true(runs.until_frac == frac && value_of(&runs, &scenario, "ttft", "p95") == p95_s);
    ts_replications_deinit(&runs);
    run(&runs, &scenario, &until, n - 1, 2);
    assert_int_equal(runs.each.n, n - 1);
    assert_true(runs.until_frac > 0.05);
    ts_replications_deinit(&runs);
    ts_scenario_deinit(&scenario);
}

static void test_words(void **state)
{
    struct ts_until until;
    (void)state;
    until = rule("ttft_p99+-2%");
    assert_true(until.metric == ts_metric_find("ttft", "p99") && until.high == ts_metric_find("ttft_high", "p99"));
    assert_true(until.frac == 0.02);
    until = rule("wait.mean +- 0.5 %");
    assert_true(until.metric == ts_metric_find("wait", "mean") && !until.high);
    static const char *const wrong[] = {"",
                                        "ttft.p99",
                                        "ttft.p99 2 %",
                                        "ttft.p99 +-2",
                                        "ttft.p99 +-0 %",
                                        "ttft.p99 +-100 %",
                                        "wait.p99 +-2 %",
                                        "cost.total +-2 %",
                                        "ttft +-2 %"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(ts_until_parse(&until, wrong[i], NULL), TS_EUSAGE);
    }
}

static void test_what_is_told(void **state)
{
    const struct ts_until until = rule("e2e.p99 +-2 %");
    struct ts_text text_out;
    (void)state;
    ts_text_init(&text_out);
    ts_until_put(&text_out, &until, 0.04, 10);
    assert_string_equal(text_out.data, "e2e.p99 is known to +-4 % after 10 replications; +-2 % would take about 40");
    ts_text_clear(&text_out);
    ts_until_put(&text_out, &until, NAN, 3);
    assert_string_equal(text_out.data, "e2e.p99 has no interval after 3 replications: too few calls");
    ts_text_deinit(&text_out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_promise), cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_what_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
