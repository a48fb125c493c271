/* Any bytes as a file of rates: windows whose workload is numbers or at least one error, never a crash. */
#include <math.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz_input.h"
#include "traces/rate_file.h"

static void check(const struct ts_rate_file *file)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_rate_file_put(&text, file, "fuzz", "chat");
    if (file->n < 2 || !(file->step_s > 0.0 && isfinite(file->mean_per_s) && file->mean_per_s > 0.0) ||
        !(isfinite(file->gap_figure) && file->gap_figure > 0.0)) {
        abort();
    }
    ts_text_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_diags diags;
    struct ts_rate_file file = {.windows = NULL};
    const char *path = ts_fuzz_file(data, size);
    ts_diags_init(&diags);
    const enum ts_status status = ts_rate_file_read(&file, path, &diags);
    if (status == TS_OK) {
        check(&file);
    } else if (diags.n_errors == 0) {
        abort();
    }
    ts_rate_file_deinit(&file);
    ts_diags_deinit(&diags);
    return 0;
}
