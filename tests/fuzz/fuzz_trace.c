/* Any bytes as a trace: an error or requests in order, never a crash. */
#include <stdlib.h>

#include "tests/fuzz/fuzz_input.h"
#include "tests/open_trace.h"
#include "traces/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_diags diags;
    struct ts_request_stream *stream = NULL;
    ts_diags_init(&diags);
    if (open_trace(&stream, ts_fuzz_file(data, size, ".csv"), NULL, NULL, &diags) == TS_OK) {
        struct ts_request request;
        int got = 1;
        int64_t last_ns = 0;
        while (got && ts_request_next(stream, &request, &got, &diags) == TS_OK && got) {
            if (request.arrival_ns < last_ns || request.prompt_tok == 0 || request.output_tok == 0) {
                abort();
            }
            last_ns = request.arrival_ns;
        }
        ts_request_stream_destroy(stream);
    } else if (diags.n_errors == 0) {
        abort();
    }
    ts_diags_deinit(&diags);
    return 0;
}
