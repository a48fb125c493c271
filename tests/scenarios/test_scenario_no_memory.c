/* The n-th allocation fails, for n = 0, 1, ... until a scenario loads: each failure is TS_ENOMEM, the output is
 * untouched, nothing leaks (the address sanitizer watches). Allocations of the library go through the linker's --wrap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "scenarios/language/scenario.h"
#include "tests/failing_allocator.h"

static const char path[] = "scenario-without-memory.yaml";
static const char text[] =
    "scenario: t\n"
    "workload: {calls: 36 k/day, gaps: {gamma: {cv: 2}}, classes: [{name: chat, share: 100 %, prompt: 8 tok, output: 2 "
    "tok}]}\n"
    "tiers:\n"
    "  phone: {kind: device, hardware: iPhone 16 Pro, model: Llama-3.2-1B, quant: Q4_0, users: 500, ability: -1}\n"
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP8, ability: 1, link: lan, replaces: "
    "cloud}\n"
    "  split: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP8, ability: 2, kv_link: lan, pools: "
    "[{name: d, role: decode, accelerators: 2, power: {idle: 50 W}}, {name: p, role: prefill, owned: {capex: 1 "
    "USD}}]}\n"
    "  cloud: {kind: api, ability: 3, offers: [OpenAI/gpt-4o]}\n"
    "links: {lan: {rtt: {lognormal: {median: 1 ms, p95: 2 ms}}}}\n"
    "routing: {thresholds: {phone: 0, edge: 1, split: 2}, rules: [{when: {sensitivity: restricted}, never: cloud}]}\n";

static enum ts_status attempt(const struct ts_scenario_options *options)
{
    struct ts_scenario scenario;
    struct ts_diags diags;
    ts_diags_init(&diags);
    enum ts_status status = ts_scenario_load(&scenario, path, options, &diags);
    if (status == TS_OK) {
        ts_scenario_deinit(&scenario);
    }
    ts_diags_deinit(&diags);
    return status;
}

static void test_scenario__every_failed_allocation_is_reported_as_such(void **state)
{
    (void)state;
    static const char *const sets[] = {"tiers.edge.replicas=4"};
    struct ts_scenario_options options = {.sets = sets, .n_sets = 1};
    assert_int_equal(ts_file_write(path, text, strlen(text), NULL), TS_OK);
    long n = 0;
    for (;; n++) {
        countdown = n;
        enum ts_status status = attempt(&options);
        bool unused = countdown >= 0;
        countdown = -1;
        if (status == TS_OK && unused) {
            break;
        }
        if (status != TS_ENOMEM) {
            fail_msg("allocation %ld: %s", n, ts_status_text(status));
        }
        assert_true(n < 100000);
    }
    remove(path);
    assert_true(n > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenario__every_failed_allocation_is_reported_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
