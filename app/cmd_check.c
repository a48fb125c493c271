/* tiersim check SCENARIO: everything that `run` would say about the text, without running. */
#include <stdio.h>
#include <stdlib.h>

#include "app/command.h"
#include "app/locate.h"
#include "base/run_info.h"
#include "kernels/host.h"
#include "scenarios/language/scenario.h"

static enum ts_status check(const struct ts_args *args, const struct ts_host *host, struct ts_diags *diags)
{
    char *measurement = ts_locate_measurement(args->measurement);
    struct ts_scenario_options options = {.sets = args->sets,
                                          .n_sets = args->n_sets,
                                          .trace_path = args->trace,
                                          .measurement_path = measurement,
                                          .host = host};
    struct ts_scenario scenario;
    enum ts_status status = ts_scenario_load(&scenario, args->operands[0], &options, diags);
    if (status == TS_OK) {
        printf("%s: ok: scenario '%s', %u tiers, %u classes, %zu assumptions\n", args->operands[0], scenario.model.name,
               scenario.model.n_tiers, scenario.model.n_classes, scenario.model.n_assumptions);
        ts_scenario_deinit(&scenario);
    }
    free(measurement);
    return status;
}

static enum ts_status run(const struct ts_args *args, struct ts_diags *diags)
{
    if (args->n_operands != 1) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "tiersim check scenarios/hybrid-enterprise.yaml",
                       "check takes one scenario file");
    }
    struct ts_arena arena;
    struct ts_host host;
    ts_arena_init(&arena);
    enum ts_status status = ts_host_detect(&host, &arena);
    if (status == TS_OK) {
        status = check(args, &host, diags);
    }
    ts_arena_deinit(&arena);
    return status;
}

const struct ts_command ts_command_check = {
    .name = "check",
    .bit = TS_CMD_CHECK,
    .usage = "SCENARIO [options]",
    .summary = "Check a scenario file: all its mistakes at once",
    .examples = "  tiersim check scenarios/hybrid-enterprise.yaml\n"
                "  tiersim check scenarios/hybrid-enterprise.yaml --set tiers.edge.replicas=4\n",
    .run = run,
};
