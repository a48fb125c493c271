/* tiersim trace generate WORKLOAD: a trace drawn from a workload. */
#include <stdio.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/workload_file.h"
#include "base/units.h"
#include "traces/trace_write.h"

struct generate_args {
    const char *workload, *out;
    struct ts_option_texts sets;
};

static const struct generate_args defaults = {.out = "trace.csv"};

static const struct ts_option options[] = {
    {TS_INTO(struct generate_args, workload), "WORKLOAD",
     "a workload, e.g. of `tiersim trace fit`, a scenario, or a preset: batch, chat, code, long-context, rag, "
     "reasoning",
     .operand = TS_NEEDED},
    {"out", 'o', TS_INTO(struct generate_args, out), "FILE",
     "where to write the trace: NAME.csv, or NAME.jsonl, which keeps what prompts consist of; append .gz to compress"},
    TS_OPTION_SETS(struct generate_args, sets),
};

static enum ts_status write(const struct generate_args *args, const struct ts_scenario *scenario,
                            struct ts_request_stream *stream, struct ts_diags *diags)
{
    const struct ts_trace_write_options how = {.says_class = true,
                                               .says_sensitivity = true,
                                               .says_difficulty = true,
                                               .classes = scenario->model.class_names,
                                               .n_classes = scenario->model.n_classes,
                                               .block_tok = scenario->workload.prefix_block_tok == 16 ? 16 : 512};
    struct ts_trace_writer *writer = NULL;
    struct ts_request request;
    uint64_t n = 0;
    int64_t last_ns = 0;
    int got = 1;
    enum ts_status status = ts_trace_writer_open(&writer, args->out, &how, diags);
    if (status != TS_OK) {
        return status;
    }
    while (status == TS_OK) {
        status = ts_interrupt_requested() ? TS_EINTERRUPTED : ts_request_next(stream, &request, &got, diags);
        if (status != TS_OK || !got) {
            break;
        }
        n++;
        last_ns = request.arrival_ns;
        status = ts_trace_writer_put(writer, &request, diags);
    }
    if (status != TS_OK) {
        ts_trace_writer_abort(writer);
        return status;
    }
    status = ts_trace_writer_commit(writer, diags);
    if (status == TS_OK) {
        printf("%llu requests over %.6g s: %s\n", (unsigned long long)n, ts_s_from_ns(last_ns), args->out);
    }
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    (void)arena;
    const struct generate_args *args = untyped;
    struct ts_scenario scenario;
    struct ts_request_stream *stream = NULL;
    enum ts_status status = ts_workload_file_load(&scenario, args->workload, NULL, &args->sets, diags);
    if (status != TS_OK) {
        return status;
    }
    ts_interrupt_arm_with_limit();
    status = ts_workload_open(&stream, &scenario.workload, scenario.model.seed, 0, NULL, diags);
    if (status == TS_OK) {
        status = write(args, &scenario, stream, diags);
    }
    ts_request_stream_destroy(stream);
    ts_scenario_deinit(&scenario);
    return status;
}

const struct ts_command ts_command_trace_generate = {
    .name = "trace generate",
    .summary = "Draw a trace from a workload",
    .examples =
        "  tiersim trace generate conv.yaml -o conv.csv --set seed=7\n"
        "  tiersim trace generate long-context -o long.jsonl --set workload.duration='1 h' --set workload.calls=2/s\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
