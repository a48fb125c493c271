/* tiersim trace info FILE: what a request trace looks like. */
#include <math.h>
#include <stdio.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/print_table.h"
#include "app/progress_line.h"
#include "app/trace_args.h"
#include "app/trace_charts.h"
#include "app/trace_draw.h"

static enum ts_status print_rates(const struct ts_trace_stats *stats)
{
    static const char *const headers[] = {"window s", "variance/mean", "peak 1/s", "empty windows %"};
    struct ts_table *table = ts_table_create("Burstiness (variance/mean of counts: 1 = Poisson)");
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 0);
    for (size_t i = 0; i < TS_STATS_SCALES; i++) {
        ts_table_row(table);
        ts_table_num(table, stats->scale_s[i], 4);
        ts_table_num(table, stats->dispersion[i], 4);
        ts_table_num(table, stats->peak_per_s[i], 4);
        ts_table_num(table, 100.0 * stats->empty_frac[i], 3);
    }
    return ts_print_table(table, TS_TABLE_TEXT);
}

static void put_quantiles(struct ts_table *table, const char *name, const struct ts_hist *hist, double total)
{
    ts_table_row(table);
    ts_table_put(table, name);
    ts_table_num(table, ts_hist_mean(hist), 5);
    ts_table_num(table, ts_hist_quantile(hist, 0.5), 6);
    ts_table_num(table, ts_hist_quantile(hist, 0.9), 6);
    ts_table_num(table, ts_hist_quantile(hist, 0.99), 6);
    ts_table_num(table, (double)hist->max, 7);
    ts_table_num(table, total, 12);
}

static enum ts_status print_tokens(const struct ts_trace_stats *stats)
{
    static const char *const headers[] = {"", "mean", "p50", "p90", "p99", "max", "total"};
    struct ts_table *table = ts_table_create("Tokens a request");
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 1);
    put_quantiles(table, "prompt", &stats->prompt_tok, stats->prompt_total_tok);
    put_quantiles(table, "output", &stats->output_tok, stats->output_total_tok);
    return ts_print_table(table, TS_TABLE_TEXT);
}

static enum ts_status print_head(const char *path, const struct ts_trace_stats *stats,
                                 const struct ts_request_stream *stream)
{
    const struct ts_trace_counts counts = ts_trace_counts(stream);
    struct ts_text head;
    ts_text_init(&head);
    ts_text_puts(&head, "requests ");
    ts_text_number(&head, (double)stats->n_requests, 12);
    ts_text_puts(&head, " over ");
    ts_text_number(&head, stats->duration_s / 60.0, 4);
    ts_text_puts(&head, " min");
    if (isfinite(stats->rate_per_s)) {
        ts_text_puts(&head, ", ");
        ts_text_number(&head, stats->rate_per_s, 4);
        ts_text_puts(&head, " /s");
    }
    if (isfinite(stats->gap_cv)) {
        ts_text_puts(&head, ", CV of gaps ");
        ts_text_number(&head, stats->gap_cv, 4);
    }
    ts_text_printf(&head, "\nrows read %llu = kept %llu + dropped %llu", (unsigned long long)counts.n_rows,
                   (unsigned long long)counts.n_kept, (unsigned long long)counts.n_dropped);
    if (counts.n_dropped > 0) {
        ts_text_puts(&head, ": ");
        ts_trace_counts_tell(&head, &counts);
    }
    ts_text_puts(&head, "\n\n");
    ts_trace_tell(&head, stream);
    const bool failed = head.failed;
    printf("%s\n%s\n", path, head.data);
    ts_text_deinit(&head);
    return failed ? TS_ENOMEM : TS_OK;
}

static enum ts_status print_drawings(const struct ts_trace_shape *shape, const struct ts_trace_stats *stats)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_trace_draw(&text, shape, stats);
    const bool failed = text.failed;
    (void)fputs(failed ? "" : text.data, stdout);
    ts_text_deinit(&text);
    return failed ? TS_ENOMEM : TS_OK;
}

/* All that is told of a trace. */
struct told {
    struct ts_trace_stats stats;
    struct ts_trace_shape shape;
};

static enum ts_status print_info(const char *path, const struct told *told, const struct ts_request_stream *stream)
{
    enum ts_status status = print_head(path, &told->stats, stream);
    if (status == TS_OK) {
        status = print_rates(&told->stats);
    }
    if (status == TS_OK) {
        status = print_tokens(&told->stats);
    }
    return status == TS_OK ? print_drawings(&told->shape, &told->stats) : status;
}

struct trace_info_args {
    struct ts_trace_args trace;
    const char *out;
};

static const struct trace_info_args defaults = {.trace.format = "auto"};

static const struct ts_option options[] = {
    TS_TRACE_ARGS_OPTIONS(struct trace_info_args, trace),
    {"out", 'o', TS_INTO(struct trace_info_args, out), "FOLDER",
     "also draw it with gnuplot: rate, week, tokens, burstiness, prefix reuse, sessions, as .png, .svg and .csv"},
};

static enum ts_status collect(void *user, struct ts_request_stream *stream, struct ts_diags *diags)
{
    struct told *told = user;
    return ts_trace_shape_collect(&told->shape, &told->stats, stream, diags);
}

static enum ts_status tell(const struct trace_info_args *args, const struct told *told,
                           const struct ts_request_stream *stream, struct ts_diags *diags)
{
    struct ts_progress_line line = {.quiet = true};
    const struct ts_progress progress = ts_progress_line_of(&line);
    const struct ts_trace_counts counts = ts_trace_counts(stream);
    enum ts_status status = print_info(args->trace.file, told, stream);
    if (counts.was_sorted || counts.naive_line > 0 || counts.grouped_line > 0 || counts.header_line > 0 ||
        counts.tick_ns > 0) {
        ts_trace_counts_warn(&(struct ts_trace_counts){.was_sorted = counts.was_sorted,
                                                       .late_line = counts.late_line,
                                                       .naive_line = counts.naive_line,
                                                       .grouped_line = counts.grouped_line,
                                                       .header_line = counts.header_line,
                                                       .tick_ns = counts.tick_ns},
                             args->trace.file, diags);
    }
    if (status == TS_OK && args->out) {
        ts_interrupt_arm();
        status = ts_trace_charts(args->out, &told->shape, &told->stats, &progress, diags);
        printf("%s%s\n", status == TS_OK ? "drawings: " : "", status == TS_OK ? args->out : "");
    }
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct trace_info_args *args = untyped;
    struct ts_trace_options how = {.format = args->trace.format};
    struct ts_request_stream *stream = NULL;
    struct told *told = ts_arena_alloc(arena, sizeof *told);
    if (!told) {
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    enum ts_status status = ts_trace_args_map(&how.map, args->trace.map, arena, diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_trace_args_read(&stream, args->trace.file, &how, &(struct ts_trace_consumer){collect, told}, diags);
    if (status == TS_OK) {
        status = tell(args, told, stream, diags);
        ts_trace_shape_deinit(&told->shape);
        ts_trace_stats_deinit(&told->stats);
    }
    ts_request_stream_destroy(stream);
    return status;
}

const struct ts_command ts_command_trace_info = {
    .name = "trace info",
    .summary = "Describe a request trace: rates, burstiness, tokens, prefix reuse, sessions",
    .examples = "  tiersim trace info traces/samples/azure-like.csv\n"
                "  tiersim trace info AzureLLMInferenceTrace_conv.csv --out conv-drawn\n"
                "  tiersim trace info export.csv --map time='Request Start',in=Prompt_Tokens,out=Completion_Tokens\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
