/* Any bytes as the log of a deployment: requests with times and tokens or at least one error, never a crash. */
#include <stdlib.h>

#include "study/log_read.h"
#include "tests/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_diags diags;
    struct ts_arena arena;
    struct ts_log log = {.n = 0};
    const char *path = ts_fuzz_file(data, size);
    ts_diags_init(&diags);
    ts_arena_init(&arena);
    const enum ts_status status = ts_log_read(&log, &arena, &path, 1, &diags);
    if (status == TS_OK ? log.n == 0 : diags.n_errors == 0) {
        abort();
    }
    for (size_t i = 0; status == TS_OK && i < log.n; i++) {
        const struct ts_log_request *request = &log.requests[i];
        if (!(request->start_s >= 0.0) || request->prompt_tok == 0 || request->run >= log.n_runs) {
            abort();
        }
    }
    ts_log_deinit(&log);
    ts_arena_deinit(&arena);
    ts_diags_deinit(&diags);
    return 0;
}
