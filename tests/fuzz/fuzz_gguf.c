/* Any bytes as a GGUF file: tensors that lie within it or at least one error, never a crash. */
#include <stdlib.h>

#include "engine/gguf.h"
#include "tests/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_diags diags;
    struct ts_gguf *gguf = NULL;
    ts_diags_init(&diags);
    const enum ts_status status = ts_gguf_open_memory(&gguf, "fuzz.gguf", data, size, &diags);
    if (status != TS_OK && diags.n_errors == 0) {
        abort();
    }
    for (size_t i = 0; status == TS_OK && i < ts_gguf_n_tensors(gguf); i++) {
        const struct ts_gguf_tensor *tensor = ts_gguf_tensor_at(gguf, i);
        if (ts_gguf_tensor(gguf, tensor->name) != tensor) {
            abort();
        }
    }
    ts_gguf_close(gguf);
    ts_diags_deinit(&diags);
    return 0;
}
