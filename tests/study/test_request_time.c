/* What a request takes beside its steps, and the step that it waits for, on a fitted roofline. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/text.h"
#include "study/trial.h"

struct times {
    double ttft_s, tpot_s, launch_s, request_s;
};

/* Users who send the same prompt again and again, in a loop of that many requests. */
static struct times serve(double users, double prompt_tok, const char *engine, const char *scheduler)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_printf(
        &text,
        "scenario: request-time\nworkload:\n  users: %.0f\n  requests: 400\n  prefix_block: 16 tok\n"
        "  classes: [{name: chat, share: 100 %%, prompt: %.0f tok, output: 101 tok, prefix: 100 %%}]\n"
        "tiers:\n  servers:\n    kind: server\n    hardware: H100 SXM 80GB\n    model: Llama-3.1-8B\n"
        "    quant: BF16\n    engine: %s\n    ability: 0\n    scheduler: {%s}\nsimulation: {patience: 0 s}\n",
        users, prompt_tok, engine, scheduler);
    const struct ts_scenario_options options = {.text = text.data};
    const struct ts_trial_options how = {.single_steps = false};
    struct ts_scenario scenario;
    struct ts_trial_outcome outcome;
    assert_int_equal(ts_scenario_load(&scenario, "request-time", &options, NULL), TS_OK);
    const struct ts_trial_base base = {.scenario = &scenario};
    const struct ts_trial trial = {.base = &base};
    assert_int_equal(ts_trial_run(&outcome, &trial, &how, NULL), TS_OK);
    const struct ts_cell *cell = &outcome.result.tiers[0].cells[0];
    const struct times times = {
        .ttft_s = 1e-9 * ts_hist_mean(&cell->latency_ns[TS_TTFT]),
        .tpot_s = 1e-9 * ts_hist_mean(&cell->latency_ns[TS_TPOT]),
        .launch_s = scenario.model.tiers[0].u.server.pools[0].replica.launch_s,
        .request_s = scenario.model.tiers[0].request_s,
    };
    ts_trial_outcome_deinit(&outcome);
    ts_scenario_deinit(&scenario);
    ts_text_deinit(&text);
    return times;
}

/* vLLM records graphs up to 512 tokens: one more is launched layer by layer. One token more computes for 20 us. */
static void test_request_time__a_prompt_beyond_the_recorded_graphs_is_launched(void **state)
{
    (void)state;
    const struct times within = serve(1, 512, "vllm", "prefix_cache: false");
    const struct times beyond = serve(1, 513, "vllm", "prefix_cache: false");
    assert_true(beyond.launch_s > 1e-3);
    assert_float_equal(beyond.ttft_s - within.ttft_s, beyond.launch_s, 1e-4);
    const struct times all = serve(1, 100, "trtllm", "prefix_cache: false"); /* which records graphs of replies alone */
    assert_true(all.ttft_s > all.launch_s + all.request_s);
}

/* Of 2,000 tokens, 1,984 are found, or 0 by the first: 1 of 400. */
static void test_request_time__a_prompt_in_the_cache_is_not_launched(void **state)
{
    (void)state;
    const struct times found = serve(1, 2000, "vllm", "prefix_cache: true");
    const struct times computed = serve(1, 2000, "vllm", "prefix_cache: false");
    assert_true(computed.ttft_s - found.ttft_s > 0.99 * computed.launch_s);
    assert_true(found.ttft_s < found.request_s + 1.2 * found.tpot_s + computed.ttft_s / 400.0);
}

/* Whoever comes while others are served waits for the step that is planned already, if the engine plans ahead. */
static void test_request_time__an_engine_plans_a_step_ahead(void **state)
{
    (void)state;
    const struct times ahead = serve(8, 40, "vllm", "prefix_cache: true");
    const struct times written = serve(8, 40, "vllm", "prefix_cache: true, async: true");
    const struct times without = serve(8, 40, "vllm", "prefix_cache: true, async: false");
    assert_float_equal(ahead.ttft_s, written.ttft_s, 0.0);
    assert_float_equal(ahead.ttft_s - without.ttft_s, ahead.tpot_s, 0.3 * ahead.tpot_s);
    assert_float_equal(serve(8, 40, "vllm-2025", "prefix_cache: true").ttft_s,
                       serve(8, 40, "vllm-2025", "prefix_cache: true, async: false").ttft_s, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_time__a_prompt_beyond_the_recorded_graphs_is_launched),
        cmocka_unit_test(test_request_time__a_prompt_in_the_cache_is_not_launched),
        cmocka_unit_test(test_request_time__an_engine_plans_a_step_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
