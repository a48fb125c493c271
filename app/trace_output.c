/* Hides that a file whose disorder shows late is begun anew, sorted, and that the columns of a CSV are those of which
 * the first rows of the files tell. */
#include "app/trace_output.h"

#include <math.h>
#include <stdio.h>

#include "app/interrupt.h"
#include "app/progress_line.h"
#include "base/units.h"
#include "traces/trace_write.h"

/* What was written. */
struct written {
    uint64_t n;
    int64_t last_ns;
};

enum ts_status ts_trace_number(double *out, const char *option, const char *text, const char *unit, double least,
                               struct ts_diags *diags)
{
    struct ts_text why;
    double value = 0.0;
    ts_text_init(&why);
    enum ts_status status = TS_OK;
    if (!ts_units_parse(&value, text, unit, &why)) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "%s: %s", option, why.failed ? "no number" : why.data);
    } else if (!(value > least)) {
        status =
            ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "%s must be more than %g, not %s", option, least, text);
    } else {
        *out = value;
    }
    ts_text_deinit(&why);
    return status;
}

/* ---- writing ---- */

static bool go_on(const struct ts_progress *progress, const struct written *written)
{
    enum { EVERY = 1 << 16 };
    const struct ts_progress_state state = {
        .what = "requests", .done = (double)written->n, .elapsed_s = ts_s_from_ns(written->last_ns), .left_s = NAN};
    return written->n % EVERY != 0 || ts_progress_go_on(progress, &state);
}

static enum ts_status copy(struct written *out, struct ts_trace_writer *writer, struct ts_request_stream *stream,
                           const struct ts_progress *progress, struct ts_diags *diags)
{
    struct ts_request request;
    int got = 1;
    *out = (struct written){.n = 0};
    enum ts_status status = TS_OK;
    while (status == TS_OK) {
        status = go_on(progress, out) ? ts_request_next(stream, &request, &got, diags) : TS_EINTERRUPTED;
        if (status != TS_OK || !got) {
            break;
        }
        out->n++;
        out->last_ns = request.arrival_ns;
        status = ts_trace_writer_put(writer, &request, diags);
    }
    return status;
}

/* A column that a later row would have had. */
static void warn_of_late_columns(const struct ts_trace_out_args *args, const struct ts_trace_tells *before,
                                 const struct ts_trace_tells *after, struct ts_diags *diags)
{
    const char *what = after->classes && !before->classes           ? "class"
                       : after->sessions && !before->sessions       ? "session"
                       : after->sensitivity && !before->sensitivity ? "sensitivity"
                       : after->difficulty && !before->difficulty   ? "difficulty"
                                                                    : NULL;
    if (what) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(args->path), "write a file NAME.jsonl to keep it",
                     "the first rows have no %s, so there is no column for it, but later ones do", what);
    }
}

/* Ids are written as they are, if whoever reads them finds out how many tokens they stand for. */
static uint16_t block_of(const struct ts_trace_tells *tells)
{
    enum { MOONCAKE = 512, BAILIAN = 16, LEAST = 8, MOST = 4096 };
    const uint16_t tok = tells->block_tok;
    const bool is_found_out = !tells->is_partial && tok >= LEAST && tok <= MOST && (tok & (tok - 1)) == 0;
    return tok == BAILIAN || is_found_out ? tok : MOONCAKE;
}

static enum ts_status write_stream(struct written *out, const struct ts_trace_out_args *args,
                                   const struct ts_trace_recipe *recipe, struct ts_request_stream *stream,
                                   struct ts_diags *diags)
{
    const struct ts_trace_origin origin = ts_trace_splice_origin(stream);
    const bool is_csv = args->as ? ts_str_equal(args->as, "csv")
                                 : ts_str_has_suffix(args->path, ".csv") || ts_str_has_suffix(args->path, ".csv.gz");
    const struct ts_trace_write_options how = {.as = args->as,
                                               .says_class = origin.tells.classes || !is_csv,
                                               .says_sensitivity = origin.tells.sensitivity || !is_csv,
                                               .says_difficulty = origin.tells.difficulty || !is_csv,
                                               .says_sessions = origin.tells.sessions,
                                               .only_told = true,
                                               .learned = recipe->names,
                                               .block_tok = block_of(&origin.tells),
                                               .base_ns = origin.base_ns,
                                               .is_dated = origin.is_dated,
                                               .sink = ts_str_equal(args->path, "-") ? stdout : NULL};
    struct ts_trace_writer *writer = NULL;
    enum ts_status status = ts_trace_writer_open(&writer, args->path, &how, diags);
    if (status != TS_OK) {
        return status;
    }
    status = copy(out, writer, stream, recipe->parts[0].how.progress, diags);
    if (status == TS_OK && out->n == 0) {
        status =
            ts_fail(diags, TS_EINPUT, ts_span_file(recipe->parts[0].path),
                    "tiersim trace info says which times and columns the file has", "no request of it is asked for");
    }
    if (status != TS_OK) {
        ts_trace_writer_abort(writer);
        return status;
    }
    status = ts_trace_writer_commit(writer, diags);
    if (status == TS_OK && is_csv) {
        const struct ts_trace_tells after = ts_trace_splice_origin(stream).tells;
        warn_of_late_columns(args, &origin.tells, &after, diags);
    }
    return status;
}

