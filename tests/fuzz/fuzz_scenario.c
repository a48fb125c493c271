/* Any bytes as a scenario: a model or at least one error, never a crash. */
#include <stdlib.h>

#include "scenarios/language/scenario.h"
#include "tests/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_diags diags;
    struct ts_scenario scenario;
    struct ts_scenario_options options = {.sets = NULL};
    ts_diags_init(&diags);
    if (ts_scenario_load(&scenario, ts_fuzz_file(data, size), &options, &diags) == TS_OK) {
        ts_scenario_deinit(&scenario);
    } else if (diags.n_errors == 0) {
        abort();
    }
    ts_diags_deinit(&diags);
    return 0;
}
