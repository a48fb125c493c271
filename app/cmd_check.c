/* tiersim check SCENARIO: everything that `run` would say about the text, without running. */
#include <stdio.h>

#include "app/command.h"
#include "app/load_scenario.h"
#include "base/file.h"
#include "traces/workload.h"

struct check_args {
    struct ts_scenario_args scenario;
};

static const struct check_args defaults;

static const struct ts_option options[] = {TS_SCENARIO_OPTIONS(struct check_args, scenario)};

/* The trace that the scenario names, opened as `run` would: its header and first rows are read. One that is not there
 * is no mistake of the text: --trace may name another. */
static enum ts_status check_trace(const struct ts_scenario *scenario, struct ts_diags *diags)
{
    static const struct ts_progress nobody;
    const char *path = scenario->workload.trace_path;
    struct ts_request_stream *stream = NULL;
    if (!path) {
        return TS_OK;
    }
    if (!ts_file_exists(path)) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(path), "put it there, or name one with --trace",
                     "there is no such file: the scenario cannot run");
        return TS_OK;
    }
    enum ts_status status = ts_workload_open(&stream, &scenario->workload, scenario->model.seed, 0, &nobody, diags);
    if (status == TS_OK) {
        struct ts_request request;
        int got = 1;
        for (int i = 0; i < TS_TRACE_MAX_PEEKED && got && status == TS_OK; i++) {
            status = ts_request_next(stream, &request, &got, diags);
        }
        ts_request_stream_destroy(stream);
    }
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    (void)arena;
    const struct check_args *args = untyped;
    struct ts_scenario scenario;
    enum ts_status status = ts_load_scenario(&scenario, &args->scenario, NULL, diags);
    if (status != TS_OK) {
        return status;
    }
    status = check_trace(&scenario, diags);
    if (status == TS_OK) {
        printf("%s: ok: scenario '%s', %u tiers, %u classes, %zu assumptions\n", args->scenario.path,
               scenario.model.name, scenario.model.n_tiers, scenario.model.n_classes, scenario.model.n_assumptions);
    }
    ts_scenario_deinit(&scenario);
    return status;
}

const struct ts_command ts_command_check = {
    .name = "check",
    .summary = "Check a scenario file: all its mistakes at once",
    .examples = "  tiersim check scenarios/hybrid-enterprise.yaml\n"
                "  tiersim check scenarios/hybrid-enterprise.yaml --set tiers.edge.replicas=4\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
