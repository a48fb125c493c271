/* tiersim trace merge FILE...: several traces as one, in order of time. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/trace_output.h"
#include "base/file.h"

enum { MAX_FILES = 64 };

struct merge_args {
    struct ts_option_texts files;
    struct ts_trace_out_args out;
    bool align, same_names;
};

static const struct merge_args defaults = {.out.path = "trace.csv"};

static const struct ts_option options[] = {
    {TS_INTO(struct merge_args, files), "[CLASS=]FILE",
     "request traces of any formats; CLASS= puts all requests of that file into that class", .operand = TS_NEEDED},
    {"align", 0, TS_INTO(struct merge_args, align), NULL,
     "shift all files to start with the first one (default: each keeps its own times)"},
    {"same-names", 0, TS_INTO(struct merge_args, same_names), NULL,
     "session and content ids mean the same in all files, as pieces of one (default: separate for each file)"},
    TS_TRACE_OUT_OPTIONS(struct merge_args, out),
};

/* The file of a word, with its class if it names one. */
static enum ts_status read_word(struct ts_trace_part *out, const char *word, struct ts_trace_names *names,
                                struct ts_arena *arena, struct ts_diags *diags)
{
    const char *sign = strchr(word, '=');
    struct ts_trace_options how = {.learns = names};
    if (!sign || sign == word || ts_file_exists(word)) {
        *out = ts_trace_part_whole(word, &how);
        return TS_OK;
    }
    char *name = ts_arena_alloc(arena, (size_t)(sign - word) + 1);
    uint16_t id = 0;
    if (!name) {
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    memcpy(name, word, (size_t)(sign - word));
    name[sign - word] = '\0';
    if (!ts_trace_names_find(&id, names, name)) {
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    how.learns = NULL;
    *out = ts_trace_part_whole(sign + 1, &how);
    out->has_label = true;
    out->label_id = id;
    return TS_OK;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct merge_args *args = untyped;
    struct ts_trace_names names = {.n = 0};
    const size_t n = args->files.n;
    struct ts_trace_part *parts = ts_arena_alloc(arena, n * sizeof *parts);
    enum ts_status status = TS_OK;
    if (n < 2 || n > MAX_FILES) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "tiersim trace convert takes one",
                       "%zu file%s to merge: from 2 to %d are", n, n == 1 ? "" : "s", (int)MAX_FILES);
    }
    if (!parts) {
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    for (size_t i = 0; i < n && status == TS_OK; i++) {
        status = read_word(&parts[i], args->files.items[i], &names, arena, diags);
        parts[i].salt = args->same_names ? 0 : i;
    }
    if (status == TS_OK) {
        struct ts_trace_recipe recipe = {.parts = parts,
                                         .n_parts = n,
                                         .n_files = n,
                                         .is_aligned = args->align,
                                         .names = &names,
                                         .method = args->align ? "all files begin when the first one does" : ""};
        status = ts_trace_output(&args->out, &recipe, diags);
    }
    ts_trace_names_deinit(&names);
    return status;
}

const struct ts_command ts_command_trace_merge = {
    .name = "trace merge",
    .summary = "Put several traces together, in order of time",
    .examples = "  tiersim trace merge monday.csv tuesday.csv -o days.csv\n"
                "  tiersim trace merge chat=conv.csv code=AzureLLMInferenceTrace_code.csv --align -o both.csv\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
