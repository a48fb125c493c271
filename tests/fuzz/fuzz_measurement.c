/* Any bytes as measurement.json: a measurement or at least one error, never a crash. */
#include <stdlib.h>

#include "measure/measurement.h"
#include "tests/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_diags diags;
    struct ts_arena arena;
    struct ts_measurement measurement;
    ts_diags_init(&diags);
    ts_arena_init(&arena);
    if (ts_measurement_read(&measurement, &arena, ts_fuzz_file(data, size), &diags) != TS_OK && diags.n_errors == 0) {
        abort();
    }
    ts_arena_deinit(&arena);
    ts_diags_deinit(&diags);
    return 0;
}
