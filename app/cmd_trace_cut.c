/* tiersim trace cut FILE: a window of a trace, by time, rows and columns. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/trace_output.h"
#include "base/units.h"

struct cut_args {
    struct ts_trace_args trace;
    struct ts_trace_out_args out;
    const char *from, *to, *rows;
    struct ts_option_texts where;
};

static const struct cut_args defaults = {.trace.format = "auto", .out.path = "trace.csv"};

static const struct ts_option options[] = {
    TS_TRACE_ARGS_OPTIONS(struct cut_args, trace),
    {"from", 0, TS_INTO(struct cut_args, from), "TIME",
     "start of the window: a time since the file's first row, e.g. '2 h', or a date"},
    {"to", 0, TS_INTO(struct cut_args, to), "TIME", "end of the window, exclusive"},
    {"rows", 0, TS_INTO(struct cut_args, rows), "FIRST-LAST",
     "of the requests in the window, by time, numbers FIRST to LAST; the first is 1"},
    {"where", 0, TS_INTO(struct cut_args, where), "COLUMN=TEXT",
     "only rows with this value in that column (repeatable: all must match)"},
    TS_TRACE_OUT_OPTIONS(struct cut_args, out),
};

static enum ts_status read_time(int64_t *out_ns, bool *is_date, const char *option, const char *text,
                                struct ts_diags *diags)
{
    double seconds = 0.0;
    struct ts_text why;
    if (ts_trace_date_parse(out_ns, text)) {
        *is_date = true;
        return TS_OK;
    }
    ts_text_init(&why);
    enum ts_status status = TS_OK;
    if (!ts_units_parse(&seconds, text, "s", &why) || seconds < 0.0) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(),
                         "write a time since the first row, '90 min', or a date, '2024-05-10 14:00'", "%s: %s", option,
                         why.len > 0 && !why.failed ? why.data : "the file begins at 0");
    } else {
        *out_ns = ts_ns_from_s(seconds);
        *is_date = false;
    }
    ts_text_deinit(&why);
    return status;
}

static enum ts_status read_window(struct ts_trace_part *part, const struct cut_args *args, struct ts_diags *diags)
{
    bool from_is_date = false, to_is_date = false;
    enum ts_status status = TS_OK;
    if (args->from) {
        status = read_time(&part->from_ns, &from_is_date, "--from", args->from, diags);
    }
    if (status == TS_OK && args->to) {
        status = read_time(&part->to_ns, &to_is_date, "--to", args->to, diags);
    }
    if (status == TS_OK && args->from && args->to && from_is_date != to_is_date) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write both as dates, or both as times since the first row",
                       "--from %s and --to %s are on different clocks", args->from, args->to);
    }
    if (status == TS_OK && part->from_ns >= part->to_ns) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--to has to be later than --from");
    }
    part->is_by_date = from_is_date || to_is_date;
    return status;
}

static enum ts_status read_rows(struct ts_trace_part *part, const char *text, struct ts_diags *diags)
{
    const char *dash = text ? strchr(text, '-') : NULL;
    if (!text) {
        return TS_OK;
    }
    if (!dash || !ts_parse_u64(&part->first, text, (size_t)(dash - text)) ||
        !ts_parse_u64(&part->last, dash + 1, strlen(dash + 1)) || part->first < 1 || part->last < part->first) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write for example --rows 1-1000",
                       "--rows: '%s' is not FIRST-LAST", text);
    }
    return TS_OK;
}

static enum ts_status read_where(struct ts_trace_part *part, struct ts_trace_where *where, const struct cut_args *args,
                                 struct ts_arena *arena, struct ts_diags *diags)
{
    if (args->where.n > TS_TRACE_MAX_WHERE) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--where is given more than %d times",
                       (int)TS_TRACE_MAX_WHERE);
    }
    for (size_t i = 0; i < args->where.n; i++) {
        const char *text = args->where.items[i];
        const char *sign = strchr(text, '=');
        if (!sign || sign == text) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write for example --where dept=radiology",
                           "--where: '%s' is not COLUMN=TEXT", text);
        }
        const size_t len = (size_t)(sign - text);
        char *column = ts_arena_alloc(arena, len + 1);
        if (!column) {
            return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
        }
        memcpy(column, text, len);
        column[len] = '\0';
        where[i] = (struct ts_trace_where){.column = column, .text = sign + 1, .class_id = TS_TRACE_NO_CLASS};
    }
    part->how.where = where;
    part->how.n_where = args->where.n;
    return TS_OK;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct cut_args *args = untyped;
    struct ts_trace_names names = {.n = 0};
    struct ts_trace_where where[TS_TRACE_MAX_WHERE];
    struct ts_trace_options how = {.format = args->trace.format, .learns = &names};
    enum ts_status status = ts_trace_args_map(&how.map, args->trace.map, arena, diags);
    struct ts_trace_part part = ts_trace_part_whole(args->trace.file, &how);
    struct ts_trace_recipe recipe = {.parts = &part, .n_parts = 1, .n_files = 1, .names = &names, .method = ""};
    if (status == TS_OK) {
        status = read_window(&part, args, diags);
    }
    if (status == TS_OK) {
        status = read_rows(&part, args->rows, diags);
    }
    if (status == TS_OK) {
        status = read_where(&part, where, args, arena, diags);
    }
    if (status == TS_OK) {
        status = ts_trace_output(&args->out, &recipe, diags);
    }
    ts_trace_names_deinit(&names);
    return status;
}

const struct ts_command ts_command_trace_cut = {
    .name = "trace cut",
    .summary = "Cut a window out of a trace, by time, rows or columns",
    .examples = "  tiersim trace cut AzureLLMInferenceTrace_conv.csv --from '10 min' --to '20 min' -o ten.csv\n"
                "  tiersim trace cut export.csv --from '2026-03-02 8:00' --to '2026-03-02 18:00' --where "
                "dept=radiology -o day.csv\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