/* One try; *late: the part whose file has to be sorted, and nothing was said. */
static enum ts_status try_once(struct ts_request_stream **stream, struct written *out, int *late,
                               const struct ts_trace_out_args *args, const struct ts_trace_recipe *recipe,
                               struct ts_diags *diags)
{
    struct ts_diags said;
    ts_diags_init(&said);
    *stream = NULL;
    enum ts_status status = ts_trace_splice_open(stream, recipe->parts, recipe->n_parts, recipe->is_aligned, &said);
    if (status == TS_OK) {
        status = write_stream(out, args, recipe, *stream, &said);
    }
    *late = status == TS_EINPUT && *stream ? ts_trace_splice_late(*stream) : -1;
    if (*late < 0) {
        ts_diags_move(diags, &said);
    }
    ts_diags_deinit(&said);
    return status;
}

/* ---- telling ---- */

static void tell_left(struct ts_text *out, const struct ts_trace_left *left)
{
    if (left->n_outside > 0) {
        ts_text_printf(out, ", %llu outside of the times", (unsigned long long)left->n_outside);
    }
    if (left->n_other_rows > 0) {
        ts_text_printf(out, ", %llu others than the rows", (unsigned long long)left->n_other_rows);
    }
    if (left->n_thinned > 0) {
        ts_text_printf(out, ", %llu thinned out", (unsigned long long)left->n_thinned);
    }
}

/* "a.csv: rows read 10 = kept 7 + dropped 1: ... + left out 2: ...". */
static void tell_part(struct ts_text *out, const struct ts_trace_recipe *recipe, const struct ts_request_stream *stream,
                      size_t i)
{
    struct ts_trace_left left;
    const struct ts_trace_counts counts = ts_trace_splice_counts(&left, stream, i);
    const uint64_t n_left = left.n_outside + left.n_other_rows + left.n_thinned;
    struct ts_text reasons;
    ts_text_init(&reasons);
    ts_trace_counts_tell(&reasons, &counts);
    tell_left(&reasons, &left);
    const char *why = counts.n_dropped == 0 && reasons.len > 2 ? reasons.data + 2 : reasons.data;
    ts_text_printf(out, "%s: rows read %llu = kept %llu + dropped %llu%s%s\n", recipe->parts[i].path,
                   (unsigned long long)counts.n_rows, (unsigned long long)(counts.n_kept - n_left),
                   (unsigned long long)(counts.n_dropped + n_left), *why ? ": " : "", why);
    ts_text_deinit(&reasons);
}

static enum ts_status tell(const struct ts_trace_out_args *args, const struct ts_trace_recipe *recipe,
                           const struct ts_request_stream *stream, const struct written *written,
                           struct ts_diags *diags)
{
    const bool to_stdout = ts_str_equal(args->path, "-");
    struct ts_text text;
    ts_text_init(&text);
    for (size_t i = 0; i < recipe->n_files; i++) {
        struct ts_trace_left left;
        struct ts_trace_counts counts = ts_trace_splice_counts(&left, stream, i);
        tell_part(&text, recipe, stream, i);
        counts.n_dropped = 0; /* said already */
        ts_trace_counts_warn(&counts, recipe->parts[i].path, diags);
    }
    if (*recipe->method) {
        ts_text_printf(&text, "method: %s\n", recipe->method);
    }
    ts_text_printf(&text, "%llu request%s over ", (unsigned long long)written->n, written->n == 1 ? "" : "s");
    ts_units_format(&text, ts_s_from_ns(written->last_ns), "s");
    ts_text_printf(&text, ": %s\n", to_stdout ? "standard output" : args->path);
    const bool failed = text.failed;
    (void)fputs(failed ? "" : text.data, to_stdout ? stderr : stdout);
    ts_text_deinit(&text);
    return failed ? TS_ENOMEM : TS_OK;
}

static enum ts_status check_as(const struct ts_trace_out_args *args, struct ts_diags *diags)
{
    if (args->as && !ts_str_equal(args->as, "csv") && !ts_str_equal(args->as, "jsonl")) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write --as csv or --as jsonl", "no trace is written as '%s'",
                       args->as);
    }
    if (!args->as && ts_str_equal(args->path, "-")) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write --as csv or --as jsonl",
                       "standard output has no name to infer the format from");
    }
    return TS_OK;
}

enum ts_status ts_trace_output(const struct ts_trace_out_args *args, struct ts_trace_recipe *recipe,
                               struct ts_diags *diags)
{
    struct ts_progress_line line = {.quiet = args->quiet};
    const struct ts_progress progress = ts_progress_line_of(&line);
    struct ts_request_stream *stream = NULL;
    struct written written = {.n = 0};
    int late = 0;
    enum ts_status status = check_as(args, diags);
    if (status != TS_OK) {
        return status;
    }
    ts_interrupt_arm_with_limit();
    for (size_t i = 0; i < recipe->n_parts; i++) {
        recipe->parts[i].how.progress = &progress;
    }
    while (late >= 0) {
        ts_request_stream_destroy(stream);
        status = try_once(&stream, &written, &late, args, recipe, diags);
        if (late >= 0) {
            recipe->parts[late].how.sorts = true;
        }
    }
    ts_progress_line_end(&line);
    if (status == TS_OK) {
        status = tell(args, recipe, stream, &written, diags);
    }
    ts_request_stream_destroy(stream);
    return status;
}
