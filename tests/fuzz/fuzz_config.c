/* Any bytes as a model's config.json: for the engine, a shape within its ranges or at least one error; for a scenario,
 * weights and KV entries that are numbers. Never a crash. */
#include <math.h>
#include <stdlib.h>

#include "engine/model_config.h"
#include "scenarios/catalog/own_model.h"
#include "tests/fuzz/fuzz_input.h"

static void read_for_engine(const char *path)
{
    struct ts_diags diags;
    struct ts_model_config config;
    ts_diags_init(&diags);
    const enum ts_status status = ts_model_config_read(&config, path, &diags);
    if (status != TS_OK ? diags.n_errors == 0 : ts_model_config_check(&config, "", NULL) != TS_OK) {
        abort();
    }
    ts_diags_deinit(&diags);
}

static void read_for_scenario(const char *path)
{
    struct ts_diags diags;
    struct ts_own_model model = {.tied = false};
    ts_diags_init(&diags);
    const enum ts_status status = ts_own_model_read(&model, path, &diags);
    if (status != TS_OK && diags.n_errors == 0) {
        abort();
    }
    if (status == TS_OK && !ts_own_model_missing(&model) && !ts_own_model_finish(&model) &&
        !(isfinite(model.llm.params) && model.llm.params > 0.0 && model.llm.kv_bytes_per_tok >= 0.0)) {
        abort();
    }
    ts_diags_deinit(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = ts_fuzz_file(data, size);
    read_for_engine(path);
    read_for_scenario(path);
    return 0;
}
