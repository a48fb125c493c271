/* tiersim trace convert FILE: any trace that can be read, written in a known format. */
#include "app/command.h"
#include "app/trace_output.h"

struct convert_args {
    struct ts_trace_args trace;
    struct ts_trace_out_args out;
};

static const struct convert_args defaults = {.trace.format = "auto", .out.path = "trace.csv"};

static const struct ts_option options[] = {
    TS_TRACE_ARGS_OPTIONS(struct convert_args, trace),
    TS_TRACE_OUT_OPTIONS(struct convert_args, out),
};

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct convert_args *args = untyped;
    struct ts_trace_names names = {.n = 0};
    struct ts_trace_options how = {.format = args->trace.format, .learns = &names};
    enum ts_status status = ts_trace_args_map(&how.map, args->trace.map, arena, diags);
    if (status == TS_OK) {
        struct ts_trace_part part = ts_trace_part_whole(args->trace.file, &how);
        struct ts_trace_recipe recipe = {.parts = &part, .n_parts = 1, .n_files = 1, .names = &names, .method = ""};
        status = ts_trace_output(&args->out, &recipe, diags);
    }
    ts_trace_names_deinit(&names);
    return status;
}

const struct ts_command ts_command_trace_convert = {
    .name = "trace convert",
    .summary = "Write a trace in another format",
    .examples = "  tiersim trace convert AzureLLMInferenceTrace_conv.csv -o conv.jsonl\n"
                "  tiersim trace convert export.csv --map time='Request Start',in=Prompt_Tokens,out=Completion_Tokens "
                "-o calls.csv.gz\n"
                "  zcat spans.json.gz | tiersim trace convert - -o - --as csv | head\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
