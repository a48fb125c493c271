/* Any bytes as a model's config.json: a shape within its ranges or at least one error, never a crash. */
#include <stdlib.h>

#include "engine/model_config.h"
#include "tests/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_diags diags;
    struct ts_model_config config;
    ts_diags_init(&diags);
    const enum ts_status status = ts_model_config_read(&config, ts_fuzz_file(data, size, ".json"), &diags);
    if (status != TS_OK ? diags.n_errors == 0 : ts_model_config_check(&config, "", NULL) != TS_OK) {
        abort();
    }
    ts_diags_deinit(&diags);
    return 0;
}
