/* Workloads that are built in have what their sources say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/near.h"
#include "tests/scenarios/scenario_fixture.h"
#include "traces/workload.h"

/* The figures of 610 traces of Codex on SWE-bench Pro: 33 calls, 12,000 tokens at first, 2,242 more a call, 131 tokens
 * of prompts for one of replies. Of a session's calls all but the first find what came before: (33 x mean - 11,200 - 32
 * x 1,880) / (33 x mean), 95.5 %, where the source found 94.2 %. */
static void test_presets__agents_have_the_contexts_of_their_source(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    double prompts = 0.0, outputs = 0.0, firsts = 0.0, lasts = 0.0, fresh = 0.0, before = 0.0;
    uint64_t session = 0;
    size_t n = 0, n_sessions = 0, n_last = 0;
    int got = 1;
    load_good(&scenario, "scenario: agents\n"
                         "workload: {like: agent, duration: 6 h, calls: 3/s}\n"
                         "tiers: {api: {kind: api, offers: [OpenAI/gpt-4o], ability: 0}}\n");
    assert_int_equal(ts_workload_open(&stream, &scenario.workload, 1, 0, NULL, NULL), TS_OK);
    while (ts_request_next(stream, &request, &got, NULL) == TS_OK && got) {
        assert_non_null(request.turn);
        const bool is_first = request.turn->session != session;
        session = request.turn->session;
        prompts += request.prompt_tok;
        outputs += request.output_tok;
        fresh += is_first ? 11200.0 : request.prompt_tok - before;
        firsts += is_first ? request.prompt_tok : 0.0;
        lasts += request.turn->is_last ? request.prompt_tok : 0.0;
        n_sessions += is_first;
        n_last += request.turn->is_last;
        before = (double)request.prompt_tok + request.output_tok;
        n++;
    }
    ts_request_stream_destroy(stream);
    ts_scenario_deinit(&scenario);
    assert_true(n_sessions > 200 && n_last > 200);
    assert_near((double)n / (double)n_sessions, 33.0, 0.5);
    assert_near(firsts / (double)n_sessions, 12000.0, 0.5);
    assert_near((lasts / (double)n_last - 12000.0) / 32.0 / 2242.0, 1.0, 0.03);
    assert_near(prompts / outputs / 131.0, 1.0, 0.05);
    assert_near(1.0 - fresh / prompts, 0.942, 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets__agents_have_the_contexts_of_their_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
